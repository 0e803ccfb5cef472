//! `fn main(args: Args) -> ExitCode`: the number of arguments.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::process::ExitCode;

freestand::entry!(main);

fn main(args: Args) -> ExitCode {
    ExitCode::from(args.len() as u8)
}
