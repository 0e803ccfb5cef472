//! The canary of C objects that were compiled with `-fstack-protector`.
//!
//! A function of such an object puts a word between its arrays and its return address
//! and looks at it before it returns. A write that runs over an array's end and on to the
//! return address has changed the word, which whoever caused it cannot know: it is
//! random, in each process another. So the function does not return, it calls
//! `__stack_chk_fail`.
//!
//! Where it takes the word from is the compiler's agreement with the C library, per
//! architecture: a place in the thread's control block on x86 (`%fs:0x28`, `%gs:0x14`),
//! the variable `__stack_chk_guard` elsewhere.

use core::ffi::c_char;

use super::{InitialStack, fail};
use crate::sys::{self, STDERR};
use crate::{arch, process};

// The function has returned before the word changes: were it compiled with a canary
// itself, it would find its own changed.
arch::start_piece!("60.canary", "freestand_canary", calls canary, then arch::store_canary!());

/// The word: `AT_RANDOM`'s, but for the byte that is first in memory. That is 0: where
/// strings are concerned, neither copying up to a canary nor printing it gets past it.
unsafe extern "C" fn canary(
    _argc: usize,
    argv: *const *const c_char,
    _envp: *const *const c_char,
) -> usize {
    // SAFETY: _start passes the initial stack's.
    let auxv = unsafe { InitialStack::from_argv(argv) }.auxv();
    let Some(random) = auxv.random() else {
        fail!("no AT_RANDOM in the auxiliary vector, and functions with canaries")
    };
    let mut word = [0; size_of::<usize>()];
    word.copy_from_slice(&random[..size_of::<usize>()]);
    word[0] = 0;
    usize::from_ne_bytes(word)
}

/// What a function calls that finds its canary changed. Its caller's frame is not to be
/// trusted any more: it says so and aborts.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn __stack_chk_fail() -> ! {
    arch::require!("freestand_canary");
    // Nobody is left to tell if this fails.
    let _ = sys::write(STDERR, b"stack smashing detected\n");
    process::abort()
}
