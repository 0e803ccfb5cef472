//! Calls each function of the vDSO once, and then many times. Between the kinds it asks
//! for its parent's id, for whoever counts the system calls.

#![no_std]
#![no_main]

use freestand::sys::{self, Clock, GrndFlags};
use freestand::time::{self, Instant, SystemTime};
use freestand::{random, thread};

freestand::entry!(main);

fn main() {
    let mut bytes = [0; 16];
    let functions: [(u32, &mut dyn FnMut()); 5] = [
        (1000, &mut || {
            let _ = Instant::now();
        }),
        (100, &mut || {
            let _ = SystemTime::now();
        }),
        (100, &mut || {
            time::clock_getres(Clock::MONOTONIC).expect("every kernel has it");
        }),
        (100, &mut || {
            thread::getcpu().expect("every kernel has it");
        }),
        (100, &mut || {
            random::getrandom(&mut bytes, GrndFlags::empty()).expect("every kernel has it");
        }),
    ];
    for (times, function) in functions {
        function();
        sys::getppid();
        for _ in 0..times {
            function();
        }
        sys::getppid();
    }
}
