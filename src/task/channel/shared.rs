//! What the ends of a channel share.
//!
//! Values move from slot to slot by being copied: from the sender's to the queue's or, where
//! somebody waits for one, to the receiver's, on whatever stack that is.

use core::mem;
use core::ops::DerefMut;

use super::buffer::{Block, Buffer, Pushed, Spare};
use crate::sync::prim::{AtomicU32, Deadline, Ordering};
use crate::task::lock::Lock;
use crate::task::wait::{Reason, Wait};
use crate::task::waiters::{Claimed, Waiter, Waiters};

/// A queue of values, and who waits at each of its ends.
pub(super) struct Channel<T> {
    state: Lock<State<T>>,
    /// How many values there is room for; `None` for as many as there is memory for.
    pub(super) capacity: Option<usize>,
    /// How many ends there are on either side.
    ends: [AtomicU32; 2],
}

/// A side of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Sending,
    Receiving,
}

struct State<T> {
    buffer: Buffer<T>,
    /// Those with a value that has no room yet, and those with room for a value.
    waiting: [Waiters; 2],
    /// Which side has no end any more.
    gone: [bool; 2],
}

/// How far a value got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It was moved.
    Yes,
    /// It has to wait.
    NotYet,
    /// It cannot be any more: the other side is gone.
    Never,
}

/// As [`Moved`], under the lock.
enum Attempt<T> {
    /// It was; and this is to be done when the lock is released.
    Moved(Option<Claimed>, Spare<T>),
    NotYet,
    LacksBlock,
    Never,
}

/// How a place in a select's queue was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enrolled {
    /// It is there.
    Waits,
    /// There was no need to wait: the value was moved, or never can be.
    Ended(Moved),
    /// Somebody has ended the wait, at this place or another.
    Claimed,
    /// Whom it was to meet has gone elsewhere, and the wait was claimed to meet it: it is no
    /// good any more.
    Missed,
}

impl<T> State<T> {
    /// Moves the value out of the slot.
    ///
    /// # Safety
    ///
    /// There is one; there is none any more, if this says that it was moved.
    #[inline(always)]
    unsafe fn put(&mut self, slot: *mut T) -> Attempt<T> {
        if self.gone[Side::Receiving as usize] {
            return Attempt::Never;
        }
        // Who waits for a value finds none in the queue.
        if let Some(receiver) = self.waiting[Side::Receiving as usize].claim() {
            // SAFETY: there is a value; there is room where a receiver waits.
            unsafe {
                receiver
                    .data()
                    .cast::<T>()
                    .copy_from_nonoverlapping(slot, 1)
            };
            return Attempt::Moved(Some(receiver.done()), None);
        }
        // SAFETY: passed on to the caller.
        match unsafe { self.buffer.push(slot) } {
            Pushed::Yes => Attempt::Moved(None, None),
            Pushed::Full => Attempt::NotYet,
            Pushed::LacksBlock => Attempt::LacksBlock,
        }
    }

    /// Moves a value into the slot.
    ///
    /// # Safety
    ///
    /// There is room; there is a value, if this says that it was moved.
    #[inline(always)]
    unsafe fn take(&mut self, slot: *mut T) -> Attempt<T> {
        // SAFETY: passed on to the caller.
        if let Some(spare) = unsafe { self.buffer.pop(slot) } {
            let sender = self.waiting[Side::Sending as usize].claim();
            // The queue was full, and there is room for one now.
            let sender = sender.map(|sender| {
                // SAFETY: a sender waits with its value.
                unsafe { self.buffer.push(sender.data().cast()) };
                sender.done()
            });
            return Attempt::Moved(sender, spare);
        }
        // There is no queue, or nobody waits.
        if let Some(sender) = self.waiting[Side::Sending as usize].claim() {
            // SAFETY: a sender waits with its value; there is room in the slot.
            unsafe { slot.copy_from_nonoverlapping(sender.data().cast(), 1) };
            return Attempt::Moved(Some(sender.done()), None);
        }
        if self.gone[Side::Sending as usize] {
            return Attempt::Never;
        }
        Attempt::NotYet
    }

    /// Moves the value that the side's end has in its slot, or is to have.
    ///
    /// # Safety
    ///
    /// As of [`State::put`] or [`State::take`].
    #[inline(always)]
    unsafe fn attempt(&mut self, side: Side, slot: *mut T) -> Attempt<T> {
        // SAFETY: passed on to the caller.
        unsafe {
            match side {
                Side::Sending => self.put(slot),
                Side::Receiving => self.take(slot),
            }
        }
    }

    /// Whether an end of that side has nothing to wait for but its own `wait`.
    fn is_ready(&self, side: Side, wait: &Wait) -> bool {
        let others = match side {
            Side::Sending => Side::Receiving,
            Side::Receiving => Side::Sending,
        };
        let needs_nobody = match side {
            Side::Sending => !self.buffer.is_full(),
            Side::Receiving => self.buffer.len() > 0,
        };
        needs_nobody
            || self.gone[others as usize]
            || self.waiting[others as usize].has_other_than(wait)
    }
}

impl<T> Attempt<T> {
    /// Does what is to be done when the lock is released.
    #[inline]
    fn finish(self) -> Moved {
        match self {
            Attempt::Moved(claimed, spare) => {
                if let Some(claimed) = claimed {
                    claimed.wake();
                }
                drop(spare);
                Moved::Yes
            }
            Attempt::NotYet | Attempt::LacksBlock => Moved::NotYet,
            Attempt::Never => Moved::Never,
        }
    }
}

