//! Frees what it must not, in the way that the first argument says, and prints the address
//! before.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::alloc::{alloc, dealloc, realloc};
use core::alloc::Layout;
use core::hint::black_box;

use freestand::env::Args;
use freestand::io::{self, Write};
use freestand::println;
use freestand::process::ExitCode;

freestand::entry!(main);

fn main(mut args: Args) -> ExitCode {
    let way = args.nth(1).map_or(&b""[..], |arg| arg.to_bytes());
    let size = match way.rsplit(|&byte| byte == b'-').next() {
        Some(b"small") => 100,
        Some(b"middle") => 50_000,
        _ => 1 << 20,
    };
    let layout = Layout::from_size_align(size, 1).unwrap();
    let mut other = [0_u64; 20];
    // SAFETY: it is not: that is what this is for.
    unsafe {
        let block = alloc(layout);
        let neighbour = alloc(layout);
        println!("{block:p} {:p}", &raw mut other);
        let _ = io::stdout().flush();
        match way.split(|&byte| byte == b'-').next() {
            Some(b"double") => {
                dealloc(black_box(block), layout);
                dealloc(black_box(neighbour), layout);
                dealloc(black_box(block), layout);
            }
            Some(b"foreign") => dealloc(black_box((&raw mut other).cast()), layout),
            Some(b"inside") => dealloc(black_box(block.add(8)), layout),
            Some(b"realloc") => {
                dealloc(black_box(block), layout);
                black_box(realloc(black_box(block), layout, 3 * size));
            }
            Some(b"write") => {
                // After it is freed: the links of both are what it overwrites.
                dealloc(black_box(block), layout);
                dealloc(black_box(neighbour), layout);
                neighbour
                    .cast::<usize>()
                    .write_volatile((&raw mut other).addr());
                let first = black_box(alloc(layout));
                let second = black_box(alloc(layout));
                println!("{first:p} {second:p}");
            }
            _ => return ExitCode::FAILURE,
        }
    }
    ExitCode::SUCCESS
}
