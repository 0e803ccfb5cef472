//! Reports of stack overflows.
//!
//! Below each stack is a guard that nobody may touch, so a stack that overflows ends in
//! SIGSEGV, which looks like any other. To tell them apart, a handler needs to know where
//! the guard of its thread is, and a stack to run on, for the thread's is full.
//!
//! Both come together: what the handler needs to know is at the low end of the stack that
//! it runs on, the one end that it never gets to, and where that is the kernel tells it
//! with the signal. So no thread-local storage is involved, nor a list of threads, which
//! the handler would have to lock.

use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Action, AltStack, SaFlags, SigHandler, SigInfo, Signal, UContext, abort, raise};
use crate::io::{Write, decimal};
use crate::startup::InitialStack;
use crate::startup::stack::kept_argv;
use crate::sys::{self, Errno, Prctl, Resource, Result, Rlimit, STDERR, Word, hook, raw};

/// What the handler has of the stack for itself. It calls little, and formats nothing.
const ROOM: usize = 8 << 10;

/// What an overflow comes as. On the four architectures a guard is SIGSEGV; POSIX leaves it
/// to the system, and a guard that is a file's page beyond its end would be SIGBUS.
const SIGNALS: [Signal; 2] = [Signal::SEGV, Signal::BUS];

/// Where the initial stack ends.
static INITIAL_END: AtomicUsize = AtomicUsize::new(0);

/// Whether the program wants overflows reported.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Has each stack overflow reported as such from now on, on the initial thread and on
/// those that [`thread`](crate::thread) makes later: the process says
/// `thread NAME (tid N) has overflowed its stack` on standard error and aborts, as a
/// program of std does. Without it a stack overflow is a SIGSEGV that says nothing. Any
/// other fault ends the process as before.
///
/// The initial thread's stack ends where `RLIMIT_STACK` says when it overflows; under no
/// limit at all it is not known to have overflowed. Each thread gets a stack of its own
/// for the handler (an [`AltStack`]): 64 KiB of addresses and a guard, of which memory is
/// what the handler touches. A thread that has another alternate stack has no report.
///
/// A program that does not call this has none of its code. Async-signal-safe.
///
/// # Errors
///
/// `EPERM` on another thread than the initial one. `EBUSY` if the program handles SIGSEGV
/// or SIGBUS itself, or has called this before. `ENOTSUP` if the auxiliary vector does not
/// say where the initial stack is (`AT_EXECFN`). `ENOMEM`.
pub fn report_stack_overflow() -> Result<()> {
    if sys::gettid().0 != sys::getpid().0 {
        return Err(Errno::EPERM);
    }
    for signal in SIGNALS {
        // SAFETY: asking changes nothing.
        let action = unsafe { sys::rt_sigaction(signal, None) }?;
        if matches!(action.sa_handler, SigHandler::Function(_)) {
            return Err(Errno::EBUSY);
        }
    }
    let end = initial_stack_end().ok_or(Errno::ENOTSUP)?;
    INITIAL_END.store(end, Ordering::Relaxed);
    stack(Guard::BelowLimit { end })?.install()?.keep();
    let action = Action::siginfo(on_fault).flags(SaFlags::ONSTACK);
    for signal in SIGNALS {
        // SAFETY: the handler calls nothing that it might interrupt.
        unsafe { sys::rt_sigaction(signal, Some(&action)) }?;
    }
    ASKED.store(true, Ordering::Relaxed);
    Ok(())
}

/// Whether the program wants stack overflows reported ([`report_stack_overflow`]).
#[inline(always)]
pub(crate) fn reports_stack_overflow() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// The alternate stack for a new thread whose stack has `guard` below it, if the program
/// wants overflows reported; the thread installs it ([`AltStack::install`]).
///
/// # Errors
///
/// `ENOMEM` if there is no memory.
#[inline(always)]
pub(crate) fn overflow_stack(guard: Range<usize>) -> Result<Option<AltStack>> {
    match reports_stack_overflow() {
        true => stack(Guard::Pages(guard)).map(Some),
        false => Ok(None),
    }
}

/// What nobody may touch below a stack.
#[derive(Clone)]
enum Guard {
    /// These addresses.
    Pages(Range<usize>),
    /// What the initial stack, which ends at `end`, is not allowed to grow to.
    BelowLimit { end: usize },
}

/// What is at the low end of a stack for the handler.
#[repr(C)]
struct Note {
    /// Where this is, altered: another stack has something else here.
    mark: usize,
    guard: Guard,
}

impl Note {
    /// What makes it unlikely that memory has a [`Note`] by chance.
    const MARK: usize = 0x0f5e_57ac;

    fn mark(address: usize) -> usize {
        address ^ Note::MARK
    }
}

/// A stack for the handler, with its note.
fn stack(guard: Guard) -> Result<AltStack> {
    let stack = AltStack::new(ROOM + size_of::<Note>())?;
    let mark = Note::mark(stack.begin().addr());
    // SAFETY: the memory is as long, aligned to a page, and nobody else's yet.
    unsafe { stack.begin().cast::<Note>().write(Note { mark, guard }) };
    Ok(stack)
}

