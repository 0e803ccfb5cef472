//! Pipes, as std has them.

use embedded_io::ErrorType;

use super::descriptor::{owner, reader, writer};
use crate::sys::{self, Errno, OwnedFd, PipeFlags, Result};

/// A new pipe: what is written to the second comes out of the first, which is at its
/// end when no writer is open any more. Neither survives execve.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` if there are too many descriptors.
pub fn pipe() -> Result<(PipeReader, PipeWriter)> {
    let [reader, writer] = sys::pipe2(PipeFlags::CLOEXEC)?;
    Ok((PipeReader(reader), PipeWriter(writer)))
}

/// The end of a pipe that is read.
#[derive(Debug)]
pub struct PipeReader(OwnedFd);

/// The end of a pipe that is written.
#[derive(Debug)]
pub struct PipeWriter(OwnedFd);

owner!(PipeReader);
owner!(PipeWriter);

impl ErrorType for PipeReader {
    type Error = Errno;
}

impl ErrorType for PipeWriter {
    type Error = Errno;
}

reader!([] PipeReader, by crate::io::read);
writer!([] PipeWriter, by crate::io::write);
