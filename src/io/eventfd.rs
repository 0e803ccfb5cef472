//! A counter behind a descriptor: eventfd(2).

use super::descriptor::{self, owner, read_u64};
use crate::sys::{self, AsFd, EventFdFlags, OwnedFd, Result};

/// A counter that one thread or process adds to and another waits for: eventfd(2). In
/// [`sys::poll`] and the like it can be read when it is not 0.
///
/// ```ignore
/// let finished = EventFd::new(0, EventFdFlags::empty())?;
/// finished.write(1)?;
/// assert_eq!(finished.read()?, 1);
/// ```
#[derive(Debug)]
pub struct EventFd(OwnedFd);

impl EventFd {
    /// The largest number that the counter holds.
    pub const MAX: u64 = u64::MAX - 1;

    /// A counter that begins at `initial`. With [`SEMAPHORE`](EventFdFlags::SEMAPHORE) a
    /// read takes 1 from it, not all; with [`NONBLOCK`](EventFdFlags::NONBLOCK) nothing
    /// waits. It does not survive execve, whatever `flags` says.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENODEV`, `ENOMEM`; `EINVAL` for flags that there are not.
    pub fn new(initial: u32, flags: EventFdFlags) -> Result<EventFd> {
        sys::eventfd2(initial, flags | EventFdFlags::CLOEXEC).map(EventFd)
    }

    /// Waits until the counter is not 0, puts it back to 0, and returns what it was. A
    /// semaphore goes down by 1, and 1 is what is returned.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if it is 0 and nothing waits (`NONBLOCK`), `EINTR` if a signal came first.
    #[track_caller]
    pub fn read(&self) -> Result<u64> {
        read_u64(self.as_fd())
    }

    /// Adds `count` to the counter, and waits for that if it would pass [`EventFd::MAX`].
    ///
    /// # Errors
    ///
    /// `EAGAIN` if it would and nothing waits (`NONBLOCK`), `EINVAL` for a `count` above
    /// `MAX`, `EINTR` if a signal came first.
    #[track_caller]
    pub fn write(&self, count: u64) -> Result<()> {
        // The counter takes all 8 bytes or none.
        descriptor::write(self.as_fd(), &count.to_ne_bytes()).map(drop)
    }
}

owner!(EventFd);
