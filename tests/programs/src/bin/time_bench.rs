//! Times the functions of the vDSO and the system calls in their place, for
//! `benches/time.rs`: prints a name and nanoseconds for each, in thousandths.

#![no_std]
#![no_main]

use core::hint::black_box;

use freestand::sys::{self, Clock, GrndFlags};
use freestand::time::{self, Instant};
use freestand::{println, random, thread};

freestand::entry!(main);

fn main() {
    let mut bytes = [0; 16];
    measure("clock_gettime", Instant::now);
    measure("clock_gettime, system call", || {
        sys::clock_gettime(Clock::MONOTONIC)
    });
    measure("clock_getres", || time::clock_getres(Clock::MONOTONIC));
    measure("clock_getres, system call", || {
        sys::clock_getres(Clock::MONOTONIC)
    });
    measure("getcpu", thread::getcpu);
    measure("getcpu, system call", || {
        let mut cpu = 0;
        sys::getcpu(Some(&mut cpu), None).map(|()| cpu)
    });
    measure("getrandom", || {
        random::getrandom(&mut bytes, GrndFlags::empty())
    });
    measure("getrandom, system call", || {
        sys::getrandom(&mut bytes, GrndFlags::empty())
    });
}

/// Calls `function` often, after once.
fn measure<T>(name: &str, mut function: impl FnMut() -> T) {
    const TIMES: u64 = 200_000;
    black_box(function());
    let begin = Instant::now();
    for _ in 0..TIMES {
        black_box(function());
    }
    let picoseconds = begin.elapsed().as_nanos() as u64 * 1000 / TIMES;
    println!("{name}: {picoseconds}");
}
