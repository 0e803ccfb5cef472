//! The address space.

use linux_raw_sys::general;

use super::kinds::flags;
use super::{Address, Errno, RawFd, Result};
use crate::arch::{MMAP_UNIT, NR_MMAP};
use crate::syscalls;

flags! {
    /// What may be done with a mapping's pages: mmap(2).
    Prot: u32 {
        /// Read.
        READ = general::PROT_READ;
        /// Write.
        WRITE = general::PROT_WRITE;
        /// Execute.
        EXEC = general::PROT_EXEC;
    }
}

flags! {
    /// What kind of mapping it is: mmap(2).
    MapFlags: u32 {
        /// Changes are the process's own.
        PRIVATE = general::MAP_PRIVATE;
        /// Changes are everybody's who maps the same.
        SHARED = general::MAP_SHARED;
        /// No file: pages of zeros.
        ANONYMOUS = general::MAP_ANONYMOUS;
    }
}

syscalls! {
    /// Sets the program break, the end of the data segment, and returns where it
    /// is now: brk(2), the system call. Where the kernel refuses, as it does null,
    /// that is where it was before: there are no errors.
    ///
    /// # Safety
    ///
    /// Nothing may use what is above the new break.
    unsafe sys brk(end: Address) -> Address;

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
    unsafe sys munmap(address: Address, length: usize) -> Result<()>;

    /// Maps memory, with the offset as the architecture counts it.
    ///
    /// # Errors
    ///
    /// As for [`mmap`].
    ///
    /// # Safety
    ///
    /// As for [`mmap`].
    part unsafe sys mmap_units(
        address: Address,
        length: usize,
        prot: Prot,
        flags: MapFlags,
        fd: RawFd,
        offset: usize
    ) -> Result<Address> = NR_MMAP;

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
    unsafe wrap mmap(
        address: Address,
        length: usize,
        prot: Prot,
        flags: MapFlags,
        fd: RawFd,
        offset: u64,
    ) -> Result<Address> {
        if !offset.is_multiple_of(MMAP_UNIT) {
            return Err(Errno::EINVAL);
        }
        let units = usize::try_from(offset / MMAP_UNIT).map_err(|_| Errno::EOVERFLOW)?;
        // SAFETY: passed on to the caller.
        unsafe { mmap_units(address, length, prot, flags, fd, units) }
    }
}
