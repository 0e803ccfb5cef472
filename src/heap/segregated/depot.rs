//! What all small and middle blocks come from, in whole pages.

use core::alloc::Layout;
use core::{mem, ptr};

use super::class::{COUNT, Class, PerClass};
use crate::heap::source::Source;

/// What the source is asked for multiples of: so there are few holes, and none is too
/// small to be of use.
const PAGE: usize = 4 << 10;

/// What a run has at least.
const RUN: usize = 16 << 10;

/// The source, and what was taken from it to be cut into small blocks.
pub struct Depot {
    pub source: Source,
    runs: PerClass<Run>,
    /// Bytes in all runs there ever were.
    total: usize,
    /// Bytes at the ends of runs, too few for another block.
    lost: usize,
}

/// Memory that is being cut into blocks of one class.
#[derive(Clone, Copy)]
struct Run {
    next: *mut u8,
    end: *mut u8,
}

// SAFETY: the runs belong to the depot, whichever thread has it.
unsafe impl Send for Depot {}

impl Run {
    const EMPTY: Run = Run {
        next: ptr::null_mut(),
        end: ptr::null_mut(),
    };

    fn left(&self) -> usize {
        self.end.addr() - self.next.addr()
    }
}

impl Depot {
    pub const fn new() -> Depot {
        Depot {
            source: Source::new(),
            runs: PerClass::from([Run::EMPTY; COUNT]),
            total: 0,
            lost: 0,
        }
    }

    /// Memory for blocks of a class, that nobody ever had: where it begins and ends. A page
    /// of it, or a block, or nothing if the kernel has no memory.
    pub fn fresh(&mut self, class: Class) -> [*mut u8; 2] {
        let size = class.size();
        if self.runs[class].left() < size {
            let run = self.new_run(class);
            self.lost += mem::replace(&mut self.runs[class], run).left();
        }
        let run = &mut self.runs[class];
        let start = run.next;
        while run.left() >= size && run.next.addr() + size <= start.addr() + PAGE.max(size) {
            run.next = run.next.wrapping_add(size);
        }
        [start, run.next]
    }

    /// A run for at least four blocks, or where memory is short for one; empty if there is
    /// not that much. The more there is in runs, the larger is the next.
    fn new_run(&mut self, class: Class) -> Run {
        let size = class.size();
        let wanted = (self.total / 64).clamp(RUN, 1 << 20).max(4 * size);
        for length in [wanted, size] {
            let length = length.next_multiple_of(PAGE);
            let next = self.allocate(length, class.align());
            if !next.is_null() {
                self.total += length;
                let end = next.wrapping_add(length);
                return Run { next, end };
            }
        }
        Run::EMPTY
    }

    /// Whole pages for `size` bytes, or null.
    pub fn allocate(&mut self, size: usize, align: usize) -> *mut u8 {
        self.source.allocate(pages(size, align))
    }

    /// Takes whole pages back.
    ///
    /// # Safety
    ///
    /// They must be from [`Depot::allocate`] with the same arguments.
    pub unsafe fn deallocate(&mut self, block: *mut u8, size: usize, align: usize) {
        // SAFETY: passed on to the caller.
        unsafe { self.source.deallocate(block, pages(size, align)) }
    }

    /// Bytes in runs that are in no block yet.
    pub fn left(&self) -> usize {
        self.lost + self.runs.iter().map(|(_, run)| run.left()).sum::<usize>()
    }
}

/// Whether blocks of whole pages for these sizes are equally large.
pub const fn is_same(one: usize, other: usize) -> bool {
    one.next_multiple_of(PAGE) == other.next_multiple_of(PAGE)
}

/// The layout of as many whole pages as have room. At least as aligned as a page.
fn pages(size: usize, align: usize) -> Layout {
    // SAFETY: both are far below what a layout may have: their caller knows their limits.
    unsafe { Layout::from_size_align_unchecked(size.next_multiple_of(PAGE), align.max(PAGE)) }
}
