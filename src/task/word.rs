//! A processor's word: who it belongs to, in one number that changes by single steps.
//!
//! Whoever has the processor stores; where nobody has it, which is while its thread is in a
//! system call, whoever changes the word first by an exchange gets it. The word counts the
//! changes of hands, so what somebody has seen of it long ago is never taken for what it is
//! now. With the processor comes what was done to it before: each store releases, and each
//! exchange that gets it acquires.
//!
//! tests/loom_sched tries every order in which a thread that makes calls, sysmon, and who stops
//! the world can come to it.

use super::prim::{AtomicU64, Ordering::*};

/// Who a processor belongs to. It is the low two bits of its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum State {
    /// Whoever has taken it out of the list of idle ones, which it otherwise is in.
    Idle = 0,
    /// The thread that holds it.
    Running = 1,
    /// Nobody: whoever changes the word first gets it. Its thread was in a system call then.
    Syscall = 2,
    /// Who has stopped the world.
    Stopped = 3,
}

/// What the word was: how often it has changed hands, and [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    #[inline(always)]
    pub(crate) fn state(self) -> State {
        match self.0 & 3 {
            0 => State::Idle,
            1 => State::Running,
            2 => State::Syscall,
            _ => State::Stopped,
        }
    }

    /// The next, after a change of hands.
    #[inline(always)]
    fn next(self, state: State) -> Word {
        Word(((self.0 | 3) + 1) | state as u64)
    }

    pub(crate) fn tick(self) -> u64 {
        self.0 >> 2
    }
}

/// The word.
#[derive(Debug)]
pub(crate) struct AtomicWord(AtomicU64);

impl AtomicWord {
    /// Of a processor that is whoever's makes it.
    pub(crate) fn new(state: State) -> AtomicWord {
        AtomicWord(AtomicU64::new(state as u64))
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> Word {
        Word(self.0.load(Acquire))
    }

    /// Changes hands: to be called by who has it.
    #[inline]
    pub(crate) fn set(&self, state: State) {
        let word = Word(self.0.load(Relaxed));
        self.0.store(word.next(state).0, Release);
    }

    /// Puts it up for grabs, and returns the word by which to get it back. One store: the
    /// tick stays.
    #[inline(always)]
    pub(crate) fn enter_syscall(&self) -> u64 {
        let word = self.0.load(Relaxed);
        debug_assert_eq!(Word(word).state(), State::Running);
        let word = word & !3 | State::Syscall as u64;
        self.0.store(word, Release);
        word
    }

    /// Takes it, if the word still is `word`, which says that it is up for grabs.
    #[inline(always)]
    pub(crate) fn take(&self, word: u64, state: State) -> bool {
        self.0
            .compare_exchange(word, Word(word).next(state).0, AcqRel, Relaxed)
            .is_ok()
    }
}
