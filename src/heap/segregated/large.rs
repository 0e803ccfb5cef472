//! Large blocks: each is a mapping of its own.
//!
//! ```text
//!  realloc grows a block of 4 MiB or more that has no room to grow where it is:
//!
//!        reserved: new length + 2 MiB, PROT_NONE
//!  ┌─────┬────────────────────────────────────┬───┐
//!  │     │ munmap what is beyond              │   │
//!  └─────┴────────────────────────────────────┴───┘
//!        ▲ a multiple of 2 MiB
//!        └── mremap(MAYMOVE | FIXED) ─── the block: its pages move, huge ones too
//! ```
//!
//! Growing copies nothing: mremap(2) moves the entries of the page tables. What costs is
//! the first touch of each page, so from 4 MiB on a block is made of huge pages
//! (madvise(2), `MADV_HUGEPAGE`) where the kernel has them. They need an alignment of
//! 2 MiB, which the kernel does not see to when it moves a mapping; a huge page that
//! comes to lie across two is taken to pieces.
//!
//! Lengths are multiples of 64 KiB. That is a multiple of the page size whatever it is,
//! so a block's length is known from its size alone. Pages that nobody touches are only
//! addresses.

use core::alloc::Layout;
use core::ffi::c_void;
use core::ptr;

use crate::heap::source::{map, round_up};
use crate::sys::{self, Advice, Prot, RemapFlags};

/// What the kernel's addresses are multiples of: no architecture has smaller pages.
const PAGE: usize = 4 << 10;

/// Blocks of this many bytes and more have huge pages.
const HUGE_FROM: usize = 4 << 20;

/// The size of a huge page: what an entry of the second level of page tables maps. (On
/// kernels for i386 without PAE and for aarch64 with large pages it is larger: there are
/// none then.)
const HUGE: usize = 2 << 20;

/// Maps a block; null if the kernel refuses. It is all zeros.
pub fn allocate(layout: Layout) -> *mut u8 {
    let length = round_up(layout.size());
    place(
        length,
        wanted_align(length, layout),
        Prot::READ | Prot::WRITE,
    )
    .or_else(|| place(length, layout.align(), Prot::READ | Prot::WRITE))
    .inspect(|&block| advise(block, length))
    .unwrap_or(ptr::null_mut())
}

/// Unmaps a block.
///
/// # Safety
///
/// It must be from this module, of this size, and nothing may use it any more.
pub unsafe fn deallocate(block: *mut u8, size: usize) {
    // SAFETY: passed on to the caller.
    unsafe { unmap(block, round_up(size)) };
}

/// Makes a block, which has `layout`, `size` bytes long, and returns where it is now;
/// `None` if the kernel refuses, and then it is as it was.
///
/// # Safety
///
/// As for [`deallocate`], if it moves or of what is cut off.
pub unsafe fn reallocate(block: *mut u8, layout: Layout, size: usize) -> Option<*mut u8> {
    let old = round_up(layout.size());
    let new = round_up(size);
    if new == old {
        return Some(block);
    }
    if old < HUGE_FROM && new >= HUGE_FROM {
        // What is made of small pages stays so: better to copy it into a huge one.
        return None;
    }
    let align = wanted_align(new, layout);
    let stay = RemapFlags::empty();
    let may_move = RemapFlags::MAYMOVE;
    // SAFETY: passed on to the caller.
    let remap = |flags, to: *mut u8| unsafe {
        let moved = sys::mremap(block.cast(), old, new, flags, to.cast::<c_void>());
        moved.ok().map(|moved| moved.cast::<u8>())
    };
    let in_place = new < old || block.addr().is_multiple_of(align);
    let in_place = in_place.then(|| remap(stay, ptr::null_mut())).flatten();
    in_place
        .or_else(|| {
            let to = (align > PAGE).then(|| place(new, align, Prot::empty()))??;
            // If this fails, the kernel may have unmapped what was reserved, and others
            // may have mapped something there: those addresses are lost.
            remap(may_move | RemapFlags::FIXED, to)
        })
        .or_else(|| (layout.align() <= PAGE).then(|| remap(may_move, ptr::null_mut()))?)
}

/// The alignment that is best for a block.
fn wanted_align(length: usize, layout: Layout) -> usize {
    match length {
        HUGE_FROM.. => layout.align().max(HUGE),
        _ => layout.align(),
    }
}

/// Tells the kernel that huge pages are welcome, if the block is large enough.
fn advise(block: *mut u8, length: usize) {
    if length >= HUGE_FROM {
        // An error is EINVAL from a kernel that has none: then there are none.
        // SAFETY: what is in the pages stays as it is.
        let _ = unsafe { sys::madvise(block.cast(), length, Advice::HUGEPAGE) };
    }
}

/// Maps `length` bytes at a multiple of `align`.
fn place(length: usize, align: usize, prot: Prot) -> Option<*mut u8> {
    if align <= PAGE {
        return map(length, prot);
    }
    // There is a multiple within, and what is before and behind goes.
    let spare = align - PAGE;
    let start = map(length.wrapping_add(spare), prot)?;
    let before = start.addr().wrapping_neg() & (align - 1);
    // SAFETY: all of this is the mapping's.
    unsafe {
        let block = start.add(before);
        unmap(start, before);
        unmap(block.add(length), spare - before);
        Some(block)
    }
}

/// # Safety
///
/// Nothing may use that memory any more.
unsafe fn unmap(start: *mut u8, length: usize) {
    if length == 0 {
        return;
    }
    // SAFETY: passed on to the caller.
    unsafe {
        if sys::munmap(start.cast(), length).is_err() {
            // The process has too many mappings to make two of one. The addresses are
            // lost, the memory need not be.
            let _ = sys::madvise(start.cast(), length, Advice::DONTNEED);
        }
    }
}
