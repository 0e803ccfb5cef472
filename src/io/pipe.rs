//! Pipes, as std has them.

use embedded_io::ErrorType;

use super::descriptor::{reader, writer};
use crate::sys::{self, AsFd, BorrowedFd, Errno, OwnedFd, PipeFlags, RawFd, Result};

/// The least number that is none of a standard stream, even if that is closed.
const BESIDE_STANDARD: RawFd = 3;

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

/// What both ends are.
macro_rules! end {
    ($type:ident) => {
        impl $type {
            /// Another descriptor for the same end.
            ///
            /// # Errors
            ///
            /// `EMFILE` if there are too many descriptors.
            pub fn try_clone(&self) -> Result<$type> {
                sys::fcntl_dupfd_cloexec(self.as_fd(), BESIDE_STANDARD).map($type)
            }
        }

        impl AsFd for $type {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl From<OwnedFd> for $type {
            fn from(fd: OwnedFd) -> $type {
                $type(fd)
            }
        }

        impl From<$type> for OwnedFd {
            fn from(end: $type) -> OwnedFd {
                end.0
            }
        }

        impl ErrorType for $type {
            type Error = Errno;
        }
    };
}

end!(PipeReader);
end!(PipeWriter);
reader!([] PipeReader);
writer!([] PipeWriter);
