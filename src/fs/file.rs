//! An open file.

use embedded_io::{ErrorType, ReadExactError, Seek, SeekFrom};

use super::{Metadata, OpenOptions, Permissions};
use crate::io::{BESIDE_STANDARD, reader, retry, writer};
use crate::sys::{
    self, AsFd, BorrowedFd, Errno, FlockFlags, OwnedFd, Path, Result, Timespec, UTIME_OMIT, Whence,
};

/// An open file, which is closed when it is dropped.
///
/// It is read and written by embedded-io's traits, also through a `&File`; neither goes
/// through a buffer.
#[derive(Debug)]
pub struct File {
    fd: OwnedFd,
}

impl File {
    /// Opens the file for reading.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub fn open(path: impl Path) -> Result<File> {
        OpenOptions::new().read(true).open(path)
    }

    /// Opens the file for writing, empty: made if it is not there, cut if it is.
    ///
    /// # Errors
    ///
    /// Those of [`OpenOptions::open`].
    pub fn create(path: impl Path) -> Result<File> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
    }

    /// Makes the file, which must not be there, and opens it for reading and writing.
    ///
    /// # Errors
    ///
    /// `EEXIST` if it is there, and those of [`OpenOptions::open`].
    pub fn create_new(path: impl Path) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
    }

    /// To say how a file is to be opened: [`OpenOptions::new`].
    pub const fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Returns when what was written is on the device, and what is known of the file:
    /// fsync(2).
    ///
    /// # Errors
    ///
    /// `EIO`, `ENOSPC` or `EDQUOT` if something that was written did not get there;
    /// `EINVAL` for what is on no device.
    pub fn sync_all(&self) -> Result<()> {
        retry(|| sys::fsync(self.as_fd()))
    }

    /// Returns when what was written is on the device, and as much as is needed to find
    /// it: fdatasync(2).
    ///
    /// # Errors
    ///
    /// As for [`sync_all`](File::sync_all).
    pub fn sync_data(&self) -> Result<()> {
        retry(|| sys::fdatasync(self.as_fd()))
    }

    /// Makes the file `size` bytes long: what is beyond is gone, what is new reads as
    /// zeros. The position stays where it is. ftruncate(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not open for writing, or is no file, `EFBIG`, `EPERM`, `EIO`.
    pub fn set_len(&self, size: u64) -> Result<()> {
        retry(|| sys::ftruncate(self.as_fd(), size))
    }

    /// What is known of the file.
    ///
    /// # Errors
    ///
    /// `EIO`, …
    pub fn metadata(&self) -> Result<Metadata> {
        Metadata::of_fd(self.as_fd())
    }

    /// Sets who may do what with the file: fchmod(2).
    ///
    /// # Errors
    ///
    /// `EPERM` if it is another's, `EROFS`, `EIO`.
    pub fn set_permissions(&self, permissions: Permissions) -> Result<()> {
        retry(|| sys::fchmod(self.as_fd(), permissions.into()))
    }

    /// Sets the file's times, as far as `times` has them: futimens(3).
    ///
    /// # Errors
    ///
    /// `EPERM` or `EACCES` if it is another's, `EINVAL` for nanoseconds that make a
    /// second, `EROFS`.
    pub fn set_times(&self, times: FileTimes) -> Result<()> {
        let times = [times.accessed, times.modified].map(|time| time.unwrap_or(UTIME_OMIT));
        sys::futimens(self.as_fd(), Some(&times))
    }

    /// Sets when the file was modified: see [`set_times`](File::set_times).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_modified(&self, time: Timespec) -> Result<()> {
        self.set_times(FileTimes::new().set_modified(time))
    }

    /// Another descriptor of the same open file, with the same position:
    /// `F_DUPFD_CLOEXEC` of fcntl(2).
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn try_clone(&self) -> Result<File> {
        sys::fcntl_dupfd_cloexec(self.as_fd(), BESIDE_STANDARD).map(File::from)
    }

    /// Waits until nobody else has the file locked, and locks it: flock(2). It stays so
    /// until [`unlock`](File::unlock), or until this and all its clones are closed.
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `ENOLCK`.
    pub fn lock(&self) -> Result<()> {
        sys::flock(self.as_fd(), FlockFlags::EX)
    }

    /// As [`lock`](File::lock), but shared with others that share it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn lock_shared(&self) -> Result<()> {
        sys::flock(self.as_fd(), FlockFlags::SH)
    }

    /// As [`lock`](File::lock), but does not wait.
    ///
    /// # Errors
    ///
    /// `EWOULDBLOCK` if somebody else has it locked, `ENOLCK`.
    pub fn try_lock(&self) -> Result<()> {
        sys::flock(self.as_fd(), FlockFlags::EX | FlockFlags::NB)
    }

    /// As [`lock_shared`](File::lock_shared), but does not wait.
    ///
    /// # Errors
    ///
    /// `EWOULDBLOCK` if somebody else has it locked and does not share, `ENOLCK`.
    pub fn try_lock_shared(&self) -> Result<()> {
        sys::flock(self.as_fd(), FlockFlags::SH | FlockFlags::NB)
    }

    /// Gives the lock back.
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn unlock(&self) -> Result<()> {
        sys::flock(self.as_fd(), FlockFlags::UN)
    }

    /// Reads what is at `offset`, at most `buf.len()` bytes, and leaves the position as
    /// it is: pread(2).
    ///
    /// # Errors
    ///
    /// Those of a read, `EINTR` too; `ESPIPE` for what has no positions.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        sys::pread64(self.as_fd(), buf, offset)
    }

    /// Fills `buf` with what is at `offset`, and leaves the position as it is.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the file ends before; those of [`read_at`](File::read_at) but
    /// `EINTR`.
    pub fn read_exact_at(
        &self,
        mut buf: &mut [u8],
        mut offset: u64,
    ) -> core::result::Result<(), ReadExactError<Errno>> {
        while !buf.is_empty() {
            match retry(|| self.read_at(buf, offset))? {
                0 => return Err(ReadExactError::UnexpectedEof),
                read => {
                    // The kernel reads no more than it was asked for.
                    buf = buf.get_mut(read..).unwrap_or_default();
                    offset += read as u64;
                }
            }
        }
        Ok(())
    }

    /// Writes some of `buf` at `offset`, and leaves the position as it is: pwrite(2). A
    /// file that is open for appending takes it at its end all the same.
    ///
    /// # Errors
    ///
    /// Those of a write, `EINTR` too; `ESPIPE` for what has no positions.
    pub fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize> {
        match sys::pwrite64(self.as_fd(), buf, offset) {
            Ok(0) if !buf.is_empty() => Err(Errno::EIO),
            result => result,
        }
    }

    /// Writes all of `buf` at `offset`, and leaves the position as it is.
    ///
    /// # Errors
    ///
    /// Those of [`write_at`](File::write_at) but `EINTR`. How much was written before is
    /// not told.
    pub fn write_all_at(&self, mut buf: &[u8], mut offset: u64) -> Result<()> {
        while !buf.is_empty() {
            let written = retry(|| self.write_at(buf, offset))?;
            // The kernel writes no more than it was given.
            buf = buf.get(written..).unwrap_or_default();
            offset += written as u64;
        }
        Ok(())
    }

    /// Closes the file and says what close(2) said: see [`OwnedFd::close`]. It is closed
    /// either way.
    ///
    /// # Errors
    ///
    /// `EIO`, `ENOSPC` or `EDQUOT`: an earlier write, which the file system had put off,
    /// failed. `EINTR`, which says nothing of that.
    pub fn close(self) -> Result<()> {
        self.fd.close()
    }

    /// As [`close`](File::close), for whoever does not want to know of signals.
    pub(super) fn finish(self) -> Result<()> {
        match self.close() {
            Err(Errno::EINTR) => Ok(()),
            result => result,
        }
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<OwnedFd> for File {
    fn from(fd: OwnedFd) -> File {
        File { fd }
    }
}

impl From<File> for OwnedFd {
    fn from(file: File) -> OwnedFd {
        file.fd
    }
}

impl ErrorType for File {
    type Error = Errno;
}

reader!([] File);
writer!([] File);

impl ErrorType for &File {
    type Error = Errno;
}

reader!(['file] &'file File);
writer!(['file] &'file File);

/// A file as what has positions.
macro_rules! seek {
    ($([$($generics:tt)*] $file:ty;)*) => {$(
        impl<$($generics)*> Seek for $file {
            /// Goes to another position and returns it: lseek(2). It may lie beyond the
            /// end: what is written there leaves a hole before it, which reads as zeros.
            ///
            /// # Errors
            ///
            /// `ESPIPE` for a pipe, a socket or a terminal, `EINVAL` for a position
            /// before the beginning or beyond what a file can have.
            fn seek(&mut self, position: SeekFrom) -> Result<u64> {
                let (offset, whence) = match position {
                    // What is too large is negative then, and that is EINVAL.
                    SeekFrom::Start(offset) => (offset.cast_signed(), Whence::SET),
                    SeekFrom::Current(offset) => (offset, Whence::CUR),
                    SeekFrom::End(offset) => (offset, Whence::END),
                };
                sys::lseek(self.as_fd(), offset, whence)
            }
        }
    )*};
}

seek! {
    [] File;
    ['file] &'file File;
}

/// Which of a file's times are to be set to what: [`File::set_times`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileTimes {
    accessed: Option<Timespec>,
    modified: Option<Timespec>,
}

impl FileTimes {
    /// None.
    pub const fn new() -> FileTimes {
        FileTimes {
            accessed: None,
            modified: None,
        }
    }

    /// When it was read last.
    pub const fn set_accessed(mut self, time: Timespec) -> FileTimes {
        self.accessed = Some(time);
        self
    }

    /// When it was written last.
    pub const fn set_modified(mut self, time: Timespec) -> FileTimes {
        self.modified = Some(time);
        self
    }
}
