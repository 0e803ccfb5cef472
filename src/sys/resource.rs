//! What a process may use and has used, and what the machine is.

use crate::syscalls;

syscalls! {}
