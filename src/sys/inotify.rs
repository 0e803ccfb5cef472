//! Hearing of what happens to files: inotify(7).

use core::ffi::CStr;

use linux_raw_sys::general;

use super::kinds::{flags, named};
use super::{BorrowedFd, OwnedFd, Path, Result};
use crate::syscalls;

flags! {
    /// What [`inotify_init1`] makes.
    InotifyFlags: u32 {
        /// The descriptor does not survive execve.
        CLOEXEC = general::IN_CLOEXEC;
        /// No read waits.
        NONBLOCK = general::IN_NONBLOCK;
    }

    /// What a watch is for, and what an event says: inotify(7).
    InotifyMask: u32 {
        /// The file was read.
        ACCESS = general::IN_ACCESS;
        /// It was written.
        MODIFY = general::IN_MODIFY;
        /// What stat tells of it changed.
        ATTRIB = general::IN_ATTRIB;
        /// It was closed, having been open for writing.
        CLOSE_WRITE = general::IN_CLOSE_WRITE;
        /// It was closed, having been open for reading only.
        CLOSE_NOWRITE = general::IN_CLOSE_NOWRITE;
        /// It was opened.
        OPEN = general::IN_OPEN;
        /// A name went out of the directory, to another one or in it.
        MOVED_FROM = general::IN_MOVED_FROM;
        /// A name came into the directory, from another one or in it.
        MOVED_TO = general::IN_MOVED_TO;
        /// A name was made in the directory.
        CREATE = general::IN_CREATE;
        /// A name was removed from the directory.
        DELETE = general::IN_DELETE;
        /// The file itself was removed.
        DELETE_SELF = general::IN_DELETE_SELF;
        /// The file itself was renamed.
        MOVE_SELF = general::IN_MOVE_SELF;
        /// Both ways of being closed.
        CLOSE = general::IN_CLOSE;
        /// Both ways of a name's going.
        MOVE = general::IN_MOVE;
        /// All of the above.
        ALL_EVENTS = general::IN_ALL_EVENTS;

        /// For a watch: the path must name a directory.
        ONLYDIR = general::IN_ONLYDIR;
        /// For a watch: a symbolic link that the path ends in is the file itself.
        DONT_FOLLOW = general::IN_DONT_FOLLOW;
        /// For a watch: not for files in the directory that have no name any more.
        EXCL_UNLINK = general::IN_EXCL_UNLINK;
        /// For a watch: it fails if there is one already.
        MASK_CREATE = general::IN_MASK_CREATE;
        /// For a watch: what there is already stays.
        MASK_ADD = general::IN_MASK_ADD;
        /// For a watch: it ends with its first event.
        ONESHOT = general::IN_ONESHOT;

        /// In an event: the file system was unmounted.
        UNMOUNT = general::IN_UNMOUNT;
        /// In an event: events were lost, because nobody read.
        Q_OVERFLOW = general::IN_Q_OVERFLOW;
        /// In an event: the watch has ended.
        IGNORED = general::IN_IGNORED;
        /// In an event: it is about a directory.
        ISDIR = general::IN_ISDIR;
    }
}

named! {
    /// A watch of an inotify descriptor.
    Watch: i32 {
        /// In an event: none, as events of all were lost.
        NONE = -1;
    }
}

/// The events that a read of an inotify descriptor has put in a buffer.
///
/// They end at what is not a whole event, whatever the buffer holds.
#[derive(Clone, Debug)]
pub struct InotifyEvents<'buf> {
    left: &'buf [u8],
}

/// Something that happened: the kernel's `inotify_event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InotifyEvent<'buf> {
    /// Which watch saw it.
    pub wd: Watch,
    /// What it was.
    pub mask: InotifyMask,
    /// Not 0 if it is one half of a renaming: the other half has the same.
    pub cookie: u32,
    /// Which name in the directory; `None` if it is about the watched file itself.
    pub name: Option<&'buf CStr>,
}

