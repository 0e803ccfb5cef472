//! Panics in a second thread, while the first sleeps for ever, or with an argument
//! panics too.

#![no_std]
#![no_main]

use core::sync::atomic::AtomicU32;

use freestand::env::Args;
use freestand::sys;

#[allow(dead_code, reason = "it waits for no thread to end")]
#[path = "../threads.rs"]
mod threads;

freestand::entry!(main);

/// Nobody changes it, and nobody wakes who waits for that.
static NEVER: AtomicU32 = AtomicU32::new(0);

fn main(args: Args) {
    threads::start(1, |_| panic!("in the second thread"));
    if args.len() > 1 {
        panic!("in the first thread");
    }
    loop {
        let _ = sys::futex_wait(&NEVER, 0);
    }
}
