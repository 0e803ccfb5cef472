//! What the vDSO says is what the system calls say. Prints what the clocks said, for the
//! test to compare with what they say to it.

#![no_std]
#![no_main]

use core::fmt::Debug;

use freestand::sys::{self, Clock, Errno, GrndFlags};
use freestand::time::{self, Duration, Instant, SystemTime, UNIX_EPOCH};
use freestand::{println, random, thread};

freestand::entry!(main);

/// The clocks that only go forward, as long as nobody sets one.
const CLOCKS: [Clock; 10] = [
    Clock::REALTIME,
    Clock::MONOTONIC,
    Clock::PROCESS_CPUTIME_ID,
    Clock::THREAD_CPUTIME_ID,
    Clock::MONOTONIC_RAW,
    Clock::REALTIME_COARSE,
    Clock::MONOTONIC_COARSE,
    Clock::BOOTTIME,
    Clock::TAI,
    // The process's own processor time, as clock_getcpuclockid(3) makes it of pid 0.
    Clock(-6),
];
/// Between the clocks that there are and the auxiliary ones of new kernels, and far from
/// any.
const NO_CLOCKS: [Clock; 2] = [Clock(15), Clock(i32::MAX)];

fn main() {
    for clock in CLOCKS {
        for _ in 0..100 {
            between(
                || sys::clock_gettime(clock).expect("every kernel has it"),
                || time::clock_gettime(clock).expect("every kernel has it"),
            );
        }
        assert_eq!(time::clock_getres(clock), sys::clock_getres(clock));
    }
    for clock in NO_CLOCKS {
        assert_eq!(time::clock_gettime(clock), Err(Errno::EINVAL));
        assert_eq!(time::clock_getres(clock), sys::clock_getres(clock));
    }
    between(
        || sys::gettimeofday().expect("it cannot fail"),
        || time::gettimeofday().expect("it cannot fail"),
    );

    between(Instant::now, Instant::now);
    let begin = Instant::now();
    let mut last = begin;
    for _ in 0..10_000 {
        let now = Instant::now();
        assert!(now >= last);
        last = now;
    }
    assert!(begin.elapsed() >= last - begin);
    time::sleep(Duration::from_millis(2));
    assert!(begin.elapsed() >= Duration::from_millis(2));

    processors();
    randomness();

    let monotonic = time::clock_gettime(Clock::MONOTONIC).expect("every kernel has it");
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).expect("1970 is long ago");
    println!("{} {}", monotonic.tv_sec, monotonic.tv_nsec);
    println!("{} {}", since.as_secs(), since.subsec_nanos());
}

/// What `ours` says comes after what `theirs` says before, and before what `theirs` says
/// after.
#[track_caller]
fn between<T: PartialOrd + Debug>(theirs: impl Fn() -> T, ours: impl Fn() -> T) {
    let (before, now, after) = (theirs(), ours(), theirs());
    assert!(
        before <= now && now <= after,
        "{before:?}, {now:?}, {after:?}"
    );
}

/// A thread may move at any time, but not at each.
fn processors() {
    let theirs = || {
        let (mut cpu, mut node) = (u32::MAX, u32::MAX);
        sys::getcpu(Some(&mut cpu), Some(&mut node)).expect("every kernel has it");
        (cpu, node)
    };
    assert!((0..1000).any(|_| {
        let (before, now, after) = (theirs(), thread::getcpu(), theirs());
        before == after && now == Ok(before)
    }));
}

fn randomness() {
    let mut all = [[0; 64]; 16];
    for (length, bytes) in (49..).zip(&mut all) {
        let bytes = &mut bytes[..length];
        let filled = random::getrandom(bytes, GrndFlags::empty());
        assert_eq!(filled, Ok(length), "256 bytes and less come whole");
    }
    for (index, bytes) in all.iter().enumerate() {
        // Of 49 bytes and more, chance makes none like others.
        assert!(!all[..index].contains(bytes));
        assert!(bytes[..32] != [0; 32] && bytes[17..49] != [0; 32]);
        assert!(
            bytes[49 + index..].iter().all(|&byte| byte == 0),
            "too many"
        );
    }
    let mut large = [0; 100_000];
    random::fill(&mut large).expect("every kernel has it");
    assert!(large.chunks(1000).all(|bytes| bytes != [0; 1000]));
    assert_eq!(random::getrandom(&mut [], GrndFlags::empty()), Ok(0));
    let wrong = GrndFlags::RANDOM | GrndFlags::INSECURE;
    assert_eq!(random::getrandom(&mut [0; 8], wrong), Err(Errno::EINVAL));
}
