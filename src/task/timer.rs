//! Timers: who is to be woken at which time.
//!
//! A timer lies on the stack of who waits, so that to wait needs no memory and cannot fail.
//! Those of a processor are in a pairing heap (Fredman, Sedgewick, Sleator, Tarjan, "The
//! Pairing Heap", 1986): each has a list of those beneath it, none of which is earlier. To
//! add one is a comparison; to take one out melds the list beneath it, by pairs, into one.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering::*};

use super::lock::Lock;
use super::wait::Wait;

/// One who waits, and until when.
#[derive(Debug)]
pub(crate) struct Timer {
    /// In nanoseconds of `CLOCK_MONOTONIC`.
    when: u64,
    wait: *const Wait,
    /// Whether it is in a heap.
    is_in: Cell<bool>,
    /// The first of those beneath it.
    child: Cell<*const Timer>,
    /// Of those beneath the same one, the next; of those that are due, too.
    next: Cell<*const Timer>,
    /// The one before, or for the first one the one above.
    previous: Cell<*const Timer>,
}

impl Timer {
    /// For that time of `CLOCK_MONOTONIC`, in nanoseconds.
    pub(crate) fn new(when: u64, wait: *const Wait) -> Timer {
        Timer {
            when,
            wait,
            is_in: Cell::new(false),
            child: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            previous: Cell::new(ptr::null()),
        }
    }
}

/// The timers, by when they are due.
#[derive(Debug)]
struct Heap {
    /// The earliest; nothing is next to it.
    root: *const Timer,
}

// SAFETY: the timers that are in it stay, and nobody else looks at their links.
unsafe impl Send for Heap {}

/// Puts the later one of two, next to which nothing is, beneath the other, which is returned.
/// Either may be null.
///
/// # Safety
///
/// The heap's lock is held, and they are in it, or about to be.
unsafe fn meld(one: *const Timer, other: *const Timer) -> *const Timer {
    // SAFETY: passed on to the caller.
    let (Some(a), Some(b)) = (unsafe { (one.as_ref(), other.as_ref()) }) else {
        return if one.is_null() { other } else { one };
    };
    let (above, below) = if b.when < a.when { (b, a) } else { (a, b) };
    let first = above.child.replace(below);
    below.next.set(first);
    below.previous.set(above);
    // SAFETY: as above.
    if let Some(first) = unsafe { first.as_ref() } {
        first.previous.set(below);
    }
    above
}

/// Melds a list into one: by pairs, and then these, the last ones first.
///
/// # Safety
///
/// As for [`meld`].
unsafe fn meld_all(mut list: *const Timer) -> *const Timer {
    let mut pairs: *const Timer = ptr::null();
    // SAFETY: passed on to the caller.
    unsafe {
        while let Some(one) = list.as_ref() {
            let other = one.next.replace(ptr::null());
            list = match other.as_ref() {
                Some(other) => other.next.replace(ptr::null()),
                None => ptr::null(),
            };
            let pair = meld(one, other);
            (*pair).next.set(pairs);
            pairs = pair;
        }
        let mut root = ptr::null();
        while let Some(pair) = pairs.as_ref() {
            pairs = pair.next.replace(ptr::null());
            root = meld(root, pair);
        }
        root
    }
}

impl Heap {
    const fn new() -> Heap {
        Heap { root: ptr::null() }
    }

    /// # Safety
    ///
    /// The timer is in no heap, and stays where it is until it was taken out of this one.
    unsafe fn insert(&mut self, timer: &Timer) {
        timer.is_in.set(true);
        // SAFETY: those that are in the heap stay.
        self.root = unsafe { meld(self.root, timer) };
    }

    /// Takes it out, if it is in.
    ///
    /// # Safety
    ///
    /// It is in no other heap.
    unsafe fn remove(&mut self, timer: &Timer) {
        if !timer.is_in.replace(false) {
            return;
        }
        let next = timer.next.replace(ptr::null());
        // SAFETY: those that are in the heap stay, and with this one are those that it is
        // linked to.
        unsafe {
            let beneath = meld_all(timer.child.replace(ptr::null()));
            if ptr::eq(self.root, timer) {
                self.root = beneath;
                return;
            }
            let previous = &*timer.previous.get();
            match ptr::eq(previous.child.get(), timer) {
                true => previous.child.set(next),
                false => previous.next.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.previous.set(previous);
            }
            self.root = meld(self.root, beneath);
        }
    }

