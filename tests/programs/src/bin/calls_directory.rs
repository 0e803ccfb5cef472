//! Names of files, mounts, inotify.

#![no_std]
#![no_main]

use freestand::sys::{
    At, AtFlags, BorrowedFd, Dev, DirEntries, Errno, FileMode, FileType, InotifyEvent,
    InotifyEvents, InotifyFlags, InotifyMask, Mode, MountFlags, MountedFlags, OFlags, PATH_MAX,
    Path, RenameFlags, Result, UmountFlags, UnlinkFlags, chdir, chmod, fstat, getcwd,
    inotify_init1, lstat, mkdir, mkdirat, newfstatat, nr, open, openat, read, rename, rmdir, stat,
    statfs, symlink, syscall, umask, write,
};
use linux_raw_sys::general::RLIMIT_NOFILE;
use test_programs::child::{as_ordinary_user, in_child, with_own_mounts};
use test_programs::{err, ok};

freestand::entry!(main);

/// A descriptor that is none.
// SAFETY: nothing opens as many descriptors as there are numbers.
const CLOSED: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(i32::MAX) };

/// What linux/magic.h calls it.
const TMPFS_MAGIC: u32 = 0x0102_1994;

/// A name that no file system takes.
const TOO_LONG: &[u8] = &[b'n'; 256];

const ALL: Mode = Mode::new(0o777);

