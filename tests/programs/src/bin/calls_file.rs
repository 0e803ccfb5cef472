//! Descriptors and files: opening, reading, writing, moving, locking.

#![no_std]
#![no_main]

use core::array;
use core::ffi::CStr;
use core::ptr;

use freestand::arch::{nr, widest};
use freestand::println;
use freestand::sys::{
    self, Advice, At, BorrowedFd, CloseRangeFlags, DupFlags, Errno, FallocateFlags, FcntlCommand,
    FdFlags, Flock, FlockFlags, IoSlice, IoSliceMut, Ioctl, LockType, MemfdFlags, Mode, MountFlags,
    OFlags, OpenHow, OwnedFd, PATH_MAX, PipeFlags, ResolveFlags, Result, RwFlags, STDIN, Seals,
    SpliceFlags, SyncFileRangeFlags, Whence, syscall,
};
use linux_raw_sys::general;
use test_programs::{err, ok, ok_if_there, seen};

freestand::entry!(main);

fn main() {
    sys::umask(Mode::empty());
    opening();
    opening_as_flags_say();
    paths();
    openat2();
    permissions();
    a_read_only_file_system();
    exactly_one_makes_a_file();
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
    pipes();
    pipes_to_pipes();
    files_without_names();
    closing();
    duplicates();
    duplicates_in_place();
    flags_of_descriptors();
    flags_of_open_files();
    locks_of_whole_files();
    locks_of_open_files();
    locks_of_processes();
    terminals();
    too_many_descriptors();
}

// ---- What they all use.

/// An offset beyond 4 GiB, whose halves are not alike.
const HIGH: u64 = 0x1_2345_6789;

/// A descriptor that is not open.
fn closed() -> BorrowedFd<'static> {
    // SAFETY: nothing opens as many descriptors as there are numbers.
    unsafe { BorrowedFd::borrow_raw(i32::MAX) }
}

/// A new file.
fn new_file(path: &str) -> OwnedFd {
    let flags = OFlags::RDWR | OFlags::CREAT | OFlags::EXCL;
    sys::open(path, flags, Mode::new(0o600)).unwrap()
}

fn open(path: &str, flags: OFlags) -> Result<OwnedFd> {
    sys::open(path, flags, Mode::empty())
}

/// What is in the file from `offset` on.
#[track_caller]
fn assert_holds(fd: BorrowedFd<'_>, offset: u64, expected: &[u8]) {
    let mut buffer = [b'?'; 64];
    let found = sys::pread64(fd, &mut buffer[..expected.len()], offset).unwrap();
    assert_eq!(buffer[..found], *expected);
}

/// What comes next out of the descriptor.
#[track_caller]
fn assert_reads(fd: BorrowedFd<'_>, expected: &[u8]) {
    let mut buffer = [b'?'; 64];
    let read = sys::read(fd, &mut buffer).unwrap();
    assert_eq!(buffer[..read], *expected);
}

fn size(fd: BorrowedFd<'_>) -> u64 {
    sys::fstat(fd).unwrap().st_size as u64
}

fn position(fd: BorrowedFd<'_>) -> u64 {
    sys::lseek(fd, 0, Whence::CUR).unwrap()
}

/// A process that does something, with memory of its own.
struct Child(i32);

impl Child {
    /// Begins one; what `work` returns is its exit status. It prints nothing: standard
    /// output's buffer is a copy.
    fn start(work: impl FnOnce() -> u8) -> Child {
        // SAFETY: a child with a copy of all memory goes on from here as the parent does.
        let child: Result<i32> = unsafe {
            syscall!(
                nr::clone,
                general::SIGCHLD,
                0_usize,
                0_usize,
                0_usize,
                0_usize
            )
        };
        match child.unwrap() {
            0 => sys::exit_group(work().into()),
            child => Child(child),
        }
    }

