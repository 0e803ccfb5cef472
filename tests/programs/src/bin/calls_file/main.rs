//! Descriptors and files: opening, reading, writing, moving, locking.

#![no_std]
#![no_main]

mod common;
mod contents;
mod descriptors;
mod locks;
mod opening;
mod pipes;

use freestand::sys::{self, Mode};

freestand::entry!(main);

fn main() {
    sys::umask(Mode::empty());
    opening::all();
    contents::all();
    pipes::all();
    descriptors::all();
    locks::all();
}
