//! `fn main() -> Result<ExitCode, E>`: an error if there are arguments.

#![no_std]
#![no_main]

use freestand::env;
use freestand::process::ExitCode;

freestand::entry!(main);

fn main() -> Result<ExitCode, &'static str> {
    match env::args().len() {
        1 => Ok(ExitCode::from(5)),
        _ => Err("too many"),
    }
}
