//! Sockets.

#![no_std]
#![no_main]

freestand::entry!(main);

fn main() {}
