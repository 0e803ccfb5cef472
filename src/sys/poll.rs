//! Waiting for one of many descriptors: poll(2), select(2).

use core::fmt;
use core::marker::PhantomData;
use core::ptr;

use linux_raw_sys::general;

use super::kinds::flags;
use super::time::{OldTimespec, or_old, with_old};
use super::{BorrowedFd, Errno, Result, SigSet, Timespec, Timeval};
use crate::arch::{nr, widest};
use crate::syscalls;

flags! {
    /// What may happen to a descriptor: poll(2).
    PollFlags: u16 {
        /// There is something to read.
        IN = general::POLLIN;
        /// There is something urgent to read.
        PRI = general::POLLPRI;
        /// There is room to write.
        OUT = general::POLLOUT;
        /// An error came; a pipe has no readers. Told unasked.
        ERR = general::POLLERR;
        /// The other side has hung up. Told unasked.
        HUP = general::POLLHUP;
        /// The descriptor is not open. Told unasked.
        NVAL = general::POLLNVAL;
        /// The same as `IN`.
        RDNORM = general::POLLRDNORM;
        /// There is something with priority to read.
        RDBAND = general::POLLRDBAND;
        /// The same as `OUT`.
        WRNORM = general::POLLWRNORM;
        /// There is room to write something with priority.
        WRBAND = general::POLLWRBAND;
        /// The other side of a stream socket writes no more.
        RDHUP = general::POLLRDHUP;
    }
}

/// A descriptor that [`poll`] looks at: the kernel's `pollfd`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PollFd<'fd> {
    /// The descriptor.
    pub fd: BorrowedFd<'fd>,
    /// What to look for.
    pub events: PollFlags,
    /// What has been seen: the kernel writes it.
    pub revents: PollFlags,
}

impl<'fd> PollFd<'fd> {
    /// Looks for `events` at `fd`; nothing has been seen yet.
    pub const fn new(fd: BorrowedFd<'fd>, events: PollFlags) -> PollFd<'fd> {
        PollFd {
            fd,
            events,
            revents: PollFlags::empty(),
        }
    }
}

/// A set of descriptors below [`FdSet::CAPACITY`]: the kernel's `fd_set`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FdSet<'fd> {
    bits: [usize; FdSet::CAPACITY / usize::BITS as usize],
    descriptors: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd> FdSet<'fd> {
    /// How many descriptors fit: `FD_SETSIZE`, select(2).
    pub const CAPACITY: usize = general::__FD_SETSIZE as usize;

    /// An empty set.
    pub const fn new() -> FdSet<'fd> {
        FdSet {
            bits: [0; FdSet::CAPACITY / usize::BITS as usize],
            descriptors: PhantomData,
        }
    }

    /// Adds `fd`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the descriptor's number is [`FdSet::CAPACITY`] or more, which no
    /// set can hold.
    pub fn insert(&mut self, fd: BorrowedFd<'fd>) -> Result<()> {
        let (index, bit) = place(fd).ok_or(Errno::EINVAL)?;
        self.bits[index] |= bit;
        Ok(())
    }

    /// Takes `fd` away, if it is there.
    pub fn remove(&mut self, fd: BorrowedFd<'_>) {
        if let Some((index, bit)) = place(fd) {
            self.bits[index] &= !bit;
        }
    }

    /// Whether `fd` is there.
    pub fn contains(&self, fd: BorrowedFd<'_>) -> bool {
        place(fd).is_some_and(|(index, bit)| self.bits[index] & bit != 0)
    }

    /// The descriptors, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = BorrowedFd<'fd>> {
        (0..FdSet::CAPACITY as i32)
            // SAFETY: those that are in the set have been lent for as long: `insert`
            // puts them there, and a call only takes some away.
            .map(|fd| unsafe { BorrowedFd::borrow_raw(fd) })
            .filter(|&fd| self.contains(fd))
    }

    /// One more than the highest descriptor, 0 if there is none: what [`select`] wants
    /// to be told of the largest set.
    pub fn nfds(&self) -> usize {
        self.iter()
            .last()
            .map_or(0, |fd| fd.as_raw_fd() as usize + 1)
    }
}

