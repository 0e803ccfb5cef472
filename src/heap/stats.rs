//! What a heap has.

/// How many bytes a heap has, and where they are: [`Heap::stats`](super::Heap::stats).
/// Nothing is counted for it while blocks come and go: it is found out when asked for, which
/// takes time in proportion to the number of free blocks.
///
/// `brk + mapped + large` is what the kernel has given, if only as addresses: what was
/// never touched takes no memory. Of that, `used` is handed out, `free` and `unused` are
/// not, and the rest is the heap's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Bytes that the break was moved by.
    pub brk: usize,
    /// Bytes that were mapped where the break could not be moved.
    pub mapped: usize,
    /// Bytes in mappings of large blocks, each block's own.
    pub large: usize,
    /// Bytes in blocks that are handed out, as they were rounded up.
    pub used: usize,
    /// Bytes in small blocks that are free.
    pub free: usize,
    /// Bytes that are in no block: holes, and what is left of runs.
    pub unused: usize,
}
