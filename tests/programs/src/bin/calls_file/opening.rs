//! Opening files.

use core::array;
use core::ffi::CStr;

use freestand::sys::{
    self, At, Errno, FdFlags, Mode, MountFlags, OFlags, OpenHow, PATH_MAX, Pid, ResolveFlags,
    WaitOptions, WaitStatus,
};
use test_programs::child::{as_ordinary_user, with_own_mounts};
use test_programs::{err, ok, ok_if_there};

use crate::common::{
    HIGH, NONE, RDONLY, RDWR, WRONLY, assert_holds, assert_reads, closed, new_file, open, size,
};

pub fn all() {
    opening();
    opening_as_flags_say();
    paths();
    openat2();
    permissions();
    a_read_only_file_system();
    exactly_one_makes_a_file();
}

fn opening() {
    let flags = RDWR | OFlags::CREAT | OFlags::EXCL;
    let file = ok!(open("file", flags, Mode::new(0o600)));
    assert_eq!(
        sys::fstat(file.as_fd()).unwrap().st_mode.mode(),
        Mode::new(0o600)
    );
    err!(EEXIST, open("file", flags, Mode::new(0o600)));
    err!(ENOENT, open("nothing", RDWR, NONE));
    err!(ENOENT, open("", RDONLY, NONE));
    err!(ENOTDIR, open("file/x", RDONLY, NONE));
    err!(EISDIR, open(".", WRONLY, NONE));

    sys::mkdir("directory", Mode::new(0o700)).unwrap();
    let directory = open("directory", RDONLY | OFlags::DIRECTORY).unwrap();
    let directory = At::Dir(directory.as_fd());
    let inner = ok!(openat(directory, "inner", flags, Mode::new(0o600)));
    sys::write(inner.as_fd(), b"inner").unwrap();
    assert_reads(open("directory/inner", RDONLY).unwrap().as_fd(), b"inner");
    let here = ok!(openat(At::Cwd, "directory/inner", RDONLY, NONE));
    assert_reads(here.as_fd(), b"inner");
    err!(ENOENT, openat(directory, "file", RDONLY, NONE));
    err!(
        ENOTDIR,
        openat(At::Dir(file.as_fd()), "inner", RDONLY, NONE)
    );
    err!(EBADF, openat(At::Dir(closed()), "inner", RDONLY, NONE));
    // An absolute path needs no directory.
    ok!(openat(At::Dir(closed()), "/", RDONLY, NONE));

    sys::write(file.as_fd(), b"text").unwrap();
    let emptied = ok!(creat("file", NONE));
    assert_eq!(size(file.as_fd()), 0);
    assert_eq!(sys::write(emptied.as_fd(), b"new"), Ok(3));
    assert_eq!(sys::read(emptied.as_fd(), &mut [0]), Err(Errno::EBADF));
    err!(EISDIR, creat("directory", NONE));
}

