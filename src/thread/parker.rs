//! Waiting to be told to go on.

use core::sync::atomic::{AtomicU32, Ordering::*};
use core::time::Duration;

use crate::sys::{self, FutexOp};

/// Nobody waits, and nobody has said to go on. All zeros, as a thread begins.
const EMPTY: u32 = 0;
/// Somebody has said to go on: the next wait is none.
const NOTIFIED: u32 = 1;
/// The thread sleeps, or is about to.
const PARKED: u32 = u32::MAX;

/// What one thread waits on, and others wake it by: a token that is there or is not.
///
/// No wake-up is lost: from `EMPTY`, one subtraction makes `PARKED`, and the kernel lets a
/// thread sleep only while the word is that. Whoever wakes writes `NOTIFIED` first and
/// calls the kernel if the word was `PARKED`: either the sleeper has seen the word change,
/// or it sleeps and is woken.
pub(super) struct Parker(AtomicU32);

impl Parker {
    pub(super) const fn new() -> Parker {
        Parker(AtomicU32::new(EMPTY))
    }

    /// Takes the token; sleeps until there is one.
    pub(super) fn park(&self) {
        // NOTIFIED becomes EMPTY, EMPTY becomes PARKED.
        if self.0.fetch_sub(1, Acquire) == NOTIFIED {
            return;
        }
        loop {
            // An error is EAGAIN (the word changed) or EINTR: look again.
            let _ = sys::futex_wait(&self.0, PARKED);
            if self
                .0
                .compare_exchange(NOTIFIED, EMPTY, Acquire, Acquire)
                .is_ok()
            {
                return;
            }
        }
    }

    /// As [`Parker::park`], but sleeps no longer than `duration`, or until a signal comes.
    pub(super) fn park_timeout(&self, duration: Duration) {
        if self.0.fetch_sub(1, Acquire) == NOTIFIED {
            return;
        }
        let wait = FutexOp::WAIT.private();
        // Whatever woke it, or refused to let it sleep.
        let _ = sys::futex(&self.0, wait, PARKED, Some(&duration.into()), None, 0);
        self.0.swap(EMPTY, Acquire);
    }

    /// Puts the token there, and wakes the thread.
    pub(super) fn unpark(&self) {
        if self.0.swap(NOTIFIED, Release) == PARKED {
            let _ = sys::futex_wake(&self.0, 1);
        }
    }
}
