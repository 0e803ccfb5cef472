//! Stopping the world, and how many processors there are.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

use freestand::task::{self, sched};
use freestand::time::{Duration, Instant};

use crate::support::{MS, Pipe, Random, call, compute_for, is_some, until};

fn sum(counts: &[AtomicUsize]) -> usize {
    counts.iter().map(|count| count.load(SeqCst)).sum()
}

/// While the world is stopped, none of 100 tasks goes on that make calls; then all do.
pub fn stops(rounds: usize) {
    const TASKS: usize = 100;
    let counts: Vec<_> = (0..TASKS).map(|_| AtomicUsize::new(0)).collect();
    let is_over = AtomicBool::new(false);
    task::scope(|scope| {
        for (index, count) in counts.iter().enumerate() {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Relaxed) {
                    call();
                    count.fetch_add(1, SeqCst);
                    // Those that do not are turned out.
                    if index % 16 != 0 {
                        task::yield_now();
                    }
                }
            });
        }
        for _ in 0..rounds {
            let stopped = sched::stop_the_world();
            let before = sum(&counts);
            compute_for(2 * MS);
            assert_eq!(
                sum(&counts),
                before,
                "a task runs while the world is stopped"
            );
            drop(stopped);
            until(|| sum(&counts) > before);
        }
        until(|| counts.iter().all(is_some));
        is_over.store(true, Relaxed);
    });
}

/// A task that waits in the kernel does not hold the stopping up, and does not go on before
/// the world does, though its call comes back.
pub fn stop_reader() {
    let pipe = Pipe::new();
    let is_in = AtomicBool::new(false);
    let has_read = AtomicBool::new(false);
    task::scope(|scope| {
        for _ in 0..20 {
            is_in.store(false, Relaxed);
            has_read.store(false, Relaxed);
            let reader = scope.spawn(|| {
                is_in.store(true, Relaxed);
                pipe.take();
                has_read.store(true, Relaxed);
            });
            until(|| is_in.load(Relaxed));
            let stopped = sched::stop_the_world();
            assert!(!has_read.load(Relaxed));
            pipe.put_raw();
            compute_for(5 * MS);
            assert!(
                !has_read.load(Relaxed),
                "a call came back into a stopped world"
            );
            drop(stopped);
            reader.join().unwrap();
        }
    });
}

/// Stops that give up, among some that do not: nothing is lost, and nothing there twice.
pub fn stop_in_vain(rounds: usize) {
    let is_over = AtomicBool::new(false);
    let count = AtomicUsize::new(0);
    task::scope(|scope| {
        for index in 0..8 {
            let (is_over, count) = (&is_over, &count);
            scope.spawn(move || {
                while !is_over.load(Relaxed) {
                    if index % 2 == 0 {
                        compute_for(MS / 50);
                    } else {
                        call();
                    }
                    task::yield_now();
                    count.fetch_add(1, Relaxed);
                }
            });
        }
        let mut in_vain = 0;
        for _ in 0..rounds {
            drop(sched::stop_the_world());
            match sched::try_stop_the_world(Duration::ZERO) {
                Some(stopped) => {
                    let before = count.load(SeqCst);
                    compute_for(MS / 20);
                    assert_eq!(count.load(SeqCst), before);
                    drop(stopped);
                }
                None => in_vain += 1,
            }
        }
        let _ = in_vain;
        let before = count.load(SeqCst);
        until(|| count.load(SeqCst) > before);
        is_over.store(true, Relaxed);
    });
}

/// Another number of processors while tasks do all sorts of things: none is lost.
pub fn processors(rounds: usize) {
    const TASKS: usize = 40;
    const STEPS: usize = 50;
    let before = sched::processors();
    let sum = AtomicUsize::new(0);
    task::scope(|scope| {
        for index in 0..TASKS {
            let sum = &sum;
            scope.spawn(move || {
                let mut random = Random(index as u64);
                for _ in 0..STEPS {
                    match random.below(6) {
                        0 => task::sleep(MS / 5),
                        1 => call(),
                        2 => compute_for(MS / 20),
                        3 => drop(task::spawn(|| ()).join()),
                        4 => freestand::time::sleep(MS / 10),
                        _ => task::yield_now(),
                    }
                    sum.fetch_add(1, Relaxed);
                }
            });
        }
        for round in 0..rounds {
            let count = [1, 4, 1, 64, 2, 3][round % 6];
            sched::set_processors(count);
            assert_eq!(sched::processors(), count);
            assert!(sched::current_processor().is_some_and(|number| number < count));
            let step = sum.load(Relaxed);
            until(|| sum.load(Relaxed) > step || sum.load(Relaxed) == TASKS * STEPS);
        }
        sched::set_processors(before);
    });
    assert_eq!(sum.load(Relaxed), TASKS * STEPS);
}

/// Who sleeps wakes up in time though the processor is no more that knows of it, and the others
/// are busy.
pub fn timers_stay() {
    let before = sched::processors();
    sched::set_processors(4);
    let is_over = AtomicBool::new(false);
    let (asleep, awake) = (AtomicUsize::new(0), AtomicUsize::new(0));
    task::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    compute_for(MS / 10);
                    task::yield_now();
                }
            });
        }
        for _ in 0..40 {
            scope.spawn(|| {
                asleep.fetch_add(1, Relaxed);
                task::sleep(200 * MS);
                awake.fetch_add(1, Relaxed);
            });
        }
        while asleep.load(Relaxed) < 40 {
            task::yield_now();
        }
        sched::set_processors(1);
        let begun = Instant::now();
        while awake.load(Relaxed) < 40 {
            task::yield_now();
            assert!(
                begun.elapsed() < 10_000 * MS,
                "{} of 40 woke",
                awake.load(Relaxed)
            );
        }
        is_over.store(true, Relaxed);
    });
    sched::set_processors(before);
}
