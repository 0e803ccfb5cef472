//! Memory that is mapped for as long as a value lives, and stacks of it.

use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};

use crate::sys::{self, BorrowedFd, MapFlags, Prot, Result};

/// What a stack has below it that nobody may touch: a page of the largest that any of the
/// architectures' kernels may have. Compilers touch the pages of a large frame one after the
/// other, so who needs too much gets here.
pub(crate) const GUARD: usize = 64 << 10;

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

    /// Pages of zeros for a stack, `length` bytes, of which the first [`GUARD`] are that.
    /// Those that nobody touches take no memory.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn of_stack(length: usize) -> Result<Mapping> {
        let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
        let flags = flags | MapFlags::NORESERVE | MapFlags::STACK;
        let stack = Mapping::new(length, Prot::READ | Prot::WRITE, flags, None, 0)?;
        // SAFETY: nobody has a reference into it yet.
        unsafe { sys::mprotect(stack.start().cast(), GUARD, Prot::empty()) }?;
        Ok(stack)
    }

    /// That of `length` bytes at `address`.
    ///
    /// # Safety
    ///
    /// It must be from [`Mapping::into_raw`], and nobody else's.
    pub(crate) unsafe fn from_raw(address: NonNull<u8>, length: usize) -> Mapping {
        Mapping { address, length }
    }

    /// Where it begins; it stays mapped.
    pub(crate) fn into_raw(self) -> NonNull<u8> {
        ManuallyDrop::new(self).address
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
