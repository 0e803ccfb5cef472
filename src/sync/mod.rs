//! Locks on futexes, and channels on locks: std's names, without poisoning.
//!
//! [`Mutex`], [`RwLock`] and [`Condvar`] are lock_api's over raw locks of this module, so
//! that the `no_std` ecosystem's code works on them, and have its methods. Deadlines are
//! times of `CLOCK_MONOTONIC`; an [`Instant`](crate::time::Instant) becomes one by `into`.
//!
//! | | without contention | who comes next | once more in the same thread |
//! |---|---|---|---|
//! | [`Mutex`] | one atomic instruction each way | anybody | waits for ever |
//! | [`RwLock`] | one atomic instruction each way | writers before readers, otherwise anybody | waits for ever; so does reading once more, if a writer waits |
//! | [`Condvar`] | to notify is a load | who has waited longest | |
//! | [`Once`], [`OnceLock`], [`LazyLock`] | a load, once it is done | all at once | waits for ever |
//! | [`Barrier`] | a mutex | all at once | |
//! | [`Semaphore`] | one atomic instruction each way | anybody | takes one more permit |
//! | [`mpsc`] | a mutex | values in the order in which they were sent | |
//!
//! *Anybody* means that none of them is fair: a thread that asks at the right moment comes
//! before those that sleep, which is what makes locks fast. A thread that finds a lock taken
//! looks again for a moment before it sleeps.
//!
//! What holds of all:
//!
//! * **One thread.** Nothing is paid for threads by a program that makes none
//!   ([`expect_threads`]). One that waits for itself for ever traps at once, where it can be
//!   seen. With threads, it waits.
//! * **Deadlines** are kept for signals too: a wait that a signal interrupts goes on. A thread
//!   that gives up leaves the others to be woken.
//! * **Signal handlers** must not use them: the handler may have interrupted the thread that
//!   holds the lock. [`Semaphore::release`] and the functions that begin with `try_` and only
//!   look (`try_acquire`, `try_lock`) are what a handler may call, if it copes with "no".
//! * **fork.** In the child, locks are as they were, and the threads that held them are not
//!   there. The child of a process with threads may use none that another thread may hold.
//! * **Panics** end the process, so that no lock is poisoned. Where somebody unwinds all the
//!   same, guards give locks back, and a [`Once`] that was begun is never done.
//! * **Priorities** are not inherited. Locks work among the threads of a process, not between
//!   processes.
//!
//! With the feature `critical-section`, programs have the implementation of that crate: one
//! recursive lock for the process, which keeps out other threads and no signals. To enter
//! costs a gettid(2). Nobody should fork in a section.

mod barrier;
mod condvar;
#[cfg(feature = "critical-section")]
mod critical_section;
mod lazy_lock;
#[cfg(feature = "alloc")]
pub mod mpsc;
mod mutex;
mod once;
mod once_lock;
pub(crate) mod parker;
mod pinned;
pub(crate) mod prim;
mod rwlock;
mod semaphore;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicBool, Ordering};

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, RawCondvar};
pub use lazy_lock::LazyLock;
pub use lock_api::WaitTimeoutResult;
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, RawMutex};
pub use once::Once;
pub use once_lock::OnceLock;
pub(crate) use pinned::{PinnedMutex, PinnedMutexGuard};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard,
    RwLockWriteGuard,
};
pub use semaphore::{Semaphore, SemaphoreGuard};

/// Whether the process may have more than one thread.
static THREADS: AtomicBool = AtomicBool::new(false);

/// Prepares the locks for a second thread. Whoever makes one calls this before.
///
/// A program that never does needs no code to wait with, and the optimizer leaves
/// it out (with `lto = "fat"`): nothing in it writes what the locks look at.
pub fn expect_threads() {
    THREADS.store(true, Ordering::Relaxed);
}

/// Whether [`expect_threads`] was called.
#[inline(always)]
pub(crate) fn expects_threads() -> bool {
    THREADS.load(Ordering::Relaxed)
}
