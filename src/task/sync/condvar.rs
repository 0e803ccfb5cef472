//! Waiting for something that a mutex guards to change.

use core::ptr;
use core::time::Duration;

use lock_api::GuardSend;
use lock_api::RawMutex as _;

use super::RawMutex;
use crate::sync::prim::{self, AtomicU32, Deadline, Ordering, Timespec};
use crate::task::lock::Lock;
use crate::task::wait::{Reason, Wait};
use crate::task::waiters::{Waiter, Waiters};

/// Waits for what a [`Mutex`](super::Mutex) guards to become different.
///
/// Its methods are lock_api's: `wait` takes the guard by `&mut`, `wait_for` is std's
/// `wait_timeout` and `wait_while_for` its `wait_timeout_while`. None of them returns without
/// a notification, and `notify_one` and `notify_all` tell whom they have notified.
pub type Condvar = lock_api::Condvar<RawCondvar>;

/// The variable itself. To notify while nobody waits is a load.
#[derive(Debug)]
pub struct RawCondvar {
    /// Whether there may be waiters: 0 or 1. It changes under their lock alone. Who notifies
    /// after it has held the mutex sees all that waited before.
    is_awaited: AtomicU32,
    waiters: Lock<Waiters>,
}

impl RawCondvar {
    /// Whether there was a notification, and the deadline has not passed before.
    ///
    /// # Safety
    ///
    /// The caller holds the mutex.
    unsafe fn wait_until_deadline(
        &self,
        mutex: &RawMutex,
        reason: Reason,
        deadline: Deadline,
    ) -> bool {
        let wait = Wait::new();
        let waiter = Waiter::of(&wait, deadline, ptr::null_mut());
        let mut waiters = self.waiters.lock();
        // SAFETY: both are there until it is woken, or removed below.
        unsafe { waiters.push(&waiter) };
        self.is_awaited.store(1, Ordering::Relaxed);
        drop(waiters);
        // SAFETY: by the function's contract.
        unsafe { mutex.unlock(GuardSend::new()) };
        let is_notified = wait.park(reason, deadline) != Wait::TIMED_OUT;
        if !is_notified {
            let mut waiters = self.waiters.lock();
            // SAFETY: it was in no other queue.
            unsafe { waiters.remove(&waiter) };
            self.note(&waiters);
        }
        // What `lock` returns says only that the caller holds the mutex, as before.
        let _ = mutex.lock();
        is_notified
    }

    /// Notes whether there are waiters left.
    fn note(&self, waiters: &Waiters) {
        if waiters.is_empty() {
            self.is_awaited.store(0, Ordering::Relaxed);
        }
    }

    #[inline]
    fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed) != 0
    }

    #[cold]
    fn wake_one(&self) -> bool {
        let mut waiters = self.waiters.lock();
        let first = waiters.claim();
        self.note(&waiters);
        drop(waiters);
        match first {
            Some(first) => {
                first.wake();
                true
            }
            None => false,
        }
    }

    #[cold]
    fn wake_all(&self) -> usize {
        let mut waiters = self.waiters.lock();
        let all = waiters.claim_all();
        self.note(&waiters);
        drop(waiters);
        all.wake()
    }
}

// SAFETY: it is among the waiters before the mutex is unlocked, so that no notification is
// missed that comes after; it holds the mutex again when it returns, and never panics in
// between.
unsafe impl lock_api::RawCondvar for RawCondvar {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait's way to say how a variable begins"
    )]
    const INIT: RawCondvar = RawCondvar {
        is_awaited: AtomicU32::new(0),
        waiters: Lock::new(Waiters::new()),
    };

    type RawMutex = RawMutex;

    #[track_caller]
    unsafe fn wait(&self, mutex: &RawMutex, _: &mut GuardSend) {
        // SAFETY: the caller holds the mutex.
        unsafe { self.wait_until_deadline(mutex, Reason::to("be notified"), None) };
    }

    #[inline]
    fn notify_one(&self) -> bool {
        self.is_awaited() && self.wake_one()
    }

    #[inline]
    fn notify_all(&self) -> usize {
        if self.is_awaited() {
            self.wake_all()
        } else {
            0
        }
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawCondvarTimed for RawCondvar {
    fn checked_duration_to_instant(timeout: &Duration) -> Option<Timespec> {
        prim::after(*timeout)
    }

    #[track_caller]
    unsafe fn wait_until(&self, mutex: &RawMutex, _: &mut GuardSend, deadline: &Timespec) -> bool {
        let reason = Reason::to("be notified");
        // SAFETY: the caller holds the mutex.
        unsafe { !self.wait_until_deadline(mutex, reason, prim::at(*deadline)) }
    }
}
