//! Prints a number by digits alone: three programs that do the same show what each costs.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::io::{decimal, print_str};
use freestand::{print, println};

freestand::entry!(main);

fn main(args: Args) {
    print!("n = ");
    print_str(decimal(args.len()).as_str());
    println!();
}
