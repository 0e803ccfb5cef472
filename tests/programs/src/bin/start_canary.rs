//! A canary, and what happens to a function that does not keep it: `fill N` writes N bytes
//! into an array of 16.

#![no_std]
#![no_main]

use core::ffi::c_ulong;
use core::sync::atomic::{AtomicUsize, Ordering};

use freestand::env::Args;
use freestand::{print, println};

freestand::entry!(main);

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the object's name for it")]
static length: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    fn look(words: *mut c_ulong, count: c_ulong);
    fn fill();
}

fn main(mut args: Args) {
    let mut words = [0; 8];
    // SAFETY: it reads its own frame, and writes to as many words as it is told.
    unsafe { look(words.as_mut_ptr(), 8) };
    match args.nth(1).and_then(|arg| arg.to_str().ok()) {
        None => words.iter().for_each(|word| println!("{word:x}")),
        Some(count) => {
            length.store(count.parse().unwrap(), Ordering::Relaxed);
            print!("filled: ");
            // SAFETY: none: up to 16 bytes are right, more are what the canary is for.
            unsafe { fill() };
            println!("well");
        }
    }
}
