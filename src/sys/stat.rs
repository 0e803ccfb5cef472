//! What a file is, who may do what with it, and its times.

use core::ffi::CStr;

use linux_raw_sys::general;

use super::declare::{Argument, Filled, Shown, Value, Words};
use super::kinds::{flags, named};
use super::time::{OldTimespec, TIMES_GREW, or_old};
use super::{At, BorrowedFd, Gid, Mode, Path, Result, Timespec, Uid};
use crate::arch::{KernelStat, KernelStatfs, Register, STATFS_TAKES_SIZE, nr, widest};
use crate::syscalls;

flags! {
    /// How a call resolves its path, and with [`statx`] how fresh the answer is. Which
    /// of them a call takes, its manual page says.
    AtFlags: u32 {
        /// A symbolic link that the path ends in is the file itself.
        SYMLINK_NOFOLLOW = general::AT_SYMLINK_NOFOLLOW;
        /// A symbolic link that the path ends in is followed, where it would not be.
        SYMLINK_FOLLOW = general::AT_SYMLINK_FOLLOW;
        /// An automount point that the path ends in is not mounted.
        NO_AUTOMOUNT = general::AT_NO_AUTOMOUNT;
        /// An empty path means the directory's descriptor itself, which may be any
        /// file's.
        EMPTY_PATH = general::AT_EMPTY_PATH;
        /// What a remote file system's server says counts.
        STATX_FORCE_SYNC = general::AT_STATX_FORCE_SYNC;
        /// What is known already will do.
        STATX_DONT_SYNC = general::AT_STATX_DONT_SYNC;
    }

    /// What [`access`] and its like ask for.
    Access: u32 {
        /// Whether the file is there.
        F_OK = general::F_OK;
        /// Whether it may be read.
        R_OK = general::R_OK;
        /// Whether it may be written.
        W_OK = general::W_OK;
        /// Whether it may be executed, or the directory searched.
        X_OK = general::X_OK;
    }

    /// How [`faccessat2`] asks.
    AccessFlags: u32 {
        /// For the effective ids, not the real ones.
        EACCESS = general::AT_EACCESS;
        /// A symbolic link that the path ends in is the file itself.
        SYMLINK_NOFOLLOW = general::AT_SYMLINK_NOFOLLOW;
        /// An empty path means the directory's descriptor itself.
        EMPTY_PATH = general::AT_EMPTY_PATH;
    }

    /// Which fields of a [`Statx`] are wanted, and in `stx_mask`, which are there.
    StatxMask: u32 {
        /// The file's type, in `stx_mode`.
        TYPE = general::STATX_TYPE;
        /// The rest of `stx_mode`.
        MODE = general::STATX_MODE;
        /// `stx_nlink`.
        NLINK = general::STATX_NLINK;
        /// `stx_uid`.
        UID = general::STATX_UID;
        /// `stx_gid`.
        GID = general::STATX_GID;
        /// `stx_atime`.
        ATIME = general::STATX_ATIME;
        /// `stx_mtime`.
        MTIME = general::STATX_MTIME;
        /// `stx_ctime`.
        CTIME = general::STATX_CTIME;
        /// `stx_ino`.
        INO = general::STATX_INO;
        /// `stx_size`.
        SIZE = general::STATX_SIZE;
        /// `stx_blocks`.
        BLOCKS = general::STATX_BLOCKS;
        /// All of the above, which is what a [`Stat`] has.
        BASIC_STATS = general::STATX_BASIC_STATS;
        /// `stx_btime`.
        BTIME = general::STATX_BTIME;
        /// `stx_mnt_id`.
        MNT_ID = general::STATX_MNT_ID;
        /// `stx_dio_mem_align` and `stx_dio_offset_align`.
        DIOALIGN = general::STATX_DIOALIGN;
        /// `stx_mnt_id`, as a number that is not used twice.
        MNT_ID_UNIQUE = general::STATX_MNT_ID_UNIQUE;
        /// `stx_subvol`.
        SUBVOL = general::STATX_SUBVOL;
        /// `stx_atomic_write_unit_min`, `_max`, `_max_opt` and
        /// `stx_atomic_write_segments_max`.
        WRITE_ATOMIC = general::STATX_WRITE_ATOMIC;
        /// `stx_dio_read_offset_align`.
        DIO_READ_ALIGN = general::STATX_DIO_READ_ALIGN;
    }

    /// How a file system is mounted, in [`Statfs`]: statfs(2). The numbers are the
    /// kernel's (linux/statfs.h), which it does not export.
    MountedFlags: u32 {
        /// Nothing is written.
        RDONLY = 0x1;
        /// Set-user-id and set-group-id do nothing.
        NOSUID = 0x2;
        /// Device files are none.
        NODEV = 0x4;
        /// No program is executed.
        NOEXEC = 0x8;
        /// Every write goes to the device at once.
        SYNCHRONOUS = 0x10;
        /// The kernel fills these flags.
        VALID = 0x20;
        /// Files may be locked against everybody.
        MANDLOCK = 0x40;
        /// Reading leaves access times.
        NOATIME = 0x400;
        /// Reading leaves directories' access times.
        NODIRATIME = 0x800;
        /// Reading renews an access time only if it is old.
        RELATIME = 0x1000;
        /// Symbolic links are not followed.
        NOSYMFOLLOW = 0x2000;
    }
}

