//! What happens once.

use super::prim::{self, AtomicU32, Ordering};

/// A thread has begun.
const BEGUN: u32 = 1;
/// Others may be asleep until it is done.
const AWAITED: u32 = 2;
/// It is done.
const COMPLETE: u32 = 4;

/// Something that one thread does, once, and that others wait for: std's `Once`, without
/// poisoning.
///
/// Once it is done, to find that out is one load. A function that comes to its own `Once`
/// again waits for itself for ever; so does a signal handler that comes between. A process
/// of only one thread traps there.
#[derive(Debug)]
pub struct Once(AtomicU32);

impl Default for Once {
    fn default() -> Once {
        Once::new()
    }
}

impl Once {
    /// One that nobody has begun.
    pub const fn new() -> Once {
        Once(AtomicU32::new(0))
    }

    /// Calls `f`, unless that was done before, and waits if it is being done. What it did is
    /// there for every thread that returns from here.
    #[inline]
    pub fn call_once(&self, f: impl FnOnce()) {
        if !self.is_completed() {
            self.call(f);
        }
    }

    /// Whether it is done. If so, what was done is there for this thread.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.0.load(Ordering::Acquire) & COMPLETE != 0
    }

    /// Waits until it is done, by another thread.
    #[inline]
    pub fn wait(&self) {
        if !self.is_completed() {
            self.wait_for_another();
        }
    }

    #[cold]
    fn call(&self, f: impl FnOnce()) {
        if self.0.fetch_or(BEGUN, Ordering::Relaxed) & BEGUN != 0 {
            return self.wait_for_another();
        }
        f();
        if self.0.fetch_or(COMPLETE, Ordering::Release) & AWAITED != 0 {
            prim::wake_all(&self.0);
        }
    }

    #[cold]
    fn wait_for_another(&self) {
        prim::not_alone();
        while !self.is_completed() {
            let state = prim::spin(&self.0, |state| state & (COMPLETE | AWAITED) != 0);
            let awaited = state | AWAITED;
            if state & COMPLETE == 0 && (state == awaited || self.is_awaited_from(state)) {
                prim::wait(&self.0, awaited, None);
            }
        }
    }

    /// Says that somebody may be asleep, if the state is still `state`.
    fn is_awaited_from(&self, state: u32) -> bool {
        self.0
            .compare_exchange(state, state | AWAITED, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}
