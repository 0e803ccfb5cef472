//! Prints something that stays in standard output's buffer, and ends in the way
//! that its argument names.

#![no_std]
#![no_main]

use core::hint::black_box;

use freestand::env::Args;
use freestand::{print, process};

freestand::entry!(main);

fn main(mut args: Args) -> i32 {
    print!("still buffered");
    match args.nth(1).map(|way| way.to_bytes()) {
        Some(b"exit") => process::exit(300),
        Some(b"_exit") => process::_exit(300),
        Some(b"abort") => process::abort(),
        Some(b"nested") => nest(black_box(100)),
        _ => 44,
    }
}

/// Exits from under `depth` calls, each with a frame of its own.
#[inline(never)]
fn nest(depth: u32) -> i32 {
    let mut frame = [depth as u8; 24];
    black_box(&mut frame);
    if depth == 0 {
        process::exit(300);
    }
    // Not the call alone: that could become a jump.
    nest(depth - 1) + i32::from(frame[0])
}
