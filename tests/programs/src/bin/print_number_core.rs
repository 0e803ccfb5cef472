//! Prints a number by core's formatting: three programs that do the same show what each costs.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::println;

freestand::entry!(main);

fn main(args: Args) {
    println!("n = {}", args.len());
}
