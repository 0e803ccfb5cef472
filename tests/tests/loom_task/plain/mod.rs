//! The run queue as it is, and timers for those who wait here.

pub mod lock;
#[path = "../../../../src/task/prim.rs"]
pub mod prim;
#[path = "../../../../src/task/ring.rs"]
pub mod ring;
#[path = "../../../../src/task/timer.rs"]
pub mod timer;
pub mod wait;
