//! Locks that one thread at a time holds.

use core::time::Duration;

use lock_api::GuardSend;

use super::prim::{self, AtomicU32, Deadline, Ordering, Timespec};

/// A lock that one thread at a time holds.
///
/// Its methods are lock_api's. Without poisoning, `lock` returns the guard itself.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// What [`Mutex::lock`](lock_api::Mutex::lock) returns: the data, until it drops.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;
/// A part of what a [`MutexGuard`] gives access to.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// Nobody holds the lock.
const FREE: u32 = 0;
/// A thread holds it, and none waits.
const HELD: u32 = 1;
/// A thread holds it, and others may be waiting.
const CONTENDED: u32 = 2;

/// The lock itself: a word that threads sleep on. Without contention, taking it
/// and giving it back are one atomic instruction each and no system call.
///
/// It is not fair, not recursive, and must not be taken in a signal handler: a
/// process that has only one thread and finds a lock taken would wait for itself
/// for ever, so it traps. Waiting with a deadline ends there too.
///
/// The states and the reasoning are those of Ulrich Drepper's "Futexes Are
/// Tricky", third mutex: whoever may have slept takes the lock as *contended*,
/// since others may still sleep, so no wake-up is lost.
#[derive(Debug)]
pub struct RawMutex(AtomicU32);

impl RawMutex {
    /// Whether the lock is this thread's, which it is unless the deadline passed.
    #[cold]
    fn lock_contended(&self, deadline: Deadline) -> bool {
        // Where nobody sleeps yet, the lock may be free in a moment, and nobody need know
        // that this thread waited.
        let state = prim::spin(&self.0, |state| state != HELD);
        if state == FREE && self.take(HELD) {
            return true;
        }
        while self.0.swap(CONTENDED, Ordering::Acquire) != FREE {
            // One who gives up leaves the lock contended: at worst, somebody makes a
            // system call to wake nobody.
            if !prim::wait(&self.0, CONTENDED, deadline) {
                return false;
            }
        }
        true
    }

    /// Takes the lock if it is free.
    #[inline(always)]
    fn take(&self, state: u32) -> bool {
        self.0
            .compare_exchange(FREE, state, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
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
        if !self.take(HELD) {
            prim::not_alone();
            self.lock_contended(None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        self.take(HELD).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _: GuardSend) {
        if self.0.swap(FREE, Ordering::Release) == CONTENDED {
            prim::wake_one(&self.0);
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }
}

// SAFETY: as above; one whose deadline passed has not found it FREE.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Timespec;

    fn try_lock_for(&self, timeout: Duration) -> Option<GuardSend> {
        (self.take(HELD) || self.lock_contended(prim::after(timeout))).then(GuardSend::new)
    }

    fn try_lock_until(&self, deadline: Timespec) -> Option<GuardSend> {
        (self.take(HELD) || self.lock_contended(prim::at(deadline))).then(GuardSend::new)
    }
}
