//! Reading and writing, where in a file, and how long it is.

use freestand::sys::{
    self, FallocateFlags, FileAdvice, IoSlice, IoSliceMut, Mode, OFlags, RwFlags, SpliceFlags,
    SyncFileRangeFlags, Whence,
};
use test_programs::{err, ok, ok_if_there, seen};

use crate::common::{
    HIGH, RDONLY, RDWR, assert_holds, assert_reads, closed, new_file, open, position, size,
};

pub fn all() {
    reading_and_writing();
    several_buffers();
    buffers_with_flags();
    positions();
    what_has_no_position();
    offsets_of_64_bits();
    copies_within_the_kernel();
    lengths();
    room();
    devices();
}

fn reading_and_writing() {
    let file = new_file("rw");
    let fd = file.as_fd();
    assert_eq!(ok!(write(fd, b"text")), 4);
    assert_eq!(ok!(write(fd, b"")), 0);
    sys::lseek(fd, 1, Whence::SET).unwrap();
    let mut buffer = *b"????";
    assert_eq!(ok!(read(fd, &mut buffer)), 3);
    assert_eq!(&buffer, b"ext?");
    assert_eq!(ok!(read(fd, &mut buffer)), 0);
    assert_eq!(ok!(read(fd, &mut [])), 0);
    err!(EBADF, read(closed(), &mut buffer));
    err!(EBADF, write(closed(), b"text"));
    err!(
        EISDIR,
        read(open(".", RDONLY).unwrap().as_fd(), &mut buffer)
    );

    assert_eq!(ok!(pwrite64(fd, b"--", 3)), 2);
    assert_eq!(ok!(pread64(fd, &mut buffer, 2)), 3);
    assert_eq!(&buffer, b"x--?");
    assert_eq!(position(fd), 4);
    assert_eq!(ok!(pread64(fd, &mut buffer, 5)), 0);
    err!(EBADF, pread64(closed(), &mut buffer, 0));
    err!(EBADF, pwrite64(closed(), b"text", 0));
    err!(EINVAL, pread64(fd, &mut buffer, 1 << 63));
    err!(EINVAL, pwrite64(fd, b"text", u64::MAX));

    ok!(fsync(fd));
    ok!(fdatasync(fd));
    ok!(syncfs(fd));
    sys::sync();
    seen!(sync);
    let [pipe, _] = sys::pipe().unwrap();
    err!(EINVAL, fsync(pipe.as_fd()));
    err!(EINVAL, fdatasync(pipe.as_fd()));
    err!(EBADF, fsync(closed()));
    err!(EBADF, syncfs(closed()));

    let and_wait = SyncFileRangeFlags::WRITE | SyncFileRangeFlags::WAIT_AFTER;
    ok!(sync_file_range(fd, 1, 0, and_wait));
    err!(
        EINVAL,
        sync_file_range(fd, 0, 1, SyncFileRangeFlags::from_bits_retain(1 << 31))
    );
    err!(EINVAL, sync_file_range(fd, 1 << 63, 0, and_wait));
    err!(EINVAL, sync_file_range(fd, 0, 1 << 63, and_wait));
    err!(ESPIPE, sync_file_range(pipe.as_fd(), 0, 0, and_wait));

    ok!(fadvise64(fd, HIGH, HIGH, FileAdvice::SEQUENTIAL));
    err!(EINVAL, fadvise64(fd, 0, 0, FileAdvice(99)));
    err!(EINVAL, fadvise64(fd, 0, 1 << 63, FileAdvice::NORMAL));
    err!(ESPIPE, fadvise64(pipe.as_fd(), 0, 0, FileAdvice::NORMAL));

    ok!(readahead(fd, 0, 4096));
    err!(EINVAL, readahead(pipe.as_fd(), 0, 4096));
    err!(EBADF, readahead(closed(), 0, 4096));
}

