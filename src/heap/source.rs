//! Where blocks come from: linked_list_allocator, over memory of brk(2) and mmap(2).
//!
//! Each contiguous piece of memory is an *arena*, which linked_list_allocator manages: one
//! that the break extends, and a list of mapped ones. Where the kernel refuses to move the
//! break (it has run into a mapping, or RLIMIT_DATA is reached), an arena is mapped. If
//! something else moves the break, what it took is left alone and only mappings are added
//! from then on.
//!
//! Freeing looks for its place in the arena's list of holes, so it takes time in
//! proportion to their number, as allocating does.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use linked_list_allocator::Heap as Arena;

use crate::startup::stack::kept_argv;
use crate::sys::{self, MapFlags, Prot};

/// What the break grows by at least: with many small allocations, one system call
/// for many of them.
const BREAK_STEP: usize = 64 << 10;

/// What a mapped arena has at least.
const MAP_STEP: usize = 1 << 20;

/// What both are multiples of: no architecture has larger pages.
const GRANULE: usize = 64 << 10;

/// What an arena may need beyond an allocation's size and alignment: its own
/// record, and the bookkeeping of the holes on both sides.
const OVERHEAD: usize = 256;

/// The arenas.
pub struct Source {
    /// The arena that the program break ends.
    broken: Arena,
    /// The newest mapped one.
    mapped: *mut Mapped,
}

/// A mapped arena: this record stands at the beginning of its own mapping.
struct Mapped {
    arena: Arena,
    older: *mut Mapped,
}

// SAFETY: the mapped arenas belong to this value, whichever thread has it.
unsafe impl Send for Source {}

impl Source {
    /// No arena: the kernel is asked for memory when some is first wanted.
    pub const fn new() -> Source {
        Source {
            broken: Arena::empty(),
            mapped: ptr::null_mut(),
        }
    }

    /// A block, or null if the kernel has no memory for it.
    pub fn allocate(&mut self, layout: Layout) -> *mut u8 {
        self.find(layout)
            .or_else(|| {
                self.grow(layout)?;
                self.find(layout)
            })
            .map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    /// A block from the arenas as they are.
    fn find(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.iter_mut()
            .find_map(|arena| arena.allocate_first_fit(layout).ok())
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `block` must be from [`Source::allocate`] with the same layout.
    pub unsafe fn deallocate(&mut self, block: *mut u8, layout: Layout) {
        if let Some(arena) = self.owner(block) {
            // SAFETY: passed on to the caller; this arena has the block, which is not
            // null.
            unsafe { arena.deallocate(NonNull::new_unchecked(block), layout) }
        }
    }

    /// The arena that has the byte at `place`.
    pub fn owner(&mut self, place: *mut u8) -> Option<&mut Arena> {
        self.iter_mut()
            .find(|arena| (arena.bottom()..arena.top()).contains(&place))
    }

    /// Bytes that the break has given, bytes that are mapped, and bytes of both that are
    /// in holes.
    pub fn sizes(&mut self) -> [usize; 3] {
        let broken = self.broken.size();
        let (total, free) = self.iter_mut().fold((0, 0), |(total, free), arena| {
            (total + arena.size(), free + arena.free())
        });
        [broken, total - broken, free]
    }

    /// Gets memory for `layout` from the kernel; `None` if there is none.
    fn grow(&mut self, layout: Layout) -> Option<()> {
        let needed = layout
            .size()
            .checked_add(layout.align())?
            .checked_add(OVERHEAD)?;
        self.grow_by_brk(needed)
            .or_else(|| self.grow_by_mmap(needed))
    }

    fn grow_by_brk(&mut self, needed: usize) -> Option<()> {
        if kept_argv().is_null() {
            // Another start-up than ours has run, a C library's: the break is the
            // library's, whose threads may move it at any time.
            return None;
        }
        let by = needed.max(BREAK_STEP).checked_next_multiple_of(GRANULE)?;
        // SAFETY: null is no break that the kernel takes: it answers where it is.
        let start = unsafe { sys::brk(ptr::null_mut()) };
        let wanted = start.wrapping_byte_add(by);
        // Whoever else moved the break owns what is between: leave it alone.
        let is_ours = self.broken.size() == 0 || self.broken.top() == start.cast();
        if !is_ours || wanted < start {
            return None;
        }
        // SAFETY: the break only goes up, to memory that nobody has.
        if unsafe { sys::brk(wanted) } != wanted {
            return None;
        }
        // SAFETY: the kernel has just given `by` bytes from `start` on, for good;
        // they follow the arena's, if it has any.
        unsafe {
            if self.broken.size() == 0 {
                self.broken.init(start.cast(), by);
            } else {
                self.broken.extend(by);
            }
        }
        Some(())
    }

    fn grow_by_mmap(&mut self, needed: usize) -> Option<()> {
        let length = needed.max(MAP_STEP).checked_next_multiple_of(GRANULE)?;
        let start = map(length, Prot::READ | Prot::WRITE)?;
        let record = start.cast::<Mapped>();
        // SAFETY: the mapping is larger than the record, aligned to a page, and
        // stays for good; the arena has what is behind the record.
        unsafe {
            record.write(Mapped {
                arena: Arena::new(record.add(1).cast(), length - size_of::<Mapped>()),
                older: self.mapped,
            });
        }
        self.mapped = record;
        Some(())
    }

    /// The arena of the break, then the mapped ones.
    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Arena> {
        let mut next = self.mapped;
        let mapped = core::iter::from_fn(move || {
            // SAFETY: the list holds records that stay for good, each once, and
            // is borrowed with `self`.
            let record = unsafe { next.as_mut()? };
            next = record.older;
            Some(&mut record.arena)
        });
        core::iter::once(&mut self.broken).chain(mapped)
    }
}

/// A new mapping of pages of zeros, wherever the kernel has room.
pub fn map(length: usize, prot: Prot) -> Option<*mut u8> {
    let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
    // SAFETY: it is at no fixed address.
    let start = unsafe { sys::mmap(ptr::null_mut(), length, prot, flags, None, 0) };
    start.ok().map(|start| start.cast())
}