fn opening_as_flags_say() {
    let file = new_file("flags");
    sys::write(file.as_fd(), b"text").unwrap();
    sys::symlink("flags", "link").unwrap();
    sys::symlink("loop", "loop").unwrap();
    sys::symlink("gone", "dangling").unwrap();

    let appending = open("flags", WRONLY | OFlags::APPEND).unwrap();
    assert_eq!(sys::write(appending.as_fd(), b", more"), Ok(6));
    assert_holds(file.as_fd(), 0, b"text, more");
    assert_eq!(sys::read(appending.as_fd(), &mut [0]), Err(Errno::EBADF));
    let reading = open("link", RDONLY).unwrap();
    assert_reads(reading.as_fd(), b"text, more");
    assert_eq!(sys::write(reading.as_fd(), b"x"), Err(Errno::EBADF));

    err!(ENOTDIR, open("flags", RDONLY | OFlags::DIRECTORY, NONE));
    err!(ELOOP, open("link", RDONLY | OFlags::NOFOLLOW, NONE));
    err!(ELOOP, open("loop", RDONLY, NONE));
    let made = RDWR | OFlags::CREAT;
    err!(
        EEXIST,
        open("dangling", made | OFlags::EXCL, Mode::new(0o600))
    );
    err!(ENOENT, open("gone", RDONLY, NONE));
    sys::open("dangling", made, Mode::new(0o600)).unwrap();
    open("gone", RDONLY).unwrap();

    let place = open("link", OFlags::PATH | OFlags::NOFOLLOW).unwrap();
    assert_eq!(sys::read(place.as_fd(), &mut [0]), Err(Errno::EBADF));
    assert_eq!(
        sys::fstat(place.as_fd()).unwrap().st_size,
        "flags".len() as i64
    );

    open("flags", WRONLY | OFlags::TRUNC).unwrap();
    assert_eq!(size(file.as_fd()), 0);

    let nameless = sys::open(".", RDWR | OFlags::TMPFILE, Mode::new(0o600)).unwrap();
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
        let file = open("flags", RDONLY | flag | OFlags::NOCTTY).unwrap();
        let now = sys::fcntl_getfl(file.as_fd()).unwrap();
        assert_eq!(now.difference(OFlags::LARGEFILE), flag);
    }
    for how in [RDONLY, WRONLY, RDWR] {
        let file = open("flags", how).unwrap();
        assert_eq!(
            sys::fcntl_getfl(file.as_fd()).unwrap() & OFlags::ACCMODE,
            how
        );
    }
    let kept = open("flags", RDONLY).unwrap();
    assert_eq!(sys::fcntl_getfd(kept.as_fd()), Ok(FdFlags::empty()));
    let shut = open("flags", RDONLY | OFlags::CLOEXEC).unwrap();
    assert_eq!(sys::fcntl_getfd(shut.as_fd()), Ok(FdFlags::CLOEXEC));
}

fn paths() {
    // Each kind of path, with bytes that are no text where it can have them.
    const BYTES: &[u8; 4] = b"a\xffb\x80";
    let flags = RDWR | OFlags::CREAT | OFlags::EXCL;
    let file = ok!(open(BYTES, flags, Mode::new(0o600)));
    sys::write(file.as_fd(), b"bytes").unwrap();
    let path = c"a\xffb\x80";
    for opened in [
        ok!(open(BYTES, RDONLY, NONE)),
        ok!(open(&BYTES[..], RDONLY, NONE)),
        ok!(open(path, RDONLY, NONE)),
        ok!(openat(At::Cwd, path, RDONLY, NONE)),
    ] {
        assert_reads(opened.as_fd(), b"bytes");
    }
    sys::symlink(BYTES, "text").unwrap();
    assert_reads(ok!(open("text", RDONLY, NONE)).as_fd(), b"bytes");

    // A NUL would end the path for the kernel, which would open what is before it.
    err!(EINVAL, open(b"a\xffb\x80\0", RDONLY, NONE));
    err!(EINVAL, open(&b"a\xffb\x80\0c"[..], RDONLY, NONE));
    err!(EINVAL, open("text\0", RDONLY, NONE));
    err!(EINVAL, openat(At::Cwd, "text\0.txt", RDONLY, NONE));
    err!(EINVAL, creat("\0", NONE));

    // As long as can be, and longer: by us, and by the kernel, which also knows how
    // long a name can be.
    let mut long = [b'/'; PATH_MAX + 1];
    long[0] = b'.';
    ok!(open(&long[..PATH_MAX - 1], RDONLY, NONE));
    err!(ENAMETOOLONG, open(&long[..PATH_MAX], RDONLY, NONE));
    long[PATH_MAX] = 0;
    let longer = CStr::from_bytes_with_nul(&long).unwrap();
    err!(ENAMETOOLONG, open(longer, RDONLY, NONE));
    err!(ENAMETOOLONG, creat(&[b'x'; 256], NONE));
    drop(sys::creat(&[b'x'; 255], Mode::new(0o600)).unwrap());
}

