//! Sockets.

use crate::syscalls;

syscalls! {}
