//! Sends texts through pipes and checks what comes out.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use core::str;

use freestand::io::{
    self, BufReadExt, BufReader, BufWriter, LineWriter, PipeReader, PipeWriter, Read,
    ReadExactError, ReadExt, Write,
};
use freestand::sys::{self, AsFd, Errno, FdFlags, OwnedFd, PipeFlags};

freestand::entry!(main);

fn main() -> Result<(), Errno> {
    an_end_is_seen_when_no_writer_is_left()?;
    it_is_closed_by_execve()?;
    a_line_comes_when_it_is_written()?;
    a_buffer_that_cannot_be_written_is_kept()?;
    descriptors_read_and_write()?;
    from_pipe_to_pipe()
}

fn an_end_is_seen_when_no_writer_is_left() -> Result<(), Errno> {
    let (mut reader, mut writer) = io::pipe()?;
    let mut other = writer.try_clone()?;
    writer.write_all(b"one ")?;
    drop(writer);
    other.write_all(b"two")?;
    drop(other);
    let mut text = String::new();
    assert_eq!(reader.read_to_string(&mut text), Ok(7));
    assert_eq!(text, "one two");
    assert_eq!(reader.read(&mut [0; 4]), Ok(0));
    let missing = reader.read_exact(&mut [0; 4]);
    assert_eq!(missing, Err(ReadExactError::UnexpectedEof));
    Ok(())
}

fn it_is_closed_by_execve() -> Result<(), Errno> {
    let (reader, writer) = io::pipe()?;
    let other = reader.try_clone()?;
    for end in [reader.as_fd(), writer.as_fd(), other.as_fd()] {
        assert_eq!(sys::fcntl_getfd(end)?, FdFlags::CLOEXEC);
        assert!(end.as_raw_fd() > 2);
    }
    Ok(())
}

fn a_line_comes_when_it_is_written() -> Result<(), Errno> {
    let (reader, writer) = io::pipe()?;
    let mut reader = BufReader::<_, 64>::with_capacity(reader);
    let mut writer = LineWriter::<_, 64>::with_capacity(writer);
    for (piece, line) in [
        ("one\n", "one\n"),
        ("two\nth", "two\n"),
        ("ree\n", "three\n"),
    ] {
        writer.write_all(piece.as_bytes())?;
        assert_eq!(reader.next_until(b'\n')?, line.as_bytes());
    }
    writer.write_all(b"four")?;
    drop(writer);
    let mut line = String::new();
    assert_eq!((reader.read_line(&mut line)?, &*line), (4, "four"));
    assert_eq!(reader.read_line(&mut line)?, 0);
    Ok(())
}

/// The pipe does not wait, and is full.
fn a_buffer_that_cannot_be_written_is_kept() -> Result<(), Errno> {
    let [reader, writer] = sys::pipe2(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let (mut reader, writer) = (PipeReader::from(reader), PipeWriter::from(writer));
    let mut writer = BufWriter::<_, 4096>::with_capacity(writer);
    let mut taken = 0;
    // Each piece is 16 bytes, so the buffer is full when it is written.
    let errno = loop {
        match write!(writer, "{taken:015}\n") {
            Ok(()) => taken += 1,
            Err(error) => break Errno::from(error),
        }
    };
    assert_eq!(errno, Errno::EAGAIN);
    let failed = writer.into_inner().unwrap_err();
    assert_eq!(failed.error(), &Errno::EAGAIN);
    let writer = failed.into_inner();
    assert_eq!(writer.buffer().len(), 4096);

    let mut page = [0; 4096];
    reader.read_exact(&mut page)?;
    drop(writer.into_inner()?);
    let mut seen = 0;
    let mut rest = BufReader::<_, 4096>::with_capacity(&page[..]);
    let mut check = |line: &[u8]| {
        let number = str::from_utf8(line)
            .ok()
            .and_then(|line| line.trim_end().parse().ok());
        assert_eq!(number, Some(seen));
        seen += 1;
    };
    loop {
        match rest.next_until(b'\n') {
            Ok([]) => break,
            Ok(line) => check(line),
        }
    }
    let mut rest = BufReader::<_, 4096>::with_capacity(reader);
    loop {
        match rest.next_until(b'\n')? {
            [] => break,
            line => check(line),
        }
    }
    assert_eq!(seen, taken);
    Ok(())
}

fn descriptors_read_and_write() -> Result<(), Errno> {
    let (reader, writer) = io::pipe()?;
    let (mut reader, mut writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
    writer.write_all(b"one ")?;
    writer.as_fd().write_all(b"two")?;
    assert_eq!(writer.write(b"")?, 0);
    let mut bytes = [0; 4];
    reader.as_fd().read_exact(&mut bytes)?;
    assert_eq!(&bytes, b"one ");
    assert_eq!(reader.read(&mut bytes)?, 3);
    assert_eq!(&bytes, b"two ");
    // The wrong way round.
    assert_eq!(reader.write(b"a"), Err(Errno::EBADF));
    assert_eq!(writer.read(&mut bytes), Err(Errno::EBADF));
    Ok(())
}

fn from_pipe_to_pipe() -> Result<(), Errno> {
    let (from, mut filler) = io::pipe()?;
    let (mut reader, to) = io::pipe()?;
    filler.write_all(b"through two pipes")?;
    drop(filler);
    assert_eq!(io::copy(&from, &to)?, 17);
    drop(to);
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    assert_eq!(text, "through two pipes");
    Ok(())
}
