//! Tasks: cheap threads of control over few threads, in the manner of Go's scheduler.

mod deadlock;
mod dump;
mod idle;
mod local;
mod lock;
mod poller;
mod preempt;
mod prim;
mod processor;
mod queue;
mod ring;
mod running;
pub mod sched;
mod scope;
mod spawn;
mod stack;
mod start;
mod stats;
mod syscall;
mod sysmon;
// Its name is the word.
#[allow(clippy::module_inception, reason = "a task is the module's subject")]
mod task;
mod thread;
mod timer;
mod wait;
mod world;

pub use running::{
    LockedThread, block_in_place, checkpoint, current, lock_thread, sleep, yield_now,
};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use spawn::{Builder, JoinHandle, Result, STACK_SIZE, spawn};
pub use task::{Handle as Task, TaskId};
