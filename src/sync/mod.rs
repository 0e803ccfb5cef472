//! Locks on futexes.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use lock_api::GuardSend;

use crate::{arch, sys};

/// A lock that one thread at a time holds.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// What [`Mutex::lock`](lock_api::Mutex::lock) returns: the data, until it drops.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// Nobody holds the lock.
const FREE: u32 = 0;
/// A thread holds it, and none waits.
const HELD: u32 = 1;
/// A thread holds it, and others may be waiting.
const CONTENDED: u32 = 2;

/// Whether the process may have more than one thread.
static THREADS: AtomicBool = AtomicBool::new(false);

/// Prepares the locks for a second thread. Whoever makes one calls this before.
///
/// A program that never does needs no code to wait with, and the optimizer leaves
/// it out (with `lto = "fat"`): nothing in it writes what the locks look at.
pub fn expect_threads() {
    THREADS.store(true, Ordering::Relaxed);
}

/// Whether [`expect_threads`] was called.
#[inline(always)]
pub(crate) fn expects_threads() -> bool {
    THREADS.load(Ordering::Relaxed)
}

/// The lock itself: a word that threads sleep on. Without contention, taking it
/// and giving it back are one atomic instruction each and no system call.
///
/// It is not fair, not recursive, and must not be taken in a signal handler: a
/// process that has only one thread and finds a lock taken would wait for itself
/// for ever, so it traps.
///
/// The states and the reasoning are those of Ulrich Drepper's "Futexes Are
/// Tricky", third mutex: whoever may have slept takes the lock as *contended*,
/// since others may still sleep, so no wake-up is lost.
pub struct RawMutex(AtomicU32);

impl RawMutex {
    #[cold]
    fn lock_contended(&self) {
        if !expects_threads() {
            arch::trap();
        }
        while self.0.swap(CONTENDED, Ordering::Acquire) != FREE {
            // An error is EAGAIN (the word changed) or EINTR: look again.
            let _ = sys::futex_wait(&self.0, CONTENDED);
        }
    }

    #[cold]
    fn wake_one(&self) {
        let _ = sys::futex_wake(&self.0, 1);
    }
}

// SAFETY: the lock is given only to the thread whose exchange found it FREE, and
// it is FREE again only by that thread's `unlock`.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait's way to say how a lock begins"
    )]
    const INIT: RawMutex = RawMutex(AtomicU32::new(FREE));

    /// Nothing needs to be remembered between `lock` and `unlock`.
    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        if self.try_lock().is_none() {
            self.lock_contended();
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        self.0
            .compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|_| GuardSend::new())
    }

    #[inline]
    unsafe fn unlock(&self, _: GuardSend) {
        if self.0.swap(FREE, Ordering::Release) == CONTENDED && expects_threads() {
            self.wake_one();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn counts_every_increment_of_eight_threads() {
        static COUNT: Mutex<u64> = Mutex::new(0);
        expect_threads();
        let threads: std::vec::Vec<_> = (0..8)
            .map(|_| {
                thread::spawn(|| {
                    for _ in 0..20_000 {
                        *COUNT.lock() += 1;
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*COUNT.lock(), 160_000);
    }

    #[test]
    fn try_lock_fails_while_held() {
        let mutex = Mutex::new(());
        let guard = mutex.lock();
        assert!(mutex.try_lock().is_none());
        drop(guard);
        assert!(mutex.try_lock().is_some());
    }
}
