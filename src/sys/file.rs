//! Files and descriptors.

use core::mem::MaybeUninit;

use linux_raw_sys::general;
use linux_raw_sys::ioctl::TCGETS;

use super::declare::{Argument, Shown, Words};
use super::kinds::flags;
use super::{BorrowedFd, OwnedFd, Path, Result};
use crate::syscalls;

bitflags::bitflags! {
    /// How [`open`] opens a file: open(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OFlags: u32 {
        /// For reading.
        const RDONLY = general::O_RDONLY;
        /// For writing.
        const WRONLY = general::O_WRONLY;
        /// For both.
        const RDWR = general::O_RDWR;
        /// Each write goes to the file's end.
        const APPEND = general::O_APPEND;
        /// The descriptor does not survive execve.
        const CLOEXEC = general::O_CLOEXEC;
        /// The file is made if it is not there.
        const CREAT = general::O_CREAT;
        /// The path must name a directory.
        const DIRECTORY = general::O_DIRECTORY;
        /// With `CREAT`: the file must not be there yet.
        const EXCL = general::O_EXCL;
        /// A terminal does not become the controlling one.
        const NOCTTY = general::O_NOCTTY;
        /// The path's last part must not be a symbolic link.
        const NOFOLLOW = general::O_NOFOLLOW;
        /// No read or write waits.
        const NONBLOCK = general::O_NONBLOCK;
        /// A regular file's contents are dropped.
        const TRUNC = general::O_TRUNC;
        // Whatever else the kernel knows.
        const _ = !0;
    }
}

/// With `O_LARGEFILE`, without which a 32-bit kernel interface refuses files of
/// 2 GiB and more (open(2)); where words have 64 bits the kernel adds it itself.
impl Argument for OFlags {
    const SHOWN: Shown = Shown::Flags;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        (self.bits() | general::O_LARGEFILE).pass(words);
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
}

impl Mode {
    /// The mode of these bits, which are mostly written in octal: `Mode::new(0o644)`.
    pub const fn new(bits: u32) -> Mode {
        Mode::from_bits_retain(bits)
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

syscalls! {
    /// Reads up to `buf.len()` bytes into `buf`: read(2). Returns how many came;
    /// 0 at the end of a file, and for an empty `buf`.
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
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `EAGAIN` if the descriptor does not wait
    /// and has no room, `ENOSPC` if the device has none, `EPIPE` if nobody reads
    /// the pipe (and SIGPIPE is ignored), `EBADF` if `fd` is not open for
    /// writing, `EIO`, …
    sys write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize>;

    /// Opens the file that `path` names, from `dir` on if it is relative, and
    /// with `mode` less the umask if it is made: openat(2).
    ///
    /// # Errors
    ///
    /// `ENOENT`, `EACCES`, `EISDIR`, `ELOOP`, `EMFILE`, `EINTR`, …
    sys openat(dir: At<'_>, path: impl Path, flags: OFlags, mode: Mode) -> Result<OwnedFd>;

    /// Does to the device behind `fd` what `request` says: ioctl(2).
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the descriptor does not know the request, `EBADF`, `EINVAL`, …
    ///
    /// # Safety
    ///
    /// `argument` must be what `request` takes.
    unsafe sys ioctl(fd: BorrowedFd<'_>, request: u32, argument: *mut u8) -> Result<u32>;

    /// Opens the file that `path` names, from the current directory on if it is
    /// relative: open(2), by [`openat`].
    ///
    /// # Errors
    ///
    /// As for [`openat`].
    wrap open(path: impl Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        openat(At::Cwd, path, flags, mode)
    }
}

/// Whether `fd` is a terminal: isatty(3), by [`ioctl`] with `TCGETS`.
#[inline]
pub fn isatty(fd: BorrowedFd<'_>) -> bool {
    let mut termios = MaybeUninit::<general::termios>::uninit();
    // SAFETY: TCGETS writes one termios through its argument (ioctl_tty(2)).
    unsafe { ioctl(fd, TCGETS, termios.as_mut_ptr().cast()) }.is_ok()
}
