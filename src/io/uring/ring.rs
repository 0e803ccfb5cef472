//! The ring that owns what the kernel works with.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;

use super::{Buffer, Operation, Queues};
use crate::mapping::Mapping;
use crate::sys::{self, AsFd, BorrowedFd, Errno, IoUringOp, IoUringSqe, OwnedFd, Result, Timespec};

/// An io_uring that keeps what its operations are about: see the [module](super). `F` is
/// what lends descriptors, `B` what owns buffers.
///
/// It has room for as many operations as the kernel has for completions, so that no
/// completion is without.
pub struct Ring<F: AsFd, B: Buffer> {
    queues: Queues,
    /// An array of [`Slot`]s, in memory that does not move with the ring.
    slots: Mapping,
    /// How many of them have been used; the others are as the kernel has given them.
    used: u32,
    /// The last one of them that has become free, or [`NONE`].
    free: u32,
    /// How many have an operation.
    pending: u32,
    contents: PhantomData<Slot<F, B>>,
}

/// The place of an operation.
struct Slot<F, B> {
    /// How often it had another one before.
    generation: u32,
    /// The one that had become free before, if this is.
    next_free: u32,
    operation: Option<Operation<F, B>>,
}

/// No slot.
const NONE: u32 = u32::MAX;

/// The number of what nobody waits for. It is no slot's: there is none of index `NONE`.
const NOBODY: u64 = u64::MAX;

/// How often in a row the kernel may have no memory for a cancellation before a ring that
/// is dropped gives up.
const PATIENCE: u32 = 1000;

/// An operation that was pushed: [`Operation::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(pub(super) u64);

impl Id {
    const fn new(index: u32, generation: u32) -> Id {
        Id((generation as u64) << 32 | index as u64)
    }

    /// Which slot it is of.
    const fn index(self) -> u32 {
        self.0 as u32
    }
}

/// An operation that is done.
#[derive(Debug)]
pub struct Completion<F, B> {
    /// Which it was.
    pub id: Id,
    /// The number that it was to carry: [`Operation::user_data`].
    pub user_data: u64,
    /// What came of it: what the system call would have returned, or its error;
    /// `ECANCELED` if it was cancelled.
    pub result: Result<u32>,
    /// The connection, if it was an [`accept`](Operation::accept) and there is one.
    pub accepted: Option<OwnedFd>,
    /// What lent the descriptor, if there was one.
    pub file: Option<F>,
    /// The buffer, if there was one.
    pub buffer: Option<B>,
}

/// An operation that there was no room for, given back: if there are others that have not
/// been submitted, [`Ring::submit`] makes room, else taking completions does. It becomes an
/// [`Errno`] by `?`: `EBUSY`.
pub struct Full<F, B>(pub Operation<F, B>);

impl<F, B> fmt::Debug for Full<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Full").field(&self.0).finish()
    }
}

impl<F, B> fmt::Display for Full<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for another operation")
    }
}

impl<F, B> Error for Full<F, B> {}

impl<F, B> From<Full<F, B>> for Errno {
    fn from(_: Full<F, B>) -> Errno {
        Errno::EBUSY
    }
}

impl<F: AsFd, B: Buffer> Ring<F, B> {
    /// A ring that at least `entries` operations can be pushed to before it is submitted,
    /// and twice as many can be pending in.
    ///
    /// # Errors
    ///
    /// Those of [`Queues::new`], of which `ENOSYS` and `EPERM` are ordinary.
    pub fn new(entries: u32) -> Result<Ring<F, B>> {
        // Pages are aligned for it.
        const { assert!(align_of::<Slot<F, B>>() <= 4096) };
        let queues = Queues::new(entries)?;
        let size = size_of::<Slot<F, B>>().checked_mul(queues.capacity() as usize);
        Ok(Ring {
            slots: Mapping::of_zeros(size.ok_or(Errno::ENOMEM)?)?,
            queues,
            used: 0,
            free: NONE,
            pending: 0,
            contents: PhantomData,
        })
    }

    /// How many operations may be pending at once.
    pub fn capacity(&self) -> usize {
        self.queues.capacity() as usize
    }

    /// How many operations have been pushed whose completions have not been taken.
    pub fn pending(&self) -> usize {
        self.pending as usize
    }