impl<'buf> InotifyEvents<'buf> {
    /// The events in `filled`, which are as many bytes of the buffer as the kernel has
    /// said.
    pub const fn new(filled: &'buf [u8]) -> InotifyEvents<'buf> {
        InotifyEvents { left: filled }
    }

    /// The first event, and what comes behind it.
    fn split(events: &'buf [u8]) -> Option<(InotifyEvent<'buf>, &'buf [u8])> {
        // Nothing is aligned but what the kernel wrote into an aligned buffer.
        let (wd, rest) = events.split_first_chunk()?;
        let (mask, rest) = rest.split_first_chunk()?;
        let (cookie, rest) = rest.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (name, behind) = rest.split_at_checked(u32::from_ne_bytes(*len) as usize)?;
        let event = InotifyEvent {
            wd: Watch(i32::from_ne_bytes(*wd)),
            mask: InotifyMask::from_bits_retain(u32::from_ne_bytes(*mask)),
            cookie: u32::from_ne_bytes(*cookie),
            name: match name {
                [] => None,
                name => Some(CStr::from_bytes_until_nul(name).ok()?),
            },
        };
        Some((event, behind))
    }
}

impl<'buf> Iterator for InotifyEvents<'buf> {
    type Item = InotifyEvent<'buf>;

    fn next(&mut self) -> Option<InotifyEvent<'buf>> {
        let (event, left) = InotifyEvents::split(self.left).unzip();
        self.left = left.unwrap_or_default();
        event
    }
}

syscalls! {
    /// Makes a descriptor that files can be watched with: inotify_init1(2). Reading it
    /// waits for events, which [`InotifyEvents`] takes apart.
    ///
    /// # Errors
    ///
    /// `EMFILE` if there are too many, also of this kind for this user, `EINVAL` for flags
    /// that are none, `ENFILE`, `ENOMEM`.
    sys inotify_init1(flags: InotifyFlags) -> Result<OwnedFd>;

    /// As [`inotify_init1`] without flags: inotify_init(2).
    ///
    /// # Errors
    ///
    /// As for [`inotify_init1`].
    wrap inotify_init() -> Result<OwnedFd> {
        inotify_init1(InotifyFlags::empty())
    }

    /// Watches the file that `path` names for what `mask` says, or changes what the watch
    /// that it has already is for, and returns that: inotify_add_watch(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for no events or if `fd` is no such descriptor, `EEXIST` with
    /// `MASK_CREATE`, `ENOTDIR` with `ONLYDIR`, `ENOSPC` if this user has too many
    /// watches, `EACCES`, `ENOENT`, `EBADF`, …
    sys inotify_add_watch(fd: BorrowedFd<'_>, path: impl Path, mask: InotifyMask) -> Result<Watch>;

    /// Ends a watch, which one more event says: inotify_rm_watch(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such watch or `fd` is no such descriptor, `EBADF`.
    sys inotify_rm_watch(fd: BorrowedFd<'_>, watch: Watch) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// An event as the kernel writes it.
    fn event(wd: i32, cookie: u32, name: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(wd.to_ne_bytes());
        bytes.extend(InotifyMask::CREATE.bits().to_ne_bytes());
        bytes.extend(cookie.to_ne_bytes());
        bytes.extend((name.len() as u32).to_ne_bytes());
        bytes.extend(name);
        bytes
    }

    #[test]
    fn events_are_read_wherever_they_begin() {
        let mut bytes = event(-1, 0, b"");
        bytes.extend(event(2, 3, b"a name\0\0\0\0"));
        for offset in 0..4 {
            let mut buffer = std::vec![0; offset];
            buffer.extend(&bytes);
            let events: Vec<_> = InotifyEvents::new(&buffer[offset..]).collect();
            let expected =
                [(-1, 0, None), (2, 3, Some(c"a name"))].map(|(wd, cookie, name)| InotifyEvent {
                    wd: Watch(wd),
                    mask: InotifyMask::CREATE,
                    cookie,
                    name,
                });
            assert_eq!(events, expected);
        }
    }

    #[test]
    fn events_end_where_they_are_cut_off() {
        let mut bytes = event(1, 0, b"");
        let first = bytes.len();
        bytes.extend(event(2, 0, b"name\0\0\0\0"));
        for end in 0..=bytes.len() {
            let expected = usize::from(end >= first) + usize::from(end == bytes.len());
            assert_eq!(InotifyEvents::new(&bytes[..end]).count(), expected, "{end}");
        }
    }

    #[test]
    fn a_name_without_end_or_a_length_that_is_none_ends_them() {
        assert_eq!(InotifyEvents::new(&event(1, 0, b"endless")).count(), 0);
        for len in [9, u32::MAX] {
            let mut bytes = event(1, 0, b"name\0\0\0\0");
            bytes[12..16].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(InotifyEvents::new(&bytes).count(), 0);
        }
    }
}
