//! Waiting for several descriptors at once: poll(2), epoll(7).

use core::time::Duration;

use crate::sys::{
    self, AsFd, BorrowedFd, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp, Errno, OwnedFd,
    PollFd, Result, Timespec,
};

/// Waits until something happens at one of `fds`, or `timeout` is over; for ever without
/// one. Returns at how many something has happened ([`PollFd::revents`]): 0 when the time
/// is over. It is ppoll(2), once.
///
/// A descriptor that is not open is no error, but an event (`NVAL`).
///
/// # Errors
///
/// `EINTR` if a signal was handled first, whatever its handler's `SA_RESTART`: whoever
/// wants to go on knows for how long. `EINVAL` for more `fds` than the process may have
/// open, `ENOMEM`; `EOVERFLOW` for more than 68 years on i386 before Linux 5.1.
pub fn poll(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> Result<usize> {
    // The kernel writes there what is left.
    let mut timeout = timeout.map(Timespec::from);
    sys::ppoll(fds, timeout.as_mut(), None)
}

/// What waits for very many descriptors at once, and remembers them in between: epoll(7).
///
/// Each is added with the events to watch for and a number of the program's own, the
/// token, by which [`wait`](Epoll::wait) names it. An event is told for as long as it lasts,
/// or with `ET` once, when it begins.
///
/// A descriptor is forgotten when it is closed, and with it all that share its open file:
/// its clones, in other processes too. Until they are, its events are told with the token,
/// and nobody can [`delete`](Epoll::delete) what has no number any more: delete before
/// closing what has clones.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Epoll {
    /// One that watches nothing yet. It does not survive execve.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors, `ENOMEM`.
    pub fn new() -> Result<Epoll> {
        sys::epoll_create1(EpollCreateFlags::CLOEXEC).map(Epoll)
    }

    /// Watches `fd` for `events`, and for errors and hang-ups in any case.
    ///
    /// # Errors
    ///
    /// `EEXIST` if it is watched already, `EPERM` if nothing can happen to it, as to a
    /// file, `ELOOP` or `EINVAL` for epolls that watch one another, `ENOSPC` if the user
    /// has no more watches (`/proc/sys/fs/epoll/max_user_watches`), `EBADF`, `ENOMEM`.
    pub fn add(&self, fd: impl AsFd, events: EpollFlags, token: u64) -> Result<()> {
        self.control(EpollOp::ADD, fd.as_fd(), &EpollEvent::new(events, token))
    }

    /// Watches `fd`, which it watches already, for these events and with this token
    /// instead.
    ///
    /// # Errors
    ///
    /// `ENOENT` if it is not watched, `EBADF`, `ENOMEM`.
    pub fn modify(&self, fd: impl AsFd, events: EpollFlags, token: u64) -> Result<()> {
        self.control(EpollOp::MOD, fd.as_fd(), &EpollEvent::new(events, token))
    }

    /// Watches `fd` no more.
    ///
    /// # Errors
    ///
    /// `ENOENT` if it is not watched, `EBADF`.
    pub fn delete(&self, fd: impl AsFd) -> Result<()> {
        // Linux before 2.6.9 wanted an event, which it did not look at.
        self.control(EpollOp::DEL, fd.as_fd(), &EpollEvent::default())
    }

    fn control(&self, op: EpollOp, fd: BorrowedFd<'_>, event: &EpollEvent) -> Result<()> {
        sys::epoll_ctl(self.as_fd(), op, fd, Some(event))
    }

    /// Waits until something happens that is watched for, or `timeout` is over; for ever
    /// without one. Writes what has happened to the beginning of `events`, and returns how
    /// much that is: 0 when the time is over. What finds no room there comes with the next
    /// call.
    ///
    /// It is epoll_pwait2(2), once. Where the kernel does not have that, before Linux
    /// 5.11, it is epoll_pwait(2): then the timeout is in milliseconds, a part of one
    /// counts as one, and after 24 days it is over.
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal was handled first, whatever its handler's `SA_RESTART`.
    /// `EINVAL` if `events` has no room.
    pub fn wait(&self, events: &mut [EpollEvent], timeout: Option<Duration>) -> Result<usize> {
        let exact = timeout.map(Timespec::from);
        match sys::epoll_pwait2(self.as_fd(), events, exact.as_ref(), None) {
            Err(Errno::ENOSYS) => sys::epoll_wait(self.as_fd(), events, milliseconds(timeout)),
            result => result,
        }
    }
}

/// The timeout as epoll_wait(2) takes it, no shorter if it can be told.
fn milliseconds(timeout: Option<Duration>) -> i32 {
    match timeout {
        None => -1,
        Some(timeout) => {
            let part = timeout.subsec_nanos().div_ceil(1_000_000);
            let milliseconds = timeout.as_secs().saturating_mul(1000);
            i32::try_from(milliseconds.saturating_add(part.into())).unwrap_or(i32::MAX)
        }
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What the descriptor is, nobody checks.
impl From<OwnedFd> for Epoll {
    fn from(fd: OwnedFd) -> Epoll {
        Epoll(fd)
    }
}

impl From<Epoll> for OwnedFd {
    fn from(epoll: Epoll) -> OwnedFd {
        epoll.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_millisecond_is_one() {
        for (nanos, expected) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2)] {
            assert_eq!(milliseconds(Some(Duration::from_nanos(nanos))), expected);
        }
        assert_eq!(milliseconds(None), -1);
        assert_eq!(milliseconds(Some(Duration::MAX)), i32::MAX);
    }
}
