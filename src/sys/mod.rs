//! The raw system call layer: each call declared once, in the file that is named
//! like its family in section 2 of the manual.
//!
//! Nothing here buffers, retries or allocates: one function, one system call.

pub(crate) mod declare;
mod errno;
mod fd;
mod file;
mod memory;
mod process;
mod signal;
mod thread;

pub use errno::{Errno, Result};
pub use fd::{BorrowedFd, OwnedFd, RawFd, STDERR, STDIN, STDOUT, close};
pub use file::*;
pub use memory::*;
pub use process::*;
pub use signal::*;
pub use thread::*;
