//! Signals: handling them, holding them back, waiting for them, sending them.
//!
//! std has no word for any of this, so the words are POSIX's: signal(7).
//!
//! ```ignore
//! use freestand::signal::{self, Action, SigSet, Signal};
//!
//! static STOPPED: AtomicBool = AtomicBool::new(false);
//!
//! extern "C" fn stop(_: Signal) {
//!     STOPPED.store(true, Ordering::Relaxed);
//! }
//!
//! // SAFETY: the handler only stores.
//! unsafe { signal::sigaction(Signal::TERM, Some(&Action::handler(stop))) }?;
//! ```
//!
//! | for | |
//! |---|---|
//! | a function that runs when a signal comes | [`sigaction`] with an [`Action`] |
//! | code that no handler may interrupt | [`block`], and its [`MaskGuard`] |
//! | taking signals one by one, in a thread that does nothing else | [`block`] in all threads, then [`wait`] |
//! | the same among other descriptors, by poll or epoll | [`SignalFd`] |
//! | a handler for when the stack is full | [`AltStack`] and `SaFlags::ONSTACK`, or just [`report_stack_overflow`] |
//!
//! # Handlers
//!
//! A handler runs between any two instructions of the thread that it interrupts, also
//! within a call of this library, a lock held or a list half changed. What it may do is
//! little: change atomics, and call functions whose documentation says that they are
//! *async-signal-safe* (signal-safety(7)). These take no lock, allocate nothing, and do
//! not mind being interrupted halfway by themselves. No errno is in the way: errors are
//! return values.
//!
//! | async-signal-safe | not |
//! |---|---|
//! | every call of [`sys`] and of [`sys::raw`]; in a program with a scheduler ([`sys::hook`]), only the latter and those that cannot block (`sysnb`) | |
//! | here: everything | |
//! | [`io`](crate::io): what has no buffer, `eprint!` | [`Stdout`](crate::io::Stdout), `print!`, buffered readers and writers |
//! | [`process::abort`](crate::process::abort), [`_exit`](crate::process::_exit), [`id`](crate::process::id) | [`process::exit`](crate::process::exit), [`at_exit`](crate::process::at_exit) |
//! | [`fs`](crate::fs): what allocates nothing | `fs::read`, `fs::read_to_string` |
//! | [`time`](crate::time), [`random`](crate::random), [`env`](mod@crate::env), [`path`](crate::path), [`mem`](crate::mem): everything | |
//! | [`sync`](crate::sync): `try_lock`, and giving back what it took | any wait for a lock: the interrupted code may hold it |
//! | a panic: it waits for no lock, and ends the process | [`heap`](crate::heap), and so everything of `alloc` |
//!
//! A handler that is to end the process calls `_exit` or `abort`. One that has anything
//! else to do sets an atomic, or writes a byte to a pipe, and leaves the rest to the
//! program.
//!
//! The kernel keeps all registers, floating-point and vector ones too, and the mask, and
//! restores them when the handler returns: [`UContext`] is most of it.
//!
//! # Calls that a handler interrupts
//!
//! A call that waits while a handler runs ends with `EINTR`, or begins again if the action
//! has the flag [`RESTART`](SaFlags::RESTART) and the call is one that can (signal(7),
//! "Interruption of system calls and library functions by signal handlers"). If
//! something was done already, it says how much instead. A signal without a handler
//! interrupts nothing, but for what is said of stopped processes there.
//!
//! | call | with `RESTART` | without |
//! |---|---|---|
//! | `read`, `readv`, `write`, `writev`, `ioctl` on pipes, terminals, sockets, and descriptors of events, signals, timers and inotify | begins again | `EINTR` |
//! | `open` of a FIFO | begins again | `EINTR` |
//! | `wait4`, `waitid` | begins again | `EINTR` |
//! | `flock`, `fcntl_setlkw`, `fcntl_ofd_setlkw` | begins again | `EINTR` |
//! | `accept4`, `connect`, `recvfrom`, `recvmsg`, `sendto`, `sendmsg` | begins again | `EINTR` |
//! | the same with a timeout (`SO_RCVTIMEO`, `SO_SNDTIMEO`) | `EINTR` | `EINTR` |
//! | `futex_wait`, and `futex` without a timeout | begins again | `EINTR` |
//! | `futex` with a timeout that is a duration (`WAIT`) | `EINTR` | `EINTR` |
//! | `getrandom` of more than 256 bytes | says how much | says how much |
//! | `poll`, `ppoll`, `select`, `pselect6`, `epoll_wait`, `epoll_pwait` | `EINTR` | `EINTR` |
//! | `nanosleep`, `clock_nanosleep` | `EINTR` | `EINTR` |
//! | `rt_sigtimedwait` ([`wait`]), `rt_sigsuspend` ([`suspend`]), `pause` | `EINTR` | `EINTR` |
//! | files on disks | not interrupted | not interrupted |
//!
//! `tests/programs/src/bin/signal_storm.rs` makes the calls of this table while signals
//! come by the thousand.
//!
//! What is made of several calls goes on after `EINTR`, where std's does: `read_exact`,
//! `write_all`, `flush`, `copy`, `thread::sleep`, locks. What is one call, such as `read`,
//! tells of it.
//!
//! # Real-time signals
//!
//! Those from [`Signal::RTMIN`] to [`Signal::RTMAX`] are the program's own, all of them:
//! no libc has taken some. Of another signal the kernel keeps one that waits to be taken;
//! of these each, in their order, up to `RLIMIT_SIGPENDING`, beyond which [`queue`] fails
//! with `EAGAIN`.