    /// When the earliest is due; `u64::MAX` if there is none.
    fn first(&self) -> u64 {
        // SAFETY: it is in the heap, and so it stays.
        unsafe { self.root.as_ref() }.map_or(u64::MAX, |timer| timer.when)
    }

    /// Takes the earliest out, if it is due at `now`.
    fn pop_due(&mut self, now: u64) -> Option<*const Timer> {
        let root = self.root;
        // SAFETY: as in `first`.
        let timer = unsafe { root.as_ref() }.filter(|timer| timer.when <= now)?;
        // SAFETY: it is in this one.
        unsafe { self.remove(timer) };
        Some(root)
    }
}

/// The timers of one processor. Anybody may look after them.
#[derive(Debug)]
pub(crate) struct Timers {
    heap: Lock<Heap>,
    /// When the earliest is due.
    next: AtomicU64,
}

/// How many are taken out before others may have the lock.
const BATCH: usize = 64;

impl Timers {
    pub(crate) const fn new() -> Timers {
        Timers {
            heap: Lock::new(Heap::new()),
            next: AtomicU64::new(u64::MAX),
        }
    }

    /// When the next one is due, in nanoseconds of `CLOCK_MONOTONIC`; `u64::MAX` if there is
    /// none. It is seen by whoever comes after the [`Timers::add`].
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Acquire)
    }

    /// Says when the next one is due. The lock is held.
    fn publish(&self, heap: &Heap) {
        let first = heap.first();
        if self.next.load(Relaxed) != first {
            self.next.store(first, Release);
        }
    }

    /// Has the timer's wait claimed, as [`Wait::TIMED_OUT`], and woken when it is due.
    ///
    /// # Safety
    ///
    /// It was not added before. It and its wait stay until the wait was claimed so and woken,
    /// or [`Timers::cancel`] returns.
    pub(crate) unsafe fn add(&self, timer: &Timer) {
        let mut heap = self.heap.lock();
        // SAFETY: passed on to the caller.
        unsafe { heap.insert(timer) };
        self.publish(&heap);
    }

    /// Has that not happen; it may have happened.
    ///
    /// # Safety
    ///
    /// It was added here.
    pub(crate) unsafe fn cancel(&self, timer: &Timer) {
        let mut heap = self.heap.lock();
        // SAFETY: passed on to the caller.
        unsafe { heap.remove(timer) };
        self.publish(&heap);
    }

    /// Claims and wakes those that are due at `now`, the earliest first. Returns how many that
    /// are: of others, somebody else has claimed the wait.
    pub(crate) fn fire_due(&self, now: u64) -> usize {
        let mut fired = 0;
        loop {
            let mut taken = 0;
            let first = Cell::new(ptr::null());
            {
                let mut end = &first;
                let mut heap = self.heap.lock();
                while taken < BATCH
                    && let Some(timer) = heap.pop_due(now)
                {
                    taken += 1;
                    // SAFETY: while the lock is held no `cancel` returns, so the timer and
                    // its wait are there; and if the wait is claimed here, until it is woken.
                    unsafe {
                        if (*(*timer).wait).claim(Wait::TIMED_OUT) {
                            end.set(timer);
                            end = &(*timer).next;
                        }
                    }
                }
                self.publish(&heap);
            }
            // SAFETY: those were claimed, and each is there until it is woken.
            while let Some(timer) = unsafe { first.get().as_ref() } {
                first.set(timer.next.get());
                let wait = timer.wait;
                fired += 1;
                // SAFETY: it was claimed above, and is woken here alone.
                unsafe { Wait::wake(wait) };
            }
            if taken < BATCH {
                return fired;
            }
        }
    }
}
