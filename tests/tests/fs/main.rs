//! Files and directories.

mod faults;
mod like_std;
mod many;
mod support;
mod whole;

use std::process::ExitCode;

use freestand_tests::harness;

fn main() -> ExitCode {
    let cases = [whole::CASES, like_std::CASES, many::CASES, faults::CASES];
    harness::run(&cases.concat())
}
