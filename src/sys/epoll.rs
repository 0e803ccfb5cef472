//! Waiting for some of very many descriptors: epoll(7).

use core::fmt;

use linux_raw_sys::general;

use super::kinds::{flags, named};
use super::{BorrowedFd, Errno, OwnedFd, Result, SigSet, Timespec};
use crate::syscalls;

flags! {
    /// How [`epoll_create1`] makes an epoll: epoll_create1(2).
    EpollCreateFlags: u32 {
        /// The descriptor does not survive execve.
        CLOEXEC = general::EPOLL_CLOEXEC;
    }
    /// What may happen to a descriptor, and how it is told: epoll_ctl(2).
    EpollFlags: u32 {
        /// There is something to read.
        IN = general::EPOLLIN;
        /// There is something urgent to read.
        PRI = general::EPOLLPRI;
        /// There is room to write.
        OUT = general::EPOLLOUT;
        /// An error came; a pipe has no readers. Told unasked.
        ERR = general::EPOLLERR;
        /// The other side has hung up. Told unasked.
        HUP = general::EPOLLHUP;
        /// The same as `IN`.
        RDNORM = general::EPOLLRDNORM;
        /// There is something with priority to read.
        RDBAND = general::EPOLLRDBAND;
        /// The same as `OUT`.
        WRNORM = general::EPOLLWRNORM;
        /// There is room to write something with priority.
        WRBAND = general::EPOLLWRBAND;
        /// The other side of a stream socket writes no more.
        RDHUP = general::EPOLLRDHUP;
        /// Of several epolls that wait for the same, not all are woken.
        EXCLUSIVE = general::EPOLLEXCLUSIVE;
        /// The system does not fall asleep over the event.
        WAKEUP = general::EPOLLWAKEUP;
        /// After one event the descriptor is silent until `MOD`.
        ONESHOT = general::EPOLLONESHOT;
        /// Told when it changes, not for as long as it lasts: edge-triggered.
        ET = general::EPOLLET;
    }
}

named! {
    /// What [`epoll_ctl`] does: epoll_ctl(2).
    EpollOp: u32 {
        /// Adds the descriptor.
        ADD = general::EPOLL_CTL_ADD;
        /// Changes what it is watched for.
        MOD = general::EPOLL_CTL_MOD;
        /// Takes it away.
        DEL = general::EPOLL_CTL_DEL;
    }
}

/// What has happened, or is to be watched for, and a number of the program's own that
/// comes with it: epoll_event(3type).
///
/// The kernel leaves no gap between the two on x86_64, so they have no address.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct EpollEvent(general::epoll_event);

impl EpollEvent {
    /// These events, with this number.
    pub const fn new(events: EpollFlags, data: u64) -> EpollEvent {
        EpollEvent(general::epoll_event {
            events: events.bits(),
            data,
        })
    }

    /// The events.
    pub const fn events(self) -> EpollFlags {
        EpollFlags::from_bits_retain(self.0.events)
    }

    /// The number that the program gave.
    pub const fn data(self) -> u64 {
        self.0.data
    }
}

/// No event: room for the kernel to write one.
impl Default for EpollEvent {
    fn default() -> EpollEvent {
        EpollEvent::new(EpollFlags::empty(), 0)
    }
}

impl PartialEq for EpollEvent {
    fn eq(&self, other: &EpollEvent) -> bool {
        (self.events(), self.data()) == (other.events(), other.data())
    }
}

impl Eq for EpollEvent {}

impl fmt::Debug for EpollEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpollEvent")
            .field("events", &self.events())
            .field("data", &self.data())
            .finish()
    }
}

syscalls! {
    /// Makes an epoll, which watches nothing yet: epoll_create1(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that there are not, `EMFILE`, `ENFILE`, `ENOMEM`.
    sys epoll_create1(flags: EpollCreateFlags) -> Result<OwnedFd>;

    /// Makes an epoll for about `size` descriptors, which the kernel does not mind any
    /// more: epoll_create(2), by [`epoll_create1`].
    ///
    /// # Errors
    ///
    /// `EINVAL` if `size` is not positive, and as for [`epoll_create1`].
    wrap epoll_create(size: i32) -> Result<OwnedFd> {
        if size <= 0 {
            return Err(Errno::EINVAL);
        }
        epoll_create1(EpollCreateFlags::empty())
    }

    /// Has `epoll` watch `fd` for `event` (`ADD`), or for another (`MOD`), or no more
    /// (`DEL`, for which there need not be an `event`): epoll_ctl(2). A file that is
    /// closed, by all descriptors that it has, is watched no more.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the descriptor is there already, `ENOENT` if it is not, `EPERM` if
    /// nothing can happen to such a file, `EINVAL` for an `epoll` that is none or is
    /// `fd`, `ELOOP` for epolls that watch one another, `ENOSPC` if the user has no
    /// more watches, `EBADF`, `EFAULT` without an `event`, `ENOMEM`.
    sys epoll_ctl(
        epoll: BorrowedFd<'_>,
        op: EpollOp,
        fd: BorrowedFd<'_>,
        event: Option<&EpollEvent>
    ) -> Result<()>;

    /// Waits until something happens that `epoll` watches for, or `timeout`
    /// milliseconds are over, or a signal is handled that `mask` does not hold back;
    /// for ever if `timeout` is negative: epoll_pwait(2). Writes to the beginning of
    /// `events` and returns how many; 0 when the time is over.
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EINVAL` for an `epoll` that is none or if `events` has no room, `EINTR` if a
    /// signal came first, `EBADF`.
    sys epoll_pwait(
        epoll: BorrowedFd<'_>,
        events: &mut [EpollEvent],
        timeout: i32,
        mask: Option<&SigSet>,
        size: usize = SigSet::SIZE
    ) -> Result<usize>;

    /// Waits until something happens that `epoll` watches for: epoll_wait(2), by
    /// [`epoll_pwait`].
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`epoll_pwait`].
    wrap epoll_wait(
        epoll: BorrowedFd<'_>,
        events: &mut [EpollEvent],
        timeout: i32,
    ) -> Result<usize> {
        epoll_pwait(epoll, events, timeout, None)
    }

    /// As [`epoll_pwait`], with a timeout in nanoseconds, or none: epoll_pwait2(2).
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `ENOSYS` before Linux 5.11, and as for [`epoll_pwait`].
    sys epoll_pwait2(
        epoll: BorrowedFd<'_>,
        events: &mut [EpollEvent],
        timeout: Option<&Timespec>,
        mask: Option<&SigSet>,
        size: usize = SigSet::SIZE
    ) -> Result<usize>;
}
