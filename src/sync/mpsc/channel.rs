//! What the two ends of a channel share.

use alloc::collections::VecDeque;

use super::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use crate::sync::prim::Timespec;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// A queue, and what each end waits for.
pub struct Channel<T> {
    /// How many values may wait; `None` for as many as there is memory for.
    bound: Option<usize>,
    state: Mutex<State<T>>,
    /// The receiver waits for a value, or for the last sender to go.
    sent: Condvar,
    /// Senders wait for a value to be taken, or for the receiver to go.
    taken: Condvar,
}

struct State<T> {
    /// Values on their way. A channel without room has one at most, whose sender waits
    /// until it is taken.
    queue: VecDeque<T>,
    senders: usize,
    /// Whether there is a receiver.
    receiver: bool,
    /// Whether it waits for a value.
    receiving: bool,
    /// How many values were put into the queue, and how many the receiver took out.
    sent: u64,
    taken: u64,
}

type Guard<'a, T> = MutexGuard<'a, State<T>>;

impl<T> Channel<T> {
    /// One with a sender and a receiver.
    pub fn new(bound: Option<usize>) -> Channel<T> {
        Channel {
            bound,
            state: Mutex::new(State {
                queue: VecDeque::new(),
                senders: 1,
                receiver: true,
                receiving: false,
                sent: 0,
                taken: 0,
            }),
            sent: Condvar::new(),
            taken: Condvar::new(),
        }
    }

    pub fn add_sender(&self) {
        self.state.lock().senders += 1;
    }

    pub fn remove_sender(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        let is_last = state.senders == 0;
        drop(state);
        if is_last {
            self.sent.notify_one();
        }
    }

    /// Drops what nobody will receive.
    pub fn remove_receiver(&self) {
        let mut state = self.state.lock();
        state.receiver = false;
        let undelivered = match self.bound {
            // It is its sender's, who waits.
            Some(0) => VecDeque::new(),
            _ => core::mem::take(&mut state.queue),
        };
        drop(state);
        self.taken.notify_all();
        // What they do when they drop may come back to the channel.
        drop(undelivered);
    }

    /// Whether one more value may be put into the queue.
    fn has_room(&self, state: &State<T>) -> bool {
        // One without room holds the value that is passed on.
        self.bound
            .is_none_or(|bound| state.queue.len() < bound.max(1))
    }

    fn put(&self, mut state: Guard<'_, T>, value: T) {
        state.queue.push_back(value);
        state.sent += 1;
        drop(state);
        self.sent.notify_one();
    }

    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut state = self.state.lock();
        while state.receiver && !self.has_room(&state) {
            self.taken.wait(&mut state);
        }
        if !state.receiver {
            return Err(SendError(value));
        }
        if self.bound != Some(0) {
            self.put(state, value);
            return Ok(());
        }
        state.queue.push_back(value);
        state.sent += 1;
        let number = state.sent;
        self.sent.notify_one();
        while state.receiver && state.taken < number {
            self.taken.wait(&mut state);
        }
        if state.taken >= number {
            return Ok(());
        }
        // The receiver has gone without it, and nobody else puts anything there.
        let value = state.queue.pop_front();
        Err(SendError(value.expect("it was put there and not taken")))
    }

    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let state = self.state.lock();
        if !state.receiver {
            return Err(TrySendError::Disconnected(value));
        }
        // Without room, a value is passed only to one who waits for it.
        let is_wanted = self.bound != Some(0) || state.receiving;
        if !is_wanted || !self.has_room(&state) {
            return Err(TrySendError::Full(value));
        }
        self.put(state, value);
        Ok(())
    }

    /// Takes the first value, and tells who waits for that.
    fn take<'a>(&self, mut state: Guard<'a, T>) -> Result<T, Guard<'a, T>> {
        let Some(value) = state.queue.pop_front() else {
            return Err(state);
        };
        state.taken += 1;
        drop(state);
        match self.bound {
            None => {}
            // The one whose value it was waits, and others until there is room.
            Some(0) => drop(self.taken.notify_all()),
            Some(_) => drop(self.taken.notify_one()),
        }
        Ok(value)
    }

    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.take(self.state.lock()).map_err(|state| {
            if state.senders == 0 {
                TryRecvError::Disconnected
            } else {
                TryRecvError::Empty
            }
        })
    }

    pub fn recv(&self) -> Result<T, RecvError> {
        let mut state = self.state.lock();
        loop {
            state = match self.take(state) {
                Ok(value) => return Ok(value),
                Err(state) => state,
            };
            if state.senders == 0 {
                return Err(RecvError);
            }
            state.receiving = true;
            self.sent.wait(&mut state);
            state.receiving = false;
        }
    }

    pub fn recv_until(&self, deadline: Timespec) -> Result<T, RecvTimeoutError> {
        let mut state = self.state.lock();
        let mut in_time = true;
        loop {
            // What came at the last moment came.
            state = match self.take(state) {
                Ok(value) => return Ok(value),
                Err(state) => state,
            };
            if state.senders == 0 {
                return Err(RecvTimeoutError::Disconnected);
            }
            if !in_time {
                return Err(RecvTimeoutError::Timeout);
            }
            state.receiving = true;
            in_time = !self.sent.wait_until(&mut state, deadline).timed_out();
            state.receiving = false;
        }
    }
}