named! {
    /// What kind of file it is: inode(7), "The file type and mode".
    FileType: u32 {
        /// A pipe with a name.
        FIFO = general::S_IFIFO;
        /// A character device.
        CHR = general::S_IFCHR;
        /// A directory.
        DIR = general::S_IFDIR;
        /// A block device.
        BLK = general::S_IFBLK;
        /// A regular file.
        REG = general::S_IFREG;
        /// A symbolic link.
        LNK = general::S_IFLNK;
        /// A socket with a name.
        SOCK = general::S_IFSOCK;
        /// In a directory's entry: the file system does not say.
        UNKNOWN = 0;
    }
}

impl FileType {
    /// The type that a directory's entry gives in `d_type`, which is that of the mode
    /// without its twelve low bits.
    pub(super) const fn from_entry(d_type: u8) -> FileType {
        FileType((d_type as u32) << general::S_IFMT.trailing_zeros())
    }
}

/// What a file is and who may do what with it, in one number: the kernel's `mode_t` of
/// a `stat` or for mknod(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct FileMode(
    /// The bits of both.
    pub u32,
);

impl FileMode {
    /// A file of this type, with this mode.
    pub const fn new(file_type: FileType, mode: Mode) -> FileMode {
        FileMode(file_type.0 | mode.bits())
    }

    /// What it is.
    pub const fn file_type(self) -> FileType {
        FileType(self.0 & general::S_IFMT)
    }

    /// Who may do what with it.
    pub const fn mode(self) -> Mode {
        Mode::new(self.0 & !general::S_IFMT)
    }
}

impl Argument for FileMode {
    const SHOWN: Shown = Shown::Flags;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.0.pass(words);
    }
}

/// The umask as it was.
impl Value for Mode {
    const SHOWN: Shown = Shown::Flags;

    #[inline(always)]
    fn from_register(result: Register) -> Self {
        Mode::new(u32::from_register(result))
    }
}

/// A device's number, the kernel's `dev_t`: makedev(3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Dev(
    /// Both halves, the low 8 bits of the minor one first, then 12 of the major, and
    /// above them what does not fit. The kernel's own numbers have 12 and 20 bits, which
    /// make 32.
    pub u64,
);

impl Dev {
    /// The device of the driver `major` with the number `minor` there.
    pub const fn new(major: u32, minor: u32) -> Dev {
        let (major, minor) = (major as u64, minor as u64);
        Dev(minor & 0xff
            | (major & 0xfff) << 8
            | (minor & 0xffff_ff00) << 12
            | (major & 0xffff_f000) << 32)
    }

