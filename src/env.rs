//! What the program was started with: arguments, environment, auxiliary vector.
//!
//! Everything is read where the kernel put it, on the initial stack: as bytes that
//! end in NUL, without a copy. All of this is async-signal-safe
//! ([`signal`](crate::signal)).

use core::ffi::CStr;

pub use crate::startup::{Args, Aux, Auxv, InitialStack, Vars};

use crate::startup::stack::kept_argv;

/// The initial stack: all of the others, as it lies in memory.
pub fn initial_stack() -> InitialStack {
    // SAFETY: it is what _start found on the initial stack.
    unsafe { InitialStack::from_argv(kept_argv()) }
}

/// The arguments that the program was started with, from `argv[0]` on. There may
/// be none, not even that.
pub fn args() -> Args {
    initial_stack().args()
}

/// The variables of the environment, each as name and value, in the order in
/// which they were passed.
pub fn vars() -> Vars {
    initial_stack().vars()
}

/// The value of the environment's variable `name`: of the first by that name.
pub fn var(name: impl AsRef<[u8]>) -> Option<&'static CStr> {
    vars()
        .find(|&(this, _)| this == name.as_ref())
        .map(|(_, value)| value)
}

/// The auxiliary vector: what the kernel tells a new process.
pub fn auxv() -> Auxv {
    initial_stack().auxv()
}

/// Whether the program has more rights than whoever started it, by its set-user-ID bit,
/// say: getauxval(3), `AT_SECURE`. What the environment then says is not to be believed.
pub fn secure() -> bool {
    auxv().secure()
}
