//! Files and directories, with std's names, shapes and meaning.
//!
//! What differs from std, because nothing here allocates:
//!
//! * An error is an [`Errno`](sys::Errno). Where std has an error of its own, it is the
//!   one that the kernel has for the like: `EINVAL` for options that do not go together,
//!   `EILSEQ` for text that is not UTF-8, `ENOMEM` for memory that there is not.
//! * A path is whatever a system call takes as one ([`sys::Path`]):
//!   `&str`, `&[u8]`, `&CStr`, [`&Path`](crate::path::Path); what is returned is a
//!   [`PathBuf`](crate::path::PathBuf), which has a fixed size, and what is a name is bytes.
//! * A [`DirEntry`] does not share its directory's descriptor, so that
//!   [`DirEntry::metadata`] wants to be told the directory.
//! * A time is a [`Timespec`](crate::sys::Timespec).
//!
//! Only [`read`] and [`read_to_string`] allocate: they need the feature `alloc`. All others
//! are async-signal-safe ([`signal`](crate::signal)).
//!
//! Every descriptor is closed when the process executes another program (`O_CLOEXEC`).
//! `EINTR` leads to the call being made again where std does so: when a file is opened,
//! synchronized, cut or given permissions, and in whatever reads or writes all of
//! something. [`File`]'s own `read` and `write` return it.

mod copy;
mod dir;
mod file;
mod inotify;
mod link;
mod memfd;
mod metadata;
mod options;
mod tree;

use core::ffi::CStr;

pub use copy::{copy, write};
#[cfg(feature = "alloc")]
pub use copy::{read, read_to_string};
pub use dir::{DirEntry, ReadDir, read_dir};
pub use file::{File, FileTimes};
pub use inotify::Inotify;
pub use link::{canonicalize, hard_link, read_link, symlink};
pub use memfd::{Memfd, SealedMap};
pub use metadata::{
    FileType, Metadata, Permissions, exists, metadata, set_permissions, symlink_metadata,
};
pub use options::OpenOptions;
pub use tree::{DirBuilder, create_dir, create_dir_all, remove_dir_all};

use crate::sys::{self, Path, Result};

/// Removes the file's name, and the file if that was its last and nothing has it open:
/// [`sys::unlink`]. A symbolic link is the file itself.
///
/// # Errors
///
/// `EISDIR` for a directory, `ENOENT`, `EACCES`, `EPERM`, …
pub fn remove_file(path: impl Path) -> Result<()> {
    sys::unlink(path)
}

/// Removes the directory, which must be empty: [`sys::rmdir`].
///
/// # Errors
///
/// `ENOTEMPTY`, `ENOTDIR`, `ENOENT`, `EACCES`, `EBUSY`, …
pub fn remove_dir(path: impl Path) -> Result<()> {
    sys::rmdir(path)
}

/// Gives what `from` names the name `to`, in place of what had it: [`sys::rename`]. At
/// every moment `to` names one or the other.
///
/// # Errors
///
/// `EXDEV` if they are on different file systems, `ENOTEMPTY`, `EISDIR` or `ENOTDIR` if
/// it cannot take the other's place, `ENOENT`, `EACCES`, `EINVAL` if a directory would
/// come to lie in itself, …
pub fn rename(from: impl Path, to: impl Path) -> Result<()> {
    sys::rename(from, to)
}

/// What `f` makes of the path as the kernel takes it: for several calls with the same
/// one, or to look at its bytes.
fn with_c_str<T>(path: impl Path, f: impl FnOnce(&CStr) -> Result<T>) -> Result<T> {
    let mut buffer = path.buffer();
    f(path.c_str(&mut buffer)?)
}
