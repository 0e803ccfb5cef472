//! Ours and the others, each as its documentation says to use it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    ptr,
    sync::Once,
};

use linked_list_allocator::LockedHeap;
use spinning_top::RawSpinlock;
use talc::{TalcLock, source::GlobalAllocSource};

/// An allocator, whichever it is.
pub type Allocator = &'static (dyn GlobalAlloc + Sync);

/// All, by name.
pub const ALL: [(&str, Allocator); 6] = [
    ("freestand", &OURS),
    ("glibc", &System),
    ("mimalloc", &mimalloc::MiMalloc),
    ("talc", &TALC),
    ("dlmalloc", &dlmalloc::GlobalDlmalloc),
    ("linked_list_allocator", &LINKED_LIST),
];

static OURS: freestand::heap::Heap = freestand::heap::Heap::new();

/// Its way to an arena that grows: blocks of a MiB and more, from and to the C library.
static TALC: TalcLock<RawSpinlock, GlobalAllocSource<System>> =
    TalcLock::new(GlobalAllocSource::new(System));

static LINKED_LIST: LinkedList = LinkedList {
    heap: LockedHeap::empty(),
    init: Once::new(),
};

/// The allocator called `name`.
pub fn find(name: &str) -> Option<Allocator> {
    let (_, allocator) = ALL.into_iter().find(|(known, _)| *known == name)?;
    Some(allocator)
}

/// linked_list_allocator, with an arena that no work fills: it has no way to grow.
/// Pages of it that nobody has touched are no memory.
struct LinkedList {
    heap: LockedHeap,
    init: Once,
}

const ARENA: usize = 1 << 30;

impl LinkedList {
    #[inline]
    fn heap(&self) -> &LockedHeap {
        self.init.call_once(|| {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            // SAFETY: a new mapping, wherever the kernel has room.
            let arena = unsafe {
                let rights = libc::PROT_READ | libc::PROT_WRITE;
                libc::mmap(ptr::null_mut(), ARENA, rights, flags, -1, 0)
            };
            assert_ne!(arena, libc::MAP_FAILED, "no room for an arena");
            // SAFETY: the mapping is the heap's alone, and stays for good.
            unsafe { self.heap.lock().init(arena.cast(), ARENA) };
        });
        &self.heap
    }
}

// SAFETY: passed on.
unsafe impl GlobalAlloc for LinkedList {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        unsafe { self.heap().alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { self.heap().dealloc(block, layout) }
    }
}