    /// Its driver's number.
    pub const fn major(self) -> u32 {
        (self.0 >> 8 & 0xfff | self.0 >> 32 & 0xffff_f000) as u32
    }

    /// Its number there.
    pub const fn minor(self) -> u32 {
        (self.0 & 0xff | self.0 >> 12 & 0xffff_ff00) as u32
    }
}

/// An id that chown(2) sets, or −1, with which it leaves what is there.
macro_rules! ids_to_set {
    ($($id:ty)*) => {$(
        impl Argument for Option<$id> {
            const SHOWN: Shown = Shown::Signed;

            #[inline(always)]
            fn pass(self, words: &mut Words) {
                self.map_or(u32::MAX, |id| id.0).pass(words);
            }
        }
    )*};
}

ids_to_set! { Uid Gid }

/// What is known of a file: stat(3type). The same on every architecture; the kernel's
/// own struct differs, and the times in i386's end in 2038.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The device that the file is on.
    pub st_dev: Dev,
    /// Its number there.
    pub st_ino: u64,
    /// What it is, and who may do what with it.
    pub st_mode: FileMode,
    /// How many names it has.
    pub st_nlink: u64,
    /// Whose it is.
    pub st_uid: Uid,
    /// Which group's it is.
    pub st_gid: Gid,
    /// Which device it is, if it is one.
    pub st_rdev: Dev,
    /// Its size, in bytes; a symbolic link's is the length of what it says.
    pub st_size: i64,
    /// How many bytes it is best read and written at a time.
    pub st_blksize: i64,
    /// How much room it takes, in units of 512 bytes.
    pub st_blocks: i64,
    /// When it was read last.
    pub st_atim: Timespec,
    /// When its contents changed last.
    pub st_mtim: Timespec,
    /// When it changed last, contents or not.
    pub st_ctim: Timespec,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for KernelStat {}

impl From<KernelStat> for Stat {
    #[allow(
        clippy::unnecessary_cast,
        reason = "the fields' widths differ between the architectures"
    )]
    fn from(stat: KernelStat) -> Stat {
        // Some architectures declare the times without their sign. They are words.
        let time = |seconds: usize, nanoseconds: usize| Timespec {
            tv_sec: seconds as isize as i64,
            tv_nsec: nanoseconds as i64,
        };
        Stat {
            st_dev: Dev(stat.st_dev as u64),
            st_ino: stat.st_ino as u64,
            st_mode: FileMode(stat.st_mode),
            st_nlink: stat.st_nlink as u64,
            st_uid: Uid(stat.st_uid as u32),
            st_gid: Gid(stat.st_gid as u32),
            st_rdev: Dev(stat.st_rdev as u64),
            st_size: stat.st_size as i64,
            st_blksize: stat.st_blksize as i64,
            st_blocks: stat.st_blocks as i64,
            st_atim: time(stat.st_atime as usize, stat.st_atime_nsec as usize),
            st_mtim: time(stat.st_mtime as usize, stat.st_mtime_nsec as usize),
            st_ctim: time(stat.st_ctime as usize, stat.st_ctime_nsec as usize),
        }
    }
}

/// What [`statx`] tells of a file. Its modes, devices and times are numbers: a [`Stat`]
/// made of it has them typed.
pub use general::statx as Statx;
/// A time in a [`Statx`].
pub use general::statx_timestamp as StatxTimestamp;

// SAFETY: any bytes are numbers.
unsafe impl Filled for Statx {}

impl From<StatxTimestamp> for Timespec {
    fn from(time: StatxTimestamp) -> Timespec {
        Timespec {
            tv_sec: time.tv_sec,
            tv_nsec: time.tv_nsec.into(),
        }
    }
}

