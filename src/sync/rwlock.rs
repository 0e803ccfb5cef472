//! Locks that several readers or one writer hold.

use core::time::Duration;

use lock_api::GuardSend;

use super::prim::{self, AtomicU32, Deadline, Ordering, Timespec};

/// A lock that either any number of readers hold, or one writer.
///
/// Its methods are lock_api's. Without poisoning, `read` and `write` return the guards
/// themselves.
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;
/// What [`RwLock::read`](lock_api::RwLock::read) returns: the data, until it drops.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;
/// What [`RwLock::write`](lock_api::RwLock::write) returns: the data, until it drops.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;
/// A part of what a [`RwLockReadGuard`] gives access to.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;
/// A part of what a [`RwLockWriteGuard`] gives access to.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// One reader.
const READER: u32 = 1;
/// The bits that count readers.
const COUNT: u32 = (1 << 30) - 1;
/// The count that stands for a writer.
const WRITER: u32 = COUNT;
/// As many readers as there may be.
const MOST_READERS: u32 = COUNT - 1;
/// Readers may be asleep on `state`.
const READERS_WAIT: u32 = 1 << 30;
/// Writers may be asleep on `writers`.
const WRITERS_WAIT: u32 = 1 << 31;

/// The lock itself: two words, on one of which readers sleep and on the other writers.
/// Without contention, taking it and giving it back are one atomic instruction each and no
/// system call.
///
/// Once a writer waits, no further reader comes in, and a writer is woken before readers
/// are: readers cannot keep a writer out for ever, but writers can keep readers out. So a
/// thread that reads must not begin to read once more: a writer may have come between, and
/// both would wait for ever. It must not be taken in a signal handler; a process of only
/// one thread that finds it taken traps, unless it waits with a deadline.
#[derive(Debug)]
pub struct RawRwLock {
    state: AtomicU32,
    /// Counts what writers were woken for, so that one who is about to sleep does not
    /// sleep through it.
    writers: AtomicU32,
}

/// Whether a reader may come in: there are fewer than the most, and nobody waits.
const fn admits_reader(state: u32) -> bool {
    state < MOST_READERS
}

/// Whether neither readers nor a writer hold the lock.
const fn is_free(state: u32) -> bool {
    state & COUNT == 0
}

