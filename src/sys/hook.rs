//! What a scheduler hears of system calls that may block.
//!
//! A scheduler that runs tasks on few threads must know when a thread is about to
//! wait in the kernel, and when it is back. It [`install`]s three functions, and each
//! call declared `sys` or `sysblk` is made between two of them. A call of the module
//! [`sys::raw`](super::raw) is not, and one declared `sysnb` needs it not.
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
        // SAFETY: it is null or what `install` was given, which lives for ever.
        let hooks = unsafe { HOOKS.load(Ordering::Acquire).as_ref() };
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
