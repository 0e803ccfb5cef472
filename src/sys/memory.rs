//! The address space.

#![allow(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "what mincore takes as an address it does not look behind"
)]

use linux_raw_sys::general;

use super::kinds::{flags, named};
use super::{Address, BorrowedFd, Errno, Result};
use crate::arch::{MMAP_UNIT, NR_MMAP, needs_fast_calls, nr};
use crate::syscalls;

flags! {
    /// What may be done with a mapping's pages: mmap(2). Nothing, `PROT_NONE`, is
    /// `Prot::empty()`.
    Prot: u32 {
        /// Read.
        READ = general::PROT_READ;
        /// Write.
        WRITE = general::PROT_WRITE;
        /// Execute.
        EXEC = general::PROT_EXEC;
        /// [`mprotect`]: all pages down to the mapping's beginning too, if it grows
        /// downwards.
        GROWSDOWN = general::PROT_GROWSDOWN;
        /// [`mprotect`]: all pages up to the mapping's end too, if it grows upwards.
        GROWSUP = general::PROT_GROWSUP;
    }

    /// What kind of mapping it is: mmap(2). One of the first three belongs to each.
    MapFlags: u32 {
        /// Changes are the process's own.
        PRIVATE = general::MAP_PRIVATE;
        /// Changes are everybody's who maps the same.
        SHARED = general::MAP_SHARED;
        /// `SHARED`, and flags that the kernel does not know are an error.
        SHARED_VALIDATE = general::MAP_SHARED_VALIDATE;
        /// Pages that the kernel may drop, to be zeros again, when memory is short;
        /// in place of the first three.
        DROPPABLE = general::MAP_DROPPABLE;
        /// No file: pages of zeros.
        ANONYMOUS = general::MAP_ANONYMOUS;
        /// At this address exactly, in place of what is there.
        FIXED = general::MAP_FIXED;
        /// At this address exactly, or not at all.
        FIXED_NOREPLACE = general::MAP_FIXED_NOREPLACE;
        /// It grows downwards, as stacks do, when the page below it is touched.
        GROWSDOWN = general::MAP_GROWSDOWN;
        /// It is for a stack, which says nothing to the kernel today.
        STACK = general::MAP_STACK;
        /// The pages are there at once, not when they are touched.
        POPULATE = general::MAP_POPULATE;
        /// With `POPULATE`: but none is read from the file for it.
        NONBLOCK = general::MAP_NONBLOCK;
        /// The pages stay in memory, as by [`mlock`].
        LOCKED = general::MAP_LOCKED;
        /// No swap space is put aside for it.
        NORESERVE = general::MAP_NORESERVE;
        /// A file in persistent memory: what the processor has flushed is written.
        /// With `SHARED_VALIDATE` only.
        SYNC = general::MAP_SYNC;
        /// Huge pages, of the usual size or one of those below.
        HUGETLB = general::MAP_HUGETLB;
        /// With `HUGETLB`: pages of 64 KiB.
        HUGE_64KB = general::MAP_HUGE_64KB;
        /// With `HUGETLB`: pages of 2 MiB.
        HUGE_2MB = general::MAP_HUGE_2MB;
        /// With `HUGETLB`: pages of 32 MiB.
        HUGE_32MB = general::MAP_HUGE_32MB;
        /// With `HUGETLB`: pages of 1 GiB.
        HUGE_1GB = general::MAP_HUGE_1GB;
    }

    /// How [`mremap`] makes room.
    RemapFlags: u32 {
        /// The mapping may move.
        MAYMOVE = general::MREMAP_MAYMOVE;
        /// With `MAYMOVE`: it moves to the new address, in place of what is there.
        FIXED = general::MREMAP_FIXED;
        /// With `MAYMOVE`: the pages move, and the old addresses stay mapped, to
        /// pages of zeros or of the file.
        DONTUNMAP = general::MREMAP_DONTUNMAP;
    }

    /// How [`msync`] writes: `ASYNC` or `SYNC`, not both.
    SyncFlags: u32 {
        /// It is only noted down that there is something to write.
        ASYNC = general::MS_ASYNC;
        /// It is written when the call returns.
        SYNC = general::MS_SYNC;
        /// Other mappings of the file are to see it, as they do anyhow; fails if
        /// pages are locked.
        INVALIDATE = general::MS_INVALIDATE;
    }

    /// How [`mlock2`] locks.
    LockFlags: u32 {
        /// Pages that are not in memory yet are locked when they get there.
        ONFAULT = general::MLOCK_ONFAULT;
    }

    /// What [`mlockall`] locks.
    LockAllFlags: u32 {
        /// All pages that are mapped.
        CURRENT = general::MCL_CURRENT;
        /// All pages that will be mapped.
        FUTURE = general::MCL_FUTURE;
        /// With one of the two: pages that are not in memory yet are locked when they
        /// get there.
        ONFAULT = general::MCL_ONFAULT;
    }
}

