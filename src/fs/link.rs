//! Other names for files, and where they lead.

use core::ffi::CStr;
use core::mem;

use heapless::Vec;

use super::{symlink_metadata, with_c_str};
use crate::path::{Path as PathSlice, PathBuf};
use crate::sys::{self, Errno, PATH_MAX, Path, Result};

/// How many symbolic links the kernel follows on the way along one path:
/// path_resolution(7).
const LINKS_MAX: usize = 40;

/// Gives the file that `original` names another name, `link`: [`sys::link`]. A symbolic
/// link is the file itself.
///
/// # Errors
///
/// `EEXIST`, `EXDEV` if the name is on another file system, `EPERM` for a directory,
/// `ENOENT`, `EACCES`, …
pub fn hard_link(original: impl Path, link: impl Path) -> Result<()> {
    sys::link(original, link)
}

/// Makes `link` a symbolic link to `original`, which need not be there:
/// [`sys::symlink`].
///
/// # Errors
///
/// `EEXIST`, `ENOENT` if `original` is empty, `EACCES`, …
pub fn symlink(original: impl Path, link: impl Path) -> Result<()> {
    sys::symlink(original, link)
}

/// Where the symbolic link points: [`sys::readlink`].
///
/// # Errors
///
/// `EINVAL` if it is not a symbolic link, `ENOENT`, `EACCES`, …
pub fn read_link(path: impl Path) -> Result<PathBuf> {
    let mut target = [0; PATH_MAX];
    let len = sys::readlink(path, &mut target)?;
    // One that fills the buffer may be longer, and leaves no room for a NUL either way.
    PathSlice::new(&target[..len]).to_path_buf()
}

/// The one absolute path of the file that `path` names: without `.`, `..` and symbolic
/// links, as realpath(3) finds it.
///
/// # Errors
///
/// `ENOENT` if it is not there, also for an empty path, `ENOTDIR`, `EACCES`, `ELOOP` for
/// more than 40 symbolic links, `ENAMETOOLONG` if a path on the way or the result is
/// longer than [`PATH_MAX`].
pub fn canonicalize(path: impl Path) -> Result<PathBuf> {
    with_c_str(path, real_path)
}

fn real_path(path: &CStr) -> Result<PathBuf> {
    let path = PathSlice::new(path);
    let mut found = match path.as_bytes() {
        [] => return Err(Errno::ENOENT),
        [b'/', ..] => PathSlice::new("/").to_path_buf()?,
        _ => current_dir()?,
    };
    // What is to be gone yet, from `at` on: of the path, and of symbolic links on the way.
    let mut left = Vec::<u8, PATH_MAX>::new();
    extend(&mut left, path.as_bytes())?;
    let (mut at, mut links) = (0, 0);
    while at < left.len() {
        let name = &left[at..];
        let len = name.iter().position(|&byte| byte == b'/');
        let name = &name[..len.unwrap_or(name.len())];
        at += name.len();
        match name {
            // One slash, of which there may be several.
            b"" => at += 1,
            b"." => {}
            b".." => drop(found.pop()),
            name => {
                found.push(name)?;
                let metadata = symlink_metadata(&found)?;
                if metadata.is_symlink() {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(Errno::ELOOP);
                    }
                    let target = read_link(&found)?;
                    if target.is_absolute() {
                        found.push("/")?;
                    } else {
                        found.pop();
                    }
                    let behind = mem::take(&mut left);
                    extend(&mut left, target.as_bytes())?;
                    extend(&mut left, &behind[at..])?;
                    at = 0;
                } else if !metadata.is_dir() && at < left.len() {
                    return Err(Errno::ENOTDIR);
                }
            }
        }
    }
    Ok(found)
}

fn extend(path: &mut Vec<u8, PATH_MAX>, piece: &[u8]) -> Result<()> {
    path.extend_from_slice(piece)
        .map_err(|_| Errno::ENAMETOOLONG)
}

/// The process's current directory: getcwd(3).
fn current_dir() -> Result<PathBuf> {
    let mut path = [0; PATH_MAX];
    let len = sys::getcwd(&mut path)?;
    let path = CStr::from_bytes_until_nul(&path[..len]).map_err(|_| Errno::ENAMETOOLONG)?;
    let path = PathSlice::new(path).to_path_buf()?;
    // Of a directory that is not below the root, the kernel says so in words.
    match path.is_absolute() {
        true => Ok(path),
        false => Err(Errno::ENOENT),
    }
}
