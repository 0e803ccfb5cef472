//! Opening files, and reading, writing and moving what is in them.

use linux_raw_sys::general;

use super::declare::{Argument, Shown, Words};
use super::io_slice::{IoSlice, IoSliceMut};
use super::kinds::{bits, flags, named};
use super::{BorrowedFd, OwnedFd, Path, Result};
use crate::arch::{LSEEK_IN_HALVES, NR_LSEEK, widest};
use crate::syscalls;

bits! {
    /// How [`open`] opens a file: open(2). First one of `RDONLY`, `WRONLY` and `RDWR`,
    /// which are numbers, not bits: `ACCMODE` is where they are.
    OFlags: u32 {
        /// For reading.
        RDONLY = general::O_RDONLY;
        /// For writing.
        WRONLY = general::O_WRONLY;
        /// For both.
        RDWR = general::O_RDWR;
        /// The bits that say for which of them.
        ACCMODE = general::O_ACCMODE;
        /// Each write goes to the file's end.
        APPEND = general::O_APPEND;
        /// Being ready makes a signal. Only `F_SETFL` sets it.
        ASYNC = general::FASYNC;
        /// The descriptor does not survive execve.
        CLOEXEC = general::O_CLOEXEC;
        /// The file is made if it is not there.
        CREAT = general::O_CREAT;
        /// What is read and written goes past the kernel's cache.
        DIRECT = general::O_DIRECT;
        /// The path must name a directory.
        DIRECTORY = general::O_DIRECTORY;
        /// A write returns when its data is on the device.
        DSYNC = general::O_DSYNC;
        /// With `CREAT`: the file must not be there yet.
        EXCL = general::O_EXCL;
        /// The file may have 2 GiB and more. Always passed: it is here because
        /// `F_GETFL` returns it.
        LARGEFILE = general::O_LARGEFILE;
        /// Reading leaves the time of the last access as it is.
        NOATIME = general::O_NOATIME;
        /// A terminal does not become the controlling one.
        NOCTTY = general::O_NOCTTY;
        /// The path's last part must not be a symbolic link.
        NOFOLLOW = general::O_NOFOLLOW;
        /// No read or write waits.
        NONBLOCK = general::O_NONBLOCK;
        /// The descriptor only stands for the place: nothing is read or written by it.
        PATH = general::O_PATH;
        /// A write returns when its data is on the device, and what is needed to find
        /// it.
        SYNC = general::O_SYNC;
        /// A file without a name, in the directory that the path names.
        TMPFILE = general::O_TMPFILE;
        /// A regular file's contents are dropped.
        TRUNC = general::O_TRUNC;
    }
}

/// With `O_LARGEFILE`, without which a 32-bit kernel interface refuses files of
/// 2 GiB and more (open(2)); where words have 64 bits the kernel adds it itself.
impl Argument for OFlags {
    const SHOWN: Shown = Shown::Flags;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        (self | OFlags::LARGEFILE).bits().pass(words);
    }
}

