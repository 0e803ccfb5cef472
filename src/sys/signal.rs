//! Signals.

use linux_raw_sys::general::{self, kernel_sigaction, kernel_sigset_t};

use super::kinds::named;
use super::{Filled, Pid, Result, Tid};
use crate::syscalls;

named! {
    /// A signal: signal(7).
    Signal: i32 {
        /// The process gave up: abort(3).
        ABRT = general::SIGABRT;
    }
    /// What [`rt_sigprocmask`] does with the set.
    How: u32 {
        /// Holds its signals back too.
        BLOCK = general::SIG_BLOCK;
        /// Holds them back no more.
        UNBLOCK = general::SIG_UNBLOCK;
        /// Holds back these and no others.
        SETMASK = general::SIG_SETMASK;
    }
}

/// A set of signals, as the kernel has it: bit n − 1 is signal n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct SigSet(
    /// The bits.
    pub u64,
);

// SAFETY: any bytes are bits.
unsafe impl Filled for SigSet {}

impl SigSet {
    /// How long the kernel's set is, in bytes: several calls want to be told.
    pub(super) const SIZE: usize = size_of::<SigSet>();
}

syscalls! {
    /// Sends `signal` to the thread `thread` of the process `process`: tgkill(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such thread, `EPERM`, `EINVAL`, `EAGAIN`.
    sys tgkill(process: Pid, thread: Tid, signal: Signal) -> Result<()>;

    /// Says what `signal` does, and hands back what it did: rt_sigaction(2).
    /// `set_size` is the size of the kernel's signal set.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a signal that cannot be caught or a wrong `set_size`.
    ///
    /// # Safety
    ///
    /// A handler must be one: code that may run between any two instructions.
    unsafe sysnb rt_sigaction(
        signal: Signal,
        new: Option<&kernel_sigaction>,
        old: Option<&mut kernel_sigaction>,
        set_size: usize
    ) -> Result<()>;

    /// Changes which signals the calling thread holds back: rt_sigprocmask(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for a wrong `how` or `set_size`.
    sysnb rt_sigprocmask(
        how: How,
        new: Option<&kernel_sigset_t>,
        old: Option<&mut kernel_sigset_t>,
        set_size: usize
    ) -> Result<()>;
}
