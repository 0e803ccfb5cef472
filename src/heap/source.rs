//! Where blocks come from: linked_list_allocator, over memory of brk(2) and mmap(2).
//!
//! What the kernel gives at a time is an *arena*, which linked_list_allocator manages: by
//! moving the break, and where that is refused (it has run into a mapping, or RLIMIT_DATA is
//! reached) by a mapping. Whoever else moves the break keeps what is between: the next arena
//! begins behind.
//!
//! Freeing looks for its place in the arena's list of holes, so it takes time in
//! proportion to their number, as allocating does.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use linked_list_allocator::Heap as Holes;

use crate::startup::stack::kept_argv;
use crate::sys::{self, MapFlags, Prot};

/// What an arena has at least, and its length is a multiple of: with many small
/// allocations, one system call for many of them. No architecture has larger pages.
const GRANULE: usize = 64 << 10;

/// What an arena may need beyond an allocation's size and alignment: its own
/// record, and the bookkeeping of the holes on both sides.
const OVERHEAD: usize = 256;

/// The arenas.
pub struct Source {
    /// The oldest.
    arenas: *mut Arena,
    /// Bytes that the break has given.
    brk: usize,
    /// Bytes that are mapped.
    mapped: usize,
}

/// An arena: this record stands at its beginning.
struct Arena {
    holes: Holes,
    newer: *mut Arena,
}

// SAFETY: the arenas belong to this value, whichever thread has it.
unsafe impl Send for Source {}

impl Source {
    /// No arena: the kernel is asked for memory when some is first wanted.
    pub const fn new() -> Source {
        Source {
            arenas: ptr::null_mut(),
            brk: 0,
            mapped: 0,
        }
    }

    /// A block, or null if the kernel has no memory for it.
    pub fn allocate(&mut self, layout: Layout) -> *mut u8 {
        loop {
            let mut found = self
                .iter_mut()
                .map(|holes| holes.allocate_first_fit(layout));
            if let Some(block) = found.find_map(Result::ok) {
                return block.as_ptr();
            }
            drop(found);
            if self.grow(layout).is_none() {
                return ptr::null_mut();
            }
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `block` must be from [`Source::allocate`] with the same layout.
    pub unsafe fn deallocate(&mut self, block: *mut u8, layout: Layout) {
        if let Some(holes) = self.owner(block) {
            // SAFETY: passed on to the caller; this arena has the block, which is not
            // null.
            unsafe { holes.deallocate(NonNull::new_unchecked(block), layout) }
        }
    }

    /// The arena that has the byte at `place`.
    pub fn owner(&mut self, place: *mut u8) -> Option<&mut Holes> {
        self.iter_mut()
            .find(|holes| (holes.bottom()..holes.top()).contains(&place))
    }

    /// Bytes that the break has given, bytes that are mapped, and bytes of both that are
    /// in holes.
    pub fn sizes(&mut self) -> [usize; 3] {
        let holes = self.iter_mut().map(|holes| holes.free()).sum();
        [self.brk, self.mapped, holes]
    }

    /// Adds an arena that has room for `layout`; `None` if the kernel has no memory.
    fn grow(&mut self, layout: Layout) -> Option<()> {
        // A layout's size and its alignment are at most half of the address space.
        let needed = round_up(layout.size() + layout.align() + OVERHEAD);
        // The more there is, the larger are the steps, so that there are never many
        // arenas; but where memory is short only what must be.
        let step = (self.brk + self.mapped) / 4;
        let wanted = needed.max(round_up(step));
        self.grow_by(wanted).or_else(|| self.grow_by(needed))
    }

    fn grow_by(&mut self, length: usize) -> Option<()> {
        let arena = match move_break(length) {
            Some(start) => {
                self.brk += length;
                start
            }
            None => {
                let start = map(length, Prot::READ | Prot::WRITE)?;
                self.mapped += length;
                start
            }
        };
        // The break is at no particular address.
        let before = arena.align_offset(align_of::<Arena>());
        // SAFETY: the kernel has just given these bytes, more than the record has, for
        // good. The record is aligned, and the holes have what is behind it.
        unsafe {
            let arena = arena.add(before).cast::<Arena>();
            let length = length - before - size_of::<Arena>();
            arena.write(Arena {
                holes: Holes::new(arena.add(1).cast(), length),
                newer: ptr::null_mut(),
            });
            let mut last = &raw mut self.arenas;
            while !(*last).is_null() {
                last = &raw mut (**last).newer;
            }
            *last = arena;
        }
        Some(())
    }

    /// The arenas, the oldest first.
    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Holes> {
        let mut next = self.arenas;
        core::iter::from_fn(move || {
            // SAFETY: the list holds records that stay for good, each once, and
            // is borrowed with `self`.
            let arena = unsafe { next.as_mut()? };
            next = arena.newer;
            Some(&mut arena.holes)
        })
    }
}

/// The next multiple of [`GRANULE`]. A layout's size is at most `isize::MAX`.
#[inline]
pub const fn round_up(size: usize) -> usize {
    size.wrapping_add(GRANULE - 1) & !(GRANULE - 1)
}

/// Moves the break up, and returns where it was.
fn move_break(by: usize) -> Option<*mut u8> {
    if kept_argv().is_null() {
        // Another start-up than ours has run, a C library's: the break is the library's,
        // whose threads may move it at any time.
        return None;
    }
    // SAFETY: null is no break that the kernel takes: it answers where it is.
    let start = unsafe { sys::brk(ptr::null_mut()) };
    let end = start.wrapping_byte_add(by);
    // SAFETY: the break only goes up, to memory that nobody has.
    let moved = end > start && unsafe { sys::brk(end) } == end;
    moved.then(|| start.cast())
}

/// A new mapping of pages of zeros, wherever the kernel has room.
pub fn map(length: usize, prot: Prot) -> Option<*mut u8> {
    let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
    // SAFETY: it is at no fixed address.
    let start = unsafe { sys::mmap(ptr::null_mut(), length, prot, flags, None, 0) };
    start.ok().map(|start| start.cast())
}
