//! What a process may use and has used, and what the machine is.

use crate::syscalls;

/// What a process or its children have used: getrusage(2).
pub use linux_raw_sys::general::rusage as Rusage;

syscalls! {}
