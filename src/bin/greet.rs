//! The same with `println!`, which buffers, goes on after a short write, and
//! flushes at exit.

#![no_std]
#![no_main]

use freestand::println;

freestand::entry!(main);

fn main() {
    println!("Hello, world!");
}
