//! Permits.

use core::ptr;
use core::time::Duration;

use crate::sync::prim::{self, AtomicU32, Deadline, Ordering};
use crate::task::lock::Lock;
use crate::task::wait::{Reason, Wait};
use crate::task::waiters::{AllClaimed, Waiter, Waiters};
use crate::time::Instant;

/// There are waiters: so all permits that come go to them, and nobody takes one at once. It
/// changes under their lock alone.
const AWAITED: u32 = 1 << 31;

/// A number of permits, which tasks take and give back.
///
/// Whoever gives a permit need not have taken one. Those that wait get theirs in the order in
/// which they came: one that wants many holds up those behind it, and whoever comes while
/// others wait, waits behind them.
#[derive(Debug)]
pub struct Semaphore {
    /// How many permits there are, and [`AWAITED`].
    state: AtomicU32,
    /// What a waiter brings along is how many permits it wants.
    waiters: Lock<Waiters>,
}

/// Permits, until it drops.
#[derive(Debug)]
#[must_use = "permits that are dropped are given back at once"]
pub struct SemaphoreGuard<'a> {
    semaphore: &'a Semaphore,
    permits: u32,
}

impl Semaphore {
    /// The most permits there may be.
    pub const MAX_PERMITS: u32 = AWAITED - 1;

    /// One with so many permits.
    ///
    /// # Panics
    ///
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub const fn new(permits: u32) -> Semaphore {
        assert!(permits <= Semaphore::MAX_PERMITS, "too many permits");
        Semaphore {
            state: AtomicU32::new(permits),
            waiters: Lock::new(Waiters::new()),
        }
    }

    /// Takes a permit, and waits for one if there is none.
    #[inline]
    #[track_caller]
    pub fn acquire(&self) {
        self.acquire_many(1);
    }

    /// Takes so many permits together, and waits until there are.
    #[inline]
    #[track_caller]
    pub fn acquire_many(&self, permits: u32) {
        self.acquire_by(permits, Reason::to("acquire permits"), None);
    }

    /// Takes a permit if there is one, and nobody waits. Whether it did.
    #[inline]
    pub fn try_acquire(&self) -> bool {
        self.try_acquire_many(1)
    }

    /// Takes so many permits if there are, and nobody waits. Whether it did.
    #[inline]
    pub fn try_acquire_many(&self, permits: u32) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & AWAITED == 0 && state >= permits {
            match self.state.compare_exchange_weak(
                state,
                state - permits,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// As [`acquire`](Self::acquire), but waits no longer than so long. Whether the caller
    /// has a permit.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read.
    #[track_caller]
    pub fn acquire_timeout(&self, timeout: Duration) -> bool {
        self.try_acquire()
            || self.acquire_by(1, Reason::to("acquire permits"), prim::after(timeout))
    }

    /// As [`acquire`](Self::acquire), but waits no longer than until then. Whether the caller
    /// has a permit.
    #[track_caller]
    pub fn acquire_deadline(&self, deadline: Instant) -> bool {
        let deadline = prim::at(deadline.into());
        self.acquire_by(1, Reason::to("acquire permits"), deadline)
    }

    /// Takes a permit, and waits for one if there is none. What is returned gives it back.
    #[inline]
    #[track_caller]
    pub fn access(&self) -> SemaphoreGuard<'_> {
        self.access_many(1)
    }

    /// Takes so many permits together, and waits until there are. What is returned gives them
    /// back.
    #[inline]
    #[track_caller]
    pub fn access_many(&self, permits: u32) -> SemaphoreGuard<'_> {
        self.acquire_many(permits);
        SemaphoreGuard {
            semaphore: self,
            permits,
        }
    }

    /// Gives a permit.
    ///
    /// # Panics
    ///
    /// If there are [`MAX_PERMITS`](Self::MAX_PERMITS) already.
    #[inline]
    pub fn release(&self) {
        self.release_many(1);
    }

    /// Gives so many permits.
    ///
    /// # Panics
    ///
    /// If there would be more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[inline]
    pub fn release_many(&self, permits: u32) {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & AWAITED == 0 {
            match self.state.compare_exchange_weak(
                state,
                sum(state, permits),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        self.release_contended(permits);
    }

    /// How many permits there are at the moment.
    pub fn available(&self) -> u32 {
        self.state.load(Ordering::Relaxed) & !AWAITED
    }

    /// Whether the caller has the permits, which it has unless the deadline passed.
    #[inline]
    pub(super) fn acquire_by(&self, permits: u32, reason: Reason, deadline: Deadline) -> bool {
        self.try_acquire_many(permits) || self.acquire_contended(permits, reason, deadline)
    }

    /// As [`Semaphore::acquire_by`].
    #[cold]
    fn acquire_contended(&self, permits: u32, reason: Reason, deadline: Deadline) -> bool {
        let wait = Wait::new();
        let waiter = Waiter::of(
            &wait,
            deadline,
            ptr::without_provenance_mut(permits as usize),
        );
        let mut waiters = self.waiters.lock();
        if self.take_or_await(permits) {
            return true;
        }
        // SAFETY: both are there until it is woken, or removed below.
        unsafe { waiters.push(&waiter) };
        drop(waiters);
        if wait.park(reason, deadline) != Wait::TIMED_OUT {
            return true;
        }
        let mut waiters = self.waiters.lock();
        // SAFETY: it was in no other queue.
        unsafe { waiters.remove(&waiter) };
        // Those behind it may want less.
        let served = self.serve(&mut waiters, 0);
        drop(waiters);
        served.wake();
        false
    }

    /// Takes the permits if there are, and nobody waits, or says that there are waiters, whose
    /// lock the caller has.
    fn take_or_await(&self, permits: u32) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let is_enough = state & AWAITED == 0 && state >= permits;
            let new = if is_enough {
                state - permits
            } else {
                state | AWAITED
            };
            match self
                .state
                .compare_exchange_weak(state, new, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return is_enough,
                Err(now) => state = now,
            }
        }
    }

    #[cold]
    fn release_contended(&self, permits: u32) {
        let mut waiters = self.waiters.lock();
        let served = self.serve(&mut waiters, permits);
        drop(waiters);
        served.wake();
    }

    /// Gives permits, and has those that wait take theirs, as far as there are.
    fn serve(&self, waiters: &mut Waiters, permits: u32) -> AllClaimed {
        // If somebody waits, nobody changes the state but under this lock. Otherwise these
        // permits are added as anywhere else.
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let mut left = sum(state & !AWAITED, permits);
            if state & AWAITED == 0 {
                match self.state.compare_exchange_weak(
                    state,
                    left,
                    Ordering::Release,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return AllClaimed::none(),
                    Err(now) => {
                        state = now;
                        continue;
                    }
                }
            }
            let mut served = AllClaimed::none();
            while let Some(next) = waiters.claim_if(|wanted| wanted.addr() <= left as usize) {
                left -= next.data().addr() as u32;
                served.push(next);
            }
            let awaited = if waiters.is_empty() { 0 } else { AWAITED };
            self.state.store(left | awaited, Ordering::Release);
            return served;
        }
    }
}

/// So many permits together.
#[inline]
fn sum(permits: u32, more: u32) -> u32 {
    match permits.checked_add(more) {
        Some(sum) if sum <= Semaphore::MAX_PERMITS => sum,
        _ => panic!("too many permits"),
    }
}

impl Drop for SemaphoreGuard<'_> {
    fn drop(&mut self) {
        self.semaphore.release_many(self.permits);
    }
}
