//! Waiting to be told to go on.

use core::time::Duration;

use super::prim::{self, AtomicU32, Deadline, Ordering};

/// Nobody waits, and nobody has said to go on: all zeros, as a thread begins.
const EMPTY: u32 = 0;
/// Somebody has said to go on: the next wait is none.
const NOTIFIED: u32 = 1;
/// The thread sleeps, or is about to.
const PARKED: u32 = u32::MAX;

/// What one thread waits on, and others wake it by: a token that is there or is not.
///
/// No wake-up is lost: from `EMPTY`, one subtraction makes `PARKED`, and the kernel lets a
/// thread sleep only while the word is that. Whoever wakes writes `NOTIFIED` first, and calls
/// the kernel if the word was `PARKED`: either the sleeper sees the word change, or it sleeps
/// and is woken.
#[derive(Debug)]
pub(crate) struct Parker(AtomicU32);

impl Parker {
    pub(crate) const fn new() -> Parker {
        Parker(AtomicU32::new(EMPTY))
    }

    /// Takes the token; sleeps until there is one. Only one thread may.
    pub(crate) fn park(&self) {
        self.park_until(None);
    }

    /// As [`Parker::park`], but sleeps no longer than `timeout`.
    pub(crate) fn park_timeout(&self, timeout: Duration) {
        if !self.take() {
            self.park_until(prim::after(timeout));
        }
    }

    fn park_until(&self, deadline: Deadline) {
        // NOTIFIED becomes EMPTY, EMPTY becomes PARKED.
        if self.0.fetch_sub(1, Ordering::Acquire) == NOTIFIED {
            return;
        }
        while prim::wait(&self.0, PARKED, deadline) {
            if self.take() {
                return;
            }
        }
        // The token may have come since: then it is taken.
        self.0.swap(EMPTY, Ordering::Acquire);
    }

    /// Takes the token if it is there.
    fn take(&self) -> bool {
        self.0
            .compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Puts the token there, and wakes the thread.
    pub(crate) fn unpark(&self) {
        if self.0.swap(NOTIFIED, Ordering::Release) == PARKED {
            prim::wake_one(&self.0);
        }
    }
}
