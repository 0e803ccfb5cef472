//! What is in a directory.

use core::ffi::CStr;
use core::fmt;

use heapless::Vec;

use super::{FileType, Metadata, options, with_c_str};
use crate::path::Path as PathSlice;
use crate::sys::{
    self, AsFd, At, AtFlags, BorrowedFd, DirEntries, Errno, Mode, OFlags, OwnedFd, Path, Result,
};

/// What is in the directory, without `.` and `..`, in whatever order the file system has.
///
/// # Errors
///
/// `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `EMFILE`, …
pub fn read_dir(path: impl Path) -> Result<ReadDir> {
    // Nothing in the way but a directory is opened, so nothing waits to be.
    with_c_str(path, |path| open_dir(At::Cwd, path, OFlags::empty())).map(ReadDir::from)
}

/// Opens a directory to read what is in it.
pub(super) fn open_dir(dir: At<'_>, path: &CStr, flags: OFlags) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | flags;
    options::open(dir, path, flags, Mode::empty())
}

/// How many bytes of entries are read at a time.
const BUFFER_SIZE: usize = 4096;

/// What of a directory's entries has been read and not been taken yet.
pub(super) struct Entries {
    buffer: [u8; BUFFER_SIZE],
    start: usize,
    end: usize,
}

impl Entries {
    pub(super) const fn new() -> Entries {
        Entries {
            buffer: [0; BUFFER_SIZE],
            start: 0,
            end: 0,
        }
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// The next entry of `dir` that is neither `.` nor `..`; `None` at the end.
    pub(super) fn next(&mut self, dir: BorrowedFd<'_>) -> Result<Option<sys::DirEntry<'_>>> {
        // The entry is borrowed from the buffer, which the loop fills: it is read once
        // more when it is known which it is.
        loop {
            let mut entries = DirEntries::new(&self.buffer[self.start..self.end]);
            let start = self.start;
            match entries.next() {
                Some(entry) => {
                    let is_other = !matches!(entry.d_name.to_bytes(), b"." | b"..");
                    self.start = self.end - entries.as_slice().len();
                    if is_other {
                        return Ok(DirEntries::new(&self.buffer[start..self.end]).next());
                    }
                }
                None => {
                    self.clear();
                    self.end = sys::getdents64(dir, &mut self.buffer)?;
                    if self.end == 0 {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// The entries of a directory: [`read_dir`].
///
/// An error ends them, unless it is `ENAMETOOLONG`: that is a name of more than 765 bytes,
/// which no known file system has.
pub struct ReadDir {
    fd: OwnedFd,
    entries: Entries,
    has_ended: bool,
}

/// The entries of an open directory, from where it is.
impl From<OwnedFd> for ReadDir {
    fn from(fd: OwnedFd) -> ReadDir {
        ReadDir {
            fd,
            entries: Entries::new(),
            has_ended: false,
        }
    }
}

/// The directory, to reach what is in it: [`At::Dir`].
impl AsFd for ReadDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadDir").field(&self.fd).finish()
    }
}

impl Iterator for ReadDir {
    type Item = Result<DirEntry>;

    fn next(&mut self) -> Option<Result<DirEntry>> {
        if self.has_ended {
            return None;
        }
        let next = self.entries.next(self.fd.as_fd());
        self.has_ended = !matches!(next, Ok(Some(_)));
        let entry = next.transpose()?;
        Some(entry.and_then(|entry| DirEntry::new(entry, self.fd.as_fd())))
    }
}

/// How long a name can be: 255 bytes on a file system of Unix; of those whose names are
/// UTF-16 it may be 255 times the three bytes that one such unit can be in UTF-8.
const NAME_MAX: usize = 765;

/// A name's bytes.
pub(super) type Name = Vec<u8, { NAME_MAX + 1 }>;

/// A copy of a name, with its NUL.
pub(super) fn own_name(name: &CStr) -> Result<Name> {
    Name::from_slice(name.to_bytes_with_nul()).map_err(|_| Errno::ENAMETOOLONG)
}

/// The name that [`own_name`] has copied.
pub(super) fn lend_name(name: &Name) -> &CStr {
    CStr::from_bytes_with_nul(name).unwrap_or_default()
}

/// A file's name in a directory, and what the directory says of it.
#[derive(Clone)]
pub struct DirEntry {
    name: Name,
    ino: u64,
    file_type: Result<FileType>,
}

impl DirEntry {
    fn new(entry: sys::DirEntry<'_>, dir: BorrowedFd<'_>) -> Result<DirEntry> {
        let file_type = match entry.d_type {
            // Not every file system keeps that in its directories.
            sys::FileType::UNKNOWN => {
                symlink_metadata_at(dir, entry.d_name).map(|metadata| metadata.file_type())
            }
            known => Ok(known.into()),
        };
        Ok(DirEntry {
            name: own_name(entry.d_name)?,
            ino: entry.d_ino,
            file_type,
        })
    }

    /// The file's name.
    pub fn file_name(&self) -> &[u8] {
        lend_name(&self.name).to_bytes()
    }

    /// What kind of file it is. A symbolic link is one.
    ///
    /// # Errors
    ///
    /// Those of [`DirEntry::metadata`], if the directory does not say.
    pub fn file_type(&self) -> Result<FileType> {
        self.file_type
    }

    /// The file's number on its device.
    pub fn ino(&self) -> u64 {
        self.ino
    }

    /// What is known of the file, which is in the directory `dir`; of itself, if it is a
    /// symbolic link. `dir` is the [`ReadDir`] that the entry is from, or another
    /// descriptor of the same directory.
    ///
    /// ```ignore
    /// let mut dir = fs::read_dir(".")?;
    /// while let Some(entry) = dir.next() {
    ///     println!("{}", entry?.metadata(&dir)?.len());
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `ENOENT` if it is not there any more, `EACCES`, …
    pub fn metadata(&self, dir: impl AsFd) -> Result<Metadata> {
        symlink_metadata_at(dir.as_fd(), lend_name(&self.name))
    }
}

fn symlink_metadata_at(dir: BorrowedFd<'_>, name: &CStr) -> Result<Metadata> {
    Metadata::of_path(At::Dir(dir), name, AtFlags::SYMLINK_NOFOLLOW)
}

impl fmt::Debug for DirEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DirEntry")
            .field(&PathSlice::new(self.file_name()))
            .finish()
    }
}
