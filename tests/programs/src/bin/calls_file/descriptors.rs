//! Descriptors: closing and duplicating them, their flags, terminals.

use freestand::sys::{
    self, At, CloseRangeFlags, DupFlags, Errno, FcntlCommand, FdFlags, Ioctl, MemfdFlags, OFlags,
    OwnedFd, PipeFlags, Resource, Rlimit, STDIN, Whence,
};
use linux_raw_sys::general;
use test_programs::{err, ok, ok_if_there, seen};

use crate::common::{NONE, RDONLY, RDWR, WRONLY, assert_reads, closed, new_file, open, position};

pub fn all() {
    closing();
    duplicates();
    duplicates_in_place();
    flags_of_descriptors();
    flags_of_open_files();
    terminals();
    too_many_descriptors();
}

fn closing() {
    let [reader, writer] = sys::pipe().unwrap();
    let number = writer.into_raw_fd();
    ok!(unsafe close(number));
    assert_reads(reader.as_fd(), b"");
    err!(EBADF, unsafe close(number));
    err!(EBADF, unsafe close(-1));

    // Two out of three are marked, then closed.
    let [first, second, third] = [200, 201, 202].map(|number| {
        let fd = sys::fcntl_dupfd(reader.as_fd(), number).unwrap();
        assert_eq!(fd.as_fd().as_raw_fd(), number);
        fd
    });
    let mark = CloseRangeFlags::CLOEXEC;
    if ok_if_there!(unsafe close_range(201, 202, mark)).is_none() {
        return;
    }
    assert_eq!(sys::fcntl_getfd(first.as_fd()), Ok(FdFlags::empty()));
    assert_eq!(sys::fcntl_getfd(second.as_fd()), Ok(FdFlags::CLOEXEC));
    assert_eq!(sys::fcntl_getfd(third.as_fd()), Ok(FdFlags::CLOEXEC));
    let (second, third) = (second.into_raw_fd(), third.into_raw_fd());
    ok_if_there!(unsafe close_range(second as u32, third as u32, CloseRangeFlags::empty()));
    err!(EBADF, unsafe close(second));
    err!(EBADF, unsafe close(third));
    assert_eq!(sys::fcntl_getfd(first.as_fd()), Ok(FdFlags::empty()));
    err!(EINVAL, unsafe close_range(202, 201, CloseRangeFlags::empty()));
    err!(EINVAL, unsafe close_range(201, 202, CloseRangeFlags::from_bits_retain(1 << 31)));
}

fn duplicates() {
    let file = new_file("duplicates");
    let same = ok!(dup(file.as_fd()));
    assert_ne!(same.as_fd().as_raw_fd(), file.as_fd().as_raw_fd());
    sys::write(same.as_fd(), b"text").unwrap();
    assert_eq!(position(file.as_fd()), 4);
    assert_eq!(sys::fcntl_getfd(same.as_fd()), Ok(FdFlags::empty()));
    err!(EBADF, dup(closed()));

    let same = ok!(fcntl_dupfd(file.as_fd(), 100));
    assert_eq!(same.as_fd().as_raw_fd(), 100);
    assert_eq!(sys::fcntl_getfd(same.as_fd()), Ok(FdFlags::empty()));
    let next = ok!(fcntl_dupfd_cloexec(file.as_fd(), 100));
    assert_eq!(next.as_fd().as_raw_fd(), 101);
    assert_eq!(sys::fcntl_getfd(next.as_fd()), Ok(FdFlags::CLOEXEC));
    sys::write(next.as_fd(), b"more").unwrap();
    assert_eq!(position(same.as_fd()), 8);
    err!(EINVAL, fcntl_dupfd(file.as_fd(), -1));
    err!(EINVAL, fcntl_dupfd_cloexec(file.as_fd(), i32::MAX));
    err!(EBADF, fcntl_dupfd(closed(), 0));
}

