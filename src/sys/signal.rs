//! Signals.

use core::ffi::c_int;

use linux_raw_sys::general::{
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_tgkill, kernel_sigaction, kernel_sigset_t,
};

use super::Result;
use super::declare::syscalls;

syscalls! {
    /// Sends `signal` to the thread `thread` of the process `process`: tgkill(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such thread, `EPERM`, `EINVAL`, `EAGAIN`.
    sys tgkill(process: u32, thread: u32, signal: u32) -> Result<()> = __NR_tgkill;

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
        signal: u32,
        new: Option<&kernel_sigaction>,
        old: Option<&mut kernel_sigaction>,
        set_size: usize
    ) -> Result<()> = __NR_rt_sigaction;

    /// Changes which signals the calling thread holds back: rt_sigprocmask(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for a wrong `how` or `set_size`.
    sysnb rt_sigprocmask(
        how: c_int,
        new: Option<&kernel_sigset_t>,
        old: Option<&mut kernel_sigset_t>,
        set_size: usize
    ) -> Result<()> = __NR_rt_sigprocmask;
}
