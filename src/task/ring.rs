//! A processor's run queue: a ring that one owner fills, and that everybody empties; and a
//! slot for the one that runs next.
//!
//! It is Go's (runtime/proc.go: `runqput`, `runqget`, `runqgrab`). `head` and `tail` count
//! what was taken out and put in since the beginning; they never go back, and what is
//! between them is in the queue. `tail` is the owner's. `head` is moved by whoever takes, by
//! one compare-and-swap for one or for half of all.
//!
//! # Why nobody gets what another one gets, or nothing
//!
//! Whoever takes reads `head` as *h*, then `tail`, then the slots from *h* on, and then moves
//! `head` away from *h*. Only one can: so if it is this one, nobody else has taken these, and
//! nobody will. It remains that it has read what the owner had put into those slots, no
//! earlier value of theirs and no later one.
//!
//! * *No earlier one.* The owner writes a slot and then `tail`, with Release, and this one
//!   reads `tail` with Acquire and takes no slot at or beyond it. With the slot comes what
//!   the owner knew of the task.
//! * *No later one.* The owner writes to the slot of *i* again only for *i* + [`RING`], after
//!   it has read a `head` beyond *i*, with Acquire. As this one has moved `head` away from
//!   *h* ≤ *i*, that is what it wrote, with Release, or what followed: and `head` changes by
//!   compare-and-swaps alone, so that what followed continues the release (C++20
//!   [intro.races]). Hence its reading of the slot happened before the owner's writing.
//! * *Not more than there is.* `head` is read with Acquire, and who moved it to there had
//!   seen a `tail` as far: so `tail` is never read as less. It may be read as more than
//!   [`RING`] beyond *h*, if `head` has moved on since: then *h* is out of date, and it looks
//!   again.
//!
//! Numbers wrap around. For a `head` to be again what it was, somebody has to stand between
//! reading it and moving it while 2³² tasks go by, and exactly so many, on machines of 32
//! bits; on those of 64 bits it does not happen.
//!
//! tests/loom_task tries every order of a few such operations.

use core::array;
use core::ptr::{self, NonNull};

use heapless::Vec;

use super::prim::{AtomicPtr, AtomicUsize, Ordering::*, RING};

/// Half of a ring, and the one for which there was no room.
pub(crate) type Half<T> = Vec<NonNull<T>, { RING / 2 + 1 }>;

/// The queue. What is put in is got out once.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    /// How many were taken out.
    head: AtomicUsize,
    /// How many were put in.
    tail: AtomicUsize,
    slots: [AtomicPtr<T>; RING],
    /// Which runs next, before those in the ring; null for none.
    next: AtomicPtr<T>,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> Ring<T> {
        Ring {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            slots: array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn slot(&self, index: usize) -> &AtomicPtr<T> {
        &self.slots[index % RING]
    }

    /// Puts one at the end; gives it back if the ring is full. Only the owner may.
    pub(crate) fn push(&self, task: NonNull<T>) -> Result<(), NonNull<T>> {
        let head = self.head.load(Acquire);
        let tail = self.tail.load(Relaxed);
        if tail.wrapping_sub(head) == RING {
            return Err(task);
        }
        self.slot(tail).store(task.as_ptr(), Relaxed);
        self.tail.store(tail.wrapping_add(1), Release);
        Ok(())
    }

    /// Takes the first one. Only the owner may.
    pub(crate) fn pop(&self) -> Option<NonNull<T>> {
        let mut head = self.head.load(Relaxed);
        loop {
            if head == self.tail.load(Relaxed) {
                return None;
            }
            let task = self.slot(head).load(Relaxed);
            match self.move_head(head, 1) {
                // Nothing else was put in.
                Ok(()) => return NonNull::new(task),
                Err(now) => head = now,
            }
        }
    }

    /// Says that those `count` from `head` on are taken; where the head is, if somebody else
    /// has taken them.
    fn move_head(&self, head: usize, count: usize) -> Result<(), usize> {
        self.head
            .compare_exchange(head, head.wrapping_add(count), Release, Relaxed)
            .map(drop)
    }

    /// Takes the first half, of those that are there, and puts it behind what is in `out`.
    /// Whether it did: not if others take at the same time, and there is room again. Only
    /// the owner may.
    pub(crate) fn take_half(&self, out: &mut Half<T>) -> bool {
        let head = self.head.load(Acquire);
        let count = self.tail.load(Relaxed).wrapping_sub(head) / 2;
        let before = out.len();
        for i in 0..count {
            let task = self.slot(head.wrapping_add(i)).load(Relaxed);
            if NonNull::new(task).is_none_or(|task| out.push(task).is_err()) {
                break;
            }
        }
        let taken = self.move_head(head, out.len() - before).is_ok();
        if !taken {
            out.truncate(before);
        }
        taken && out.len() > before
    }

    /// Takes the first half of what is in the `victim`'s ring: one for the caller, and the
    /// others go to the end of this ring. Only this one's owner may; the victim is somebody
    /// else's.
    pub(crate) fn steal_from(&self, victim: &Ring<T>) -> Option<NonNull<T>> {
        let tail = self.tail.load(Relaxed);
        let room = RING - tail.wrapping_sub(self.head.load(Acquire));
        loop {
            let head = victim.head.load(Acquire);
            let there = victim.tail.load(Acquire).wrapping_sub(head);
            if there > RING {
                continue;
            }
            let count = (there - there / 2).min(room + 1);
            // The last one is not put anywhere.
            let others = count.checked_sub(1)?;
            for i in 0..others {
                let task = victim.slot(head.wrapping_add(i)).load(Relaxed);
                self.slot(tail.wrapping_add(i)).store(task, Relaxed);
            }
            let last = victim.slot(head.wrapping_add(others)).load(Relaxed);
            if victim.move_head(head, count).is_ok() {
                self.tail.store(tail.wrapping_add(others), Release);
                return NonNull::new(last);
            }
        }
    }

    /// Has it run next, in place of the one that was to, which is the caller's then. Only the
    /// owner may. The exchange is sequentially consistent, for the scheduler's sake
    /// (`sched.rs`); here it needs not be.
    pub(crate) fn put_next(&self, task: NonNull<T>) -> Option<NonNull<T>> {
        NonNull::new(self.next.swap(task.as_ptr(), SeqCst))
    }

    /// Takes the one that was to run next: anybody may.
    pub(crate) fn take_next(&self) -> Option<NonNull<T>> {
        // Mostly there is none, and then the line stays where it is.
        NonNull::new(self.next.load(Relaxed))?;
        NonNull::new(self.next.swap(ptr::null_mut(), AcqRel))
    }

    /// How many are in the ring. For anybody but the owner it is a guess.
    pub(crate) fn len(&self) -> usize {
        let head = self.head.load(Acquire);
        self.tail.load(Acquire).wrapping_sub(head).min(RING)
    }

    /// Whether there was a moment at which nothing was in the ring or ran next. It cannot be
    /// fooled by the one that was to run next, and is now in the ring: who has seen that
    /// there is none sees what the owner did to the ring before.
    pub(crate) fn is_empty(&self) -> bool {
        loop {
            let head = self.head.load(Acquire);
            let tail = self.tail.load(Acquire);
            let next = self.next.load(Acquire);
            if tail == self.tail.load(Acquire) {
                return head == tail && next.is_null();
            }
        }
    }
}
