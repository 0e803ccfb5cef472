//! The process: its id and the ways to end it.

mod panic;

use core::mem;

use linux_raw_sys::general::{SIGABRT, kernel_sigaction, kernel_sigset_t};

use crate::arch;
use crate::sys::{self, How, Signal};

pub use crate::startup::{ExitCode, Termination};
pub use panic::report_panic;

/// The process's id: getpid(2).
#[inline]
pub fn id() -> u32 {
    sys::getpid().0.cast_unsigned()
}

/// Ends the process, with the low 8 bits of `code` as its status: exit(3). Flushes
/// standard output first; if that fails, says so on standard error and ends with
/// status 1 instead.
#[inline]
pub fn exit(code: i32) -> ! {
    arch::exit(code as u8)
}

/// Ends the process at once, with the low 8 bits of `code` as its status:
/// `_exit(2)`. What standard output has not written is lost.
#[inline]
pub fn _exit(code: i32) -> ! {
    sys::exit_group(code)
}

/// Ends the process by SIGABRT: abort(3). Whatever the program has done to that
/// signal, it dies of it; a shell shows 134. Flushes nothing.
#[cold]
pub fn abort() -> ! {
    let set_size = size_of::<kernel_sigset_t>();
    // SAFETY: both are integers and an optional function, for all of which zero is
    // a value; None is the default action, SIG_DFL.
    let (mut set, default): (kernel_sigset_t, kernel_sigaction) = unsafe { mem::zeroed() };
    set.sig[0] = 1 << (SIGABRT - 1);

    // None of these can fail for a signal that exists and a thread that runs.
    let _ = sys::rt_sigprocmask(How::UNBLOCK, Some(&set), None, set_size);
    let _ = sys::tgkill(sys::getpid(), sys::gettid(), Signal::ABRT);
    // Still here: the signal was ignored, or its handler returned.
    // SAFETY: the default action is no handler.
    let _ = unsafe { sys::rt_sigaction(Signal::ABRT, Some(&default), None, set_size) };
    let _ = sys::tgkill(sys::getpid(), sys::gettid(), Signal::ABRT);
    arch::trap()
}
