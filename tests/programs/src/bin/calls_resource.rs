//! Limits, usage, scheduling, random bytes.

#![no_std]
#![no_main]

freestand::entry!(main);

fn main() {}
