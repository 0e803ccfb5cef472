//! What the program was started with: arguments, environment, auxiliary vector.
//!
//! Everything is read where the kernel put it, on the initial stack: as bytes that
//! end in NUL, without a copy.

use core::ffi::{CStr, c_char};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

pub use crate::startup::{Args, Aux, Auxv, Vars};

use crate::arch;
use crate::startup::InitialStack;

/// The initial stack's `argv`, kept by the piece below before `main` runs.
static ARGV: AtomicPtr<*const c_char> = AtomicPtr::new(ptr::null_mut());

arch::start_piece!("20.argv", "freestand_keep_argv", stores argv in ARGV);

fn stack() -> InitialStack {
    arch::require!("freestand_keep_argv");
    // SAFETY: the piece stored what _start found on the initial stack.
    unsafe { InitialStack::from_argv(ARGV.load(Ordering::Relaxed)) }
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

/// Whether the program has more rights than whoever started it, by its set-user-ID bit,
/// say: getauxval(3), `AT_SECURE`. What the environment then says is not to be believed.
pub fn secure() -> bool {
    auxv().secure()
}