fn several_buffers() {
    let file = new_file("buffers");
    let fd = file.as_fd();
    let written = [
        IoSlice::new(b"one, "),
        IoSlice::new(b""),
        IoSlice::new(b"two"),
    ];
    assert_eq!(&*written[2], b"two");
    assert_eq!(ok!(writev(fd, &written)), 8);
    assert_eq!(ok!(writev(fd, &[])), 0);
    assert_holds(fd, 0, b"one, two");

    sys::lseek(fd, 0, Whence::SET).unwrap();
    let (mut first, mut second) = ([b'?'; 2], [b'?'; 10]);
    let mut read = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    read[1][9] = b'!';
    assert_eq!(ok!(readv(fd, &mut read)), 8);
    assert_eq!((&first, &second), (b"on", b"e, two???!"));

    let too_many = [IoSlice::new(b"x"); 1025];
    err!(EINVAL, writev(fd, &too_many));
    err!(EBADF, writev(closed(), &written));
    err!(EBADF, readv(closed(), &mut [IoSliceMut::new(&mut first)]));

    assert_eq!(ok!(pwritev(fd, &written, HIGH)), 8);
    let mut read = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    assert_eq!(ok!(preadv(fd, &mut read, HIGH + 1)), 7);
    assert_eq!((&first, &second), (b"ne", b", twoo???!"));
    assert_eq!(position(fd), 8);
    err!(EBADF, pwritev(closed(), &written, 0));
    err!(
        EBADF,
        preadv(closed(), &mut [IoSliceMut::new(&mut first)], 0)
    );
    err!(EINVAL, pwritev(fd, &written, 1 << 63));
    err!(
        EINVAL,
        preadv(fd, &mut [IoSliceMut::new(&mut first)], 1 << 63)
    );
    let [pipe, _] = sys::pipe().unwrap();
    err!(
        ESPIPE,
        preadv(pipe.as_fd(), &mut [IoSliceMut::new(&mut first)], 0)
    );
}

fn buffers_with_flags() {
    let file = new_file("buffers with flags");
    let fd = file.as_fd();
    let none = RwFlags::empty();
    let text = [IoSlice::new(b"te"), IoSlice::new(b"xt")];
    let Some(written) = ok_if_there!(pwritev2(fd, &text, HIGH, RwFlags::DSYNC)) else {
        assert!(ok_if_there!(preadv2(fd, &mut [], 0, none)).is_none());
        return;
    };
    assert_eq!(written, 4);
    assert_holds(fd, HIGH, b"text");
    assert_eq!(position(fd), 0);
    // At the position.
    assert_eq!(sys::pwritev2(fd, &text, u64::MAX, none), Ok(4));
    assert_eq!(position(fd), 4);
    assert_eq!(sys::pwritev2(fd, &text, 0, RwFlags::APPEND), Ok(4));
    assert_holds(fd, HIGH, b"texttext");

    let mut buffer = [b'?'; 6];
    let mut read = [IoSliceMut::new(&mut buffer)];
    assert_eq!(
        ok_if_there!(preadv2(fd, &mut read, HIGH + 1, none)),
        Some(6)
    );
    assert_eq!(&buffer, b"exttex");
    let mut read = [IoSliceMut::new(&mut buffer)];
    assert_eq!(sys::preadv2(fd, &mut read, u64::MAX, none), Ok(6));
    assert_eq!((&buffer, position(fd)), (&[0; 6], 10));

    let unknown = RwFlags::from_bits_retain(1 << 31);
    err!(EOPNOTSUPP, pwritev2(fd, &text, 0, unknown));
    err!(
        EOPNOTSUPP,
        preadv2(fd, &mut [IoSliceMut::new(&mut buffer)], 0, unknown)
    );
    err!(EINVAL, pwritev2(fd, &text, 1 << 63, none));
    err!(
        EINVAL,
        preadv2(fd, &mut [IoSliceMut::new(&mut buffer)], 1 << 63, none)
    );
}

fn positions() {
    let file = new_file("positions");
    let fd = file.as_fd();
    sys::write(fd, b"abc").unwrap();
    assert_eq!(ok!(lseek(fd, 1, Whence::SET)), 1);
    assert_reads(fd, b"bc");
    assert_eq!(ok!(lseek(fd, -2, Whence::CUR)), 1);
    assert_eq!(ok!(lseek(fd, -1, Whence::END)), 2);
    err!(EINVAL, lseek(fd, -1, Whence::SET));
    err!(EINVAL, lseek(fd, i64::MIN, Whence::SET));
    err!(EINVAL, lseek(fd, i64::MAX, Whence::CUR));
    err!(EINVAL, lseek(fd, 0, Whence(99)));
    err!(EBADF, lseek(closed(), 0, Whence::CUR));
    assert_eq!(position(fd), 2);

    // Beyond the end: nothing is there until something is written, then zeros.
    assert_eq!(ok!(lseek(fd, 20_000, Whence::SET)), 20_000);
    assert_reads(fd, b"");
    assert_eq!(size(fd), 3);
    assert_eq!(sys::write(fd, b"end"), Ok(3));
    assert_eq!(size(fd), 20_003);
    assert_holds(fd, 0, b"abc\0\0\0\0");
    assert_holds(fd, 19_998, b"\0\0end");

    assert_eq!(ok!(lseek(fd, 20_000, Whence::DATA)), 20_000);
    assert_eq!(ok!(lseek(fd, 20_000, Whence::HOLE)), 20_003);
    err!(ENXIO, lseek(fd, 20_003, Whence::DATA));
    err!(ENXIO, lseek(fd, 20_003, Whence::HOLE));
}

