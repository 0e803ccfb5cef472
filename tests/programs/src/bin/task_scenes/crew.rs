//! Those that play a scene: tasks, or threads.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use freestand::{task, thread};

/// What a scene's name begins with, if threads are to play it.
pub const THREADS: &str = "threads_";

static ARE_THREADS: AtomicBool = AtomicBool::new(false);

/// Whether the scene is played by threads.
pub fn choose(threads: bool) {
    ARE_THREADS.store(threads, Relaxed);
}

/// Runs `body` in `count` of them at once, with the number of each, and returns when all are
/// done.
pub fn all(count: usize, body: impl Fn(usize) + Sync) {
    let body = &body;
    if ARE_THREADS.load(Relaxed) {
        thread::scope(|scope| {
            for index in 0..count {
                scope.spawn(move || body(index));
            }
        });
    } else {
        task::scope(|scope| {
            for index in 0..count {
                scope.spawn(move || body(index));
            }
        });
    }
}

/// Lets others go first.
pub fn yield_now() {
    if ARE_THREADS.load(Relaxed) {
        thread::yield_now();
    } else {
        task::yield_now();
    }
}
