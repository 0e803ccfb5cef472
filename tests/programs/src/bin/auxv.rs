//! The auxiliary vector by its accessors and variants.

#![no_std]
#![no_main]

use freestand::env::{self, Aux};
use freestand::println;

freestand::entry!(main);

fn main() {
    println!("page size: {:?}", env::auxv().page_size());
    println!("execfn: {:?}", env::auxv().execfn());
    println!("random: {:x?}", env::auxv().random());
    for entry in env::auxv() {
        match entry {
            Aux::Entry(address) => println!("entry: {address:p}"),
            Aux::Phdr(address) => {
                // SAFETY: the program headers are in memory, and the first begins
                // with its type.
                let kind = unsafe { address.cast::<u32>().read() };
                println!("phdr: {address:p} of type {kind:#x}");
            }
            _ => {}
        }
    }
}
