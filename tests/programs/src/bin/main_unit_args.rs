//! `fn main(args: Args)`.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::println;

freestand::entry!(main);

fn main(args: Args) {
    println!("main ran with {}", args.len());
}
