//! Counters to wait for: eventfd(2).

use crate::syscalls;

syscalls! {}
