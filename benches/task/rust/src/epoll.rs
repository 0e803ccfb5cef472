//! epoll(7), as far as an echo needs it.

use std::{
    io::{Error, ErrorKind, Result},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};

use libc::{
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLIN, epoll_create1, epoll_ctl, epoll_event, epoll_wait,
};

pub struct Epoll(OwnedFd);

impl Epoll {
    pub fn new() -> Result<Epoll> {
        // SAFETY: it has no pointers.
        let fd = checked(unsafe { epoll_create1(EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is new, and nobody else's.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Tells of `fd` whenever there is something to be read. Closing it removes it.
    pub fn add(&self, fd: RawFd) -> Result<()> {
        let mut event = epoll_event {
            events: EPOLLIN as u32,
            u64: fd as u64,
        };
        // SAFETY: the kernel reads the event during the call.
        checked(unsafe { epoll_ctl(self.0.as_raw_fd(), EPOLL_CTL_ADD, fd, &mut event) })?;
        Ok(())
    }

    /// Waits for some that can be read, and returns which.
    pub fn wait(&self) -> Result<impl Iterator<Item = RawFd> + use<>> {
        let mut events = [epoll_event { events: 0, u64: 0 }; 64];
        let capacity = events.len() as i32;
        let happened = loop {
            // SAFETY: the kernel writes at most as many events as there is room for.
            let waited =
                unsafe { epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), capacity, -1) };
            match checked(waited) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                waited => break waited?,
            }
        };
        let happened = events.into_iter().take(happened as usize);
        Ok(happened.map(|event| event.u64 as RawFd))
    }
}

fn checked(returned: i32) -> Result<i32> {
    if returned < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(returned)
    }
}
