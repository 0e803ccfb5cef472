//! Waiting for descriptors from a list that the kernel keeps: epoll(7).

use crate::syscalls;

syscalls! {}
