//! The smallest program that says something: one system call to say it, one to
//! leave.

#![no_std]
#![no_main]

use freestand::process::ExitCode;
use freestand::sys::{self, STDOUT};

freestand::entry!(main);

fn main() -> ExitCode {
    match sys::write(STDOUT, b"Hello, world!\n") {
        Ok(14) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
