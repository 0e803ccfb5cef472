//! Four threads come to the first call of each function of the vDSO at once.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use freestand::time::{Instant, SystemTime};
use freestand::{random, sys, thread};

freestand::entry!(main);

const THREADS: usize = 4;
const ROUNDS: usize = 200;

/// How many threads are ready.
static READY: AtomicU32 = AtomicU32::new(0);

fn main() {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(read_clocks);
        }
    });
}

fn read_clocks() {
    READY.fetch_add(1, SeqCst);
    while READY.load(SeqCst) < THREADS as u32 {
        sys::sched_yield();
    }
    let mut last = Instant::now();
    let mut previous = [0; 32];
    for _ in 0..ROUNDS {
        let now = Instant::now();
        assert!(now >= last);
        last = now;
        let _ = (
            SystemTime::now(),
            thread::getcpu().expect("every kernel has it"),
        );
        let mut bytes = [0; 32];
        random::fill(&mut bytes).expect("every kernel has it");
        assert!(bytes != previous);
        previous = bytes;
    }
}
