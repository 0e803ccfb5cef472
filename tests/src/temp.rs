//! Folders and files that go away by themselves.

use std::ffi::{CString, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A new folder under the system's folder for such, removed with what is in it
/// when this is dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes the folder.
    ///
    /// # Errors
    ///
    /// Those of mkdtemp(3).
    pub fn new() -> io::Result<TempDir> {
        let template = std::env::temp_dir().join("freestand-XXXXXX");
        let mut template = CString::new(template.as_os_str().as_bytes())?.into_bytes_with_nul();
        // SAFETY: mkdtemp writes over the six X of a string that ends in NUL.
        if unsafe { libc::mkdtemp(template.as_mut_ptr().cast()) }.is_null() {
            return Err(io::Error::last_os_error());
        }
        template.pop();
        Ok(TempDir(OsString::from_vec(template).into()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What cannot be removed stays where the system removes such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A new file without a name, to be read and written.
///
/// # Errors
///
/// Those of open(2) with `O_TMPFILE`.
pub fn file() -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_TMPFILE)
        .open(std::env::temp_dir())
}