fn openat2() {
    const FORBIDDEN: ResolveFlags = ResolveFlags::NO_SYMLINKS;
    let plain = |flags| OpenHow::new(flags, NONE, ResolveFlags::empty());
    let forbidding = |resolve| OpenHow::new(RDONLY, NONE, resolve);

    let how = OpenHow::new(
        RDWR | OFlags::CREAT | OFlags::EXCL,
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
    // A kernel of 64 bits adds LARGEFILE itself, for programs of 32 bits too.
    assert_eq!(plain(RDONLY).flags, u64::from(OFlags::LARGEFILE.bits()));
    let file = ok_if_there!(openat2(At::Cwd, c"how", &plain(RDONLY))).unwrap();
    assert_holds(file.as_fd(), HIGH, b"high");
    // With PATH the kernel wants it not.
    ok_if_there!(openat2(At::Cwd, b"how", &plain(OFlags::PATH))).unwrap();

    sys::symlink("how", "how link").unwrap();
    ok_if_there!(openat2(At::Cwd, "how link", &plain(RDONLY))).unwrap();
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
    ok_if_there!(openat2(At::Cwd, magic, &plain(RDONLY))).unwrap();
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

fn permissions() {
    drop(sys::open("secret", WRONLY | OFlags::CREAT, NONE).unwrap());
    // Whoever the ordinary user is may search the directory.
    sys::chmod(".", Mode::new(0o711)).unwrap();
    as_ordinary_user(|| {
        err!(EACCES, open("secret", RDONLY, NONE));
        err!(EACCES, openat(At::Cwd, "secret", WRONLY, NONE));
        err!(EACCES, creat("secret", NONE));
        err!(EACCES, truncate("secret", 0));
    });
}

fn a_read_only_file_system() {
    sys::mkdir("read-only", Mode::new(0o700)).unwrap();
    with_own_mounts(&[], || {
        let private = MountFlags::PRIVATE | MountFlags::REC;
        sys::mount(None, "/", None, private, None).unwrap();
        let tmpfs = Some(c"tmpfs");
        sys::mount(tmpfs, "read-only", tmpfs, MountFlags::RDONLY, None).unwrap();
        err!(
            EROFS,
            open("read-only/file", RDWR | OFlags::CREAT, Mode::new(0o600))
        );
        err!(EROFS, creat("read-only/file", NONE));
    });
}

/// Several processes try to make the same files: each file is one's.
fn exactly_one_makes_a_file() {
    const CHILDREN: usize = 6;
    const FILES: u8 = 32;

    let [begin, let_begin] = sys::pipe().unwrap();
    let [made, makes] = sys::pipe().unwrap();
    let children: [Pid; CHILDREN] = array::from_fn(|_| {
        // SAFETY: there is one thread, and the child neither prints nor goes on.
        if let Some(child) = unsafe { sys::fork() }.unwrap() {
            return child;
        }
        assert_eq!(sys::read(begin.as_fd(), &mut [0]), Ok(1));
        for file in 0..FILES {
            let flags = WRONLY | OFlags::CREAT | OFlags::EXCL;
            match sys::open(&[b'#', 0x80 | file], flags, Mode::new(0o600)) {
                Ok(_) => assert_eq!(sys::write(makes.as_fd(), &[file]), Ok(1)),
                Err(errno) => assert_eq!(errno, Errno::EEXIST),
            }
        }
        sys::exit_group(0)
    });
    assert_eq!(sys::write(let_begin.as_fd(), &[0; CHILDREN]), Ok(CHILDREN));
    for child in children {
        let mut status = WaitStatus(-1);
        let ended = sys::wait4(child, Some(&mut status), WaitOptions::empty(), None);
        assert_eq!((ended, status), (Ok(Some(child)), WaitStatus(0)));
    }
    let mut files = [0; FILES as usize + 1];
    assert_eq!(sys::read(made.as_fd(), &mut files), Ok(FILES as usize));
    let files = &mut files[..FILES as usize];
    files.sort_unstable();
    assert!(files.iter().copied().eq(0..FILES), "{files:?}");
}
