//! What is known of a file.

use core::ffi::CStr;
use core::fmt;

use super::with_c_str;
use crate::io::retry;
use crate::sys::{
    self, At, AtFlags, BorrowedFd, Errno, Mode, Path, Result, Stat, StatxMask, Timespec,
};

/// What is known of the file that `path` names; of what it points at, if it is a symbolic
/// link: stat(2).
///
/// # Errors
///
/// `ENOENT`, `ENOTDIR`, `EACCES` for a directory that may not be searched, `ELOOP`, …
pub fn metadata(path: impl Path) -> Result<Metadata> {
    with_c_str(path, |path| {
        Metadata::of_path(At::Cwd, path, AtFlags::empty())
    })
}

/// What is known of the file that `path` names; of itself, if it is a symbolic link:
/// lstat(2).
///
/// # Errors
///
/// As for [`metadata`].
pub fn symlink_metadata(path: impl Path) -> Result<Metadata> {
    with_c_str(path, |path| {
        Metadata::of_path(At::Cwd, path, AtFlags::SYMLINK_NOFOLLOW)
    })
}

/// Whether the file is there: what a symbolic link points at, if it is one.
///
/// # Errors
///
/// Those of [`metadata`] but `ENOENT`: it may be there or not.
pub fn exists(path: impl Path) -> Result<bool> {
    match metadata(path) {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Sets who may do what with the file: chmod(2). A symbolic link is what it points at.
///
/// # Errors
///
/// `EPERM` if it is another's, and those of [`metadata`].
pub fn set_permissions(path: impl Path, permissions: Permissions) -> Result<()> {
    with_c_str(path, |path| retry(|| sys::chmod(path, permissions.into())))
}

/// What is known of a file: [`metadata`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    stat: Stat,
    created: Option<Timespec>,
}

impl Metadata {
    pub(super) fn of_fd(fd: BorrowedFd<'_>) -> Result<Metadata> {
        Metadata::of_path(At::Dir(fd), c"", AtFlags::EMPTY_PATH)
    }

    pub(super) fn of_path(dir: At<'_>, path: &CStr, flags: AtFlags) -> Result<Metadata> {
        // As of all calls of the kind only statx mounts what is not mounted yet.
        let statx_flags = flags | AtFlags::NO_AUTOMOUNT;
        let wanted = StatxMask::BASIC_STATS | StatxMask::BTIME;
        match sys::statx(dir, path, statx_flags, wanted) {
            Ok(statx) => {
                let there = StatxMask::from_bits_retain(statx.stx_mask);
                Ok(Metadata {
                    created: there
                        .contains(StatxMask::BTIME)
                        .then(|| statx.stx_btime.into()),
                    stat: statx.into(),
                })
            }
            // Linux has it since 4.11.
            Err(Errno::ENOSYS) => Ok(Metadata {
                stat: sys::newfstatat(dir, path, flags)?,
                created: None,
            }),
            Err(errno) => Err(errno),
        }
    }

    /// What kind of file it is.
    pub const fn file_type(&self) -> FileType {
        FileType(self.stat.st_mode.file_type())
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.file_type().is_dir()
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.file_type().is_file()
    }

    /// Whether it is a symbolic link, which only [`symlink_metadata`] says.
    pub fn is_symlink(&self) -> bool {
        self.file_type().is_symlink()
    }

    /// Its size, in bytes.
    #[allow(clippy::len_without_is_empty, reason = "std has none")]
    pub const fn len(&self) -> u64 {
        self.stat.st_size.cast_unsigned()
    }

    /// Who may do what with it.
    pub const fn permissions(&self) -> Permissions {
        Permissions(self.mode())
    }

    /// When it was written last.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` because std's is.
    pub const fn modified(&self) -> Result<Timespec> {
        Ok(self.stat.st_mtim)
    }

    /// When it was read last, as far as the file system keeps that.
    ///
    /// # Errors
    ///
    /// None: it is a `Result` because std's is.
    pub const fn accessed(&self) -> Result<Timespec> {
        Ok(self.stat.st_atim)
    }

    /// When it was made.
    ///
    /// # Errors
    ///
    /// `ENOTSUP` if the file system or the kernel does not say.
    pub fn created(&self) -> Result<Timespec> {
        self.created.ok_or(Errno::ENOTSUP)
    }

    /// When anything about it changed last, contents or not.
    pub const fn changed(&self) -> Timespec {
        self.stat.st_ctim
    }

    /// The device that it is on.
    pub const fn dev(&self) -> u64 {
        self.stat.st_dev.0
    }

    /// Its number there.
    pub const fn ino(&self) -> u64 {
        self.stat.st_ino
    }

    /// What kind of file it is and who may do what with it, in one number.
    pub const fn mode(&self) -> u32 {
        self.stat.st_mode.0
    }

    /// How many names it has.
    pub const fn nlink(&self) -> u64 {
        self.stat.st_nlink
    }

    /// Whose it is.
    pub const fn uid(&self) -> u32 {
        self.stat.st_uid.0
    }

    /// Which group's it is.
    pub const fn gid(&self) -> u32 {
        self.stat.st_gid.0
    }

    /// Which device it is, if it is one.
    pub const fn rdev(&self) -> u64 {
        self.stat.st_rdev.0
    }

    /// Its size, in bytes.
    pub const fn size(&self) -> u64 {
        self.len()
    }

    /// How many bytes it is best read and written at a time.
    pub const fn blksize(&self) -> u64 {
        self.stat.st_blksize.cast_unsigned()
    }

    /// How much room it takes, in units of 512 bytes.
    pub const fn blocks(&self) -> u64 {
        self.stat.st_blocks.cast_unsigned()
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata")
            .field("file_type", &self.file_type())
            .field("permissions", &self.permissions())
            .field("len", &self.len())
            .field("modified", &self.stat.st_mtim)
            .field("accessed", &self.stat.st_atim)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileType(sys::FileType);

impl FileType {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.0 == sys::FileType::DIR
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.0 == sys::FileType::REG
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.0 == sys::FileType::LNK
    }

    /// Whether it is a block device.
    pub fn is_block_device(&self) -> bool {
        self.0 == sys::FileType::BLK
    }

    /// Whether it is a character device.
    pub fn is_char_device(&self) -> bool {
        self.0 == sys::FileType::CHR
    }

    /// Whether it is a pipe with a name.
    pub fn is_fifo(&self) -> bool {
        self.0 == sys::FileType::FIFO
    }

    /// Whether it is a socket with a name.
    pub fn is_socket(&self) -> bool {
        self.0 == sys::FileType::SOCK
    }
}

impl From<sys::FileType> for FileType {
    fn from(file_type: sys::FileType) -> FileType {
        FileType(file_type)
    }
}

impl fmt::Debug for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileType")
            .field("is_file", &self.is_file())
            .field("is_dir", &self.is_dir())
            .field("is_symlink", &self.is_symlink())
            .finish_non_exhaustive()
    }
}

/// Who may do what with a file: its mode.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Permissions(u32);

/// The bits by which somebody may write.
const WRITE: u32 = Mode::WUSR.union(Mode::WGRP).union(Mode::WOTH).bits();

impl Permissions {
    /// Those of this mode, as chmod(2) has it.
    pub const fn from_mode(mode: u32) -> Permissions {
        Permissions(mode)
    }

    /// The mode, as stat(2) has it.
    pub const fn mode(&self) -> u32 {
        self.0
    }

    /// Sets the mode.
    pub const fn set_mode(&mut self, mode: u32) {
        self.0 = mode;
    }

    /// Whether nobody may write it.
    pub const fn readonly(&self) -> bool {
        self.0 & WRITE == 0
    }

    /// Has nobody write it, or everybody.
    pub const fn set_readonly(&mut self, readonly: bool) {
        match readonly {
            true => self.0 &= !WRITE,
            false => self.0 |= WRITE,
        }
    }
}

impl From<Permissions> for Mode {
    fn from(permissions: Permissions) -> Mode {
        sys::FileMode(permissions.0).mode()
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({:#o})", self.0)
    }
}
