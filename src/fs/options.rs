//! How a file is opened.

use core::ffi::CStr;

use super::{File, with_c_str};
use crate::io::retry;
use crate::sys::{self, At, Errno, Mode, OFlags, Path, Result};

/// How a file is opened, as std has it.
///
/// ```ignore
/// let log = OpenOptions::new().append(true).create(true).open("log")?;
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    read: bool,
    write: bool,
    append: bool,
    truncate: bool,
    create: bool,
    create_new: bool,
    mode: Mode,
    custom: OFlags,
}

impl OpenOptions {
    /// None of them: what is opened must be said.
    pub const fn new() -> OpenOptions {
        OpenOptions {
            read: false,
            write: false,
            append: false,
            truncate: false,
            create: false,
            create_new: false,
            mode: Mode::new(0o666),
            custom: OFlags::empty(),
        }
    }

    /// For reading.
    pub const fn read(&mut self, read: bool) -> &mut Self {
        self.read = read;
        self
    }

    /// For writing.
    pub const fn write(&mut self, write: bool) -> &mut Self {
        self.write = write;
        self
    }

    /// For writing, each time at what is then the end (`O_APPEND`).
    pub const fn append(&mut self, append: bool) -> &mut Self {
        self.append = append;
        self
    }

    /// Drops what is in the file (`O_TRUNC`).
    pub const fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.truncate = truncate;
        self
    }

    /// Makes the file if it is not there (`O_CREAT`).
    pub const fn create(&mut self, create: bool) -> &mut Self {
        self.create = create;
        self
    }

    /// Makes the file, which must not be there, not even as a symbolic link (`O_EXCL`):
    /// of several that try at once, one succeeds. `create` and `truncate` do not matter
    /// then.
    pub const fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.create_new = create_new;
        self
    }

    /// The mode that a file which is made has, less the umask: `0o666`, unless this says
    /// otherwise.
    pub const fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = Mode::new(mode);
        self
    }

    /// Flags beside those that the other options make: `O_DIRECTORY`, `O_NOFOLLOW`,
    /// `O_NONBLOCK`, `O_TMPFILE`, …. Whether the file is for reading or writing, they do
    /// not say.
    pub const fn custom_flags(&mut self, flags: OFlags) -> &mut Self {
        self.custom = flags;
        self
    }

    /// Opens the file that `path` names.
    ///
    /// # Errors
    ///
    /// `EINVAL` for options that do not go together: neither `read` nor `write` nor
    /// `append`; making or truncating a file that is not to be written; truncating one
    /// that is only to be appended to. Else those of [`sys::openat`] but `EINTR`:
    /// `ENOENT`, `EEXIST`, `EACCES`, `EISDIR`, `ELOOP`, `EMFILE`, `ENOSPC`, ….
    pub fn open(&self, path: impl Path) -> Result<File> {
        self.open_at(At::Cwd, path)
    }

    /// Opens the file that `path` names, from `dir` on if it is relative.
    ///
    /// # Errors
    ///
    /// As for [`open`](OpenOptions::open).
    pub fn open_at(&self, dir: At<'_>, path: impl Path) -> Result<File> {
        let flags = self.flags()?;
        with_c_str(path, |path| {
            open(dir, path, flags, self.mode).map(File::from)
        })
    }

    /// The options as the kernel takes them.
    fn flags(&self) -> Result<OFlags> {
        let access = match (self.read, self.write || self.append) {
            (true, false) => OFlags::RDONLY,
            (false, true) => OFlags::WRONLY,
            (true, true) => OFlags::RDWR,
            (false, false) => return Err(Errno::EINVAL),
        };
        let is_valid = match (self.write, self.append) {
            (true, false) => true,
            (false, false) => !(self.truncate || self.create || self.create_new),
            (_, true) => !self.truncate || self.create_new,
        };
        if !is_valid {
            return Err(Errno::EINVAL);
        }
        let only_if = |option, flag| match option {
            true => flag,
            false => OFlags::empty(),
        };
        Ok(access
            | only_if(self.append, OFlags::APPEND)
            | only_if(self.create || self.create_new, OFlags::CREAT)
            | only_if(self.create_new, OFlags::EXCL)
            | only_if(self.truncate && !self.create_new, OFlags::TRUNC)
            | self.custom.difference(OFlags::ACCMODE))
    }
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}

/// Opens a file, whatever signal comes: with `O_CLOEXEC`.
pub(super) fn open(dir: At<'_>, path: &CStr, flags: OFlags, mode: Mode) -> Result<sys::OwnedFd> {
    retry(|| sys::openat(dir, path, flags | OFlags::CLOEXEC, mode))
}

#[cfg(test)]
mod tests {
    use std::{fs, io};

    use super::*;

    /// Options that std refuses are refused, and no others: of all there are, tried on a
    /// path that cannot be opened, so that it is the options that fail first.
    #[test]
    fn options_go_together_as_std_s() {
        for bits in 0..1 << 6_u32 {
            let [read, write, append, truncate, create, create_new] =
                [0, 1, 2, 3, 4, 5].map(|bit| bits >> bit & 1 == 1);
            let flags = OpenOptions::new()
                .read(read)
                .write(write)
                .append(append)
                .truncate(truncate)
                .create(create)
                .create_new(create_new)
                .flags();
            let std = fs::OpenOptions::new()
                .read(read)
                .write(write)
                .append(append)
                .truncate(truncate)
                .create(create)
                .create_new(create_new)
                .open("/dev/null/no/directory");
            let error = std.expect_err("/dev/null is no directory").kind();
            let is_refused = error == io::ErrorKind::InvalidInput;
            assert_eq!(flags.is_err(), is_refused, "{bits:06b}: {flags:?}, {error}");
        }
    }

    #[test]
    fn custom_flags_do_not_say_what_for() {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .custom_flags(OFlags::RDWR | OFlags::NOFOLLOW);
        assert_eq!(options.flags(), Ok(OFlags::RDONLY | OFlags::NOFOLLOW));
        options.write(true);
        assert_eq!(options.flags(), Ok(OFlags::RDWR | OFlags::NOFOLLOW));
    }
}
