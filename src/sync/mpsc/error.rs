//! What can go wrong, in std's words.

use core::error::Error;
use core::fmt;

/// The receiver is gone: what was to be sent comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// A value cannot be sent at once: it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room; in a channel without any, nobody is receiving.
    Full(T),
    /// The receiver is gone.
    Disconnected(T),
}

/// All senders are gone, and with them all that they sent was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

/// There is nothing to receive at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// Nothing yet.
    Empty,
    /// All senders are gone.
    Disconnected,
}

/// There is nothing to receive in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// Nothing yet.
    Timeout,
    /// All senders are gone.
    Disconnected,
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> TrySendError<T> {
        TrySendError::Disconnected(error.0)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(_: RecvError) -> TryRecvError {
        TryRecvError::Disconnected
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(_: RecvError) -> RecvTimeoutError {
        RecvTimeoutError::Disconnected
    }
}

/// Values need not be `Debug` for the errors to be.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "TrySendError::Full(..)",
            TrySendError::Disconnected(_) => "TrySendError::Disconnected(..)",
        })
    }
}

/// Says an error's text, and makes it an error.
macro_rules! texts {
    ($([$($t:ident)?] $error:ty { $($pattern:pat => $text:literal),* })*) => {$(
        impl$(<$t>)? fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($pattern => $text),* })
            }
        }

        impl$(<$t>)? Error for $error {}
    )*};
}

texts! {
    [T] SendError<T> {
        SendError(_) => "sending on a closed channel"
    }
    [T] TrySendError<T> {
        TrySendError::Full(_) => "sending on a full channel",
        TrySendError::Disconnected(_) => "sending on a closed channel"
    }
    [] RecvError {
        RecvError => "receiving on a closed channel"
    }
    [] TryRecvError {
        TryRecvError::Empty => "receiving on an empty channel",
        TryRecvError::Disconnected => "receiving on a closed channel"
    }
    [] RecvTimeoutError {
        RecvTimeoutError::Timeout => "timed out waiting on channel",
        RecvTimeoutError::Disconnected => "channel is empty and sending half is closed"
    }
}
