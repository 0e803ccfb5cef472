//! Values that are made when they are first looked at.

use core::fmt;
use core::ops::Deref;

use super::OnceLock;
use super::prim::Cell;

/// A value that is made when somebody first looks at it: std's `LazyLock`.
///
/// What is said of [`Once`](super::Once) holds here: a function that comes to the value it
/// is to make waits for itself.
pub struct LazyLock<T, F = fn() -> T> {
    value: OnceLock<T>,
    /// What makes it, until it is made.
    make: Cell<Option<F>>,
}

// SAFETY: `make` is touched by the one thread that makes the value, which may be another
// than it came from (F: Send).
unsafe impl<T: Sync + Send, F: Send> Sync for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// One whose value `f` makes.
    pub const fn new(f: F) -> LazyLock<T, F> {
        LazyLock {
            value: OnceLock::new(),
            make: Cell::new(Some(f)),
        }
    }

    /// The value, made now if it was not.
    #[inline]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        this.value.get_or_init(|| {
            let make = this.make.with_mut(|make| {
                // SAFETY: nobody but who makes the value looks, and that is one thread.
                unsafe { (*make).take() }
            });
            make.expect("the value is made once")()
        })
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("LazyLock");
        match self.value.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<uninit>")),
        };
        tuple.finish()
    }
}
