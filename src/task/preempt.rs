//! Turning a task out that does not give way by itself.
//!
//! Sysmon sends a signal to the thread of a task that has run for long while others wait. Its
//! handler runs on the task's stack, above a frame in which the kernel has put all registers; it
//! switches to the scheduler as the task itself would, and when the task runs again returns
//! through that frame, on perhaps another thread. So the task needs no code to be turned out,
//! and no register is forgotten: the kernel knows them all.
//!
//! A task is turned out only where that breaks nothing:
//!
//! * It is not pinned: it is not in the scheduler, in a system call with hooks, nor does it hold
//!   a lock that the scheduler may want.
//! * It is not about to pin itself: the one function that finds the thread and pins it.
//! * It has a stack: a future has not.
//! * It is in no handler of another signal, and holds no signals back that the others do not:
//!   masks and alternate stacks are each thread's own.
//! * It does not return from a system call without hooks just now. Those hold their processor:
//!   it is what they are for. But the signal interrupts them, and those that no signal may
//!   interrupt end with EINTR, as by any signal: signal(7).
//!
//! Otherwise sysmon tries again at its next look.

use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicU32, Ordering::*};

use super::processor::{Processor, State as ProcessorState};
use super::running::leave;
use super::sched::{SCHED, attention};
use super::start;
use super::task::{State, TaskRef};
use super::thread::{self, Thread};
use crate::arch::SYSCALL;
use crate::sys::{
    self, MaskHow, SaFlags, SigAction, SigHandler, SigInfo, SigSet, Signal, SsFlags, Tid, UContext,
    raw,
};

/// The signal. By default it does nothing, and few programs use it: it is what tells of urgent
/// data of a socket.
const SIGNAL: Signal = Signal::URG;

/// How many tasks were turned out.
pub(super) static TURNED_OUT: AtomicU32 = AtomicU32::new(0);

/// Has the signal handled, unless the program does so itself: then tasks are only asked.
pub(super) fn set_up() {
    // SAFETY: asking changes nothing.
    let action = unsafe { sys::rt_sigaction(SIGNAL, None) };
    if action.is_ok_and(|action| matches!(action.sa_handler, SigHandler::Default)) {
        let action = SigAction::siginfo(on_signal).flags(SaFlags::RESTART);
        // SAFETY: the handler leaves what it interrupts as it was.
        let _ = unsafe { sys::rt_sigaction(SIGNAL, Some(&action)) };
    }
}

/// Sends the signal to the thread that holds the processor, whose task was asked to give way.
pub(super) fn turn_out(processor: &Processor) {
    let thread = processor.thread.load(Relaxed);
    if thread != 0 && processor.word().state() == ProcessorState::Running {
        // If the thread has ended meanwhile, there is none to be told.
        let _ = raw::tgkill(sys::getpid(), Tid(thread), SIGNAL);
    }
}

extern "C" fn on_signal(_: Signal, _: &SigInfo, context: &mut UContext) {
    // Until it is unblocked below, the signal does not come again.
    let Some(thread) = thread::current() else {
        return;
    };
    let has_stack = thread.task.get().is_some_and(|task| task.has_stack());
    if thread.pins.get() != 0 || !has_stack || !may_leave(context) {
        return;
    }
    let asked = thread
        .processor
        .get()
        .is_some_and(|processor| processor.give_way.load(Relaxed));
    if !asked && !SCHED.is_asked(attention::STOP) {
        return;
    }
    thread.pins.set(1);
    let signals = SigSet::of(&[SIGNAL]);
    // The thread will run others, which may have to be turned out. This cannot fail.
    let _ = raw::rt_sigprocmask(MaskHow::UNBLOCK, Some(&signals));
    TURNED_OUT.fetch_add(1, Relaxed);
    leave(thread, turned_out);
    let _ = raw::rt_sigprocmask(MaskHow::BLOCK, Some(&signals));
    // It cannot fail: the thread runs on no alternate stack.
    let _ = context.adopt();
    thread::unpin();
}

/// Whether the calling task is in a handler of the program's, as far as the kernel can tell: one
/// with `SA_NODEFER` that holds nothing back, on the task's own stack, is not known.
pub(super) fn is_in_handler() -> bool {
    // SAFETY: it asks.
    let stack = unsafe { raw::sigaltstack(None) };
    stack.is_ok_and(|stack| stack.ss_flags.contains(SsFlags::ONSTACK))
        || raw::rt_sigprocmask(MaskHow::BLOCK, None) != Ok(start::mask())
}

/// Whether what the signal has interrupted may go on in another thread.
fn may_leave(context: &UContext) -> bool {
    let pc = context.pc();
    let on_alternate = context
        .alternate_stack()
        .ss_flags
        .contains(SsFlags::ONSTACK);
    !on_alternate && context.mask() == start::mask() && !thread::is_pinning(pc) && !is_syscall(pc)
}

/// Whether a system call ends at `pc`, or begins there, perhaps once more.
fn is_syscall(pc: usize) -> bool {
    let code = ptr::with_exposed_provenance::<u8>(pc);
    // SAFETY: the thread runs that code. There are as many bytes before it: what comes first in
    // a program is its ELF header, and the vDSO's too. Behind it there is code, or as much as
    // the last page has.
    let [before, at] = unsafe {
        [
            slice::from_raw_parts(code.wrapping_sub(SYSCALL.len()), SYSCALL.len()),
            slice::from_raw_parts(code, SYSCALL.len()),
        ]
    };
    before == SYSCALL || at == SYSCALL
}

/// On the scheduler's stack: others are to run before the task does again.
fn turned_out(thread: &Thread, task: TaskRef) -> Option<TaskRef> {
    task.change_state(State::Running, State::Preempted);
    thread.task.set(None);
    SCHED.submit(&mut SCHED.shared.lock(), task);
    None
}
