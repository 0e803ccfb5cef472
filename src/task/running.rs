//! What a task may do that runs.

use core::marker::PhantomData;
use core::sync::atomic::Ordering::*;
use core::time::Duration;

use super::processor::Processor;
use super::sched::{SCHED, attention};
use super::start;
use super::syscall::HOOKS;
use super::task::{Handle, State, TaskRef};
use super::thread::{self, After, Thread};
use super::wait::{Reason, Wait};
use crate::arch;
use crate::sync::prim;

/// The calling task, if the caller is one that can leave its thread: neither a thread of the
/// program's own, nor a blocking section, nor a future.
#[inline(always)]
pub(super) fn current_task() -> Option<TaskRef> {
    let thread = thread::pin()?;
    let task = thread.processor.get().and(thread.task.get());
    thread::unpin();
    task.filter(|task| task.has_stack())
}

/// The calling task leaves its thread, pinned; `after` decides what becomes of it. When this
/// returns, it runs again, pinned, on perhaps another thread.
#[inline(never)]
pub(super) fn leave(thread: &'static Thread, after: After) {
    debug_assert_eq!(
        thread.pins.get(),
        1,
        "a task leaves its thread while it is pinned to it"
    );
    let Some(task) = thread.task.get() else {
        unreachable!("no task leaves");
    };
    thread.after.set(Some(after));
    // SAFETY: the scheduler has left its stack there, on this thread, and runs on when it is
    // switched to.
    unsafe { arch::switch(task.sp.as_ptr(), thread.scheduler.get()) };
}

/// On the scheduler's stack: others are to run before the task does again.
pub(super) fn give_way(thread: &Thread, task: TaskRef) -> Option<TaskRef> {
    task.change_state(State::Running, State::Runnable);
    thread.task.set(None);
    SCHED.submit(&mut SCHED.shared.lock(), task);
    None
}

/// On the scheduler's stack: the task goes behind those of its processor; where others wait for
/// any processor, behind those, for whoever waits here comes first.
fn queue_again(thread: &Thread, task: TaskRef) -> Option<TaskRef> {
    if SCHED.queued.load(Relaxed) > 0 {
        return give_way(thread, task);
    }
    task.change_state(State::Running, State::Runnable);
    thread.task.set(None);
    if let Some(processor) = thread.processor.get() {
        thread.queue(processor, task);
    }
    None
}

/// Lets other tasks run that are ready, if there are any: Go's `runtime.Gosched`. A thread that
/// runs no task lets other threads run: sched_yield(2).
#[inline]
pub fn yield_now() {
    let Some((thread, processor)) = pin_task() else {
        crate::sys::sched_yield();
        return;
    };
    let has_others = processor.has_work()
        || SCHED.queued.load(Relaxed) > 0
        || SCHED.is_asked(attention::STOP)
        || processor.timers.next() != u64::MAX;
    if has_others {
        leave(thread, queue_again);
    }
    thread::unpin();
}

/// Pins the calling thread, if it runs a task that was not pinned yet.
#[inline(always)]
fn pin_task() -> Option<(&'static Thread, &'static Processor)> {
    let thread = thread::pin()?;
    let has_stack = thread.task.get().is_some_and(|task| task.has_stack());
    match thread.processor.get() {
        Some(processor) if thread.pins.get() == 1 && has_stack => Some((thread, processor)),
        _ => {
            thread::unpin();
            None
        }
    }
}

/// Lets other tasks run if this one has run for long, or if the world is to stop: for long
/// loops that make no system calls and do not wait. It costs a few instructions.
#[inline]
pub fn checkpoint() {
    let Some((thread, processor)) = pin_task() else {
        return;
    };
    if SCHED.is_asked(attention::STOP) || processor.give_way.load(Relaxed) {
        leave(thread, give_way);
    }
    thread::unpin();
}

/// Waits as long as the duration says, at least: std's `thread::sleep`, for tasks. It costs no
/// thread. A thread that runs no task sleeps itself.
#[track_caller]
pub fn sleep(duration: Duration) {
    let wait = Wait::new();
    wait.park(Reason::to("sleep"), prim::after(duration));
}

/// The calling task, or `None` on a thread that runs none.
pub fn current() -> Option<Handle> {
    start::ensure();
    let task = own_task()?;
    task.retain();
    Some(Handle::new(task))
}

/// The calling task, whatever it can do.
pub(super) fn own_task() -> Option<TaskRef> {
    let task = thread::pin().and_then(|thread| thread.task.get());
    thread::unpin();
    task
}

/// Calls `f`, which may block in ways that the scheduler does not see: raw system calls, long
/// computations, another library's locks. The task's processor goes to others meanwhile, if
/// there are any. In `f`, whatever waits holds the thread.
pub fn block_in_place<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    start::ensure();
    (HOOKS.enter_block)();
    let result = f();
    (HOOKS.exit)();
    result
}

/// While it lives, the task stays on its thread, which runs no other.
#[derive(Debug)]
#[must_use = "the task is free to go on elsewhere when this drops"]
pub struct LockedThread {
    of_this_thread: PhantomData<*mut ()>,
}

/// Keeps the calling task on its thread until what this returns drops, and other tasks off it:
/// Go's `runtime.LockOSThread`. For what the kernel keeps of each thread: namespaces, user
/// and group ids, signal masks, thread-local variables. If the task ends while it is locked, the
/// thread ends with it.
///
/// A locked task is slower: each time that it waits, two threads take turns.
///
/// On a thread that runs no task it does nothing.
pub fn lock_thread() -> LockedThread {
    start::ensure();
    lock();
    LockedThread {
        of_this_thread: PhantomData,
    }
}

impl Drop for LockedThread {
    fn drop(&mut self) {
        unlock();
    }
}

/// Keeps the calling task, if the caller is one, on its thread.
pub(super) fn lock() {
    let Some(thread) = thread::pin() else {
        return;
    };
    if let Some(task) = thread.task.get() {
        task.locks.set(task.locks.get() + 1);
        task.locked.set(Some(thread));
        thread.locked.set(Some(task));
    }
    thread::unpin();
}

/// Takes a [`lock`] back.
pub(super) fn unlock() {
    let Some(thread) = thread::pin() else {
        return;
    };
    if let Some(task) = thread.task.get() {
        let locks = task.locks.get() - 1;
        task.locks.set(locks);
        if locks == 0 {
            task.locked.set(None);
            thread.locked.set(None);
        }
    }
    thread::unpin();
}
