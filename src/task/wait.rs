//! Waiting for one of several things, of which exactly one comes to pass.
//!
//! Whoever is to wait makes a [`Wait`] on its own stack, puts its address where those find it
//! who may end the wait, and [`park`](Wait::park)s. Of those, each first
//! [`claim`](Wait::claim)s it: the first to do so gets it, with a number that tells the sleeper
//! who that was, and then must [`wake`](Wait::wake) it, once. A deadline claims like everybody
//! else. So nobody is woken twice, and a `Wait` stays where it is until the one that has
//! claimed it is done with it.

use core::cell::UnsafeCell;
use core::panic::Location;
use core::ptr;
use core::task::{Poll, Waker};
use core::time::Duration;

use super::prim::{AtomicUsize, Ordering::*};
use super::running::{current_task, leave};
use super::task::{State, TaskRef};
use super::thread::{self, Thread};
use super::timer::Timer;
use super::{idle, sched, start};
use crate::sync::prim::{self, AtomicU32};
use crate::sys::Timespec;

/// What the caller waits for, and where it says so: for whoever asks why nothing goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason {
    /// As the end of "waits to …": `receive`, `lock a mutex`.
    pub(crate) to: &'static str,
    pub(crate) at: &'static Location<'static>,
}

impl Reason {
    /// To do that, at the caller's place.
    #[track_caller]
    pub(crate) const fn to(to: &'static str) -> Reason {
        Reason {
            to,
            at: Location::caller(),
        }
    }
}

/// It runs.
const RUNNING: u32 = 0;
/// It sleeps, and whoever wakes it must see to it that it runs.
const PARKED: u32 = 1;
/// It was woken.
const WOKEN: u32 = 2;
/// It is being woken: a future's waker is being taken.
const WAKING: u32 = 3;

/// A task, or a thread that runs none, or a future, that is about to wait.
pub(crate) struct Wait {
    /// Who has claimed it, or 0.
    claimed: AtomicUsize,
    /// Whether it sleeps. A thread does on this.
    state: AtomicU32,
    task: Option<TaskRef>,
    is_future: bool,
    /// A future's: whom to wake. It is there while the state is `PARKED`, and belongs to who
    /// has made the state `RUNNING` or `WAKING`.
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the waker is looked at by one at a time: see there.
unsafe impl Sync for Wait {}

impl Wait {
    /// What [`Wait::park`] returns when the deadline has passed before anybody has claimed it.
    pub(crate) const TIMED_OUT: usize = usize::MAX;

    /// Does what the first [`Wait::new`] of all must not do under a lock.
    #[inline(always)]
    pub(crate) fn prepare() {
        start::ensure();
    }

    /// For the caller.
    pub(crate) fn new() -> Wait {
        start::ensure();
        Wait {
            claimed: AtomicUsize::new(0),
            state: AtomicU32::new(RUNNING),
            task: current_task(),
            is_future: false,
            waker: UnsafeCell::new(None),
        }
    }

    /// For a future that is about to wait.
    pub(crate) fn of_future(waker: Waker) -> Wait {
        Wait {
            claimed: AtomicUsize::new(0),
            state: AtomicU32::new(PARKED),
            task: None,
            is_future: true,
            waker: UnsafeCell::new(Some(waker)),
        }
    }

    /// What [`Wait::park`] is to tasks, to a future: as what it was claimed, if it was woken,
    /// or else `waker` will be told.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<usize> {
        let is_parked = self
            .state
            .compare_exchange(PARKED, RUNNING, AcqRel, Acquire)
            .is_ok();
        if is_parked {
            // SAFETY: so nobody else looks at it.
            unsafe { (*self.waker.get()).clone_from(&Some(waker.clone())) };
            let parks_again = self
                .state
                .compare_exchange(RUNNING, PARKED, AcqRel, Acquire)
                .is_ok();
            if parks_again {
                return Poll::Pending;
            }
        }
        self.await_wake();
        Poll::Ready(self.claimed.load(Acquire))
    }

    /// Has nobody wake the future any more. It may be that somebody just does: then this
    /// returns when that is done.
    pub(crate) fn cancel(&self) {
        if !self.claim(Wait::TIMED_OUT) {
            self.await_wake();
        }
    }

    /// Returns when somebody who has claimed the wait is done with it. That is a few
    /// instructions; but it may be a task that was turned out in between, and that waits for the
    /// very processor which the future holds. Nobody wakes who sleeps here.
    fn await_wake(&self) {
        const SOON: Duration = Duration::from_micros(100);
        while self.state.load(Acquire) != WOKEN {
            let state = prim::spin(&self.state, |state| state == WOKEN);
            if state != WOKEN {
                prim::wait(&self.state, state, prim::after(SOON));
            }
        }
    }

