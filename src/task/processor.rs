//! Processors: Go's P, the right to run tasks. There are as many as tasks may run at once.

use core::cell::{Cell, UnsafeCell};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32};

use super::queue::Queue;
use super::ring::{Half, Ring};
use super::stack;
use super::task::{Task, TaskRef};
use super::timer::Timers;
use super::word::AtomicWord;
pub(super) use super::word::{State, Word};

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
    word: AtomicWord,
    /// The id of the thread that holds it, or did before its system call; 0 if none does.
    pub(super) thread: AtomicI32,
    /// How many slices of time it has given. A task that comes from the next slot goes on
    /// with its predecessor's.
    pub(super) picks: AtomicU32,
    /// The task that runs is to give way.
    pub(super) give_way: AtomicBool,
    /// How many system calls in a row sysmon has taken it from.
    retaken_in_a_row: Cell<u32>,
    /// Before how many further calls it is to be handed off at once.
    handed_off_ahead: Cell<u32>,
    pub(super) number: usize,
    /// Tasks that are to run here.
    ring: Ring<Task>,
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
            word: AtomicWord::new(State::Stopped),
            thread: AtomicI32::new(0),
            picks: AtomicU32::new(0),
            give_way: AtomicBool::new(false),
            retaken_in_a_row: Cell::new(0),
            handed_off_ahead: Cell::new(0),
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
        self.word.load()
    }

    /// Changes hands: to be called by who has it.
    #[inline]
    pub(super) fn set(&self, state: State) {
        self.word.set(state);
    }

    /// Puts it up for grabs, and returns the word by which to get it back.
    #[inline(always)]
    pub(super) fn enter_syscall(&self) -> u64 {
        self.word.enter_syscall()
    }

    /// Takes it, if the word still is `word`, which says that it is up for grabs.
    #[inline(always)]
    pub(super) fn take(&self, word: u64, state: State) -> bool {
        self.word.take(word, state)
    }

    /// Sysmon has taken it from a call that lasts. If that happens again and again and no call
    /// between is short, as where a thousand tasks begin with a read that blocks, those that
    /// follow need not wait for sysmon's look.
    pub(super) fn call_lasts(&self) {
        const IN_A_ROW: u32 = 3;
        const AHEAD: u32 = 8;

        let in_a_row = self.retaken_in_a_row.get() + 1;
        self.retaken_in_a_row.set(in_a_row);
        if in_a_row >= IN_A_ROW {
            self.handed_off_ahead.set(AHEAD);
        }
    }

    /// Whether the call that is about to begin is taken for one that lasts.
    #[inline(always)]
    pub(super) fn calls_last(&self) -> bool {
        let ahead = self.handed_off_ahead.get();
        if ahead > 0 {
            self.handed_off_ahead.set(ahead - 1);
        }
        ahead > 0
    }

    /// A call has come back before anybody has taken the processor.
    #[inline(always)]
    pub(super) fn call_was_short(&self) {
        self.retaken_in_a_row.set(0);
    }

    /// Whether it has tasks that another could run.
    #[inline]
    pub(super) fn has_work(&self) -> bool {
        !self.ring.is_empty()
    }

    /// How many tasks it has.
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Puts a task behind all others, if there is room. Only who holds the processor may do
    /// this, or what follows but for `steal_next`.
    #[inline]
    pub(super) fn push(&self, task: TaskRef) -> Result<(), TaskRef> {
        self.ring
            .push(task.as_non_null())
            .map_err(TaskRef::from_ptr)
    }

    /// The first task.
    #[inline]
    pub(super) fn pop(&self) -> Option<TaskRef> {
        self.ring.pop().map(TaskRef::from_ptr)
    }

    /// Has a task run next, in place of the one that was to.
    #[inline]
    pub(super) fn put_next(&self, task: TaskRef) -> Option<TaskRef> {
        self.ring
            .put_next(task.as_non_null())
            .map(TaskRef::from_ptr)
    }

    /// The task that was to run next.
    #[inline]
    pub(super) fn take_next(&self) -> Option<TaskRef> {
        self.ring.take_next().map(TaskRef::from_ptr)
    }

    /// The first half of the tasks, or none if others take them just now.
    pub(super) fn take_half(&self) -> Queue {
        let mut half = Half::new();
        let mut queue = Queue::new();
        if self.ring.take_half(&mut half) {
            for task in half {
                queue.push(TaskRef::from_ptr(task));
            }
        }
        queue
    }

    /// Takes half of the other's tasks: one to run, and the others behind this one's own.
    pub(super) fn steal_from(&self, victim: &Processor) -> Option<TaskRef> {
        self.ring.steal_from(&victim.ring).map(TaskRef::from_ptr)
    }

    /// Takes the task that is next, of a processor that is another thread's. That thread may
    /// be about to run it, and mostly is if the task that woke it is about to wait: so it gets
    /// a moment first.
    pub(super) fn steal_next(&self) -> Option<TaskRef> {
        if self.word().state() == State::Running {
            /// About 3 µs.
            const LOOKS: usize = 100;
            for _ in 0..LOOKS {
                core::hint::spin_loop();
            }
        }
        self.take_next()
    }

    /// Takes all its tasks, and gives its stacks back: it is to be no more. The world is
    /// stopped.
    pub(super) fn take_all(&self) -> Queue {
        let mut all = Queue::new();
        while let Some(task) = self.take_next().or_else(|| self.pop()) {
            all.push(task);
        }
        // SAFETY: nobody holds the processor.
        unsafe { (*self.stacks.get()).clear() };
        all
    }
}
