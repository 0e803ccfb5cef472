//! The lock around what the scheduler's parts share.

use crate::sync::{Mutex, MutexGuard};

/// Data that is looked at for a few instructions at a time, by tasks and by threads.
///
/// Who holds it does not wait for anything else, and is not preempted: so whoever finds it
/// taken waits for a thread that runs.
#[derive(Debug)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(data: T) -> Lock<T> {
        Lock(Mutex::new(data))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }
}