flags! {
    /// Who may do what with a file, as chmod(2) has it; a new file has those of them
    /// that the umask leaves.
    Mode: u32 {
        /// The owner may read.
        RUSR = general::S_IRUSR;
        /// The owner may write.
        WUSR = general::S_IWUSR;
        /// The owner may execute, or search a directory.
        XUSR = general::S_IXUSR;
        /// The group may read.
        RGRP = general::S_IRGRP;
        /// The group may write.
        WGRP = general::S_IWGRP;
        /// The group may execute, or search a directory.
        XGRP = general::S_IXGRP;
        /// Others may read.
        ROTH = general::S_IROTH;
        /// Others may write.
        WOTH = general::S_IWOTH;
        /// Others may execute, or search a directory.
        XOTH = general::S_IXOTH;
        /// It runs as its owner.
        SUID = general::S_ISUID;
        /// It runs as its group; what is made in a directory belongs to its group.
        SGID = general::S_ISGID;
        /// What is in the directory only its owner removes.
        SVTX = general::S_ISVTX;
    }

    /// What [`openat2`] does not do on the way along a path: openat2(2).
    ResolveFlags: u64 {
        /// It does not leave the directory: no `..` above it, no absolute path or link.
        BENEATH = general::RESOLVE_BENEATH;
        /// The directory is the root, for `..` and for absolute paths and links.
        IN_ROOT = general::RESOLVE_IN_ROOT;
        /// No links of `/proc` that lead to something open.
        NO_MAGICLINKS = general::RESOLVE_NO_MAGICLINKS;
        /// No symbolic links, wherever in the path.
        NO_SYMLINKS = general::RESOLVE_NO_SYMLINKS;
        /// No mount points.
        NO_XDEV = general::RESOLVE_NO_XDEV;
        /// Nothing that is not in the kernel's cache: `EAGAIN`.
        CACHED = general::RESOLVE_CACHED;
    }

    /// What [`fallocate`] does with the range; none of them: gives it room.
    FallocateFlags: u32 {
        /// The file's size stays as it is.
        KEEP_SIZE = general::FALLOC_FL_KEEP_SIZE;
        /// Makes a hole of it; with `KEEP_SIZE`.
        PUNCH_HOLE = general::FALLOC_FL_PUNCH_HOLE;
        /// Takes it out: what follows moves down.
        COLLAPSE_RANGE = general::FALLOC_FL_COLLAPSE_RANGE;
        /// Makes zeros of it, which have room.
        ZERO_RANGE = general::FALLOC_FL_ZERO_RANGE;
        /// Puts a hole in: what follows moves up.
        INSERT_RANGE = general::FALLOC_FL_INSERT_RANGE;
        /// Gives it room that it shares with no other file.
        UNSHARE_RANGE = general::FALLOC_FL_UNSHARE_RANGE;
        /// Makes zeros of it, which are on the device.
        WRITE_ZEROES = general::FALLOC_FL_WRITE_ZEROES;
    }

    /// What is special about one [`preadv2`] or [`pwritev2`].
    RwFlags: u32 {
        /// It goes before others, and asks the device again and again.
        HIPRI = general::RWF_HIPRI;
        /// As if the file were open with `DSYNC`.
        DSYNC = general::RWF_DSYNC;
        /// As if the file were open with `SYNC`.
        SYNC = general::RWF_SYNC;
        /// It does not wait.
        NOWAIT = general::RWF_NOWAIT;
        /// As if the file were open with `APPEND`.
        APPEND = general::RWF_APPEND;
    }

    /// What [`sync_file_range`] does with the range; none of them: nothing.
    SyncFileRangeFlags: u32 {
        /// Waits for what is being written already.
        WAIT_BEFORE = general::SYNC_FILE_RANGE_WAIT_BEFORE;
        /// Begins to write what has changed.
        WRITE = general::SYNC_FILE_RANGE_WRITE;
        /// Waits until it is written.
        WAIT_AFTER = general::SYNC_FILE_RANGE_WAIT_AFTER;
    }

    /// How [`splice`], [`tee`] and [`vmsplice`] move data.
    SpliceFlags: u32 {
        /// Pages rather move than are copied: no more than a hint.
        MOVE = general::SPLICE_F_MOVE;
        /// It does not wait for a pipe.
        NONBLOCK = general::SPLICE_F_NONBLOCK;
        /// More follows: a hint for a socket.
        MORE = general::SPLICE_F_MORE;
        /// [`vmsplice`]: the pages are the kernel's from now on.
        GIFT = general::SPLICE_F_GIFT;
    }

    /// What [`memfd_create`]'s file is like.
    MemfdFlags: u32 {
        /// The descriptor does not survive execve.
        CLOEXEC = general::MFD_CLOEXEC;
        /// It can be sealed.
        ALLOW_SEALING = general::MFD_ALLOW_SEALING;
        /// It is in huge pages, of the default size or the one that is said.
        HUGETLB = general::MFD_HUGETLB;
        /// With `HUGETLB`: pages of 2 MiB.
        HUGE_2MB = general::MFD_HUGE_2MB;
        /// With `HUGETLB`: pages of 1 GiB.
        HUGE_1GB = general::MFD_HUGE_1GB;
        /// It cannot be executed, for good.
        NOEXEC_SEAL = general::MFD_NOEXEC_SEAL;
        /// It can be executed.
        EXEC = general::MFD_EXEC;
    }
}

