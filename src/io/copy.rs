//! From one descriptor, or one reader, to another.

use core::fmt;

use embedded_io::{BufRead, Error, ErrorKind, Write};

use super::without_sigpipe;
use super::{is_interruption, retry, write_all};
use crate::sys::{self, AsFd, BorrowedFd, Errno, Result, SocketOption, SpliceFlags, Whence};

/// What one system call is asked to copy: so much that one is enough for most files,
/// and so little that no position overflows.
const MOST: usize = 1 << 30;

/// What goes through memory at a time. With 128 KiB, as GNU cat has them, a copy to a
/// pipe takes a tenth less time; but a task's stack may be small.
const BUFFER_SIZE: usize = 32 << 10;

/// Copies all that `reader` has to give to `writer`, from where both are on. Returns
/// how much that was.
///
/// The kernel does it, if it can do it for these two without a copy through the
/// program's memory:
///
/// | from | to | by |
/// |---|---|---|
/// | a file | a file of the same file system | copy_file_range(2), which may share the data on the disk |
/// | a file | another file, a device | sendfile(2) |
/// | a pipe, a socket | a pipe | splice(2) |
/// | a pipe | whatever takes it | splice(2) |
/// | whatever | whatever | read(2) and write(2) |
///
/// If one of them does not take these descriptors, or takes them no further, the next
/// goes on from there. A file goes to a pipe or a socket through memory: the kernel
/// would send its pages themselves, and a later change of the file would be seen by
/// whoever reads late. Who wants that uses [`sys::sendfile`].
///
/// It takes 32 KiB of the stack, and goes on after `EINTR`. It goes past the buffer of
/// [`Stdout`](super::Stdout): flush that first.
///
/// # Errors
///
/// Those of reading and writing, and of the calls above. How much was copied before is
/// not told, but files' positions tell. `EAGAIN` if a descriptor does not wait and has
/// nothing to give or no room; in the latter case up to 32 KiB may have been read and
/// not written. `EPIPE` if nobody will read what is written: a pipe's SIGPIPE comes first,
/// a socket's does not come.
pub fn copy(reader: impl AsFd, writer: impl AsFd) -> Result<u64> {
    let (reader, writer) = (reader.as_fd(), writer.as_fd());
    // The calls below cannot say that they want no SIGPIPE, as send can.
    match sys::socket_option(writer, SocketOption::TYPE) {
        Err(Errno::ENOTSOCK) => copy_descriptor(reader, writer),
        _ => without_sigpipe(|| copy_descriptor(reader, writer)),
    }
}

/// As [`copy`], to what is no socket.
pub(crate) fn copy_descriptor(reader: BorrowedFd<'_>, writer: BorrowedFd<'_>) -> Result<u64> {
    let mut copied = 0;
    // It believes how long a file says that it is, and some of /proc say 0: that it is
    // at the end, the next must find too.
    go_on(&mut copied, || {
        sys::copy_file_range(reader, None, writer, None, MOST, 0)
    })?;
    let position = |fd| sys::lseek(fd, 0, Whence::CUR);
    let done = position(writer).is_ok()
        && go_on(&mut copied, || sys::sendfile(writer, reader, None, MOST))?
        || position(reader) == Err(Errno::ESPIPE)
            && go_on(&mut copied, || {
                sys::splice(reader, None, writer, None, MOST, SpliceFlags::empty())
            })?;
    if !done {
        copy_through_memory(&mut copied, reader, writer)?;
    }
    Ok(copied)
}

/// Copies by `call`, which says how much it has copied, and adds that to `copied`.
/// Returns whether the end is reached; otherwise the call does not take the
/// descriptors.
fn go_on(copied: &mut u64, mut call: impl FnMut() -> Result<usize>) -> Result<bool> {
    loop {
        match retry(&mut call) {
            Ok(0) => return Ok(true),
            Ok(now) => *copied += now as u64,
            Err(errno) if is_refusal(errno) => return Ok(false),
            Err(errno) => return Err(errno),
        }
    }
}

/// Whether a call that copies in the kernel says by this that it does not take the
/// descriptors, so that another may.
fn is_refusal(errno: Errno) -> bool {
    matches!(
        errno,
        // The kernel does not have it, or a filter forbids it.
        Errno::ENOSYS | Errno::EPERM
        // Not from or to something of that kind; two file systems.
        | Errno::EINVAL | Errno::EOPNOTSUPP | Errno::ESPIPE | Errno::EXDEV
        // A target that is appended to, or a descriptor that is not open, as the next
        // will say.
        | Errno::EBADF
        // Swap files, and positions close to the last.
        | Errno::ETXTBSY | Errno::EOVERFLOW
    )
}

#[inline(never)]
fn copy_through_memory(
    copied: &mut u64,
    reader: BorrowedFd<'_>,
    writer: BorrowedFd<'_>,
) -> Result<()> {
    let mut buffer = [0; BUFFER_SIZE];
    loop {
        let read = retry(|| sys::read(reader, &mut buffer))?;
        match buffer.get(..read).unwrap_or_default() {
            [] => return Ok(()),
            bytes => write_all(writer, bytes)?,
        }
        *copied += read as u64;
    }
}

/// Copies all that `reader` has to give to `writer`, through the reader's own buffer
/// ([`BufReader`](super::BufReader)). Returns how much that was. `writer` is not
/// flushed.
///
/// It goes on after `EINTR`. What could not be written stays in `reader`.
///
/// # Errors
///
/// The reader's or the writer's, and which of them it was.
///
/// # Panics
///
/// If `writer` takes nothing and calls that a success, which embedded-io forbids.
pub fn copy_buffered<R: BufRead + ?Sized, W: Write + ?Sized>(
    reader: &mut R,
    writer: &mut W,
) -> core::result::Result<u64, CopyError<R::Error, W::Error>> {
    let mut copied = 0;
    loop {
        let held @ [_, ..] = (match reader.fill_buf() {
            Ok(held) => held,
            Err(error) if is_interruption(&error) => continue,
            Err(error) => return Err(CopyError::Read(error)),
        }) else {
            return Ok(copied);
        };
        let written = retry(|| writer.write(held)).map_err(CopyError::Write)?;
        assert!(written > 0, "write() returned Ok(0)");
        reader.consume(written);
        copied += written as u64;
    }
}

/// Which side of a copy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyError<R, W> {
    /// The reader.
    Read(R),
    /// The writer.
    Write(W),
}

impl<R: fmt::Display, W: fmt::Display> fmt::Display for CopyError<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CopyError::Read(error) => error.fmt(f),
            CopyError::Write(error) => error.fmt(f),
        }
    }
}

impl<R: core::error::Error, W: core::error::Error> core::error::Error for CopyError<R, W> {}

impl<R: Error, W: Error> Error for CopyError<R, W> {
    fn kind(&self) -> ErrorKind {
        match self {
            CopyError::Read(error) => error.kind(),
            CopyError::Write(error) => error.kind(),
        }
    }
}

/// The error, whichever side it was.
impl<R: Into<Errno>, W: Into<Errno>> From<CopyError<R, W>> for Errno {
    fn from(error: CopyError<R, W>) -> Errno {
        match error {
            CopyError::Read(error) => error.into(),
            CopyError::Write(error) => error.into(),
        }
    }
}
