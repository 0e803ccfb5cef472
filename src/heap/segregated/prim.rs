//! What the caches are synchronised with. A model checker puts its own in this place:
//! tests/loom.

pub use core::sync::atomic::{AtomicBool, Ordering};

/// How many stripes there are.
pub const STRIPES: usize = 64;

/// How often a lock is looked at before its thread sleeps.
pub const SPINS: usize = 100;

/// Data that only one thread at a time looks at; whoever calls sees to that.
#[derive(Debug)]
pub struct Cell<T>(core::cell::UnsafeCell<T>);

impl<T> Cell<T> {
    pub const fn new(data: T) -> Cell<T> {
        Cell(core::cell::UnsafeCell::new(data))
    }

    #[inline]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// A number that mostly differs between threads, and mostly stays the same for one: in
/// which 64 KiB its stack pointer is. Multiplied by the golden ratio's part of a word, as
/// Fibonacci hashing does it, numbers that follow each other come to lie far apart in the
/// topmost bits.
///
/// The thread pointer would be no better: there need not be one.
#[inline(always)]
pub fn spot() -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    const FACTOR: usize = (GOLDEN >> (64 - usize::BITS)) as usize | 1;

    let here = 0_u8;
    let stack = core::ptr::from_ref(&here).addr() >> 16;
    stack.wrapping_mul(FACTOR) >> (usize::BITS - STRIPES.ilog2())
}
