//! The process: its id and the ways to end it.

#[cfg(any(frame_pointers, doc, test))]
mod backtrace;
mod exit;
mod panic;

use crate::sys;
use crate::{arch, signal};

pub use crate::startup::{ExitCode, Termination};
#[cfg(any(frame_pointers, doc, test))]
pub use backtrace::{Backtrace, backtrace};
pub use exit::{AT_EXIT_MAX, at_exit};
pub use panic::report_panic;

/// The process's id: getpid(2). Async-signal-safe.
#[inline]
pub fn id() -> u32 {
    sys::getpid().0.cast_unsigned()
}

/// Ends the process, with the low 8 bits of `code` as its status: exit(3). What is to be
/// done at exit is done first: the handlers of [`at_exit`], destructors, standard output's
/// flush. If that fails, it says so on standard error and the status is 1 instead.
#[inline]
pub fn exit(code: i32) -> ! {
    arch::exit(code as u8)
}

/// Ends the process at once, with the low 8 bits of `code` as its status:
/// `_exit(2)`. Nothing else happens: no handler is called, and what standard output has not
/// written is lost. Async-signal-safe.
#[inline]
pub fn _exit(code: i32) -> ! {
    sys::exit_group(code)
}

/// Ends the process by SIGABRT: abort(3). Whatever the program has done to that
/// signal, it dies of it; a shell shows 134. Flushes nothing. Async-signal-safe.
#[cold]
pub fn abort() -> ! {
    signal::abort()
}
