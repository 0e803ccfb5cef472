//! Standard input, output and error.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use embedded_io::{ErrorType, Write};

use super::descriptor::reader;
use super::{BUFFER_SIZE, send, write_all};
use crate::arch;
use crate::sync::{Mutex, MutexGuard};
use crate::sys::{self, AsFd, BorrowedFd, Errno, Result, STDERR, STDIN, STDOUT};

/// Standard input. Unbuffered: a read is a system call. Who reads it by the line puts
/// a [`BufReader`](super::BufReader) around it, and keeps that: it reads ahead.
/// Async-signal-safe.
#[derive(Clone, Copy, Debug)]
pub struct Stdin(());

/// Standard output. All handles share one buffer, which is written out when it is
/// full, at the end of each line if it is a terminal, and at exit.
///
/// A write that fails keeps in the buffer what has not gone out, so a later flush
/// may still save it.
///
/// Each write takes a lock, so none may happen in a signal handler.
#[derive(Clone, Copy, Debug)]
pub struct Stdout(());

/// Standard error. Unbuffered: a write is a system call, or more. Async-signal-safe.
#[derive(Clone, Copy, Debug)]
pub struct Stderr(());

/// The process's standard input.
pub const fn stdin() -> Stdin {
    Stdin(())
}

/// The process's standard output.
pub const fn stdout() -> Stdout {
    Stdout(())
}

/// The process's standard error.
pub const fn stderr() -> Stderr {
    Stderr(())
}

/// What standard output has been given and has not written: `bytes[start..end]`.
struct Buffer {
    bytes: [u8; BUFFER_SIZE],
    start: usize,
    end: usize,
    line_end: LineEnd,
}

/// What the end of a line does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    /// Not known before the first one.
    Unknown,
    /// It empties the buffer: a terminal, where somebody reads along.
    Flushes,
    /// Nothing: a file or a pipe, where fewer system calls are better.
    Stays,
}

static BUFFER: Mutex<Buffer> = Mutex::new(Buffer {
    bytes: [0; BUFFER_SIZE],
    start: 0,
    end: 0,
    line_end: LineEnd::Unknown,
});

impl Buffer {
    /// Takes all of `bytes`, and writes out what it must, or with `flush` all.
    ///
    /// All of it is one loop around one `write`: this is most of a program that
    /// only prints.
    fn take(&mut self, mut bytes: &[u8], flush: bool) -> Result<()> {
        let mut ends_line = false;
        loop {
            let mut end = self.end;
            while let [byte, rest @ ..] = bytes
                && let Some(place) = self.bytes.get_mut(end)
            {
                *place = *byte;
                end += 1;
                bytes = rest;
                ends_line |= *byte == b'\n';
            }
            self.end = end;
            let full = !bytes.is_empty();
            if full || flush || (ends_line && self.flushes_lines()) {
                // SAFETY: end is never more than the size.
                let held = unsafe { self.bytes.get_unchecked(..end) };
                send(STDOUT, held, &mut self.start)?;
                (self.start, self.end) = (0, 0);
            }
            if !full {
                return Ok(());
            }
        }
    }

    fn flushes_lines(&mut self) -> bool {
        if self.line_end == LineEnd::Unknown {
            self.line_end = match sys::isatty(STDOUT) {
                true => LineEnd::Flushes,
                false => LineEnd::Stays,
            };
        }
        self.line_end == LineEnd::Flushes
    }
}

/// The buffer, in a program that writes it out when it exits.
#[inline(always)]
fn lock() -> MutexGuard<'static, Buffer> {
    arch::require!("freestand_flush_stdout");
    BUFFER.lock()
}

/// Prints `bytes`; with none, writes out what the buffer holds. If that fails text
/// is lost, and the process ends with a message and status 1.
///
/// Which error it was, only the [`Write`] methods tell: with the words for that,
/// each program that prints would be twice as large.
#[inline(never)]
pub(super) fn print(bytes: &[u8]) {
    if lock().take(bytes, bytes.is_empty()).is_err() {
        // A failure of this has nobody left to hear of it but the status.
        let _ = sys::write(STDERR, b"failed to write standard output\n");
        sys::exit_group(1)
    }
}