    /// [`Wait::wake`], for a future.
    ///
    /// # Safety
    ///
    /// As there.
    unsafe fn wake_future(&self) {
        // Who polls just now sees that it was woken.
        if self.state.swap(WAKING, AcqRel) == PARKED {
            // SAFETY: so nobody else looks at it.
            let waker = unsafe { (*self.waker.get()).take() };
            self.state.store(WOKEN, Release);
            if let Some(waker) = waker {
                waker.wake();
            }
        } else {
            self.state.store(WOKEN, Release);
        }
    }

    /// Whether the wait is the caller's to end, and nobody else's: then it must be woken.
    /// `by`, which is neither 0 nor [`Wait::TIMED_OUT`], is what [`Wait::park`] returns.
    pub(crate) fn claim(&self, by: usize) -> bool {
        self.claimed
            .compare_exchange(0, by, AcqRel, Acquire)
            .is_ok()
    }

    /// As [`Wait::claim`], for the only one who can: without a deadline, and with but one place
    /// where it is found.
    pub(crate) fn claim_alone(&self, by: usize) {
        self.claimed.store(by, Relaxed);
    }

    /// Whether somebody has claimed it.
    pub(crate) fn is_claimed(&self) -> bool {
        self.claimed.load(Acquire) != 0
    }

    /// Lets who waits go on. What the caller has written before is seen behind the
    /// [`Wait::park`].
    ///
    /// # Safety
    ///
    /// The caller has claimed it, and not done this yet. It may be gone when this returns.
    pub(crate) unsafe fn wake(this: *const Wait) {
        // SAFETY: it stays until it is woken, and to wake the address alone touches nothing.
        unsafe {
            let (task, state) = ((*this).task, &raw const (*this).state);
            if (*this).is_future {
                return (*this).wake_future();
            }
            // A task that sleeps looks at nothing more: to have it run is all.
            let is_parked = task.is_some() && (*state).load(Acquire) == PARKED;
            if is_parked || (*state).swap(WOKEN, AcqRel) == PARKED {
                match task {
                    Some(task) => sched::ready(task),
                    None => drop(prim::wake_one(&*state)),
                }
            }
        }
    }

    /// Waits until somebody has claimed it and woken it, and returns the number by which it
    /// was claimed. With a deadline, a time of `CLOCK_MONOTONIC`, no longer than that:
    /// [`Wait::TIMED_OUT`].
    ///
    /// Only who has made it may, and once.
    pub(crate) fn park(&self, reason: Reason, deadline: Option<Timespec>) -> usize {
        match self.task {
            Some(task) => self.park_task(task, &reason, deadline),
            None => self.park_thread(deadline),
        }
        self.claimed.load(Acquire)
    }

    fn park_task(&self, task: TaskRef, reason: &Reason, deadline: Option<Timespec>) {
        if self.state.load(Acquire) == WOKEN {
            return;
        }
        let Some(deadline) = deadline else {
            return self.switch(task, reason);
        };
        let timer = Timer::new(sched::nanoseconds(deadline), self);
        let added_to = {
            let processor = thread::pin().and_then(|thread| thread.processor.get());
            let Some(processor) = processor else {
                unreachable!("a task runs without a processor");
            };
            // SAFETY: the timer stays here until it was taken out.
            unsafe { processor.timers.add(&timer) };
            idle::expect_timer(sched::nanoseconds(deadline));
            thread::unpin();
            &processor.timers
        };
        self.switch(task, reason);
        if self.claimed.load(Relaxed) != Wait::TIMED_OUT {
            // SAFETY: it was added there.
            unsafe { added_to.cancel(&timer) };
        }
    }

    /// The task leaves its thread until it is woken.
    fn switch(&self, task: TaskRef, reason: &Reason) {
        /// On the scheduler's stack: whoever wakes the task from now on makes it run.
        fn parked(thread: &Thread, task: TaskRef) -> Option<TaskRef> {
            task.change_state(State::Running, State::Waiting);
            thread.task.set(None);
            // SAFETY: the task waits, or if it was woken already has not gone on yet.
            let wait = unsafe { &*task.wait.get() };
            let parked = wait
                .state
                .compare_exchange(RUNNING, PARKED, AcqRel, Acquire)
                .is_ok();
            if parked {
                return None;
            }
            task.change_state(State::Waiting, State::Runnable);
            Some(task)
        }

        let Some(thread) = thread::pin() else {
            unreachable!("a task runs on no thread");
        };
        task.wait.set(self);
        task.reason.set(reason);
        leave(thread, parked);
        task.reason.set(ptr::null());
        thread::unpin();
    }

    fn park_thread(&self, mut deadline: Option<Timespec>) {
        if self
            .state
            .compare_exchange(RUNNING, PARKED, AcqRel, Acquire)
            .is_err()
        {
            return;
        }
        while self.state.load(Acquire) != WOKEN {
            if prim::wait(&self.state, PARKED, deadline) {
                continue;
            }
            if self.claim(Wait::TIMED_OUT) {
                return;
            }
            // Whoever has claimed it is about to wake it.
            deadline = None;
        }
    }
}
