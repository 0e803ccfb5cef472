//! The two queues that are shared with the kernel.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use linux_raw_sys::io_uring::IORING_SQ_CQ_OVERFLOW;

use crate::mapping::Mapping;
use crate::sys::{
    self, AsFd, BorrowedFd, Errno, IORING_OFF_SQ_RING, IORING_OFF_SQES, IoUringCqe,
    IoUringEnterFlags, IoUringFeatures, IoUringParams, IoUringSqe, MapFlags, OwnedFd, Prot, Result,
};

/// The submission queue and the completion queue of an io_uring, as the kernel has them:
/// whoever puts an entry into the one answers for the memory that it names. [`Ring`] is
/// what does.
///
/// [`Ring`]: super::Ring
#[derive(Debug)]
pub struct Queues {
    fd: OwnedFd,
    /// Heads, tails and the completion queue itself.
    rings: Mapping,
    /// The submission queue's entries.
    entries: Mapping,
    params: IoUringParams,
    /// Behind the last entry that was put in; the shared tail, of what has been submitted,
    /// may be before.
    tail: u32,
}

/// What the kernel must be able to do: Linux 5.6 can, the first with `IORING_OP_READ` and
/// its neighbours.
const NEEDED: IoUringFeatures = IoUringFeatures::SINGLE_MMAP
    .union(IoUringFeatures::NODROP)
    .union(IoUringFeatures::SUBMIT_STABLE)
    .union(IoUringFeatures::RW_CUR_POS);

impl Queues {
    /// Queues with room for at least `entries` submissions, and twice as many completions.
    ///
    /// # Errors
    ///
    /// `ENOSYS` if the kernel has no io_uring or a seccomp filter says so, `EPERM` if the
    /// system forbids it (`/proc/sys/kernel/io_uring_disabled`, or a filter),
    /// `EOPNOTSUPP` before Linux 5.6; `EINVAL` for no `entries` or more than 32 768;
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new(entries: u32) -> Result<Queues> {
        let mut params = IoUringParams::default();
        // SAFETY: without flags the rings' memory is the kernel's, and the result is a
        // descriptor.
        let fd = unsafe { sys::io_uring_setup(entries, &mut params) }?;
        if !params.features.contains(NEEDED) {
            return Err(Errno::EOPNOTSUPP);
        }
        let map = |length, offset| {
            let prot = Prot::READ | Prot::WRITE;
            let flags = MapFlags::SHARED | MapFlags::POPULATE;
            Mapping::of_file(fd.as_fd(), length, prot, flags, offset)
        };
        let (sq, cq) = (params.sq_off.array, params.cq_off.cqes);
        let end = |from: u32, count: u32, size: usize| from as usize + count as usize * size;
        let length = end(sq, params.sq_entries, size_of::<u32>()).max(end(
            cq,
            params.cq_entries,
            size_of::<IoUringCqe>(),
        ));
        let queues = Queues {
            rings: map(length, IORING_OFF_SQ_RING)?,
            entries: map(
                end(0, params.sq_entries, size_of::<IoUringSqe>()),
                IORING_OFF_SQES,
            )?,
            fd,
            params,
            tail: 0,
        };
        // The queue is of indices of entries, which here stand in the same order.
        for index in 0..params.sq_entries {
            let place = sq + index * size_of::<u32>() as u32;
            queues.shared(place).store(index, Ordering::Relaxed);
        }
        Ok(queues)
    }

    /// A number in the memory of both queues.
    fn shared(&self, offset: u32) -> &AtomicU32 {
        // SAFETY: the kernel says that there is one, in what is mapped as long as `self`
        // lives, and changes it as an atomic.
        unsafe { &*self.rings.start().add(offset as usize).cast::<AtomicU32>() }
    }

    /// How many completions the queue holds.
    pub fn capacity(&self) -> u32 {
        self.params.cq_entries
    }

    /// How many entries the kernel has not taken yet.
    fn waiting(&self) -> u32 {
        // What the kernel has read of an entry it has read before it moves the head.
        let head = self.shared(self.params.sq_off.head).load(Ordering::Acquire);
        self.tail.wrapping_sub(head)
    }

