//! Tasks that may borrow from their maker.

use core::fmt;
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};

use super::spawn::{Builder, Join, Result};
use super::task::Handle;
use super::wait::{Reason, Wait};

/// How many tasks a scope has, and who waits for their end.
pub(super) struct Running {
    /// One for each, and one for the scope while it does not wait yet.
    count: AtomicUsize,
    owner: AtomicPtr<Wait>,
}

impl Running {
    /// One more.
    pub(super) fn enter(&self) {
        self.count.fetch_add(1, Relaxed);
    }

    /// One less. Whoever calls this is done with all that the scope may borrow, the scope
    /// itself included.
    pub(super) fn leave(&self) {
        // What the tasks wrote comes before what the scope's owner does next.
        if self.count.fetch_sub(1, AcqRel) == 1 {
            let owner = self.owner.load(Acquire);
            // SAFETY: the owner waits, for this alone: nobody but the last gets here, and the
            // scope stays until then.
            unsafe {
                (*owner).claim(1);
                Wait::wake(owner);
            }
        }
    }
}

/// Where tasks are made that may borrow. [`scope`] has it.
pub struct Scope<'scope, 'env: 'scope> {
    running: Running,
    /// Neither may be made shorter or longer.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// Calls `body` with a scope for tasks, and returns what it returns, but not before all of them
/// have ended: std's `thread::scope`, for tasks. So they may borrow what is there before.
#[track_caller]
pub fn scope<'env, F, T>(body: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        running: Running {
            count: AtomicUsize::new(1),
            owner: AtomicPtr::new(ptr::null_mut()),
        },
        scope: PhantomData,
        env: PhantomData,
    };
    let result = body(&scope);
    let wait = Wait::new();
    scope
        .running
        .owner
        .store(ptr::from_ref(&wait).cast_mut(), Release);
    // The scope's own, which is the last if all tasks have ended: then nobody waits.
    if scope.running.count.fetch_sub(1, AcqRel) != 1 {
        wait.park(Reason::to("end a scope"), None);
    }
    result
}

impl<'scope> Scope<'scope, '_> {
    /// Makes a task that runs `main` and ends before the scope does.
    ///
    /// # Panics
    ///
    /// If there is no memory for it: [`Builder::spawn_scoped`] returns the error.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, main: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        match Builder::new().spawn_scoped(self, main) {
            Ok(handle) => handle,
            Err(errno) => panic!("cannot make a task: {errno}"),
        }
    }

    pub(super) fn running(&self) -> &Running {
        &self.running
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("running", &self.running.count)
            .finish_non_exhaustive()
    }
}

/// Who may [`join`](ScopedJoinHandle::join) a task of a scope.
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

    /// Waits for the task's end and returns its closure's result:
    /// [`JoinHandle::join`](super::JoinHandle::join).
    ///
    /// # Errors
    ///
    /// None: a task that panics ends the process.
    #[inline]
    #[track_caller]
    pub fn join(self) -> Result<T> {
        Ok(self.join.join())
    }

    /// The task.
    #[inline]
    pub fn task(&self) -> Handle {
        self.join.handle()
    }

    /// Whether the task has ended.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.join.has_ended()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").finish_non_exhaustive()
    }
}
