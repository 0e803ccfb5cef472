//! Standard input, output and error, what stands on descriptors, and `cat`.

mod buffering;
mod buffers;
mod cat;
mod copies;
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
        buffers::CASES,
        copies::CASES,
    ];
    harness::run(&cases.concat())
}