    /// Puts an entry in, which the kernel hears of by [`submit`](Queues::submit).
    ///
    /// # Errors
    ///
    /// `EBUSY` if there is no room before that.
    ///
    /// # Safety
    ///
    /// What it asks for must be something that the program may do, and the memory and the
    /// descriptor that it names must be left alone until its completion is there.
    pub unsafe fn push(&mut self, entry: &IoUringSqe) -> Result<()> {
        if self.waiting() >= self.params.sq_entries {
            return Err(Errno::EBUSY);
        }
        let index = self.tail & (self.params.sq_entries - 1);
        let entries = self.entries.start().cast::<IoUringSqe>();
        // SAFETY: there are so many entries, a power of two, and the kernel is done with
        // this one.
        unsafe { entries.add(index as usize).write(*entry) };
        self.tail = self.tail.wrapping_add(1);
        Ok(())
    }

    /// Has the kernel take the entries, and waits until there are `count` completions.
    /// Without entries, and with so many completions, it makes no system call.
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came before the completions; `EBUSY` while more completions than
    /// the queue holds want to be taken; `EAGAIN` or `ENOMEM` for want of memory. Entries
    /// that were not taken then are for the next time.
    pub fn submit(&mut self, count: u32) -> Result<()> {
        let sq = self.params.sq_off;
        // The kernel sees the tail after the entries.
        self.shared(sq.tail).store(self.tail, Ordering::Release);
        loop {
            let waiting = self.waiting();
            let flags = self.shared(sq.flags).load(Ordering::Relaxed);
            let has_overflown = flags & IORING_SQ_CQ_OVERFLOW != 0;
            if waiting == 0 && self.ready() >= count && !has_overflown {
                return Ok(());
            }
            let flags = if count > 0 || has_overflown {
                IoUringEnterFlags::GETEVENTS
            } else {
                IoUringEnterFlags::empty()
            };
            let (fd, none) = (self.fd.as_fd(), ptr::null_mut());
            // SAFETY: who put the entries in has answered for them; there is no argument.
            let taken = unsafe { sys::io_uring_enter(fd, waiting, count, flags, none, 0) }?;
            // Behind an entry that could not be begun there may be more: what is wrong with
            // it is in its completion.
            if taken == waiting {
                return Ok(());
            }
            if taken == 0 {
                return Err(Errno::EAGAIN);
            }
        }
    }

    /// Takes the entries back that the kernel has not taken, and says how many they were.
    pub(super) fn retract(&mut self) -> u32 {
        let waiting = self.waiting();
        self.tail = self.tail.wrapping_sub(waiting);
        // The kernel looks only while `submit` has it look.
        let tail = self.shared(self.params.sq_off.tail);
        tail.store(self.tail, Ordering::Release);
        waiting
    }

    /// How many completions are there.
    pub fn ready(&self) -> u32 {
        let cq = self.params.cq_off;
        // What the kernel has written of a completion it has written before it moves the
        // tail.
        let tail = self.shared(cq.tail).load(Ordering::Acquire);
        tail.wrapping_sub(self.shared(cq.head).load(Ordering::Relaxed))
    }

    /// Takes a completion, the oldest that is there. Those that found no room in the queue
    /// come into it by the next [`submit`](Queues::submit).
    pub fn pop(&mut self) -> Option<IoUringCqe> {
        if self.ready() == 0 {
            return None;
        }
        let cq = self.params.cq_off;
        let head = self.shared(cq.head);
        let position = head.load(Ordering::Relaxed);
        let index = position & (self.params.cq_entries - 1);
        let at = cq.cqes as usize + index as usize * size_of::<IoUringCqe>();
        // SAFETY: there are so many completions, a power of two, in what is mapped, and the
        // kernel has written this one and leaves it alone until the head is behind it.
        let completion = unsafe { self.rings.start().add(at).cast::<IoUringCqe>().read() };
        head.store(position.wrapping_add(1), Ordering::Release);
        Some(completion)
    }
}

/// It can be read, to [`sys::poll`] and the like, when there is a completion.
impl AsFd for Queues {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
