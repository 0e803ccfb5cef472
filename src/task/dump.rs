//! What the scheduler says of itself when the process is about to end.

use core::fmt::{self, Write as _};
use core::sync::atomic::{AtomicBool, Ordering::*};
use core::time::Duration;

use super::running::own_task;
use super::sched::SCHED;
use super::task::{State, Task, TaskRef};
use super::{stack, start, sysmon, world};
#[cfg(frame_pointers)]
use crate::arch;
use crate::io;
use crate::process;
#[cfg(frame_pointers)]
use crate::process::Backtrace;
use crate::sys::{self, STDERR, SaFlags, SigAction, SigHandler, Signal, raw};

/// The status with which a process ends whose tasks wait for ever, as Go's.
const STATUS: i32 = 2;

/// Standard error, without a buffer or a lock.
struct Out;

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while let Ok(written @ 1..) = raw::write(STDERR, rest) {
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Ends the process with a message and status 2. What the program has printed comes before.
pub(super) fn fatal(message: fmt::Arguments<'_>) -> ! {
    io::flush_if_free();
    // There is nobody left to tell of an error.
    let _ = writeln!(Out, "{message}");
    process::_exit(STATUS)
}

/// All tasks wait, and nobody will wake one.
#[cold]
pub(super) fn deadlock() -> ! {
    io::flush_if_free();
    let _ = writeln!(Out, "freestand: deadlock: all tasks wait for one another");
    each(&mut |task| {
        let _ = writeln!(Out, "{}", Line(task));
    });
    process::_exit(STATUS)
}

/// Calls `f` with each task that has begun and not ended. They must not be about to.
fn each(f: &mut dyn FnMut(TaskRef)) {
    if let Some(main) = start::main_task() {
        f(main);
    }
    stack::each_owner(&mut |owner: *mut Task| {
        if let Some(task) = core::ptr::NonNull::new(owner) {
            f(TaskRef::from_ptr(task));
        }
    });
}

/// A task in one line.
struct Line(TaskRef);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.0;
        write!(f, "task {}", task.id())?;
        if let Some(name) = task.name() {
            write!(f, " '{name}'")?;
        }
        match task.state() {
            State::Runnable => f.write_str(" is ready to run"),
            State::Running => f.write_str(" runs"),
            State::Preempted => f.write_str(" was turned out, and is ready to run"),
            State::Syscall => f.write_str(" is in a system call"),
            State::Dead => f.write_str(" has ended"),
            // SAFETY: while it waits, its reason stays.
            State::Waiting => match unsafe { task.reason.get().as_ref() } {
                Some(reason) => write!(f, " waits to {}, at {}", reason.to, reason.at),
                None => f.write_str(" waits"),
            },
        }
    }
}

/// The stack of a task that does not run: where it waits, and who has called that. Programs with
/// frame pointers have it.
#[cfg(frame_pointers)]
fn print_stack(task: TaskRef) {
    let switched = task.sp.get().cast::<arch::Switched>();
    let is_left = matches!(
        task.state(),
        State::Runnable | State::Waiting | State::Preempted
    );
    if is_left && !switched.is_null() {
        // SAFETY: the task has left that there, and does not run.
        let frame = unsafe { (*switched).frame_pointer };
        let frame = core::ptr::with_exposed_provenance(frame);
        let _ = write!(Out, "{}", Backtrace::from_frame(frame));
    }
}

#[cfg(not(frame_pointers))]
fn print_stack(_: TaskRef) {}

/// What the calling task is called.
pub(super) fn write_name(out: &mut dyn fmt::Write) -> fmt::Result {
    let Some(task) = own_task() else {
        return Ok(());
    };
    write!(out, "task {}", task.id())?;
    if let Some(name) = task.name() {
        write!(out, " '{name}'")?;
    }
    out.write_str(" ")
}

/// Whether somebody wants to see what all tasks do.
static ASKED: AtomicBool = AtomicBool::new(false);

pub(super) fn is_asked() -> bool {
    ASKED.load(Relaxed)
}

/// Has SIGQUIT ask for that, unless the program handles or ignores it.
pub(super) fn on_sigquit() {
    extern "C" fn ask(_: Signal) {
        ASKED.store(true, Relaxed);
        sysmon::hurry();
    }

    // SAFETY: asking changes nothing.
    let action = unsafe { sys::rt_sigaction(Signal::QUIT, None) };
    if action.is_ok_and(|action| matches!(action.sa_handler, SigHandler::Default)) {
        let action = SigAction::handler(ask).flags(SaFlags::RESTART);
        // SAFETY: the handler stores a word and makes a system call.
        let _ = unsafe { sys::rt_sigaction(Signal::QUIT, Some(&action)) };
    }
}

/// If somebody has asked, says what all tasks do, and ends the process with status 2.
pub(super) fn if_asked() {
    if !is_asked() {
        return;
    }
    /// How long tasks have to stop. One that does not is shown as running.
    const PATIENCE: Duration = Duration::from_secs(1);

    let stopped = world::try_stop_the_world(PATIENCE);
    io::flush_if_free();
    let _ = writeln!(
        Out,
        "SIGQUIT: {} processors, {} threads, {} tasks that wait to begin or go on",
        SCHED.count.load(Relaxed),
        SCHED.shared.lock().threads,
        SCHED.queued.load(Relaxed)
            + SCHED
                .processors()
                .map(|processor| processor.len())
                .sum::<usize>()
    );
    each(&mut |task| {
        let _ = writeln!(Out, "{}", Line(task));
        print_stack(task);
    });
    // Nobody else is to say anything.
    core::mem::forget(stopped);
    process::_exit(STATUS)
}
