//! What files are, and who may do what with them.

#![no_std]
#![no_main]

use freestand::arch::widest;
use freestand::sys::{
    Access, AccessFlags, At, AtFlags, BorrowedFd, Dev, FileType, Gid, Mode, MountedFlags, OFlags,
    OwnedFd, Result, Stat, StatxMask, Timespec, UTIME_NOW, UTIME_OMIT, Uid, chdir, chmod, lstat,
    mkdirat, nr, open, rmdir, stat, symlinkat, syscall, umask, write,
};
use test_programs::child::{as_ordinary_user, effective_ids, is_root, without_calls};
use test_programs::{err, ok, seen};

freestand::entry!(main);

/// A descriptor that is none.
// SAFETY: nothing opens as many descriptors as there are numbers.
const CLOSED: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(i32::MAX) };

/// What linux/magic.h calls them.
const PROC_SUPER_MAGIC: u32 = 0x9fa0;
const TMPFS_MAGIC: u32 = 0x0102_1994;

fn main() {
    file_mode_creation_mask();
    make_files();
    what_files_are();
    what_files_are_not();
    more_of_files();
    what_may_be_done();
    modes();
    owners();
    times();
    wide_times(&file_in_memory());
    if nr::clock_gettime != widest::clock_gettime {
        without_calls(&[nr::statx, widest::utimensat], narrow_times);
    }
    file_systems();
    chmod(".", Mode::new(0o711)).expect("it is the test's");
    mkdirat(At::Cwd, "ordinary", Mode::empty()).expect("nothing is there yet");
    chmod("ordinary", Mode::new(0o777)).expect("it is made");
    as_ordinary_user(what_only_some_may);
}

fn file_mode_creation_mask() {
    let first = umask(Mode::new(0o027));
    assert_eq!(umask(Mode::new(0o022)), Mode::new(0o027));
    assert_eq!(umask(first), Mode::new(0o022));
    seen!(umask);
    umask(Mode::new(0o026));
}

/// The file "file" of five bytes, the directory "dir" with a link to it, and a link
/// that goes round.
fn make_files() {
    let file = create("file").expect("nothing is there yet");
    assert_eq!(write(file.as_fd(), b"bytes"), Ok(5));
    mkdirat(At::Cwd, "dir", Mode::new(0o777)).expect("nothing is there yet");
    symlinkat("../file", At::Cwd, "dir/link").expect("nothing is there yet");
    symlinkat("loop", At::Cwd, "loop").expect("nothing is there yet");
}

fn create(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREAT | OFlags::EXCL;
    open(path, flags, Mode::new(0o666))
}

fn directory() -> OwnedFd {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    open("dir", flags, Mode::empty()).expect("it is made")
}

/// A file of whose file system we know that its times have 64 bits, and no path.
fn file_in_memory() -> OwnedFd {
    // SAFETY: it changes nothing but that there is one more descriptor.
    let file: Result<OwnedFd> = unsafe { syscall!(nr::memfd_create, c"file in memory", 0) };
    file.expect("there is memory")
}

fn what_files_are() {
    let file = ok!(stat("file"));
    assert_eq!(file.st_mode.file_type(), FileType::REG);
    assert_eq!(file.st_mode.mode(), Mode::new(0o640));
    assert_eq!(file.st_nlink, 1);
    assert_eq!(file.st_size, 5);
    assert!(file.st_blksize > 0);
    assert_eq!((file.st_uid, file.st_gid), effective_ids());
    assert_eq!(file.st_rdev, Dev(0));

    let link = ok!(lstat(b"dir/link"));
    assert_eq!(link.st_mode.file_type(), FileType::LNK);
    assert_eq!(link.st_size, 7);
    assert_ne!(link.st_ino, file.st_ino);
    assert_eq!(link.st_dev, file.st_dev);
    assert_eq!(stat(c"dir/link"), Ok(file));

    let opened = open("file", OFlags::RDONLY, Mode::empty()).expect("it is made");
    assert_eq!(ok!(fstat(opened.as_fd())), file);

    let dir = directory();
    let dir = At::Dir(dir.as_fd());
    let followed = ok!(newfstatat(dir, "link", AtFlags::empty()));
    assert_eq!(followed, file);
    let itself = ok!(newfstatat(dir, "link", AtFlags::SYMLINK_NOFOLLOW));
    // Not the whole: following it has perhaps renewed its access time.
    assert_eq!((itself.st_ino, itself.st_mode), (link.st_ino, link.st_mode));
    let unnamed = At::Dir(opened.as_fd());
    assert_eq!(ok!(newfstatat(unnamed, "", AtFlags::EMPTY_PATH)), file);

    let null = ok!(stat("/dev/null"));
    assert_eq!(null.st_mode.file_type(), FileType::CHR);
    assert_eq!(null.st_rdev, Dev::new(1, 3));
}

