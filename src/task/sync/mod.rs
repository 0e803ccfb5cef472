//! Locks that park the task and not its thread: [`freestand::sync`](crate::sync)'s names.
//!
//! Who waits gives its processor up to other tasks. A thread that runs no task may use them
//! too, and sleeps. [`Mutex`], [`RwLock`] and [`Condvar`] are lock_api's over raw locks of
//! this module. Deadlines are times of `CLOCK_MONOTONIC`; an
//! [`Instant`](crate::time::Instant) becomes one by `into`.
//!
//! | | without contention | who comes next | once more in the same task |
//! |---|---|---|---|
//! | [`Mutex`] | one atomic instruction each way | anybody; but the second time that one is woken, the lock is its | waits for ever |
//! | [`RwLock`] | one atomic instruction each way | who has waited longest; readers that wait together, together | waits for ever; so does reading once more, if a writer waits |
//! | [`Semaphore`] | one atomic instruction each way | who has waited longest | takes more permits |
//! | [`Condvar`] | to notify is a load | who has waited longest | |
//! | [`WaitGroup`] | one atomic instruction, and to wait is a load | all at once | |
//! | [`Barrier`] | a lock of a few instructions | all at once | |
//!
//! To hand a lock to who waits for it is fair, and slow where many want it: each time, the
//! one that has it must stop, and another go on. So a [`Mutex`] that is given back is free,
//! for whoever comes first, and one that waits is woken to try; if it comes too late, it waits
//! at the head of the queue, and next time gets the lock as it is given back. So nobody is
//! passed by more than the tasks before it and twice its own turn. Permits and [`RwLock`]s
//! are handed over: those who want many would otherwise never find them together.
//!
//! * One may be held while the task waits for something else, and be given back on another
//!   thread than it was taken on.
//! * Who gives up at a deadline leaves the others as if it had not been there.
//! * A wait ends by what is waited for, or by its deadline: also a [`Condvar`]'s.
//! * As of [`freestand::sync`](crate::sync): no poisoning, not in signal handlers, not in the
//!   child of a fork unless they are free, among the threads of one process.

mod barrier;
mod condvar;
mod mutex;
mod rwlock;
mod semaphore;
mod wait_group;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, RawCondvar};
#[doc(no_inline)]
pub use lock_api::WaitTimeoutResult;
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, RawMutex};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard,
    RwLockWriteGuard,
};
pub use semaphore::{Semaphore, SemaphoreGuard};
pub use wait_group::{WaitGroup, WaitGroupGuard};
