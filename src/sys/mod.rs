//! The raw system call layer: each call declared once, in the file that is named
//! like its family in section 2 of the manual.
//!
//! Nothing here buffers, retries or allocates: one function, one system call.

pub mod declare;
mod errno;
mod fd;
mod file;
pub mod hook;
mod kinds;
mod memory;
mod path;
mod process;
mod signal;
mod thread;

pub use declare::{Address, Argument, Call, Filled, Kind, Parameter, Shown, Value};
pub use errno::{Errno, Result};
pub use fd::{AsFd, BorrowedFd, OwnedFd, RawFd, STDERR, STDIN, STDOUT, close};
pub use file::*;
pub use memory::*;
pub use path::{PATH_MAX, Path};
pub use process::*;
pub use signal::*;
pub use thread::*;

#[doc(inline)]
pub use crate::arch::nr;
#[doc(inline)]
pub use crate::syscall;

/// The calls without hooks ([`hook`]), for a scheduler's own use and for the child of
/// a fork. Otherwise each is as its namesake in [`sys`](self).
pub mod raw {
    pub use super::fd::raw::*;
    pub use super::file::raw::*;
    pub use super::memory::raw::*;
    pub use super::process::raw::*;
    pub use super::signal::raw::*;
    pub use super::thread::raw::*;
}

/// Every declared call, one slice a file.
pub const CALLS: &[&[Call]] = &[
    fd::CALLS,
    file::CALLS,
    memory::CALLS,
    process::CALLS,
    signal::CALLS,
    thread::CALLS,
];
