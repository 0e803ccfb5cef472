//! Waiting until so many things are done.

use core::ptr;
use core::time::Duration;

use crate::sync::prim::{self, AtomicU32, Deadline, Ordering};
use crate::task::lock::Lock;
use crate::task::wait::{Reason, Wait};
use crate::task::waiters::{Waiter, Waiters};
use crate::time::Instant;

/// There are waiters. It changes under their lock alone.
const AWAITED: u32 = 1 << 31;

/// Waits until everything is done that was begun: Go's `sync.WaitGroup`.
///
/// A count that [`add`](Self::add) makes larger and [`done`](Self::done) smaller, and
/// [`wait`](Self::wait), which waits until it is 0. Who waits is woken at the moment that it
/// is, also if somebody adds to it again at once. What was done before `done` is there for
/// who has waited.
#[derive(Debug)]
pub struct WaitGroup {
    /// How much is to be done, and [`AWAITED`].
    state: AtomicU32,
    waiters: Lock<Waiters>,
}

/// One thing to be done, which is when this drops.
#[derive(Debug)]
#[must_use = "what it stands for is done as soon as it drops"]
pub struct WaitGroupGuard<'a>(&'a WaitGroup);

impl Default for WaitGroup {
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl WaitGroup {
    /// The most that may be to be done.
    pub const MAX_COUNT: u32 = AWAITED - 1;

    /// One with nothing to be done.
    pub const fn new() -> WaitGroup {
        WaitGroup {
            state: AtomicU32::new(0),
            waiters: Lock::new(Waiters::new()),
        }
    }

    /// So many more things are to be done.
    ///
    /// # Panics
    ///
    /// If there would be more than [`MAX_COUNT`](Self::MAX_COUNT).
    pub fn add(&self, count: u32) {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let is_few = (state & !AWAITED)
                .checked_add(count)
                .is_some_and(|sum| sum <= WaitGroup::MAX_COUNT);
            assert!(is_few, "too much to be done");
            match self.state.compare_exchange_weak(
                state,
                state + count,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    /// One thing is done. If it was the last, those that wait go on.
    ///
    /// # Panics
    ///
    /// If there was nothing to be done.
    #[inline]
    pub fn done(&self) {
        let mut state = self.state.load(Ordering::Relaxed);
        // The last one takes the lock first, if somebody waits: so no one comes to wait for
        // what is still to be added.
        while state != 1 | AWAITED {
            assert!(state != 0, "there was nothing to be done");
            match self.state.compare_exchange_weak(
                state,
                state - 1,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        self.done_awaited();
    }

    #[cold]
    fn done_awaited(&self) {
        let mut waiters = self.waiters.lock();
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            assert!(state & !AWAITED != 0, "there was nothing to be done");
            let is_last = state & !AWAITED == 1;
            let new = if is_last { 0 } else { state - 1 };
            // What others did before they were done comes before this, too.
            match self
                .state
                .compare_exchange_weak(state, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) if is_last => break,
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
        let all = waiters.claim_all();
        drop(waiters);
        all.wake();
    }

    /// One thing more is to be done, which is when the guard drops.
    ///
    /// # Panics
    ///
    /// As [`add`](Self::add).
    pub fn guard(&self) -> WaitGroupGuard<'_> {
        self.add(1);
        WaitGroupGuard(self)
    }

    /// How much is to be done at the moment.
    pub fn count(&self) -> u32 {
        self.state.load(Ordering::Relaxed) & !AWAITED
    }

    /// Waits until nothing is to be done.
    #[inline]
    #[track_caller]
    pub fn wait(&self) {
        self.wait_by(Reason::to("see a group done"), None);
    }

    /// As [`wait`](Self::wait), but no longer than so long. Whether nothing was to be done.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read.
    #[track_caller]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.is_done() || self.wait_by(Reason::to("see a group done"), prim::after(timeout))
    }

    /// As [`wait`](Self::wait), but no longer than until then. Whether nothing was to be done.
    #[track_caller]
    pub fn wait_deadline(&self, deadline: Instant) -> bool {
        self.wait_by(Reason::to("see a group done"), prim::at(deadline.into()))
    }

    #[inline]
    fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == 0
    }

    #[inline]
    fn wait_by(&self, reason: Reason, deadline: Deadline) -> bool {
        self.is_done() || self.wait_contended(reason, deadline)
    }

    #[cold]
    fn wait_contended(&self, reason: Reason, deadline: Deadline) -> bool {
        let wait = Wait::new();
        let waiter = Waiter::of(&wait, deadline, ptr::null_mut());
        let mut waiters = self.waiters.lock();
        if !self.must_wait() {
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
        if waiters.is_empty() {
            self.state.fetch_and(!AWAITED, Ordering::Relaxed);
        }
        false
    }

    /// Says that there are waiters, whose lock the caller has, if there is something to be
    /// done.
    fn must_wait(&self) -> bool {
        let mut state = self.state.load(Ordering::Acquire);
        while state != 0 {
            match self.state.compare_exchange_weak(
                state,
                state | AWAITED,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }
}

impl Drop for WaitGroupGuard<'_> {
    fn drop(&mut self) {
        self.0.done();
    }
}
