//! Random bytes.

use crate::syscalls;

syscalls! {}
