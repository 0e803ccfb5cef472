//! Channels: values that many threads send and one receives, as std's `mpsc` has it.
//!
//! | | `send` waits | |
//! |---|---|---|
//! | [`channel`] | never | holds as many values as there is memory for |
//! | [`sync_channel`]`(n)` | while `n` values are on their way | holds `n` |
//! | [`sync_channel`]`(0)` | until the value is received | passes values from hand to hand |
//!
//! Values that one thread sends come in that order. When the receiver drops, so do values
//! on their way, and sending is an error; when the last sender drops, the values on their
//! way can still be received, and then receiving is an error.
//!
//! A channel is a queue under a [`Mutex`](super::Mutex) and is to be used as one may be: not
//! in a signal handler. Where nobody waits, neither end makes a system call. A process of
//! only one thread that waits for itself traps, unless it waits with a deadline.

mod channel;
mod error;

use alloc::sync::Arc;
use core::cell::Cell;
use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::time::Duration;

pub use error::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use super::prim;
use channel::Channel;

/// A channel that holds as many values as there is memory for: `send` never waits.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(None));
    (Sender(Arc::clone(&channel)), Receiver::new(channel))
}

/// A channel that holds `bound` values: `send` waits while there is no room. With a bound of
/// 0 it waits until the value is received.
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(Some(bound)));
    (SyncSender(Arc::clone(&channel)), Receiver::new(channel))
}

/// The end of a [`channel`] that values are sent from.
pub struct Sender<T>(Arc<Channel<T>>);

/// The end of a [`sync_channel`] that values are sent from.
pub struct SyncSender<T>(Arc<Channel<T>>);

/// The end of a channel where values are received. It is one thread's at a time.
pub struct Receiver<T> {
    channel: Arc<Channel<T>>,
    _not_sync: PhantomData<Cell<()>>,
}

/// What the ends that send have in common.
macro_rules! sender {
    ($type:ident) => {
        impl<T> Clone for $type<T> {
            fn clone(&self) -> $type<T> {
                self.0.add_sender();
                $type(Arc::clone(&self.0))
            }
        }

        impl<T> Drop for $type<T> {
            fn drop(&mut self) {
                self.0.remove_sender();
            }
        }

        impl<T> fmt::Debug for $type<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

sender!(Sender);
sender!(SyncSender);

impl<T> Sender<T> {
    /// Sends a value. That it was sent does not say that it will be received.
    ///
    /// # Errors
    ///
    /// With the value, if the receiver is gone.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.0.send(value)
    }
}

impl<T> SyncSender<T> {
    /// Sends a value, and waits while there is no room. With a bound of 0, it was received
    /// when this returns.
    ///
    /// # Errors
    ///
    /// With the value, if the receiver is gone.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.0.send(value)
    }

    /// Sends a value if there is room; with a bound of 0, if the receiver waits for one.
    ///
    /// # Errors
    ///
    /// With the value, if there is no room, or the receiver is gone.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.0.try_send(value)
    }
}

impl<T> Receiver<T> {
    fn new(channel: Arc<Channel<T>>) -> Receiver<T> {
        Receiver {
            channel,
            _not_sync: PhantomData,
        }
    }

    /// Receives a value, and waits until there is one.
    ///
    /// # Errors
    ///
    /// If there is none and all senders are gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.channel.recv()
    }

    /// Receives a value if there is one.
    ///
    /// # Errors
    ///
    /// If there is none, with whether all senders are gone.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.channel.try_recv()
    }

    /// As [`recv`](Self::recv), but waits no longer than so long.
    ///
    /// # Errors
    ///
    /// If there is none by then, or none and all senders are gone.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        // What is there takes no look at the clock.
        match self.try_recv() {
            Ok(value) => return Ok(value),
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => {}
        }
        match prim::after(timeout) {
            Some(deadline) => self.channel.recv_until(deadline),
            None => self.recv().map_err(RecvTimeoutError::from),
        }
    }

    /// The values that are still to come, until all senders are gone: each is waited for.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// The values that are there: nothing is waited for.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.channel.remove_receiver();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// [`Receiver::iter`].
#[derive(Debug)]
pub struct Iter<'a, T>(&'a Receiver<T>);

/// [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T>(&'a Receiver<T>);

/// The iterator of a [`Receiver`] that is its own.
#[derive(Debug)]
pub struct IntoIter<T>(Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// No sender comes again.
impl<T> FusedIterator for Iter<'_, T> {}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

/// No sender comes again.
impl<T> FusedIterator for IntoIter<T> {}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}
