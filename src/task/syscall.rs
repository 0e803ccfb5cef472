//! System calls that give their processor up.
//!
//! A task that enters a call puts its processor up for grabs, with one store, and takes it back
//! when the call returns, with one exchange. If the call takes long, sysmon takes the processor
//! and gives it to another thread ([`sysmon`](super::sysmon)); the task finds that out by its
//! exchange, and waits for another processor, as it would for any.
//!
//! From the store on, the thread must not touch the processor, nor anything that belongs to who
//! holds it.

use core::sync::atomic::{Ordering::*, compiler_fence};

use super::idle::hand_off;
use super::processor::{Processor, State as ProcessorState};
use super::sched::{SCHED, attention};
use super::task::{State, TaskRef};
use super::thread::{self, Thread};
use super::{dump, preempt, running, stack, sysmon, world};
use crate::sys::hook::Hooks;

/// What the scheduler wants to know of system calls.
pub(super) static HOOKS: Hooks = Hooks {
    enter: enter_syscall,
    enter_block: enter_syscall_block,
    exit: exit_syscall,
    pin: || _ = thread::pin(),
    unpin: thread::unpin,
    lock_thread: running::lock,
    unlock_thread: running::unlock,
    before_fork: world::before_fork,
    after_fork: world::after_fork,
    is_guard: stack::is_guard,
    name: dump::write_name,
};

/// Before a call that may block.
fn enter_syscall() {
    let Some(thread) = thread::pin() else {
        return;
    };
    if thread.pins.get() > 1 {
        return;
    }
    // It was not pinned before, so it runs a task, and holds a processor.
    if let (Some(task), Some(processor)) = (thread.task.get(), thread.processor.get()) {
        match processor.calls_last() {
            false => enter(thread, task, processor),
            true => enter_and_hand_off(thread, task, processor),
        }
    }
}

#[inline(always)]
fn enter(thread: &Thread, task: TaskRef, processor: &'static Processor) {
    if SCHED.attention.load(Relaxed) != 0 {
        return enter_asked(thread, task, processor);
    }
    publish(thread, task, processor);
    if SCHED.is_asked(attention::STOP) {
        world::stop_in_syscall(processor, thread.old_word.get());
    }
}

/// Puts the processor up for grabs.
#[inline(always)]
fn publish(thread: &Thread, task: TaskRef, processor: &'static Processor) {
    task.set_state(State::Syscall);
    thread.old.set(Some(processor));
    thread.processor.set(None);
    thread.old_word.set(processor.enter_syscall());
}

/// [`enter`], where something is asked of the thread.
#[cold]
fn enter_asked(thread: &Thread, task: TaskRef, processor: &'static Processor) {
    let is_watched = SCHED.is_asked(attention::SLOW) && have_watched(processor);
    publish(thread, task, processor);
    if SCHED.is_asked(attention::STOP) {
        world::stop_in_syscall(processor, thread.old_word.get());
    }
    if is_watched {
        // Only now: it is to find the call begun.
        sysmon::hurry();
    }
}

/// Whether sysmon, which looks seldom, is to look at the call that is about to begin: somebody
/// waits for the processor, or nobody else could serve who comes.
fn have_watched(processor: &Processor) -> bool {
    let is_needed = processor.has_work()
        || SCHED.queued.load(Relaxed) > 0
        || SCHED.idle.load(Relaxed) + SCHED.spinning.load(Relaxed) == 0;
    if is_needed {
        SCHED.attention.fetch_and(!attention::SLOW, Relaxed);
    }
    is_needed
}

/// Before a call that surely blocks: if there is other work, the processor goes at once.
fn enter_syscall_block() {
    let Some(thread) = thread::pin() else {
        return;
    };
    if thread.pins.get() > 1 {
        return;
    }
    let (Some(task), Some(processor)) = (thread.task.get(), thread.processor.get()) else {
        return;
    };
    enter_and_hand_off(thread, task, processor);
}

/// The processor goes at once, if there is other work.
fn enter_and_hand_off(thread: &Thread, task: TaskRef, processor: &'static Processor) {
    if !processor.has_work() && SCHED.queued.load(Relaxed) == 0 {
        return enter(thread, task, processor);
    }
    task.set_state(State::Syscall);
    thread.old.set(None);
    let processor = thread.release();
    hand_off(processor);
}

/// After either. It may return on another thread.
fn exit_syscall() {
    let Some(thread) = thread::current() else {
        return;
    };
    let pins = thread.pins.get();
    if pins > 1 {
        thread.pins.set(pins - 1);
        return;
    }
    let Some(task) = thread.task.get() else {
        unreachable!("a call ends without a task");
    };
    if let Some(processor) = thread.old.take()
        && processor.take(thread.old_word.get(), ProcessorState::Running)
    {
        thread.processor.set(Some(processor));
        processor.call_was_short();
        task.set_state(State::Running);
        let is_asked = SCHED.is_asked(attention::STOP) || processor.give_way.load(Relaxed);
        if !is_asked {
            // The thread is the one that it was; as in `unpin`.
            compiler_fence(Release);
            thread.pins.set(0);
            return;
        }
        give_way(thread, task);
    } else {
        exit_slowly(thread, task);
    }
    // Perhaps another than before.
    thread::unpin();
}

/// Somebody has taken the processor.
#[cold]
fn exit_slowly(thread: &'static Thread, task: TaskRef) {
    // Another will do.
    if SCHED.idle.load(Relaxed) > 0 {
        let mut shared = SCHED.shared.lock();
        if let Some(processor) = SCHED.take_idle(&mut shared) {
            drop(shared);
            thread.acquire(processor);
            task.set_state(State::Running);
            let counts = &processor.counts;
            counts.found_idle.set(counts.found_idle.get() + 1);
            return;
        }
    }
    match stays(task) {
        true => thread.wait_here(task),
        false => running::leave(thread, wait_for_processor),
    }
}

/// Whether the task must not leave its thread here. A future runs on the scheduler's stack; and a
/// signal handler has to end where it began, for what it returns through is that thread's, as are
/// the signals that it holds back and the stack that it may run on.
fn stays(task: TaskRef) -> bool {
    !task.has_stack() || preempt::is_in_handler()
}

/// The task was asked to give way.
#[cold]
fn give_way(thread: &'static Thread, task: TaskRef) {
    if !stays(task) {
        running::leave(thread, running::give_way);
    } else if SCHED.is_asked(attention::STOP) {
        task.set_state(State::Syscall);
        hand_off(thread.release());
        thread.wait_here(task);
    }
}

/// On the scheduler's stack: the task waits for a processor, like all that may run.
fn wait_for_processor(thread: &Thread, task: TaskRef) -> Option<TaskRef> {
    task.change_state(State::Syscall, State::Runnable);
    thread.task.set(None);
    let processor = {
        let mut shared = SCHED.shared.lock();
        let processor = SCHED.take_idle(&mut shared);
        if processor.is_none() {
            SCHED.submit(&mut shared, task);
        }
        processor
    };
    // From here on the task may run elsewhere, unless there is a processor.
    thread.acquire(processor?);
    Some(task)
}