impl Mode {
    /// The mode of these bits, which are mostly written in octal: `Mode::new(0o644)`.
    pub const fn new(bits: u32) -> Mode {
        Mode::from_bits_retain(bits)
    }
}

named! {
    /// What [`lseek`]'s offset counts from.
    Whence: u32 {
        /// The file's beginning.
        SET = general::SEEK_SET;
        /// The position.
        CUR = general::SEEK_CUR;
        /// The file's end.
        END = general::SEEK_END;
        /// To the first data from there on.
        DATA = general::SEEK_DATA;
        /// To the first hole from there on; the file's end is one.
        HOLE = general::SEEK_HOLE;
    }

    /// How the program will use a part of a file: posix_fadvise(2).
    FileAdvice: u32 {
        /// As ever.
        NORMAL = general::POSIX_FADV_NORMAL;
        /// Here and there.
        RANDOM = general::POSIX_FADV_RANDOM;
        /// From front to back.
        SEQUENTIAL = general::POSIX_FADV_SEQUENTIAL;
        /// Soon.
        WILLNEED = general::POSIX_FADV_WILLNEED;
        /// Not soon.
        DONTNEED = general::POSIX_FADV_DONTNEED;
        /// Once.
        NOREUSE = general::POSIX_FADV_NOREUSE;
    }
}

/// The directory against which [`openat`] resolves a relative path.
#[derive(Clone, Copy, Debug)]
pub enum At<'fd> {
    /// The process's current directory (`AT_FDCWD`).
    Cwd,
    /// An open directory.
    Dir(BorrowedFd<'fd>),
}

impl Argument for At<'_> {
    const SHOWN: Shown = Shown::Descriptor;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        match self {
            At::Cwd => general::AT_FDCWD.pass(words),
            At::Dir(fd) => fd.pass(words),
        }
    }
}

/// How [`openat2`] opens a file: the kernel's `open_how`, openat2(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct OpenHow {
    /// The bits of [`OFlags`], and no others.
    pub flags: u64,
    /// Those of [`Mode`], if a file can be made; else 0.
    pub mode: u64,
    /// Those of [`ResolveFlags`].
    pub resolve: u64,
}

const _: () = assert!(size_of::<OpenHow>() == size_of::<general::open_how>());

impl OpenHow {
    /// With these flags, and with `LARGEFILE` as [`openat`] has it.
    pub const fn new(flags: OFlags, mode: Mode, resolve: ResolveFlags) -> OpenHow {
        // openat2 takes no more with PATH than has a meaning then.
        let flags = if flags.contains(OFlags::PATH) {
            flags
        } else {
            flags.union(OFlags::LARGEFILE)
        };
        OpenHow {
            flags: flags.bits() as u64,
            mode: mode.bits() as u64,
            resolve: resolve.bits(),
        }
    }
}

/// The offset of [`preadv2`] and [`pwritev2`]: two words on every architecture, the
/// low half first. Where words have 64 bits the first has it all, and the kernel shifts
/// the second out.
struct Halves(u64);

impl Argument for Halves {
    const WORDS: usize = 2;
    const SHOWN: Shown = Shown::Unsigned;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        words.number(self.0 as usize);
        words.number(self.0.unbounded_shr(usize::BITS) as usize);
    }
}

/// The offset of [`lseek`], and where the new position goes if the call does not return
/// it.
struct Seek<'position> {
    offset: i64,
    position: &'position mut u64,
}

impl Argument for Seek<'_> {
    const WORDS: usize = if LSEEK_IN_HALVES { 3 } else { 1 };
    const SHOWN: Shown = Shown::Signed;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        if LSEEK_IN_HALVES {
            words.number((self.offset >> 32) as usize);
            words.number(self.offset as usize);
            self.position.pass(words);
        } else {
            words.number(self.offset as usize);
        }
    }
}