impl fmt::Debug for FdSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The word of a set in which `fd` stands, and its bit there; `None` if it stands in
/// no set.
fn place(fd: BorrowedFd<'_>) -> Option<(usize, usize)> {
    let fd = usize::try_from(fd.as_raw_fd()).ok()?;
    let bits = usize::BITS as usize;
    (fd < FdSet::CAPACITY).then(|| (fd / bits, 1 << (fd % bits)))
}

/// What pselect6 takes in place of a signal mask, which would be its seventh word.
#[repr(C)]
struct Mask {
    set: *const SigSet,
    size: usize,
}

syscalls! {
    part sys ppoll_new(
        fds: &mut [PollFd<'_>],
        timeout: Option<&mut Timespec>,
        mask: Option<&SigSet>,
        size: usize = SigSet::SIZE
    ) -> Result<usize> = widest::ppoll;

    part sys ppoll_old(
        fds: &mut [PollFd<'_>],
        timeout: Option<&mut OldTimespec>,
        mask: Option<&SigSet>,
        size: usize = SigSet::SIZE
    ) -> Result<usize> = nr::ppoll;

    /// Waits until something happens at one of `fds`, or `timeout` is over, or a
    /// signal is handled that `mask` does not hold back; for ever without a
    /// `timeout`: ppoll(2). Returns at how many of them something has happened
    /// ([`PollFd::revents`]), 0 when the time is over.
    ///
    /// The kernel writes what is left of the time to `timeout`.
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `EINVAL` for a `timeout` that is none or more
    /// `fds` than the process may have open, `ENOMEM`. A descriptor that is not open
    /// is no error, but an event (`NVAL`). `EOVERFLOW` for a timeout of more than 68
    /// years on i386 before Linux 5.1.
    wrap ppoll(
        fds: &mut [PollFd<'_>],
        timeout: Option<&mut Timespec>,
        mask: Option<&SigSet>,
    ) -> Result<usize> {
        let mut timeout = timeout;
        let result = ppoll_new(fds, timeout.as_deref_mut(), mask);
        or_old(result, || {
            with_old(timeout, |timeout| ppoll_old(fds, timeout, mask))
        })
    }

    /// Waits until something happens at one of `fds`, or `timeout` milliseconds are
    /// over; for ever if they are negative: poll(2), by [`ppoll`]. Returns at how
    /// many something has happened, 0 when the time is over.
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`ppoll`].
    wrap poll(fds: &mut [PollFd<'_>], timeout: i32) -> Result<usize> {
        let mut timeout = u32::try_from(timeout).ok().map(|milliseconds| Timespec {
            tv_sec: i64::from(milliseconds / 1000),
            tv_nsec: i64::from(milliseconds % 1000) * 1_000_000,
        });
        ppoll(fds, timeout.as_mut(), None)
    }

    part sys pselect6_new(
        nfds: usize,
        readable: Option<&mut FdSet<'_>>,
        writable: Option<&mut FdSet<'_>>,
        urgent: Option<&mut FdSet<'_>>,
        timeout: Option<&mut Timespec>,
        mask: &Mask
    ) -> Result<usize> = widest::pselect6;

    part sys pselect6_old(
        nfds: usize,
        readable: Option<&mut FdSet<'_>>,
        writable: Option<&mut FdSet<'_>>,
        urgent: Option<&mut FdSet<'_>>,
        timeout: Option<&mut OldTimespec>,
        mask: &Mask
    ) -> Result<usize> = nr::pselect6;

    /// Waits until a descriptor of `readable` can be read, one of `writable`
    /// written, one of `urgent` has something urgent, or `timeout` is over, or a
    /// signal is handled that `mask` does not hold back; for ever without a
    /// `timeout`: pselect(2). Looks at the descriptors below `nfds` only
    /// ([`FdSet::nfds`]). Leaves in the sets those of which it is true, and returns
    /// how many there are in all; 0 when the time is over.
    ///
    /// The kernel writes what is left of the time to `timeout`.
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EBADF` if a descriptor is not open, `EINTR` if a signal came first, `EINVAL`
    /// if `nfds` is more than [`FdSet::CAPACITY`] or for a `timeout` that is none,
    /// `ENOMEM`. `EOVERFLOW` for a timeout of more than 68 years on i386 before Linux
    /// 5.1. After an error the sets are as they were.
    wrap pselect6(
        nfds: usize,
        readable: Option<&mut FdSet<'_>>,
        writable: Option<&mut FdSet<'_>>,
        urgent: Option<&mut FdSet<'_>>,
        timeout: Option<&mut Timespec>,
        mask: Option<&SigSet>,
    ) -> Result<usize> {
        // The kernel would look beyond the sets' ends.
        if nfds > FdSet::CAPACITY {
            return Err(Errno::EINVAL);
        }
        let (mut readable, mut writable, mut urgent) = (readable, writable, urgent);
        let mut timeout = timeout;
        let mask = Mask {
            set: mask.map_or(ptr::null(), ptr::from_ref),
            size: SigSet::SIZE,
        };
        let result = pselect6_new(
            nfds,
            readable.as_deref_mut(),
            writable.as_deref_mut(),
            urgent.as_deref_mut(),
            timeout.as_deref_mut(),
            &mask,
        );
        or_old(result, || {
            with_old(timeout, |timeout| {
                pselect6_old(nfds, readable, writable, urgent, timeout, &mask)
            })
        })
    }

    /// Waits until a descriptor of one of the sets is ready: select(2), by
    /// [`pselect6`].
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`pselect6`].
    wrap select(
        nfds: usize,
        readable: Option<&mut FdSet<'_>>,
        writable: Option<&mut FdSet<'_>>,
        urgent: Option<&mut FdSet<'_>>,
        timeout: Option<&mut Timeval>,
    ) -> Result<usize> {
        let mut time = timeout.as_deref().copied().map(Timespec::from);
        let result = pselect6(nfds, readable, writable, urgent, time.as_mut(), None);
        if let (Some(timeout), Some(time)) = (timeout, time) {
            *timeout = time.into();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lends a descriptor that nothing is done with.
    fn number(fd: i32) -> BorrowedFd<'static> {
        // SAFETY: no call is made with it.
        unsafe { BorrowedFd::borrow_raw(fd) }
    }

    #[test]
    fn a_set_holds_what_is_put_there() {
        let mut set = FdSet::new();
        assert_eq!(set.nfds(), 0);
        for fd in [3, 0, 63, 64, 1023] {
            set.insert(number(fd)).unwrap();
        }
        set.remove(number(0));
        let numbers: std::vec::Vec<_> = set.iter().map(BorrowedFd::as_raw_fd).collect();
        assert_eq!(numbers, [3, 63, 64, 1023]);
        assert_eq!(set.nfds(), 1024);
        assert!(set.contains(number(63)) && !set.contains(number(62)));
    }

    #[test]
    fn a_set_refuses_what_does_not_fit() {
        let mut set = FdSet::new();
        for fd in [-1, i32::MIN, 1024, i32::MAX] {
            assert_eq!(set.insert(number(fd)), Err(Errno::EINVAL), "{fd}");
            assert!(!set.contains(number(fd)), "{fd}");
            set.remove(number(fd));
        }
        assert_eq!(set, FdSet::new());
    }

    #[test]
    fn the_layouts_are_the_kernels() {
        assert_eq!(size_of::<PollFd<'_>>(), size_of::<general::pollfd>());
        assert_eq!(
            size_of::<FdSet<'_>>(),
            size_of::<general::__kernel_fd_set>()
        );
    }
}
