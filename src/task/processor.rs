//! Processors: Go's P, the right to run tasks. There are as many as tasks may run at once.

use core::cell::{Cell, UnsafeCell};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::*};

use super::ring::Ring;
use super::stack;
use super::task::{Task, TaskRef};
use super::thread::Thread;
use super::timer::Timers;

/// Who a processor belongs to. It is the low two bits of its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum State {
    /// Whoever has taken it out of the list of idle ones, which it otherwise is in.
    Idle = 0,
    /// The thread that holds it.
    Running = 1,
    /// Nobody: whoever changes the word first gets it. Its thread was in a system call then.
    Syscall = 2,
    /// Who has stopped the world.
    Stopped = 3,
}

/// A processor's word: how often it has changed hands, and [`State`]. What somebody has seen
/// of it long ago is never taken for what it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    pub(super) fn state(self) -> State {
        match self.0 & 3 {
            0 => State::Idle,
            1 => State::Running,
            2 => State::Syscall,
            _ => State::Stopped,
        }
    }

    /// The next, after a change of hands.
    pub(super) fn next(self, state: State) -> Word {
        Word((self.0 | 3) + 1 | state as u64)
    }

    pub(super) fn tick(self) -> u64 {
        self.0 >> 2
    }
}

/// What sysmon has seen when it last looked.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    /// A processor in a system call: its tick, and since when that is so, in nanoseconds.
    pub(super) call: u64,
    pub(super) call_since: u64,
    /// One that runs: the number of its picks, and since when.
    pub(super) picks: u32,
    pub(super) picks_since: u64,
}

/// What was counted of a processor, by who holds it.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) spawned: Cell<u64>,
    pub(super) ended: Cell<u64>,
    pub(super) stolen: Cell<u64>,
    /// System calls whose processor was taken, by what became of them.
    pub(super) found_idle: Cell<u64>,
}

/// A processor.
///
/// Atomics are everybody's, cells of whoever holds it, unless they say otherwise.
#[repr(C, align(128))]
pub(super) struct Processor {
    word: AtomicU64,
    /// The thread that holds it, or did before its system call.
    pub(super) thread: AtomicPtr<Thread>,
    /// How many slices of time it has given. A task that comes from the next slot goes on
    /// with its predecessor's.
    pub(super) picks: AtomicU32,
    /// The task that runs is to give way.
    pub(super) give_way: AtomicBool,
    pub(super) number: usize,
    /// Tasks that are to run here.
    pub(super) ring: Ring<Task>,
    pub(super) timers: Timers,
    pub(super) stacks: UnsafeCell<stack::Cache>,
    /// Among the idle ones, of whoever holds the scheduler's lock: the next.
    pub(super) next: Cell<Option<&'static Processor>>,
    /// Sysmon's.
    pub(super) seen: Cell<Seen>,
    pub(super) counts: Counts,
}

// SAFETY: who touches which field when is said there.
unsafe impl Sync for Processor {}

impl Processor {
    /// A stopped one.
    pub(super) fn new(number: usize) -> Processor {
        Processor {
            word: AtomicU64::new(State::Stopped as u64),
            thread: AtomicPtr::new(ptr::null_mut()),
            picks: AtomicU32::new(0),
            give_way: AtomicBool::new(false),
            number,
            ring: Ring::new(),
            timers: Timers::new(),
            stacks: UnsafeCell::new(stack::Cache::new()),
            next: Cell::new(None),
            seen: Cell::new(Seen::default()),
            counts: Counts::default(),
        }
    }

    #[inline(always)]
    pub(super) fn word(&self) -> Word {
        Word(self.word.load(Acquire))
    }

    /// Changes hands: to be called by who has it.
    #[inline]
    pub(super) fn set(&self, state: State) {
        let word = Word(self.word.load(Relaxed));
        self.word.store(word.next(state).0, Release);
    }

    /// Puts it up for grabs, and returns the word by which to get it back. One store: the
    /// tick stays.
    #[inline(always)]
    pub(super) fn enter_syscall(&self) -> u64 {
        let word = self.word.load(Relaxed);
        debug_assert_eq!(Word(word).state(), State::Running);
        let word = word & !3 | State::Syscall as u64;
        self.word.store(word, Release);
        word
    }

    /// Takes it, if the word still is `word`, which says that it is up for grabs.
    #[inline(always)]
    pub(super) fn take(&self, word: u64, state: State) -> bool {
        self.word
            .compare_exchange(word, Word(word).next(state).0, AcqRel, Relaxed)
            .is_ok()
    }

    /// Whether it has tasks that another could run.
    #[inline]
    pub(super) fn has_work(&self) -> bool {
        !self.ring.is_empty()
    }

    /// The thread that holds it.
    pub(super) fn holder(&self) -> Option<&'static Thread> {
        // SAFETY: threads stay while they hold a processor.
        unsafe { self.thread.load(Relaxed).as_ref() }
    }

    /// Puts a task into the next slot of its queue; what was there goes behind all others.
    /// If there is no room, the first half of them and that one come back.
    #[inline]
    pub(super) fn run_next(&self, task: TaskRef) -> Option<TaskRef> {
        None.or(Some(task))
    }
}
