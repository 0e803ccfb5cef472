//! Hearing of what happens to files: inotify(7).

use crate::io::{self, owner};
use crate::path;
use crate::sys::{
    self, AsFd, InotifyEvent, InotifyEvents, InotifyFlags, InotifyMask, OwnedFd, Path, Result,
    Watch,
};

/// Watches files and tells what happens to them: inotify(7). In [`sys::poll`] and the like
/// it can be read when something has.
///
/// ```ignore
/// let inotify = Inotify::new(InotifyFlags::empty())?;
/// inotify.watch(".", InotifyMask::CREATE | InotifyMask::DELETE)?;
/// let mut buffer = [0; 16 * Inotify::LONGEST_EVENT];
/// for event in inotify.read(&mut buffer)? {
///     println!("{event:?}");
/// }
/// ```
///
/// Who does not read in time loses events, and is told so by one whose mask has
/// [`Q_OVERFLOW`](InotifyMask::Q_OVERFLOW) and whose watch is [`Watch::NONE`]: what there is
/// to know of the files is to be looked at anew then.
#[derive(Debug)]
pub struct Inotify(OwnedFd);

impl Inotify {
    /// How many bytes the longest event has, whose name has 255: with less than that a
    /// read may fail (`EINVAL`).
    pub const LONGEST_EVENT: usize = 16 + 256;

    /// Nothing is watched yet. With [`NONBLOCK`](InotifyFlags::NONBLOCK) no read waits. It
    /// does not survive execve, whatever `flags` says.
    ///
    /// # Errors
    ///
    /// `EMFILE` if there are too many, also of this kind for this user, `EINVAL` for flags
    /// that are none, `ENFILE`, `ENOMEM`.
    pub fn new(flags: InotifyFlags) -> Result<Inotify> {
        sys::inotify_init1(flags | InotifyFlags::CLOEXEC).map(Inotify)
    }

    /// Watches the file that `path` names for what `mask` says; a directory is watched
    /// with the names in it, and not what is below those. If the file is watched already,
    /// that watch is now for this, and is what is returned.
    ///
    /// # Errors
    ///
    /// `EINVAL` for no events, `EEXIST` with `MASK_CREATE` if it is watched already,
    /// `ENOTDIR` with `ONLYDIR`, `ENOSPC` if this user has too many watches, `EACCES` if it
    /// cannot be read, `ENOENT`, …
    pub fn watch(&self, path: impl Path, mask: InotifyMask) -> Result<Watch> {
        sys::inotify_add_watch(self.as_fd(), path, mask)
    }

    /// Ends a watch. The last event of it, [`IGNORED`](InotifyMask::IGNORED), says so.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is none, as when its file was removed.
    pub fn unwatch(&self, watch: Watch) -> Result<()> {
        sys::inotify_rm_watch(self.as_fd(), watch)
    }

    /// Waits until something has happened, and returns the events, oldest first, as many
    /// as the buffer holds; the others are there for the next read.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the buffer does not hold the first ([`Inotify::LONGEST_EVENT`]), `EAGAIN`
    /// if there is none and nothing waits (`NONBLOCK`), `EINTR` if a signal came first.
    #[track_caller]
    pub fn read<'buf>(&self, buffer: &'buf mut [u8]) -> Result<InotifyEvents<'buf>> {
        let read = io::read(self.as_fd(), buffer)?;
        // The kernel writes no more than there is room for.
        Ok(InotifyEvents::new(buffer.get(..read).unwrap_or_default()))
    }
}

owner!(Inotify);

impl<'buf> InotifyEvent<'buf> {
    /// The name in the directory as a path; `None` if the event is about the watched file
    /// itself.
    pub fn path(&self) -> Option<&'buf path::Path> {
        self.name.map(|name| path::Path::new(name.to_bytes()))
    }
}
