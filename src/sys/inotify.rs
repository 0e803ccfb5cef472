//! Hearing of what happens to files: inotify(7).

use crate::syscalls;

syscalls! {}
