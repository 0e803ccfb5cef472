//! Waiting for something that a mutex guards to change.

use lock_api::GuardSend;
use lock_api::RawMutex as _;

use super::RawMutex;
use super::prim::{self, AtomicU32, Deadline, Ordering, Timespec};
use core::time::Duration;

/// Waits for what a [`Mutex`](super::Mutex) guards to become different.
///
/// Its methods are lock_api's: `wait` takes the guard by `&mut`, `wait_for` is std's
/// `wait_timeout` and `wait_while_for` its `wait_timeout_while`. They may return without a
/// notification, as std's may.
pub type Condvar = lock_api::Condvar<RawCondvar>;

/// The variable itself: a count of notifications, which threads sleep on. To notify while
/// nobody waits is a load and no system call.
///
/// Of several threads that wait, `notify_one` wakes the one that has waited longest, or
/// that runs at a real-time priority. A thread sleeps through a notification if exactly
/// 2³² of them come between its unlocking the mutex and its falling asleep. It must not be
/// used in a signal handler; a process of only one thread that waits traps, unless it waits
/// with a deadline.
#[derive(Debug)]
pub struct RawCondvar {
    notified: AtomicU32,
    /// How many threads wait. Who notifies after it has held the mutex sees all that
    /// waited before.
    waiting: AtomicU32,
}

impl RawCondvar {
    /// Whether the deadline has not passed.
    ///
    /// # Safety
    ///
    /// This thread holds the mutex.
    unsafe fn wait_until_deadline(&self, mutex: &RawMutex, deadline: Deadline) -> bool {
        // Both while the mutex is held: a notification that is for this thread counts after.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let notified = self.notified.load(Ordering::Relaxed);
        // SAFETY: by the function's contract.
        unsafe { mutex.unlock(GuardSend::new()) };
        let in_time = prim::wait(&self.notified, notified, deadline);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        // What `lock` returns says only that this thread holds the mutex, as before.
        let _ = mutex.lock();
        in_time
    }

    /// Counts a notification. Whether anybody waits for it.
    #[inline]
    fn notify(&self) -> bool {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.notified.fetch_add(1, Ordering::Relaxed);
        true
    }
}

// SAFETY: a notification that comes after the mutex was unlocked changes what `wait` sleeps
// on, so that it does not sleep or is woken; it holds the mutex again when it returns, and
// never panics in between.
unsafe impl lock_api::RawCondvar for RawCondvar {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait's way to say how a variable begins"
    )]
    const INIT: RawCondvar = RawCondvar {
        notified: AtomicU32::new(0),
        waiting: AtomicU32::new(0),
    };

    type RawMutex = RawMutex;

    unsafe fn wait(&self, mutex: &RawMutex, _: &mut GuardSend) {
        prim::not_alone();
        // SAFETY: the caller holds the mutex.
        unsafe { self.wait_until_deadline(mutex, None) };
    }

    #[inline]
    fn notify_one(&self) -> bool {
        if self.notify() {
            prim::wake_one(&self.notified);
        }
        // So says the trait of variables on which a wait may end without a notification.
        false
    }

    #[inline]
    fn notify_all(&self) -> usize {
        if self.notify() {
            prim::wake_all(&self.notified);
        }
        0
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawCondvarTimed for RawCondvar {
    fn checked_duration_to_instant(timeout: &Duration) -> Option<Timespec> {
        prim::after(*timeout)
    }

    unsafe fn wait_until(&self, mutex: &RawMutex, _: &mut GuardSend, deadline: &Timespec) -> bool {
        // SAFETY: the caller holds the mutex.
        unsafe { !self.wait_until_deadline(mutex, prim::at(*deadline)) }
    }
}
