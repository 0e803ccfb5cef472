//! Files and descriptors.

use core::ffi::CStr;
use core::mem::MaybeUninit;

use bitflags::bitflags;
use linux_raw_sys::general::{self, __NR_ioctl, __NR_openat, __NR_read, __NR_write};
use linux_raw_sys::ioctl::TCGETS;

use super::declare::{Argument, Words, syscalls};
use super::{BorrowedFd, OwnedFd, Result};

bitflags! {
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
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        (self.bits() | general::O_LARGEFILE).pass(words);
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
    const WORDS: usize = 1;
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
    sys read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> = __NR_read;

    /// Writes up to `buf.len()` bytes of `buf`: write(2). Returns how many went,
    /// which may be fewer.
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `EAGAIN` if the descriptor does not wait
    /// and has no room, `ENOSPC` if the device has none, `EPIPE` if nobody reads
    /// the pipe (and SIGPIPE is ignored), `EBADF` if `fd` is not open for
    /// writing, `EIO`, …
    sys write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize> = __NR_write;

    /// Opens the file that `path` names, from `dir` on if it is relative, and
    /// with `mode` less the umask if it is made: openat(2).
    ///
    /// # Errors
    ///
    /// `ENOENT`, `EACCES`, `EISDIR`, `ELOOP`, `EMFILE`, `EINTR`, …
    sys openat(dir: At<'_>, path: &CStr, flags: OFlags, mode: u32) -> Result<OwnedFd> = __NR_openat;

    /// Does to the device behind `fd` what `request` says: ioctl(2).
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the descriptor does not know the request, `EBADF`, `EINVAL`, …
    ///
    /// # Safety
    ///
    /// `argument` must be what `request` takes.
    unsafe sys ioctl(fd: BorrowedFd<'_>, request: u32, argument: *mut u8) -> Result<u32> = __NR_ioctl;
}

/// Opens the file that `path` names, from the current directory on if it is
/// relative: open(2), by [`openat`].
///
/// # Errors
///
/// As for [`openat`].
#[inline(always)]
pub fn open(path: &CStr, flags: OFlags, mode: u32) -> Result<OwnedFd> {
    openat(At::Cwd, path, flags, mode)
}

/// Whether `fd` is a terminal: isatty(3), by [`ioctl`] with `TCGETS`.
#[inline]
pub fn isatty(fd: BorrowedFd<'_>) -> bool {
    let mut termios = MaybeUninit::<general::termios>::uninit();
    // SAFETY: TCGETS writes one termios through its argument (ioctl_tty(2)).
    unsafe { ioctl(fd, TCGETS, termios.as_mut_ptr().cast()) }.is_ok()
}
