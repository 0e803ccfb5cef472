//! Which signals a thread holds back.

use core::marker::PhantomData;
use core::mem;

use crate::sys::hook::ThreadLocked;
use crate::sys::{MaskHow, Result, SigSet, rt_sigprocmask};

/// Which signals the calling thread holds back: sigprocmask(2). Async-signal-safe.
///
/// # Errors
///
/// None, unless a seccomp filter makes one.
pub fn mask() -> Result<SigSet> {
    rt_sigprocmask(MaskHow::BLOCK, None)
}

/// Has the calling thread hold back the signals of `set` too, until the guard drops:
/// sigprocmask(2), `SIG_BLOCK`. One that comes in the meantime comes then. Async-signal-safe.
///
/// # Errors
///
/// As for [`mask`].
pub fn block(set: SigSet) -> Result<MaskGuard> {
    MaskGuard::new(MaskHow::BLOCK, set)
}

/// Has the calling thread hold back the signals of `set` no more, until the guard drops:
/// sigprocmask(2), `SIG_UNBLOCK`. Async-signal-safe.
///
/// # Errors
///
/// As for [`mask`].
pub fn unblock(set: SigSet) -> Result<MaskGuard> {
    MaskGuard::new(MaskHow::UNBLOCK, set)
}

/// Has the calling thread hold back the signals of `set` and no others, until the guard
/// drops: sigprocmask(2), `SIG_SETMASK`. Async-signal-safe.
///
/// # Errors
///
/// As for [`mask`].
pub fn set_mask(set: SigSet) -> Result<MaskGuard> {
    MaskGuard::new(MaskHow::SETMASK, set)
}

/// When it drops, the thread holds back what it did before: what [`block`], [`unblock`]
/// and [`set_mask`] return. It stays in its thread, whose mask it has, and so does a task that
/// has it: as by [`task::lock_thread`](crate::task::lock_thread). Several should drop
/// in the opposite order of their making, as variables do.
#[derive(Debug)]
#[must_use = "the mask is as before when this drops"]
pub struct MaskGuard {
    before: SigSet,
    of_this_thread: PhantomData<*mut ()>,
    _locked: ThreadLocked,
}

impl MaskGuard {
    fn new(how: MaskHow, set: SigSet) -> Result<MaskGuard> {
        let locked = ThreadLocked::new();
        Ok(MaskGuard {
            before: rt_sigprocmask(how, Some(&set))?,
            of_this_thread: PhantomData,
            _locked: locked,
        })
    }

    /// What the thread held back before. Async-signal-safe.
    pub fn before(&self) -> SigSet {
        self.before
    }

    /// Leaves the mask as it is now. Async-signal-safe.
    pub fn keep(self) {
        mem::forget(self);
    }
}

impl Drop for MaskGuard {
    fn drop(&mut self) {
        // It has worked before, with the same pointers to this stack.
        let _ = rt_sigprocmask(MaskHow::SETMASK, Some(&self.before));
    }
}
