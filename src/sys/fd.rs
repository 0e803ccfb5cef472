//! File descriptors, owned and borrowed, as std has them.

use core::ffi::c_int;
use core::fmt;
use core::marker::PhantomData;
use core::mem;

use linux_raw_sys::general::__NR_close;

use super::declare::{Argument, Value, Words, syscalls};
use super::errno::Result;
use crate::arch::Register;

syscalls! {
    /// Closes `fd`: close(2). It is closed even if this fails.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EIO`, `ENOSPC` or `EDQUOT` if an earlier write failed late.
    ///
    /// # Safety
    ///
    /// Nothing may use the descriptor any more: the number may soon be another
    /// file's.
    unsafe sys close(fd: RawFd) -> Result<()> = __NR_close;
}

/// A file descriptor's number.
pub type RawFd = c_int;

/// Standard input, descriptor 0.
pub const STDIN: BorrowedFd<'static> = BorrowedFd::new(0);
/// Standard output, descriptor 1.
pub const STDOUT: BorrowedFd<'static> = BorrowedFd::new(1);
/// Standard error, descriptor 2.
pub const STDERR: BorrowedFd<'static> = BorrowedFd::new(2);

/// A file descriptor that somebody else closes.
///
/// It need not be open: a system call on one that is not fails with `EBADF`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct BorrowedFd<'fd> {
    fd: RawFd,
    owner: PhantomData<&'fd OwnedFd>,
}

impl<'fd> BorrowedFd<'fd> {
    const fn new(fd: RawFd) -> BorrowedFd<'fd> {
        BorrowedFd {
            fd,
            owner: PhantomData,
        }
    }

    /// Borrows the descriptor `fd`.
    ///
    /// # Safety
    ///
    /// The descriptor must stay what it is for as long as `'fd`: not be closed,
    /// and not be given out again for another file.
    pub const unsafe fn borrow_raw(fd: RawFd) -> BorrowedFd<'fd> {
        BorrowedFd::new(fd)
    }

    /// The descriptor's number.
    #[inline(always)]
    pub const fn as_raw_fd(self) -> RawFd {
        self.fd
    }
}

impl Argument for BorrowedFd<'_> {
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_raw_fd().pass(words);
    }
}

impl fmt::Debug for BorrowedFd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BorrowedFd({})", self.fd)
    }
}

/// A file descriptor that is closed when it is dropped.
#[repr(transparent)]
pub struct OwnedFd {
    fd: RawFd,
}

impl OwnedFd {
    /// Takes charge of the descriptor `fd`.
    ///
    /// # Safety
    ///
    /// `fd` must be open, and nothing else may close it.
    pub const unsafe fn from_raw_fd(fd: RawFd) -> OwnedFd {
        OwnedFd { fd }
    }

    /// The descriptor, lent.
    #[inline(always)]
    pub const fn as_fd(&self) -> BorrowedFd<'_> {
        BorrowedFd::new(self.fd)
    }

    /// The descriptor's number, for the caller to close.
    pub const fn into_raw_fd(self) -> RawFd {
        let fd = self.fd;
        mem::forget(self);
        fd
    }

    /// Closes the descriptor and says what close(2) said. It is closed either
    /// way, also with `EINTR`: on Linux a descriptor is gone before anything that
    /// can fail begins.
    ///
    /// # Errors
    ///
    /// `EIO`, `ENOSPC` or `EDQUOT`: an earlier write, which the file system had
    /// put off, failed.
    pub fn close(self) -> Result<()> {
        // SAFETY: this is the owner, and it is used up.
        unsafe { close(self.into_raw_fd()) }
    }
}

impl Drop for OwnedFd {
    fn drop(&mut self) {
        // SAFETY: this is the owner, and it ends here. The error is reachable
        // through `OwnedFd::close`; a drop has nobody to tell.
        let _ = unsafe { close(self.fd) };
    }
}

impl Value for OwnedFd {
    #[inline(always)]
    fn from_register(result: Register) -> Self {
        // SAFETY: only calls that return a new descriptor are declared to return
        // an OwnedFd, and nothing else knows of it yet.
        unsafe { OwnedFd::from_raw_fd(result.addr() as c_int) }
    }
}

impl fmt::Debug for OwnedFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedFd({})", self.fd)
    }
}
