//! `fn main(args: Args) -> Result<(), E>`: an error if there are arguments.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::sys::Errno;

freestand::entry!(main);

fn main(args: Args) -> Result<(), Errno> {
    match args.len() {
        1 => Ok(()),
        _ => Err(Errno::E2BIG),
    }
}
