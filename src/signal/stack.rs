//! Stacks for handlers alone.

use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};

use crate::mapping::{GUARD, Mapping};
use crate::startup::InitialStack;
use crate::startup::stack::kept_argv;
use crate::sys::{self, Address, Errno, Result, SigStack, SsFlags};

/// What the kernel asks of a stack, and says what a handler's frame needs, where the
/// auxiliary vector does not say: the largest `MINSIGSTKSZ` of the four architectures.
/// Kernels that do not say know no processor that needs more.
const MINSIGSTKSZ: usize = 5120;

/// A stack for the handlers of one thread that ask for it
/// ([`ONSTACK`](crate::sys::SaFlags::ONSTACK)), so that one can run when the thread's own
/// has overflowed: sigaltstack(2). It is a mapping of its own, with a guard below: a
/// handler that overflows it dies of SIGSEGV and writes over nothing.
#[derive(Debug)]
pub struct AltStack(Mapping);

impl AltStack {
    /// A new one, on which a handler has at least `room` bytes for itself, beside what the
    /// kernel keeps there: the interrupted registers, of which there are more on some
    /// processors than on others (`AT_MINSIGSTKSZ`). 16 KiB are plenty for a handler that
    /// formats nothing. Async-signal-safe.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory.
    pub fn new(room: usize) -> Result<AltStack> {
        let len = least()
            .checked_add(room)
            .and_then(|len| len.checked_next_multiple_of(GUARD))
            .and_then(|len| len.checked_add(GUARD))
            .ok_or(Errno::ENOMEM)?;
        Mapping::of_stack(len).map(AltStack)
    }

    /// The lowest byte of the stack, above the guard.
    pub(super) fn begin(&self) -> Address {
        self.0.start().wrapping_add(GUARD).cast()
    }

    /// How many bytes it has.
    fn room(&self) -> usize {
        self.0.len() - GUARD
    }

    fn as_sig_stack(&self) -> SigStack {
        SigStack {
            ss_sp: self.begin(),
            ss_flags: SsFlags::empty(),
            ss_size: self.room(),
        }
    }

    /// Has the calling thread's handlers run on it, until what this returns drops.
    /// Async-signal-safe.
    ///
    /// # Errors
    ///
    /// `EPERM` if the thread is just running on another.
    pub fn install(self) -> Result<InstalledAltStack> {
        // SAFETY: the stack is nobody else's, and stays until it is the thread's no more:
        // InstalledAltStack sees to that.
        let before = unsafe { sys::sigaltstack(Some(&self.as_sig_stack())) }?;
        Ok(InstalledAltStack {
            stack: ManuallyDrop::new(self),
            before,
            of_this_thread: PhantomData,
        })
    }
}

/// An [`AltStack`] that a thread's handlers run on. When it drops the thread has the one
/// that it had before, or none, and the memory is given back. That does not happen where
/// it would be wrong, which is while a handler runs on the stack, and if the thread has
/// got another since: then both stay as they are.
#[derive(Debug)]
#[must_use = "the stack is the thread's no more when this drops"]
pub struct InstalledAltStack {
    stack: ManuallyDrop<AltStack>,
    before: SigStack,
    of_this_thread: PhantomData<*mut ()>,
}

impl InstalledAltStack {
    /// Leaves the stack to the thread, for as long as the process lives.
    /// Async-signal-safe.
    pub fn keep(self) {
        mem::forget(self);
    }
}

impl Drop for InstalledAltStack {
    fn drop(&mut self) {
        // SAFETY: asking changes nothing.
        let now = unsafe { sys::sigaltstack(None) };
        if now != Ok(self.stack.as_sig_stack()) {
            return;
        }
        // SAFETY: it was the thread's before, and whoever installed it has kept it: it is
        // the other's memory for as long as that has not dropped, which does nothing
        // unless it is the thread's.
        if unsafe { sys::sigaltstack(Some(&self.before)) }.is_ok() {
            // SAFETY: this is the only time.
            unsafe { ManuallyDrop::drop(&mut self.stack) };
        }
    }
}

/// The least that a stack needs: sysconf(3), `_SC_MINSIGSTKSZ`.
fn least() -> usize {
    let argv = kept_argv();
    if argv.is_null() {
        // Another `_start` ran than ours.
        return MINSIGSTKSZ;
    }
    // SAFETY: the piece that keeps argv stored what _start found.
    let auxv = unsafe { InitialStack::from_argv(argv) }.auxv();
    auxv.minsigstksz().unwrap_or(MINSIGSTKSZ)
}
