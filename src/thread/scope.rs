//! Threads that may borrow from their maker.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering::*};

use super::control::Thread;
use super::spawn::{Builder, Join, Result};
use crate::sync::prim;

/// How many threads a scope has. Who waits for their end does so here and is not unparked: it may
/// be a [task](crate::task), on another thread by then.
pub(super) struct Running(AtomicU32);

impl Running {
    /// One more.
    pub(super) fn enter(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less. Whoever calls this is done with all that the scope may borrow, the scope
    /// itself included.
    pub(super) fn leave(&self) {
        let count = &self.0;
        if count.fetch_sub(1, Release) == 1 {
            // Now the scope may be gone: of the count no more than the address matters, and who
            // sleeps there for something else looks again.
            prim::wake_one(count);
        }
    }

    /// Waits until there are none. What they wrote comes before what follows.
    fn await_none(&self) {
        loop {
            match self.0.load(Acquire) {
                0 => return,
                count => prim::wait(&self.0, count, None),
            };
        }
    }
}

/// Where threads are made that may borrow: std's `thread::Scope`. [`scope`] has it.
pub struct Scope<'scope, 'env: 'scope> {
    running: Running,
    /// Neither may be made shorter or longer.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// Calls `body` with a scope for threads, and returns what it returns, but not before all of
/// them have ended: std's `thread::scope`. So they may borrow what is there before.
///
/// ```ignore
/// let mut numbers = [1, 2, 3];
/// let sum = AtomicU32::new(0);
/// thread::scope(|scope| {
///     for number in &mut numbers {
///         scope.spawn(|| sum.fetch_add(*number, Relaxed));
///     }
/// });
/// ```
pub fn scope<'env, F, T>(body: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        running: Running(AtomicU32::new(0)),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = body(&scope);
    scope.running.await_none();
    result
}

impl<'scope> Scope<'scope, '_> {
    /// Makes a thread that runs `main` and ends before the scope does: std's `Scope::spawn`.
    ///
    /// # Panics
    ///
    /// If the kernel makes no thread: [`Builder::spawn_scoped`] returns the error.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, main: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        match Builder::new().spawn_scoped(self, main) {
            Ok(handle) => handle,
            Err(errno) => panic!("cannot make a thread: {errno}"),
        }
    }

    pub(super) fn running(&self) -> &Running {
        &self.running
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("running", &self.running.0)
            .finish_non_exhaustive()
    }
}

/// Who may [`join`](ScopedJoinHandle::join) a thread of a scope: std's
/// `thread::ScopedJoinHandle`.
pub struct ScopedJoinHandle<'scope, T> {
    join: Join<T>,
    scope: PhantomData<&'scope ()>,
}

// SAFETY: as for JoinHandle.
unsafe impl<T> Send for ScopedJoinHandle<'_, T> {}
// SAFETY: as for JoinHandle.
unsafe impl<T> Sync for ScopedJoinHandle<'_, T> {}

impl<T> ScopedJoinHandle<'_, T> {
    pub(super) fn new(join: Join<T>) -> Self {
        ScopedJoinHandle {
            join,
            scope: PhantomData,
        }
    }

    /// Waits for the thread's end and returns its closure's result:
    /// [`JoinHandle::join`](super::JoinHandle::join).
    ///
    /// # Errors
    ///
    /// None: a thread that panics ends the process.
    #[inline]
    pub fn join(self) -> Result<T> {
        Ok(self.join.join())
    }

    /// The thread.
    #[inline]
    pub fn thread(&self) -> &Thread {
        &self.join.thread
    }

    /// Whether the closure has returned.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.join.is_finished()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}
