//! Writing through a buffer.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr;

use embedded_io::{ErrorType, Seek, SeekFrom, Write};

use super::{BUFFER_SIZE, retry};
use crate::sys::Errno;

/// A writer with a buffer of `N` bytes, which is part of it: many small writes become
/// few large ones to `inner`.
///
/// What could not be written stays in the buffer, so that a later flush may still
/// save it, and what was written is never written again. Each write to `inner` that a
/// signal interrupted is made again.
///
/// When it is dropped it writes what it holds, and an error of that is lost, as
/// std's is: [`flush`](Write::flush) or [`into_inner`](BufWriter::into_inner) tells.
/// `process::exit` does not drop it.
pub struct BufWriter<W: Write, const N: usize = BUFFER_SIZE> {
    inner: W,
    /// What has been given and has not been written: `bytes[start..end]`.
    start: usize,
    end: usize,
    /// Whether `inner` is at work: if it panics, nobody knows what it has written.
    writing: bool,
    bytes: [u8; N],
}

impl<W: Write> BufWriter<W> {
    /// A writer to `inner` with a buffer of 8 KiB.
    pub const fn new(inner: W) -> Self {
        Self::with_capacity(inner)
    }
}

impl<W: Write, const N: usize> BufWriter<W, N> {
    /// A writer to `inner` with a buffer of `N` bytes:
    /// `BufWriter::<_, 512>::with_capacity(inner)`.
    pub const fn with_capacity(inner: W) -> Self {
        const { assert!(N > 0, "a buffer has at least one byte") };
        BufWriter {
            inner,
            start: 0,
            end: 0,
            writing: false,
            bytes: [0; N],
        }
    }

    /// What it writes to.
    pub const fn get_ref(&self) -> &W {
        &self.inner
    }

    /// What it writes to. Writing to that directly goes past the buffer: flush first.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// What has been given and has not been written.
    pub fn buffer(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// How much the buffer holds at most.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Writes what the buffer holds, and gives back what it wrote to.
    ///
    /// # Errors
    ///
    /// That of `inner`, and with it the writer, which still holds what is not
    /// written.
    pub fn into_inner(mut self) -> Result<W, IntoInnerError<Self, W::Error>> {
        match self.write_out() {
            Ok(()) => Ok(self.abandon()),
            Err(error) => Err(IntoInnerError {
                writer: self,
                error,
            }),
        }
    }

    /// Gives back what it wrote to, and forgets what the buffer holds: see
    /// [`buffer`](BufWriter::buffer).
    pub fn abandon(self) -> W {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used any more, and its drop, which would use `inner`
        // and drop it, does not happen.
        unsafe { ptr::read(&this.inner) }
    }

    /// Writes what the buffer holds, but does not flush `inner`.
    ///
    /// # Panics
    ///
    /// If `inner` takes nothing and calls that a success, which embedded-io forbids.
    fn write_out(&mut self) -> Result<(), W::Error> {
        while let Some(held @ [_, ..]) = self.bytes.get(self.start..self.end) {
            self.writing = true;
            let result = retry(|| self.inner.write(held));
            self.writing = false;
            let written = result?;
            assert!(written > 0, "write() returned Ok(0)");
            self.start += written;
        }
        (self.start, self.end) = (0, 0);
        Ok(())
    }

    /// Whether `bytes` go past the buffer. Makes room for them if they do not.
    fn makes_way(&mut self, bytes: &[u8]) -> Result<bool, W::Error> {
        if bytes.len() > N - self.end {
            self.write_out()?;
        }
        Ok(bytes.len() >= N)
    }

    /// Takes `bytes`, for which there is room.
    fn hold(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        for (place, &byte) in room.iter_mut().zip(bytes) {
            *place = byte;
        }
        self.end += bytes.len();
    }
}

impl<W: Write, const N: usize> Drop for BufWriter<W, N> {
    fn drop(&mut self) {
        if !self.writing {
            // An error is reachable through `flush` and `into_inner`; a drop has
            // nobody to tell.
            let _ = self.write_out();
        }
    }
}

impl<W: Write, const N: usize> ErrorType for BufWriter<W, N> {
    type Error = W::Error;
}

impl<W: Write, const N: usize> Write for BufWriter<W, N> {
    /// Takes all of `buf` if it is shorter than the buffer; what is not goes to
    /// `inner`, past the buffer, after what that holds.
    fn write(&mut self, buf: &[u8]) -> Result<usize, W::Error> {
        if self.makes_way(buf)? {
            return self.inner.write(buf);
        }
        self.hold(buf);
        Ok(buf.len())
    }

    /// Takes all of `buf`: see [`write`](Write::write).
    ///
    /// After an error it is not known how much of a `buf` that went past the buffer
    /// was written; of one that is shorter than the buffer, nothing was taken.
    fn write_all(&mut self, buf: &[u8]) -> Result<(), W::Error> {
        if self.makes_way(buf)? {
            return self.inner.write_all(buf);
        }
        self.hold(buf);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), W::Error> {
        self.write_out()?;
        self.inner.flush()
    }
}

impl<W: Write + Seek, const N: usize> Seek for BufWriter<W, N> {
    /// Writes what the buffer holds, and then goes to `pos`.
    fn seek(&mut self, pos: SeekFrom) -> Result<u64, W::Error> {
        self.write_out()?;
        self.inner.seek(pos)
    }
}

impl<W: Write + fmt::Debug, const N: usize> fmt::Debug for BufWriter<W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufWriter")
            .field("inner", &self.inner)
            .field("held", &self.buffer().len())
            .finish()
    }
}

