//! Locks that one task at a time holds.

use core::ptr;
use core::time::Duration;

use lock_api::GuardSend;

use crate::sync::prim::{self, AtomicU32, Deadline, Ordering, Timespec};
use crate::task::lock::Lock;
use crate::task::wait::{Reason, Wait};
use crate::task::waiters::{Waiter, Waiters};

/// A lock that one task at a time holds.
///
/// Its methods are lock_api's. Without poisoning, `lock` returns the guard itself.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// What [`Mutex::lock`](lock_api::Mutex::lock) returns: the data, until it drops.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;
/// A part of what a [`MutexGuard`] gives access to.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// Somebody has the lock.
const HELD: u32 = 1;
/// There are waiters. It changes under their lock alone.
const AWAITED: u32 = 2;

/// The lock itself. The [module](super) says who gets it.
#[derive(Debug)]
pub struct RawMutex {
    state: AtomicU32,
    waiters: Lock<Waiters>,
}

impl RawMutex {
    /// Takes the lock if it is free, and nobody waits.
    #[inline(always)]
    fn take(&self) -> bool {
        self.state
            .compare_exchange(0, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Whether the lock is the caller's, which it is unless the deadline passed.
    #[cold]
    fn lock_contended(&self, reason: Reason, deadline: Deadline) -> bool {
        let mut was_woken = false;
        loop {
            let wait = Wait::new();
            // What a waiter brings along is whether it was woken before: null or not.
            let data = if was_woken {
                ptr::dangling_mut()
            } else {
                ptr::null_mut()
            };
            let waiter = Waiter::of(&wait, deadline, data);
            let mut waiters = self.waiters.lock();
            if self.take_or_await() {
                return true;
            }
            // SAFETY: both are there until it is woken, or removed below.
            unsafe {
                if was_woken {
                    waiters.push_first(&waiter);
                } else {
                    waiters.push(&waiter);
                }
            }
            drop(waiters);
            if wait.park(reason, deadline) == Wait::TIMED_OUT {
                let mut waiters = self.waiters.lock();
                // SAFETY: it was in no other queue.
                unsafe { waiters.remove(&waiter) };
                if waiters.is_empty() {
                    self.state.fetch_and(!AWAITED, Ordering::Relaxed);
                }
                return false;
            }
            if waiter.is_done() {
                return true;
            }
            was_woken = true;
        }
    }

    /// Takes the lock if it is free, or says that there are waiters, whose lock the caller has.
    fn take_or_await(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let is_free = state & HELD == 0;
            let new = state | if is_free { HELD } else { AWAITED };
            match self
                .state
                .compare_exchange_weak(state, new, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return is_free,
                Err(now) => state = now,
            }
        }
    }

    /// Gives the lock back, or to who was woken in vain before, where somebody may wait.
    #[cold]
    fn unlock_contended(&self) {
        let mut waiters = self.waiters.lock();
        // Who was woken in vain is the first.
        let (held, next) = match waiters.claim_if(|was_woken| !was_woken.is_null()) {
            Some(next) => (HELD, Some(next.done())),
            None => (0, waiters.claim()),
        };
        let awaited = if waiters.is_empty() { 0 } else { AWAITED };
        // Nobody else changes it: it is held, and the waiters are locked.
        self.state.store(held | awaited, Ordering::Release);
        drop(waiters);
        if let Some(next) = next {
            next.wake();
        }
    }
}

// SAFETY: whoever has the lock has made the state HELD when it was not, or was told so by who
// had it and did not change that.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait's way to say how a lock begins"
    )]
    const INIT: RawMutex = RawMutex {
        state: AtomicU32::new(0),
        waiters: Lock::new(Waiters::new()),
    };

    /// Nothing needs to be remembered between `lock` and `unlock`.
    type Guard = GuardSend;

    #[inline]
    #[track_caller]
    fn lock(&self) -> GuardSend {
        if !self.take() {
            self.lock_contended(Reason::to("lock a mutex"), None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & HELD == 0 {
            match self.state.compare_exchange_weak(
                state,
                state | HELD,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(GuardSend::new()),
                Err(now) => state = now,
            }
        }
        None
    }

    #[inline]
    unsafe fn unlock(&self, _: GuardSend) {
        if self
            .state
            .compare_exchange(HELD, 0, Ordering::Release, Ordering::Relaxed)
            .is_err()
        {
            self.unlock_contended();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) & HELD != 0
    }
}

// SAFETY: as above; one whose deadline passed has not made the state HELD.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Timespec;

    #[track_caller]
    fn try_lock_for(&self, timeout: Duration) -> Option<GuardSend> {
        let reason = Reason::to("lock a mutex");
        (self.take() || self.lock_contended(reason, prim::after(timeout))).then(GuardSend::new)
    }

    #[track_caller]
    fn try_lock_until(&self, deadline: Timespec) -> Option<GuardSend> {
        let reason = Reason::to("lock a mutex");
        (self.take() || self.lock_contended(reason, prim::at(deadline))).then(GuardSend::new)
    }
}