fn what_has_no_position() {
    let [reader, writer] = sys::pipe().unwrap();
    let terminal = open("/dev/ptmx", RDWR | OFlags::NOCTTY).unwrap();
    for fd in [reader.as_fd(), terminal.as_fd()] {
        err!(ESPIPE, lseek(fd, 0, Whence::CUR));
        err!(ESPIPE, pread64(fd, &mut [0], 0));
    }
    for fd in [writer.as_fd(), terminal.as_fd()] {
        err!(ESPIPE, pwrite64(fd, b"x", 0));
    }
}

fn offsets_of_64_bits() {
    // It is opened anew each time, which needs LARGEFILE.
    let file = sys::creat("large", Mode::new(0o600)).unwrap();
    assert_eq!(ok!(pwrite64(file.as_fd(), b"first", HIGH)), 5);
    drop(file);
    let file = open("large", RDWR).unwrap();
    let fd = file.as_fd();
    let mut buffer = [0; 5];
    assert_eq!(ok!(pread64(fd, &mut buffer, HIGH)), 5);
    assert_eq!(&buffer, b"first");
    assert_holds(fd, HIGH & u64::from(u32::MAX), &[0; 5]);
    assert_holds(fd, HIGH - 2, b"\0\0fir");

    let high = HIGH as i64;
    assert_eq!(ok!(lseek(fd, high, Whence::SET)), HIGH);
    assert_reads(fd, b"first");
    assert_eq!(ok!(lseek(fd, 0, Whence::CUR)), HIGH + 5);
    assert_eq!(ok!(lseek(fd, -high, Whence::CUR)), 5);
    assert_eq!(ok!(lseek(fd, -5, Whence::END)), HIGH);
    assert_eq!(ok!(lseek(fd, high, Whence::END)), 2 * HIGH + 5);
    assert_eq!(ok!(lseek(fd, -high - 5, Whence::END)), 0);
    err!(EINVAL, lseek(fd, -high - 6, Whence::END));
    assert_eq!(ok!(lseek(fd, high, Whence::DATA)), HIGH);
    assert_eq!(ok!(lseek(fd, high, Whence::HOLE)), HIGH + 5);
    // A position that looks like an error on a 32-bit machine.
    assert_eq!(ok!(lseek(fd, 0xffff_ffff, Whence::SET)), 0xffff_ffff);
    assert_eq!(sys::write(fd, b"over"), Ok(4));
    assert_eq!(position(fd), 0x1_0000_0003);
    assert_holds(fd, 0xffff_ffff, b"over");
}

fn copies_within_the_kernel() {
    let file = open("large", RDWR).unwrap();
    let (from, [reader, writer]) = (file.as_fd(), sys::pipe().unwrap());
    let copy = new_file("copy");
    let to = copy.as_fd();

    let mut offset = HIGH;
    assert_eq!(ok!(sendfile(writer.as_fd(), from, Some(&mut offset), 4)), 4);
    assert_eq!((offset, position(from)), (HIGH + 4, 0));
    assert_reads(reader.as_fd(), b"firs");
    sys::lseek(from, HIGH as i64 + 1, Whence::SET).unwrap();
    assert_eq!(ok!(sendfile(to, from, None, 100)), 4);
    assert_eq!((position(from), position(to)), (HIGH + 5, 4));
    assert_holds(to, 0, b"irst");
    assert_eq!(ok!(sendfile(to, from, None, 100)), 0);
    err!(EBADF, sendfile(to, closed(), None, 1));
    err!(EBADF, sendfile(reader.as_fd(), from, None, 1));
    err!(EINVAL, sendfile(to, from, Some(&mut (1 << 63)), 1));
    err!(ESPIPE, sendfile(to, reader.as_fd(), Some(&mut 0), 1));

    let (mut offset, mut there) = (HIGH + 2, 2 * HIGH);
    let copied = ok!(copy_file_range(
        from,
        Some(&mut offset),
        to,
        Some(&mut there),
        100,
        0
    ));
    assert_eq!((copied, offset, there), (3, HIGH + 5, 2 * HIGH + 3));
    assert_eq!((position(from), position(to)), (HIGH + 5, 4));
    assert_holds(to, 2 * HIGH - 1, b"\0rst");
    sys::lseek(from, -5, Whence::END).unwrap();
    assert_eq!(ok!(copy_file_range(from, None, to, None, 2, 0)), 2);
    assert_eq!((position(from), position(to)), (HIGH + 2, 6));
    assert_holds(to, 0, b"irstfi");
    err!(EBADF, copy_file_range(closed(), None, to, None, 1, 0));
    err!(EINVAL, copy_file_range(from, None, to, None, 1, 1 << 31));
    err!(
        EINVAL,
        copy_file_range(reader.as_fd(), None, to, None, 1, 0)
    );

    let none = SpliceFlags::empty();
    let mut offset = HIGH;
    let spliced = ok!(splice(
        from,
        Some(&mut offset),
        writer.as_fd(),
        None,
        5,
        SpliceFlags::MOVE
    ));
    assert_eq!((spliced, offset, position(from)), (5, HIGH + 5, HIGH + 2));
    let mut there = HIGH;
    assert_eq!(
        ok!(splice(reader.as_fd(), None, to, Some(&mut there), 5, none)),
        5
    );
    assert_eq!((there, position(to)), (HIGH + 5, 6));
    assert_holds(to, HIGH, b"first");
    let nonblock = SpliceFlags::NONBLOCK;
    err!(EAGAIN, splice(reader.as_fd(), None, to, None, 1, nonblock));
    err!(EINVAL, splice(from, None, to, None, 1, none));
    err!(
        ESPIPE,
        splice(reader.as_fd(), Some(&mut 0), to, None, 1, none)
    );
    err!(
        ESPIPE,
        splice(from, None, writer.as_fd(), Some(&mut 0), 1, none)
    );
    err!(EBADF, splice(closed(), None, to, None, 1, none));
}