    /// Its exit status.
    #[track_caller]
    fn wait(self) -> u8 {
        let mut status = 0_i32;
        let usage = ptr::null_mut::<u8>();
        // SAFETY: wait4 writes the status.
        let waited: Result<i32> = unsafe { syscall!(nr::wait4, self.0, &mut status, 0_i32, usage) };
        assert_eq!(waited, Ok(self.0));
        assert_eq!(status & 0x7f, 0, "a signal ended it");
        (status >> 8) as u8
    }
}

// ---- Opening.

fn opening() {
    let flags = OFlags::RDWR | OFlags::CREAT | OFlags::EXCL;
    let file = ok!(open("file", flags, Mode::new(0o600)));
    assert_eq!(
        sys::fstat(file.as_fd()).unwrap().st_mode.mode(),
        Mode::new(0o600)
    );
    err!(EEXIST, open("file", flags, Mode::new(0o600)));
    err!(ENOENT, open("nothing", OFlags::RDWR, Mode::empty()));
    err!(ENOENT, open("", OFlags::RDONLY, Mode::empty()));
    err!(ENOTDIR, open("file/x", OFlags::RDONLY, Mode::empty()));
    err!(EISDIR, open(".", OFlags::WRONLY, Mode::empty()));

    sys::mkdir("directory", Mode::new(0o700)).unwrap();
    let directory = open("directory", OFlags::RDONLY | OFlags::DIRECTORY).unwrap();
    let directory = At::Dir(directory.as_fd());
    let inner = ok!(openat(directory, "inner", flags, Mode::new(0o600)));
    sys::write(inner.as_fd(), b"inner").unwrap();
    assert_reads(
        open("directory/inner", OFlags::RDONLY).unwrap().as_fd(),
        b"inner",
    );
    let here = ok!(openat(
        At::Cwd,
        "directory/inner",
        OFlags::RDONLY,
        Mode::empty()
    ));
    assert_reads(here.as_fd(), b"inner");
    err!(
        ENOENT,
        openat(directory, "file", OFlags::RDONLY, Mode::empty())
    );
    err!(
        ENOTDIR,
        openat(
            At::Dir(file.as_fd()),
            "inner",
            OFlags::RDONLY,
            Mode::empty()
        )
    );
    err!(
        EBADF,
        openat(At::Dir(closed()), "inner", OFlags::RDONLY, Mode::empty())
    );
    // An absolute path needs no directory.
    ok!(openat(
        At::Dir(closed()),
        "/",
        OFlags::RDONLY,
        Mode::empty()
    ));

    sys::write(file.as_fd(), b"text").unwrap();
    let emptied = ok!(creat("file", Mode::empty()));
    assert_eq!(size(file.as_fd()), 0);
    assert_eq!(sys::write(emptied.as_fd(), b"new"), Ok(3));
    assert_eq!(sys::read(emptied.as_fd(), &mut [0]), Err(Errno::EBADF));
    err!(EISDIR, creat("directory", Mode::empty()));
}

