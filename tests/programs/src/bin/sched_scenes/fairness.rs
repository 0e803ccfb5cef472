//! Who runs when several could.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

use alloc::sync::Arc;
use freestand::task::{self, channel, sched};
use freestand::thread;

use crate::support::{is_some, until, without_preemption};

/// A task in the global queue runs within 61 picks, though two that yield to one another are
/// always there.
pub fn global_queue(rounds: usize) {
    static YIELDS: AtomicUsize = AtomicUsize::new(0);
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    without_preemption();
    for _ in 0..2 {
        task::spawn(|| {
            while !IS_OVER.load(Relaxed) {
                YIELDS.fetch_add(1, SeqCst);
                task::yield_now();
            }
        });
    }
    until(|| is_some(&YIELDS));
    for _ in 0..rounds {
        // A thread that runs no task has no queue of its own but the global one.
        let waited = task::block_in_place(|| {
            let submitter = thread::spawn(|| {
                let stopped = sched::stop_the_world();
                let before = YIELDS.load(SeqCst);
                let task = task::spawn(move || YIELDS.load(SeqCst) - before);
                drop(stopped);
                task.join().unwrap()
            });
            submitter.join().unwrap()
        });
        // The last of the two may have counted before it was stopped.
        assert!(waited <= 63, "it was passed over {waited} times");
    }
    IS_OVER.store(true, Relaxed);
}

/// Two tasks that wake one another without an end do not keep a third from running.
pub fn next_slot() {
    without_preemption();
    let is_over = Arc::new(AtomicBool::new(false));
    let (there, here) = (channel::bounded(0), channel::bounded(0));
    let over = Arc::clone(&is_over);
    task::spawn(move || {
        while !over.load(Relaxed) {
            if there.0.send(()).is_err() || here.1.recv().is_err() {
                return;
            }
        }
    });
    task::spawn(
        move || {
            while there.1.recv().is_ok() && here.0.send(()).is_ok() {}
        },
    );
    for _ in 0..1000 {
        task::yield_now();
    }
    is_over.store(true, Relaxed);
}
