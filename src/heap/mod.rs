//! The heap: what `alloc`'s Vec, String, Box and BTreeMap live on.
//!
//! [`entry!`](crate::entry) makes it the program's `#[global_allocator]`, unless the
//! feature `global-heap` is turned off. A program that allocates nothing carries
//! none of it.
//!
//! Memory comes from the kernel by brk(2), and where that is refused (the break
//! has run into a mapping, or RLIMIT_DATA is reached) by mmap(2). Each contiguous
//! piece is an *arena*, which linked_list_allocator manages: one that the break
//! extends, and a list of mapped ones. If something else moves the break, what it
//! took is left alone and only mappings are added from then on.
//!
//! What is freed is used again, and does not go back to the kernel. Freeing looks
//! for its place in the arena's list of holes, so it takes time in proportion to
//! their number, as allocating does.
//!
//! An allocation that fails returns null, as [`GlobalAlloc`] says: `try_reserve`
//! makes an error of it, `Box::new` a panic with the size. The heap stays usable.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};

use linked_list_allocator::Heap as Arena;

use crate::sync::Mutex;
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

/// A heap that grows by brk and mmap.
pub struct Heap {
    arenas: Mutex<Arenas>,
}

impl Heap {
    /// An empty heap: it asks the kernel for memory when it is first used.
    pub const fn new() -> Heap {
        Heap {
            arenas: Mutex::new(Arenas {
                broken: Arena::empty(),
                mapped: ptr::null_mut(),
            }),
        }
    }
}

impl Default for Heap {
    fn default() -> Heap {
        Heap::new()
    }
}

// SAFETY: every block comes from an arena that is the heap's alone, is handed out
// once, and goes back to the arena that it came from; the lock keeps threads apart.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut arenas = self.arenas.lock();
        arenas
            .allocate(layout)
            .or_else(|| {
                arenas.grow(layout)?;
                arenas.allocate(layout)
            })
            .map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller: the block is from `alloc`, so it is not
        // null and one of the arenas has it.
        unsafe {
            self.arenas
                .lock()
                .deallocate(NonNull::new_unchecked(block), layout);
        }
    }
}

struct Arenas {
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
unsafe impl Send for Arenas {}

impl Arenas {
    /// A block from the arenas as they are.
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.iter_mut()
            .find_map(|arena| arena.allocate_first_fit(layout).ok())
    }

    /// # Safety
    ///
    /// `block` must be from [`Arenas::allocate`] with the same layout.
    unsafe fn deallocate(&mut self, block: NonNull<u8>, layout: Layout) {
        let owner = self
            .iter_mut()
            .find(|arena| (arena.bottom()..arena.top()).contains(&block.as_ptr()));
        if let Some(arena) = owner {
            // SAFETY: passed on to the caller; this arena has the block.
            unsafe { arena.deallocate(block, layout) }
        }
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
        let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
        // SAFETY: a new mapping, wherever the kernel has room.
        let start = unsafe {
            sys::mmap(
                ptr::null_mut(),
                length,
                Prot::READ | Prot::WRITE,
                flags,
                None,
                0,
            )
            .ok()?
        };
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
