//! Descriptors as readers and writers.

use embedded_io::{ErrorType, Read, ReadExactError};
use linux_raw_sys::general::PIPE_BUF;

use super::retry;
use crate::sys::hook::{self, Attempt, Interest, Waited};
use crate::sys::{
    self, BorrowedFd, Errno, OwnedFd, PollFd, PollFlags, RawFd, Result, Timespec, raw,
};

/// Whether a call would not have to wait, as far as can be known before it is made: a look,
/// for what cannot be asked not to wait.
fn look(fd: BorrowedFd<'_>, interest: Interest) -> Attempt {
    let events = match interest {
        Interest::Read => PollFlags::IN,
        Interest::Write => PollFlags::OUT,
    };
    let mut fds = [PollFd::new(fd, events)];
    match raw::ppoll(&mut fds, Some(&mut Timespec::default()), None) {
        Ok(0) => Attempt::Again,
        // What an error is, the call says.
        _ => Attempt::Done,
    }
}

/// Has a task wait until the descriptor is ready, without its thread; then the next call
/// need not wait, unless somebody else makes it first. Whether that is so: otherwise it is the
/// call that waits, and who calls is no task.
///
/// # Errors
///
/// `EAGAIN` if nothing waits (`O_NONBLOCK`) or a timeout of the descriptor's own is over,
/// `ETIMEDOUT` if the deadline is, `EBADF` if it was closed meanwhile.
#[inline(always)]
#[track_caller]
pub(crate) fn wait_until(
    fd: BorrowedFd<'_>,
    interest: Interest,
    deadline: Option<Timespec>,
) -> Result<bool> {
    match hook::waits() {
        true => poll_until(fd, interest, deadline),
        false => Ok(false),
    }
}

#[inline(never)]
#[track_caller]
fn poll_until(fd: BorrowedFd<'_>, interest: Interest, deadline: Option<Timespec>) -> Result<bool> {
    match hook::wait(fd, interest, deadline, &mut || look(fd, interest)) {
        Waited::Done => Ok(true),
        Waited::Call => Ok(false),
        Waited::Failed(errno) => Err(errno),
    }
}

/// Reads once: read(2), for which a task's thread does not wait.
///
/// # Errors
///
/// Those of [`sys::read`].
#[inline(always)]
#[track_caller]
pub(crate) fn read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    wait_until(fd, Interest::Read, None)?;
    sys::read(fd, buf)
}

/// Writes once: write(2), for which a task's thread does not wait. What a task writes to a
/// pipe in one call is no more than there is room for.
///
/// # Errors
///
/// Those of [`sys::write`].
#[inline(always)]
#[track_caller]
pub(crate) fn write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize> {
    let most = match wait_until(fd, Interest::Write, None)? {
        // pipe(7): a pipe is ready to be written when so many bytes fit.
        true => buf.len().min(PIPE_BUF as usize),
        false => buf.len(),
    };
    sys::write(fd, buf.get(..most).unwrap_or_default())
}

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
) -> core::result::Result<(), ReadExactError<R::Error>> {
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
#[inline(always)]
#[track_caller]
pub(crate) fn read_u64(fd: BorrowedFd<'_>) -> Result<u64> {
    let mut bytes = [0; size_of::<u64>()];
    if read(fd, &mut bytes)? < bytes.len() {
        return Err(Errno::EINVAL);
    }
    Ok(u64::from_ne_bytes(bytes))
}

/// Makes a type that is `AsFd` a reader: `reader!([generics] type)`, or one that is read by
/// another function than [`sys::read`]: `reader!([generics] type, by function)`.
///
/// A read is one read(2), which like std's does not go on after `EINTR`;
/// `read_exact` does.
macro_rules! reader {
    ([$($generics:tt)*] $type:ty) => {
        $crate::io::reader!([$($generics)*] $type, by $crate::sys::read);
    };
    ([$($generics:tt)*] $type:ty, by $read:path) => {
        impl<$($generics)*> ::embedded_io::Read for $type {
            /// Reads what is there, at most `buf.len()` bytes; 0 at the end: see
            /// [`sys::read`](crate::sys::read).
            #[inline]
            #[track_caller]
            fn read(&mut self, buf: &mut [u8]) -> $crate::sys::Result<usize> {
                $crate::arch::needs_fast_calls();
                $read($crate::sys::AsFd::as_fd(self), buf)
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

/// Makes a type that is `AsFd` a writer: `writer!([generics] type)`, or one that is written
/// by another function than [`sys::write`]: `writer!([generics] type, by function)`.
///
/// A write is one write(2), which like std's does not go on after `EINTR`;
/// `write_all` does.
macro_rules! writer {
    ([$($generics:tt)*] $type:ty) => {
        $crate::io::writer!([$($generics)*] $type, by $crate::sys::write);
    };
    ([$($generics:tt)*] $type:ty, by $write:path) => {
        impl<$($generics)*> ::embedded_io::Write for $type {
            /// Writes some of `buf`, at least one byte: see
            /// [`sys::write`](crate::sys::write). A descriptor that takes nothing
            /// and does not say why is `EIO`.
            #[inline]
            #[track_caller]
            fn write(&mut self, buf: &[u8]) -> $crate::sys::Result<usize> {
                $crate::arch::needs_fast_calls();
                match $write($crate::sys::AsFd::as_fd(self), buf) {
                    Ok(0) if !buf.is_empty() => Err($crate::sys::Errno::EIO),
                    result => result,
                }
            }

            #[track_caller]
            fn write_all(&mut self, buf: &[u8]) -> $crate::sys::Result<()> {
                let fd = $crate::sys::AsFd::as_fd(self);
                $crate::io::send_by(|rest| $write(fd, rest), buf, &mut 0)
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
