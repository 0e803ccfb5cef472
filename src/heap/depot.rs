//! What all small and middle blocks come from, in whole pages.

use core::alloc::Layout;
use core::ptr;

use super::class;
use super::source::Source;

/// What the source is asked for multiples of: so there are few holes, and none is too
/// small to be of use.
const PAGE: usize = 4 << 10;

/// What a run has at least.
const RUN: usize = 16 << 10;

/// The source, and what was taken from it to be cut into small blocks.
pub struct Depot {
    pub source: Source,
    runs: [Run; class::COUNT],
    /// Bytes in all runs there ever were.
    total: usize,
}

/// Memory that is being cut into blocks of one class.
struct Run {
    next: *mut u8,
    left: usize,
}

// SAFETY: the runs belong to the depot, whichever thread has it.
unsafe impl Send for Depot {}

impl Depot {
    pub const fn new() -> Depot {
        const EMPTY: Run = Run {
            next: ptr::null_mut(),
            left: 0,
        };
        Depot {
            source: Source::new(),
            runs: [EMPTY; class::COUNT],
            total: 0,
        }
    }

    /// Blocks of a class that nobody ever had: where they begin and how many there are, one
    /// after the other. As many as are in a page, or one; none if the kernel has no memory.
    pub fn fresh(&mut self, class: usize) -> (*mut u8, usize) {
        let size = class::size(class);
        if self.runs[class].left < size {
            self.runs[class] = self.new_run(class);
        }
        let run = &mut self.runs[class];
        let count = (PAGE.min(run.left) / size).max(usize::from(run.left > 0));
        let start = run.next;
        run.next = start.wrapping_add(count * size);
        run.left -= count * size;
        (start, count)
    }

    /// A run for at least four blocks, or where memory is short for one; empty if there is
    /// not that much. The more there is in runs, the larger is the next.
    fn new_run(&mut self, class: usize) -> Run {
        let size = class::size(class);
        let wanted = (self.total / 64).clamp(RUN, 1 << 20).max(4 * size);
        for length in [wanted, size] {
            let length = length.next_multiple_of(PAGE);
            let next = self.allocate(length, class::align(class));
            if !next.is_null() {
                self.total += length;
                return Run { next, left: length };
            }
        }
        Run {
            next: ptr::null_mut(),
            left: 0,
        }
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

    /// Bytes in runs: cut into blocks, and not.
    pub fn in_runs(&self) -> [usize; 2] {
        let left = self.runs.iter().map(|run| run.left).sum();
        [self.total - left, left]
    }
}

/// The layout of as many whole pages as have room. At least as aligned as a page.
fn pages(size: usize, align: usize) -> Layout {
    // SAFETY: both are far below what a layout may have: their caller knows their limits.
    unsafe { Layout::from_size_align_unchecked(size.next_multiple_of(PAGE), align.max(PAGE)) }
}
