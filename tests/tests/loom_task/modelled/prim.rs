//! What stands in for src/task/prim.rs: loom's atomics, and a ring that is soon full.

use loom::sync::atomic;

pub use loom::sync::atomic::Ordering;

use crate::{Bug, planted};

pub const RING: usize = 4;

/// The order that counts.
fn seen(order: Ordering) -> Ordering {
    match order {
        _ if planted(Bug::Relaxed) => Ordering::Relaxed,
        Ordering::Acquire if planted(Bug::Unacquired) => Ordering::Relaxed,
        Ordering::Release if planted(Bug::Unreleased) => Ordering::Relaxed,
        order => order,
    }
}

#[derive(Debug)]
pub struct AtomicUsize(atomic::AtomicUsize);

impl AtomicUsize {
    pub fn new(value: usize) -> AtomicUsize {
        AtomicUsize(atomic::AtomicUsize::new(value))
    }

    pub fn load(&self, order: Ordering) -> usize {
        self.0.load(seen(order))
    }

    pub fn store(&self, value: usize, order: Ordering) {
        self.0.store(value, seen(order));
    }

    pub fn compare_exchange(
        &self,
        old: usize,
        new: usize,
        success: Ordering,
        failure: Ordering,
    ) -> Result<usize, usize> {
        if planted(Bug::Torn) {
            let found = self.load(success);
            if found != old {
                return Err(found);
            }
            self.store(new, Ordering::Relaxed);
            return Ok(found);
        }
        self.0.compare_exchange(old, new, seen(success), failure)
    }
}

#[derive(Debug)]
pub struct AtomicPtr<T>(atomic::AtomicPtr<T>);

impl<T> AtomicPtr<T> {
    pub fn new(value: *mut T) -> AtomicPtr<T> {
        AtomicPtr(atomic::AtomicPtr::new(value))
    }

    pub fn load(&self, order: Ordering) -> *mut T {
        self.0.load(seen(order))
    }

    pub fn store(&self, value: *mut T, order: Ordering) {
        self.0.store(value, seen(order));
    }

    pub fn swap(&self, value: *mut T, order: Ordering) -> *mut T {
        if planted(Bug::Torn) {
            let found = self.load(Ordering::Acquire);
            self.store(value, Ordering::Release);
            return found;
        }
        self.0.swap(value, seen(order))
    }
}
