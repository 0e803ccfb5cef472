//! Standard input, output and error, and `cat`.

mod buffering;
mod cat;
mod failures;
mod faults;
mod printing;
mod support;

use std::process::ExitCode;

use freestand_tests::harness;

fn main() -> ExitCode {
    let cases = [
        printing::CASES,
        buffering::CASES,
        failures::CASES,
        faults::CASES,
        cat::CASES,
    ];
    harness::run(&cases.concat())
}
