//! Threads: Go's M. One runs the tasks of the processor that it holds, or sits in a system
//! call for a task, or sleeps.

use core::arch::naked_asm;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::*, compiler_fence};

use super::processor::Processor;
use super::task::TaskRef;
use crate::arch;
use crate::startup::tls;
use crate::sync::prim;
use crate::sys::{self, Tid, Timespec};

/// What the scheduler does with a task that has just left its thread, on the scheduler's
/// stack: nobody can find the task running any more. If it returns a task, that runs next.
pub(super) type After = fn(&Thread, TaskRef) -> Option<TaskRef>;

/// What is known of a thread. It lies on the thread's own stack, which is the scheduler's.
///
/// Everything but what is atomic is the thread's own, or, while the thread sleeps, of whoever
/// has taken it out of the list of those that do.
#[repr(C)]
pub(super) struct Thread {
    /// How often something has asked that nothing else come between. While it is not 0, the
    /// thread is *pinned*: hooks do nothing, and the task that it runs stays. On the
    /// scheduler's stack, and while its task is in a system call, it is 1 at least.
    pub(super) pins: Cell<u32>,
    /// Where the scheduler has left its stack.
    pub(super) scheduler: Cell<*mut u8>,
    /// The task that it runs, also while that is in a system call.
    pub(super) task: Cell<Option<TaskRef>>,
    /// The processor that it holds.
    pub(super) processor: Cell<Option<&'static Processor>>,
    /// In a system call: the processor that it held, and what that's word was then.
    pub(super) old: Cell<Option<&'static Processor>>,
    pub(super) old_word: Cell<u64>,
    /// What to do with the task that leaves.
    pub(super) after: Cell<Option<After>>,
    /// Whether it looks for work of others, as one of those that are counted.
    pub(super) is_spinning: Cell<bool>,
    /// How many tasks in a row came from the next slot.
    pub(super) in_a_row: Cell<u32>,
    /// A number that changes: where to begin to steal.
    random: Cell<u32>,
    /// The task that alone it may run.
    pub(super) locked: Cell<Option<TaskRef>>,
    /// The processor that it is to go on with when it is woken.
    pub(super) given: Cell<Option<&'static Processor>>,
    pub(super) note: Note,
    /// Among the threads that sleep: the next.
    pub(super) next: Cell<Option<&'static Thread>>,
    /// Tasks that it has found ready while it waited in the poller, without a processor.
    pub(super) found: Cell<Option<&'static Cell<super::queue::Queue>>>,
    /// Whether its sleeps are as short as they are said to be.
    pub(super) is_punctual: Cell<bool>,
    /// The initial thread must not end: with it much of `/proc/self` would.
    pub(super) is_initial: bool,
    /// Its task has ended while it was locked, and so does it.
    pub(super) ends: Cell<bool>,
    pub(super) tid: Tid,
}

// SAFETY: who touches which field when is said there.
unsafe impl Sync for Thread {}

impl Thread {
    /// For the calling thread, in the scheduler.
    pub(super) fn new() -> Thread {
        let tid = sys::gettid();
        Thread {
            pins: Cell::new(1),
            scheduler: Cell::new(ptr::null_mut()),
            task: Cell::new(None),
            processor: Cell::new(None),
            old: Cell::new(None),
            old_word: Cell::new(0),
            after: Cell::new(None),
            is_spinning: Cell::new(false),
            in_a_row: Cell::new(0),
            random: Cell::new(tid.0.cast_unsigned() | 1),
            locked: Cell::new(None),
            given: Cell::new(None),
            note: Note::new(),
            next: Cell::new(None),
            found: Cell::new(None),
            is_punctual: Cell::new(false),
            is_initial: crate::thread::is_initial(),
            ends: Cell::new(false),
            tid,
        }
    }

    /// The next number of a sequence that passes for random: xorshift (George Marsaglia,
    /// "Xorshift RNGs").
    pub(super) fn random(&self) -> u32 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.random.set(x);
        x
    }
}

/// Where the calling thread's control block says who it is.
#[inline(always)]
fn place() -> *mut *const Thread {
    arch::require!("freestand_tls");
    arch::thread_pointer()
        .wrapping_offset(tls::SCHEDULED)
        .cast()
}

/// The calling thread, if it is one of the scheduler's. Unpinned, the caller may be on another
/// by the time that it looks: so who asks is pinned, or on the scheduler's stack.
#[inline(always)]
pub(super) fn current() -> Option<&'static Thread> {
    // SAFETY: the word is null or what `set_current` was given, which stays while the thread
    // is the scheduler's.
    unsafe { (*place()).as_ref() }
}

/// Says who the calling thread is.
///
/// # Safety
///
/// It must stay there until the thread ends, or this is called again.
pub(super) unsafe fn set_current(thread: *const Thread) {
    // SAFETY: the word is the calling thread's.
    unsafe { *place() = thread };
}

/// Finds the calling thread, and pins it. Between the two, a signal must not turn the task
/// out: so this is one function, whose instructions [`is_pinning`] knows.
#[unsafe(naked)]
extern "C" fn pin_current() -> *const Thread {
    naked_asm!(
        ".globl freestand_pin",
        ".hidden freestand_pin",
        "freestand_pin:",
        ".reloc ., BFD_RELOC_NONE, freestand_tls",
        arch::pin!(),
        ".globl freestand_pin_end",
        ".hidden freestand_pin_end",
        "freestand_pin_end:",
        word = const tls::SCHEDULED,
    )
}

unsafe extern "C" {
    static freestand_pin: u8;
    static freestand_pin_end: u8;
}

/// Whether a thread that is about to do what is at `pc` may be about to pin itself.
pub(super) fn is_pinning(pc: usize) -> bool {
    let begin = &raw const freestand_pin;
    let end = &raw const freestand_pin_end;
    (begin.addr()..end.addr()).contains(&pc)
}

/// Pins the calling thread, if it is one of the scheduler's: until [`unpin`], its task stays,
/// and hooks do nothing.
#[inline(always)]
pub(super) fn pin() -> Option<&'static Thread> {
    // SAFETY: as in `current`.
    unsafe { pin_current().as_ref() }
}

/// Takes a pin back, from the thread that was pinned: nothing pinned leaves its thread but by
/// [`leave`](super::running::leave), which comes back pinned.
#[inline(always)]
pub(super) fn unpin() {
    if let Some(thread) = current() {
        // What the caller did pinned it has done before a signal can turn it out.
        compiler_fence(Release);
        thread.pins.set(thread.pins.get() - 1);
    }
}

/// What one thread sleeps on, and one other wakes it by, once for each sleep.
#[derive(Debug)]
pub(super) struct Note(AtomicU32);

impl Note {
    pub(super) const fn new() -> Note {
        Note(AtomicU32::new(0))
    }

    /// Sleeps until it was woken, or until the deadline. Whether it was woken.
    pub(super) fn sleep(&self, deadline: Option<Timespec>) -> bool {
        while self.0.load(Acquire) == 0 {
            if !prim::wait(&self.0, 0, deadline) {
                return false;
            }
        }
        self.0.store(0, Relaxed);
        true
    }

    /// Ends the sleep, or the next one.
    pub(super) fn wake(&self) {
        let was_awake = self.0.swap(1, Release);
        assert!(was_awake == 0, "a thread was woken twice");
        prim::wake_one(&self.0);
    }
}