fn opening_as_flags_say() {
    let file = new_file("flags");
    sys::write(file.as_fd(), b"text").unwrap();
    sys::symlink("flags", "link").unwrap();
    sys::symlink("loop", "loop").unwrap();
    sys::symlink("gone", "dangling").unwrap();

    let appending = open("flags", OFlags::WRONLY | OFlags::APPEND).unwrap();
    assert_eq!(sys::write(appending.as_fd(), b", more"), Ok(6));
    assert_holds(file.as_fd(), 0, b"text, more");
    assert_eq!(sys::read(appending.as_fd(), &mut [0]), Err(Errno::EBADF));
    let reading = open("link", OFlags::RDONLY).unwrap();
    assert_reads(reading.as_fd(), b"text, more");
    assert_eq!(sys::write(reading.as_fd(), b"x"), Err(Errno::EBADF));

    err!(
        ENOTDIR,
        open("flags", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
    );
    err!(
        ELOOP,
        open("link", OFlags::RDONLY | OFlags::NOFOLLOW, Mode::empty())
    );
    err!(ELOOP, open("loop", OFlags::RDONLY, Mode::empty()));
    let made = OFlags::RDWR | OFlags::CREAT;
    err!(
        EEXIST,
        open("dangling", made | OFlags::EXCL, Mode::new(0o600))
    );
    err!(ENOENT, open("gone", OFlags::RDONLY, Mode::empty()));
    sys::open("dangling", made, Mode::new(0o600)).unwrap();
    open("gone", OFlags::RDONLY).unwrap();

    let place = open("link", OFlags::PATH | OFlags::NOFOLLOW).unwrap();
    assert_eq!(sys::read(place.as_fd(), &mut [0]), Err(Errno::EBADF));
    assert_eq!(
        sys::fstat(place.as_fd()).unwrap().st_size,
        "flags".len() as i64
    );

    open("flags", OFlags::WRONLY | OFlags::TRUNC).unwrap();
    assert_eq!(size(file.as_fd()), 0);

    let nameless = sys::open(".", OFlags::RDWR | OFlags::TMPFILE, Mode::new(0o600)).unwrap();
    assert_eq!(sys::write(nameless.as_fd(), b"nowhere"), Ok(7));
    assert_eq!(sys::fstat(nameless.as_fd()).unwrap().st_nlink, 0);

    // What the kernel says of it later tells the others apart, on every architecture.
    for flag in [
        OFlags::APPEND,
        OFlags::DSYNC,
        OFlags::NOATIME,
        OFlags::NONBLOCK,
        OFlags::SYNC,
        OFlags::PATH,
    ] {
        let file = open("flags", OFlags::RDONLY | flag | OFlags::NOCTTY).unwrap();
        let now = sys::fcntl_getfl(file.as_fd()).unwrap();
        assert_eq!(now.difference(OFlags::LARGEFILE), flag);
    }
    for how in [OFlags::RDONLY, OFlags::WRONLY, OFlags::RDWR] {
        let file = open("flags", how).unwrap();
        assert_eq!(
            sys::fcntl_getfl(file.as_fd()).unwrap() & OFlags::ACCMODE,
            how
        );
    }
    let kept = open("flags", OFlags::RDONLY).unwrap();
    assert_eq!(sys::fcntl_getfd(kept.as_fd()), Ok(FdFlags::empty()));
    let shut = open("flags", OFlags::RDONLY | OFlags::CLOEXEC).unwrap();
    assert_eq!(sys::fcntl_getfd(shut.as_fd()), Ok(FdFlags::CLOEXEC));
}

fn paths() {
    // Each kind of path, with bytes that are no text where it can have them.
    const BYTES: &[u8; 4] = b"a\xffb\x80";
    let flags = OFlags::RDWR | OFlags::CREAT | OFlags::EXCL;
    let file = ok!(open(BYTES, flags, Mode::new(0o600)));
    sys::write(file.as_fd(), b"bytes").unwrap();
    let path = c"a\xffb\x80";
    for opened in [
        ok!(open(BYTES, OFlags::RDONLY, Mode::empty())),
        ok!(open(&BYTES[..], OFlags::RDONLY, Mode::empty())),
        ok!(open(path, OFlags::RDONLY, Mode::empty())),
        ok!(openat(At::Cwd, path, OFlags::RDONLY, Mode::empty())),
    ] {
        assert_reads(opened.as_fd(), b"bytes");
    }
    sys::symlink(BYTES, "text").unwrap();
    assert_reads(
        ok!(open("text", OFlags::RDONLY, Mode::empty())).as_fd(),
        b"bytes",
    );

    // A NUL would end the path for the kernel, which would open what is before it.
    err!(EINVAL, open(b"a\xffb\x80\0", OFlags::RDONLY, Mode::empty()));
    err!(
        EINVAL,
        open(&b"a\xffb\x80\0c"[..], OFlags::RDONLY, Mode::empty())
    );
    err!(EINVAL, open("text\0", OFlags::RDONLY, Mode::empty()));
    err!(
        EINVAL,
        openat(At::Cwd, "text\0.txt", OFlags::RDONLY, Mode::empty())
    );
    err!(EINVAL, creat("\0", Mode::empty()));

    // As long as can be, and longer: by us, and by the kernel, which also knows how
    // long a name can be.
    let mut long = [b'/'; PATH_MAX + 1];
    long[0] = b'.';
    ok!(open(&long[..PATH_MAX - 1], OFlags::RDONLY, Mode::empty()));
    err!(
        ENAMETOOLONG,
        open(&long[..PATH_MAX], OFlags::RDONLY, Mode::empty())
    );
    long[PATH_MAX] = 0;
    let longer = CStr::from_bytes_with_nul(&long).unwrap();
    err!(ENAMETOOLONG, open(longer, OFlags::RDONLY, Mode::empty()));
    err!(ENAMETOOLONG, creat(&[b'x'; 256], Mode::empty()));
    drop(sys::creat(&[b'x'; 255], Mode::new(0o600)).unwrap());
}

fn openat2() {
    const FORBIDDEN: ResolveFlags = ResolveFlags::NO_SYMLINKS;
    let plain = |flags| OpenHow::new(flags, Mode::empty(), ResolveFlags::empty());
    let forbidding = |resolve| OpenHow::new(OFlags::RDONLY, Mode::empty(), resolve);

    let how = OpenHow::new(
        OFlags::RDWR | OFlags::CREAT | OFlags::EXCL,
        Mode::new(0o640),
        ResolveFlags::BENEATH,
    );
    let Some(file) = ok_if_there!(openat2(At::Cwd, "how", &how)) else {
        return;
    };
    assert_eq!(
        sys::fstat(file.as_fd()).unwrap().st_mode.mode(),
        Mode::new(0o640)
    );
    assert_eq!(sys::pwrite64(file.as_fd(), b"high", HIGH), Ok(4));
    err!(EEXIST, openat2(At::Cwd, "how", &how));
    // More than 2 GiB: LARGEFILE.
    let file = ok_if_there!(openat2(At::Cwd, c"how", &plain(OFlags::RDONLY))).unwrap();
    assert_holds(file.as_fd(), HIGH, b"high");
    // With PATH the kernel wants it not.
    ok_if_there!(openat2(At::Cwd, b"how", &plain(OFlags::PATH))).unwrap();

    sys::symlink("how", "how link").unwrap();
    ok_if_there!(openat2(At::Cwd, "how link", &plain(OFlags::RDONLY))).unwrap();
    err!(ELOOP, openat2(At::Cwd, "how link", &forbidding(FORBIDDEN)));
    err!(
        EXDEV,
        openat2(At::Cwd, "..", &forbidding(ResolveFlags::BENEATH))
    );
    err!(
        EXDEV,
        openat2(At::Cwd, "/", &forbidding(ResolveFlags::BENEATH))
    );
    err!(
        ENOENT,
        openat2(At::Cwd, "/dev/null", &forbidding(ResolveFlags::IN_ROOT))
    );
    err!(
        EXDEV,
        openat2(At::Cwd, "/proc/self", &forbidding(ResolveFlags::NO_XDEV))
    );
    let magic = "/proc/self/exe";
    ok_if_there!(openat2(At::Cwd, magic, &plain(OFlags::RDONLY))).unwrap();
    err!(
        ELOOP,
        openat2(At::Cwd, magic, &forbidding(ResolveFlags::NO_MAGICLINKS))
    );
    err!(
        EINVAL,
        openat2(
            At::Cwd,
            "how",
            &forbidding(ResolveFlags::from_bits_retain(1 << 63))
        )
    );
    let unknown = OpenHow {
        flags: 1 << 63,
        ..OpenHow::default()
    };
    err!(EINVAL, openat2(At::Cwd, "how", &unknown));
    let mode_for_nothing = OpenHow {
        mode: 0o600,
        ..OpenHow::default()
    };
    err!(EINVAL, openat2(At::Cwd, "how", &mode_for_nothing));
}

/// As whom the thread uses files: a superuser may do all.
fn setfsuid(user: u32) -> u32 {
    // SAFETY: it changes only what the thread may do with files.
    unsafe { syscall!(widest::setfsuid, user) }
}

fn permissions() {
    drop(sys::open("secret", OFlags::WRONLY | OFlags::CREAT, Mode::empty()).unwrap());
    sys::chmod(".", Mode::new(0o755)).unwrap();
    let user = setfsuid(65534);
    open("/", OFlags::RDONLY).unwrap();
    err!(EACCES, open("secret", OFlags::RDONLY, Mode::empty()));
    err!(
        EACCES,
        openat(At::Cwd, "secret", OFlags::WRONLY, Mode::empty())
    );
    err!(EACCES, creat("secret", Mode::empty()));
    err!(EACCES, truncate("secret", 0));
    setfsuid(user);
}

fn a_read_only_file_system() {
    const SEEN: u8 = 0;
    const REFUSED: u8 = 1;

    fn own_mounts(flags: u32) -> Result<()> {
        // SAFETY: who sees which mounts is nothing that Rust relies on.
        unsafe { syscall!(nr::unshare, flags) }
    }

    sys::mkdir("read-only", Mode::new(0o700)).unwrap();
    let child = Child::start(|| {
        if own_mounts(general::CLONE_NEWNS).is_err()
            && own_mounts(general::CLONE_NEWUSER | general::CLONE_NEWNS).is_err()
        {
            return REFUSED;
        }
        let private = MountFlags::PRIVATE | MountFlags::REC;
        sys::mount(None, "/", None, private, None).unwrap();
        let tmpfs = Some(c"tmpfs");
        sys::mount(tmpfs, "read-only", tmpfs, MountFlags::RDONLY, None).unwrap();
        let make = OFlags::WRONLY | OFlags::CREAT;
        let made = sys::open("read-only/file", make, Mode::new(0o600));
        assert_eq!(made.unwrap_err(), Errno::EROFS);
        assert_eq!(
            sys::creat("read-only/file", Mode::empty()).unwrap_err(),
            Errno::EROFS
        );
        SEEN
    });
    match child.wait() {
        SEEN => println!("open EROFS"),
        status => assert_eq!(status, REFUSED),
    }
}

/// Several processes try to make the same files: each file is one's.
fn exactly_one_makes_a_file() {
    const CHILDREN: usize = 6;
    const FILES: u8 = 32;

    let [begin, let_begin] = sys::pipe().unwrap();
    let [made, makes] = sys::pipe().unwrap();
    let children: [Child; CHILDREN] = array::from_fn(|_| {
        Child::start(|| {
            assert_eq!(sys::read(begin.as_fd(), &mut [0]), Ok(1));
            for file in 0..FILES {
                let flags = OFlags::WRONLY | OFlags::CREAT | OFlags::EXCL;
                match sys::open(&[b'#', 0x80 | file], flags, Mode::new(0o600)) {
                    Ok(_) => assert_eq!(sys::write(makes.as_fd(), &[file]), Ok(1)),
                    Err(errno) => assert_eq!(errno, Errno::EEXIST),
                }
            }
            0
        })
    });
    assert_eq!(sys::write(let_begin.as_fd(), &[0; CHILDREN]), Ok(CHILDREN));
    for child in children {
        assert_eq!(child.wait(), 0);
    }
    let mut files = [0; FILES as usize + 1];
    assert_eq!(sys::read(made.as_fd(), &mut files), Ok(FILES as usize));
    let files = &mut files[..FILES as usize];
    files.sort_unstable();
    assert!(files.iter().copied().eq(0..FILES), "{files:?}");
}

// ---- Reading and writing.

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
        read(open(".", OFlags::RDONLY).unwrap().as_fd(), &mut buffer)
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

    ok!(fadvise64(fd, HIGH, HIGH, Advice::SEQUENTIAL));
    err!(EINVAL, fadvise64(fd, 0, 0, Advice(99)));
    err!(EINVAL, fadvise64(fd, 0, 1 << 63, Advice::NORMAL));
    err!(ESPIPE, fadvise64(pipe.as_fd(), 0, 0, Advice::NORMAL));

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

// ---- Positions and lengths.

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
    let terminal = open("/dev/ptmx", OFlags::RDWR | OFlags::NOCTTY).unwrap();
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
    let file = open("large", OFlags::RDWR).unwrap();
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
    let file = open("large", OFlags::RDWR).unwrap();
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
    let read_only = open("lengths", OFlags::RDONLY).unwrap();
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
        fallocate(open("room", OFlags::RDONLY).unwrap().as_fd(), none, 0, 1)
    );
    err!(
        ESPIPE,
        fallocate(sys::pipe().unwrap()[1].as_fd(), none, 0, 1)
    );
}