named! {
    /// What [`madvise`] tells the kernel of pages, or wants of it.
    Advice: u32 {
        /// Nothing special.
        NORMAL = general::MADV_NORMAL;
        /// They are used in no order.
        RANDOM = general::MADV_RANDOM;
        /// They are used in order.
        SEQUENTIAL = general::MADV_SEQUENTIAL;
        /// They are used soon.
        WILLNEED = general::MADV_WILLNEED;
        /// What is in them is not needed: they are zeros, or the file's, again.
        DONTNEED = general::MADV_DONTNEED;
        /// `DONTNEED`, also for locked pages.
        DONTNEED_LOCKED = general::MADV_DONTNEED_LOCKED;
        /// What is in them is not needed until they are next written: the kernel may
        /// take them until then.
        FREE = general::MADV_FREE;
        /// They are cut out of the file behind them.
        REMOVE = general::MADV_REMOVE;
        /// A child by fork does not have them.
        DONTFORK = general::MADV_DONTFORK;
        /// It does.
        DOFORK = general::MADV_DOFORK;
        /// A child by fork finds zeros in them.
        WIPEONFORK = general::MADV_WIPEONFORK;
        /// It finds what is in them.
        KEEPONFORK = general::MADV_KEEPONFORK;
        /// The kernel looks for equal ones to keep only once.
        MERGEABLE = general::MADV_MERGEABLE;
        /// It does not, and parts what it has merged.
        UNMERGEABLE = general::MADV_UNMERGEABLE;
        /// Huge pages are welcome.
        HUGEPAGE = general::MADV_HUGEPAGE;
        /// They are not.
        NOHUGEPAGE = general::MADV_NOHUGEPAGE;
        /// They become huge pages now.
        COLLAPSE = general::MADV_COLLAPSE;
        /// They are left out of a core dump.
        DONTDUMP = general::MADV_DONTDUMP;
        /// They are not.
        DODUMP = general::MADV_DODUMP;
        /// They are not used for a while.
        COLD = general::MADV_COLD;
        /// They are not used for a while: to the swap with them.
        PAGEOUT = general::MADV_PAGEOUT;
        /// They are there now, as if they had been read.
        POPULATE_READ = general::MADV_POPULATE_READ;
        /// They are there now, as if they had been written.
        POPULATE_WRITE = general::MADV_POPULATE_WRITE;
        /// Touching one is a SIGSEGV, without a mapping of its own for that.
        GUARD_INSTALL = general::MADV_GUARD_INSTALL;
        /// It is no more.
        GUARD_REMOVE = general::MADV_GUARD_REMOVE;
        /// The machine's memory behind them counts as broken.
        HWPOISON = general::MADV_HWPOISON;
        /// The machine's memory behind them is taken out of use.
        SOFT_OFFLINE = general::MADV_SOFT_OFFLINE;
    }
}

