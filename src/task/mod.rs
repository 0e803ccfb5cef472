//! Tasks: cheap threads of control over few threads, in the manner of Go's scheduler.

mod lock;
mod prim;
#[allow(dead_code, reason = "the core uses it")]
mod ring;
#[allow(dead_code, reason = "the core uses it")]
mod stack;
#[allow(dead_code, reason = "the core uses it")]
mod timer;
mod wait;
