//! Files as a whole.

#[cfg(feature = "alloc")]
use alloc::{string::String, vec::Vec};

use embedded_io::Write as _;

use super::{File, OpenOptions};
use crate::io;
use crate::sys::{AsFd, Errno, Path, Result};

/// Copies the contents of the file `from` to the file `to`, and who may do what with it;
/// returns how many bytes they were. What `to` had is gone; if it is the same file, so is
/// everything.
///
/// # Errors
///
/// `EINVAL` if `from` is no regular file, and those of opening, reading, writing and
/// closing but `EINTR`; what was copied before stays.
pub fn copy(from: impl Path, to: impl Path) -> Result<u64> {
    let reader = File::open(from)?;
    let metadata = reader.metadata()?;
    if !metadata.is_file() {
        return Err(Errno::EINVAL);
    }
    let writer = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        // From the beginning: nobody is to read meanwhile what he must not.
        .mode(metadata.mode())
        .open(to)?;
    // A device or a pipe that was there keeps its own.
    if writer.metadata()?.is_file() {
        writer.set_permissions(metadata.permissions())?;
    }
    let copied = io::copy_descriptor(reader.as_fd(), writer.as_fd())?;
    writer.finish()?;
    Ok(copied)
}

/// Writes `contents` to the file, which is made if it is not there; what it had is gone.
///
/// # Errors
///
/// Those of opening, writing and closing but `EINTR`; the file may have a part of it.
pub fn write(path: impl Path, contents: impl AsRef<[u8]>) -> Result<()> {
    let mut file = File::create(path)?;
    file.write_all(contents.as_ref())?;
    file.finish()
}

/// What is in the file.
///
/// # Errors
///
/// `ENOMEM` if there is no memory for it, and those of opening and reading but `EINTR`.
#[cfg(feature = "alloc")]
pub fn read(path: impl Path) -> Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut contents = Vec::new();
    // A hint: the file may grow meanwhile, and some say they are empty and are not.
    if let Ok(metadata) = file.metadata() {
        let size = usize::try_from(metadata.len()).map_err(|_| Errno::ENOMEM)?;
        contents
            .try_reserve_exact(size)
            .map_err(|_| Errno::ENOMEM)?;
    }
    io::ReadExt::read_to_end(&mut file, &mut contents)?;
    Ok(contents)
}

/// What is in the file, which is text.
///
/// # Errors
///
/// `EILSEQ` if it is not UTF-8, and those of [`read`].
#[cfg(feature = "alloc")]
pub fn read_to_string(path: impl Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Errno::EILSEQ)
}
