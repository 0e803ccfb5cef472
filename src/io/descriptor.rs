//! Descriptors as readers and writers.

use embedded_io::{ErrorType, Read, ReadExactError};

use super::retry;
use crate::sys::{BorrowedFd, Errno, OwnedFd};

/// Fills `buf`, as [`Read::read_exact`] does, and goes on after `EINTR`, as that of
/// embedded-io does not.
///
/// # Errors
///
/// `UnexpectedEof` if the end comes first; those of `read`, but `EINTR`. How much
/// was read before is not told.
pub fn read_exact<R: Read + ?Sized>(
    reader: &mut R,
    mut buf: &mut [u8],
) -> Result<(), ReadExactError<R::Error>> {
    while !buf.is_empty() {
        match retry(|| reader.read(buf))? {
            0 => return Err(ReadExactError::UnexpectedEof),
            // No reader reads more than it was asked for.
            read => buf = buf.get_mut(read..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// Makes a type that is `AsFd` a reader: `reader!([generics] type)`.
///
/// A read is one read(2), which like std's does not go on after `EINTR`;
/// `read_exact` does.
macro_rules! reader {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> ::embedded_io::Read for $type {
            /// Reads what is there, at most `buf.len()` bytes; 0 at the end: see
            /// [`sys::read`](crate::sys::read).
            #[inline]
            fn read(&mut self, buf: &mut [u8]) -> $crate::sys::Result<usize> {
                $crate::arch::needs_fast_calls();
                $crate::sys::read($crate::sys::AsFd::as_fd(self), buf)
            }

            fn read_exact(
                &mut self,
                buf: &mut [u8],
            ) -> ::core::result::Result<(), ::embedded_io::ReadExactError<Self::Error>> {
                $crate::io::read_exact(self, buf)
            }
        }
    };
}

/// Makes a type that is `AsFd` a writer: `writer!([generics] type)`.
///
/// A write is one write(2), which like std's does not go on after `EINTR`;
/// `write_all` does.
macro_rules! writer {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> ::embedded_io::Write for $type {
            /// Writes some of `buf`, at least one byte: see
            /// [`sys::write`](crate::sys::write). A descriptor that takes nothing
            /// and does not say why is `EIO`.
            #[inline]
            fn write(&mut self, buf: &[u8]) -> $crate::sys::Result<usize> {
                $crate::arch::needs_fast_calls();
                match $crate::sys::write($crate::sys::AsFd::as_fd(self), buf) {
                    Ok(0) if !buf.is_empty() => Err($crate::sys::Errno::EIO),
                    result => result,
                }
            }

            fn write_all(&mut self, buf: &[u8]) -> $crate::sys::Result<()> {
                $crate::io::write_all($crate::sys::AsFd::as_fd(self), buf)
            }

            /// Nothing to do: nothing is held back.
            #[inline]
            fn flush(&mut self) -> $crate::sys::Result<()> {
                Ok(())
            }
        }
    };
}

pub(crate) use {reader, writer};

impl ErrorType for BorrowedFd<'_> {
    type Error = Errno;
}

reader!(['fd] BorrowedFd<'fd>);
writer!(['fd] BorrowedFd<'fd>);

impl ErrorType for OwnedFd {
    type Error = Errno;
}

reader!([] OwnedFd);
writer!([] OwnedFd);
