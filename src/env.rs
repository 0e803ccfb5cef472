//! What the program was started with: arguments, environment, auxiliary vector.
//!
//! Everything is read where the kernel put it, on the initial stack: as bytes that
//! end in NUL, without a copy.

use core::ffi::CStr;

pub use crate::startup::{Args, Aux, Auxv, Vars};

use crate::startup::{InitialStack, stack::kept_argv};

fn stack() -> InitialStack {
    // SAFETY: it is what _start found on the initial stack.
    unsafe { InitialStack::from_argv(kept_argv()) }
}

/// The arguments that the program was started with, from `argv[0]` on. There may
/// be none, not even that.
pub fn args() -> Args {
    stack().args()
}

/// The variables of the environment, each as name and value, in the order in
/// which they were passed.
pub fn vars() -> Vars {
    stack().vars()
}

/// The value of the environment's variable `name`: of the first by that name.
pub fn var(name: impl AsRef<[u8]>) -> Option<&'static CStr> {
    vars()
        .find(|&(this, _)| this == name.as_ref())
        .map(|(_, value)| value)
}

/// The auxiliary vector: what the kernel tells a new process.
pub fn auxv() -> Auxv {
    stack().auxv()
}