fn main() {
    umask(Mode::new(0o022));
    directories();
    let dir = open("dir", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
    let dir = dir.expect("it is made");
    let at_dir = At::Dir(dir.as_fd());
    links(at_dir);
    symbolic_links(at_dir);
    renaming(at_dir);
    removing(at_dir);
    special_files(at_dir);
    many_entries();
    current_directory(dir.as_fd());

    watching();
    in_child(no_more_descriptors);

    with_own_mounts(&["mount", "umount2"], mounts);
    with_own_mounts(&["pivot_root"], another_root);
    with_own_mounts(&["chroot"], a_root_below);

    chmod(".", Mode::new(0o711)).expect("it is the test's");
    mkdir("ordinary", Mode::empty()).expect("nothing is there yet");
    chmod("ordinary", ALL).expect("it is made");
    as_ordinary_user(what_only_some_may);
}

/// Makes the file `path` of these bytes.
fn make(dir: At<'_>, path: &str, bytes: &[u8]) {
    let flags = OFlags::WRONLY | OFlags::CREAT | OFlags::EXCL;
    let file = openat(dir, path, flags, Mode::new(0o644)).expect("nothing is there yet");
    assert_eq!(write(file.as_fd(), bytes), Ok(bytes.len()));
}

/// Whether the file `path` is of just these bytes.
fn holds(dir: At<'_>, path: &str, bytes: &[u8]) -> bool {
    let mut buffer = [0; 64];
    openat(dir, path, OFlags::RDONLY, Mode::empty())
        .and_then(|file| read(file.as_fd(), &mut buffer))
        .is_ok_and(|count| &buffer[..count] == bytes)
}

fn file_type(path: impl Path) -> Result<FileType> {
    lstat(path).map(|file| file.st_mode.file_type())
}

fn directories() {
    ok!(mkdir("dir", ALL));
    let dir = stat("dir").expect("it is made");
    assert_eq!(dir.st_mode, FileMode::new(FileType::DIR, Mode::new(0o755)));
    err!(EEXIST, mkdir("dir", ALL));
    err!(ENOENT, mkdir("missing/dir", ALL));
    err!(ENAMETOOLONG, mkdir(TOO_LONG, ALL));

    let opened = open("dir", OFlags::RDONLY, Mode::empty()).expect("it is made");
    ok!(mkdirat(At::Dir(opened.as_fd()), "below", ALL));
    assert_eq!(file_type("dir/below"), Ok(FileType::DIR));
    err!(EEXIST, mkdirat(At::Cwd, "dir/below", ALL));
    err!(EBADF, mkdirat(At::Dir(CLOSED), "below", ALL));

    err!(ENOTEMPTY, rmdir("dir"));
    err!(EINVAL, rmdir("dir/below/."));
    ok!(rmdir("dir/below"));
    assert_eq!(file_type("dir/below"), Err(Errno::ENOENT));
    err!(ENOENT, rmdir("dir/below"));
}

fn links(dir: At<'_>) {
    make(At::Cwd, "file", b"bytes");
    ok!(link("file", "other name"));
    ok!(linkat(At::Cwd, "file", dir, "third name", AtFlags::empty()));
    let file = stat("file").expect("it is made");
    assert_eq!(file.st_nlink, 3);
    for name in ["other name", "dir/third name"] {
        assert_eq!(stat(name), Ok(file));
    }

    err!(EEXIST, link("file", "other name"));
    err!(EPERM, link("dir", "other dir"));
    err!(EXDEV, link("/proc/version", "version"));
    err!(ENAMETOOLONG, link("file", TOO_LONG));
    err!(
        EXDEV,
        linkat(At::Cwd, "/proc/version", dir, "version", AtFlags::empty())
    );
    let unknown = AtFlags::from_bits_retain(1);
    err!(EINVAL, linkat(At::Cwd, "file", dir, "fourth name", unknown));
    err!(ENOTDIR, link("file/x", "x"));
}

fn symbolic_links(dir: At<'_>) {
    ok!(symlink("../file", "dir/link"));
    ok!(symlinkat("nowhere", dir, b"to nowhere"));
    err!(EEXIST, symlink("file", "dir/link"));
    err!(ENOENT, symlink("", "empty"));
    err!(EBADF, symlinkat("file", At::Dir(CLOSED), "x"));

    let mut buffer = [b'!'; 8];
    assert_eq!(ok!(readlinkat(dir, "link", &mut buffer)), 7);
    assert_eq!(&buffer, b"../file!");
    assert_eq!(ok!(readlink(c"dir/to nowhere", &mut buffer[..2])), 2);
    assert_eq!(&buffer, b"no/file!");
    err!(EINVAL, readlink("file", &mut buffer));
    err!(EINVAL, readlink("dir/link", &mut []));
    err!(ENOENT, readlinkat(dir, "missing", &mut buffer));

    // Another name of the link, and of what it points to.
    ok!(linkat(dir, "link", dir, "also link", AtFlags::empty()));
    assert_eq!(file_type("dir/also link"), Ok(FileType::LNK));
    ok!(linkat(dir, "link", dir, "no link", AtFlags::SYMLINK_FOLLOW));
    assert_eq!(file_type("dir/no link"), Ok(FileType::REG));

    ok!(symlink("loop", "loop"));
    err!(ELOOP, chdir("loop"));
    err!(ELOOP, mkdir("loop/x", ALL));
}

fn renaming(dir: At<'_>) {
    make(At::Cwd, "one", b"1");
    make(At::Cwd, "two", b"two");

    ok!(rename("one", "uno"));
    assert!(holds(At::Cwd, "uno", b"1"));
    assert_eq!(file_type("one"), Err(Errno::ENOENT));
    err!(ENOENT, rename("one", "uno"));
    err!(EXDEV, rename("/proc/version", "version"));
    err!(EINVAL, rename("dir", "dir/below itself"));
    mkdir("empty", ALL).expect("nothing is there yet");
    err!(ENOTEMPTY, rename("empty", "dir"));
    err!(EISDIR, rename("uno", "dir"));

    ok!(renameat(At::Cwd, "uno", dir, "uno"));
    assert!(holds(dir, "uno", b"1"));
    err!(ENOENT, renameat(At::Cwd, "uno", dir, "uno"));

    let keep = RenameFlags::NOREPLACE;
    err!(EEXIST, renameat2(At::Cwd, "two", dir, "uno", keep));
    ok!(renameat2(dir, "uno", dir, "one", keep));
    ok!(renameat2(At::Cwd, "two", dir, "one", RenameFlags::EXCHANGE));
    assert!(holds(At::Cwd, "two", b"1"));
    assert!(holds(dir, "one", b"two"));
    // What it replaces is gone.
    ok!(renameat2(At::Cwd, "two", dir, "one", RenameFlags::empty()));
    assert!(holds(dir, "one", b"1"));
    let both = RenameFlags::NOREPLACE | RenameFlags::EXCHANGE;
    err!(EINVAL, renameat2(dir, "one", At::Cwd, "one", both));
}

fn removing(dir: At<'_>) {
    let file = open("file", OFlags::RDONLY, Mode::empty()).expect("it is made");
    let names = || fstat(file.as_fd()).map(|file| file.st_nlink);
    assert_eq!(names(), Ok(4));
    ok!(unlink("dir/no link"));
    ok!(unlink("other name"));
    ok!(unlinkat(dir, "third name", UnlinkFlags::empty()));
    assert_eq!(names(), Ok(1));
    ok!(unlink("file"));
    assert_eq!(names(), Ok(0));
    assert_eq!(file_type("file"), Err(Errno::ENOENT));
    // Who has it open has it still.
    assert_eq!(read(file.as_fd(), &mut [0; 8]), Ok(5));

    err!(ENOENT, unlink("file"));
    err!(EISDIR, unlink("dir"));
    err!(ENAMETOOLONG, unlink(TOO_LONG));
    mkdirat(dir, "empty", ALL).expect("nothing is there yet");
    err!(EISDIR, unlinkat(dir, "empty", UnlinkFlags::empty()));
    ok!(unlinkat(dir, "empty", UnlinkFlags::REMOVEDIR));
    assert_eq!(file_type("dir/empty"), Err(Errno::ENOENT));
    err!(ENOTDIR, unlinkat(dir, "link", UnlinkFlags::REMOVEDIR));
    err!(ENOTEMPTY, unlinkat(At::Cwd, "dir", UnlinkFlags::REMOVEDIR));
}

fn special_files(dir: At<'_>) {
    let mode = Mode::new(0o644);
    let pipe = FileMode::new(FileType::FIFO, mode);
    ok!(mknod("pipe", pipe, Dev(0)));
    assert_eq!(lstat("pipe").map(|file| file.st_mode), Ok(pipe));
    let socket = FileMode::new(FileType::SOCK, mode);
    ok!(mknodat(dir, "socket", socket, Dev(0)));
    assert_eq!(lstat("dir/socket").map(|file| file.st_mode), Ok(socket));

    err!(EEXIST, mknod("pipe", pipe, Dev(0)));
    err!(
        EPERM,
        mknod("no dir", FileMode::new(FileType::DIR, mode), Dev(0))
    );
    err!(EBADF, mknodat(At::Dir(CLOSED), "pipe", pipe, Dev(0)));

    let device = FileMode::new(FileType::CHR, Mode::empty());
    err!(EINVAL, mknodat(dir, "device", device, Dev::new(0x1000, 0)));
    err!(
        EINVAL,
        mknodat(dir, "device", device, Dev::new(0, 0x10_0000))
    );
    let number = Dev::new(0xabc, 0x1_2345);
    match freestand::sys::mknodat(dir, "device", device, number) {
        Ok(()) => assert_eq!(stat("dir/device").map(|file| file.st_rdev), Ok(number)),
        Err(errno) => assert_eq!(errno, Errno::EPERM),
    }
}

/// How many files there are, so that the entries fill several buffers.
const MANY: usize = 300;

fn many_entries() {
    mkdir("many", ALL).expect("nothing is there yet");
    let dir = open("many", OFlags::RDONLY, Mode::empty()).expect("it is made");
    for i in 0..MANY {
        let digit = |of| b'0' + (of % 10) as u8;
        let name = [digit(i / 100), digit(i / 10), digit(i)];
        let name = str::from_utf8(&name).expect("digits are");
        make(At::Dir(dir.as_fd()), name, b"");
    }

    let mut found = [false; MANY];
    let mut directories = 0;
    let mut calls = 0;
    let mut buffer = [0; 1001];
    loop {
        // Entries at odd addresses do as well.
        let count = ok!(getdents64(dir.as_fd(), &mut buffer[1..]));
        if count == 0 {
            break;
        }
        calls += 1;
        let mut size = 0;
        for entry in DirEntries::new(&buffer[1..][..count]) {
            // What comes before the name, it, its NUL, and what aligns it.
            size += (19 + entry.d_name.count_bytes() + 1).next_multiple_of(8);
            if entry.d_name == c"." || entry.d_name == c".." {
                directories += 1;
                assert!([FileType::DIR, FileType::UNKNOWN].contains(&entry.d_type));
                continue;
            }
            assert!([FileType::REG, FileType::UNKNOWN].contains(&entry.d_type));
            let number = entry.d_name.to_str().expect("digits are").parse();
            let number: usize = number.expect("the names are numbers");
            assert!(!found[number]);
            found[number] = true;
            let ino = newfstatat(At::Dir(dir.as_fd()), entry.d_name, AtFlags::empty())
                .map(|file| file.st_ino);
            assert_eq!(ino, Ok(entry.d_ino));
        }
        // None was left out.
        assert_eq!(size, count);
    }
    assert!(calls > 5);
    assert_eq!(directories, 2);
    assert!(found.iter().all(|&found| found));

    err!(EBADF, getdents64(CLOSED, &mut buffer));
    let file = open("many/000", OFlags::RDONLY, Mode::empty()).expect("it is made");
    err!(ENOTDIR, getdents64(file.as_fd(), &mut buffer));
    mkdir("short", ALL).expect("nothing is there yet");
    let dir = open("short", OFlags::RDONLY, Mode::empty()).expect("it is made");
    err!(EINVAL, getdents64(dir.as_fd(), &mut buffer[..8]));
    rmdir("short").expect("it is empty");
    err!(ENOENT, getdents64(dir.as_fd(), &mut buffer));
}

fn current_directory(dir: BorrowedFd<'_>) {
    let here = open(".", OFlags::RDONLY, Mode::empty()).expect("it is there");
    let mut buffer = [0; PATH_MAX];
    let length = ok!(getcwd(&mut buffer));
    assert_eq!(buffer[length - 1], 0);
    let path = &buffer[..length - 1];
    assert!(path.starts_with(b"/") && !path.contains(&0));

    let is_below = |name: &[u8]| {
        let mut buffer = [0; PATH_MAX];
        getcwd(&mut buffer).is_ok_and(|length| {
            let below = buffer[..length - 1].strip_prefix(path);
            below.is_some_and(|below| below == name)
        })
    };
    ok!(chdir("dir"));
    assert!(is_below(b"/dir"));
    ok!(fchdir(here.as_fd()));
    assert!(is_below(b""));
    ok!(fchdir(dir));
    assert!(is_below(b"/dir"));
    ok!(chdir(path));
    assert!(is_below(b""));

    err!(ENOENT, chdir("missing"));
    err!(ENOTDIR, chdir("pipe"));
    err!(EBADF, fchdir(CLOSED));
    let file = open("two", OFlags::RDONLY | OFlags::CREAT, ALL).expect("there is room");
    err!(ENOTDIR, fchdir(file.as_fd()));
    err!(ERANGE, getcwd(&mut [0]));
    err!(ERANGE, getcwd(&mut buffer[..length - 1]));
    in_child(|| {
        mkdir("gone", ALL).expect("nothing is there yet");
        chdir("gone").expect("it is made");
        rmdir("../gone").expect("it is empty");
        err!(ENOENT, getcwd(&mut [0; 64]));
    });
}

fn watching() {
    let nonblock = InotifyFlags::NONBLOCK | InotifyFlags::CLOEXEC;
    let inotify = ok!(inotify_init1(nonblock));
    let fd = inotify.as_fd();
    let mut buffer = [0; 1024];
    err!(EAGAIN, read(fd, &mut buffer));

    mkdir("watched", ALL).expect("nothing is there yet");
    let names = InotifyMask::CREATE | InotifyMask::MOVE | InotifyMask::ONLYDIR;
    let watch = ok!(inotify_add_watch(fd, "watched", names));
    mkdir("watched/dir", ALL).expect("nothing is there yet");
    rename("watched/dir", "watched/long directory").expect("it is made");

    let count = read(fd, &mut buffer).expect("something happened");
    let mut events = InotifyEvents::new(&buffer[..count]);
    let mut next = |mask, name| {
        let event = events.next().expect("there is another");
        assert_eq!((event.wd, event.mask, event.name), (watch, mask, name));
        event.cookie
    };
    let about_dir = InotifyMask::ISDIR;
    assert_eq!(next(InotifyMask::CREATE | about_dir, Some(c"dir")), 0);
    let cookie = next(InotifyMask::MOVED_FROM | about_dir, Some(c"dir"));
    assert_ne!(cookie, 0);
    let to = next(InotifyMask::MOVED_TO | about_dir, Some(c"long directory"));
    assert_eq!(to, cookie);
    assert_eq!(events.next(), None);

    let only_new = names | InotifyMask::MASK_CREATE;
    err!(EEXIST, inotify_add_watch(fd, "watched", only_new));
    err!(ENOTDIR, inotify_add_watch(fd, "two", names));
    err!(ENOENT, inotify_add_watch(fd, "missing", names));
    err!(
        EINVAL,
        inotify_add_watch(fd, "watched", InotifyMask::empty())
    );
    err!(EBADF, inotify_add_watch(CLOSED, "watched", names));
    let file = open("two", OFlags::RDONLY, Mode::empty()).expect("it is made");
    err!(EINVAL, inotify_add_watch(file.as_fd(), "watched", names));

    ok!(inotify_rm_watch(fd, watch));
    let count = read(fd, &mut buffer).expect("the watch has ended");
    let mut events = InotifyEvents::new(&buffer[..count]);
    let ended = InotifyEvent {
        wd: watch,
        mask: InotifyMask::IGNORED,
        cookie: 0,
        name: None,
    };
    assert_eq!((events.next(), events.next()), (Some(ended), None));
    err!(EINVAL, inotify_rm_watch(fd, watch));
    err!(EINVAL, inotify_rm_watch(file.as_fd(), watch));
    err!(EBADF, inotify_rm_watch(CLOSED, watch));

    let inotify = ok!(inotify_init());
    let fd = inotify.as_fd();
    let watch = ok!(inotify_add_watch(fd, "two", InotifyMask::ATTRIB));
    chmod("two", Mode::new(0o600)).expect("it is made");
    let count = read(fd, &mut buffer).expect("something happened");
    let mut events = InotifyEvents::new(&buffer[..count]);
    let changed = InotifyEvent {
        wd: watch,
        mask: InotifyMask::ATTRIB,
        cookie: 0,
        name: None,
    };
    assert_eq!((events.next(), events.next()), (Some(changed), None));
}

fn no_more_descriptors() {
    let none = [0_u64; 2];
    // SAFETY: it changes what may be opened.
    let limited: Result<()> = unsafe { syscall!(nr::prlimit64, 0, RLIMIT_NOFILE, &none, 0) };
    limited.expect("a limit may be lowered");
    err!(EMFILE, inotify_init());
    err!(EMFILE, inotify_init1(InotifyFlags::CLOEXEC));
}

/// What is mounted from now on, nobody else sees.
fn keep_to_oneself() {
    let private = MountFlags::REC | MountFlags::PRIVATE;
    ok!(mount(None, "/", None, private, None));
}

fn mounts() {
    keep_to_oneself();
    for dir in ["mounted", "bound", "moved"] {
        mkdir(dir, ALL).expect("nothing is there yet");
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let options = Some(c"size=1m,mode=750");
    ok!(mount(
        Some(c"none"),
        "mounted",
        Some(c"tmpfs"),
        flags,
        options
    ));
    let mounted = statfs("mounted").expect("it is mounted");
    assert_eq!(mounted.f_type, TMPFS_MAGIC);
    assert_eq!(mounted.f_blocks * mounted.f_frsize, 1 << 20);
    let expected = MountedFlags::NOSUID | MountedFlags::NODEV | MountedFlags::NOEXEC;
    assert!(mounted.f_flags.contains(expected));
    let root = stat("mounted").expect("it is mounted");
    assert_eq!(root.st_mode, FileMode::new(FileType::DIR, Mode::new(0o750)));

    make(At::Cwd, "mounted/file", b"bytes");
    ok!(mount(
        Some(c"mounted"),
        "bound",
        None,
        MountFlags::BIND,
        None
    ));
    assert!(holds(At::Cwd, "bound/file", b"bytes"));
    let read_only = MountFlags::REMOUNT | MountFlags::BIND | MountFlags::RDONLY | flags;
    ok!(mount(None, "mounted", None, read_only, None));
    err!(EROFS, mkdir("mounted/dir", ALL));
    ok!(mkdir("bound/dir", ALL));
    err!(EXDEV, rename("bound/file", "file"));
    err!(EBUSY, rmdir("bound"));
    ok!(mount(Some(c"bound"), "moved", None, MountFlags::MOVE, None));
    assert_eq!(file_type("bound/file"), Err(Errno::ENOENT));
    assert!(holds(At::Cwd, "moved/file", b"bytes"));

    let file = open("mounted/file", OFlags::RDONLY, Mode::empty()).expect("it is made");
    err!(EBUSY, umount2("mounted", UmountFlags::empty()));
    ok!(umount2("mounted", UmountFlags::DETACH));
    assert_eq!(file_type("mounted/file"), Err(Errno::ENOENT));
    assert_eq!(read(file.as_fd(), &mut [0; 8]), Ok(5));
    err!(EAGAIN, umount2("moved", UmountFlags::EXPIRE));
    ok!(umount2("moved", UmountFlags::EXPIRE));
    assert_eq!(file_type("moved/file"), Err(Errno::ENOENT));

    err!(EINVAL, umount2("moved", UmountFlags::empty()));
    err!(ENOENT, umount2("missing", UmountFlags::empty()));
    err!(
        ENODEV,
        mount(None, "mounted", Some(c"no such type"), flags, None)
    );
    err!(EINVAL, mount(None, "mounted", None, read_only, None));
    err!(ENOENT, mount(None, "missing", Some(c"tmpfs"), flags, None));
}

fn another_root() {
    keep_to_oneself();
    for dir in ["new root", "aside"] {
        mkdir(dir, ALL).expect("nothing is there yet");
        let none = MountFlags::empty();
        ok!(mount(None, dir, Some(c"tmpfs"), none, None));
    }
    err!(EBUSY, pivot_root("new root", "/"));
    err!(EINVAL, pivot_root("new root", "aside"));
    err!(ENOENT, pivot_root("new root", "new root/old"));
    mkdir("new root/old", ALL).expect("nothing is there yet");
    make(At::Cwd, "new root/inside", b"bytes");

    ok!(pivot_root("new root", "new root/old"));
    assert!(holds(At::Cwd, "/inside", b"bytes"));
    assert_eq!(file_type("/old/proc"), Ok(FileType::DIR));
    ok!(chdir("/"));
    ok!(umount2("old", UmountFlags::DETACH));
    assert_eq!(file_type("/old/proc"), Err(Errno::ENOENT));
}

fn a_root_below() {
    mkdir("cell", ALL).expect("nothing is there yet");
    make(At::Cwd, "cell/inside", b"bytes");
    err!(ENOENT, chroot("missing"));
    err!(ENOTDIR, chroot("two"));
    let cell = stat("cell");

    ok!(chroot("cell"));
    assert_eq!(stat("/"), cell);
    assert_eq!(stat("/.."), cell);
    assert!(holds(At::Cwd, "/inside", b"bytes"));
    // The current directory is outside.
    let mut buffer = [0; PATH_MAX];
    let length = ok!(getcwd(&mut buffer));
    assert!(buffer[..length].starts_with(b"(unreachable)/"));
    ok!(chdir("/"));
    assert_eq!(ok!(getcwd(&mut buffer)), 2);
    assert_eq!(&buffer[..2], b"/\0");
}

/// In a child that is not root, in a directory where everybody may make files.
fn what_only_some_may() {
    chdir("ordinary").expect("it is made");
    mkdir("closed", Mode::RUSR).expect("nothing is there yet");
    make(At::Cwd, "file", b"bytes");
    symlink("file", "link").expect("nothing is there yet");

    err!(EACCES, mkdir("closed/x", ALL));
    err!(EACCES, rmdir("closed/x"));
    err!(EACCES, unlink("closed/x"));
    err!(EACCES, link("file", "closed/x"));
    err!(EACCES, symlink("file", "closed/x"));
    err!(EACCES, readlink("closed/x", &mut [0]));
    err!(EACCES, rename("file", "closed/x"));
    err!(
        EACCES,
        mknod("closed/x", FileMode::new(FileType::FIFO, ALL), Dev(0))
    );
    err!(EACCES, chdir("closed"));
    let device = FileMode::new(FileType::CHR, ALL);
    err!(EPERM, mknod("device", device, Dev::new(1, 3)));

    let inotify = inotify_init1(InotifyFlags::CLOEXEC).expect("there is room");
    chmod("file", Mode::empty()).expect("it is made");
    err!(
        EACCES,
        inotify_add_watch(inotify.as_fd(), "file", InotifyMask::OPEN)
    );

    err!(EPERM, chroot("."));
    err!(
        EPERM,
        mount(None, ".", Some(c"tmpfs"), MountFlags::empty(), None)
    );
    err!(EPERM, umount2(".", UmountFlags::empty()));
    err!(EPERM, pivot_root(".", "."));
    rmdir("closed").expect("it is empty");
}
