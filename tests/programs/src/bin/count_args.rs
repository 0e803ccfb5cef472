//! Counts the arguments and their bytes, once forwards and once backwards.

#![no_std]
#![no_main]

use core::ffi::CStr;

use freestand::env::Args;
use freestand::println;

freestand::entry!(main);

fn main(args: Args) {
    let forwards = count(args.clone());
    let backwards = count(args.rev());
    println!("{} arguments, {} bytes", forwards.0, forwards.1);
    println!("{} arguments, {} bytes", backwards.0, backwards.1);
}

fn count<'a>(args: impl Iterator<Item = &'a CStr>) -> (usize, usize) {
    args.fold((0, 0), |(n, bytes), arg| (n + 1, bytes + arg.count_bytes()))
}
