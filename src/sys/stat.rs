//! What a file is, who may do what with it, and its times.

use crate::syscalls;

syscalls! {}
