//! What a scheduler hears of system calls that may block.
//!
//! A scheduler that runs tasks on few threads must know when a thread is about to
//! wait in the kernel, and when it is back. It [`install`]s functions, and each
//! call declared `sys` or `sysblk` is made between two of them. A call of the module
//! [`sys::raw`](super::raw) is not, and one declared `sysnb` needs it not.
//!
//! It must also know when a thread must stay with what it does: while it holds a lock that
//! the scheduler may want, or has borrowed a thread-local value. Then the thread is
//! *pinned*.
//!
//! A program that installs no hooks pays nothing for them: under link-time
//! optimization, as the release profile has it, the compiler sees that nothing ever
//! writes where they are kept, and what is left of `read` is the instruction. Without it, a
//! call costs a load and a branch that is not taken.
//!
//! The same holds for waiting. A thread that runs a task need not wait in the kernel for a
//! socket or a pipe: the types of [`net`](crate::net) and [`io`](crate::io) ask the
//! scheduler's [`Poller`] first, which has the thread do something else meanwhile. It is
//! apart from [`Hooks`], so that a program whose tasks wait for no descriptor is without it.

use core::fmt;
use core::panic::Location;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::{BorrowedFd, Errno, RawFd, Timespec};

/// What is called around system calls, on the thread that makes them. None of them
/// may make a system call with hooks.
#[derive(Debug)]
pub struct Hooks {
    /// Before a call that may block.
    pub enter: fn(),
    /// Before a call that surely blocks.
    pub enter_block: fn(),
    /// After either.
    pub exit: fn(),
    /// Before the thread does what nothing else may come between on this thread.
    pub pin: fn(),
    /// After it.
    pub unpin: fn(),
    /// Before what only the calling thread may do which the task runs on: no other task may
    /// run on the thread, nor this one elsewhere, though it may wait.
    pub lock_thread: fn(),
    /// After it.
    pub unlock_thread: fn(),
    /// Before a fork.
    pub before_fork: fn(),
    /// After it, in the parent and in the child, which has this one thread.
    pub after_fork: fn(child: bool),
    /// Whether the address is in what nobody may touch below a task's stack. Async-signal-safe.
    pub is_guard: fn(usize) -> bool,
    /// What the calling task is called, if the caller is one: for the report of a panic.
    pub name: fn(&mut dyn fmt::Write) -> fmt::Result,
}

/// The installed ones; null for none.
static HOOKS: AtomicPtr<Hooks> = AtomicPtr::new(ptr::null_mut());

/// Has `hooks` called from now on, in place of earlier ones.
///
/// Calls that are under way when this happens end with the hooks they began with, or
/// with none.
pub fn install(hooks: &'static Hooks) {
    HOOKS.store(ptr::from_ref(hooks).cast_mut(), Ordering::Release);
}

#[inline(always)]
fn installed() -> Option<&'static Hooks> {
    // SAFETY: it is null or what `install` was given, which lives for ever.
    unsafe { HOOKS.load(Ordering::Acquire).as_ref() }
}

/// Has the calling thread stay with what it does, until as many [`unpin`]s.
#[inline(always)]
pub(crate) fn pin() {
    if let Some(hooks) = installed() {
        (hooks.pin)();
    }
}

/// Takes a [`pin`] back.
#[inline(always)]
pub(crate) fn unpin() {
    if let Some(hooks) = installed() {
        (hooks.unpin)();
    }
}

/// While it lives, the task stays on the thread that it runs on, and others off it.
#[derive(Debug)]
pub(crate) struct ThreadLocked(Option<&'static Hooks>);

impl ThreadLocked {
    #[inline(always)]
    pub(crate) fn new() -> ThreadLocked {
        let hooks = installed();
        if let Some(hooks) = hooks {
            (hooks.lock_thread)();
        }
        ThreadLocked(hooks)
    }
}

impl Drop for ThreadLocked {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(hooks) = self.0 {
            (hooks.unlock_thread)();
        }
    }
}

/// Says that the process is about to fork.
pub(crate) fn before_fork() {
    if let Some(hooks) = installed() {
        (hooks.before_fork)();
    }
}

/// Says that it has, or has tried to. In the child there are no hooks any more.
pub(crate) fn after_fork(child: bool) {
    if let Some(hooks) = installed() {
        if child {
            HOOKS.store(ptr::null_mut(), Ordering::Relaxed);
        }
        (hooks.after_fork)(child);
    }
}

/// Whether the address is in a guard below a task's stack. Async-signal-safe.
pub(crate) fn is_guard(address: usize) -> bool {
    installed().is_some_and(|hooks| (hooks.is_guard)(address))
}

/// Whether there are tasks, so that what began on the initial stack may go on elsewhere.
pub(crate) fn has_tasks() -> bool {
    installed().is_some()
}

/// Writes what the calling task is called; nothing, if there are no tasks.
pub(crate) fn write_name(out: &mut dyn fmt::Write) -> fmt::Result {
    match installed() {
        Some(hooks) => (hooks.name)(out),
        None => Ok(()),
    }
}

