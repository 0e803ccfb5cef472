//! linked_list_allocator alone.

use core::alloc::{GlobalAlloc, Layout};

use super::Stats;
use super::source::Source;
use crate::sync::PinnedMutex;

/// A heap that grows by brk and mmap. Every block is linked_list_allocator's, and what is
/// freed does not go back to the kernel (feature `linked-list-heap`).
pub struct Heap {
    source: PinnedMutex<Source>,
}

impl Heap {
    /// An empty heap: it asks the kernel for memory when it is first used.
    pub const fn new() -> Heap {
        Heap {
            source: PinnedMutex::new(Source::new()),
        }
    }

    /// How many bytes it has, and where they are.
    pub fn stats(&self) -> Stats {
        let [brk, mapped, unused] = self.source.lock().sizes();
        Stats {
            brk,
            mapped,
            used: brk + mapped - unused,
            unused,
            ..Stats::default()
        }
    }
}

// SAFETY: every block comes from an arena that is the heap's alone, is handed out
// once, and goes back to the arena that it came from; the lock keeps threads apart.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.source.lock().allocate(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller: the block is from `alloc`.
        unsafe { self.source.lock().deallocate(block, layout) }
    }
}
