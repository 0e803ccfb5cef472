//! Tasks: threads of control that cost little, over a few threads of the kernel, in the manner
//! of Go's scheduler. A blocking system call in a task does not hold up the others.
//!
//! ```ignore
//! use freestand::task::{self, channel};
//!
//! fn main() {
//!     let (sender, receiver) = channel::bounded(10);
//!     for number in 0..1000 {
//!         let sender = sender.clone();
//!         // Each waits for a second, all at the same time.
//!         task::spawn(move || {
//!             task::sleep(Duration::from_secs(1));
//!             sender.send(number)
//!         });
//!     }
//!     drop(sender);
//!     println!("{}", receiver.iter().sum::<u32>());
//! }
//! ```
//!
//! # Tasks, threads, processors
//!
//! ```text
//!                  queued for any processor: ▢ ▢ ▢                    idle threads: ▭ ▭
//!
//!  processor 0          processor 1          processor 2 (idle)       processor 3
//!  next  ▢              next                                          next
//!  queue ▢ ▢ ▢ ▢        queue ▢                                       queue ▢ ▢
//!    │                    │                                             ┆ up for grabs
//!  thread ▭             thread ▭                                      thread ▭
//!    │                    │                                             │
//!  task ▣ runs          task ▣ runs                                   task ▣ is in read(2)
//! ```
//!
//! * A *task* (Go's G) has a stack of its own, of which memory is what it touches, and is a few
//!   words when it does not run.
//! * A *processor* (P) is the right to run tasks. There are as many as the process may use of
//!   the machine's (sched_setaffinity(2)), or as the variable `FREESTAND_PROCS` says
//!   ([`sched::set_processors`]). Each has a queue; who finds its own empty takes half of
//!   another's.
//! * A *thread* (M) is the kernel's. To run tasks it needs a processor. There are as many as
//!   processors, and one more for each task that sits in a system call; those that are too many
//!   for five seconds end.
//!
//! Before each call declared `sys` or `sysblk` a task's thread puts its processor up for grabs,
//! with one store, and takes it back afterwards by one exchange. If the call lasts, a thread
//! without a processor, *sysmon*, which looks every 20 µs while there is something to see, takes
//! the processor and hands it to another thread. The call returns, finds its processor gone, and
//! the task waits for its turn on any. Calls of [`sys::raw`](crate::sys::raw), and those declared
//! `sysnb`, know nothing of this, and hold their processor.
//!
//! For sockets, pipes, eventfds and timerfds no thread waits at all, if they are used through
//! this crate's types: the task waits in an epoll, and so it does when it sleeps.
//!
//! # What begins it
//!
//! The first use of this module. From then on the program's `main` is a task as all others,
//! which goes on on whichever thread has a processor for it: what the kernel keeps of a *thread*
//! (its id, the signals that it holds back, user ids, namespaces) is to be set up before, or by
//! a task that [stays on its thread](lock_thread). A program that does not use this module has
//! no byte of it.
//!
//! When `main` returns, the process ends, whatever other tasks do.
//!
//! # Who gives way when
//!
//! A task runs until it waits for something, ends, or calls [`yield_now`]. If it has run for
//! 10 ms while others wait for a processor, it gives way at its next system call, at a
//! [`checkpoint`], or where a signal (SIGURG) turns it out, which is nearly anywhere, on all
//! architectures. It is *not* turned out in a call of [`sys::raw`](crate::sys::raw), while it is
//! in a signal's handler or holds signals back, nor for the moments that it is in the scheduler
//! or has one of the heap's locks. A program that handles SIGURG itself has no such signals.
//!
//! A call without hooks that the signal interrupts begins again, if it is one of those that do
//! ([`signal`](crate::signal)); others return `EINTR`, which the functions that are std's hide.
//!
//! # What tasks must not do
//!
//! * Keep what belongs to a thread while they may go elsewhere. [`thread_local!`](crate::thread_local)
//!   sees to that itself: while a value is borrowed, the task stays on its thread. So do the
//!   guards of [`signal::block`](crate::signal::block). C's `__thread` variables, and addresses
//!   of them, are for tasks that [stay](lock_thread); values for each task are
//!   [`task_local!`](crate::task_local)'s.
//! * [`thread::park`](crate::thread::park): the token is the thread's. Locks and channels of
//!   [`sync`](crate::sync) work, but hold the thread while they wait; those of this module do
//!   not.
//! * Overflow their stack. Below it is a guard, so that it ends in SIGSEGV;
//!   [`report_stack_overflow`](crate::signal::report_stack_overflow) says whose it was.
//!
//! # When things go wrong
//!
//! A panic ends the process, and says in which task. If all tasks wait for one another, the
//! process says where each of them does, and ends with status 2; this is not noticed in a
//! program that has made threads of its own, which could wake a task. SIGQUIT (Ctrl-\) has
//! the process say the same of all tasks, with their stacks if it was built with frame pointers
//! (`cargo xtask run --backtrace`), and end with status 2. A task for whose stack there is no
//! memory waits until there is. More than 10 000 threads ([`sched::set_max_threads`]) end the
//! process, with a message; if the kernel makes no more, tasks wait for those that there are.
//! The child of a [`fork`](crate::process::fork) has one thread and no scheduler.
//!
//! # How it is built
//!
//! | file | |
//! |---|---|
//! | `task`, `thread`, `processor` | what is known of each |
//! | `stack`, `ring`, `queue`, `timer` | what a task runs on, and where it waits for its turn or for a time |
//! | `sched` | how a thread finds a task to run, and why no wake-up is lost |
//! | `idle` | threads without processors, and processors without threads |
//! | `running`, `spawn`, `scope`, `local` | what tasks call |
//! | `future` | tasks without a stack |
//! | `wait` | waiting for what exactly one will end: all of the following do |
//! | `channel`, `sync`, `poller` | waiting for values, for locks, for descriptors |
//! | `syscall`, `sysmon` | calls that give their processor up, and who takes it |
//! | `preempt`, `world` | turning one task out, and stopping all |
//! | `deadlock`, `dump`, `stats` | what the scheduler says of itself |

pub mod channel;
mod deadlock;
mod dump;
pub mod future;
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
mod word;
mod world;

#[doc(inline)]
pub use crate::select;
#[doc(inline)]
pub use crate::task_local;
#[doc(inline)]
pub use future::spawn as spawn_future;
pub use local::{AccessError, LocalKey};
pub use running::{
    LockedThread, block_in_place, checkpoint, current, lock_thread, sleep, yield_now,
};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use spawn::{Builder, JoinHandle, Result, STACK_SIZE, spawn};
#[doc(no_inline)]
pub use sync::{Barrier, Condvar, Mutex, RwLock, Semaphore, WaitGroup};
pub use task::{Handle as Task, TaskId};
