//! Prints a number by ufmt's formatting: three programs that do the same show what each costs.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::io::stdout;
use ufmt::uwriteln;

freestand::entry!(main);

fn main(args: Args) {
    let _ = uwriteln!(stdout(), "n = {}", args.len());
}
