//! `fn main() -> Result<(), E>`: an error if there are arguments.

#![no_std]
#![no_main]

use freestand::env;

freestand::entry!(main);

#[derive(Debug)]
#[allow(dead_code, reason = "Debug is what reads it")]
enum Failure {
    Arguments { left_over: usize },
}

fn main() -> Result<(), Failure> {
    match env::args().skip(1).count() {
        0 => Ok(()),
        left_over => Err(Failure::Arguments { left_over }),
    }
}
