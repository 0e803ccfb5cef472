//! Waiting for one another.

use core::ptr;

use crate::task::lock::Lock;
use crate::task::wait::{Reason, Wait};
use crate::task::waiters::{Waiter, Waiters};

/// Lets tasks wait until so many have come: std's `Barrier`.
///
/// It may be used again and again, also by more tasks than it waits for.
#[derive(Debug)]
pub struct Barrier {
    count: usize,
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    /// How many have come and wait.
    waiting: usize,
    waiters: Waiters,
}

/// What [`Barrier::wait`] returns.
#[derive(Debug)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl Barrier {
    /// One that waits for `count` tasks. One that waits for none does not wait, as one for a
    /// single task.
    pub const fn new(count: usize) -> Barrier {
        Barrier {
            count,
            state: Lock::new(State {
                waiting: 0,
                waiters: Waiters::new(),
            }),
        }
    }

    /// Waits until as many tasks are here as are wanted. One of them, the last, is the leader.
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        Wait::prepare();
        let mut state = self.state.lock();
        state.waiting += 1;
        let is_leader = state.waiting >= self.count;
        if is_leader {
            state.waiting = 0;
            let all = state.waiters.claim_all();
            drop(state);
            all.wake();
        } else {
            let wait = Wait::new();
            let waiter = Waiter::of(&wait, None, ptr::null_mut());
            // SAFETY: both are there until it is woken.
            unsafe { state.waiters.push(&waiter) };
            drop(state);
            wait.park(Reason::to("meet the others at a barrier"), None);
        }
        BarrierWaitResult { is_leader }
    }
}

impl BarrierWaitResult {
    /// Whether this task is the leader, as one of those that waited together is.
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}
