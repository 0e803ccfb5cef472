//! Standard input, output and error, and the macros that print.
//!
//! [`Read`] and [`Write`] are embedded-io's traits, so that the `no_std`
//! ecosystem's crates work on what is here.
//!
//! A write to standard output or error goes on after a short write and after
//! `EINTR`. What fails is the caller's to see: as an `Err` from the [`Write`]
//! methods; from [`print!`](crate::print), which returns nothing, and from the flush
//! at exit, as a message on standard error and the end of the process with status
//! 1; from [`eprint!`](crate::eprint), which has no place left to complain, as a
//! status of 1 instead of 0. No text is lost with status 0.

mod buf_reader;
mod buf_writer;
mod copy;
mod descriptor;
mod digits;
mod error;
#[cfg(feature = "alloc")]
mod ext;
mod pipe;
mod print;
mod stdio;
#[cfg(test)]
mod tests;
mod ufmt;

pub use buf_reader::BufReader;
pub use buf_writer::{BufWriter, IntoInnerError, LineWriter};
pub use copy::{CopyError, copy, copy_buffered};
pub use descriptor::read_exact;
pub(crate) use descriptor::{reader, writer};
pub use digits::{Digits, Integer, decimal, hex};
pub use embedded_io::{
    BufRead, Error, ErrorKind, ErrorType, Read, ReadExactError, Seek, SeekFrom, SliceWriteError,
    Write, WriteFmtError,
};
use error::is_interruption;
pub use error::retry;
#[cfg(feature = "alloc")]
pub use ext::{BufReadExt, Lines, ReadExt};
pub use pipe::{PipeReader, PipeWriter, pipe};
pub use print::print_str;
#[doc(hidden)]
pub use print::{_eprint, _print};
pub(crate) use stdio::flush_if_free;
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};
pub use ufmt_write::uWrite;

use crate::sys::{self, BorrowedFd, Errno, Result};

/// How much a buffer holds that nobody has told.
const BUFFER_SIZE: usize = 8192;

/// Writes all of `bytes` to `fd`, past any buffer: goes on after a short write and
/// after `EINTR`.
///
/// # Errors
///
/// Those of [`sys::write`] but `EINTR`; `EIO` for a descriptor that takes nothing
/// and does not say why. How much was written before is not told.
pub fn write_all(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<()> {
    send(fd, bytes, &mut 0)
}

/// Writes `bytes` from `sent` on, as [`write_all`] does, and moves `sent` on by
/// what was written, also before an error.
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8], sent: &mut usize) -> Result<()> {
    while *sent < bytes.len() {
        // SAFETY: `sent` is less than the length, by the condition above.
        let rest = unsafe { bytes.get_unchecked(*sent..) };
        match sys::write(fd, rest) {
            Ok(0) => return Err(Errno::EIO),
            Ok(written) => *sent += written,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
