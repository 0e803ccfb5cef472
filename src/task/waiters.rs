//! Those that wait for the same, in the order in which they came.
//!
//! A queue of [`Waiter`]s on the stacks of those that wait, under the lock of whatever they
//! wait for. Whoever ends a wait takes the first out that is still to be had
//! ([`Waiters::claim`]), releases the lock, and wakes it. One whose [`Wait`] has ended
//! otherwise (by a deadline, or in another queue) stays where it is until somebody comes past
//! it or it takes itself out ([`Waiters::remove`]), which it must, under the lock.

use core::cell::Cell;
use core::ptr;

use super::wait::Wait;
use crate::sync::prim::Deadline;

/// A [`Wait`]'s place in a queue.
///
/// It is its maker's; while it is in a queue, whoever's who has the queue's lock; and from
/// when it is claimed until it is woken, whoever's who has claimed it.
#[derive(Debug)]
pub(crate) struct Waiter {
    wait: Cell<*const Wait>,
    /// As what the wait is claimed.
    by: Cell<usize>,
    /// Whether nobody but who takes this out of its queue can end the wait.
    is_alone: Cell<bool>,
    /// What those know that look at the queue: where a value is or goes to, or how much is
    /// wanted.
    data: Cell<*mut ()>,
    /// Whether it got what it waited for.
    done: Cell<bool>,
    queued: Cell<bool>,
    next: Cell<*const Waiter>,
    previous: Cell<*const Waiter>,
}

impl Waiter {
    /// One that nobody waits by yet.
    pub(crate) const fn new() -> Waiter {
        Waiter {
            wait: Cell::new(ptr::null()),
            by: Cell::new(0),
            is_alone: Cell::new(false),
            data: Cell::new(ptr::null_mut()),
            done: Cell::new(false),
            queued: Cell::new(false),
            next: Cell::new(ptr::null()),
            previous: Cell::new(ptr::null()),
        }
    }

    /// The only one for `wait`, which may end at the deadline, and what it brings along.
    #[inline]
    pub(crate) fn of(wait: &Wait, deadline: Deadline, data: *mut ()) -> Waiter {
        let waiter = Waiter::new();
        waiter.set(wait, 1, data);
        waiter.is_alone.set(deadline.is_none());
        waiter
    }

    /// Makes it one of several for `wait`, which is claimed as `by`. It is in no queue.
    #[inline]
    pub(crate) fn set(&self, wait: &Wait, by: usize, data: *mut ()) {
        self.wait.set(wait);
        self.by.set(by);
        self.data.set(data);
        self.done.set(false);
    }

    /// Whether it got what it waited for.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.done.get()
    }

    /// Claims its wait, unless somebody has.
    ///
    /// # Safety
    ///
    /// The wait is there, and the waiter was in its queue just now.
    #[inline]
    unsafe fn claim(&self) -> bool {
        // SAFETY: passed on to the caller.
        let wait = unsafe { &*self.wait.get() };
        if self.is_alone.get() {
            wait.claim_alone(self.by.get());
            return true;
        }
        wait.claim(self.by.get())
    }

    /// Whether nobody has claimed its wait.
    fn is_waiting(&self) -> bool {
        // SAFETY: who waits takes itself out of the queue before the wait goes.
        !unsafe { (*self.wait.get()).is_claimed() }
    }
}

/// Those that wait for the same. It is under a lock.
#[derive(Debug)]
pub(crate) struct Waiters {
    first: *const Waiter,
    last: *const Waiter,
}

// SAFETY: whoever has the queue may touch what is in it, whatever thread has put it there.
unsafe impl Send for Waiters {}

impl Waiters {
    pub(crate) const fn new() -> Waiters {
        Waiters {
            first: ptr::null(),
            last: ptr::null(),
        }
    }

    /// Whether there is nobody in it, not even one whose wait has ended.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Puts the waiter behind all others.
    ///
    /// # Safety
    ///
    /// It is in no queue; and it stays where it is, and so does its wait, until it is woken as
    /// what it is claimed as from here, or removed.
    #[inline]
    pub(crate) unsafe fn push(&mut self, waiter: &Waiter) {
        // SAFETY: passed on to the caller.
        unsafe { self.link(self.last, waiter, ptr::null()) };
    }

    /// Puts the waiter before all others.
    ///
    /// # Safety
    ///
    /// As of [`Waiters::push`].
    pub(crate) unsafe fn push_first(&mut self, waiter: &Waiter) {
        // SAFETY: passed on to the caller.
        unsafe { self.link(ptr::null(), waiter, self.first) };
    }

