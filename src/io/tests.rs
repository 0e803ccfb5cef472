//! Readers and writers over streams that give and take as little as they please, are
//! interrupted, fail and panic: what comes out is always what went in.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;
use std::vec::Vec;

use super::*;

/// Numbers that look like chance, the same in each run.
struct Chance(u32);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % end
    }
}

/// What a stream does at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Moves so many bytes at most.
    Move(usize),
    Fail(Errno),
    Panic,
}

/// A file that reads and writes by steps, and then without limits.
#[derive(Debug, Default)]
struct Stream {
    bytes: Vec<u8>,
    position: usize,
    steps: VecDeque<Step>,
    calls: usize,
    flushes: usize,
}

impl Stream {
    fn of(bytes: &[u8], steps: &[Step]) -> Stream {
        Stream {
            bytes: bytes.to_vec(),
            steps: steps.iter().copied().collect(),
            ..Stream::default()
        }
    }

    fn step(&mut self, wanted: usize) -> Result<usize> {
        self.calls += 1;
        match self.steps.pop_front() {
            Some(Step::Move(most)) => Ok(wanted.min(most)),
            Some(Step::Fail(errno)) => Err(errno),
            Some(Step::Panic) => panic!("a step"),
            None => Ok(wanted),
        }
    }
}

impl ErrorType for Stream {
    type Error = Errno;
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let read = self.step(buf.len().min(self.bytes.len() - self.position))?;
        buf[..read].copy_from_slice(&self.bytes[self.position..][..read]);
        self.position += read;
        Ok(read)
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> Result<usize> {
        let written = self.step(buf.len())?;
        self.bytes.extend_from_slice(&buf[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.flushes += 1;
        Ok(())
    }
}

impl Seek for Stream {
    fn seek(&mut self, pos: SeekFrom) -> Result<u64> {
        let position = match pos {
            SeekFrom::Start(offset) => offset as i64,
            SeekFrom::End(offset) => self.bytes.len() as i64 + offset,
            SeekFrom::Current(offset) => self.position as i64 + offset,
        };
        self.position = usize::try_from(position).map_err(|_| Errno::EINVAL)?;
        Ok(position as u64)
    }
}

const INTERRUPTED: Step = Step::Fail(Errno::EINTR);

/// Steps by chance: short, interrupted, and with `failures` also failing.
fn steps(chance: &mut Chance, failures: bool) -> Vec<Step> {
    let step = |_| match chance.below(8) {
        0 | 1 => INTERRUPTED,
        2 if failures => Step::Fail(Errno::EIO),
        most => Step::Move(most),
    };
    (0..200).map(step).collect()
}

/// Lines of different lengths, one of them without its end.
fn text() -> Vec<u8> {
    let lines = (0..40_usize).map(|number| "x".repeat(number % 11));
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

/// Reads in all ways, by chance, and compares with what is in memory.
fn read_by_chance<const N: usize>(seed: u32) {
    let (mut chance, all) = (Chance(seed), text());
    let steps = steps(&mut chance, false);
    let mut reader = BufReader::<_, N>::with_capacity(Stream::of(&all, &steps));
    let mut taken = 0;
    while taken < all.len() {
        let rest = &all[taken..];
        let mut buf = [0; 12];
        let buf = &mut buf[..1 + chance.below(12)];
        taken += match chance.below(6) {
            0 => {
                let read = retry(|| reader.read(buf)).unwrap();
                assert_eq!(buf[..read], rest[..read]);
                assert!(read > 0);
                read
            }
            1 => match reader.read_exact(buf) {
                Ok(()) => {
                    assert_eq!(buf, &rest[..buf.len()]);
                    buf.len()
                }
                Err(error) => {
                    assert_eq!(error, ReadExactError::UnexpectedEof);
                    assert!(rest.len() < buf.len());
                    rest.len()
                }
            },
            2 => {
                let piece = reader.next_until(b'\n').unwrap();
                let line = rest.split_inclusive(|&byte| byte == b'\n').next().unwrap();
                assert_eq!(piece, &line[..line.len().min(N)]);
                piece.len()
            }
            3 => {
                let mut line = b"before".to_vec();
                let read = reader.read_until(b'\n', &mut line).unwrap();
                let expected = rest.split_inclusive(|&byte| byte == b'\n').next();
                assert_eq!(&line[6..], expected.unwrap());
                read
            }
            4 => {
                let to = chance.below(all.len());
                let by = to as i64 - taken as i64;
                if chance.below(2) == 0 {
                    reader.seek_relative(by).unwrap();
                } else {
                    assert_eq!(reader.seek(SeekFrom::Current(by)), Ok(to as u64));
                    assert_eq!(reader.buffer(), b"");
                }
                taken = to;
                0
            }
            _ => {
                assert_eq!(reader.stream_position(), Ok(taken as u64));
                0
            }
        };
    }
    assert_eq!(reader.next_until(b'\n'), Ok(&b""[..]));
}

#[test]
fn a_buffered_reader_is_its_stream() {
    for seed in 0..50 {
        read_by_chance::<1>(seed);
        read_by_chance::<2>(seed);
        read_by_chance::<7>(seed);
        read_by_chance::<64>(seed);
        read_by_chance::<8192>(seed);
    }
}

#[test]
fn an_error_of_reading_loses_nothing() {
    let steps = [Step::Move(2), Step::Fail(Errno::EIO)];
    let mut reader = BufReader::<_, 16>::with_capacity(Stream::of(b"abcd\nef", &steps));
    assert_eq!(reader.next_until(b'\n'), Err(Errno::EIO));
    assert_eq!(reader.buffer(), b"ab");
    assert_eq!(reader.next_until(b'\n'), Ok(&b"abcd\n"[..]));
    let mut bytes = Vec::new();
    reader.get_mut().steps = [Step::Fail(Errno::EIO)].into();
    assert_eq!(reader.read_to_end(&mut bytes), Err(Errno::EIO));
    reader.get_mut().steps.clear();
    assert_eq!(bytes, b"ef");
    assert_eq!(reader.read_to_end(&mut bytes), Ok(0));
}

#[test]
fn a_large_read_goes_past_the_buffer() {
    let mut reader = BufReader::<_, 4>::with_capacity(Stream::of(b"abcdefgh", &[]));
    let mut buf = [0; 4];
    assert_eq!((reader.read(&mut buf), &buf), (Ok(4), b"abcd"));
    assert_eq!(reader.buffer(), b"");
    assert_eq!(reader.read(&mut buf[..1]), Ok(1));
    assert_eq!(reader.buffer(), b"fgh");
    assert_eq!(reader.get_ref().calls, 2);
}

#[test]
fn seeking_within_the_buffer_is_no_call() {
    let mut reader = BufReader::<_, 4>::with_capacity(Stream::of(b"abcdefgh", &[]));
    assert_eq!(reader.next_until(b'b'), Ok(&b"ab"[..]));
    reader.seek_relative(1).unwrap();
    reader.seek_relative(-3).unwrap();
    assert_eq!(reader.buffer(), b"abcd");
    reader.seek_relative(6).unwrap();
    assert_eq!(reader.buffer(), b"");
    assert_eq!(reader.next_until(b'h'), Ok(&b"gh"[..]));
    assert_eq!(reader.seek(SeekFrom::Current(i64::MIN)), Err(Errno::EINVAL));
    assert_eq!(reader.seek(SeekFrom::Start(1)), Ok(1));
    assert_eq!(reader.next_until(b'c'), Ok(&b"bc"[..]));
    assert_eq!(reader.seek(SeekFrom::End(-1)), Ok(7));
}

/// Writes by chance, takes each error as its documentation says, and compares what
/// came out and what is held with what went in.
fn write_by_chance<W: Write<Error = Errno>>(
    seed: u32,
    new: fn(Stream) -> W,
    parts: fn(&W) -> (&Stream, &[u8]),
) -> W {
    let (mut chance, all) = (Chance(seed), text());
    let mut writer = new(Stream::of(b"", &steps(&mut chance, true)));
    let mut taken = 0;
    while taken < all.len() {
        let piece = &all[taken..][..chance.below(20).min(all.len() - taken)];
        let result = match chance.below(4) {
            0 => writer.flush().map(|()| 0),
            _ => writer.write(piece),
        };
        match result {
            Ok(written) => taken += written,
            Err(errno) => assert!(matches!(errno, Errno::EINTR | Errno::EIO)),
        }
        let (stream, held) = parts(&writer);
        assert_eq!([&stream.bytes, held].concat(), &all[..taken]);
    }
    writer
}

fn write_through_buffers<const N: usize>(seed: u32) {
    let mut writer = write_by_chance(seed, BufWriter::<_, N>::with_capacity, |writer| {
        (writer.get_ref(), writer.buffer())
    });
    writer.get_mut().steps.clear();
    assert_eq!(writer.into_inner().unwrap().bytes, text());

    let mut writer = write_by_chance(seed, LineWriter::<_, N>::with_capacity, |writer| {
        (writer.get_ref(), writer.buffer())
    });
    writer.get_mut().steps.clear();
    assert_eq!(writer.into_inner().unwrap().bytes, text());
}

#[test]
fn a_buffered_writer_loses_nothing_and_writes_nothing_twice() {
    for seed in 0..50 {
        write_through_buffers::<1>(seed);
        write_through_buffers::<2>(seed);
        write_through_buffers::<7>(seed);
        write_through_buffers::<64>(seed);
        write_through_buffers::<8192>(seed);
    }
}

#[test]
fn small_writes_become_one() {
    let mut writer = BufWriter::<_, 8>::with_capacity(Stream::default());
    for _ in 0..7 {
        writer.write_all(b"a").unwrap();
    }
    assert_eq!(writer.get_ref().calls, 0);
    // What does not fit follows what is there, what is as large goes past.
    writer.write_all(b"bc").unwrap();
    assert_eq!((writer.get_ref().calls, writer.buffer()), (1, &b"bc"[..]));
    assert_eq!(writer.write(b"01234567"), Ok(8));
    assert_eq!(writer.get_ref().calls, 3);
    writer.flush().unwrap();
    assert_eq!((writer.get_ref().calls, writer.get_ref().flushes), (3, 1));
    assert_eq!(writer.abandon().bytes, b"aaaaaaabc01234567");
}

#[test]
fn a_line_is_written_at_its_end() {
    let mut writer = LineWriter::<_, 8>::with_capacity(Stream::default());
    let mut expect = |text: &str, written: &str, held: &str| {
        writer.write_all(text.as_bytes()).unwrap();
        assert_eq!(writer.get_ref().bytes, written.as_bytes());
        assert_eq!(writer.buffer(), held.as_bytes());
        writer.get_ref().calls
    };
    assert_eq!(expect("ab", "", "ab"), 0);
    assert_eq!(expect("c\nd", "abc\n", "d"), 1);
    assert_eq!(expect("\n\ne", "abc\nd\n\n", "e"), 2);
    // It does not fit: in two pieces, and then past the buffer.
    assert_eq!(expect("1234567\n", "abc\nd\n\ne1234567\n", ""), 4);
    assert_eq!(writer.abandon().flushes, 0);
}

#[test]
fn a_line_that_an_error_kept_goes_with_the_next_write() {
    let stream = Stream::of(b"", &[Step::Fail(Errno::EAGAIN)]);
    let mut writer = LineWriter::<_, 8>::with_capacity(stream);
    assert_eq!(writer.write(b"a\nb"), Ok(2));
    assert_eq!(writer.buffer(), b"a\n");
    assert_eq!(writer.write(b"b"), Ok(1));
    assert_eq!(writer.get_ref().bytes, b"a\n");
    assert_eq!(writer.buffer(), b"b");
}

#[test]
fn into_inner_gives_the_writer_back_with_the_error() {
    let stream = Stream::of(b"", &[Step::Move(2), Step::Fail(Errno::ENOSPC)]);
    let mut writer = BufWriter::<_, 8>::with_capacity(stream);
    writer.write_all(b"abcd").unwrap();
    let failed = writer.into_inner().unwrap_err();
    assert_eq!(failed.error(), &Errno::ENOSPC);
    assert_eq!(format!("{failed}"), "No space left on device (os error 28)");
    let writer = failed.into_inner();
    assert_eq!(writer.buffer(), b"cd");
    assert_eq!(writer.into_inner().unwrap().bytes, b"abcd");

    let stream = Stream::of(b"", &[Step::Fail(Errno::EIO), Step::Fail(Errno::EIO)]);
    let mut writer = LineWriter::<_, 8>::with_capacity(stream);
    writer.write_all(b"ab").unwrap();
    let failed = writer.into_inner().unwrap_err();
    assert_eq!(failed.into_inner().abandon().bytes, b"");
}

/// A writer whose stream is seen after it is dropped.
fn dropped<const N: usize>(
    steps: &[Step],
    write: impl Fn(&mut BufWriter<&mut Stream, N>),
) -> Stream {
    let mut stream = Stream::of(b"", steps);
    let mut writer = BufWriter::with_capacity(&mut stream);
    // A panic is part of the scene.
    let _ = catch_unwind(AssertUnwindSafe(|| write(&mut writer)));
    drop(writer);
    stream
}

#[test]
fn a_drop_writes_what_is_held() {
    let stream = dropped::<8>(&[], |writer| writer.write_all(b"abc").unwrap());
    assert_eq!(stream.bytes, b"abc");
    let stream = dropped::<8>(&[INTERRUPTED, Step::Move(1), INTERRUPTED], |writer| {
        writer.write_all(b"abc").unwrap();
    });
    assert_eq!(stream.bytes, b"abc");
    // Its error is lost.
    let stream = dropped::<8>(&[Step::Move(1), Step::Fail(Errno::EIO)], |writer| {
        writer.write_all(b"abc").unwrap();
    });
    assert_eq!(stream.bytes, b"a");
}

#[test]
fn after_a_panic_nothing_is_written_twice() {
    // Nobody knows what the panicking write has written.
    let stream = dropped::<8>(&[Step::Move(1), Step::Panic], |writer| {
        writer.write_all(b"abc").unwrap();
        writer.flush().unwrap();
    });
    assert_eq!((stream.bytes, stream.calls), (b"a".to_vec(), 2));
    // One in between leaves all as it was.
    let stream = dropped::<8>(&[], |writer| {
        writer.write_all(b"abc").unwrap();
        panic!("by the program");
    });
    assert_eq!(stream.bytes, b"abc");
}

#[test]
#[should_panic = "write() returned Ok(0)"]
fn a_writer_that_takes_nothing_is_found_out() {
    let mut writer = BufWriter::<_, 8>::with_capacity(Stream::of(b"", &[Step::Move(0)]));
    writer.write_all(b"a").unwrap();
    let _ = writer.flush();
}

#[test]
fn a_stream_is_read_to_its_end() {
    for seed in 0..50 {
        let mut chance = Chance(seed);
        // More than a vector has room for at first.
        let all: Vec<u8> = (0..20_000_u32).map(|number| (number % 251) as u8).collect();
        let mut stream = Stream::of(&all, &steps(&mut chance, false));
        let mut bytes = Vec::with_capacity(chance.below(40));
        bytes.extend_from_slice(b"before");
        assert_eq!(stream.read_to_end(&mut bytes), Ok(all.len()));
        assert_eq!(bytes, [b"before", &*all].concat());
    }
    let mut bytes = Vec::new();
    assert_eq!(Stream::default().read_to_end(&mut bytes), Ok(0));
    assert_eq!(bytes.capacity(), 0);
}

#[test]
fn a_vector_that_is_large_enough_does_not_grow() {
    let mut bytes = Vec::with_capacity(1000);
    let room = bytes.capacity();
    let mut stream = Stream::of(&vec![7; room], &[]);
    assert_eq!(stream.read_to_end(&mut bytes), Ok(room));
    assert_eq!((bytes.capacity(), stream.calls), (room, 2));
}

#[test]
fn what_is_no_utf_8_changes_no_text() {
    let mut text = String::from("é");
    assert_eq!((&b"\xc3\xa9!"[..]).read_to_string(&mut text), Ok(3));
    assert_eq!(text, "éé!");
    assert_eq!(
        (&b"a\xff"[..]).read_to_string(&mut text),
        Err(Errno::EILSEQ)
    );
    assert_eq!(text, "éé!");
    // What came before an error stays, unless it is half a character.
    for (bytes, expected) in [("é".as_bytes(), "éé!é"), (b"\xc3", "éé!é")] {
        let mut stream = Stream::of(bytes, &[Step::Move(9), Step::Fail(Errno::EIO)]);
        assert_eq!(stream.read_to_string(&mut text), Err(Errno::EIO));
        assert_eq!(text, expected);
    }
}

#[test]
fn lines_are_as_stds() {
    let input = b"one\n\r\ntwo\r\n\n\xff\nlast\r";
    let lines: Vec<_> = BufReader::<_, 3>::with_capacity(&input[..])
        .lines()
        .collect();
    let expected = ["one", "", "two", "", "bad", "last\r"].map(|line| match line {
        "bad" => Err(Errno::EILSEQ),
        line => Ok(String::from(line)),
    });
    assert_eq!(lines, expected);
    let std = std::io::BufRead::lines(&input[..]).map(std::result::Result::ok);
    assert!(std.eq(lines.into_iter().map(std::result::Result::ok)));
}

#[test]
fn a_buffered_copy_loses_nothing() {
    for seed in 0..50 {
        let mut chance = Chance(seed);
        let reader = Stream::of(&text(), &steps(&mut chance, true));
        let mut reader = BufReader::<_, 7>::with_capacity(reader);
        let mut writer = Stream::of(b"", &steps(&mut chance, true));
        let mut copied = 0;
        let mut errors = 0;
        loop {
            let before = writer.bytes.len();
            match copy_buffered(&mut reader, &mut writer) {
                Ok(now) => {
                    copied += now;
                    break;
                }
                Err(CopyError::Read(Errno::EIO) | CopyError::Write(Errno::EIO)) => {
                    copied += (writer.bytes.len() - before) as u64;
                    errors += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(writer.bytes, text());
        assert_eq!(copied, text().len() as u64);
        assert!(errors > 0);
    }
    let mut full: &mut [u8] = &mut [0; 2];
    let error = copy_buffered(&mut &b"abc"[..], &mut full).unwrap_err();
    assert_eq!(error, CopyError::Write(SliceWriteError::Full));
    assert_eq!(Errno::from(error), Errno::ENOSPC);
}

#[test]
fn errors_of_all_kinds_become_numbers() {
    let exact = (&b"a"[..]).read_exact(&mut [0; 2]).unwrap_err();
    assert_eq!(Errno::from(exact), Errno::ENODATA);
    let mut room: &mut [u8] = &mut [0; 2];
    let written = write!(room, "{}", 123).unwrap_err();
    assert_eq!(Errno::from(written), Errno::ENOSPC);
}

#[test]
fn ufmt_writes_through_a_buffer() {
    let mut writer = BufWriter::<_, 4>::with_capacity(Stream::default());
    writer.write_str("text").unwrap();
    writer.write_char('é').unwrap();
    assert_eq!(writer.into_inner().unwrap().bytes, "texté".as_bytes());
}