impl<T> Channel<T> {
    /// One with one end on either side.
    pub(super) fn new(capacity: Option<usize>) -> Channel<T> {
        Channel {
            state: Lock::new(State {
                buffer: Buffer::new(capacity),
                waiting: [Waiters::new(), Waiters::new()],
                gone: [false; 2],
            }),
            capacity,
            ends: [AtomicU32::new(1), AtomicU32::new(1)],
        }
    }

    /// One more end.
    pub(super) fn add(&self, side: Side) {
        let before = self.ends[side as usize].fetch_add(1, Ordering::Relaxed);
        assert!(before <= u32::MAX / 2, "too many ends of a channel");
    }

    /// One end less. The other side hears of it if it was the last.
    pub(super) fn remove(&self, side: Side) {
        // What another end of this side did under the lock, it did before this: it would have
        // to come after this end's turn at the lock, and so after its own count.
        if self.ends[side as usize].fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let mut state = self.state.lock();
        state.gone[side as usize] = true;
        let (others, unwanted) = match side {
            Side::Sending => (Side::Receiving, None),
            Side::Receiving => (
                Side::Sending,
                // One without room takes no memory.
                Some(mem::replace(&mut state.buffer, Buffer::new(Some(0)))),
            ),
        };
        let waiting = state.waiting[others as usize].claim_all();
        drop(state);
        waiting.wake();
        // What the values do when they drop may come back to the channel.
        drop(unwanted);
    }

    /// How many values are on their way.
    pub(super) fn len(&self) -> usize {
        self.state.lock().buffer.len()
    }

    /// Has one more block be there.
    #[cold]
    fn supply(&self) {
        let block = Block::new();
        let unneeded = self.state.lock().buffer.supply(block);
        drop(unneeded);
    }

    /// Moves a value between the slot and the queue, or whoever waits, if that can be done at
    /// once.
    ///
    /// # Safety
    ///
    /// The side that sends has a value in the slot, the other room; with [`Moved::Yes`] it is
    /// the other way round.
    #[inline]
    pub(super) unsafe fn try_move(&self, side: Side, slot: *mut T) -> Moved {
        loop {
            // SAFETY: passed on to the caller.
            let attempt = unsafe { self.state.lock().attempt(side, slot) };
            if !matches!(attempt, Attempt::LacksBlock) {
                return attempt.finish();
            }
            self.supply();
        }
    }

    /// As [`Channel::try_move`], but waits until the deadline: [`Moved::NotYet`] is that it
    /// has passed.
    ///
    /// # Safety
    ///
    /// As of [`Channel::try_move`].
    // Once for each side.
    #[inline(always)]
    pub(super) unsafe fn move_until(
        &self,
        side: Side,
        slot: *mut T,
        reason: Reason,
        deadline: Deadline,
    ) -> Moved {
        Wait::prepare();
        loop {
            let mut state = self.state.lock();
            // SAFETY: passed on to the caller.
            let attempt = unsafe { state.attempt(side, slot) };
            match attempt {
                // SAFETY: passed on to the caller.
                Attempt::NotYet => unsafe {
                    return self.wait(state, side, slot, reason, deadline);
                },
                Attempt::LacksBlock => {
                    drop(state);
                    self.supply();
                }
                attempt => {
                    drop(state);
                    return attempt.finish();
                }
            }
        }
    }

    /// Waits for whoever comes to the other end to move the value.
    ///
    /// # Safety
    ///
    /// As of [`Channel::try_move`], and `state` is the channel's.
    unsafe fn wait(
        &self,
        mut state: impl DerefMut<Target = State<T>>,
        side: Side,
        slot: *mut T,
        reason: Reason,
        deadline: Deadline,
    ) -> Moved {
        let wait = Wait::new();
        let waiter = Waiter::of(&wait, deadline, slot.cast());
        // SAFETY: both are there until it is woken, or removed below.
        unsafe { state.waiting[side as usize].push(&waiter) };
        drop(state);
        if wait.park(reason, deadline) == Wait::TIMED_OUT {
            // SAFETY: it was in no other queue.
            unsafe { self.withdraw(side, &waiter) };
            return Moved::NotYet;
        }
        ended(&waiter)
    }

    /// Moves the value if that can be done at once; otherwise has the waiter wait for it, in
    /// `wait`, together with others, as what number `by` is.
    ///
    /// # Safety
    ///
    /// As of [`Channel::try_move`]; if it waits, the slot, the waiter and `wait` stay where
    /// they are until it is woken as number `by`, or withdrawn.
    pub(super) unsafe fn enroll(
        &self,
        side: Side,
        slot: *mut T,
        wait: &Wait,
        waiter: &Waiter,
        by: usize,
    ) -> Enrolled {
        let mut state = self.state.lock();
        if !state.is_ready(side, wait) {
            waiter.set(wait, by, slot.cast());
            // SAFETY: passed on to the caller.
            unsafe { state.waiting[side as usize].push(waiter) };
            return Enrolled::Waits;
        }
        // From here on nobody else ends the wait.
        if !wait.claim(by) {
            return Enrolled::Claimed;
        }
        // SAFETY: passed on to the caller.
        let attempt = unsafe { state.attempt(side, slot) };
        drop(state);
        match attempt.finish() {
            Moved::NotYet => Enrolled::Missed,
            moved => Enrolled::Ended(moved),
        }
    }

    /// Has the waiter wait no longer.
    ///
    /// # Safety
    ///
    /// It is in no other queue.
    pub(super) unsafe fn withdraw(&self, side: Side, waiter: &Waiter) {
        // SAFETY: passed on to the caller.
        unsafe { self.state.lock().waiting[side as usize].remove(waiter) };
    }
}

/// How the wait of somebody that was woken has ended.
pub(super) fn ended(waiter: &Waiter) -> Moved {
    if waiter.is_done() {
        Moved::Yes
    } else {
        Moved::Never
    }
}