fn devices() {
    let full = open("/dev/full", OFlags::RDWR).unwrap();
    err!(ENOSPC, write(full.as_fd(), b"x"));
    err!(ENOSPC, writev(full.as_fd(), &[IoSlice::new(b"x")]));
    assert_reads(full.as_fd(), &[0; 64]);
    let null = open("/dev/null", OFlags::RDWR).unwrap();
    assert_eq!(ok!(write(null.as_fd(), b"gone")), 4);
    assert_reads(null.as_fd(), b"");
}

// ---- Pipes, and files without names.

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
    const SIGPIPE: u64 = 1 << (general::SIGPIPE - 1);
    // SAFETY: no signal can come.
    let held: Result<()> = unsafe {
        let old = ptr::null_mut::<u64>();
        syscall!(
            nr::rt_sigprocmask,
            general::SIG_BLOCK,
            &SIGPIPE,
            old,
            size_of::<u64>()
        )
    };
    held.unwrap();
    drop(reader);
    err!(EPIPE, write(writer.as_fd(), b"x"));

    let [reader, writer] = sys::pipe().unwrap();
    let grown = ok!(fcntl_setpipe_sz(writer.as_fd(), 100_000));
    assert!(grown >= 100_000, "{grown}");
    assert_eq!(ok!(fcntl_getpipe_sz(reader.as_fd())), grown);
    sys::write(writer.as_fd(), &[0; 10_000]).unwrap();
    err!(EBUSY, fcntl_setpipe_sz(writer.as_fd(), 4096));
    err!(EINVAL, fcntl_setpipe_sz(writer.as_fd(), u32::MAX));
    let file = open("/dev/null", OFlags::RDWR).unwrap();
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
    let file = open("/dev/null", OFlags::RDWR).unwrap();
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

