//! Permits.

use core::time::Duration;

use super::prim::{self, AtomicU32, Deadline, Ordering};

/// Threads may be asleep until there is a permit.
const AWAITED: u32 = 1 << 31;

/// A number of permits, which threads take and give back: sem_overview(7).
///
/// Without contention, either is one atomic instruction and no system call. Whoever gives a
/// permit need not have taken one, and may be another thread than did: `release` is the one
/// operation of this module that a signal handler may use.
///
/// It is not fair. A process of only one thread that waits for a permit traps, unless it
/// waits with a deadline.
#[derive(Debug)]
pub struct Semaphore(AtomicU32);

/// A permit, until it drops.
#[derive(Debug)]
#[must_use = "a permit that is dropped is given back at once"]
pub struct SemaphoreGuard<'a>(&'a Semaphore);

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
        Semaphore(AtomicU32::new(permits))
    }

    /// Takes a permit, and waits for one if there is none.
    #[inline]
    pub fn acquire(&self) {
        if !self.try_acquire() {
            prim::not_alone();
            self.acquire_contended(None);
        }
    }

    /// Takes a permit if there is one. Whether there was.
    #[inline]
    pub fn try_acquire(&self) -> bool {
        self.take(0)
    }

    /// As [`acquire`](Self::acquire), but waits no longer than so long. Whether this thread
    /// has a permit.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read.
    pub fn acquire_timeout(&self, timeout: Duration) -> bool {
        self.try_acquire() || self.acquire_contended(prim::after(timeout))
    }

    /// Takes a permit, and waits for one if there is none. What is returned gives it back.
    #[inline]
    pub fn access(&self) -> SemaphoreGuard<'_> {
        self.acquire();
        SemaphoreGuard(self)
    }

    /// Gives a permit, and wakes a thread that waits for one.
    ///
    /// A signal handler may call it.
    ///
    /// # Panics
    ///
    /// If there are [`MAX_PERMITS`](Self::MAX_PERMITS) already.
    #[inline]
    pub fn release(&self) {
        let state = self.0.fetch_add(1, Ordering::Release);
        assert!(
            state & !AWAITED != Semaphore::MAX_PERMITS,
            "too many permits"
        );
        if state & AWAITED != 0 {
            self.wake(state + 1);
        }
    }

    /// How many permits there are at the moment.
    pub fn available(&self) -> u32 {
        self.0.load(Ordering::Relaxed) & !AWAITED
    }

    /// Takes a permit if there is one, and leaves the state with these bits set.
    #[inline]
    fn take(&self, bits: u32) -> bool {
        let mut state = self.0.load(Ordering::Relaxed);
        while state & !AWAITED != 0 {
            match self.0.compare_exchange_weak(
                state,
                (state - 1) | bits,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Whether this thread has a permit, which it has unless the deadline passed.
    #[cold]
    fn acquire_contended(&self, deadline: Deadline) -> bool {
        prim::spin(&self.0, |state| state != 0);
        // Whoever may have slept leaves the state awaited, since others may still sleep.
        let mut bits = 0;
        loop {
            if self.take(bits) {
                return true;
            }
            // There is no permit: nobody sleeps but in the state that says so.
            let awaited = self
                .0
                .compare_exchange(0, AWAITED, Ordering::Relaxed, Ordering::Relaxed);
            if matches!(awaited, Ok(_) | Err(AWAITED)) {
                bits = AWAITED;
                if !prim::wait(&self.0, AWAITED, deadline) {
                    return false;
                }
            }
        }
    }

    /// Wakes one who waits. Where nobody does, the state says so from now on, if it is still
    /// what it was: one who has come to wait since has changed it, or will be woken by whom
    /// it sees next.
    #[cold]
    fn wake(&self, state: u32) {
        if !prim::wake_one(&self.0) {
            let _ = self.0.compare_exchange(
                state,
                state & !AWAITED,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }
}

impl Drop for SemaphoreGuard<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}