fn duplicates_in_place() {
    let file = new_file("in place");
    let old = file.as_fd();
    sys::write(old, b"text").unwrap();
    let none = DupFlags::empty();

    // What was there is closed: nobody writes into the pipe any more.
    let [reader, mut writer] = sys::pipe().unwrap();
    let number = writer.as_fd().as_raw_fd();
    ok!(dup3(old, &mut writer, DupFlags::CLOEXEC));
    assert_reads(reader.as_fd(), b"");
    assert_eq!(writer.as_fd().as_raw_fd(), number);
    assert_eq!(position(writer.as_fd()), 4);
    assert_eq!(sys::fcntl_getfd(writer.as_fd()), Ok(FdFlags::CLOEXEC));
    ok!(dup2(reader.as_fd(), &mut writer));
    assert_eq!(sys::fcntl_getfd(writer.as_fd()), Ok(FdFlags::empty()));
    err!(ESPIPE, lseek(writer.as_fd(), 0, Whence::CUR));
    err!(EBADF, dup3(closed(), &mut writer, none));
    err!(EBADF, dup2(closed(), &mut writer));
    err!(
        EINVAL,
        dup3(
            old,
            &mut writer,
            DupFlags::from_bits_retain(OFlags::APPEND.bits())
        )
    );
    // A failure leaves it as it is.
    assert_reads(writer.as_fd(), b"");

    // The same twice: that is what dup2 and dup3 disagree about.
    let number = old.as_raw_fd();
    sys::fcntl_setfd(old, FdFlags::CLOEXEC).unwrap();
    assert_eq!(ok!(unsafe dup2_to(old, number)), number);
    assert_eq!(sys::fcntl_getfd(old), Ok(FdFlags::CLOEXEC));
    err!(EINVAL, unsafe dup3_to(old, number, none));
    err!(EBADF, unsafe dup2_to(closed(), closed().as_raw_fd()));
    err!(EBADF, unsafe dup2_to(old, -1));
    err!(EBADF, unsafe dup3_to(old, i32::MAX, none));

    // Standard input becomes the file, and what it was again.
    let before = sys::dup(STDIN);
    sys::lseek(old, 0, Whence::SET).unwrap();
    assert_eq!(ok!(unsafe dup3_to(old, 0, none)), 0);
    assert_reads(STDIN, b"text");
    match before {
        Ok(before) => assert_eq!(ok!(unsafe dup2_to(before.as_fd(), 0)), 0),
        Err(_) => ok!(unsafe close(0)),
    }
}

fn flags_of_descriptors() {
    let file = open("/dev/null", RDWR).unwrap();
    let fd = file.as_fd();
    let same = sys::dup(fd).unwrap();
    ok!(fcntl_setfd(fd, FdFlags::CLOEXEC));
    assert_eq!(ok!(fcntl_getfd(fd)), FdFlags::CLOEXEC);
    assert_eq!(ok!(fcntl_getfd(same.as_fd())), FdFlags::empty());
    ok!(fcntl_setfd(fd, FdFlags::empty()));
    assert_eq!(ok!(fcntl_getfd(fd)), FdFlags::empty());
    err!(EBADF, fcntl_setfd(closed(), FdFlags::CLOEXEC));
    err!(EBADF, fcntl_getfd(closed()));

    assert_eq!(ok!(unsafe fcntl(fd, FcntlCommand::SETFD, 1.into())), 0);
    assert_eq!(ok!(unsafe fcntl(fd, FcntlCommand::GETFD, 0.into())), 1);
    err!(EINVAL, unsafe fcntl(fd, FcntlCommand(9999), 0.into()));
    err!(EBADF, unsafe fcntl(closed(), FcntlCommand::GETFD, 0.into()));
}

