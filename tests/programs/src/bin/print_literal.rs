//! Prints a literal of as many bytes as its argument says: what standard output's
//! buffer holds, one more, and much more.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::print;

freestand::entry!(main);

macro_rules! eight {
    ($text:expr) => {
        concat!($text, $text, $text, $text, $text, $text, $text, $text)
    };
}

macro_rules! kib_8 {
    () => {
        eight!(eight!(eight!("0123456789abcde\n")))
    };
}

fn main(mut args: Args) {
    match args.nth(1).map(|arg| arg.to_bytes()) {
        Some(b"8192") => print!(kib_8!()),
        Some(b"8193") => print!(concat!(kib_8!(), "!")),
        Some(b"24577") => print!(concat!(kib_8!(), kib_8!(), kib_8!(), "!")),
        other => panic!("there is no literal of {other:?} bytes"),
    }
}
