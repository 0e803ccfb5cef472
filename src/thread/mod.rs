//! Threads: std's `thread`, without a libc.
//!
//! [`spawn`] has the kernel make a thread (clone(2)) that shares everything with its maker
//! but the stack, the registers and the thread pointer, behind which are its own copies of
//! thread-local variables ([`thread_local!`](crate::thread_local)). Stack, closure, result
//! and thread-local storage are one mapping, so no heap is needed. A thread has ended when
//! the kernel says so: [`JoinHandle::join`] sleeps on the word that it writes then.
//!
//! * A panic in any thread ends the process with its message.
//! * The process ends with `main`'s status when `main` returns, whatever other threads do
//!   (exit_group(2)).
//! * A thread made by [`sys::clone_on_stack`] alone has its
//!   maker's thread pointer, and so its maker's thread-local values and [`current`]; it must
//!   use neither at the same time.

mod control;
#[cfg(feature = "alloc")]
mod list;
mod local;
mod scope;
mod spawn;
mod stack;

use core::num::NonZero;
use core::ptr;

use crate::startup::vdso;
use crate::sys::{self, Errno, Tid};

#[doc(inline)]
pub use crate::time::sleep;
#[cfg(feature = "alloc")]
pub(crate) use control::is_initial;
pub use control::{Thread, ThreadId, current, park, park_timeout};
#[cfg(feature = "alloc")]
pub(crate) use list::all;
#[doc(hidden)]
pub use local::Slot;
pub use local::{AccessError, LocalKey};
pub use scope::{Scope, ScopedJoinHandle, scope};
#[cfg(feature = "alloc")]
pub(crate) use spawn::were_made;
pub use spawn::{Builder, JoinHandle, Result, STACK_MIN, STACK_SIZE, spawn};

/// Lets other threads run first: std's `thread::yield_now`, sched_yield(2).
///
/// Async-signal-safe.
#[inline]
pub fn yield_now() {
    sys::sched_yield();
}

/// On how many processors the calling thread may run, which is how many threads can run at
/// once: std's `thread::available_parallelism`, sched_getaffinity(2). A cgroup's share of
/// the processors' time does not count.
///
/// # Errors
///
/// None, unless something stands between the process and the kernel.
pub fn available_parallelism() -> sys::Result<NonZero<usize>> {
    let processors = sys::sched_getaffinity(Tid(0))?;
    NonZero::new(processors.count()).ok_or(Errno::EINVAL)
}

/// The processor that the thread runs on, and the processor's NUMA node: getcpu(2), by
/// the vDSO where it has it, otherwise by the system call. Both may be others by the
/// time that anybody looks. Async-signal-safe.
///
/// # Errors
///
/// `ENOSYS` if neither has it.
pub fn getcpu() -> sys::Result<(u32, u32)> {
    let (mut cpu, mut node) = (0, 0);
    // SAFETY: the function writes to the two, which are there.
    if unsafe { vdso::getcpu(&raw mut cpu, &raw mut node, ptr::null_mut()) } < 0 {
        sys::getcpu(Some(&mut cpu), Some(&mut node))?;
    }
    Ok((cpu, node))
}
