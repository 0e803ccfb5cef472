//! System calls by way of rings in shared memory: io_uring(7).

use crate::syscalls;

syscalls! {}
