//! Prints integers of every type without core's formatting.

#![no_std]
#![no_main]

use freestand::io::{decimal, hex, print_str};
use freestand::{print, println};

freestand::entry!(main);

macro_rules! print_limits {
    ($($type:ident)*) => {$(
        print!(concat!(stringify!($type), ":"));
        for value in [$type::MIN, $type::MAX, $type::MAX / 3] {
            print!(" ");
            print_str(decimal(value).as_str());
            print!(" ");
            print_str(hex(value).as_str());
        }
        println!();
    )*};
}

fn main() {
    print_limits!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);
}
