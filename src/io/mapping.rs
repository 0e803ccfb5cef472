//! Memory that is mapped for as long as a value lives.

use core::ptr::{self, NonNull};

use crate::sys::{self, BorrowedFd, MapFlags, Prot, Result};

/// A mapping, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    address: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping is the process's, whichever thread unmaps it, and to look behind its
// address is for whoever does to justify.
unsafe impl Send for Mapping {}
// SAFETY: as above: a shared one only tells where it is.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Pages of zeros, `length` bytes at least.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINVAL` for no length.
    pub(crate) fn of_zeros(length: usize) -> Result<Mapping> {
        let prot = Prot::READ | Prot::WRITE;
        Mapping::new(
            length,
            prot,
            MapFlags::PRIVATE | MapFlags::ANONYMOUS,
            None,
            0,
        )
    }

    /// `length` bytes of what `fd` is, from byte `offset` on. `flags` says whether
    /// it is `SHARED` or `PRIVATE`; `FIXED` does not count.
    ///
    /// # Errors
    ///
    /// Those of [`sys::mmap`].
    pub(crate) fn of_file(
        fd: BorrowedFd<'_>,
        length: usize,
        prot: Prot,
        flags: MapFlags,
        offset: u64,
    ) -> Result<Mapping> {
        // Not in place of what is there.
        let flags = flags.difference(MapFlags::FIXED);
        Mapping::new(length, prot, flags, Some(fd), offset)
    }

    fn new(
        length: usize,
        prot: Prot,
        flags: MapFlags,
        fd: Option<BorrowedFd<'_>>,
        offset: u64,
    ) -> Result<Mapping> {
        // SAFETY: the kernel chooses where, so that nothing is replaced; there is no
        // reference into it yet.
        let address = unsafe { sys::mmap(ptr::null_mut(), length, prot, flags, fd, offset) }?;
        // The kernel gives nobody the page at 0 who has not asked for that address.
        let address = NonNull::new(address.cast()).ok_or(sys::Errno::ENOMEM)?;
        Ok(Mapping { address, length })
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> *mut u8 {
        self.address.as_ptr()
    }

    /// How many bytes were asked for.
    pub(crate) fn len(&self) -> usize {
        self.length
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it is this value's alone, which ends. There is no error: the address and
        // the length are those of a mapping.
        let _ = unsafe { sys::munmap(self.start().cast(), self.length) };
    }
}
