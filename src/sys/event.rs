//! Counters that wake who waits for them: eventfd(2).

use linux_raw_sys::general;

use super::kinds::flags;
use super::{OwnedFd, Result};
use crate::syscalls;

flags! {
    /// How [`eventfd2`] makes a counter: eventfd(2).
    EventFdFlags: u32 {
        /// The descriptor does not survive execve.
        CLOEXEC = general::EFD_CLOEXEC;
        /// No read or write waits.
        NONBLOCK = general::EFD_NONBLOCK;
        /// A read takes 1 from the counter, not all of it.
        SEMAPHORE = general::EFD_SEMAPHORE;
    }
}

syscalls! {
    /// Makes a counter that begins at `initial`: eventfd(2), the system call eventfd2.
    /// A write of 8 bytes adds the number in them, a read of 8 bytes waits until it is
    /// not 0, fetches it and puts it back to 0.
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that there are not, `EMFILE`, `ENFILE`, `ENODEV`, `ENOMEM`.
    sys eventfd2(initial: u32, flags: EventFdFlags) -> Result<OwnedFd>;

    /// Makes a counter that begins at `initial`: eventfd(2), the system call that has
    /// no flags, by [`eventfd2`].
    ///
    /// # Errors
    ///
    /// As for [`eventfd2`].
    wrap eventfd(initial: u32) -> Result<OwnedFd> {
        eventfd2(initial, EventFdFlags::empty())
    }
}
