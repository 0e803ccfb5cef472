//! The raw system call layer: each call declared once, in the file that is named
//! like its family in section 2 of the manual.
//!
//! Nothing here buffers, retries or allocates: one function, one system call.

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
