//! Writes a line.

#![no_std]
#![no_main]

extern crate tiny_std;

use rusl::{platform::STDOUT, unistd};

#[unsafe(no_mangle)]
fn main() -> i32 {
    let _ = unistd::write(STDOUT, b"Hello, world!\n");
    0
}