impl RawRwLock {
    /// Has the state changed, if it is still `from`.
    fn change(&self, from: u32, to: u32) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Takes the lock, if the state is still `from`.
    #[inline(always)]
    fn take(&self, from: u32, to: u32) -> bool {
        self.state
            .compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    #[inline]
    fn take_shared(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while admits_reader(state) {
            match self.state.compare_exchange_weak(
                state,
                state + READER,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Whether the lock is this thread's too, which it is unless the deadline passed.
    #[cold]
    fn lock_shared_contended(&self, deadline: Deadline) -> bool {
        loop {
            // Where a writer is alone, it may be done in a moment.
            let state = prim::spin(&self.state, |state| state != WRITER);
            if admits_reader(state) {
                if self.take(state, state + READER) {
                    return true;
                }
                continue;
            }
            assert!(
                state & COUNT != MOST_READERS,
                "too many readers hold the lock"
            );
            let waiting = state | READERS_WAIT;
            if waiting != state && !self.change(state, waiting) {
                continue;
            }
            if !prim::wait(&self.state, waiting, deadline) {
                return false;
            }
        }
    }

    /// Whether the lock is this thread's, which it is unless the deadline passed.
    #[cold]
    fn lock_exclusive_contended(&self, deadline: Deadline) -> bool {
        // Whoever wakes a writer forgets that writers wait. So one who may have slept says
        // that others may still sleep.
        let mut others = 0;
        loop {
            let state = prim::spin(&self.state, |state| {
                is_free(state) || state & WRITERS_WAIT != 0
            });
            if is_free(state) {
                if self.take(state, state | WRITER | others) {
                    return true;
                }
                continue;
            }
            if state & WRITERS_WAIT == 0 && !self.change(state, state | WRITERS_WAIT) {
                continue;
            }
            others = WRITERS_WAIT;
            // Whoever wakes a writer changes first the state and then the count: with a
            // count that is new, the state is new as well, and if the count is still to
            // change, there is no sleeping.
            let count = self.writers.load(Ordering::Acquire);
            let state = self.state.load(Ordering::Relaxed);
            if is_free(state) || state & WRITERS_WAIT == 0 {
                continue;
            }
            if !prim::wait(&self.writers, count, deadline) {
                return false;
            }
        }
    }

    /// Wakes who waits: a writer, or else all readers. Nobody holds the lock in `state`. If
    /// somebody does by now, to wake others has become theirs.
    #[cold]
    fn wake(&self, mut state: u32) {
        if state == WRITERS_WAIT {
            if self.change(state, 0) {
                self.wake_writer();
                return;
            }
            // Perhaps readers have come to wait.
            state = self.state.load(Ordering::Relaxed);
        }
        if state == WRITERS_WAIT | READERS_WAIT {
            if !self.change(state, READERS_WAIT) {
                return;
            }
            // The writer will wake the readers. Without one (it has given up, or is still
            // awake and need not come soon) that is to be done now.
            if self.wake_writer() {
                return;
            }
            state = READERS_WAIT;
        }
        if state == READERS_WAIT && self.change(state, 0) {
            prim::wake_all(&self.state);
        }
    }

    /// Whether there was one.
    fn wake_writer(&self) -> bool {
        self.writers.fetch_add(1, Ordering::Release);
        prim::wake_one(&self.writers)
    }
}

// SAFETY: a writer's exchange found a count of 0 and left the one that stands for a writer,
// and a reader's found another and added one to it; each gives back what it added.
unsafe impl lock_api::RawRwLock for RawRwLock {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait's way to say how a lock begins"
    )]
    const INIT: RawRwLock = RawRwLock {
        state: AtomicU32::new(0),
        writers: AtomicU32::new(0),
    };

    /// Nothing needs to be remembered between locking and unlocking.
    type SharedGuard = GuardSend;
    /// Nor here.
    type ExclusiveGuard = GuardSend;

    #[inline]
    fn lock_shared(&self) -> GuardSend {
        if !self.take_shared() {
            prim::not_alone();
            self.lock_shared_contended(None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardSend> {
        self.take_shared().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_shared(&self, _: GuardSend) {
        let state = self.state.fetch_sub(READER, Ordering::Release) - READER;
        // Readers wait only where a writer does, or has.
        if is_free(state) && state != 0 {
            self.wake(state);
        }
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardSend {
        if !self.take(0, WRITER) {
            prim::not_alone();
            self.lock_exclusive_contended(None);
        }
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        let mut state = self.state.load(Ordering::Relaxed);
        while is_free(state) {
            if self.take(state, state | WRITER) {
                return Some(GuardSend::new());
            }
            state = self.state.load(Ordering::Relaxed);
        }
        None
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _: GuardSend) {
        let state = self.state.fetch_sub(WRITER, Ordering::Release) - WRITER;
        if state != 0 {
            self.wake(state);
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        !is_free(self.state.load(Ordering::Relaxed))
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.state.load(Ordering::Relaxed) & COUNT == WRITER
    }
}

// SAFETY: the writer becomes a reader in one exchange, and releases what it wrote.
unsafe impl lock_api::RawRwLockDowngrade for RawRwLock {
    unsafe fn downgrade(&self, _: GuardSend) -> GuardSend {
        let mut state = self.state.load(Ordering::Relaxed);
        // Readers may come in, unless a writer waits: they see to that themselves.
        while let Err(now) = self.state.compare_exchange_weak(
            state,
            state & WRITERS_WAIT | READER,
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            state = now;
        }
        if state & READERS_WAIT != 0 {
            prim::wake_all(&self.state);
        }
        GuardSend::new()
    }
}

// SAFETY: as above; one whose deadline passed has changed no count.
unsafe impl lock_api::RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Timespec;

    fn try_lock_shared_for(&self, timeout: Duration) -> Option<GuardSend> {
        (self.take_shared() || self.lock_shared_contended(prim::after(timeout)))
            .then(GuardSend::new)
    }

    fn try_lock_shared_until(&self, deadline: Timespec) -> Option<GuardSend> {
        (self.take_shared() || self.lock_shared_contended(prim::at(deadline))).then(GuardSend::new)
    }

    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        (self.take(0, WRITER) || self.lock_exclusive_contended(prim::after(timeout)))
            .then(GuardSend::new)
    }

    fn try_lock_exclusive_until(&self, deadline: Timespec) -> Option<GuardSend> {
        (self.take(0, WRITER) || self.lock_exclusive_contended(prim::at(deadline)))
            .then(GuardSend::new)
    }
}
