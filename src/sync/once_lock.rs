//! Values that are set once.

use core::fmt;
use core::mem::MaybeUninit;

use super::Once;
use super::prim::Cell;

/// A value that is set once, by whichever thread comes first: std's `OnceLock`.
///
/// To find it set is one load. What is said of [`Once`] holds here: a function that comes
/// to the value it is to make waits for itself.
pub struct OnceLock<T> {
    once: Once,
    value: Cell<MaybeUninit<T>>,
}

// SAFETY: the value is shared only once it is set and never written again (T: Sync), and it
// may be set in one thread and taken in another (T: Send).
unsafe impl<T: Sync + Send> Sync for OnceLock<T> {}
// SAFETY: it moves with the lock.
unsafe impl<T: Send> Send for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// One that is not set.
    pub const fn new() -> OnceLock<T> {
        OnceLock {
            once: Once::new(),
            value: Cell::new(MaybeUninit::uninit()),
        }
    }

    /// The value, if it is set.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if !self.once.is_completed() {
            return None;
        }
        self.value.with(|value| {
            // SAFETY: it is set, and nobody writes it while the lock is borrowed.
            Some(unsafe { (*value).assume_init_ref() })
        })
    }

    /// The value, if it is set.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if !self.once.is_completed() {
            return None;
        }
        // SAFETY: it is set.
        Some(unsafe { self.value.get_mut().assume_init_mut() })
    }

    /// The value, once another thread has set it.
    pub fn wait(&self) -> &T {
        self.once.wait();
        self.get().expect("it was waited for")
    }

    /// Sets the value.
    ///
    /// # Errors
    ///
    /// With `value`, if it is set.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("there is one value"));
        value.map_or(Ok(()), Err)
    }

    /// The value, which is what `f` returns if nobody has set it.
    #[inline]
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> &T {
        self.once.call_once(|| {
            let value = f();
            self.value.with_mut(|place| {
                // SAFETY: this happens once, and nobody looks before it is done.
                unsafe { (*place).write(value) };
            });
        });
        self.value.with(|value| {
            // SAFETY: it is set, and nobody writes it while the lock is borrowed.
            unsafe { (*value).assume_init_ref() }
        })
    }

    /// The value, if it is set.
    pub fn into_inner(mut self) -> Option<T> {
        self.take()
    }

    /// Takes the value, if it is set, and the lock is as new.
    pub fn take(&mut self) -> Option<T> {
        if !self.once.is_completed() {
            return None;
        }
        self.once = Once::new();
        // SAFETY: it was set, and by what the lock says it is not any more.
        Some(unsafe { self.value.get_mut().assume_init_read() })
    }
}

impl<T> Drop for OnceLock<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("OnceLock");
        match self.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get()
            .cloned()
            .map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T> From<T> for OnceLock<T> {
    /// One that is set.
    fn from(value: T) -> OnceLock<T> {
        let lock = OnceLock::new();
        lock.get_or_init(|| value);
        lock
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}
