//! Panics in the way that its argument names.

#![no_std]
#![no_main]

use core::fmt;
use core::hint::black_box;

use freestand::env::Args;
use freestand::print;

freestand::entry!(main);

/// Panics when it is shown.
struct Unshowable;

impl fmt::Display for Unshowable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("cannot be shown");
    }
}

fn main(mut args: Args) {
    let (nine, digits) = (black_box(9), black_box([1, 2, 3]));
    match args.nth(1).map(|way| way.to_bytes()) {
        Some(b"text") => panic!("just text"),
        Some(b"formatted") => panic!("{nine} is {:#x}", nine + 1),
        Some(b"long") => panic!("{:>1500}", "the end"),
        Some(b"index") => drop(black_box(digits[nine])),
        Some(b"overflow") => drop(black_box(black_box(250_u8) + nine as u8)),
        Some(b"display") => panic!("{}", Unshowable),
        Some(b"printed") => {
            print!("printed before; ");
            panic!("just text after")
        }
        _ => {}
    }
}
