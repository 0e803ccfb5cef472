//! `fn main() -> i32`.

#![no_std]
#![no_main]

freestand::entry!(main);

fn main() -> i32 {
    256 + 7
}