/// A writer with a buffer that is written at the end of each line, for somebody who
/// reads along. Otherwise as [`BufWriter`], which it is made of.
pub struct LineWriter<W: Write, const N: usize = BUFFER_SIZE> {
    lines: BufWriter<W, N>,
}

impl<W: Write> LineWriter<W> {
    /// A writer to `inner` with a buffer of 8 KiB.
    pub const fn new(inner: W) -> Self {
        Self::with_capacity(inner)
    }
}

impl<W: Write, const N: usize> LineWriter<W, N> {
    /// A writer to `inner` with a buffer of `N` bytes:
    /// `LineWriter::<_, 512>::with_capacity(inner)`.
    pub const fn with_capacity(inner: W) -> Self {
        LineWriter {
            lines: BufWriter::with_capacity(inner),
        }
    }

    /// What it writes to.
    pub const fn get_ref(&self) -> &W {
        self.lines.get_ref()
    }

    /// What it writes to. Writing to that directly goes past the buffer: flush first.
    pub const fn get_mut(&mut self) -> &mut W {
        self.lines.get_mut()
    }

    /// What has been given and has not been written.
    pub fn buffer(&self) -> &[u8] {
        self.lines.buffer()
    }

    /// Writes what the buffer holds, and gives back what it wrote to.
    ///
    /// # Errors
    ///
    /// That of `inner`, and with it the writer, which still holds what is not
    /// written.
    pub fn into_inner(self) -> Result<W, IntoInnerError<Self, W::Error>> {
        self.lines.into_inner().map_err(|failed| IntoInnerError {
            writer: LineWriter {
                lines: failed.writer,
            },
            error: failed.error,
        })
    }

    /// Gives back what it wrote to, and forgets what the buffer holds.
    pub fn abandon(self) -> W {
        self.lines.abandon()
    }
}

/// The lines that `bytes` ends, and what begins after them.
fn split_lines(bytes: &[u8]) -> (&[u8], &[u8]) {
    let ended = bytes.iter().rposition(|&byte| byte == b'\n');
    bytes
        .split_at_checked(ended.map_or(0, |at| at + 1))
        .unwrap_or_default()
}

impl<W: Write, const N: usize> ErrorType for LineWriter<W, N> {
    type Error = W::Error;
}

impl<W: Write, const N: usize> Write for LineWriter<W, N> {
    /// Takes what of `buf` is whole lines, and writes them; if none is, takes all.
    fn write(&mut self, buf: &[u8]) -> Result<usize, W::Error> {
        let (lines, rest) = split_lines(buf);
        if lines.is_empty() {
            // A line may have stayed because of an error.
            if self.buffer().contains(&b'\n') {
                self.lines.write_out()?;
            }
            return self.lines.write(rest);
        }
        let taken = self.lines.write(lines)?;
        // An error now keeps them in the buffer: they are taken, and the next write
        // will hear of it.
        let _ = self.lines.write_out();
        Ok(taken)
    }

    /// Takes all of `buf`, and writes what of it is whole lines.
    ///
    /// After an error it is not known how much was taken.
    fn write_all(&mut self, buf: &[u8]) -> Result<(), W::Error> {
        let (lines, rest) = split_lines(buf);
        if !lines.is_empty() {
            self.lines.write_all(lines)?;
            self.lines.write_out()?;
        }
        self.lines.write_all(rest)
    }

    fn flush(&mut self) -> Result<(), W::Error> {
        self.lines.flush()
    }
}

impl<W: Write + fmt::Debug, const N: usize> fmt::Debug for LineWriter<W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineWriter")
            .field("inner", self.get_ref())
            .field("held", &self.buffer().len())
            .finish()
    }
}

/// What [`BufWriter::into_inner`] and [`LineWriter::into_inner`] fail with: the error,
/// and the writer, which still holds what is not written.
pub struct IntoInnerError<B, E> {
    writer: B,
    error: E,
}

impl<B, E> IntoInnerError<B, E> {
    /// Why not all was written.
    pub const fn error(&self) -> &E {
        &self.error
    }

    /// Why not all was written. The writer is dropped, which tries once more.
    pub fn into_error(self) -> E {
        self.error
    }

    /// The writer.
    pub fn into_inner(self) -> B {
        self.writer
    }
}

impl<B, E: fmt::Debug> fmt::Debug for IntoInnerError<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoInnerError").field(&self.error).finish()
    }
}

impl<B, E: fmt::Display> fmt::Display for IntoInnerError<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<B, E: core::error::Error> core::error::Error for IntoInnerError<B, E> {}

impl<B, E: embedded_io::Error> embedded_io::Error for IntoInnerError<B, E> {
    fn kind(&self) -> embedded_io::ErrorKind {
        self.error.kind()
    }
}

/// The error alone, so that `?` works. The writer is dropped, which tries once more.
impl<B, E: Into<Errno>> From<IntoInnerError<B, E>> for Errno {
    fn from(failed: IntoInnerError<B, E>) -> Errno {
        failed.error.into()
    }
}
