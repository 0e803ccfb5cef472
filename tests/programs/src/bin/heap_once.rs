//! Allocates once. Beside `heap_never`, it shows what that costs.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use core::hint::black_box;

use freestand::env::Args;

freestand::entry!(main);

fn main(args: Args) -> i32 {
    let count = Box::new(args.len());
    if *count == 77 {
        panic!("{count} arguments");
    }
    *black_box(&*count) as i32
}
