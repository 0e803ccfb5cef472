//! Channels: values that many tasks send and many receive, each value one of them.
//!
//! | | `send` waits | |
//! |---|---|---|
//! | [`unbounded()`](unbounded) | never | holds as many values as there is memory for |
//! | [`bounded(n)`](bounded) | while `n` values are on their way | holds `n` |
//! | [`bounded(0)`](bounded) | until the value is received | passes values from hand to hand |
//!
//! Values come in the order in which they were sent, and those that wait get them, or get
//! rid of them, in the order in which they came. A value goes straight to a receiver that
//! waits for one. When the last receiver drops, so do values on their way, and sending is an
//! error; when the last sender drops, the values on their way can still be received, and then
//! receiving is an error.
//!
//! Whoever is to wait for one of several channels uses [`select!`](crate::select).
//!
//! Who waits gives its processor up to other tasks; a thread that runs no task sleeps. Where
//! nobody has to wait, either end takes one lock for a few instructions, and makes no system
//! call. Only an unbounded channel allocates, a block for every 31 values, and only where it
//! has none left. Channels must not be used in a signal handler.

mod buffer;
mod select;
mod shared;

use alloc::sync::Arc;
use core::error::Error;
use core::fmt;
use core::iter::FusedIterator;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::time::Duration;

#[doc(no_inline)]
pub use crate::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
pub use select::{Case, Receiving, Select, Sending};

use super::wait::Reason;
use crate::sync::prim::{self, Deadline};
use crate::time::Instant;
use shared::{Channel, Moved, Side};

/// A channel that holds as many values as there is memory for: `send` never waits.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    new(None)
}

/// A channel that holds `capacity` values: `send` waits while there is no room. With a
/// capacity of 0 it waits until the value is received.
///
/// # Panics
///
/// If so many values are more than an address space.
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    new(Some(capacity))
}

fn new<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Channel::new(capacity));
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

/// The end of a channel that values are sent from. Each clone is one more.
pub struct Sender<T>(Arc<Channel<T>>);

/// The end of a channel where values are received. Each clone is one more, and each value
/// comes to one of them.
pub struct Receiver<T>(Arc<Channel<T>>);

/// A value was not sent in time: it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// There was no room; in a channel without any, nobody received.
    Timeout(T),
    /// All receivers are gone.
    Disconnected(T),
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(error: SendError<T>) -> SendTimeoutError<T> {
        SendTimeoutError::Disconnected(error.0)
    }
}

/// The value need not be `Debug` for the error to be.
impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendTimeoutError::Timeout(_) => "SendTimeoutError::Timeout(..)",
            SendTimeoutError::Disconnected(_) => "SendTimeoutError::Disconnected(..)",
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendTimeoutError::Timeout(_) => "timed out waiting on channel",
            SendTimeoutError::Disconnected(_) => "sending on a closed channel",
        })
    }
}

impl<T> Error for SendTimeoutError<T> {}