fn what_files_are_not() {
    err!(ENOENT, stat("missing"));
    err!(ENOENT, stat(""));
    err!(ENOTDIR, stat("file/x"));
    err!(ELOOP, stat("loop"));
    err!(ENAMETOOLONG, stat(&[b'n'; 256]));
    err!(ENOENT, lstat("missing"));
    err!(ENOTDIR, lstat("file/x"));
    err!(ELOOP, lstat("loop/x"));
    ok!(lstat("loop"));
    err!(EBADF, fstat(CLOSED));
    err!(EBADF, newfstatat(At::Dir(CLOSED), "file", AtFlags::empty()));
    err!(EINVAL, newfstatat(At::Cwd, "file", AtFlags::SYMLINK_FOLLOW));
}

fn more_of_files() {
    let dir = directory();
    const BASIC: u32 = StatxMask::BASIC_STATS.bits();
    let mask = StatxMask::BASIC_STATS | StatxMask::BTIME;
    let file = ok!(statx(At::Dir(dir.as_fd()), "link", AtFlags::empty(), mask));
    assert_eq!(file.stx_mask & BASIC, BASIC);
    assert_eq!(file.stx_size, 5);
    assert_eq!(Ok(Stat::from(file)), stat("file"));
    if file.stx_mask & StatxMask::BTIME.bits() != 0 {
        let (born, changed) = (file.stx_btime, file.stx_ctime);
        assert!((born.tv_sec, born.tv_nsec) <= (changed.tv_sec, changed.tv_nsec));
    }

    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_DONT_SYNC;
    let link = ok!(statx(At::Cwd, "dir/link", flags, StatxMask::SIZE));
    assert_eq!(link.stx_size, 7);
    let null = ok!(statx(
        At::Cwd,
        "/dev/null",
        AtFlags::empty(),
        StatxMask::TYPE
    ));
    assert_eq!(Stat::from(null).st_rdev, Dev::new(1, 3));

    let both = AtFlags::STATX_DONT_SYNC | AtFlags::STATX_FORCE_SYNC;
    err!(EINVAL, statx(At::Cwd, "file", both, mask));
    err!(ENOENT, statx(At::Cwd, "missing", AtFlags::empty(), mask));
    err!(
        EBADF,
        statx(At::Dir(CLOSED), "file", AtFlags::empty(), mask)
    );
}

fn what_may_be_done() {
    let dir = directory();
    let dir = At::Dir(dir.as_fd());
    let there = Access::F_OK;
    let all = Access::R_OK | Access::W_OK;
    ok!(access("file", all));
    ok!(access("file", there));
    // Not even root executes what nobody may.
    err!(EACCES, access("file", Access::X_OK));
    err!(ENOENT, access("missing", there));
    ok!(faccessat(dir, "link", all));
    err!(EACCES, faccessat(dir, "link", Access::X_OK));
    err!(EINVAL, faccessat(dir, "link", Access::from_bits_retain(8)));
    err!(EBADF, faccessat(At::Dir(CLOSED), "link", there));

    ok!(faccessat2(dir, "link", all, AccessFlags::EACCESS));
    err!(
        EACCES,
        faccessat2(dir, "link", Access::X_OK, AccessFlags::EACCESS)
    );
    ok!(faccessat2(
        At::Cwd,
        "loop",
        there,
        AccessFlags::SYMLINK_NOFOLLOW
    ));
    err!(
        ELOOP,
        faccessat2(At::Cwd, "loop", there, AccessFlags::empty())
    );
    let unknown = AccessFlags::from_bits_retain(1);
    err!(EINVAL, faccessat2(dir, "link", there, unknown));
}

