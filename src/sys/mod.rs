//! The raw system call layer: each call declared once, in the file that is named
//! like its family in section 2 of the manual.
//!
//! Nothing here buffers, retries or allocates: one function, one system call. A function
//! that is no call of the kernel's own says which it makes: `open` is written by
//! [`openat`], on every architecture.
//!
//! * [`declare`] tells how a call is declared and what the declaration becomes, and
//!   [`syscalls!`](crate::syscalls) declares more of them, in any program.
//! * [`syscall!`] makes any call at all, by its number in [`nr`].
//! * [`hook`] is what a scheduler hears of calls that may block; [`raw`] has the calls
//!   that it does not hear of.
//! * All are async-signal-safe, as [`signal`](crate::signal) says it; which of them begin
//!   again when a handler has interrupted them is said there too.
//! * [`tour`] follows one call from `File::create` to the register and back.
//!
//! # What it costs
//!
//! The instructions of a call that succeeds, in a function of its own, compiled for size
//! (`opt-level = "z"`); in brackets, how many more than the same call written by hand,
//! with the instruction and a test for an error. `cargo bench -p freestand-tests --bench
//! calls` prints it.
//!
//! | call | x86_64 | i386 | aarch64 | riscv64 |
//! |---|--:|--:|--:|--:|
//! | `getpid` | 4 | 4 | 3 | 3 |
//! | `read` | 13 | 18 | 10 | 14 |
//! | `write` | 14 | 18 | 10 | 14 |
//! | `openat`, `c"/dev/null"` | 11 | 23 | 11 | 10 |
//! | `open`, `"/dev/null"` | 137 (+126) | 186 (+163) | 138 (+127) | 148 (+138) |
//! | `fs::File::create`, `c"/dev/null"` | 22 | 23 | 22 (+1) | 26 (+1) |
//! | `lseek` | 16 | 33 | 11 | 14 |
//! | `pread64` | 15 | 31 | 10 | 15 |
//! | `pipe2` | 13 | 17 | 14 | 17 |
//! | `mmap` | 17 | 34 | 15 | 16 |
//! | `munmap` | 10 | 14 | 5 | 8 |
//! | `clock_gettime` | 17 (+4) | 33 (+6) | 16 (+2) | 20 (+2) |
//!
//! The copy of a path costs what it has to: a look at each byte. `clock_gettime` has a
//! second form for old kernels on i386, and is moved once more than by hand for it.

pub mod declare;
mod directory;
mod epoll;
mod errno;
mod event;
mod fd;
mod file;
pub mod hook;
mod inotify;
mod io_slice;
mod io_uring;
mod kinds;
mod memory;
mod mount;
mod net;
mod path;
mod poll;
mod process;
mod random;
mod resource;
mod signal;
mod stat;
mod strings;
mod thread;
mod time;
pub(crate) mod timespec;
pub mod tour;
mod trace;

pub use declare::{Address, Argument, Call, Filled, Kind, Parameter, Shown, Value, Word};
pub use directory::*;
pub use epoll::*;
pub use errno::{Errno, Result};
pub use event::*;
pub use fd::*;
pub use file::*;
pub use inotify::*;
pub use io_slice::{IoSlice, IoSliceMut};
pub use io_uring::*;
pub use memory::*;
pub use mount::*;
pub use net::*;
pub use path::{PATH_MAX, Path};
pub use poll::*;
pub use process::*;
pub use random::*;
pub use resource::*;
pub use signal::*;
pub use stat::*;
pub use strings::{CStrArray, CStrList, CStrPtr};
pub use thread::*;
pub use time::*;
pub use trace::*;

#[doc(inline)]
pub use crate::arch::nr;
#[doc(inline)]
pub use crate::syscall;

/// The calls without hooks ([`hook`]), for a scheduler's own use and for the child of
/// a fork. Otherwise each is as its namesake in [`sys`](self).
pub mod raw {
    pub use super::directory::raw::*;
    pub use super::epoll::raw::*;
    pub use super::event::raw::*;
    pub use super::fd::raw::*;
    pub use super::file::raw::*;
    pub use super::inotify::raw::*;
    pub use super::io_uring::raw::*;
    pub use super::memory::raw::*;
    pub use super::mount::raw::*;
    pub use super::net::raw::*;
    pub use super::poll::raw::*;
    pub use super::process::raw::*;
    pub use super::random::raw::*;
    pub use super::resource::raw::*;
    pub use super::signal::raw::*;
    pub use super::signal::rt_sigreturn;
    pub use super::stat::raw::*;
    pub use super::thread::raw::*;
    pub use super::time::raw::*;
    pub use super::trace::raw::*;
}

/// Every declared call, one slice a file.
pub const CALLS: &[&[Call]] = &[
    directory::CALLS,
    epoll::CALLS,
    event::CALLS,
    fd::CALLS,
    file::CALLS,
    inotify::CALLS,
    io_uring::CALLS,
    memory::CALLS,
    mount::CALLS,
    net::CALLS,
    poll::CALLS,
    process::CALLS,
    random::CALLS,
    resource::CALLS,
    signal::CALLS,
    signal::RT_SIGRETURN,
    stat::CALLS,
    thread::CALLS,
    time::CALLS,
    trace::CALLS,
];
