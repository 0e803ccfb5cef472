//! Descriptors as readers and writers.

use embedded_io::{ErrorType, Read, ReadExactError};

use super::retry;
use crate::sys::{self, BorrowedFd, Errno, OwnedFd, RawFd};

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

/// The number that a read of an eventfd or a timerfd gives.
///
/// # Errors
///
/// Those of [`sys::read`]; `EINVAL` if `fd` is neither and gives less.
pub(crate) fn read_u64(fd: BorrowedFd<'_>) -> sys::Result<u64> {
    let mut bytes = [0; size_of::<u64>()];
    if sys::read(fd, &mut bytes)? < bytes.len() {
        return Err(Errno::EINVAL);
    }
    Ok(u64::from_ne_bytes(bytes))
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

/// The least number that is none of a standard stream, even if that is closed: where
/// another descriptor for the same thing goes.
pub(crate) const BESIDE_STANDARD: RawFd = 3;

/// Makes a type that is a new type around an `OwnedFd` what all such are: it lends its
/// descriptor, is made of one and becomes one, and there can be another for the same.
macro_rules! owner {
    ($type:ident) => {
        impl $type {
            /// Another descriptor for the same: `F_DUPFD_CLOEXEC` of fcntl(2).
            ///
            /// # Errors
            ///
            /// `EMFILE` if there are too many descriptors.
            pub fn try_clone(&self) -> $crate::sys::Result<$type> {
                let least = $crate::io::BESIDE_STANDARD;
                $crate::sys::fcntl_dupfd_cloexec(self.0.as_fd(), least).map($type)
            }
        }

        impl $crate::sys::AsFd for $type {
            fn as_fd(&self) -> $crate::sys::BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl From<$crate::sys::OwnedFd> for $type {
            fn from(fd: $crate::sys::OwnedFd) -> $type {
                $type(fd)
            }
        }

        impl From<$type> for $crate::sys::OwnedFd {
            fn from(owner: $type) -> $crate::sys::OwnedFd {
                owner.0
            }
        }
    };
}

pub(crate) use {owner, reader, writer};

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
