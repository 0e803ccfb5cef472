//! Threads, and waiting for one another.

use core::sync::atomic::AtomicU32;

use linux_raw_sys::general::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE};

use super::{Result, Tid};
use crate::arch::nr;
use crate::syscalls;

syscalls! {
    /// The calling thread's id: gettid(2).
    sysnb gettid() -> Tid;

    /// Waits on a word of memory or wakes who waits, without a timeout: futex(2).
    ///
    /// # Safety
    ///
    /// `word` must be the address of an aligned `u32`.
    unsafe sys futex(word: *mut u32, operation: u32, value: u32, timeout: usize) -> Result<usize> = nr::futex;
}

/// Sleeps while `word` is `expected`, until [`futex_wake`]: `FUTEX_WAIT`, among
/// the threads of this process.
///
/// # Errors
///
/// `EAGAIN` if `word` is not `expected`, `EINTR` if a signal came.
#[inline]
pub fn futex_wait(word: &AtomicU32, expected: u32) -> Result<()> {
    // SAFETY: the word is borrowed, so it lives; 0 is a null pointer, no timeout.
    unsafe { futex(word.as_ptr(), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, expected, 0) }.map(drop)
}

/// Wakes up to `count` threads that wait on `word`, and returns how many:
/// `FUTEX_WAKE`.
///
/// # Errors
///
/// None that a borrowed word can cause.
#[inline]
pub fn futex_wake(word: &AtomicU32, count: u32) -> Result<usize> {
    // SAFETY: the word is borrowed, so it lives.
    unsafe { futex(word.as_ptr(), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, 0) }
}