mod fd;
mod mask;
mod overflow;
mod stack;

use core::time::Duration;

#[doc(inline)]
pub use crate::sys::{
    SaFlags, SiCode, SigAction as Action, SigEvent, SigHandler, SigHandlerFn, SigInfo, SigSet,
    SigVal, Signal, SignalfdSiginfo, UContext, kill, rt_sigaction as sigaction,
    rt_sigpending as pending,
};
pub use fd::SignalFd;
pub use mask::{MaskGuard, block, mask, set_mask, unblock};
pub use overflow::report_stack_overflow;
pub(crate) use overflow::{overflow_stack, reports_stack_overflow};
pub use stack::{AltStack, InstalledAltStack};

use crate::arch;
use crate::sys::{self, Errno, MaskHow, Pid, Result};

/// Waits for a signal of `set`, which all threads must hold back, and takes it:
/// sigwaitinfo(2). Async-signal-safe.
///
/// # Errors
///
/// `EINTR` if a handler of another signal ran, also one that was asked to `RESTART`.
pub fn wait(set: SigSet) -> Result<SigInfo> {
    let mut info = SigInfo::zeroed();
    sys::rt_sigtimedwait(&set, Some(&mut info), None).map(|_| info)
}

/// As [`wait`], but no longer than `timeout`; `None` if there was none in that time. With
/// a timeout of zero, takes one that has come already. Async-signal-safe.
///
/// # Errors
///
/// `EINTR`, as [`wait`]; `EOVERFLOW` if the kernel is one for i386 that counts seconds in
/// 32 bits, and there are more.
pub fn wait_timeout(set: SigSet, timeout: Duration) -> Result<Option<SigInfo>> {
    let mut info = SigInfo::zeroed();
    match sys::rt_sigtimedwait(&set, Some(&mut info), Some(&timeout.into())) {
        Ok(_) => Ok(Some(info)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Waits while `mask` is what the thread holds back, until a handler has run: sigsuspend(2).
/// A signal that was held back before, and has come already, is handled at once: so none
/// is missed between a look at what its handler changes and the wait. Async-signal-safe.
pub fn suspend(mask: SigSet) {
    // It returns with EINTR, always.
    let _ = sys::rt_sigsuspend(&mask);
}

/// Sends `signal` to the calling thread: raise(3). If it is not held back, it is handled
/// before this returns. Async-signal-safe.
///
/// # Errors
///
/// `EINVAL` if there is no such signal; `EAGAIN` for a real-time signal if too many wait to
/// be taken.
pub fn raise(signal: Signal) -> Result<()> {
    // To itself: there is nothing to wait for that a scheduler should hear of.
    sys::raw::tgkill(sys::getpid(), sys::gettid(), signal)
}

/// Sends `signal` to the process `process`, and `value` with it: sigqueue(3). A real-time
/// signal is kept however many of it wait to be taken. Async-signal-safe.
///
/// # Errors
///
/// `ESRCH` if there is no such process, `EPERM`, `EINVAL` if there is no such signal,
/// `EAGAIN` if too many wait to be taken (`RLIMIT_SIGPENDING`).
pub fn queue(process: Pid, signal: Signal, value: SigVal) -> Result<()> {
    let info = SigInfo::queue(sys::getpid(), sys::getuid(), value);
    sys::rt_sigqueueinfo(process, signal, &info)
}

/// [`process::abort`](crate::process::abort).
pub(crate) fn abort() -> ! {
    // None of these can fail for a signal that exists and a thread that runs.
    let _ = sys::rt_sigprocmask(MaskHow::UNBLOCK, Some(&SigSet::of(&[Signal::ABRT])));
    let _ = raise(Signal::ABRT);
    // Still here: the signal was ignored, or its handler returned.
    // SAFETY: the default action is no handler.
    let _ = unsafe { sigaction(Signal::ABRT, Some(&Action::DEFAULT)) };
    let _ = raise(Signal::ABRT);
    arch::trap()
}
