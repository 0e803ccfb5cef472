//! What the run queue, processors' words and waits are made of. A model checker puts its own in
//! this place: tests/loom_task, tests/loom_sched.

pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// How many fit into a ring: a power of two.
pub(crate) const RING: usize = 256;
