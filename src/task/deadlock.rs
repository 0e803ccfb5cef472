//! Noticing that no task will ever run again.

use core::sync::atomic::Ordering::*;

use super::idle::has_stackless;
use super::sched::{SCHED, Shared, attention};
use super::{dump, poller};
use crate::thread as threads;

/// Ends the process if every thread of the scheduler sleeps and nothing is left that could wake
/// one: no timer, no memory that a task waits for, no descriptor that a task waits for, and no thread of the program's own, now
/// or ever before. To be called under the scheduler's lock when a thread is about to sleep.
///
/// A signal handler that wakes tasks by other means than a descriptor is not thought of.
pub(super) fn check(shared: &Shared) {
    let asleep = shared.asleep as isize + shared.waiting_locked;
    if asleep != shared.threads as isize || shared.thread_wanted || has_stackless() {
        return;
    }
    if SCHED.is_asked(attention::STOP) || poller::waiters() > 0 || threads::were_made() {
        return;
    }
    let has_timers = SCHED
        .all_processors()
        .any(|processor| processor.timers.next() != u64::MAX);
    let has_work =
        SCHED.queued.load(Relaxed) > 0 || SCHED.processors().any(|processor| processor.has_work());
    if has_timers || has_work {
        return;
    }
    dump::deadlock();
}
