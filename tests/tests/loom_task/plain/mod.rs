//! The run queue as it is, and timers for those who wait here.

pub mod lock;
#[path = "../../../../src/task/prim.rs"]
#[allow(unused_imports, reason = "processors' words are not here")]
pub mod prim;
#[path = "../../../../src/task/ring.rs"]
pub mod ring;
#[path = "../../../../src/task/timer.rs"]
pub mod timer;
pub mod wait;
