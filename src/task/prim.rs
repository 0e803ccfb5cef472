//! What the run queue is made of. A model checker puts its own in this place:
//! tests/loom_task.

pub(crate) use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// How many fit into a ring: a power of two.
pub(crate) const RING: usize = 256;
