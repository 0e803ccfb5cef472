//! Reading through a buffer.

use core::fmt;

use embedded_io::{BufRead, ErrorType, Read, ReadExactError, Seek, SeekFrom};

use super::{BUFFER_SIZE, read_exact, retry};
use crate::mem;

/// A reader with a buffer of `N` bytes, which is part of it: many small reads become
/// few large ones of `inner`.
///
/// What it has read ahead is lost when it goes.
pub struct BufReader<R, const N: usize = BUFFER_SIZE> {
    inner: R,
    /// What has been read and not been taken: `bytes[start..end]`.
    start: usize,
    end: usize,
    bytes: [u8; N],
}

impl<R> BufReader<R> {
    /// A reader of `inner` with a buffer of 8 KiB.
    pub const fn new(inner: R) -> Self {
        Self::with_capacity(inner)
    }
}

impl<R, const N: usize> BufReader<R, N> {
    /// A reader of `inner` with a buffer of `N` bytes:
    /// `BufReader::<_, 512>::with_capacity(inner)`.
    pub const fn with_capacity(inner: R) -> Self {
        const { assert!(N > 0, "a buffer has at least one byte") };
        BufReader {
            inner,
            start: 0,
            end: 0,
            bytes: [0; N],
        }
    }

    /// What it reads from.
    pub const fn get_ref(&self) -> &R {
        &self.inner
    }

    /// What it reads from. Reading that directly passes over what the buffer holds.
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// What it reads from. What the buffer holds is lost.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// What the buffer holds. Nothing is read.
    pub fn buffer(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// How much the buffer holds at most.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Forgets what the buffer holds.
    fn discard(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}

impl<R: Read, const N: usize> BufReader<R, N> {
    /// Everything up to and including the next `delimiter`: lent from the buffer,
    /// without a copy.
    ///
    /// If it does not end with `delimiter`, it is all that there was before the end,
    /// or, if it has `N` bytes, a piece: the rest is still to come. It is empty at
    /// the end only.
    ///
    /// ```ignore
    /// let mut input = BufReader::new(stdin());
    /// loop {
    ///     match input.next_until(b'\n')? {
    ///         [] => break,
    ///         line => use_line(line),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `inner`, but `EINTR`, after which it goes on. What it had read stays
    /// in the buffer.
    pub fn next_until(&mut self, delimiter: u8) -> Result<&[u8], R::Error> {
        let mut searched = 0;
        let length = loop {
            let fresh = self.buffer().get(searched..).unwrap_or_default();
            if let Some(at) = mem::find(fresh, delimiter) {
                break searched + at + 1;
            }
            searched += fresh.len();
            if searched == N {
                break N;
            }
            if self.read_more()? == 0 {
                break searched;
            }
        };
        let start = self.start;
        self.start += length;
        Ok(self.bytes.get(start..self.start).unwrap_or_default())
    }

    /// Reads behind what the buffer holds, which moves to its beginning. Returns how
    /// much.
    fn read_more(&mut self) -> Result<usize, R::Error> {
        // Always so, but for the optimizer, which then leaves out the panic.
        let in_order = self.start <= self.end && self.end <= N;
        if self.start > 0 && in_order {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        let (most, read) = (room.len(), retry(|| self.inner.read(room))?);
        // No reader reads more than it was asked for.
        self.end += read.min(most);
        Ok(read)
    }
}

impl<R: ErrorType, const N: usize> ErrorType for BufReader<R, N> {
    type Error = R::Error;
}

impl<R: Read, const N: usize> Read for BufReader<R, N> {
    /// Reads what the buffer holds, which it fills if it is empty; into a `buf` that
    /// is no smaller, past the buffer.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, R::Error> {
        if self.start == self.end && buf.len() >= N {
            // What was taken is not behind the position any more.
            self.discard();
            return self.inner.read(buf);
        }
        let read = self
            .fill_buf()?
            .read(buf)
            .unwrap_or_else(|never| match never {});
        self.consume(read);
        Ok(read)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> Result<(), ReadExactError<R::Error>> {
        read_exact(self, buf)
    }
}

impl<R: Read, const N: usize> BufRead for BufReader<R, N> {
    fn fill_buf(&mut self) -> Result<&[u8], R::Error> {
        if self.start == self.end {
            let read = self.inner.read(&mut self.bytes)?;
            (self.start, self.end) = (0, read.min(N));
        }
        Ok(self.buffer())
    }

    fn consume(&mut self, amt: usize) {
        self.start = self.end.min(self.start.saturating_add(amt));
    }
}

impl<R: Seek, const N: usize> Seek for BufReader<R, N> {
    /// Goes to `pos`, where `Current` counts from what has been taken. What the
    /// buffer holds is forgotten; [`seek_relative`](Seek::seek_relative) keeps it if
    /// it can.
    fn seek(&mut self, pos: SeekFrom) -> Result<u64, R::Error> {
        let position = match pos {
            SeekFrom::Current(offset) => {
                let ahead = self.buffer().len() as i64;
                match offset.checked_sub(ahead) {
                    Some(offset) => self.inner.seek(SeekFrom::Current(offset))?,
                    // Too far for one step.
                    None => {
                        self.inner.seek(SeekFrom::Current(-ahead))?;
                        self.discard();
                        self.inner.seek(SeekFrom::Current(offset))?
                    }
                }
            }
            _ => self.inner.seek(pos)?,
        };
        self.discard();
        Ok(position)
    }

    fn stream_position(&mut self) -> Result<u64, R::Error> {
        let position = self.inner.stream_position()?;
        // Somebody else may have moved it: it is not behind what was read by much.
        Ok(position.saturating_sub(self.buffer().len() as u64))
    }

    fn seek_relative(&mut self, offset: i64) -> Result<(), R::Error> {
        let start = self.start as i64 + offset.clamp(-(N as i64) - 1, N as i64 + 1);
        match usize::try_from(start) {
            Ok(start) if start <= self.end => self.start = start,
            _ => drop(self.seek(SeekFrom::Current(offset))?),
        }
        Ok(())
    }
}

impl<R: fmt::Debug, const N: usize> fmt::Debug for BufReader<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufReader")
            .field("inner", &self.inner)
            .field("held", &self.buffer().len())
            .finish()
    }
}
