//! What the locks are made of: atomic words, and sleeping until one changes. A model
//! checker puts its own in this place: tests/loom_sync.

use core::hint;
use core::time::Duration;

pub use core::sync::atomic::{AtomicU32, Ordering};

use super::expects_threads;
use crate::arch;
use crate::sys::{self, Clock, Errno, timespec};

/// A time of `CLOCK_MONOTONIC`.
pub use crate::sys::Timespec;

/// How often a word is looked at before its thread sleeps.
const SPINS: u32 = 100;

/// Until when a thread may wait. `None` is for ever.
pub type Deadline = Option<Timespec>;

/// So long from now; for ever, if that has no number.
///
/// # Panics
///
/// If the clock cannot be read, as under a seccomp filter that allows no clock.
pub fn after(timeout: Duration) -> Deadline {
    match sys::clock_gettime(Clock::MONOTONIC) {
        Ok(now) => timespec::checked_add(now, timeout),
        Err(_) => panic!("the clock cannot be read"),
    }
}

/// At that time. The kernel takes only such as the clock may show.
pub fn at(time: Timespec) -> Deadline {
    Some(timespec::normal(time).max(Timespec::default()))
}

/// What goes before each slow path without a deadline: whoever waits for ever in a process of
/// one thread waits for itself, so this traps. In a program that makes no threads it is all
/// that the optimizer leaves of the path.
#[inline(always)]
pub fn not_alone() {
    if !expects_threads() {
        arch::trap();
    }
}

/// Looks at the word a few times, until it is as wanted, and says what it was last: what
/// another thread has only for a moment is worth no system call.
pub fn spin(word: &AtomicU32, wanted: impl Fn(u32) -> bool) -> u32 {
    let mut left = SPINS;
    loop {
        let value = word.load(Ordering::Relaxed);
        if left == 0 || wanted(value) {
            return value;
        }
        left -= 1;
        hint::spin_loop();
    }
}

/// Sleeps while the word is `expected`, until somebody wakes it or a signal comes. Whether
/// the deadline has not passed: one who was woken is never told that it has.
pub fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> bool {
    let Some(deadline) = deadline else {
        // An error is EAGAIN (the word changed) or EINTR: the caller looks again.
        let _ = sys::futex_wait(word, expected);
        return true;
    };
    match sys::futex_wait_until(word, expected, &deadline) {
        Err(Errno::ETIMEDOUT) => return false,
        // A kernel that knows 68 years: as good as for ever.
        Err(Errno::EOVERFLOW) => drop(sys::futex_wait(word, expected)),
        _ => {}
    }
    true
}

/// Wakes one thread that sleeps on the word. Whether there was one.
#[inline(always)]
pub fn wake_one(word: &AtomicU32) -> bool {
    expects_threads() && wake(word, 1) > 0
}

/// Wakes all threads that sleep on the word.
#[inline(always)]
pub fn wake_all(word: &AtomicU32) {
    if expects_threads() {
        // The kernel takes the number for an `int`.
        wake(word, i32::MAX as u32);
    }
}

#[cold]
fn wake(word: &AtomicU32, count: u32) -> usize {
    sys::futex_wake(word, count).unwrap_or(0)
}

/// Data that whoever calls sees to the sharing of.
#[derive(Debug)]
pub struct Cell<T>(core::cell::UnsafeCell<T>);

impl<T> Cell<T> {
    pub const fn new(data: T) -> Cell<T> {
        Cell(core::cell::UnsafeCell::new(data))
    }

    /// For reading, while others may.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// For writing, while nobody else looks.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}
