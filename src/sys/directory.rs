//! Names of files: links, directories, and where the process is among them.

use core::ffi::CStr;

use linux_raw_sys::general;

use super::kinds::flags;
use super::{At, AtFlags, BorrowedFd, Dev, Errno, FileMode, FileType, Mode, Path, Result};
use crate::syscalls;

flags! {
    /// What [`unlinkat`] removes.
    UnlinkFlags: u32 {
        /// A directory, and nothing else.
        REMOVEDIR = general::AT_REMOVEDIR;
    }

    /// What [`renameat2`] does if the new name is taken.
    RenameFlags: u32 {
        /// It fails.
        NOREPLACE = general::RENAME_NOREPLACE;
        /// The two change their names.
        EXCHANGE = general::RENAME_EXCHANGE;
        /// The old name becomes a whiteout, which in an overlay hides what is below.
        WHITEOUT = general::RENAME_WHITEOUT;
    }
}

/// The entries that [`getdents64`] has put in a buffer.
///
/// They end at what is not a whole entry, whatever the buffer holds.
#[derive(Clone, Debug)]
pub struct DirEntries<'buf> {
    left: &'buf [u8],
}

/// One entry of a directory: the kernel's `linux_dirent64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirEntry<'buf> {
    /// The file's number on its device.
    pub d_ino: u64,
    /// Where in the directory the next entry is: to seek to, and not to count with.
    pub d_off: i64,
    /// What it is, or `UNKNOWN`.
    pub d_type: FileType,
    /// Its name; `.` and `..` are among them.
    pub d_name: &'buf CStr,
}

impl<'buf> DirEntries<'buf> {
    /// The entries in `filled`, which are as many bytes of the buffer as the kernel has
    /// said.
    pub const fn new(filled: &'buf [u8]) -> DirEntries<'buf> {
        DirEntries { left: filled }
    }

    /// What is left of the buffer: the entries that have not been taken.
    pub const fn as_slice(&self) -> &'buf [u8] {
        self.left
    }

    /// The first entry, and what comes behind it.
    fn split(entries: &'buf [u8]) -> Option<(DirEntry<'buf>, &'buf [u8])> {
        // Nothing is aligned but what the kernel wrote into an aligned buffer.
        let (ino, rest) = entries.split_first_chunk()?;
        let (off, rest) = rest.split_first_chunk()?;
        let (reclen, _) = rest.split_first_chunk()?;
        let (entry, behind) = entries.split_at_checked(u16::from_ne_bytes(*reclen).into())?;
        let name = entry.get(size_of_val(ino) + size_of_val(off) + size_of_val(reclen)..)?;
        let (d_type, name) = name.split_first()?;
        let entry = DirEntry {
            d_ino: u64::from_ne_bytes(*ino),
            d_off: i64::from_ne_bytes(*off),
            d_type: FileType::from_entry(*d_type),
            d_name: CStr::from_bytes_until_nul(name).ok()?,
        };
        Some((entry, behind))
    }
}

impl<'buf> Iterator for DirEntries<'buf> {
    type Item = DirEntry<'buf>;

    fn next(&mut self) -> Option<DirEntry<'buf>> {
        let (entry, left) = DirEntries::split(self.left).unzip();
        self.left = left.unwrap_or_default();
        entry
    }
}