fn flags_of_open_files() {
    let [reader, writer] = sys::pipe().unwrap();
    let same = sys::dup(reader.as_fd()).unwrap();
    let flags = OFlags::NONBLOCK | OFlags::ASYNC;
    ok!(fcntl_setfl(reader.as_fd(), flags));
    assert_eq!(
        ok!(fcntl_getfl(same.as_fd())).difference(OFlags::LARGEFILE),
        flags
    );
    err!(EAGAIN, read(same.as_fd(), &mut [0]));
    let writing = ok!(fcntl_getfl(writer.as_fd())).difference(OFlags::LARGEFILE);
    assert_eq!(writing, WRONLY);
    ok!(fcntl_setfl(reader.as_fd(), OFlags::empty()));
    assert_eq!(
        ok!(fcntl_getfl(same.as_fd())).difference(OFlags::LARGEFILE),
        RDONLY
    );
    err!(EBADF, fcntl_setfl(closed(), flags));
    err!(EBADF, fcntl_getfl(closed()));
}

fn terminals() {
    let flags = RDWR | OFlags::NOCTTY;
    let terminal = open("/dev/ptmx", flags).unwrap();
    let fd = terminal.as_fd();
    let file = open("/dev/null", RDWR).unwrap();
    assert!(sys::isatty(fd));
    assert!(!sys::isatty(file.as_fd()));
    assert!(!sys::isatty(closed()));
    seen!(isatty);

    let size = general::winsize {
        ws_row: 7,
        ws_col: 77,
        ws_xpixel: 777,
        ws_ypixel: 7777,
    };
    ok!(unsafe ioctl(fd, Ioctl::TIOCSWINSZ, (&raw const size).into()));
    let unlocked = 0_i32;
    ok!(unsafe ioctl(fd, Ioctl::TIOCSPTLCK, (&raw const unlocked).into()));
    let other = ok!(unsafe ioctl(fd, Ioctl::TIOCGPTPEER, flags.bits().into()));
    // SAFETY: TIOCGPTPEER returns a new descriptor.
    let other = unsafe { OwnedFd::from_raw_fd(other) };
    assert!(sys::isatty(other.as_fd()));
    let mut there = general::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    ok!(unsafe ioctl(other.as_fd(), Ioctl::TIOCGWINSZ, (&raw mut there).into()));
    assert_eq!((there.ws_row, there.ws_col), (size.ws_row, size.ws_col));
    assert_eq!(
        (there.ws_xpixel, there.ws_ypixel),
        (size.ws_xpixel, size.ws_ypixel)
    );
    sys::write(fd, b"typed\n").unwrap();
    assert_reads(other.as_fd(), b"typed\n");

    err!(ENOTTY, unsafe ioctl(file.as_fd(), Ioctl::TIOCGWINSZ, (&raw mut there).into()));
    err!(EBADF, unsafe ioctl(closed(), Ioctl::TIOCGWINSZ, (&raw mut there).into()));
}

fn too_many_descriptors() {
    const LIMIT: i32 = 32;
    let file = open("/dev/null", RDWR).unwrap();
    let fd = file.as_fd();
    let before = sys::getrlimit(Resource::NOFILE).unwrap();
    let few = Rlimit {
        rlim_cur: LIMIT as u64,
        ..before
    };
    sys::setrlimit(Resource::NOFILE, &few).unwrap();
    let mut all = [const { None }; LIMIT as usize];
    let mut places = all.iter_mut();
    let refused = loop {
        match sys::dup(fd) {
            Ok(same) => *places.next().unwrap() = Some(same),
            Err(errno) => break errno,
        }
    };
    assert_eq!(refused, Errno::EMFILE);
    err!(EMFILE, dup(fd));
    err!(EMFILE, fcntl_dupfd(fd, 0));
    err!(EMFILE, open("/dev/null", RDONLY, NONE));
    err!(EMFILE, openat(At::Cwd, "/dev/null", RDONLY, NONE));
    err!(EMFILE, creat("/dev/null", NONE));
    err!(EMFILE, pipe());
    err!(EMFILE, pipe2(PipeFlags::CLOEXEC));
    err!(EMFILE, memfd_create("", MemfdFlags::empty()));
    err!(EINVAL, fcntl_dupfd(fd, LIMIT));
    err!(EBADF, unsafe dup2_to(fd, LIMIT));
    drop(all);
    sys::setrlimit(Resource::NOFILE, &before).unwrap();
    ok!(dup(fd));
}
