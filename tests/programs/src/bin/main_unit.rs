//! `fn main()`.

#![no_std]
#![no_main]

use freestand::println;

freestand::entry!(main);

fn main() {
    println!("main ran");
}
