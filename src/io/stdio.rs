//! Standard input, output and error.

use core::fmt;

use embedded_io::{ErrorType, Read, Write};

use super::{send, write_all};
use crate::arch;
use crate::sync::{Mutex, MutexGuard};
use crate::sys::{self, BorrowedFd, Errno, Result, STDERR, STDIN, STDOUT};

/// Standard input. Unbuffered: a read is a system call.
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

/// Standard error. Unbuffered: a write is a system call, or more.
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

/// Bytes that standard output collects before it writes.
const BUFFER_SIZE: usize = 8192;

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
    /// Takes all of `bytes` and writes out what it must, or with `flush` all.
    fn take(&mut self, bytes: &[u8], flush: bool) -> Result<()> {
        let mut bytes = bytes.iter();
        let mut ends_line = false;
        loop {
            while let Some(place) = self.bytes.get_mut(self.end)
                && let Some(&byte) = bytes.next()
            {
                *place = byte;
                self.end += 1;
                ends_line |= byte == b'\n';
            }
            let full = self.end == BUFFER_SIZE;
            if full || flush || (ends_line && self.flushes_lines()) {
                self.flush()?;
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

    /// Writes the buffer out, and keeps what an error leaves.
    fn flush(&mut self) -> Result<()> {
        // SAFETY: end is never more than the size.
        let held = unsafe { self.bytes.get_unchecked(..self.end) };
        send(STDOUT, held, &mut self.start)?;
        (self.start, self.end) = (0, 0);
        Ok(())
    }
}

/// The buffer, in a program that writes it out when it exits.
#[inline(always)]
fn lock() -> MutexGuard<'static, Buffer> {
    arch::require!("freestand_flush_stdout");
    BUFFER.lock()
}

/// Prints `bytes`; with none, writes out what the buffer holds. If that fails text
/// is lost, and the process ends with a message and `status`, or 1 instead of 0.
#[inline(never)]
pub(super) fn print(bytes: &[u8], status: u8) {
    if let Err(errno) = lock().take(bytes, bytes.is_empty()) {
        fail(errno, status.max(1));
    }
}

arch::exit_piece!("90.flush_stdout", "freestand_flush_stdout", flush_at_exit);

extern "C" fn flush_at_exit(status: u8) -> u8 {
    print(b"", status);
    status
}

/// Says on standard error that standard output could not be written, and ends the
/// process.
///
/// The number is formatted here: a program that prints nothing but literals
/// carries no core::fmt for this.
#[cold]
fn fail(errno: Errno, status: u8) -> ! {
    // The line's end in the lowest byte, and each digit goes below the last.
    let mut line_end = u64::from(b'\n');
    let mut len = 1;
    let mut code = errno.code();
    while code != 0 {
        line_end = line_end << 8 | u64::from(b'0' + (code % 10) as u8);
        len += 1;
        code /= 10;
    }
    // An error here has nobody left to hear of it but the exit status.
    let _ = sys::write(STDERR, b"standard output: os error ");
    let _ = sys::write(STDERR, line_end.to_le_bytes().get(..len).unwrap_or_default());
    sys::exit_group(status.into())
}

/// Flushes standard output as well as it goes, unless a thread is at it.
pub(crate) fn flush_if_free() {
    if let Some(mut buffer) = BUFFER.try_lock() {
        // Whoever calls this is about to abort, which tells of a failure.
        let _ = buffer.flush();
    }
}

impl ErrorType for Stdin {
    type Error = Errno;
}

impl Read for Stdin {
    /// Reads what is there, at most `buf.len()` bytes; 0 at the end: see
    /// [`sys::read`]. Like std's, it does not retry after `EINTR`.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        sys::read(STDIN, buf)
    }
}

impl Stdin {
    /// The descriptor.
    pub const fn as_fd(&self) -> BorrowedFd<'static> {
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
            buffer.flush()?;
        }
        let now = &bytes[..bytes.len().min(BUFFER_SIZE - buffer.end)];
        // An error now keeps them in the buffer: they are taken, and the next
        // write will hear of it.
        let _ = buffer.take(now, false);
        Ok(now.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        lock().take(bytes, false)
    }

    fn flush(&mut self) -> Result<()> {
        lock().take(b"", true)
    }
}

impl Stdout {
    /// The descriptor. What is written to it goes past the buffer: flush first.
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
