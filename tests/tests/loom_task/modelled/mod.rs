//! The run queue, on what stands in for its atomics here.

pub mod prim;
#[path = "../../../../src/task/ring.rs"]
pub mod ring;
