//! Tasks: cheap threads of control over few threads, in the manner of Go's scheduler.

pub mod channel;
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
mod random;
mod ring;
mod running;
pub mod sched;
mod scope;
mod spawn;
mod stack;
mod start;
mod stats;
pub mod sync;
mod syscall;
mod sysmon;
// Its name is the word.
#[allow(clippy::module_inception, reason = "a task is the module's subject")]
mod task;
mod thread;
mod timer;
mod wait;
mod waiters;
mod world;

#[doc(inline)]
pub use crate::select;
#[doc(inline)]
pub use crate::task_local;
pub use local::{AccessError, LocalKey};
pub use running::{
    LockedThread, block_in_place, checkpoint, current, lock_thread, sleep, yield_now,
};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use spawn::{Builder, JoinHandle, Result, STACK_SIZE, spawn};
#[doc(no_inline)]
pub use sync::{Barrier, Condvar, Mutex, RwLock, Semaphore, WaitGroup};
pub use task::{Handle as Task, TaskId};
