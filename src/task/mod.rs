//! Tasks: cheap threads of control over few threads, in the manner of Go's scheduler.

mod deadlock;
mod dump;
mod idle;
mod local;
mod lock;
mod poller;
mod preempt;
mod processor;
mod queue;
mod ring;
mod running;
#[path = "sched.rs"]
mod scheduler;
mod scope;
mod spawn;
mod stack;
mod start;
mod syscall;
mod sysmon;
mod task;
mod thread;
mod timer;
mod wait;
mod world;
