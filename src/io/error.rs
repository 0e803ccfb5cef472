//! Errors of readers and writers: which mean "again", and how they become an
//! [`Errno`].

use core::convert::Infallible;

use embedded_io::{Error, ErrorKind, ReadExactError, SliceWriteError, WriteFmtError};

use crate::sys::Errno;

/// Makes the call again for as long as it fails because a signal came (`EINTR`).
///
/// # Errors
///
/// Those of the call, but that one.
#[inline(always)]
pub fn retry<T, E: Error>(mut call: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    loop {
        match call() {
            Err(error) if is_interruption(&error) => {}
            result => return result,
        }
    }
}

/// Whether the call is to be made again.
#[inline(always)]
pub(super) fn is_interruption(error: &impl Error) -> bool {
    error.kind() == ErrorKind::Interrupted
}

/// What cannot fail has no error.
impl From<Infallible> for Errno {
    fn from(never: Infallible) -> Errno {
        match never {}
    }
}

/// A slice that is full is as a device that is: `ENOSPC`.
impl From<SliceWriteError> for Errno {
    fn from(_: SliceWriteError) -> Errno {
        Errno::ENOSPC
    }
}

/// An end that came too early is `ENODATA`.
impl<E: Into<Errno>> From<ReadExactError<E>> for Errno {
    fn from(error: ReadExactError<E>) -> Errno {
        match error {
            ReadExactError::UnexpectedEof => Errno::ENODATA,
            ReadExactError::Other(error) => error.into(),
        }
    }
}

/// An implementation of `Display` or `Debug` that failed by itself is `EINVAL`.
impl<E: Into<Errno>> From<WriteFmtError<E>> for Errno {
    fn from(error: WriteFmtError<E>) -> Errno {
        match error {
            WriteFmtError::FmtError => Errno::EINVAL,
            WriteFmtError::Other(error) => error.into(),
        }
    }
}
