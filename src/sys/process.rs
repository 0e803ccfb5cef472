//! The process: who it is, and its end.

use core::ffi::c_int;

use super::kinds::named;
use crate::syscalls;

named! {
    /// A process's id, or where the call says so what it takes besides: 0 or a
    /// negative number for a group of them.
    Pid: i32 {}
    /// A thread's id.
    Tid: i32 {}
    /// A user's id.
    Uid: u32 {
        /// The superuser.
        ROOT = 0;
    }
    /// A group's id.
    Gid: u32 {
        /// The superuser's.
        ROOT = 0;
    }
}

syscalls! {
    /// Ends the process, all its threads, with the low 8 bits of `status`:
    /// exit_group(2). Runs no exit handlers and flushes nothing.
    sysnb exit_group(status: c_int) -> !;

    /// The process's id: getpid(2).
    sysnb getpid() -> Pid;
}
