//! The heap: what `alloc`'s Vec, String, Box and BTreeMap live on.
//!
//! [`entry!`](crate::entry) makes it the program's `#[global_allocator]`, unless the
//! feature `global-heap` is turned off. A program that allocates nothing carries
//! none of it.
//!
//! ```text
//!  layout.size, rounded up to a multiple of layout.align
//!     │
//!     ├── up to 32 KiB ────► a class: 84 sizes, each with a list of free blocks
//!     │                         │ empty: 4 KiB more are cut from a run
//!     │                         │ the run is used up: another, of 16 KiB and more
//!     │                         ▼
//!     ├── up to 128 KiB ───► linked_list_allocator, in whole pages
//!     │                         │ no hole is large enough
//!     │                         ▼
//!     │                      brk(2), or where that is refused mmap(2)
//!     │
//!     └── above ───────────► a mapping of its own: mmap(2), mremap(2), munmap(2)
//! ```
//!
//! Which way a block went its layout says, so no block has a header. Small blocks that
//! are freed stay blocks of their class; middle ones become holes, which are joined;
//! large ones go back to the kernel at once.
//!
//! While there is one thread, allocating a small block takes it off a list, and freeing
//! puts it there, without any lock. Where there are more ([`sync::expect_threads`]), each
//! list exists 64 times, and threads look for one that is free.
//!
//! An allocation that fails returns null, as [`GlobalAlloc`] says: `try_reserve`
//! makes an error of it, `Box::new` a panic with the size. The heap stays usable.
//!
//! # What is noticed
//!
//! The links of free lists are mangled with `AT_RANDOM`, so that nobody who writes to a
//! freed block can choose what the heap hands out next; a link that is not aligned traps.
//! In debug builds, freeing a block twice, or one that is not the heap's, is a panic that
//! names the address.
//!
//! # Threads and signals
//!
//! Before a second thread uses a heap, [`sync::expect_threads`] must have been called,
//! by whoever makes it. A signal handler must not allocate. Nor should the child of a
//! fork in a process with several threads: another thread may have held a lock.

#[cfg(feature = "linked-list-heap")]
mod plain;
#[cfg(not(feature = "linked-list-heap"))]
mod segregated;
mod source;
mod stats;

#[cfg(feature = "linked-list-heap")]
pub use plain::Heap;
#[cfg(not(feature = "linked-list-heap"))]
pub use segregated::Heap;
pub use stats::Stats;

#[cfg(doc)]
use crate::sync;
#[cfg(doc)]
use core::alloc::GlobalAlloc;

impl Default for Heap {
    fn default() -> Heap {
        Heap::new()
    }
}
