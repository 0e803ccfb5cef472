//! The address space.

use core::ffi::c_void;

use bitflags::bitflags;
use linux_raw_sys::general::{self, __NR_brk, __NR_munmap};

use super::declare::{Argument, Words, syscalls};
use super::{Errno, RawFd, Result};
use crate::arch::{MMAP_UNIT, NR_MMAP};

bitflags! {
    /// What may be done with a mapping's pages: mmap(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Prot: u32 {
        /// Read.
        const READ = general::PROT_READ;
        /// Write.
        const WRITE = general::PROT_WRITE;
        /// Execute.
        const EXEC = general::PROT_EXEC;
    }
}

bitflags! {
    /// What kind of mapping it is: mmap(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MapFlags: u32 {
        /// Changes are the process's own.
        const PRIVATE = general::MAP_PRIVATE;
        /// Changes are everybody's who maps the same.
        const SHARED = general::MAP_SHARED;
        /// No file: pages of zeros.
        const ANONYMOUS = general::MAP_ANONYMOUS;
        // Whatever else the kernel knows.
        const _ = !0;
    }
}

/// Flags: one word.
macro_rules! flag_arguments {
    ($($flags:ty),*) => {$(
        impl Argument for $flags {
            const WORDS: usize = 1;
            #[inline(always)]
            fn pass(self, words: &mut Words) {
                self.bits().pass(words);
            }
        }
    )*};
}

flag_arguments!(Prot, MapFlags);

syscalls! {
    /// Sets the program break, the end of the data segment, and returns where it
    /// is now: brk(2), the system call. Where the kernel refuses, as it does null,
    /// that is where it was before: there are no errors.
    ///
    /// # Safety
    ///
    /// Nothing may use what is above the new break.
    unsafe sys brk(end: *mut c_void) -> *mut c_void = __NR_brk;

    /// Takes the mapping of `length` bytes at `address` away: munmap(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for an address that is no page's, `ENOMEM` if it would split a
    /// mapping and there are too many.
    ///
    /// # Safety
    ///
    /// Nothing may use that memory any more.
    unsafe sys munmap(address: *mut c_void, length: usize) -> Result<()> = __NR_munmap;

    /// Maps memory, with the offset as the architecture counts it.
    ///
    /// # Errors
    ///
    /// As for [`mmap`].
    ///
    /// # Safety
    ///
    /// As for [`mmap`].
    unsafe sys mmap_units(
        address: *mut c_void,
        length: usize,
        prot: Prot,
        flags: MapFlags,
        fd: RawFd,
        offset: usize
    ) -> Result<*mut c_void> = NR_MMAP;
}

/// Maps `length` bytes of the file `fd` from byte `offset` on, or pages of zeros
/// (`ANONYMOUS`, with `fd` -1), and returns where: mmap(2), mmap2(2) on i386.
///
/// # Errors
///
/// `ENOMEM` if there is no room, `EINVAL` for no length or an offset that is no
/// page's, `EOVERFLOW` for one that the architecture cannot pass, `EACCES`,
/// `EBADF`, …
///
/// # Safety
///
/// With `MAP_FIXED`, nothing may use the memory that was at `address`.
#[inline]
pub unsafe fn mmap(
    address: *mut c_void,
    length: usize,
    prot: Prot,
    flags: MapFlags,
    fd: RawFd,
    offset: u64,
) -> Result<*mut c_void> {
    if !offset.is_multiple_of(MMAP_UNIT) {
        return Err(Errno::EINVAL);
    }
    let units = usize::try_from(offset / MMAP_UNIT).map_err(|_| Errno::EOVERFLOW)?;
    // SAFETY: passed on to the caller.
    unsafe { mmap_units(address, length, prot, flags, fd, units) }
}
