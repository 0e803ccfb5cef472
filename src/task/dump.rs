//! What the scheduler says of itself when the process is about to end.

use core::fmt::{self, Write as _};
use core::sync::atomic::{AtomicBool, Ordering::*};

use super::task::{State, Task, TaskRef};
use super::{stack, start};
use crate::io;
use crate::process;
use crate::sys::{STDERR, raw};

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

/// Whether somebody wants to see what all tasks do.
static ASKED: AtomicBool = AtomicBool::new(false);

pub(super) fn is_asked() -> bool {
    ASKED.load(Relaxed)
}

pub(super) fn on_sigquit() {}

pub(super) fn if_asked() {}