/// What both ends have in common.
macro_rules! end {
    ($type:ident, $side:expr) => {
        impl<T> $type<T> {
            /// How many values are on their way. By the time that anybody looks there may be
            /// others.
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether no value is on its way.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether there is no room for one more value, as there never is in a channel
            /// without any.
            pub fn is_full(&self) -> bool {
                self.capacity() == Some(self.len())
            }

            /// How many values the channel holds; `None` for as many as there is memory for.
            pub fn capacity(&self) -> Option<usize> {
                self.0.capacity
            }
        }

        /// One more end.
        ///
        /// # Panics
        ///
        /// If there are 2³¹.
        impl<T> Clone for $type<T> {
            fn clone(&self) -> $type<T> {
                self.0.add($side);
                $type(Arc::clone(&self.0))
            }
        }

        impl<T> Drop for $type<T> {
            fn drop(&mut self) {
                self.0.remove($side);
            }
        }

        impl<T> fmt::Debug for $type<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

end!(Sender, Side::Sending);
end!(Receiver, Side::Receiving);

impl<T> Sender<T> {
    /// Sends a value, and waits while there is no room; in a channel without any, until the
    /// value is received.
    ///
    /// # Errors
    ///
    /// With the value, if all receivers are gone.
    #[track_caller]
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.send_by(value, None) {
            Ok(()) => Ok(()),
            // Without a deadline, it cannot be that one has passed.
            Err(SendTimeoutError::Disconnected(value) | SendTimeoutError::Timeout(value)) => {
                Err(SendError(value))
            }
        }
    }

    /// Sends a value if there is room, or somebody waits for one.
    ///
    /// # Errors
    ///
    /// With the value, if there is no room, or all receivers are gone.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut value = ManuallyDrop::new(value);
        // SAFETY: there is a value, which is not used again if it was moved.
        let moved = unsafe { self.0.try_move(Side::Sending, &raw mut *value) };
        match moved {
            Moved::Yes => Ok(()),
            Moved::NotYet => Err(TrySendError::Full(ManuallyDrop::into_inner(value))),
            Moved::Never => Err(TrySendError::Disconnected(ManuallyDrop::into_inner(value))),
        }
    }

    /// As [`send`](Self::send), but waits no longer than so long.
    ///
    /// # Errors
    ///
    /// With the value, if it was not sent by then, or all receivers are gone.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read.
    #[track_caller]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        // What needs no wait takes no look at the clock.
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(value)) => Err(SendTimeoutError::Disconnected(value)),
            Err(TrySendError::Full(value)) => self.send_by(value, prim::after(timeout)),
        }
    }

    /// As [`send`](Self::send), but waits no longer than until then.
    ///
    /// # Errors
    ///
    /// As of [`send_timeout`](Self::send_timeout).
    #[track_caller]
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_by(value, prim::at(deadline.into()))
    }

    #[track_caller]
    fn send_by(&self, value: T, deadline: Deadline) -> Result<(), SendTimeoutError<T>> {
        let mut value = ManuallyDrop::new(value);
        // SAFETY: there is a value, which is not used again if it was moved.
        let moved = unsafe {
            let reason = Reason::to("send");
            self.0
                .move_until(Side::Sending, &raw mut *value, reason, deadline)
        };
        match moved {
            Moved::Yes => Ok(()),
            Moved::NotYet => Err(SendTimeoutError::Timeout(ManuallyDrop::into_inner(value))),
            Moved::Never => Err(SendTimeoutError::Disconnected(ManuallyDrop::into_inner(
                value,
            ))),
        }
    }

    /// Sending that value, as one of several things of which one is to come to pass.
    pub fn sending(&self, value: T) -> Sending<'_, T> {
        Sending::new(self, value)
    }
}

impl<T> Receiver<T> {
    /// Receives a value, and waits until there is one.
    ///
    /// # Errors
    ///
    /// If there is none and all senders are gone.
    #[track_caller]
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_by(None).map_err(|_| RecvError)
    }

    /// Receives a value if there is one.
    ///
    /// # Errors
    ///
    /// If there is none, with whether all senders are gone.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut value = MaybeUninit::uninit();
        // SAFETY: there is room.
        match unsafe { self.0.try_move(Side::Receiving, value.as_mut_ptr()) } {
            // SAFETY: so it was moved there.
            Moved::Yes => Ok(unsafe { value.assume_init() }),
            Moved::NotYet => Err(TryRecvError::Empty),
            Moved::Never => Err(TryRecvError::Disconnected),
        }
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
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        // What is there takes no look at the clock.
        match self.try_recv() {
            Ok(value) => Ok(value),
            Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => self.recv_by(prim::after(timeout)),
        }
    }

    /// As [`recv`](Self::recv), but waits no longer than until then.
    ///
    /// # Errors
    ///
    /// As of [`recv_timeout`](Self::recv_timeout).
    #[track_caller]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_by(prim::at(deadline.into()))
    }

    #[track_caller]
    fn recv_by(&self, deadline: Deadline) -> Result<T, RecvTimeoutError> {
        let mut value = MaybeUninit::uninit();
        // SAFETY: there is room.
        let moved = unsafe {
            let reason = Reason::to("receive");
            self.0
                .move_until(Side::Receiving, value.as_mut_ptr(), reason, deadline)
        };
        match moved {
            // SAFETY: so it was moved there.
            Moved::Yes => Ok(unsafe { value.assume_init() }),
            Moved::NotYet => Err(RecvTimeoutError::Timeout),
            Moved::Never => Err(RecvTimeoutError::Disconnected),
        }
    }

    /// Receiving a value, as one of several things of which one is to come to pass.
    pub fn receiving(&self) -> Receiving<'_, T> {
        Receiving::new(self)
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
