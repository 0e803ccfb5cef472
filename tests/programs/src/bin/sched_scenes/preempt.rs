//! Tasks that are turned out by a signal, and other signals.

use core::cell::Cell;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

use freestand::sys::{
    ItimerWhich, Itimerval, SaFlags, SigHandler, SigInfo, Signal, Timeval, UContext, setitimer,
};
use freestand::task::{self, sched};
use freestand::{signal, sys};

use crate::support::{MS, compute_for, handle, sleep_in_kernel, tid, until};

freestand::thread_local! {
    /// Whose the thread is just now, and how often it was somebody's.
    static WHOSE: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// What comes of computing with integers, floating-point numbers and arrays of them: it calls
/// nothing.
#[inline(never)]
fn checksum(seed: usize) -> (u64, u64, [u32; 16]) {
    let mut integer = seed as u64 | 1;
    let mut float = seed as f64;
    let mut vector = [seed as u32; 16];
    for round in 0..20_000_u32 {
        integer = integer
            .wrapping_mul(6_364_136_223_846_793_005)
            .rotate_left(round & 63)
            ^ 0x9e37;
        float = float * 1.000_000_3 + 1.0 / (1.0 + f64::from(round));
        for (index, lane) in vector.iter_mut().enumerate() {
            *lane = lane
                .wrapping_mul(1_664_525)
                .wrapping_add(index as u32 ^ round);
        }
    }
    (integer, float.to_bits(), vector)
}

/// Four tasks compute on one processor without a call. Each comes to run, and what it computes
/// is not changed by the others; nor is what it has borrowed of its thread.
pub fn compute(rounds: usize) {
    const TASKS: usize = 4;
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    let before = sched::stats().turned_out;
    task::scope(|scope| {
        for index in 1..=TASKS {
            scope.spawn(move || {
                let expected = checksum(index);
                BEGUN.fetch_add(1, SeqCst);
                let mut done = 0;
                while done < rounds || BEGUN.load(SeqCst) < TASKS {
                    assert_eq!(black_box(checksum(black_box(index))), expected);
                    WHOSE.with(|whose| {
                        let (_, count) = whose.get();
                        whose.set((index, count));
                        let here = tid();
                        black_box(checksum(black_box(done)));
                        assert_eq!(whose.get(), (index, count), "another has run in between");
                        assert_eq!(tid(), here, "it went on elsewhere");
                        whose.set((0, count + 1));
                    });
                    done += 1;
                }
            });
        }
    });
    assert!(sched::stats().turned_out > before, "nobody was turned out");
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// Has SIGALRM come so often.
fn alarm_every(interval_us: i64) {
    let tick = Timeval {
        tv_sec: 0,
        tv_usec: interval_us,
    };
    let ticks = Itimerval {
        it_interval: tick,
        it_value: tick,
    };
    setitimer(ItimerWhich::REAL, &ticks).expect("the time is one");
}

/// Signals are handled while tasks compute and are turned out, on the tasks' stacks and on the
/// threads' alternate ones; handlers that take long are not turned out, and the threads' masks
/// are what they were.
pub fn handlers() {
    extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {
        let here = tid();
        // Now and then longer than a task may run.
        if HANDLED.fetch_add(1, Relaxed).is_multiple_of(16) {
            compute_for(15 * MS);
        }
        assert_eq!(tid(), here, "a handler went on elsewhere");
    }

    signal::report_stack_overflow().expect("nobody else handles SIGSEGV");
    let mask = signal::mask();
    for flags in [SaFlags::RESTART, SaFlags::RESTART | SaFlags::ONSTACK] {
        handle(Signal::ALRM, SigHandler::Function(handler), flags);
        let before = sched::stats().turned_out;
        HANDLED.store(0, Relaxed);
        alarm_every(3000);
        let is_over = AtomicBool::new(false);
        task::scope(|scope| {
            for index in 1..=4 {
                let is_over = &is_over;
                scope.spawn(move || {
                    let expected = checksum(index);
                    while !is_over.load(Relaxed) {
                        assert_eq!(black_box(checksum(black_box(index))), expected);
                        assert_eq!(signal::mask(), mask);
                    }
                });
            }
            until(|| HANDLED.load(Relaxed) > 40 && sched::stats().turned_out > before + 4);
            is_over.store(true, Relaxed);
        });
        alarm_every(0);
    }
}

/// A handler that makes calls which take long enough for the processor to be taken comes back on
/// the thread that it began on, whose mask it has changed, and others run meanwhile.
pub fn handler_calls(rounds: usize) {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    static OTHERS_RAN: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {
        let here = tid();
        let before = STEPS.load(Relaxed);
        sleep_in_kernel(2 * MS);
        assert_eq!(tid(), here, "a handler went on elsewhere");
        if STEPS.load(Relaxed) > before {
            OTHERS_RAN.fetch_add(1, Relaxed);
        }
        HANDLED.fetch_add(1, SeqCst);
    }

    signal::report_stack_overflow().expect("nobody else handles SIGSEGV");
    let mask = signal::mask();
    task::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !IS_OVER.load(Relaxed) {
                    STEPS.fetch_add(1, Relaxed);
                    compute_for(MS / 10);
                    task::yield_now();
                }
            });
        }
        for flags in [SaFlags::RESTART, SaFlags::RESTART | SaFlags::ONSTACK] {
            handle(Signal::USR1, SigHandler::Function(handler), flags);
            HANDLED.store(0, SeqCst);
            for round in 0..rounds {
                sys::tgkill(sys::getpid(), tid(), Signal::USR1).expect("the thread is there");
                while HANDLED.load(SeqCst) <= round {
                    task::yield_now();
                }
                // Stopped in a handler, the world goes on as well.
                drop(sched::stop_the_world());
            }
        }
        // Each thread that runs tasks holds back what it did before.
        for _ in 0..20 {
            let mask = &mask;
            scope.spawn(move || {
                assert_eq!(signal::mask(), *mask);
                sleep_in_kernel(5 * MS);
                assert_eq!(signal::mask(), *mask);
            });
        }
        IS_OVER.store(true, Relaxed);
    });
    assert!(
        OTHERS_RAN.load(Relaxed) > 0,
        "a handler's call kept its processor"
    );
}
