//! Is `heap_once` without an allocation.

#![no_std]
#![no_main]

use core::hint::black_box;

use freestand::env::Args;

freestand::entry!(main);

fn main(args: Args) -> i32 {
    let count = args.len();
    if count == 77 {
        panic!("{count} arguments");
    }
    *black_box(&count) as i32
}
