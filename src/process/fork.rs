//! A copy of the process.

use super::Child;
use super::spawn::Spawned;
use crate::sys::hook;
use crate::sys::{Address, Result, Signal, raw};

/// Makes a child that goes on from here in a copy of the memory, with copies of the
/// descriptors: fork(2). The parent gets the child, the child `None`.
///
/// To run a program, `Command` is cheaper and safe. This is for who wants to go on with
/// the same one.
///
/// # What is the child's
///
/// * This thread, and no other. Its id ([`gettid`](crate::sys::gettid)) is another one.
/// * The memory as it was, half-written by others where they were writing; but what is
///   mapped `SHARED` is shared.
/// * The descriptors, with the parent's positions and locks of whole files (flock(2)).
/// * Signals' actions, and what the thread holds back; none that has come and waits.
/// * No timers, no alarm, no locks of ranges (fcntl(2)), no `PR_SET_PDEATHSIG`.
///
/// * No tasks but the calling one, which goes on as if there were no scheduler: what it asks
///   of [`task`](crate::task) panics. While the process forks no task runs, so none holds the
///   heap's lock.
///
/// # Errors
///
/// `EAGAIN` if there are too many processes, `ENOMEM`, `EMFILE` or `ENFILE` for too many
/// descriptors: the child's is one.
///
/// # Safety
///
/// * If there may be other threads, one of them may hold any lock, and in the child it
///   holds it for ever: the heap's, standard output's, that of [`at_exit`](super::at_exit).
///   The child may do only what a signal handler may (signal-safety(7)): no allocation, no
///   printing through [`stdout`](crate::io::stdout), no [`exit`](super::exit), no panic
///   that would print; but system calls of [`sys::raw`](raw), without hooks, beginning with
///   execve(2), and in the end [`_exit`](super::_exit).
/// * Both have what standard output's buffer holds, and handlers to be called at exit:
///   flush before, or end one of the two by [`_exit`](super::_exit).
/// * What may be done only once, such as removing a file in the end, only one may do.
pub unsafe fn fork() -> Result<Option<Child>> {
    hook::before_fork();
    let child = Spawned::by(|flags, pidfd| {
        let none = Address::default();
        // SAFETY: the child has its own copy of the memory, and `pidfd` points to what the
        // flags make of it; the rest is passed on to the caller. No hooks, since the child
        // would call them too.
        unsafe { raw::clone(flags, Some(Signal::CHLD), pidfd, none.cast(), none) }
    });
    hook::after_fork(matches!(child, Ok(None)));
    Ok(child?.map(Child::new))
}