/// What [`StatxMask::BASIC_STATS`] has filled.
impl From<Statx> for Stat {
    fn from(statx: Statx) -> Stat {
        Stat {
            st_dev: Dev::new(statx.stx_dev_major, statx.stx_dev_minor),
            st_ino: statx.stx_ino,
            st_mode: FileMode(statx.stx_mode.into()),
            st_nlink: statx.stx_nlink.into(),
            st_uid: Uid(statx.stx_uid),
            st_gid: Gid(statx.stx_gid),
            st_rdev: Dev::new(statx.stx_rdev_major, statx.stx_rdev_minor),
            st_size: statx.stx_size as i64,
            st_blksize: statx.stx_blksize.into(),
            st_blocks: statx.stx_blocks as i64,
            st_atim: statx.stx_atime.into(),
            st_mtim: statx.stx_mtime.into(),
            st_ctim: statx.stx_ctime.into(),
        }
    }
}

/// What `statx` says where the kernel's own struct has narrow times, unless the kernel
/// has no such call, and what `stat` says elsewhere.
#[inline(always)]
fn with_wide_times(
    statx: impl FnOnce() -> Result<Statx>,
    stat: impl FnOnce() -> Result<KernelStat>,
) -> Result<Stat> {
    let stat = || stat().map(Stat::from);
    if TIMES_GREW {
        or_old(statx().map(Stat::from), stat)
    } else {
        stat()
    }
}

/// For [`utimensat`]: the time is now, whatever else there is to it.
pub const UTIME_NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: general::UTIME_NOW as i64,
};

/// For [`utimensat`]: the time stays as it is.
pub const UTIME_OMIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: general::UTIME_OMIT as i64,
};

/// `times` for a kernel that counts seconds in words.
fn old_times(times: Option<&[Timespec; 2]>) -> Result<Option<[OldTimespec; 2]>> {
    times
        .map(|&[accessed, modified]| Ok([accessed.try_into()?, modified.try_into()?]))
        .transpose()
}

/// What is known of a file system: statfs(2). The same on every architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statfs {
    /// Which it is: the magic numbers are in statfs(2).
    pub f_type: u32,
    /// How many bytes are best read and written at a time.
    pub f_bsize: u64,
    /// How many blocks it has.
    pub f_blocks: u64,
    /// How many of them are free.
    pub f_bfree: u64,
    /// How many of these are for everybody.
    pub f_bavail: u64,
    /// How many files it can have.
    pub f_files: u64,
    /// How many more it can have.
    pub f_ffree: u64,
    /// Its id, if it has one.
    pub f_fsid: [i32; 2],
    /// How long a name can be, in bytes.
    pub f_namelen: u64,
    /// The size of a block, in bytes.
    pub f_frsize: u64,
    /// How it is mounted.
    pub f_flags: MountedFlags,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for KernelStatfs {}

impl From<KernelStatfs> for Statfs {
    #[allow(
        clippy::unnecessary_cast,
        reason = "the fields' widths differ between the architectures"
    )]
    fn from(statfs: KernelStatfs) -> Statfs {
        Statfs {
            f_type: statfs.f_type as u32,
            f_bsize: statfs.f_bsize as u64,
            f_blocks: statfs.f_blocks as u64,
            f_bfree: statfs.f_bfree as u64,
            f_bavail: statfs.f_bavail as u64,
            f_files: statfs.f_files as u64,
            f_ffree: statfs.f_ffree as u64,
            f_fsid: statfs.f_fsid.val,
            f_namelen: statfs.f_namelen as u64,
            f_frsize: statfs.f_frsize as u64,
            f_flags: MountedFlags::from_bits_retain(statfs.f_flags as u32),
        }
    }
}

/// The size of a [`KernelStatfs`], for the calls that want to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatfsSize;

impl Argument for StatfsSize {
    const WORDS: usize = STATFS_TAKES_SIZE as usize;
    const SHOWN: Shown = Shown::Unsigned;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        if STATFS_TAKES_SIZE {
            size_of::<KernelStatfs>().pass(words);
        }
    }
}

