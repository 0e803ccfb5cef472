//! Watching and confining processes: ptrace(2), seccomp(2).

use crate::syscalls;

syscalls! {}
