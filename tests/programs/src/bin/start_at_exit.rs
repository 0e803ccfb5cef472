//! As many exit handlers as there may be, and one more.

#![no_std]
#![no_main]

use freestand::print;
use freestand::process::{AT_EXIT_MAX, at_exit};
use freestand::sys::Errno;

freestand::entry!(main);

fn main() {
    for _ in 0..AT_EXIT_MAX {
        at_exit(|| print!("x")).unwrap();
    }
    assert_eq!(at_exit(|| print!("y")), Err(Errno::ENOMEM));
}