fn modes() {
    let dir = directory();
    let file = create("modes").expect("nothing is there yet");
    let mode = || stat("modes").expect("it is made").st_mode.mode();
    symlinkat("../modes", At::Dir(dir.as_fd()), "to modes").expect("nothing is there yet");

    ok!(chmod("modes", Mode::new(0o4751)));
    assert_eq!(mode(), Mode::new(0o4751));
    ok!(fchmod(file.as_fd(), Mode::new(0o604)));
    assert_eq!(mode(), Mode::new(0o604));
    ok!(fchmodat(
        At::Dir(dir.as_fd()),
        "to modes",
        Mode::RUSR | Mode::XOTH
    ));
    assert_eq!(mode(), Mode::new(0o401));

    err!(ENOENT, chmod("missing", Mode::new(0o600)));
    err!(EBADF, fchmod(CLOSED, Mode::new(0o600)));
    err!(
        ENOTDIR,
        fchmodat(At::Dir(file.as_fd()), "x", Mode::new(0o600))
    );
}

fn owners() {
    let dir = directory();
    let at_dir = At::Dir(dir.as_fd());
    let file = create("owned").expect("nothing is there yet");
    symlinkat("../owned", at_dir, "to owned").expect("nothing is there yet");

    let owner = || stat("owned").map(|file| (file.st_uid, file.st_gid));
    let link_owner = || lstat("dir/to owned").map(|link| (link.st_uid, link.st_gid));
    // Only root gives files away.
    let (own, own_group) = effective_ids();
    let user = |id| if is_root() { Uid(id) } else { own };
    let group = |id| if is_root() { Gid(id) } else { own_group };

    ok!(chown("owned", Some(user(10)), Some(group(11))));
    assert_eq!(owner(), Ok((user(10), group(11))));
    ok!(fchown(file.as_fd(), Some(user(0x2_0012)), None));
    assert_eq!(owner(), Ok((user(0x2_0012), group(11))));
    ok!(fchownat(
        at_dir,
        "to owned",
        None,
        Some(group(14)),
        AtFlags::empty()
    ));
    assert_eq!(owner(), Ok((user(0x2_0012), group(14))));
    assert_eq!(link_owner(), Ok(effective_ids()));
    ok!(lchown("dir/to owned", Some(user(15)), Some(group(16))));
    assert_eq!(link_owner(), Ok((user(15), group(16))));
    assert_eq!(owner(), Ok((user(0x2_0012), group(14))));

    err!(ENOENT, chown("missing", None, None));
    err!(ENOENT, lchown("missing", None, None));
    err!(EBADF, fchown(CLOSED, None, None));
    let removing = AtFlags::from_bits_retain(0x200);
    err!(EINVAL, fchownat(at_dir, "to owned", None, None, removing));
}

const fn time(tv_sec: i64, tv_nsec: i64) -> Timespec {
    Timespec { tv_sec, tv_nsec }
}

fn times() {
    let dir = directory();
    let at_dir = At::Dir(dir.as_fd());
    let read = time(1_000_000_000, 0);
    let changed = time(1_234_567_890, 0);
    ok!(utimensat(
        at_dir,
        "link",
        Some(&[read, changed]),
        AtFlags::empty()
    ));
    let file = stat("file").expect("it is made");
    assert_eq!((file.st_atim, file.st_mtim), (read, changed));
    assert!(file.st_ctim > changed);

    let flags = AtFlags::SYMLINK_NOFOLLOW;
    ok!(utimensat(at_dir, "link", Some(&[UTIME_OMIT, read]), flags));
    let link = lstat("dir/link").expect("it is made");
    assert_eq!(link.st_mtim, read);
    assert_eq!(stat("file").map(|file| file.st_mtim), Ok(changed));

    let opened = open("file", OFlags::RDONLY, Mode::empty()).expect("it is made");
    ok!(futimens(opened.as_fd(), Some(&[UTIME_OMIT, UTIME_NOW])));
    let file = stat("file").expect("it is made");
    assert_eq!(file.st_atim, read);
    assert!(file.st_mtim > changed);
    ok!(futimens(opened.as_fd(), None));
    let file = stat("file").expect("it is made");
    assert!(file.st_atim > changed);

    let nanoseconds = [time(0, 0), time(0, 1_000_000_000)];
    let none = AtFlags::empty();
    err!(EINVAL, utimensat(At::Cwd, "file", Some(&nanoseconds), none));
    err!(ENOENT, utimensat(At::Cwd, "missing", None, none));
    err!(EBADF, utimensat(At::Dir(CLOSED), "file", None, none));
    err!(EINVAL, futimens(opened.as_fd(), Some(&nanoseconds)));
    err!(EBADF, futimens(CLOSED, None));
}

