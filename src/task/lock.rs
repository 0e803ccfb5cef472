//! The lock around what the scheduler's parts share.

use core::ops::{Deref, DerefMut};

use super::thread::Pin;
use crate::sync::{Mutex, MutexGuard};

/// Data that is looked at for a few instructions at a time, by tasks and by threads.
///
/// Who holds it does not wait for anything else, and is pinned: so whoever finds it taken
/// waits for a thread that runs.
#[derive(Debug)]
pub(crate) struct Lock<T>(Mutex<T>);

/// The data, until it drops.
#[derive(Debug)]
pub(crate) struct Guard<'a, T> {
    // It drops first.
    data: MutexGuard<'a, T>,
    _pin: Pin,
}

impl<T> Lock<T> {
    pub(crate) const fn new(data: T) -> Lock<T> {
        Lock(Mutex::new(data))
    }

    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        let pin = Pin::new();
        Guard {
            data: self.0.lock(),
            _pin: pin,
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.data
    }
}
