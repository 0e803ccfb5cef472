//! What there is too little of.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

use freestand::sys::{self, Resource, Rlimit};
use freestand::task::{self, Barrier, Builder, sched};
use freestand::{fs, thread};

use crate::support::{MS, Pipe, until};

/// More tasks wait in the kernel than there may be threads.
pub fn threads() {
    assert_eq!(sched::set_max_threads(20), 10_000);
    let pipe = Pipe::new();
    task::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| pipe.take());
        }
    });
}

/// How many pages the process has mapped, and how many of them are in memory.
fn pages() -> (usize, usize) {
    let text = fs::read_to_string("/proc/self/statm").expect("it can be read");
    let mut numbers = text
        .split(' ')
        .map(|number| number.parse().expect("a number"));
    let mut next = || numbers.next().expect("it has two");
    (next(), next())
}

/// Allows the process no more memory than it has and so many bytes, or as much as it likes.
fn limit_memory(more: Option<usize>) {
    let now = match more {
        Some(more) => pages().0 * 4096 + more,
        None => usize::MAX,
    };
    let limit = Rlimit {
        rlim_cur: now as u64,
        rlim_max: sys::Rlimit::INFINITY,
    };
    sys::setrlimit(Resource::AS, &limit).expect("it may be less");
}

/// A thread cannot be made, and all processors are idle: as soon as it can, it is, and the
/// tasks go on.
pub fn no_threads() {
    static MAY: AtomicBool = AtomicBool::new(false);
    let lifts = thread::spawn(|| {
        while !MAY.load(Relaxed) {
            thread::sleep(MS);
        }
        // Sysmon has had time to fall asleep.
        thread::sleep(500 * MS);
        limit_memory(None);
    });
    let pipe = Pipe::new();
    // The task's stack is there, and the thread to lift the limit.
    task::spawn(|| ()).join().unwrap();
    task::scope(|scope| {
        limit_memory(Some(0));
        scope.spawn(|| pipe.put(1));
        MAY.store(true, Relaxed);
        // There is no other thread, and the one that is sits here.
        pipe.take();
    });
    lifts.join().unwrap();
}

/// There is no memory for stacks: the tasks wait until others have ended.
pub fn no_stacks() {
    const TASKS: usize = 100;
    let begun = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let is_open = AtomicBool::new(false);
    // What is needed besides is there: memory for tasks, and threads.
    task::scope(|scope| {
        for _ in 0..2 * TASKS {
            scope.spawn(|| ());
        }
    });
    limit_memory(Some(6 << 20));
    task::scope(|scope| {
        for _ in 0..TASKS {
            // No other has stacks of this size.
            let wide = Builder::new().stack_size(200 << 10);
            let spawned = wide.spawn_scoped(scope, || {
                begun.fetch_add(1, Relaxed);
                while !is_open.load(Relaxed) {
                    task::sleep(5 * MS);
                }
                done.fetch_add(1, Relaxed);
            });
            drop(spawned.expect("there is memory for the task"));
        }
        until(|| begun.load(Relaxed) > 0);
        task::sleep(50 * MS);
        let first = begun.load(Relaxed);
        assert!(first < TASKS, "all {TASKS} got stacks");
        is_open.store(true, Relaxed);
        until(|| done.load(Relaxed) == TASKS);
        limit_memory(None);
    });
}

/// So many tasks, in waves, leave nothing behind.
pub fn million(count: usize) {
    const WAVE: usize = 1000;
    let wave = || {
        task::scope(|scope| {
            for _ in 0..WAVE {
                scope.spawn(task::yield_now);
            }
        });
    };
    let mappings = || {
        let text = fs::read_to_string("/proc/self/maps").expect("it can be read");
        text.lines().count()
    };
    // More stacks are never needed at once, and then they are kept.
    let barrier = Barrier::new(WAVE + 16);
    task::scope(|scope| {
        for _ in 0..WAVE + 16 {
            scope.spawn(|| {
                barrier.wait();
            });
        }
    });
    wave();
    let before = (pages(), mappings());
    for _ in 0..count.div_ceil(WAVE) {
        wave();
    }
    let after = (pages(), mappings());
    // A wave more or less may have had more at once, and of its stacks the processors keep some.
    let (spare_pages, spare_mappings) = (4 * WAVE, WAVE / 5);
    assert!(after.0.1 < before.0.1 + spare_pages, "{before:?} {after:?}");
    assert!(after.1 < before.1 + spare_mappings, "{before:?} {after:?}");
    until(|| {
        let stats = sched::stats();
        stats.spawned == stats.ended
    });
    assert!(sched::stats().spawned >= count as u64);
}