/// Where the initial stack ends: a word behind the path by which the program was started,
/// which the kernel puts there first (fs/exec.c).
fn initial_stack_end() -> Option<usize> {
    /// No architecture has smaller pages.
    const SMALLEST_PAGE: usize = 4096;

    let argv = kept_argv();
    if argv.is_null() {
        return None;
    }
    // SAFETY: the piece that keeps argv stored what _start found.
    let path = unsafe { InitialStack::from_argv(argv) }.auxv().execfn()?;
    let end = path.as_ptr().addr() + path.count_bytes() + 1;
    end.checked_next_multiple_of(SMALLEST_PAGE)
}

impl Guard {
    fn contains(&self, address: usize) -> bool {
        /// The kernel lets nothing else be mapped closer to a stack that grows: its
        /// parameter `stack_guard_gap`, 256 pages of 4 KiB unless told otherwise.
        const GAP: usize = 1 << 20;
        const LARGEST_PAGE: usize = 64 << 10;

        match *self {
            Guard::Pages(ref pages) => pages.contains(&address),
            Guard::BelowLimit { end } => {
                // The limit is the one of now: mm/mmap.c, acct_stack_growth.
                let Ok(limit) = raw::getrlimit(Resource::STACK) else {
                    return false;
                };
                if limit.rlim_cur == Rlimit::INFINITY {
                    return false;
                }
                let limit = usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX);
                let Some(lowest) = end.checked_sub(limit) else {
                    return false;
                };
                // Of a page the stack has all or nothing. Where it can grow nothing faults,
                // so taking pages for larger than they are takes nothing for a guard that
                // is none.
                let above = lowest.next_multiple_of(LARGEST_PAGE);
                (lowest.saturating_sub(GAP)..above).contains(&address)
            }
        }
    }

    /// The guard of the thread that the signal has interrupted, if it is known.
    fn of(context: &UContext) -> Option<Guard> {
        let stack = context.alternate_stack();
        let note = stack.ss_sp.cast::<Note>();
        if stack.ss_size < size_of::<Note>() || !note.is_aligned() {
            return None;
        }
        // SAFETY: the thread's alternate stack is that long and aligned. Whatever its
        // first bytes are, they are a number.
        let mark = unsafe { (&raw const (*note).mark).read_volatile() };
        if mark != Note::mark(note.addr()) {
            return None;
        }
        // SAFETY: `stack` has put a note there.
        Some(unsafe { (*note).guard.clone() })
    }
}

/// Reports the fault if it is a stack overflow. Otherwise the process dies of it as if
/// there were no handler.
extern "C" fn on_fault(signal: Signal, info: &SigInfo, context: &mut UContext) {
    if let Some(address) = info.address()
        && is_overflow(address.addr(), context)
    {
        report();
        abort();
    }
    // SAFETY: the default action is no handler.
    let _ = unsafe { raw::rt_sigaction(signal, Some(&Action::DEFAULT)) };
    // The instruction that faulted does so again after this. But one that somebody has
    // sent does not come again by itself.
    if info.address().is_none() {
        let _ = raise(signal);
    }
}

/// Whether who touched `address` has overflowed a stack: that of the thread, or of the task that
/// the thread runs.
fn is_overflow(address: usize, context: &UContext) -> bool {
    if Guard::of(context).is_some_and(|guard| guard.contains(address)) || hook::is_guard(address) {
        return true;
    }
    // The initial stack is that of the program's `main`, which as a task may run anywhere.
    let end = INITIAL_END.load(Ordering::Relaxed);
    let initial = Guard::BelowLimit { end };
    /// How far a frame may reach below the stack pointer, or a stack pointer into the guard.
    const REACH: usize = 1 << 20;
    hook::has_tasks() && initial.contains(address) && context.sp().abs_diff(address) <= REACH
}

/// Says that the calling thread has overflowed its stack, or its task.
fn report() {
    /// How long a thread's name is at most, with the NUL at its end: prctl(2),
    /// `PR_GET_NAME`.
    const NAME: usize = 16;

    let thread = sys::gettid();
    let mut name = [0_u8; NAME];
    let none = Word::from(0_u32);
    let place = Word::from(name.as_mut_ptr());
    // SAFETY: there is room for the name.
    let _ = unsafe { raw::prctl(Prctl::GET_NAME, place, none, none, none) };
    let name = match thread.0 == sys::getpid().0 {
        // The kernel's name for it is the program's.
        true => b"main",
        false => name.split(|&byte| byte == 0).next().unwrap_or_default(),
    };

    let mut message = [0; 192];
    let mut rest = &mut message[..];
    let number = decimal(thread.0);
    let pieces = [b"thread ", name, b" (tid ", number.as_bytes(), b") "];
    for piece in pieces {
        // It is long enough for all of them.
        let _ = rest.write(piece);
    }
    let mut name = Name(rest);
    // What does not fit is left out.
    let _ = hook::write_name(&mut name);
    let mut rest = name.0;
    let _ = rest.write(b"has overflowed its stack\n");
    let len = 192 - rest.len();
    // There is nobody left to tell of an error: the process aborts either way.
    let _ = raw::write(STDERR, message.get(..len).unwrap_or_default());
}

/// Where a task's name goes: as much as leaves room for what follows.
struct Name<'a>(&'a mut [u8]);

impl fmt::Write for Name<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        /// What follows.
        const ROOM: usize = 32;
        let text = text.as_bytes();
        let text = &text[..text.len().min(self.0.len().saturating_sub(ROOM))];
        self.0.write(text).map(drop).map_err(|_| fmt::Error)
    }
}
