//! What std's readers can do and embedded-io's cannot, because it allocates.

use alloc::string::String;
use alloc::vec::Vec;

use embedded_io::{BufRead, Read};

use super::{BUFFER_SIZE, is_interruption, retry};
use crate::mem;
use crate::sys::{Errno, Result};

/// What every [`Read`] can do whose error is an [`Errno`] or becomes one.
pub trait ReadExt: Read<Error: Into<Errno>> {
    /// Reads to the end, and appends it to `bytes`. Returns how much that was.
    ///
    /// # Errors
    ///
    /// Those of `read`, but `EINTR`, after which it goes on; `ENOMEM` if there is no
    /// memory. What came before is appended.
    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> Result<usize> {
        let before = bytes.len();
        let mut end = before;
        let result = fill(self, bytes, &mut end);
        bytes.truncate(end);
        result.map(|()| end - before)
    }

    /// Reads to the end, and appends it to `text`. Returns how many bytes that was.
    ///
    /// # Errors
    ///
    /// `EILSEQ` if it is no UTF-8, and then `text` is as before; those of
    /// [`read_to_end`](ReadExt::read_to_end).
    fn read_to_string(&mut self, text: &mut String) -> Result<usize> {
        append(text, |bytes| self.read_to_end(bytes))
    }
}

impl<R: Read<Error: Into<Errno>> + ?Sized> ReadExt for R {}

/// What every [`BufRead`] can do whose error is an [`Errno`] or becomes one.
///
/// [`BufReader::next_until`](super::BufReader::next_until) needs no allocation.
pub trait BufReadExt: BufRead<Error: Into<Errno>> {
    /// Reads up to and including `delimiter`, or to the end, and appends it to
    /// `bytes`. Returns how much that was: 0 at the end only.
    ///
    /// # Errors
    ///
    /// As for [`ReadExt::read_to_end`].
    fn read_until(&mut self, delimiter: u8, bytes: &mut Vec<u8>) -> Result<usize> {
        let mut read = 0;
        loop {
            let held = match self.fill_buf() {
                Ok(held) => held,
                Err(error) if is_interruption(&error) => continue,
                Err(error) => return Err(error.into()),
            };
            let found = mem::find(held, delimiter);
            let piece = found.and_then(|at| held.get(..=at)).unwrap_or(held);
            let done = found.is_some() || held.is_empty();
            reserve(bytes, piece.len())?;
            bytes.extend_from_slice(piece);
            let length = piece.len();
            self.consume(length);
            read += length;
            if done {
                return Ok(read);
            }
        }
    }

    /// Reads a line, with the `\n` at its end if there is one, and appends it to
    /// `text`. Returns how many bytes that was: 0 at the end only.
    ///
    /// # Errors
    ///
    /// As for [`ReadExt::read_to_string`]. A line that is no UTF-8 is passed over.
    fn read_line(&mut self, text: &mut String) -> Result<usize> {
        append(text, |bytes| self.read_until(b'\n', bytes))
    }

    /// The lines, each without the `\n` or `\r\n` at its end.
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        Lines { reader: self }
    }
}

impl<R: BufRead<Error: Into<Errno>> + ?Sized> BufReadExt for R {}

/// What [`BufReadExt::lines`] returns.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
}

impl<R: BufRead<Error: Into<Errno>>> Iterator for Lines<R> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => {
                if line.ends_with('\n') {
                    line.pop();
                    if line.ends_with('\r') {
                        line.pop();
                    }
                }
                Some(Ok(line))
            }
            Err(errno) => Some(Err(errno)),
        }
    }
}

/// Makes room for `more` bytes.
fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<()> {
    bytes.try_reserve(more).map_err(|_| Errno::ENOMEM)
}

/// Reads all that `reader` has to give to `bytes`, from `end` on, and moves `end` on
/// by what was read, also before an error. What is behind it then is nothing.
fn fill<R: Read<Error: Into<Errno>> + ?Sized>(
    reader: &mut R,
    bytes: &mut Vec<u8>,
    end: &mut usize,
) -> Result<()> {
    loop {
        if *end == bytes.capacity() {
            // The caller may have made as much room as was needed, and then twice as
            // much would be a waste: look whether there is more at all.
            let mut probe = [0; 32];
            let read = retry(|| reader.read(&mut probe)).map_err(Into::into)?;
            let Some(more @ [_, ..]) = probe.get(..read) else {
                return Ok(());
            };
            reserve(bytes, BUFFER_SIZE)?;
            bytes.extend_from_slice(more);
            *end += more.len();
        }
        // Each byte becomes 0 once, since a reader may look at what it is to fill.
        bytes.resize(bytes.capacity(), 0);
        let room = bytes.get_mut(*end..).unwrap_or_default();
        match retry(|| reader.read(room)).map_err(Into::into)? {
            0 => return Ok(()),
            read => *end = bytes.len().min(*end + read),
        }
    }
}

/// Appends to `text` what `read` appends to its bytes, if that is UTF-8.
fn append(text: &mut String, read: impl FnOnce(&mut Vec<u8>) -> Result<usize>) -> Result<usize> {
    let before = text.len();
    let mut bytes = core::mem::take(text).into_bytes();
    let mut result = read(&mut bytes);
    *text = String::from_utf8(bytes).unwrap_or_else(|error| {
        result = result.and(Err(Errno::EILSEQ));
        let mut bytes = error.into_bytes();
        bytes.truncate(before);
        // As far as that it was a text already.
        String::from_utf8(bytes).unwrap_or_default()
    });
    result
}
