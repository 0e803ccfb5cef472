//! The process: who it is, and its end.

use core::ffi::c_int;

use linux_raw_sys::general::{__NR_exit_group, __NR_getpid};

use super::declare::syscalls;

syscalls! {
    /// Ends the process, all its threads, with the low 8 bits of `status`:
    /// exit_group(2). Runs no exit handlers and flushes nothing.
    sysnb exit_group(status: c_int) -> ! = __NR_exit_group;

    /// The process's id: getpid(2).
    sysnb getpid() -> u32 = __NR_getpid;
}