/// While it lives, a call is under way.
#[doc(hidden)]
#[derive(Debug)]
pub struct Entered(Option<&'static Hooks>);

impl Entered {
    /// Says that the thread may block.
    #[inline(always)]
    pub fn may_block() -> Entered {
        Entered::by(|hooks| hooks.enter)
    }

    /// Says that the thread will block.
    #[inline(always)]
    pub fn blocks() -> Entered {
        Entered::by(|hooks| hooks.enter_block)
    }

    #[inline(always)]
    fn by(hook: fn(&Hooks) -> fn()) -> Entered {
        let hooks = installed();
        if let Some(hooks) = hooks {
            hook(hooks)();
        }
        Entered(hooks)
    }
}

impl Drop for Entered {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(hooks) = self.0 {
            (hooks.exit)();
        }
    }
}

/// In which direction bytes, or whatever it is, are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Out of the descriptor.
    Read,
    /// Into it.
    Write,
}

/// What came of one attempt that did not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It would have had to wait.
    Again,
    /// It is over, well or not.
    Done,
    /// It is over, and of a stream of bytes it got less than there was room for: what had
    /// come is read.
    Short,
}

/// What came of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// An attempt is over.
    Done,
    /// The scheduler has no part in this: the thread makes the call and waits itself.
    Call,
    /// This is the call's result.
    Failed(Errno),
}

/// How a scheduler waits for a descriptor in the place of the thread that runs a task.
#[derive(Debug)]
pub struct Poller {
    /// Makes the attempt, and if it would have had to wait, makes it again when the
    /// descriptor may be ready, until it is over; with a deadline, a time of
    /// `CLOCK_MONOTONIC`, not after that (`ETIMEDOUT`). The place is the one that is told
    /// where the task waits. The descriptor's own timeouts and `O_NONBLOCK` hold as they do
    /// for the call (`EAGAIN`).
    pub wait: PollerWait,
}

/// [`Poller::wait`]: for which descriptor and what, until when, from where, and the attempt.
pub type PollerWait = fn(
    BorrowedFd<'_>,
    Interest,
    Option<Timespec>,
    &'static Location<'static>,
    &mut dyn FnMut() -> Attempt,
) -> Waited;

/// What a scheduler wants to hear that remembers things of descriptors.
#[derive(Debug)]
pub struct Registry {
    /// Before the descriptor is closed.
    pub closing: fn(RawFd),
    /// After a descriptor's flags or timeouts have changed, and with them those of all that
    /// share its open file.
    pub changed: fn(),
}

/// The installed one; null for none.
static POLLER: AtomicPtr<Poller> = AtomicPtr::new(ptr::null_mut());

/// The installed one; null for none.
static REGISTRY: AtomicPtr<Registry> = AtomicPtr::new(ptr::null_mut());

/// Has tasks wait by `poller` from now on.
pub fn install_poller(poller: &'static Poller) {
    POLLER.store(ptr::from_ref(poller).cast_mut(), Ordering::Release);
}

/// Has `registry` told of descriptors from now on.
pub fn install_registry(registry: &'static Registry) {
    REGISTRY.store(ptr::from_ref(registry).cast_mut(), Ordering::Release);
}

/// Waits for the descriptor, if a scheduler does that: [`Poller::wait`].
#[inline(always)]
#[track_caller]
pub(crate) fn wait(
    fd: BorrowedFd<'_>,
    interest: Interest,
    deadline: Option<Timespec>,
    attempt: &mut dyn FnMut() -> Attempt,
) -> Waited {
    // SAFETY: it is null or what `install_poller` was given, which lives for ever.
    match unsafe { POLLER.load(Ordering::Acquire).as_ref() } {
        Some(poller) => (poller.wait)(fd, interest, deadline, Location::caller(), attempt),
        None => Waited::Call,
    }
}

/// Whether there is a scheduler that waits for descriptors.
#[inline(always)]
pub(crate) fn waits() -> bool {
    !POLLER.load(Ordering::Acquire).is_null()
}

/// Says that the descriptor is about to be closed, or to become another file's. An
/// [`OwnedFd`](super::OwnedFd) and what is made of it say so themselves; who closes a
/// descriptor by its number, for which a task has waited, says it here first: a wait for what
/// has that number next might not end otherwise.
#[inline(always)]
pub fn closing(fd: RawFd) {
    // SAFETY: it is null or what `install_registry` was given, which lives for ever.
    if let Some(registry) = unsafe { REGISTRY.load(Ordering::Acquire).as_ref() } {
        (registry.closing)(fd);
    }
}

/// Says that a descriptor's `O_NONBLOCK` or a socket's timeout is another now.
/// [`fcntl_setfl`](super::fcntl_setfl) and [`set_socket_option`](super::set_socket_option)
/// say so themselves.
#[inline(always)]
pub fn changed() {
    // SAFETY: it is null or what `install_registry` was given, which lives for ever.
    if let Some(registry) = unsafe { REGISTRY.load(Ordering::Acquire).as_ref() } {
        (registry.changed)();
    }
}
