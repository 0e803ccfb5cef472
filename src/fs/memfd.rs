//! Files in memory that can be sealed: memfd_create(2).

use core::ops::Deref;
use core::slice;

use super::File;
use crate::mapping::Mapping;
use crate::sys::{
    self, AsFd, BorrowedFd, Errno, MapFlags, MemfdFlags, OwnedFd, Path, Prot, Result, Seals,
};

/// A file that is only in memory and is gone with its last descriptor: memfd_create(2).
///
/// [`file`](Memfd::file) is what it is read and written by. It can be *sealed*: from then
/// on nobody can write it, say, whoever has a descriptor, until it is gone (fcntl(2), "File
/// Sealing").
///
/// ```ignore
/// let memfd = Memfd::create("text", 0, MemfdFlags::empty())?;
/// memfd.file().write_all(b"text")?;
/// memfd.add_seals(Memfd::CONSTANT)?;
/// assert_eq!(*memfd.map()?, *b"text");
/// ```
#[derive(Debug)]
pub struct Memfd {
    file: File,
}

impl Memfd {
    /// The seals of a file that stays as it is for good, these seals among it.
    pub const CONSTANT: Seals = Seals::WRITE
        .union(Seals::SHRINK)
        .union(Seals::GROW)
        .union(Seals::SEAL);

    /// Makes a file of `length` bytes, all of them zeros: as long as that it can be mapped
    /// at once. `name` is for those who look into `/proc`. It can be sealed and does not
    /// survive execve, whatever `flags` says.
    ///
    /// Since Linux 6.3 a program says whether it can be executed:
    /// [`NOEXEC_SEAL`](MemfdFlags::NOEXEC_SEAL) or [`EXEC`](MemfdFlags::EXEC). Before, the
    /// kernel does not know these flags (`EINVAL`).
    ///
    /// # Errors
    ///
    /// `EINVAL` for a name of more than 249 bytes, flags that there are not or do not go
    /// together, or a length that is none or no multiple of huge pages (`HUGETLB`);
    /// `EFBIG`, `EMFILE`, `ENFILE`, `ENOMEM`; `EACCES` if the system does not want it `EXEC`.
    pub fn create(name: impl Path, length: u64, flags: MemfdFlags) -> Result<Memfd> {
        let flags = flags | MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = File::from(sys::memfd_create(name, flags)?);
        if length > 0 {
            file.set_len(length)?;
        }
        Ok(Memfd { file })
    }

    /// The file, to be read, written and made longer or shorter.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Seals the file.
    ///
    /// # Errors
    ///
    /// `EBUSY` for `WRITE` if somebody has it mapped to be written, `EPERM` if it is sealed
    /// against that (`SEAL`) or is not open for writing, `EINVAL` for seals that there are
    /// not, or if it was made of a descriptor that is nothing to seal.
    pub fn add_seals(&self, seals: Seals) -> Result<()> {
        sys::fcntl_add_seals(self.as_fd(), seals)
    }

    /// What cannot be done with it any more.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it was made of a descriptor that is nothing to seal.
    pub fn seals(&self) -> Result<Seals> {
        sys::fcntl_get_seals(self.as_fd())
    }

    /// What is in the file, mapped. It must be sealed so that it stays as it is, against
    /// `WRITE` and `SHRINK`: a file that changes, or goes, is nothing to refer to.
    ///
    /// # Errors
    ///
    /// `EPERM` if it is not sealed; `ENOMEM` for want of room, also of addresses, `EINVAL`
    /// if there is nothing in it.
    pub fn map(&self) -> Result<SealedMap> {
        if !self.seals()?.contains(Seals::WRITE | Seals::SHRINK) {
            return Err(Errno::EPERM);
        }
        let length = self.file.metadata()?.len();
        let length = usize::try_from(length).map_err(|_| Errno::ENOMEM)?;
        // `SHARED` is refused before Linux 6.7, since such a mapping could become writable.
        let flags = MapFlags::PRIVATE;
        Mapping::of_file(self.as_fd(), length, Prot::READ, flags, 0).map(SealedMap)
    }
}

impl AsFd for Memfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A descriptor that another process has sent, say.
impl From<OwnedFd> for Memfd {
    fn from(fd: OwnedFd) -> Memfd {
        Memfd { file: fd.into() }
    }
}

impl From<Memfd> for File {
    fn from(memfd: Memfd) -> File {
        memfd.file
    }
}

/// What is in a sealed file: [`Memfd::map`]. It stays when the file is closed.
#[derive(Debug)]
pub struct SealedMap(Mapping);

impl Deref for SealedMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let Self(mapping) = self;
        // SAFETY: that much is mapped for reading as long as `self` lives. Behind it is a
        // file that has so many bytes, as it cannot shrink, and that nobody can write: the
        // kernel gives the seal only while nobody has it mapped for writing, no seal is
        // ever taken away, and no file that is not a memfd has any.
        unsafe { slice::from_raw_parts(mapping.start(), mapping.len()) }
    }
}
