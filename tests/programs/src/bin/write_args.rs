//! Writes each argument after the first, and a NUL after each.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::io::{self, Write};
use freestand::sys::Errno;

freestand::entry!(main);

fn main(args: Args) -> Result<(), Errno> {
    for arg in args.skip(1) {
        io::stdout().write_all(arg.to_bytes_with_nul())?;
    }
    io::stdout().flush()
}