syscalls! {
    /// Gives the file that `old` names another name, `new`, each from its directory on if
    /// it is relative: linkat(2). A symbolic link is the file itself, unless `flags` has
    /// `SYMLINK_FOLLOW`.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the new name is taken, `EXDEV` if it is on another file system,
    /// `EPERM` for a directory, `EMLINK` if the names are too many, `ENOENT`, `ENOTDIR`,
    /// `EACCES`, `ELOOP`, `ENOSPC`, `EROFS`, …
    sys linkat(
        old_dir: At<'_>,
        old: impl Path,
        new_dir: At<'_>,
        new: impl Path,
        flags: AtFlags
    ) -> Result<()>;

    /// As [`linkat`] from the current directory on: link(2).
    ///
    /// # Errors
    ///
    /// As for [`linkat`].
    wrap link(old: impl Path, new: impl Path) -> Result<()> {
        linkat(At::Cwd, old, At::Cwd, new, AtFlags::empty())
    }

    /// Makes a symbolic link to `target` and names it `path`, from `dir` on if that is
    /// relative: symlinkat(2). Nothing need be where it points.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is taken, `ENOENT` also for an empty `target`, `ENOTDIR`,
    /// `EACCES`, `ELOOP`, `ENOSPC`, `EPERM` where there are no symbolic links, `EROFS`, …
    sys symlinkat(target: impl Path, dir: At<'_>, path: impl Path) -> Result<()>;

    /// As [`symlinkat`] from the current directory on: symlink(2).
    ///
    /// # Errors
    ///
    /// As for [`symlinkat`].
    wrap symlink(target: impl Path, path: impl Path) -> Result<()> {
        symlinkat(target, At::Cwd, path)
    }

    /// Reads where the symbolic link `path` points, from `dir` on if that is relative:
    /// readlinkat(2). Returns how many bytes it wrote into `buf`, without a NUL. If they
    /// fill it there may have been more.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not a symbolic link, or for an empty `buf`, `ENOENT`, `ENOTDIR`,
    /// `EACCES`, `ELOOP`, …
    sys readlinkat(dir: At<'_>, path: impl Path, buf: &mut [u8]) -> Result<usize>;

    /// As [`readlinkat`] from the current directory on: readlink(2).
    ///
    /// # Errors
    ///
    /// As for [`readlinkat`].
    wrap readlink(path: impl Path, buf: &mut [u8]) -> Result<usize> {
        readlinkat(At::Cwd, path, buf)
    }

    /// Takes the name `path` away, from `dir` on if it is relative, or with `REMOVEDIR` the
    /// empty directory: unlinkat(2). The file goes when it has no name and nobody has it
    /// open.
    ///
    /// # Errors
    ///
    /// `EISDIR` for a directory; with `REMOVEDIR`, `ENOTDIR` for anything else, `ENOTEMPTY`
    /// if something is in it and `EINVAL` if it is called `.`; `EBUSY` if something is
    /// mounted there, `EPERM` or `EACCES` if the process may not, `ENOENT`, `EROFS`, …
    sys unlinkat(dir: At<'_>, path: impl Path, flags: UnlinkFlags) -> Result<()>;

    /// Takes a name away, from the current directory on: unlink(2), by [`unlinkat`].
    ///
    /// # Errors
    ///
    /// As for [`unlinkat`].
    wrap unlink(path: impl Path) -> Result<()> {
        unlinkat(At::Cwd, path, UnlinkFlags::empty())
    }

    /// Removes an empty directory, from the current one on: rmdir(2), by [`unlinkat`].
    ///
    /// # Errors
    ///
    /// As for [`unlinkat`] with `REMOVEDIR`.
    wrap rmdir(path: impl Path) -> Result<()> {
        unlinkat(At::Cwd, path, UnlinkFlags::REMOVEDIR)
    }

    /// Names the file `old` `new`, each from its directory on if it is relative:
    /// renameat2(2). What was called `new` is replaced, unless `flags` say otherwise; at
    /// every moment the name is one of the two.
    ///
    /// # Errors
    ///
    /// `EXDEV` if the new name is on another file system, `EEXIST` with `NOREPLACE`,
    /// `ENOTEMPTY` if the new name is a directory with something in it, `EISDIR` and
    /// `ENOTDIR` if only one of the two is a directory, `EINVAL` if one would be within
    /// itself or for flags that the file system does not have, `ENOENT`, `EACCES`, `EPERM`,
    /// `EBUSY`, `EROFS`, …
    sys renameat2(
        old_dir: At<'_>,
        old: impl Path,
        new_dir: At<'_>,
        new: impl Path,
        flags: RenameFlags
    ) -> Result<()>;

    /// As [`renameat2`] without flags: renameat(2).
    ///
    /// # Errors
    ///
    /// As for [`renameat2`].
    wrap renameat(old_dir: At<'_>, old: impl Path, new_dir: At<'_>, new: impl Path) -> Result<()> {
        renameat2(old_dir, old, new_dir, new, RenameFlags::empty())
    }

    /// As [`renameat`] from the current directory on: rename(2).
    ///
    /// # Errors
    ///
    /// As for [`renameat2`].
    wrap rename(old: impl Path, new: impl Path) -> Result<()> {
        renameat2(At::Cwd, old, At::Cwd, new, RenameFlags::empty())
    }

    /// Makes the directory `path`, from `dir` on if it is relative, with `mode` less the
    /// umask: mkdirat(2).
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is taken, `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `EMLINK`,
    /// `ENOSPC`, `EROFS`, …
    sys mkdirat(dir: At<'_>, path: impl Path, mode: Mode) -> Result<()>;

    /// As [`mkdirat`] from the current directory on: mkdir(2).
    ///
    /// # Errors
    ///
    /// As for [`mkdirat`].
    wrap mkdir(path: impl Path, mode: Mode) -> Result<()> {
        mkdirat(At::Cwd, path, mode)
    }

    part sys mknodat_words(dir: At<'_>, path: impl Path, mode: FileMode, device: u32) -> Result<()>
        = crate::arch::nr::mknodat;

    /// Makes the file `path`, from `dir` on if it is relative, of any type but a directory
    /// or a symbolic link, with `mode` less the umask: mknodat(2). `device` is for device
    /// files.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is taken, `EPERM` if only the superuser makes such a file,
    /// `EINVAL` for a type that it does not make or a device number of more than 32 bits,
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENOSPC`, `EROFS`, …
    wrap mknodat(dir: At<'_>, path: impl Path, mode: FileMode, device: Dev) -> Result<()> {
        let device = device.0.try_into().map_err(|_| Errno::EINVAL)?;
        mknodat_words(dir, path, mode, device)
    }

    /// As [`mknodat`] from the current directory on: mknod(2).
    ///
    /// # Errors
    ///
    /// As for [`mknodat`].
    wrap mknod(path: impl Path, mode: FileMode, device: Dev) -> Result<()> {
        mknodat(At::Cwd, path, mode, device)
    }

    /// Reads as many entries of the directory `fd` as fit into `buf`, for [`DirEntries`] to
    /// take apart: getdents64(2). Returns how many bytes they take; 0 at the end.
    ///
    /// # Errors
    ///
    /// `EINVAL` if not even one fits, `ENOTDIR`, `ENOENT` if the directory is removed,
    /// `EBADF`, …
    sys getdents64(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize>;

    /// Makes `path` the current directory: chdir(2).
    ///
    /// # Errors
    ///
    /// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, …
    sys chdir(path: impl Path) -> Result<()>;

    /// Makes the directory behind `fd` the current one: fchdir(2).
    ///
    /// # Errors
    ///
    /// `ENOTDIR`, `EACCES`, `EBADF`.
    sys fchdir(fd: BorrowedFd<'_>) -> Result<()>;

    /// Writes the current directory's path into `buf`: getcwd(2), the system call. Returns
    /// how many bytes it has, with the NUL at its end. If the directory is not below the
    /// root, the path begins with `(unreachable)` instead of `/`.
    ///
    /// # Errors
    ///
    /// `ERANGE` if `buf` is too short, `ENOENT` if the directory is removed,
    /// `ENAMETOOLONG`.
    sys getcwd(buf: &mut [u8]) -> Result<usize>;

    /// Makes `path` what `/` is for this process: chroot(2). The current directory stays,
    /// even outside.
    ///
    /// # Errors
    ///
    /// `EPERM` without the capability `CAP_SYS_CHROOT`, `ENOENT`, `ENOTDIR`, `EACCES`,
    /// `ELOOP`, …
    sys chroot(path: impl Path) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// An entry as the kernel writes it, with `padding` bytes behind the NUL.
    fn entry(d_ino: u64, d_type: u32, name: &[u8], padding: usize) -> Vec<u8> {
        let reclen = 8 + 8 + 2 + 1 + name.len() + padding;
        let mut bytes = Vec::new();
        bytes.extend(d_ino.to_ne_bytes());
        bytes.extend((-1_i64).to_ne_bytes());
        bytes.extend((reclen as u16).to_ne_bytes());
        bytes.push(d_type as u8);
        bytes.extend(name);
        bytes.resize(reclen, b'x');
        bytes
    }

    fn names(bytes: &[u8]) -> Vec<&[u8]> {
        DirEntries::new(bytes)
            .map(|entry| entry.d_name.to_bytes())
            .collect()
    }

    #[test]
    fn entries_are_read_wherever_they_begin() {
        let mut bytes = entry(7, general::DT_DIR, b"..\0", 2);
        bytes.extend(entry(u64::MAX, general::DT_REG, b"a file\0", 0));
        for offset in 0..8 {
            let mut buffer = std::vec![0; offset];
            buffer.extend(&bytes);
            let entries: Vec<_> = DirEntries::new(&buffer[offset..]).collect();
            let expected = [
                (7, FileType::DIR, c".."),
                (u64::MAX, FileType::REG, c"a file"),
            ]
            .map(|(d_ino, d_type, d_name)| DirEntry {
                d_ino,
                d_off: -1,
                d_type,
                d_name,
            });
            assert_eq!(entries, expected);
        }
    }

    #[test]
    fn entries_end_where_they_are_cut_off() {
        let mut bytes = entry(1, general::DT_REG, b"one\0", 0);
        let first = bytes.len();
        bytes.extend(entry(2, general::DT_REG, b"two\0", 3));
        for end in 0..=bytes.len() {
            let expected = usize::from(end >= first) + usize::from(end == bytes.len());
            assert_eq!(names(&bytes[..end]).len(), expected, "{end}");
        }
    }

    #[test]
    fn a_length_that_is_none_ends_them() {
        let bytes = entry(1, general::DT_REG, b"name\0", 0);
        for reclen in 0..=u16::MAX {
            let mut bytes = bytes.clone();
            bytes[16..18].copy_from_slice(&reclen.to_ne_bytes());
            bytes.extend([0; 8]);
            // Shorter ones cut the name's NUL off; longer ones have only zeros more.
            let is_whole = (24..=32).contains(&reclen);
            assert_eq!(!names(&bytes).is_empty(), is_whole, "{reclen}");
        }
    }

    #[test]
    fn a_name_without_end_ends_them() {
        let mut bytes = entry(1, general::DT_REG, b"endless", 0);
        bytes.extend(entry(2, general::DT_REG, b"next\0", 0));
        assert!(names(&bytes).is_empty());
    }

    #[test]
    fn any_bytes_are_survived() {
        let mut state = 1_u32;
        for length in 0..512 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Mostly zeros, so that lengths are small.
                    if state >> 30 == 0 {
                        (state >> 16) as u8
                    } else {
                        0
                    }
                })
                .collect();
            assert!(names(&bytes).len() <= length / 20);
        }
    }
}
