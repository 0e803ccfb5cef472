//! File descriptors, owned and borrowed, as std has them.

use core::ffi::c_int;
use core::fmt;
use core::marker::PhantomData;
use core::mem;

use super::declare::{Argument, Filled, Shown, Value, Words};
use super::errno::Result;
use crate::arch::Register;
use crate::syscalls;

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
    unsafe sys close(fd: RawFd) -> Result<()>;
}

/// A file descriptor's number.
pub type RawFd = c_int;

/// Something that has a file descriptor to lend, as std has it.
pub trait AsFd {
    /// The descriptor.
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl<T: AsFd + ?Sized> AsFd for &T {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        T::as_fd(self)
    }
}

impl<T: AsFd + ?Sized> AsFd for &mut T {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        T::as_fd(self)
    }
}

impl AsFd for BorrowedFd<'_> {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        *self
    }
}

impl AsFd for OwnedFd {
    #[inline(always)]
    fn as_fd(&self) -> BorrowedFd<'_> {
        OwnedFd::as_fd(self)
    }
}

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
    const SHOWN: Shown = Shown::Descriptor;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_raw_fd().pass(words);
    }
}

/// A descriptor, or none: -1.
impl Argument for Option<BorrowedFd<'_>> {
    const SHOWN: Shown = Shown::Descriptor;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(-1, BorrowedFd::as_raw_fd).pass(words);
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
    const SHOWN: Shown = Shown::Descriptor;

    #[inline(always)]
    fn from_register(result: Register) -> Self {
        // SAFETY: only calls that return a new descriptor are declared to return
        // an OwnedFd, and nothing else knows of it yet.
        unsafe { OwnedFd::from_raw_fd(result.addr() as c_int) }
    }
}

// SAFETY: only calls that return a new descriptor there are declared to fill one, and
// it is as wide as the kernel's int.
unsafe impl Filled for OwnedFd {}

impl fmt::Debug for OwnedFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedFd({})", self.fd)
    }
}