    /// The place of a slot.
    fn slot(&self, index: u32) -> *mut Slot<F, B> {
        self.slots
            .start()
            .cast::<Slot<F, B>>()
            .wrapping_add(index as usize)
    }

    /// A slot that has been used.
    fn used_slot(&mut self, index: u32) -> Option<&mut Slot<F, B>> {
        // SAFETY: it is in the mapping, as `used` is never more than the capacity, it has
        // been written when it was first used, and `self` is borrowed with it.
        (index < self.used).then(|| unsafe { &mut *self.slot(index) })
    }

    /// A slot that is free; `None` if none is.
    fn find_free(&mut self) -> Option<u32> {
        if self.free != NONE {
            return Some(self.free);
        }
        let index = self.used;
        if index == self.queues.capacity() {
            return None;
        }
        let slot = Slot {
            generation: 0,
            next_free: NONE,
            operation: None,
        };
        // SAFETY: it is in the mapping, and nothing is there yet.
        unsafe { self.slot(index).write(slot) };
        self.used += 1;
        self.free = index;
        Some(index)
    }

    /// Adds an operation to those that the next [`submit`](Ring::submit) tells the kernel
    /// of. This is no system call.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room, with the operation.
    pub fn push(&mut self, operation: Operation<F, B>) -> core::result::Result<Id, Full<F, B>> {
        let Some(index) = self.find_free() else {
            return Err(Full(operation));
        };
        let place = self.slot(index);
        // SAFETY: a slot that is free has been used, and nothing else refers to it.
        let slot = unsafe { &mut *place };
        let id = Id::new(index, slot.generation);
        let entry = slot.operation.insert(operation).entry(id);
        // SAFETY: the operation stays in its slot until `release` has its completion, or for
        // ever; the slots do not move, and neither do its buffer's bytes, which are valid
        // as long as it is there (`Buffer`) and nobody else's if the kernel writes them
        // (`BufferMut`). Nothing looks at it meanwhile. Its descriptor is lent as long.
        match unsafe { self.queues.push(&entry) } {
            Ok(()) => {
                self.free = slot.next_free;
                self.pending += 1;
                Ok(id)
            }
            // It has just been put there.
            Err(_) => Err(slot.operation.take().map_or_else(|| unreachable!(), Full)),
        }
    }

    /// Has the kernel begin what was pushed.
    ///
    /// # Errors
    ///
    /// `EAGAIN` or `ENOMEM` for want of memory: what was not begun is for the next time.
    pub fn submit(&mut self) -> Result<()> {
        self.submit_and_wait(0)
    }

    /// Has the kernel begin what was pushed, and waits until there are `count` completions,
    /// or as many as operations are pending.
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, when all has begun; else as for
    /// [`submit`](Ring::submit).
    pub fn submit_and_wait(&mut self, count: usize) -> Result<()> {
        let count = count.min(self.pending());
        self.queues.submit(count as u32)
    }