arch::exit_piece!("90.stdout", "freestand_flush_stdout", flush_at_exit);

extern "C" fn flush_at_exit(status: u8) -> u8 {
    print(b"");
    status
}

/// Whether something that was printed to standard error did not get there.
static STDERR_LOST: AtomicBool = AtomicBool::new(false);

arch::exit_piece!("80.stderr", "freestand_check_stderr", check_at_exit);

/// Makes a success a failure if text for standard error was lost.
extern "C" fn check_at_exit(status: u8) -> u8 {
    status.max(STDERR_LOST.load(Ordering::Relaxed).into())
}

/// Notes that text for standard error was lost. There is no place to say so, and
/// a program that cannot complain may still do its work: only its status tells.
#[cold]
pub(super) fn lose_stderr() {
    arch::require!("freestand_check_stderr");
    STDERR_LOST.store(true, Ordering::Relaxed);
}

/// Flushes standard output as well as it goes, unless a thread is at it.
pub(crate) fn flush_if_free() {
    if let Some(mut buffer) = BUFFER.try_lock() {
        // Whoever calls this is about to abort, which tells of a failure.
        let _ = buffer.take(b"", true);
    }
}

impl ErrorType for Stdin {
    type Error = Errno;
}

reader!([] Stdin);

impl Stdin {
    /// The descriptor.
    pub const fn as_fd(&self) -> BorrowedFd<'static> {
        STDIN
    }
}

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        STDIN
    }
}

impl ErrorType for Stdout {
    type Error = Errno;
}

impl Write for Stdout {
    /// Takes as many bytes as the buffer has room for, which is at least one.
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut buffer = lock();
        if buffer.end == BUFFER_SIZE {
            buffer.take(b"", true)?;
        }
        let now = &bytes[..bytes.len().min(BUFFER_SIZE - buffer.end)];
        // An error now keeps them in the buffer: they are taken, and the next
        // write will hear of it.
        let _ = buffer.take(now, false);
        Ok(now.len())
    }

    /// Takes all bytes. What would fill the buffer by itself goes past it.
    ///
    /// After an error it is not known how many were taken.
    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        let mut buffer = lock();
        if bytes.len() < BUFFER_SIZE {
            return buffer.take(bytes, false);
        }
        buffer.take(b"", true)?;
        write_all(STDOUT, bytes)
    }

    fn flush(&mut self) -> Result<()> {
        lock().take(b"", true)
    }
}

impl Stdout {
    /// The descriptor. What is written to it goes past the buffer: flush first. That
    /// is easily forgotten, so there is no [`AsFd`] that does it unseen.
    pub const fn as_fd(&self) -> BorrowedFd<'static> {
        STDOUT
    }
}

impl ErrorType for Stderr {
    type Error = Errno;
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut sent = 0;
        match send(STDERR, bytes, &mut sent) {
            Err(errno) if sent == 0 => Err(errno),
            _ => Ok(sent),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        write_all(STDERR, bytes)
    }

    /// Nothing to do: nothing is held back.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Stderr {
    /// The descriptor.
    pub const fn as_fd(&self) -> BorrowedFd<'static> {
        STDERR
    }
}

impl AsFd for Stderr {
    fn as_fd(&self) -> BorrowedFd<'_> {
        STDERR
    }
}

/// core's formatting, for whoever wants `write!` with these: an error becomes
/// [`fmt::Error`], which says no more than that there was one.
macro_rules! format_into {
    ($($stream:ty),*) => {$(
        impl fmt::Write for $stream {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.write_all(text.as_bytes()).map_err(|_| fmt::Error)
            }
        }
    )*};
}

format_into!(Stdout, Stderr);