fn lengths() {
    let file = new_file("lengths");
    let fd = file.as_fd();
    sys::write(fd, b"abcdef").unwrap();
    ok!(ftruncate(fd, 4));
    assert_eq!(size(fd), 4);
    ok!(ftruncate(fd, 8));
    assert_holds(fd, 0, b"abcd\0\0\0\0");
    ok!(ftruncate(fd, HIGH));
    assert_eq!(size(fd), HIGH);
    ok!(truncate("lengths", 2 * HIGH));
    assert_eq!(size(fd), 2 * HIGH);
    ok!(truncate(c"lengths", 3));
    assert_eq!(size(fd), 3);
    assert_holds(fd, 0, b"abc");

    err!(EINVAL, ftruncate(fd, 1 << 63));
    err!(EINVAL, truncate("lengths", 1 << 63));
    let read_only = open("lengths", RDONLY).unwrap();
    err!(EINVAL, ftruncate(read_only.as_fd(), 0));
    err!(EBADF, ftruncate(closed(), 0));
    err!(ENOENT, truncate("nothing", 0));
    err!(EISDIR, truncate(".", 0));
    err!(EINVAL, truncate("lengths\0", 0));
    assert_eq!(size(fd), 3);
}

fn room() {
    let file = new_file("room");
    let fd = file.as_fd();
    let none = FallocateFlags::empty();
    ok!(fallocate(fd, none, HIGH, 0x2001));
    assert_eq!(size(fd), HIGH + 0x2001);
    let blocks = sys::fstat(fd).unwrap().st_blocks;
    assert!(
        (0x2000 / 512..0x10_0000 / 512).contains(&blocks),
        "{blocks}"
    );
    ok!(fallocate(fd, FallocateFlags::KEEP_SIZE, 2 * HIGH, 1));
    assert_eq!(size(fd), HIGH + 0x2001);

    // A hole that both halves of both numbers have a part in.
    const FROM: u64 = 0x1_2345_6000;
    const LENGTH: u64 = 0x1_3000_0000;
    let inside = [FROM, FROM + 0x1000, FROM + LENGTH - 1];
    let outside = [FROM & 0xffff_ffff, FROM - 1, FROM + LENGTH];
    for offset in inside.into_iter().chain(outside) {
        sys::pwrite64(fd, b"x", offset).unwrap();
    }
    ok!(fallocate(
        fd,
        FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
        FROM,
        LENGTH
    ));
    for offset in inside {
        assert_holds(fd, offset, b"\0");
    }
    for offset in outside {
        assert_holds(fd, offset, b"x");
    }

    err!(EINVAL, fallocate(fd, none, 0, 0));
    err!(EINVAL, fallocate(fd, none, 1 << 63, 1));
    err!(EINVAL, fallocate(fd, none, 0, 1 << 63));
    err!(EOPNOTSUPP, fallocate(fd, FallocateFlags::PUNCH_HOLE, 0, 1));
    err!(
        EBADF,
        fallocate(open("room", RDONLY).unwrap().as_fd(), none, 0, 1)
    );
    err!(
        ESPIPE,
        fallocate(sys::pipe().unwrap()[1].as_fd(), none, 0, 1)
    );
}

fn devices() {
    let full = open("/dev/full", RDWR).unwrap();
    err!(ENOSPC, write(full.as_fd(), b"x"));
    err!(ENOSPC, writev(full.as_fd(), &[IoSlice::new(b"x")]));
    assert_reads(full.as_fd(), &[0; 64]);
    let null = open("/dev/null", RDWR).unwrap();
    assert_eq!(ok!(write(null.as_fd(), b"gone")), 4);
    assert_reads(null.as_fd(), b"");
}
