//! Making directories, and removing them with all that is in them.

use core::ffi::CStr;

use heapless::Deque;

use super::dir::{Entries, Name, lend_name, open_dir, own_name};
use super::{metadata, symlink_metadata, with_c_str};
use crate::path::Path as PathSlice;
use crate::sys::{
    self, At, BorrowedFd, Errno, FileType, Mode, OFlags, OwnedFd, Path, Result, UnlinkFlags, Whence,
};

/// Makes a directory: mkdir(2).
///
/// # Errors
///
/// `EEXIST`, `ENOENT` if what it would be in is not there, `ENOTDIR`, `EACCES`, `ENOSPC`,
/// …
pub fn create_dir(path: impl Path) -> Result<()> {
    DirBuilder::new().create(path)
}

/// Makes a directory and those that it is in, as far as they are not there. Others may be
/// doing the same.
///
/// # Errors
///
/// `EEXIST` if one of them is there and no directory, and those of [`create_dir`].
pub fn create_dir_all(path: impl Path) -> Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

/// How a directory is made.
#[derive(Clone, Debug)]
pub struct DirBuilder {
    recursive: bool,
    mode: Mode,
}

impl DirBuilder {
    /// It alone, for everybody.
    pub const fn new() -> DirBuilder {
        DirBuilder {
            recursive: false,
            mode: Mode::new(0o777),
        }
    }

    /// With those that it is in; then it may be there already.
    pub const fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// The mode that what is made has, less the umask: `0o777`, unless this says
    /// otherwise.
    pub const fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = Mode::new(mode);
        self
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// Those of [`create_dir`], or of [`create_dir_all`].
    pub fn create(&self, path: impl Path) -> Result<()> {
        with_c_str(path, |path| match self.recursive {
            true => self.create_all(PathSlice::new(path)),
            false => sys::mkdir(path, self.mode),
        })
    }

    fn create_all(&self, path: &PathSlice) -> Result<()> {
        // What has no parent is the root, or where one is.
        let ancestors = || path.ancestors().take_while(|path| path.parent().is_some());
        // Up to the first that is there now, and down again.
        let mut missing = 0;
        for ancestor in ancestors() {
            match self.create_or_find(ancestor) {
                Ok(()) => break,
                Err(Errno::ENOENT) => missing += 1,
                Err(errno) => return Err(errno),
            }
        }
        for index in (0..missing).rev() {
            if let Some(ancestor) = ancestors().nth(index) {
                self.create_or_find(ancestor)?;
            }
        }
        Ok(())
    }

    /// Makes the directory, unless it is there.
    fn create_or_find(&self, path: &PathSlice) -> Result<()> {
        match sys::mkdir(path, self.mode) {
            Err(Errno::EEXIST) if metadata(path).is_ok_and(|metadata| metadata.is_dir()) => Ok(()),
            result => result,
        }
    }
}

impl Default for DirBuilder {
    fn default() -> DirBuilder {
        DirBuilder::new()
    }
}

/// Removes a directory with all that is in it. A symbolic link goes, and what it points
/// at stays, also if somebody puts one there meanwhile. However deep the tree is, this
/// takes the same stack, and some 20 descriptors at most.
///
/// # Errors
///
/// `ENOTDIR` if it is no directory, `ENOTEMPTY` if somebody puts something there
/// meanwhile, `ENOENT`, `EACCES`, `EPERM`, `EBUSY`, …. What was removed before is gone.
pub fn remove_dir_all(path: impl Path) -> Result<()> {
    with_c_str(path, |path| {
        let root = match open_child(At::Cwd, path) {
            Err(Errno::ENOTDIR | Errno::ELOOP) if symlink_metadata(path)?.is_symlink() => {
                return sys::unlink(path);
            }
            root => root?,
        };
        empty(root)?;
        unless_gone(sys::rmdir(path))
    })
}

/// A directory that is in another.
struct Level {
    fd: OwnedFd,
    name: Name,
}

/// How many directories are open at a time, beside the first: more would take more stack
/// and descriptors, less more time for deep trees.
const LEVELS: usize = 16;

/// Removes all that is in the directory `root`.
///
/// It goes down to whatever directory it finds first, and comes back to go on when that
/// is empty. At most [`LEVELS`] are open, the lowest; the names of those above are not
/// known any more. Above the highest of these it goes on from the root: it finds its way
/// down again, as all of it is to go.
fn empty(root: OwnedFd) -> Result<()> {
    let mut levels = Deque::<Level, LEVELS>::new();
    let mut entries = Entries::new();
    // Whether there are directories between the root and the first level.
    let mut has_gap = false;
    loop {
        let dir = levels.back().map_or(root.as_fd(), |level| level.fd.as_fd());
        match empty_of_files(dir, &mut entries) {
            Ok(Some(child)) => {
                if levels.is_full() {
                    levels.pop_front();
                    has_gap = true;
                }
                // There is room now.
                let _ = levels.push_back(child);
            }
            Ok(None) => {
                let Some(emptied) = levels.pop_back() else {
                    return Ok(());
                };
                let parent = match levels.back() {
                    Some(level) => level.fd.as_fd(),
                    None if has_gap => {
                        has_gap = false;
                        continue;
                    }
                    None => root.as_fd(),
                };
                remove(parent, lend_name(&emptied.name), UnlinkFlags::REMOVEDIR)?;
            }
            // The process may open no more: less has to do.
            Err(Errno::EMFILE) if levels.len() > 1 => {
                levels.pop_front();
                has_gap = true;
            }
            Err(errno) => return Err(errno),
        }
    }
}

/// Removes what is in the directory `dir` down to the first directory in it, which this
/// returns; `None` if nothing is left.
fn empty_of_files(dir: BorrowedFd<'_>, entries: &mut Entries) -> Result<Option<Level>> {
    sys::lseek(dir, 0, Whence::SET)?;
    entries.clear();
    while let Some(entry) = entries.next(dir)? {
        if matches!(entry.d_type, FileType::DIR | FileType::UNKNOWN) {
            match open_child(At::Dir(dir), entry.d_name) {
                Ok(fd) => {
                    let name = own_name(entry.d_name)?;
                    return Ok(Some(Level { fd, name }));
                }
                Err(Errno::ENOENT) => continue,
                // A symbolic link is ELOOP to old kernels.
                Err(Errno::ENOTDIR | Errno::ELOOP) => {}
                Err(errno) => return Err(errno),
            }
        }
        remove(dir, entry.d_name, UnlinkFlags::empty())?;
    }
    Ok(None)
}

/// Opens a directory, but not by way of a symbolic link.
fn open_child(dir: At<'_>, name: &CStr) -> Result<OwnedFd> {
    open_dir(dir, name, OFlags::NOFOLLOW)
}

/// Removes what `name` names in the directory `dir`.
fn remove(dir: BorrowedFd<'_>, name: &CStr, flags: UnlinkFlags) -> Result<()> {
    unless_gone(sys::unlinkat(At::Dir(dir), name, flags))
}

/// It is all the same who removed it.
fn unless_gone(result: Result<()>) -> Result<()> {
    match result {
        Err(Errno::ENOENT) => Ok(()),
        result => result,
    }
}
