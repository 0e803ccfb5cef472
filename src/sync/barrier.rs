//! Waiting for one another.

use super::{Condvar, Mutex};

/// Lets threads wait until so many have come: std's `Barrier`.
///
/// A [`Mutex`] and a [`Condvar`], and used as they may be. It may be used again and again,
/// also by more threads than it waits for.
#[derive(Debug)]
pub struct Barrier {
    count: usize,
    state: Mutex<State>,
    condvar: Condvar,
}

#[derive(Debug)]
struct State {
    /// How many have come and wait.
    waiting: usize,
    /// How often as many as were wanted have come.
    generation: usize,
}

/// What [`Barrier::wait`] returns.
#[derive(Debug)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl Barrier {
    /// One that waits for `count` threads. One that waits for none does not wait, as one for
    /// a single thread.
    pub const fn new(count: usize) -> Barrier {
        Barrier {
            count,
            state: Mutex::new(State {
                waiting: 0,
                generation: 0,
            }),
            condvar: Condvar::new(),
        }
    }

    /// Waits until as many threads are here as are wanted. One of them, the last, is the
    /// leader.
    pub fn wait(&self) -> BarrierWaitResult {
        let mut state = self.state.lock();
        state.waiting += 1;
        let is_last = state.waiting >= self.count;
        if is_last {
            state.waiting = 0;
            state.generation = state.generation.wrapping_add(1);
            drop(state);
            self.condvar.notify_all();
        } else {
            let generation = state.generation;
            while state.generation == generation {
                self.condvar.wait(&mut state);
            }
        }
        BarrierWaitResult { is_leader: is_last }
    }
}

impl BarrierWaitResult {
    /// Whether this thread is the leader, as one of those that waited together is.
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}
