//! Waiting for one of many descriptors: poll(2), select(2).

use crate::syscalls;

syscalls! {}