    /// The completions that are there, each of which makes room for another operation. To
    /// take one is no system call.
    pub fn completions(&mut self) -> Completions<'_, F, B> {
        Completions { ring: self }
    }

    /// Takes the operation `id` out of its slot, as the kernel is done with it.
    ///
    /// `None` if there is no such operation, as after a cancellation that nobody waits for.
    fn release(&mut self, id: Id) -> Option<Operation<F, B>> {
        let next_free = self.free;
        let slot = self.used_slot(id.index())?;
        if id != Id::new(id.index(), slot.generation) {
            return None;
        }
        let operation = slot.operation.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.next_free = next_free;
        self.free = id.index();
        self.pending -= 1;
        Some(operation)
    }

    /// Takes a completion.
    fn complete(&mut self) -> Option<Completion<F, B>> {
        loop {
            let entry = self.queues.pop()?;
            let id = Id(entry.user_data);
            let Some(operation) = self.release(id) else {
                continue;
            };
            let result = match u32::try_from(entry.res) {
                Ok(result) => Ok(result),
                Err(_) => Err(error(entry.res)),
            };
            let accepted = match result {
                // SAFETY: the kernel has just made the descriptor, for this operation.
                Ok(fd) if operation.makes_a_descriptor() => {
                    Some(unsafe { OwnedFd::from_raw_fd(fd.cast_signed()) })
                }
                _ => None,
            };
            let user_data = operation.number();
            let (file, buffer) = operation.into_parts();
            return Some(Completion {
                id,
                user_data,
                result,
                accepted,
                file,
                buffer,
            });
        }
    }

    /// Pushes an entry that nobody waits for, and has the kernel begin those before it if
    /// there is no room else.
    ///
    /// # Safety
    ///
    /// The memory that it names, which is none of a buffer's, must be valid until it has
    /// been submitted.
    unsafe fn push_for_nobody(&mut self, entry: IoUringSqe) -> Result<()> {
        let entry = IoUringSqe {
            fd: -1,
            user_data: NOBODY,
            ..entry
        };
        // SAFETY: passed on to the caller, and it is about no descriptor.
        while unsafe { self.queues.push(&entry) }.is_err() {
            self.queues.submit(0)?;
        }
        Ok(())
    }

    /// Has the kernel cancel all that is under way, and takes the completions. What cannot
    /// be cancelled just then, because it is being done, may not be done for long: waits a
    /// little if there is such a thing.
    fn cancel_all(&mut self, unheard_of: u32) -> Result<()> {
        for index in 0..self.used {
            let Some(slot) = self.used_slot(index) else {
                continue;
            };
            if slot.operation.is_none() {
                continue;
            }
            let cancel = IoUringSqe {
                opcode: IoUringOp::ASYNC_CANCEL,
                addr: Id::new(index, slot.generation).0,
                ..IoUringSqe::default()
            };
            // SAFETY: it names no memory.
            unsafe { self.push_for_nobody(cancel) }?;
        }
        self.queues.submit(0)?;
        while self.complete().is_some() {}
        if self.pending == unheard_of {
            return Ok(());
        }
        let mut time = Timespec {
            tv_sec: 0,
            tv_nsec: 5_000_000,
        };
        let timeout = IoUringSqe {
            opcode: IoUringOp::TIMEOUT,
            addr: (&raw mut time).expose_provenance() as u64,
            len: 1,
            ..IoUringSqe::default()
        };
        // SAFETY: `time` is there until the call behind this one has returned; if that
        // fails, `retract` takes the entry back.
        let waited = unsafe { self.push_for_nobody(timeout) }.and_then(|()| self.queues.submit(1));
        self.queues.retract();
        waited?;
        while self.complete().is_some() {}
        Ok(())
    }

    /// Cancels what is under way and waits until it is done: then only what the kernel has
    /// never heard of has a slot.
    fn settle(&mut self) -> Result<()> {
        let unheard_of = self.queues.retract();
        let mut failures = 0;
        while self.pending > unheard_of {
            match self.cancel_all(unheard_of) {
                Ok(()) => failures = 0,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::EBUSY | Errno::ENOMEM) if failures < PATIENCE => {
                    failures += 1;
                    // Completions that have found no room want to be taken.
                    while self.complete().is_some() {}
                    sys::sched_yield();
                }
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

/// The error that the kernel has written as a negative number.
fn error(result: i32) -> Errno {
    let code = u16::try_from(result.unsigned_abs()).ok();
    code.and_then(Errno::new).unwrap_or(Errno::EIO)
}

impl<F: AsFd, B: Buffer> Drop for Ring<F, B> {
    /// Cancels what is under way, and waits until it is done. If the kernel does not even
    /// take a cancellation, as for want of memory or under a seccomp filter that came later,
    /// what the operations are about is never freed.
    fn drop(&mut self) {
        if self.settle().is_err() {
            // The kernel may still write the buffers.
            return;
        }
        for index in 0..self.used {
            // SAFETY: it has been used, and nobody uses it again.
            unsafe { self.slot(index).drop_in_place() };
        }
    }
}

/// It can be read, to [`sys::poll`] and the like, when there is a completion.
impl<F: AsFd, B: Buffer> AsFd for Ring<F, B> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queues.as_fd()
    }
}

impl<F: AsFd, B: Buffer> fmt::Debug for Ring<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("fd", &self.as_fd())
            .field("capacity", &self.capacity())
            .field("pending", &self.pending)
            .finish()
    }
}

/// What [`Ring::completions`] returns.
#[derive(Debug)]
pub struct Completions<'ring, F: AsFd, B: Buffer> {
    ring: &'ring mut Ring<F, B>,
}

impl<F: AsFd, B: Buffer> Iterator for Completions<'_, F, B> {
    type Item = Completion<F, B>;

    fn next(&mut self) -> Option<Completion<F, B>> {
        self.ring.complete()
    }
}