// ---- Descriptors.

fn closing() {
    let [reader, writer] = sys::pipe().unwrap();
    let number = writer.into_raw_fd();
    ok!(unsafe close(number));
    assert_reads(reader.as_fd(), b"");
    err!(EBADF, unsafe close(number));
    err!(EBADF, unsafe close(-1));

    // As many as are three, out of which two are closed.
    let [first, second, third] = [200, 201, 202].map(|number| {
        let fd = sys::fcntl_dupfd(reader.as_fd(), number).unwrap();
        assert_eq!(fd.as_fd().as_raw_fd(), number);
        fd
    });
    let only_marked = CloseRangeFlags::CLOEXEC;
    if ok_if_there!(unsafe close_range(201, 202, only_marked)).is_none() {
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
    let file = open("/dev/null", OFlags::RDWR).unwrap();
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
    assert_eq!(writing, OFlags::WRONLY);
    ok!(fcntl_setfl(reader.as_fd(), OFlags::empty()));
    assert_eq!(
        ok!(fcntl_getfl(same.as_fd())).difference(OFlags::LARGEFILE),
        OFlags::RDONLY
    );
    err!(EBADF, fcntl_setfl(closed(), flags));
    err!(EBADF, fcntl_getfl(closed()));
}

// ---- Locks.

fn locks_of_whole_files() {
    let file = new_file("lock");
    let [one, other] = [(), ()].map(|()| open("lock", OFlags::RDONLY).unwrap());
    let (one, other) = (one.as_fd(), other.as_fd());
    ok!(flock(one, FlockFlags::EX));
    err!(EAGAIN, flock(other, FlockFlags::EX | FlockFlags::NB));
    err!(EAGAIN, flock(other, FlockFlags::SH | FlockFlags::NB));
    ok!(flock(one, FlockFlags::SH));
    ok!(flock(other, FlockFlags::SH | FlockFlags::NB));
    err!(EAGAIN, flock(file.as_fd(), FlockFlags::EX | FlockFlags::NB));
    ok!(flock(one, FlockFlags::UN));
    ok!(flock(other, FlockFlags::UN));
    ok!(flock(file.as_fd(), FlockFlags::EX | FlockFlags::NB));
    err!(EINVAL, flock(one, FlockFlags::empty()));
    err!(EBADF, flock(closed(), FlockFlags::SH));
}

fn locks_of_open_files() {
    let [one, other] = [(), ()].map(|()| open("lock", OFlags::RDWR).unwrap());
    let (one, other) = (one.as_fd(), other.as_fd());
    let start = HIGH as i64;
    let lock = |start, length| Flock::new(LockType::WRLCK, start, length);

    ok!(fcntl_ofd_setlk(one, &lock(start, start + 1)));
    let found = ok!(fcntl_ofd_getlk(other, lock(0, 0)));
    assert_eq!(
        found,
        Some(Flock {
            l_pid: -1,
            ..lock(start, start + 1)
        })
    );
    assert_eq!(ok!(fcntl_ofd_getlk(one, lock(0, 0))), None);
    // Both halves of both ends count.
    err!(EAGAIN, fcntl_ofd_setlk(other, &lock(2 * start, 1)));
    ok!(fcntl_ofd_setlk(other, &lock(2 * start + 1, 1)));
    ok!(fcntl_ofd_setlk(other, &lock(start & 0xffff_ffff, 1)));
    assert_eq!(ok!(fcntl_ofd_getlk(other, lock(start - 1, 1))), None);
    let shared = Flock::new(LockType::RDLCK, start, 0);
    assert!(ok!(fcntl_ofd_getlk(other, shared)).is_some());
    err!(EAGAIN, fcntl_ofd_setlk(other, &shared));
    ok!(fcntl_ofd_setlk(one, &Flock::new(LockType::UNLCK, 0, 0)));
    ok!(fcntl_ofd_setlkw(other, &lock(start, 1)));
    err!(EAGAIN, fcntl_ofd_setlk(one, &lock(start, 1)));

    let owned = Flock {
        l_pid: 1,
        ..lock(0, 1)
    };
    err!(EINVAL, fcntl_ofd_setlk(one, &owned));
    err!(EINVAL, fcntl_ofd_setlkw(one, &owned));
    err!(EINVAL, fcntl_ofd_getlk(one, owned));
    err!(EBADF, fcntl_ofd_getlk(closed(), lock(0, 1)));
    let reading = open("lock", OFlags::RDONLY).unwrap();
    err!(EBADF, fcntl_ofd_setlk(reading.as_fd(), &lock(0, 1)));
}

fn locks_of_processes() {
    let file = open("lock", OFlags::RDWR).unwrap();
    let fd = file.as_fd();
    let start = HIGH as i64;
    let lock = |start, length| Flock::new(LockType::WRLCK, start, length);

    ok!(fcntl_setlk(fd, &lock(start, start + 1)));
    ok!(fcntl_setlkw(fd, &lock(5, 2)));
    // It is not in its own way, but in its child's.
    assert_eq!(ok!(fcntl_getlk(fd, lock(0, 0))), None);
    let parent = sys::getpid();
    let child = Child::start(|| {
        let owned = |lock| {
            Some(Flock {
                l_pid: parent.0,
                ..lock
            })
        };
        assert_eq!(sys::fcntl_getlk(fd, lock(0, start)), Ok(owned(lock(5, 2))));
        assert_eq!(
            sys::fcntl_getlk(fd, lock(8, 0)),
            Ok(owned(lock(start, start + 1)))
        );
        assert_eq!(sys::fcntl_getlk(fd, lock(8, start - 8)), Ok(None));
        let refused = sys::fcntl_setlk(fd, &lock(2 * start, 1)).unwrap_err();
        assert!(
            matches!(refused, Errno::EAGAIN | Errno::EACCES),
            "{refused:?}"
        );
        sys::fcntl_setlk(fd, &lock(2 * start + 1, 1)).unwrap();
        sys::fcntl_setlk(fd, &lock(start & 0xffff_ffff, 1)).unwrap();
        0
    });
    assert_eq!(child.wait(), 0);
    ok!(fcntl_setlk(fd, &Flock::new(LockType::UNLCK, 0, 0)));

    let reading = open("lock", OFlags::RDONLY).unwrap();
    err!(EBADF, fcntl_setlk(reading.as_fd(), &lock(0, 1)));
    err!(EBADF, fcntl_setlkw(reading.as_fd(), &lock(0, 1)));
    err!(EINVAL, fcntl_setlk(fd, &Flock::new(LockType(99), 0, 1)));
    err!(EINVAL, fcntl_getlk(fd, Flock::new(LockType::UNLCK, 0, 1)));
    err!(EBADF, fcntl_getlk(closed(), lock(0, 1)));
}

// ---- Terminals, and the end.

fn terminals() {
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let terminal = open("/dev/ptmx", flags).unwrap();
    let fd = terminal.as_fd();
    let file = open("/dev/null", OFlags::RDWR).unwrap();
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
    /// Up to where descriptors are numbered.
    fn limit(new: Option<&general::rlimit64>, old: Option<&mut general::rlimit64>) {
        // SAFETY: it reads the new limit and writes the old one.
        let result: Result<()> =
            unsafe { syscall!(nr::prlimit64, 0_i32, general::RLIMIT_NOFILE, new, old) };
        result.unwrap();
    }

    const LIMIT: i32 = 32;
    let file = open("/dev/null", OFlags::RDWR).unwrap();
    let fd = file.as_fd();
    let mut before = general::rlimit64 {
        rlim_cur: 0,
        rlim_max: 0,
    };
    limit(None, Some(&mut before));
    limit(
        Some(&general::rlimit64 {
            rlim_cur: LIMIT as u64,
            ..before
        }),
        None,
    );
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
    err!(EMFILE, open("/dev/null", OFlags::RDONLY, Mode::empty()));
    err!(
        EMFILE,
        openat(At::Cwd, "/dev/null", OFlags::RDONLY, Mode::empty())
    );
    err!(EMFILE, creat("/dev/null", Mode::empty()));
    err!(EMFILE, pipe());
    err!(EMFILE, pipe2(PipeFlags::CLOEXEC));
    err!(EMFILE, memfd_create("", MemfdFlags::empty()));
    err!(EINVAL, fcntl_dupfd(fd, LIMIT));
    err!(EBADF, unsafe dup2_to(fd, LIMIT));
    drop(all);
    limit(Some(&before), None);
    ok!(dup(fd));
}
