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

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

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
