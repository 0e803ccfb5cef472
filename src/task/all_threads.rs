//! Calls that each thread must make for itself.

use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering::*};
use core::time::Duration;

use super::preempt;
use super::world::stop_the_world;
use crate::sync::prim;
use crate::sys::{self, Errno, Result, Tid, raw};
use crate::thread as threads;

/// What a thread is to do.
type Call<'a> = &'a (dyn Fn() -> Result<()> + Sync);

/// The thread that is to do something, and what: the address of a [`Call`].
static THREAD: AtomicI32 = AtomicI32::new(0);
static CALL: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());
/// Whether it has: [`NOTHING`], [`ASKED`], [`TAKEN`], or [`DONE`] and an errno beside that.
static OUTCOME: AtomicU32 = AtomicU32::new(NOTHING);

/// Nobody is to do anything.
const NOTHING: u32 = 0;
/// The thread is to.
const ASKED: u32 = 1 << 29;
/// It is about to. Who asked waits until it has.
const TAKEN: u32 = 1 << 30;
/// It has.
const DONE: u32 = 1 << 31;

/// How long to wait before a look whether the thread is still there.
const PATIENCE: Duration = Duration::from_millis(10);

/// Has every thread of the process do the same, one after the other: Go's
/// `syscall.AllThreadsSyscall`. For what the kernel keeps of each thread and a program means for
/// all: user and group ids (setuid(2) changes one thread's), capabilities, prctl(2)'s flags,
/// seccomp(2)'s filters.
///
/// The calling thread comes first, and if it fails, no other does anything. The world is
/// [stopped](stop_the_world) meanwhile. Other threads do it in the handler of a signal, SIGURG,
/// also those that are in a system call, which begins again if it is one of those that do
/// ([`signal`](crate::signal)), and those that the program made by
/// [`thread`](crate::thread): not such as it made by the system call alone. So `call` may do no
/// more than a handler may: system calls.
///
/// # Errors
///
/// That of the first thread that fails. If it is not the calling one, some threads have done it
/// and some have not: there is nothing sensible to be done but to end. `ENOTSUP` if the program
/// handles SIGURG itself.
///
/// A thread that holds SIGURG back is waited for until it does no more.
pub fn on_all_threads(call: impl Fn() -> Result<()> + Sync) -> Result<()> {
    let _stopped = stop_the_world();
    if !preempt::is_set_up() {
        return Err(Errno::ENOTSUP);
    }
    call()?;
    let own = sys::gettid();
    let mut done = Vec::from([own]);
    loop {
        // Again as long as there are new ones: a thread is as its maker was when it was made, and
        // those to come are made by those that are done.
        let mut threads = threads::all();
        threads.retain(|thread| !done.contains(thread));
        if threads.is_empty() {
            return Ok(());
        }
        for thread in threads {
            have(thread, &call)?;
            done.push(thread);
        }
    }
}

/// Has the thread do it, and waits until it has. One that has ended need not. The world is
/// stopped, so nobody else asks.
fn have(thread: Tid, call: Call<'_>) -> Result<()> {
    THREAD.store(thread.0, Relaxed);
    CALL.store(ptr::from_ref(&call).cast_mut().cast(), Relaxed);
    OUTCOME.store(ASKED, Release);
    loop {
        match raw::tgkill(sys::getpid(), thread, preempt::SIGNAL) {
            // Nobody can take it any more.
            Err(Errno::ESRCH) => return Ok(()),
            result => result?,
        }
        loop {
            let outcome = OUTCOME.load(Acquire);
            if outcome & DONE != 0 {
                OUTCOME.store(NOTHING, Relaxed);
                let errno = Errno::new((outcome & !DONE) as u16);
                return errno.map_or(Ok(()), Err);
            }
            if !prim::wait(&OUTCOME, outcome, prim::after(PATIENCE)) {
                // Is it still there?
                break;
            }
        }
    }
}

/// In the signal's handler: does what the calling thread is asked to.
pub(super) fn do_own() {
    if OUTCOME.load(Acquire) != ASKED || THREAD.load(Relaxed) != sys::gettid().0 {
        return;
    }
    let taken = OUTCOME.compare_exchange(ASKED, TAKEN, Acquire, Relaxed);
    if taken.is_err() {
        return;
    }
    // SAFETY: it was this thread that was asked, so who asked waits until it has done it.
    let call = unsafe { *CALL.load(Relaxed).cast::<Call<'_>>() };
    let errno = call().err().map_or(0, |errno| u32::from(errno.code()));
    OUTCOME.store(DONE | errno, Release);
    prim::wake_one(&OUTCOME);
}