syscalls! {
    /// Tells of the file that `path` names what `mask` asks for, and perhaps more:
    /// statx(2). `stx_mask` says what is there.
    ///
    /// # Errors
    ///
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`, `EBADF` for `dir`, `EINVAL`
    /// for flags that contradict each other, …
    sys statx(
        dir: At<'_>,
        path: impl Path,
        flags: AtFlags,
        mask: StatxMask,
        statx: out Statx
    ) -> Result<Statx>;

    part sys newfstatat_words(
        dir: At<'_>,
        path: impl Path,
        stat: out KernelStat,
        flags: AtFlags
    ) -> Result<KernelStat> = widest::newfstatat;

    part sys fstat_words(fd: BorrowedFd<'_>, stat: out KernelStat) -> Result<KernelStat>
        = widest::fstat;

    /// Tells of the file that `path` names, from `dir` on if it is relative:
    /// newfstatat(2). On i386 by [`statx`], whose times are wide.
    ///
    /// # Errors
    ///
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`, `EBADF` for `dir`, `EINVAL`
    /// for flags that it does not take, …
    wrap newfstatat(dir: At<'_>, path: impl Path, flags: AtFlags) -> Result<Stat> {
        with_wide_times(
            // Only statx mounts what is not mounted yet.
            || statx(dir, path, flags | AtFlags::NO_AUTOMOUNT, StatxMask::BASIC_STATS),
            || newfstatat_words(dir, path, flags),
        )
    }

    /// Tells of the file behind `fd`: fstat(2). On i386 by [`statx`], whose times are
    /// wide.
    ///
    /// # Errors
    ///
    /// `EBADF`, …
    wrap fstat(fd: BorrowedFd<'_>) -> Result<Stat> {
        with_wide_times(
            || statx(At::Dir(fd), c"", AtFlags::EMPTY_PATH, StatxMask::BASIC_STATS),
            || fstat_words(fd),
        )
    }

    /// Tells of the file that `path` names: stat(2), by [`newfstatat`].
    ///
    /// # Errors
    ///
    /// As for [`newfstatat`].
    wrap stat(path: impl Path) -> Result<Stat> {
        newfstatat(At::Cwd, path, AtFlags::empty())
    }

    /// As [`stat`](fn@stat), but of a symbolic link itself: lstat(2), by [`newfstatat`].
    ///
    /// # Errors
    ///
    /// As for [`newfstatat`].
    wrap lstat(path: impl Path) -> Result<Stat> {
        newfstatat(At::Cwd, path, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Asks whether the process's real user may do `access` with the file that `path`
    /// names, from `dir` on if it is relative: faccessat(2), the system call, which has
    /// no flags. By the time that one does it, the answer may be another.
    ///
    /// # Errors
    ///
    /// `EACCES` if not, `EROFS` for writing where nothing is written, `ETXTBSY`, `ENOENT`,
    /// `ENOTDIR`, `ELOOP`, `EINVAL`, …
    sys faccessat(dir: At<'_>, path: impl Path, access: Access) -> Result<()>;

    /// As [`faccessat`], with flags: faccessat2(2).
    ///
    /// # Errors
    ///
    /// As for [`faccessat`]; `EINVAL` also for flags that it does not take, `ENOSYS`
    /// before Linux 5.8.
    sys faccessat2(
        dir: At<'_>,
        path: impl Path,
        access: Access,
        flags: AccessFlags
    ) -> Result<()>;

    /// As [`faccessat`] from the current directory on: access(2).
    ///
    /// # Errors
    ///
    /// As for [`faccessat`].
    wrap access(path: impl Path, access: Access) -> Result<()> {
        faccessat(At::Cwd, path, access)
    }

    /// Sets who may do what with the file that `path` names, from `dir` on if it is
    /// relative: fchmodat(2), the system call, which has no flags. A symbolic link is
    /// followed.
    ///
    /// # Errors
    ///
    /// `EPERM` if the file is another's, `EROFS`, `ENOENT`, `ENOTDIR`, `EACCES`,
    /// `ELOOP`, …
    sys fchmodat(dir: At<'_>, path: impl Path, mode: Mode) -> Result<()>;

    /// Sets who may do what with the file behind `fd`: fchmod(2).
    ///
    /// # Errors
    ///
    /// `EPERM` if the file is another's, `EROFS`, `EBADF`, …
    sys fchmod(fd: BorrowedFd<'_>, mode: Mode) -> Result<()>;

    /// As [`fchmodat`] from the current directory on: chmod(2).
    ///
    /// # Errors
    ///
    /// As for [`fchmodat`].
    wrap chmod(path: impl Path, mode: Mode) -> Result<()> {
        fchmodat(At::Cwd, path, mode)
    }

    /// Gives the file that `path` names, from `dir` on if it is relative, to `owner` and
    /// `group`; what is `None` stays: fchownat(2). A program loses its `SUID` and `SGID`.
    ///
    /// # Errors
    ///
    /// `EPERM` if the process may not, `EROFS`, `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`,
    /// `EINVAL`, …
    sys fchownat(
        dir: At<'_>,
        path: impl Path,
        owner: Option<Uid>,
        group: Option<Gid>,
        flags: AtFlags
    ) -> Result<()>;

    /// As [`fchownat`] for the file behind `fd`: fchown(2).
    ///
    /// # Errors
    ///
    /// `EPERM` if the process may not, `EROFS`, `EBADF`, …
    sys fchown(fd: BorrowedFd<'_>, owner: Option<Uid>, group: Option<Gid>) -> Result<()>;

    /// As [`fchownat`] from the current directory on: chown(2).
    ///
    /// # Errors
    ///
    /// As for [`fchownat`].
    wrap chown(path: impl Path, owner: Option<Uid>, group: Option<Gid>) -> Result<()> {
        fchownat(At::Cwd, path, owner, group, AtFlags::empty())
    }

    /// As [`chown`], but of a symbolic link itself: lchown(2).
    ///
    /// # Errors
    ///
    /// As for [`fchownat`].
    wrap lchown(path: impl Path, owner: Option<Uid>, group: Option<Gid>) -> Result<()> {
        fchownat(At::Cwd, path, owner, group, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Sets what the modes of new files do not get, and returns what it was: umask(2).
    sysnb umask(mask: Mode) -> Mode;

    part sys utimensat_new(
        dir: At<'_>,
        path: Option<&CStr>,
        times: Option<&[Timespec; 2]>,
        flags: AtFlags
    ) -> Result<()> = widest::utimensat;

    part sys utimensat_old(
        dir: At<'_>,
        path: Option<&CStr>,
        times: Option<&[OldTimespec; 2]>,
        flags: AtFlags
    ) -> Result<()> = nr::utimensat;

    part wrap utimensat_or_old(
        dir: At<'_>,
        path: Option<&CStr>,
        times: Option<&[Timespec; 2]>,
        flags: AtFlags,
    ) -> Result<()> {
        or_old(utimensat_new(dir, path, times, flags), || {
            utimensat_old(dir, path, old_times(times)?.as_ref(), flags)
        })
    }

    /// Sets when the file that `path` names, from `dir` on if it is relative, was read
    /// and changed last; both to now if `times` is `None`: utimensat(2). Either can be
    /// [`UTIME_NOW`] or [`UTIME_OMIT`].
    ///
    /// # Errors
    ///
    /// `EACCES` or `EPERM` if the file is another's, `EROFS`, `ENOENT`, `ENOTDIR`,
    /// `ELOOP`, `EINVAL` for nanoseconds or flags that are none, …
    wrap utimensat(
        dir: At<'_>,
        path: impl Path,
        times: Option<&[Timespec; 2]>,
        flags: AtFlags,
    ) -> Result<()> {
        let mut buffer = path.buffer();
        utimensat_or_old(dir, Some(path.c_str(&mut buffer)?), times, flags)
    }

    /// As [`utimensat`] for the file behind `fd`: futimens(3), which is utimensat(2)
    /// without a path.
    ///
    /// # Errors
    ///
    /// `EACCES` or `EPERM` if the file is another's, `EROFS`, `EBADF`, `EINVAL`.
    wrap futimens(fd: BorrowedFd<'_>, times: Option<&[Timespec; 2]>) -> Result<()> {
        utimensat_or_old(At::Dir(fd), None, times, AtFlags::empty())
    }

    part sys statfs_words(path: impl Path, size: StatfsSize, statfs: out KernelStatfs)
        -> Result<KernelStatfs> = widest::statfs;

    part sys fstatfs_words(fd: BorrowedFd<'_>, size: StatfsSize, statfs: out KernelStatfs)
        -> Result<KernelStatfs> = widest::fstatfs;

    /// Tells of the file system that `path` is on: statfs(2), statfs64(2) on i386.
    ///
    /// # Errors
    ///
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENOSYS` if that file system has nothing to
    /// tell, …
    wrap statfs(path: impl Path) -> Result<Statfs> {
        statfs_words(path, StatfsSize).map(Statfs::from)
    }

    /// Tells of the file system that the file behind `fd` is on: fstatfs(2),
    /// fstatfs64(2) on i386.
    ///
    /// # Errors
    ///
    /// `EBADF`, `ENOSYS` if that file system has nothing to tell, …
    wrap fstatfs(fd: BorrowedFd<'_>) -> Result<Statfs> {
        fstatfs_words(fd, StatfsSize).map(Statfs::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn a_device_has_its_halves_back() {
        for (major, minor) in [
            (0, 0),
            (1, 3),
            (0xfff, 0xf_ffff),
            (0x1234_5678, 0x9abc_def0),
            (u32::MAX, 0),
            (0, u32::MAX),
        ] {
            let device = Dev::new(major, minor);
            assert_eq!((device.major(), device.minor()), (major, minor));
        }
    }

    #[test]
    fn a_device_is_as_the_kernel_has_it() {
        // /dev/null is 1, 3; include/linux/kdev_t.h puts 20 bits around 12.
        assert_eq!(Dev::new(1, 3), Dev(0x103));
        assert_eq!(Dev::new(0xfff, 0xf_ffff), Dev(0xffff_ffff));
        assert_eq!(Dev::new(0xabc, 0x1_2345), Dev(0x123a_bc45));
    }

    #[test]
    fn a_mode_is_told_from_a_type() {
        let file = FileMode::new(FileType::LNK, Mode::new(0o7640));
        assert_eq!(file.0, 0o127640);
        assert_eq!(file.file_type(), FileType::LNK);
        assert_eq!(file.mode(), Mode::new(0o7640));
    }

    #[test]
    fn an_entry_s_type_is_a_file_s() {
        for (d_type, file_type) in [
            (general::DT_UNKNOWN, FileType::UNKNOWN),
            (general::DT_FIFO, FileType::FIFO),
            (general::DT_CHR, FileType::CHR),
            (general::DT_DIR, FileType::DIR),
            (general::DT_BLK, FileType::BLK),
            (general::DT_REG, FileType::REG),
            (general::DT_LNK, FileType::LNK),
            (general::DT_SOCK, FileType::SOCK),
        ] {
            assert_eq!(FileType::from_entry(d_type as u8), file_type);
        }
    }

    #[test]
    fn times_that_do_not_fit_the_old_call_overflow() {
        let late = Timespec {
            tv_sec: i64::from(i32::MAX) + 1,
            tv_nsec: 0,
        };
        assert!(old_times(None).unwrap().is_none());
        assert!(old_times(Some(&[UTIME_NOW, UTIME_OMIT])).is_ok());
        assert_eq!(
            old_times(Some(&[UTIME_NOW, late])).err(),
            (size_of::<usize>() == 4).then_some(Errno::EOVERFLOW)
        );
    }
}
