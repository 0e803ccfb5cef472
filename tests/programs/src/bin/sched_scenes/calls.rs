//! System calls that give their processor up, and those that do not.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

use freestand::task::{self, sched};
use freestand::time::{Duration, Instant};

use crate::support::{
    MS, Pipe, call, compute_for, is_some, sleep_in_kernel, threads, tid, until, without_preemption,
};

/// A task reads for 50 ms what another writes at the end of them: on one processor it is
/// written only if the reader has given its processor up.
pub fn blocking_read(rounds: usize) {
    for _ in 0..rounds {
        let pipe = Pipe::new();
        task::scope(|scope| {
            let progress = scope.spawn(|| {
                let begun = Instant::now();
                let mut steps = 0;
                while begun.elapsed() < 50 * MS {
                    steps += 1;
                    task::yield_now();
                }
                pipe.put(1);
                steps
            });
            pipe.take();
            assert!(progress.join().unwrap() > 0);
        });
    }
}

/// The same by a raw call, of which the scheduler does not hear: nobody runs meanwhile.
pub fn raw_read() {
    /// How often it may be turned out before or after the call.
    const TRIES: usize = 5;
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    static IS_OVER: AtomicBool = AtomicBool::new(false);

    let pipe = Pipe::new();
    let steps_in = |take: &dyn Fn()| {
        freestand::thread::scope(|scope| {
            scope.spawn(|| {
                freestand::thread::sleep(50 * MS);
                pipe.put_raw();
            });
            task::yield_now();
            let before = STEPS.load(Relaxed);
            take();
            STEPS.load(Relaxed) - before
        })
    };
    task::scope(|scope| {
        scope.spawn(|| {
            while !IS_OVER.load(Relaxed) {
                STEPS.fetch_add(1, Relaxed);
                task::yield_now();
            }
        });
        until(|| is_some(&STEPS));
        assert!(steps_in(&|| pipe.take()) > 0);
        assert!((0..TRIES).any(|_| steps_in(&|| pipe.take_raw()) == 0));
        IS_OVER.store(true, Relaxed);
    });
}

/// A call that comes back when its processor is taken finds another that is idle.
pub fn found_idle() {
    let before = sched::stats();
    until(|| {
        // Nobody needs the processor, so it is taken after 10 ms.
        sleep_in_kernel(30 * MS);
        let now = sched::stats();
        now.found_idle > before.found_idle && now.retaken > before.retaken
    });
}

/// Of many tasks that come back from calls, no more run at a time than there are processors.
pub fn gauge(rounds: usize) {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);

    // One that is turned out while it counts does not run.
    without_preemption();
    let processors = sched::processors();
    task::scope(|scope| {
        for _ in 0..4 * processors.min(16) {
            scope.spawn(|| {
                for _ in 0..rounds {
                    sleep_in_kernel(MS / 5);
                    let running = RUNNING.fetch_add(1, SeqCst) + 1;
                    MOST.fetch_max(running, SeqCst);
                    compute_for(MS / 50);
                    RUNNING.fetch_sub(1, SeqCst);
                }
            });
        }
    });
    let most = MOST.load(SeqCst);
    assert!(
        (1..=processors).contains(&most),
        "{most} ran on {processors}"
    );
}

/// So many tasks wait in the kernel at once, and another goes on. Then they do.
pub fn readers(count: usize) {
    let pipe = Pipe::new();
    let done = AtomicUsize::new(0);
    task::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                pipe.take();
                done.fetch_add(1, Relaxed);
            });
        }
        until(|| threads() > count);
        assert_eq!(done.load(Relaxed), 0);
        for _ in 0..count {
            pipe.put(1);
        }
        until(|| done.load(Relaxed) == count);
    });
}

/// As [`readers`]; and their threads do not stay.
pub fn readers_leave(count: usize) {
    readers(count);
    let few = sched::processors() + 5;
    let begun = Instant::now();
    loop {
        let threads = threads();
        if threads <= few {
            break;
        }
        assert!(begun.elapsed() < 20_000 * MS, "{threads} threads stay");
        task::sleep(100 * MS);
    }
}

/// After a second in which nobody did anything, calls give their processor up as ever.
pub fn after_quiet() {
    let pipe = Pipe::new();
    task::scope(|scope| {
        for _ in 0..3 {
            task::sleep(Duration::from_millis(400));
            scope.spawn(|| pipe.put(1));
            pipe.take();
        }
    });
}

/// A blocking section gives its processor up, whatever is called in it; inside, what waits
/// holds the thread.
pub fn blocking_section() {
    let pipe = Pipe::new();
    task::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| pipe.put(1));
            let here = tid();
            task::block_in_place(|| {
                pipe.take_raw();
                assert!(task::current().is_some());
                // These wait as threads do.
                assert_eq!(task::spawn(|| 1).join(), Ok(1));
                task::sleep(MS / 10);
                call();
                sched::stats();
                task::yield_now();
                // A section within.
                task::block_in_place(call);
                assert_eq!(tid(), here);
            });
            assert!(task::current().is_some());
        }
    });
}
