//! Names of files: links, directories, and where the process is among them.

use crate::syscalls;

syscalls! {}
