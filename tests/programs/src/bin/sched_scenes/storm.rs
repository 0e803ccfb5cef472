//! Everything at once.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

use freestand::println;
use freestand::sys::{
    ItimerWhich, Itimerval, SaFlags, SigHandler, SigInfo, Signal, Timeval, UContext, setitimer,
};
use freestand::task::{self, channel, sched};
use freestand::time::{Duration, Instant};

use crate::support::{MS, Pipe, Random, call, compute_for, handle, sleep_in_kernel, tid};

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {
    let here = tid();
    let count = SIGNALS.fetch_add(1, Relaxed);
    // Some make calls.
    if count.is_multiple_of(8) {
        call();
    }
    assert_eq!(tid(), here, "a handler went on elsewhere");
}

/// For so many milliseconds tasks do one thing after another. Values that they send are
/// received, each once; those that are made end.
pub fn storm(milliseconds: usize) {
    const SENDERS: usize = 12;
    handle(
        Signal::ALRM,
        SigHandler::Function(handler),
        SaFlags::RESTART,
    );
    let tick = Timeval {
        tv_sec: 0,
        tv_usec: 1700,
    };
    let ticks = Itimerval {
        it_interval: tick,
        it_value: tick,
    };
    setitimer(ItimerWhich::REAL, &ticks).expect("the time is one");
    let before = sched::processors();
    let begun = Instant::now();
    let duration = Duration::from_millis(milliseconds as u64);
    let is_over = AtomicBool::new(false);
    let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (made, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let locked = task::Mutex::new(0_usize);
    let locks = AtomicUsize::new(0);
    let pipe = Pipe::new();
    let (sender, receiver) = channel::bounded::<usize>(8);
    task::scope(|scope| {
        for _ in 0..3 {
            let (receiver, received) = (receiver.clone(), &received);
            scope.spawn(move || {
                while let Ok(value) = receiver.recv() {
                    received.fetch_add(value, Relaxed);
                }
            });
        }
        drop(receiver);
        // Whoever waits in the kernel for a byte gets one.
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                sleep_in_kernel(MS);
                pipe.put(4);
            }
            // For all that may wait still.
            pipe.put(SENDERS);
        });
        for index in 0..SENDERS {
            let sender = sender.clone();
            let (is_over, sent, made, ended) = (&is_over, &sent, &made, &ended);
            let (locked, locks, pipe) = (&locked, &locks, &pipe);
            scope.spawn(move || {
                let mut random = Random(index as u64 + 1);
                while !is_over.load(Relaxed) {
                    match random.below(16) {
                        0..=2 => {
                            let value = random.below(1000);
                            sender.send(value).expect("there are receivers");
                            sent.fetch_add(value, Relaxed);
                        }
                        3 => task::sleep(Duration::from_micros(random.below(800) as u64)),
                        4 => sleep_in_kernel(Duration::from_micros(random.below(800) as u64)),
                        5 => compute_for(Duration::from_micros(random.below(400) as u64)),
                        6 if random.below(50) == 0 => compute_for(15 * MS),
                        7 => {
                            made.fetch_add(3, Relaxed);
                            task::scope(|scope| {
                                for _ in 0..3 {
                                    scope.spawn(|| {
                                        call();
                                        ended.fetch_add(1, Relaxed);
                                    });
                                }
                            });
                        }
                        8 => {
                            *locked.lock() += 1;
                            locks.fetch_add(1, Relaxed);
                        }
                        9 => {
                            let locked = task::lock_thread();
                            let here = tid();
                            sleep_in_kernel(MS / 20);
                            task::yield_now();
                            assert_eq!(tid(), here, "a locked task went on elsewhere");
                            drop(locked);
                        }
                        10 if random.below(4) == 0 => {
                            // It ends with its thread.
                            made.fetch_add(1, Relaxed);
                            let task = task::spawn(|| core::mem::forget(task::lock_thread()));
                            task.join().unwrap();
                            ended.fetch_add(1, Relaxed);
                        }
                        11 if random.below(8) == 0 => {
                            sched::set_processors([1, 2, 3, 4, before][random.below(5)]);
                        }
                        12 if random.below(4) == 0 => {
                            let stopped = sched::stop_the_world();
                            let before = (sent.load(SeqCst), made.load(SeqCst));
                            compute_for(MS / 50);
                            assert_eq!((sent.load(SeqCst), made.load(SeqCst)), before);
                            drop(stopped);
                        }
                        13 => drop(sched::try_stop_the_world(Duration::ZERO)),
                        14 => pipe.take(),
                        15 => task::block_in_place(|| {
                            call();
                            compute_for(MS / 20);
                        }),
                        _ => task::yield_now(),
                    }
                }
            });
        }
        drop(sender);
        while begun.elapsed() < duration {
            task::sleep(5 * MS);
        }
        is_over.store(true, Relaxed);
    });
    let none = Itimerval::default();
    setitimer(ItimerWhich::REAL, &none).expect("the time is one");
    assert_eq!(sent.load(Relaxed), received.load(Relaxed));
    assert_eq!(made.load(Relaxed), ended.load(Relaxed));
    assert_eq!(*locked.lock(), locks.load(Relaxed));
    println!("{:?}, {} signals", sched::stats(), SIGNALS.load(Relaxed));
}
