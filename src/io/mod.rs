//! Reading, writing and printing: std's names over the traits of embedded-io.
//!
//! [`Read`], [`Write`], [`Seek`] and [`BufRead`] are embedded-io's, so that the `no_std`
//! ecosystem's crates work on what is here: on [`Stdin`], [`Stdout`] and [`Stderr`], on
//! [pipes](pipe), and on descriptors themselves ([`BorrowedFd`],
//! [`OwnedFd`](crate::sys::OwnedFd)). embedded-io itself makes slices readers and
//! writers, and with the feature `alloc` a `Vec` a writer.
//!
//! # What to use
//!
//! | for | |
//! |---|---|
//! | many small reads, or lines | [`BufReader`]; [`BufReader::next_until`] lends a line without a copy |
//! | many small writes | [`BufWriter`], or [`LineWriter`] if somebody reads along; [`Stdout`] has its own buffer |
//! | all that there is, as a `Vec` or `String`; lines as `String`s | [`ReadExt`], [`BufReadExt`] (feature `alloc`) |
//! | from one descriptor to another | [`copy`], in the kernel where it can |
//! | from any reader to any writer | [`copy_buffered`] |
//! | many transfers at once, without a system call for each | [`uring`] |
//! | a counter that threads or processes wait for | [`EventFd`] |
//! | whichever of several descriptors is ready | [`poll`](poll()); [`Epoll`] for very many |
//! | standard input by the line | `BufReader::new(stdin())`, made once and kept: it reads ahead |
//!
//! Buffers are arrays within the reader or writer: nothing allocates that does not
//! return a `Vec` or a `String`.
//!
//! # Errors
//!
//! `read` and `write` are one system call and tell of `EINTR`, as std's do. All that is
//! done by several goes on after it, and after a short transfer: `read_exact`,
//! `write_all`, flushing, copying. (What embedded-io provides for other readers and
//! writers does not: [`read_exact`] and [`retry`] are for those.)
//!
//! What fails is the caller's to see: as an `Err` from the methods; from
//! [`print!`](crate::print), which returns nothing, and from the flush at exit, as a
//! message on standard error and the end of the process with status 1; from
//! [`eprint!`](crate::eprint), which has no place left to complain, as a status of 1
//! instead of 0. No text is lost with status 0.
//!
//! Errors of readers and writers that are not the kernel's become an [`Errno`] by `?`:
//! a slice that is full `ENOSPC`, an end that came too early `ENODATA`, a failure of a
//! `Display` `EINVAL`.
//!
//! # Tasks
//!
//! A task ([`task`](crate::task)) that reads or writes a pipe, an [`EventFd`], a
//! [`TimerFd`](crate::time::TimerFd), an [`Inotify`](crate::fs::Inotify) or a socket does not
//! keep its thread while it waits, and its wait is not ended by a signal. One write to a pipe
//! takes at most 4096 bytes then. All else waits in the call, as does [`copy`]; the scheduler
//! has another thread go on meanwhile.
//!
//! # Signal handlers
//!
//! What reads or writes a descriptor without a buffer is async-signal-safe
//! ([`signal`](crate::signal)): [`Stdin`], [`Stderr`], pipes, descriptors themselves,
//! [`write_all`], [`read_exact`] and [`retry`] with them, [`copy`]; so are [`decimal`] and
//! [`hex`]. What has a buffer is not: a handler may find it half changed, and
//! [`Stdout`]'s, which all share, locked.
//!
//! # What printing costs
//!
//! Of a release program for x86_64, the whole file in bytes:
//!
//! | prints | by | |
//! |---|---|---|
//! | a literal | `println!("Hello, world!")` | 1024 |
//! | an integer | [`decimal`] or [`hex`], and [`print_str`] | 1208 |
//! | an integer | ufmt's `uwriteln!`, whose [`uWrite`] these streams are | 1464 |
//! | an integer | `println!("n = {n}")`: core's formatting, which all further ones share | 7072 |
//!
//! (`tests/programs/src/bin/print_number_*.rs`. The last has a memcpy of 1 KiB, which the
//! feature `small-mem` makes a small one. The crate itoa costs as much as core's
//! formatting does where the optimizer is asked for small code: it keeps a panic, and
//! with it the formatting of its message.)

mod buf_reader;
mod buf_writer;
mod copy;
mod descriptor;
mod digits;
mod error;
mod eventfd;
#[cfg(feature = "alloc")]
mod ext;
mod pipe;
mod poll;
mod print;
mod sigpipe;
mod stdio;
#[cfg(test)]
mod tests;
mod ufmt;
pub mod uring;

pub use buf_reader::BufReader;
pub use buf_writer::{BufWriter, IntoInnerError, LineWriter};
pub(crate) use copy::copy_descriptor;
pub use copy::{CopyError, copy, copy_buffered};
pub use descriptor::read_exact;
pub(crate) use descriptor::{
    BESIDE_STANDARD, owner, read, read_u64, reader, wait_until, write, writer,
};
pub use digits::{Digits, Integer, decimal, hex};
pub use embedded_io::{
    BufRead, Error, ErrorKind, ErrorType, Read, ReadExactError, Seek, SeekFrom, SliceWriteError,
    Write, WriteFmtError,
};
use error::is_interruption;
pub use error::retry;
pub use eventfd::EventFd;
#[cfg(feature = "alloc")]
pub use ext::{BufReadExt, Lines, ReadExt};
pub use pipe::{PipeReader, PipeWriter, pipe};
pub use poll::{Epoll, poll};
pub use print::print_str;
#[doc(hidden)]
pub use print::{_eprint, _print};
pub(crate) use sigpipe::without_sigpipe;
pub(crate) use stdio::flush_if_free;
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};
pub use ufmt_write::uWrite;

use crate::sys::{self, BorrowedFd, Errno, Result};
pub use crate::sys::{EpollEvent, EpollFlags, PollFd, PollFlags};

/// How much a buffer holds that nobody has told.
const BUFFER_SIZE: usize = 8192;

/// Writes all of `bytes` to `fd`, past any buffer: goes on after a short write and
/// after `EINTR`. Async-signal-safe.
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
    send_by(|rest| sys::write(fd, rest), bytes, sent)
}

/// [`send`], by this call.
#[track_caller]
pub(crate) fn send_by(
    mut write: impl FnMut(&[u8]) -> Result<usize>,
    bytes: &[u8],
    sent: &mut usize,
) -> Result<()> {
    while *sent < bytes.len() {
        // SAFETY: `sent` is less than the length, by the condition above.
        let rest = unsafe { bytes.get_unchecked(*sent..) };
        match write(rest) {
            Ok(0) => return Err(Errno::EIO),
            Ok(written) => *sent += written,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
