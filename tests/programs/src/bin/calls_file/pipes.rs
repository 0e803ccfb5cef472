//! Pipes, and files without names.

use freestand::sys::{
    self, FdFlags, IoSlice, Ioctl, MaskHow, MemfdFlags, OFlags, PipeFlags, Seals, SigSet, Signal,
    SpliceFlags,
};
use test_programs::{err, ok};

use crate::common::{HIGH, RDWR, assert_holds, assert_reads, closed, open};

pub fn all() {
    pipes();
    pipes_to_pipes();
    files_without_names();
}

fn pipes() {
    let [reader, writer] = ok!(pipe());
    assert_eq!(sys::write(writer.as_fd(), b"through"), Ok(7));
    let mut available = 0_i32;
    // SAFETY: FIONREAD fills an i32.
    ok!(unsafe ioctl(reader.as_fd(), Ioctl::FIONREAD, (&raw mut available).into()));
    assert_eq!(available, 7);
    assert_reads(reader.as_fd(), b"through");
    err!(EBADF, write(reader.as_fd(), b"x"));
    err!(EBADF, read(writer.as_fd(), &mut [0]));
    assert_eq!(sys::fcntl_getfd(reader.as_fd()), Ok(FdFlags::empty()));
    drop(writer);
    assert_reads(reader.as_fd(), b"");

    let [reader, writer] = ok!(pipe2(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK));
    assert_eq!(sys::fcntl_getfd(reader.as_fd()), Ok(FdFlags::CLOEXEC));
    assert_eq!(sys::fcntl_getfd(writer.as_fd()), Ok(FdFlags::CLOEXEC));
    err!(EAGAIN, read(reader.as_fd(), &mut [0]));
    while let Ok(written) = sys::write(writer.as_fd(), &[0; 4096]) {
        assert_eq!(written, 4096);
    }
    err!(EAGAIN, write(writer.as_fd(), &[0; 4096]));
    err!(
        EINVAL,
        pipe2(PipeFlags::from_bits_retain(OFlags::APPEND.bits()))
    );

    // Packets.
    let [reader, writer] = ok!(pipe2(PipeFlags::DIRECT));
    sys::write(writer.as_fd(), b"one").unwrap();
    sys::write(writer.as_fd(), b"two").unwrap();
    assert_reads(reader.as_fd(), b"one");
    assert_reads(reader.as_fd(), b"two");
    let flags = sys::fcntl_getfl(writer.as_fd()).unwrap();
    assert!(flags.contains(OFlags::DIRECT), "{flags:?}");

    // Nobody reads: a signal, which is held back for good.
    let signal = SigSet::of(&[Signal::PIPE]);
    sys::rt_sigprocmask(MaskHow::BLOCK, Some(&signal)).unwrap();
    drop(reader);
    err!(EPIPE, write(writer.as_fd(), b"x"));

    let [reader, writer] = sys::pipe().unwrap();
    let grown = ok!(fcntl_setpipe_sz(writer.as_fd(), 100_000));
    assert!(grown >= 100_000, "{grown}");
    assert_eq!(ok!(fcntl_getpipe_sz(reader.as_fd())), grown);
    sys::write(writer.as_fd(), &[0; 10_000]).unwrap();
    err!(EBUSY, fcntl_setpipe_sz(writer.as_fd(), 4096));
    err!(EINVAL, fcntl_setpipe_sz(writer.as_fd(), u32::MAX));
    let file = open("/dev/null", RDWR).unwrap();
    err!(EBADF, fcntl_getpipe_sz(file.as_fd()));
    err!(EBADF, fcntl_setpipe_sz(file.as_fd(), 4096));
}

fn pipes_to_pipes() {
    let [here, into_here] = sys::pipe().unwrap();
    let [there, into_there] = sys::pipe().unwrap();
    let none = SpliceFlags::empty();
    sys::write(into_here.as_fd(), b"twice").unwrap();
    assert_eq!(ok!(tee(here.as_fd(), into_there.as_fd(), 100, none)), 5);
    assert_reads(here.as_fd(), b"twice");
    assert_reads(there.as_fd(), b"twice");
    err!(
        EAGAIN,
        tee(here.as_fd(), into_there.as_fd(), 1, SpliceFlags::NONBLOCK)
    );
    err!(EINVAL, tee(here.as_fd(), into_here.as_fd(), 1, none));
    err!(EBADF, tee(closed(), into_here.as_fd(), 1, none));

    let memory = [IoSlice::new(b"from "), IoSlice::new(b"memory")];
    assert_eq!(ok!(unsafe vmsplice(into_here.as_fd(), &memory, none)), 11);
    assert_reads(here.as_fd(), b"from memory");
    let file = open("/dev/null", RDWR).unwrap();
    err!(EBADF, unsafe vmsplice(file.as_fd(), &memory, none));
}

fn files_without_names() {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = ok!(memfd_create("its name", flags));
    let fd = file.as_fd();
    assert_eq!(sys::fcntl_getfd(fd), Ok(FdFlags::CLOEXEC));
    assert_eq!(sys::pwrite64(fd, b"high", HIGH), Ok(4));
    assert_holds(fd, HIGH, b"high");
    let _number_300 = sys::fcntl_dupfd(fd, 300).unwrap();
    let mut target = [0; 64];
    let length = sys::readlink("/proc/self/fd/300", &mut target).unwrap();
    assert_eq!(&target[..length], b"/memfd:its name (deleted)");

    assert_eq!(ok!(fcntl_get_seals(fd)), Seals::empty());
    ok!(fcntl_add_seals(fd, Seals::GROW | Seals::SHRINK));
    err!(EPERM, ftruncate(fd, 0));
    err!(EPERM, ftruncate(fd, 2 * HIGH));
    assert_eq!(sys::pwrite64(fd, b"HI", HIGH), Ok(2));
    ok!(fcntl_add_seals(fd, Seals::WRITE));
    err!(EPERM, pwrite64(fd, b"hi", HIGH));
    assert_holds(fd, HIGH, b"HIgh");
    assert_eq!(
        ok!(fcntl_get_seals(fd)),
        Seals::GROW | Seals::SHRINK | Seals::WRITE
    );
    err!(
        EINVAL,
        fcntl_add_seals(fd, Seals::from_bits_retain(1 << 31))
    );
    ok!(fcntl_add_seals(fd, Seals::SEAL));
    err!(EPERM, fcntl_add_seals(fd, Seals::WRITE));

    let unsealable = ok!(memfd_create(b"", MemfdFlags::empty()));
    assert_eq!(ok!(fcntl_get_seals(unsealable.as_fd())), Seals::SEAL);
    let [pipe, _] = sys::pipe().unwrap();
    err!(EINVAL, fcntl_get_seals(pipe.as_fd()));
    err!(
        EINVAL,
        memfd_create("", MemfdFlags::from_bits_retain(1 << 25))
    );
    err!(EINVAL, memfd_create(&[b'x'; 250], MemfdFlags::empty()));
    drop(sys::memfd_create(&[b'x'; 249], MemfdFlags::empty()).unwrap());
}