/// Before 1970, after 2038.
const WIDE: [Timespec; 2] = [time(-2, 500_000_000), time(1 << 33, 999_999_999)];

fn wide_times(file: &OwnedFd) {
    ok!(futimens(file.as_fd(), Some(&WIDE)));
    let file = ok!(fstat(file.as_fd()));
    assert_eq!([file.st_atim, file.st_mtim], WIDE);
}

/// What a kernel does that has only the calls with 32-bit seconds.
fn narrow_times() {
    let file = file_in_memory();
    err!(EOVERFLOW, futimens(file.as_fd(), Some(&WIDE)));
    let narrow = [WIDE[0], time(i32::MAX.into(), 1)];
    ok!(futimens(file.as_fd(), Some(&narrow)));
    let file = ok!(fstat(file.as_fd()));
    assert_eq!([file.st_atim, file.st_mtim], narrow);
    assert_eq!(file.st_mode.file_type(), FileType::REG);

    let times = [UTIME_OMIT, time(1_000_000_000, 0)];
    ok!(utimensat(At::Cwd, "file", Some(&times), AtFlags::empty()));
    err!(
        ENOENT,
        utimensat(At::Cwd, "missing", None, AtFlags::empty())
    );
    let file = ok!(stat("file"));
    assert_eq!(file.st_mtim, times[1]);
    assert_eq!(file.st_size, 5);
    assert_eq!(file.st_nlink, 1);
    assert_eq!((file.st_uid, file.st_gid), effective_ids());
    assert_eq!(file.st_mode.mode(), Mode::new(0o640));
    let null = ok!(stat("/dev/null"));
    assert_eq!(null.st_rdev, Dev::new(1, 3));
    err!(ENOENT, stat("missing"));
    err!(EBADF, fstat(CLOSED));
}

fn file_systems() {
    let here = ok!(statfs("."));
    assert!(here.f_bsize > 0 && here.f_frsize > 0);
    assert!(here.f_bfree <= here.f_blocks && here.f_bavail <= here.f_bfree);
    assert!(here.f_namelen >= 255);
    let mounted = MountedFlags::VALID | MountedFlags::RDONLY;
    assert_eq!(here.f_flags & mounted, MountedFlags::VALID);
    assert_eq!(ok!(statfs("/proc")).f_type, PROC_SUPER_MAGIC);

    let memory = file_in_memory();
    let memory = ok!(fstatfs(memory.as_fd()));
    assert_eq!(memory.f_type, TMPFS_MAGIC);
    assert_eq!(memory.f_namelen, 255);

    err!(ENOENT, statfs("missing"));
    err!(EBADF, fstatfs(CLOSED));
}

/// In a child that is not root, in a directory where everybody may make files.
fn what_only_some_may() {
    chdir("ordinary").expect("it is made");
    let own = create("own").expect("nothing is there yet");
    let root = Some(Uid::ROOT);
    err!(EPERM, chown("own", root, None));
    err!(EPERM, fchown(own.as_fd(), root, None));
    err!(EPERM, lchown("own", root, None));
    err!(
        EPERM,
        fchownat(At::Cwd, "own", root, None, AtFlags::empty())
    );
    ok!(chown("own", Some(effective_ids().0), None));

    ok!(fchmod(own.as_fd(), Mode::empty()));
    err!(EACCES, access("own", Access::R_OK));
    err!(EACCES, faccessat(At::Cwd, "own", Access::W_OK));
    ok!(access("own", Access::F_OK));

    mkdirat(At::Cwd, "closed", Mode::RUSR).expect("nothing is there yet");
    err!(EACCES, stat("closed/x"));
    err!(EACCES, lstat("closed/x"));
    err!(EACCES, statfs("closed/x"));
    err!(EACCES, chmod("closed/x", Mode::empty()));
    rmdir("closed").expect("it is empty");
}
