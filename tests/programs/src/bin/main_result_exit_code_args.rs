//! `fn main(args: Args) -> Result<ExitCode, E>`: an error if there are arguments.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::process::ExitCode;

freestand::entry!(main);

fn main(args: Args) -> Result<ExitCode, usize> {
    match args.len() {
        1 => Ok(ExitCode::from(6)),
        many => Err(many),
    }
}