    /// # Safety
    ///
    /// As of [`Waiters::push`], and the others are neighbours in this queue, or its ends.
    #[inline]
    unsafe fn link(&mut self, previous: *const Waiter, waiter: &Waiter, next: *const Waiter) {
        waiter.queued.set(true);
        waiter.previous.set(previous);
        waiter.next.set(next);
        // SAFETY: passed on to the caller: what is in the queue is there.
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.set(waiter),
            None => self.first = waiter,
        }
        // SAFETY: as above.
        match unsafe { next.as_ref() } {
            Some(next) => next.previous.set(waiter),
            None => self.last = waiter,
        }
    }

    /// Takes the waiter out, unless somebody did.
    ///
    /// # Safety
    ///
    /// It is in no other queue.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, waiter: &Waiter) {
        if !waiter.queued.replace(false) {
            return;
        }
        // SAFETY: it is in the queue, and so its neighbours are there.
        match unsafe { waiter.previous.get().as_ref() } {
            Some(previous) => previous.next.set(waiter.next.get()),
            None => self.first = waiter.next.get(),
        }
        // SAFETY: as above.
        match unsafe { waiter.next.get().as_ref() } {
            Some(next) => next.previous.set(waiter.previous.get()),
            None => self.last = waiter.previous.get(),
        }
    }

    /// Takes out and claims the first that is still to be had.
    #[inline]
    pub(crate) fn claim(&mut self) -> Option<Claimed> {
        self.claim_if(|_| true)
    }

    /// As [`Waiters::claim`], if `wanted` says so of what the first brings along.
    #[inline]
    pub(crate) fn claim_if(&mut self, wanted: impl Fn(*mut ()) -> bool) -> Option<Claimed> {
        loop {
            // SAFETY: what is in the queue is there, and its wait.
            let waiter = unsafe { self.first.as_ref() }?;
            if !wanted(waiter.data.get()) && waiter.is_waiting() {
                return None;
            }
            // SAFETY: it is in this one.
            unsafe { self.remove(waiter) };
            // SAFETY: it takes the lock that the caller has before it goes.
            if unsafe { waiter.claim() } {
                return Some(Claimed(waiter));
            }
        }
    }

    /// Takes out and claims all that are still to be had.
    pub(crate) fn claim_all(&mut self) -> AllClaimed {
        let mut all = AllClaimed::none();
        while let Some(claimed) = self.claim() {
            all.push(claimed);
        }
        all
    }

    /// Whether somebody waits here, apart from `wait`.
    pub(crate) fn has_other_than(&self, wait: &Wait) -> bool {
        let mut next = self.first;
        // SAFETY: what is in the queue is there.
        while let Some(waiter) = unsafe { next.as_ref() } {
            if !ptr::eq(waiter.wait.get(), wait) && waiter.is_waiting() {
                return true;
            }
            next = waiter.next.get();
        }
        false
    }
}

/// Who is to be woken, when the lock is released.
#[derive(Debug)]
#[must_use = "it waits until it is woken"]
pub(crate) struct Claimed(*const Waiter);

impl Claimed {
    /// What the waiter has brought along.
    #[inline]
    pub(crate) fn data(&self) -> *mut () {
        // SAFETY: it is there until it is woken.
        unsafe { (*self.0).data.get() }
    }

    /// Tells it that it got what it waited for.
    #[inline]
    pub(crate) fn done(self) -> Claimed {
        // SAFETY: as above.
        unsafe { (*self.0).done.set(true) };
        self
    }

    #[inline]
    pub(crate) fn wake(self) {
        // SAFETY: it is claimed, and this was the only way to wake it.
        unsafe { Wait::wake((*self.0).wait.get()) };
    }
}

/// Those who are to be woken, when the lock is released.
#[derive(Debug)]
#[must_use = "they wait until they are woken"]
pub(crate) struct AllClaimed {
    first: *const Waiter,
    last: *const Waiter,
}

impl AllClaimed {
    /// Nobody.
    pub(crate) const fn none() -> AllClaimed {
        AllClaimed {
            first: ptr::null(),
            last: ptr::null(),
        }
    }

    /// One more, to be woken behind the others.
    pub(crate) fn push(&mut self, Claimed(waiter): Claimed) {
        // SAFETY: it is claimed and not woken, so it is there, and the caller's.
        unsafe { (*waiter).next.set(ptr::null()) };
        // SAFETY: as above.
        match unsafe { self.last.as_ref() } {
            Some(last) => last.next.set(waiter),
            None => self.first = waiter,
        }
        self.last = waiter;
    }

    /// Wakes them, and says how many they were.
    pub(crate) fn wake(self) -> usize {
        let mut count = 0;
        let mut next = self.first;
        // SAFETY: each is there until it is woken.
        while let Some(waiter) = unsafe { next.as_ref() } {
            next = waiter.next.get();
            Claimed(waiter).wake();
            count += 1;
        }
        count
    }
}