/// The smallest page that there is, in bytes: no architecture has smaller ones.
const SMALLEST_PAGE: usize = 4096;

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
    /// `EINVAL` for an address that is no page's or no length, `ENOMEM` if it would
    /// split a mapping and there are too many.
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
        fd: Option<BorrowedFd<'_>>,
        offset: usize
    ) -> Result<Address> = NR_MMAP;

    /// Maps `length` bytes of the file `fd` from byte `offset` on, or pages of zeros
    /// (`ANONYMOUS`, without `fd`), and returns where: mmap(2), mmap2(2) on i386.
    /// `address` is a wish, unless a flag makes it more; null is none.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no room, `EINVAL` for no length or an offset that is no
    /// page's, `EOVERFLOW` for one that the architecture cannot pass, `EEXIST` if
    /// something is there (`FIXED_NOREPLACE`), `EACCES` if the file is not open for
    /// it, `EBADF` without a file, `ENODEV` for a file that cannot be mapped, `EAGAIN`
    /// if so much may not be locked, …
    ///
    /// # Safety
    ///
    /// With `FIXED`, nothing may use the memory that was at `address`. Whoever makes a
    /// reference into a mapping of a file answers for others not changing or
    /// shortening the file.
    unsafe wrap mmap(
        address: Address,
        length: usize,
        prot: Prot,
        flags: MapFlags,
        fd: Option<BorrowedFd<'_>>,
        offset: u64,
    ) -> Result<Address> {
        needs_fast_calls();
        if !offset.is_multiple_of(MMAP_UNIT) {
            return Err(Errno::EINVAL);
        }
        let units = usize::try_from(offset / MMAP_UNIT).map_err(|_| Errno::EOVERFLOW)?;
        // SAFETY: passed on to the caller.
        unsafe { mmap_units(address, length, prot, flags, fd, units) }
    }

    /// Makes the mapping of `old_length` bytes at `old_address` `new_length` bytes
    /// long, and returns where it is now: mremap(2). `new_address` counts with
    /// `FIXED`, and as a wish with `DONTUNMAP`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no room, `EFAULT` if not all of it is mapped, `EINVAL` for
    /// an address that is no page's, no new length, flags that do not go together or
    /// new addresses that overlap the old ones, `EAGAIN` if so much may not be locked.
    ///
    /// # Safety
    ///
    /// Nothing may use what is cut off, the old addresses if it moves, or with `FIXED`
    /// what was at the new ones.
    unsafe sys mremap(
        old_address: Address,
        old_length: usize,
        new_length: usize,
        flags: RemapFlags,
        new_address: Address
    ) -> Result<Address>;

    /// Says what may be done with the pages of the `length` bytes at `address`:
    /// mprotect(2).
    ///
    /// # Errors
    ///
    /// `ENOMEM` if not all of them are mapped, or if it would split a mapping and
    /// there are too many; `EINVAL` for an address that is no page's, `EACCES` if the
    /// file behind them is not open for it.
    ///
    /// # Safety
    ///
    /// No reference to them may ask for more than is left, and what becomes
    /// executable must be code.
    unsafe sys mprotect(address: Address, length: usize, prot: Prot) -> Result<()>;

    /// Tells the kernel of the pages of the `length` bytes at `address`, or wants
    /// something of it: madvise(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for an address that is no page's or an advice that the kernel or the
    /// mapping does not know, `ENOMEM` if not all of them are mapped, `EBADF` if there
    /// must be a file behind them, `EPERM`, `EAGAIN`, `EIO`, …
    ///
    /// # Safety
    ///
    /// Some advices change what is in the pages, or that they are there: nothing may
    /// rely on that.
    unsafe sys madvise(address: Address, length: usize, advice: Advice) -> Result<()>;

    /// [`mincore`], for the kernel to write to `pages` as many bytes as there are
    /// pages.
    ///
    /// # Errors
    ///
    /// As for [`mincore`].
    ///
    /// # Safety
    ///
    /// `pages` must be the address of a byte for each page.
    part unsafe sys mincore_to(address: Address, length: usize, pages: *mut u8) -> Result<()>
        = nr::mincore;

    /// Says which pages of the `length` bytes at `address` are in memory, by the
    /// lowest bit of a byte for each page: mincore(2).
    ///
    /// # Errors
    ///
    /// `ENOMEM` if not all of them are mapped, `EINVAL` for an address that is no
    /// page's, or if `pages` does not have a byte for each 4096 bytes: pages may be
    /// larger, but are not smaller.
    wrap mincore(address: Address, length: usize, pages: &mut [u8]) -> Result<()> {
        if pages.len() < length.div_ceil(SMALLEST_PAGE) {
            return Err(Errno::EINVAL);
        }
        // SAFETY: there is a byte for each page, even for the smallest.
        unsafe { mincore_to(address, length, pages.as_mut_ptr()) }
    }

    /// Writes what has changed in the pages of the `length` bytes at `address` to the
    /// file that they are `SHARED` with: msync(2).
    ///
    /// # Errors
    ///
    /// `ENOMEM` if not all of them are mapped, `EINVAL` for an address that is no
    /// page's or flags that do not go together, `EBUSY` if some are locked
    /// (`INVALIDATE`), `EIO`, …
    sys msync(address: Address, length: usize, flags: SyncFlags) -> Result<()>;

    /// Keeps the pages of the `length` bytes at `address` in memory: mlock(2).
    ///
    /// # Errors
    ///
    /// `ENOMEM` if not all of them are mapped or it would be more than `RLIMIT_MEMLOCK`,
    /// `EPERM` if that is 0, `EINVAL` if the addresses run over the end, `EAGAIN`.
    sys mlock(address: Address, length: usize) -> Result<()>;

    /// Keeps the pages of the `length` bytes at `address` in memory, as `flags` says:
    /// mlock2(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags, else as for [`mlock`].
    sys mlock2(address: Address, length: usize, flags: LockFlags) -> Result<()>;

    /// Keeps the pages of the `length` bytes at `address` in memory no more,
    /// however often they were locked: munlock(2).
    ///
    /// # Errors
    ///
    /// `ENOMEM` if not all of them are mapped, `EINVAL` if the addresses run over the
    /// end.
    sys munlock(address: Address, length: usize) -> Result<()>;

    /// Keeps the process's pages in memory: mlockall(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for unknown flags, none, or `ONFAULT` alone; `ENOMEM` if it would be
    /// more than `RLIMIT_MEMLOCK`, `EPERM` if that is 0.
    sys mlockall(flags: LockAllFlags) -> Result<()>;

    /// Keeps none of the process's pages in memory any more, now or later:
    /// munlockall(2).
    sys munlockall() -> ();
}