syscalls! {
    /// Opens the file that `path` names, from `dir` on if it is relative, and
    /// with `mode` less the umask if it is made: openat(2).
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `ENOENT`, `EEXIST`, `EACCES`, `EISDIR`, `ENOTDIR`, `ELOOP`, `EMFILE`, `EROFS`,
    /// `ENXIO`, `EINTR`, …; `EBADF` if the path is relative and `dir` closed. `EINVAL`
    /// and `ENAMETOOLONG` also without the kernel: see [`Path`].
    sys openat(dir: At<'_>, path: impl Path, flags: OFlags, mode: Mode) -> Result<OwnedFd>;

    /// Opens the file that `path` names, from the current directory on if it is
    /// relative: open(2), by [`openat`].
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`openat`].
    wrap open(path: impl Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        openat(At::Cwd, path, flags, mode)
    }

    /// Opens the file that `path` names for writing, made or emptied: creat(2), by
    /// [`openat`].
    ///
    /// # Errors
    ///
    /// As for [`openat`].
    wrap creat(path: impl Path, mode: Mode) -> Result<OwnedFd> {
        openat(At::Cwd, path, OFlags::CREAT | OFlags::WRONLY | OFlags::TRUNC, mode)
    }

    /// Opens the file that `path` names, as `how` says: openat2(2), since Linux 5.6.
    /// Unlike [`openat`] it refuses what it does not know.
    ///
    /// # Errors
    ///
    /// As for [`openat`], and: `EINVAL` for flags that there are not, or a mode where no
    /// file can be made; `EXDEV` if the path leaves where it should stay (`BENEATH`,
    /// `NO_XDEV`); `ELOOP` for a link that it must not follow; `EAGAIN` if it is not in
    /// the cache (`CACHED`), or something was renamed at the same time (`BENEATH`,
    /// `IN_ROOT`).
    sys openat2(
        dir: At<'_>,
        path: impl Path,
        how: &OpenHow,
        size: usize = size_of::<OpenHow>()
    ) -> Result<OwnedFd>;

    /// Reads up to `buf.len()` bytes into `buf`: read(2). Returns how many came;
    /// 0 at the end of a file, and for an empty `buf`.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `EAGAIN` if the descriptor does not wait
    /// and nothing is there, `EISDIR` for a directory, `EBADF` if `fd` is not
    /// open for reading, `EIO`, …
    sys read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize>;

    /// Writes up to `buf.len()` bytes of `buf`: write(2). Returns how many went,
    /// which may be fewer.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `EAGAIN` if the descriptor does not wait
    /// and has no room, `ENOSPC` if the device has none, `EFBIG` beyond what a file can
    /// be, `EPIPE` if nobody reads the pipe (and SIGPIPE is ignored), `EBADF` if `fd` is
    /// not open for writing, `EIO`, …
    sys write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize>;

    /// [`read`]s from byte `offset` of the file on, and leaves the position as it is:
    /// pread(2), the system call pread64.
    ///
    /// # Errors
    ///
    /// As for [`read`]; `ESPIPE` for a pipe, a socket or a terminal, `EINVAL` for an
    /// offset of 2^63 or more.
    sys pread64(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Result<usize>;

    /// [`write`](fn@write)s from byte `offset` of the file on, and leaves the position as it is:
    /// pwrite(2), the system call pwrite64. With `APPEND` it writes at the file's end
    /// nevertheless.
    ///
    /// # Errors
    ///
    /// As for [`write`](fn@write); `ESPIPE` for a pipe, a socket or a terminal, `EINVAL` for an
    /// offset of 2^63 or more.
    sys pwrite64(fd: BorrowedFd<'_>, buf: &[u8], offset: u64) -> Result<usize>;

    /// [`read`]s into one buffer after the other, each full before the next begins:
    /// readv(2).
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`read`]; `EINVAL` for more than 1024 buffers.
    sys readv(fd: BorrowedFd<'_>, bufs: &mut [IoSliceMut<'_>]) -> Result<usize>;

    /// [`write`](fn@write)s one buffer after the other, all at once: writev(2).
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`write`](fn@write); `EINVAL` for more than 1024 buffers.
    sys writev(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>]) -> Result<usize>;

    // The kernel takes the offset of these as two words, the low half first, on every
    // architecture. That is how a u64 goes where words have 32 bits; where they have 64
    // it goes as the first of them, and the kernel shifts the second out, so whatever is
    // in its register does not matter.

    /// [`readv`] from byte `offset` of the file on, which leaves the position as it is:
    /// preadv(2).
    ///
    /// # Errors
    ///
    /// As for [`readv`] and [`pread64`].
    sys preadv(fd: BorrowedFd<'_>, bufs: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize>;

    /// [`writev`] from byte `offset` of the file on, which leaves the position as it is:
    /// pwritev(2). With `APPEND` it writes at the file's end nevertheless.
    ///
    /// # Errors
    ///
    /// As for [`writev`] and [`pwrite64`].
    sys pwritev(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>], offset: u64) -> Result<usize>;

    /// [`preadv2`] with the offset as the kernel takes it.
    ///
    /// # Errors
    ///
    /// As for [`preadv2`].
    part sys preadv2_halves(
        fd: BorrowedFd<'_>,
        bufs: &mut [IoSliceMut<'_>],
        offset: Halves,
        flags: RwFlags
    ) -> Result<usize> = widest::preadv2;

    /// [`preadv`] with flags; with `u64::MAX` for an offset it is [`readv`] with flags:
    /// preadv2(2).
    ///
    /// # Errors
    ///
    /// As for [`preadv`]; `EOPNOTSUPP` for flags that there are not or the file does not
    /// know, `EAGAIN` if it would wait (`NOWAIT`).
    wrap preadv2(
        fd: BorrowedFd<'_>,
        bufs: &mut [IoSliceMut<'_>],
        offset: u64,
        flags: RwFlags,
    ) -> Result<usize> {
        preadv2_halves(fd, bufs, Halves(offset), flags)
    }

    /// [`pwritev2`] with the offset as the kernel takes it.
    ///
    /// # Errors
    ///
    /// As for [`pwritev2`].
    part sys pwritev2_halves(
        fd: BorrowedFd<'_>,
        bufs: &[IoSlice<'_>],
        offset: Halves,
        flags: RwFlags
    ) -> Result<usize> = widest::pwritev2;

    /// [`pwritev`] with flags; with `u64::MAX` for an offset it is [`writev`] with flags:
    /// pwritev2(2).
    ///
    /// # Errors
    ///
    /// As for [`pwritev`]; `EOPNOTSUPP` for flags that there are not or the file does not
    /// know, `EAGAIN` if it would wait (`NOWAIT`).
    wrap pwritev2(
        fd: BorrowedFd<'_>,
        bufs: &[IoSlice<'_>],
        offset: u64,
        flags: RwFlags,
    ) -> Result<usize> {
        pwritev2_halves(fd, bufs, Halves(offset), flags)
    }

    /// [`lseek`] as the architecture has it: the result is the position unless that went
    /// into memory.
    ///
    /// # Errors
    ///
    /// As for [`lseek`].
    part sys lseek_to(fd: BorrowedFd<'_>, offset: Seek<'_>, whence: Whence) -> Result<usize>
        = NR_LSEEK;

    /// Moves the position of the open file behind `fd` and returns it, in bytes from the
    /// beginning: lseek(2), _llseek(2) on i386. It may lie beyond the end: what is
    /// written there leaves a hole before it, which reads as zeros.
    ///
    /// # Errors
    ///
    /// `ESPIPE` for a pipe, a socket or a terminal; `EINVAL` if there is no such
    /// `whence`, or the position would be negative or more than a file can have; `ENXIO`
    /// if there is no data (`DATA`) or the offset is beyond the end (`DATA`, `HOLE`);
    /// `EBADF`.
    wrap lseek(fd: BorrowedFd<'_>, offset: i64, whence: Whence) -> Result<u64> {
        let mut position = 0;
        let result = lseek_to(fd, Seek { offset, position: &mut position }, whence)?;
        Ok(if LSEEK_IN_HALVES { position } else { result as u64 })
    }

    /// Makes the file that `path` names `length` bytes long: what is beyond is gone,
    /// what is new reads as zeros: truncate(2), truncate64(2) on i386.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a length of 2^63 or more or if the file has none, `EFBIG` for more
    /// than a file can have, `EISDIR`, `EACCES`, `EROFS`, `ETXTBSY`, `EPERM` if it is
    /// sealed; those of a path as for [`openat`].
    sys truncate(path: impl Path, length: u64) -> Result<()>;

    /// [`truncate`] for the file behind `fd`: ftruncate(2), ftruncate64(2) on i386.
    ///
    /// # Errors
    ///
    /// `EINVAL` also if `fd` is not open for writing; `EBADF`; else as for [`truncate`].
    sys ftruncate(fd: BorrowedFd<'_>, length: u64) -> Result<()>;

    /// Gives the `length` bytes from `offset` on room in the file system, or what `flags`
    /// say: fallocate(2).
    ///
    /// # Errors
    ///
    /// `ENOSPC`; `EOPNOTSUPP` if the file system does not know how; `EINVAL` for no
    /// length, or one or an offset of 2^63 or more; `EFBIG`, `ENODEV` or `ESPIPE` if it is
    /// no regular file, `EPERM` if it is sealed, `EBADF` if `fd` is not open for writing,
    /// `EINTR`, …
    sys fallocate(
        fd: BorrowedFd<'_>,
        flags: FallocateFlags,
        offset: u64,
        length: u64
    ) -> Result<()>;

    /// Writes what has changed of the file to its device, and waits until it is there:
    /// fsync(2).
    ///
    /// # Errors
    ///
    /// `EIO`, `ENOSPC` or `EDQUOT` if a write failed, this one or an earlier; `EINVAL` if
    /// the file cannot be written so, as a pipe; `EBADF`.
    sys fsync(fd: BorrowedFd<'_>) -> Result<()>;

    /// [`fsync`] without what is not needed to find the data, such as times:
    /// fdatasync(2).
    ///
    /// # Errors
    ///
    /// As for [`fsync`].
    sys fdatasync(fd: BorrowedFd<'_>) -> Result<()>;

    /// Writes what has changed of all files to their devices, and waits: sync(2).
    sys sync() -> ();

    /// [`sync`] for the file system that the file behind `fd` is on: syncfs(2).
    ///
    /// # Errors
    ///
    /// `EIO`, `ENOSPC` or `EDQUOT` if a write failed; `EBADF`.
    sys syncfs(fd: BorrowedFd<'_>) -> Result<()>;

    /// Writes the `length` bytes from `offset` on, or with 0 all from there, as `flags`
    /// say: sync_file_range(2). It does not write what is needed to find them.
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that there are not or a range beyond 2^63; `ESPIPE` if it is no
    /// file, directory or block device; `EIO`, `ENOSPC`, `EBADF`.
    sys sync_file_range(
        fd: BorrowedFd<'_>,
        offset: u64,
        length: u64,
        flags: SyncFileRangeFlags
    ) -> Result<()>;

    /// Says how the program will use the `length` bytes from `offset` on, or with 0 all
    /// from there: posix_fadvise(2), the system call fadvise64, fadvise64_64 on i386.
    ///
    /// # Errors
    ///
    /// `EINVAL` for advice that there is not, `ESPIPE` for a pipe, `EBADF`.
    sys fadvise64(fd: BorrowedFd<'_>, offset: u64, length: u64, advice: FileAdvice) -> Result<()>;

    /// Reads the `count` bytes from `offset` on into the kernel's cache: readahead(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is no regular file or block device, `EBADF` if `fd` is not open for
    /// reading.
    sys readahead(fd: BorrowedFd<'_>, offset: u64, count: usize) -> Result<()>;

    /// Copies up to `length` bytes from one regular file to another in the kernel, where
    /// the file system can without copying them: copy_file_range(2). Returns how many; 0
    /// at the end of `from`. An offset is read, and moved on instead of the file's
    /// position. `flags` is 0: there are none.
    ///
    /// # Errors
    ///
    /// `EBADF` if `from` is not open for reading or `to` not for writing, or for
    /// `APPEND`; `EINVAL` for flags, for what are no regular files, or ranges of one file
    /// that overlap; `EISDIR`, `EXDEV` between kinds of file systems, `EFBIG`, `ENOSPC`,
    /// `EOVERFLOW`, …
    sys copy_file_range(
        from: BorrowedFd<'_>,
        from_offset: Option<&mut u64>,
        to: BorrowedFd<'_>,
        to_offset: Option<&mut u64>,
        length: usize,
        flags: u32
    ) -> Result<usize>;

    /// Copies up to `count` bytes to `to` from `from`, which is a file that can be
    /// mapped, in the kernel: sendfile(2), sendfile64(2) on i386. Returns how many; 0 at
    /// the end. An offset is read, and moved on instead of the position of `from`.
    ///
    /// # Errors
    ///
    /// `EBADF` if `from` is not open for reading or `to` not for writing; `EINVAL` if they
    /// are not of the right kinds, or for `APPEND`; `ESPIPE` for an offset if `from` has
    /// no position; `EAGAIN` if `to` does not wait and has no room; `EIO`, `ENOSPC`, …
    sys sendfile(
        to: BorrowedFd<'_>,
        from: BorrowedFd<'_>,
        offset: Option<&mut u64>,
        count: usize
    ) -> Result<usize>;

    /// Moves up to `length` bytes between descriptors of which one at least is a pipe:
    /// splice(2). Returns how many; 0 if nobody will write to an empty pipe any more, or
    /// at the end of a file. An offset is read, and moved on instead of the position.
    ///
    /// # Errors
    ///
    /// `EBADF` if one is not open for what it is to do; `EINVAL` if neither is a pipe,
    /// both are the same, or one cannot be spliced; `ESPIPE` for an offset of a pipe;
    /// `EAGAIN` if it would wait (`NONBLOCK`); `EPIPE`, …
    sys splice(
        from: BorrowedFd<'_>,
        from_offset: Option<&mut u64>,
        to: BorrowedFd<'_>,
        to_offset: Option<&mut u64>,
        length: usize,
        flags: SpliceFlags
    ) -> Result<usize>;

    /// Copies up to `length` bytes from one pipe to another, and leaves them in the
    /// first: tee(2). Returns how many; 0 if nobody will write to it any more.
    ///
    /// # Errors
    ///
    /// `EINVAL` if one is no pipe or both are the same, `EAGAIN` if it would wait
    /// (`NONBLOCK`), `EBADF`.
    sys tee(
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        length: usize,
        flags: SpliceFlags
    ) -> Result<usize>;

    /// Puts the memory of `bufs`, rather than a copy of it, into the pipe: vmsplice(2).
    /// Returns how many bytes. Who reads them sees what is in the memory by then.
    ///
    /// # Errors
    ///
    /// `EBADF` if `pipe` is no pipe, `EINVAL` for more than 1024 buffers, `EAGAIN` if it
    /// would wait (`NONBLOCK`).
    ///
    /// # Safety
    ///
    /// If `pipe` is the end to read from, it works the other way round: the bytes go from
    /// the pipe into `bufs`, which must be made for it. With `GIFT`, nothing may use the
    /// memory any more.
    unsafe sys vmsplice(
        pipe: BorrowedFd<'_>,
        bufs: &[IoSlice<'_>],
        flags: SpliceFlags
    ) -> Result<usize>;

    /// Makes a file that is only in memory and is gone with its last descriptor:
    /// memfd_create(2). `name` is for those who look into `/proc`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a name of more than 249 bytes or flags that there are not or do not go
    /// together; `EMFILE`, `ENFILE`, `ENOMEM`, `EACCES` if the system does not want it
    /// `EXEC`.
    sys memfd_create(name: impl Path, flags: MemfdFlags) -> Result<OwnedFd>;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the offset is one word, the flags go where the kernel has its other half: a
    /// program may not notice, as what is in the next register may be as good.
    #[test]
    fn flags_are_the_sixth_word() {
        for name in ["preadv2_halves", "pwritev2_halves"] {
            let call = CALLS.iter().find(|call| call.name == name).unwrap();
            let words: usize = call.parameters.iter().map(|of| of.words).sum();
            assert_eq!(words, 6, "{name}");
        }
    }
}
