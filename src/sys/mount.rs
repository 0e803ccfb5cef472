//! What is mounted where.

use crate::syscalls;

syscalls! {}
