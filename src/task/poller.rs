//! Waiting for descriptors without a thread: epoll(7).
//!
//! One epoll watches, edge-triggered, each descriptor that a task has ever waited for, in the
//! directions that one has waited for. What is known of a descriptor stands in the table at
//! its number, in an [`Entry`] that never moves and is never taken away, so that an event,
//! which carries no address, cannot find a stale one: it carries the number and the entry's
//! generation, which grows when the descriptor is closed.
//!
//! # No wake-up is lost
//!
//! Whoever wants to transfer loads the direction's word first, then makes an attempt, which
//! does not wait. If that would have had to, the word is exchanged for one that is not
//! [`READY`], but only if it is still the same; an event changes it whatever it was
//! ([`STEP`]). So a word that is not ready says: since the last event that was told, an attempt
//! has found nothing. What comes later changes the file's state, which is an edge, and an
//! edge is told. The word is looked at for the last time under the entry's lock, and who
//! finds it not ready is in the entry's list before the lock is released; the event sets the
//! word and takes the list under the same lock. A descriptor becomes watched under it too,
//! and the kernel tells a state that there is already then.
//!
//! # What is not attempted
//!
//! A TCP connection that gave less than there was room for has no more, and what comes
//! next is an edge: the word is exchanged likewise, and the next to read waits without an
//! attempt. That saves one call of three a message. It does not hold for a connection whose
//! other side has ended it, which is the same event as its last bytes, nor at urgent bytes,
//! at which a read stops: the word remembers that it has seen such an event ([`WARY`]). Other
//! sockets stop where a message or a descriptor does, and are always asked.

use core::marker::PhantomPinned;
use core::panic::Location;
use core::pin::Pin;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering::*};
use core::task::{Poll, Waker};
use core::time::Duration;

use super::lock::Lock;
use super::wait::{Reason, Wait};
use super::{start, thread};
use crate::sync::prim::{self, AtomicU32};
use crate::sys::hook::{self, Attempt, Interest, Poller, Registry, Waited};
use crate::sys::{
    BorrowedFd, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp, Errno, EventFdFlags, MapFlags,
    OFlags, OwnedFd, Prot, RawFd, Result, SocketOption, Timespec, Timeval, raw, raw_socket_option,
};

/// What [`hook::install_poller`] is given.
static POLLER: Poller = Poller { wait };

/// What [`hook::install_registry`] is given, with the first descriptor that is watched.
static REGISTRY: Registry = Registry { closing, changed };

/// Has tasks wait here from now on.
pub(super) fn install() {
    hook::install_poller(&POLLER);
}

// ---- The table

/// An attempt is worth it.
const READY: u32 = 1;
/// An attempt is, even if the last one got less than it might have.
const WARY: u32 = 1 << 1;
/// The epoll watches for it.
const WATCHED: u32 = 1 << 2;
/// The epoll does not take it: whoever wants it makes the call and waits there.
const REFUSED: u32 = 1 << 3;
/// It is a stream that is read up if it gives less than there was room for.
const STREAM: u32 = 1 << 4;
/// An event's difference, above all flags.
const STEP: u32 = 1 << 5;

/// What a claim says: the descriptor may be ready.
const MAY_BE_READY: usize = 1;
/// It is being closed.
const CLOSING: usize = 2;

/// For ever: the timeout of a call that has none.
const FOR_EVER: u64 = 0;
/// Not at all: that of one on a descriptor with `O_NONBLOCK`.
const NOT_AT_ALL: u64 = u64::MAX;

/// What is known of a descriptor. Bytes of zeros are one of which nothing is known.
struct Entry {
    /// For each direction, flags and a count of events.
    words: [AtomicU32; 2],
    rest: Lock<Rest>,
}

/// What is looked at under the lock.
struct Rest {
    /// How often a descriptor with this number was closed.
    generation: u32,
    /// What the epoll watches for, as [`EpollFlags`].
    watched: u32,
    /// When the timeouts were looked up, by the count of [`CHANGES`]; 0 for never.
    looked_up: [u32; 2],
    /// In nanoseconds.
    timeouts: [u64; 2],
    waiting: [*mut Waiter; 2],
}

/// Who waits, on its own stack.
struct Waiter {
    wait: Wait,
    next: *mut Waiter,
}

const _: () = assert!(size_of::<Entry>() <= 64);

/// How many entries the first part of the table has. Each further one has twice as many as
/// the one before.
const FIRST: usize = 256;

/// So many that there is one for each number.
const PARTS: usize = (i32::MAX as usize / FIRST + 1).ilog2() as usize + 1;

static TABLE: [AtomicPtr<Entry>; PARTS] = [const { AtomicPtr::new(ptr::null_mut()) }; PARTS];

/// The part that the descriptor's entry is in, how many that has, and the place there.
fn place(fd: RawFd) -> Option<(&'static AtomicPtr<Entry>, usize, usize)> {
    let fd = usize::try_from(fd).ok()?;
    let part = (fd / FIRST + 1).ilog2() as usize;
    let length = FIRST << part;
    Some((TABLE.get(part)?, length, fd - (length - FIRST)))
}

/// What is known of the descriptor, if there is room for it yet.
fn known(fd: RawFd) -> Option<&'static Entry> {
    let (part, _, index) = place(fd)?;
    let entries = part.load(Acquire);
    // SAFETY: a part that there is has all its entries, and stays.
    (!entries.is_null()).then(|| unsafe { &*entries.add(index) })
}

/// What is known of the descriptor. There may be no memory for it.
fn entry(fd: RawFd) -> Option<&'static Entry> {
    known(fd).or_else(|| {
        let (part, length, _) = place(fd)?;
        make(part, length);
        known(fd)
    })
}

/// Makes the part of the table, unless somebody else does or there is no memory.
#[cold]
fn make(part: &AtomicPtr<Entry>, length: usize) {
    let bytes = length * size_of::<Entry>();
    let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS | MapFlags::NORESERVE;
    let prot = Prot::READ | Prot::WRITE;
    // SAFETY: the kernel chooses where, so that nothing is replaced.
    let Ok(entries) = (unsafe { raw::mmap(ptr::null_mut(), bytes, prot, flags, None, 0) }) else {
        return;
    };
    if part
        .compare_exchange(ptr::null_mut(), entries.cast(), AcqRel, Acquire)
        .is_err()
    {
        // SAFETY: nobody has been told of it.
        let _ = unsafe { raw::munmap(entries, bytes) };
    }
}

fn index(interest: Interest) -> usize {
    match interest {
        Interest::Read => 0,
        Interest::Write => 1,
    }
}

/// What the epoll watches for, for this direction. Errors and hang-ups it tells unasked.
fn events(interest: Interest) -> EpollFlags {
    match interest {
        Interest::Read => EpollFlags::IN | EpollFlags::RDHUP | EpollFlags::PRI,
        Interest::Write => EpollFlags::OUT,
    }
}

// ---- The epoll

/// What is told with the events of the descriptor by which the epoll is interrupted.
const INTERRUPTION: u64 = u64::MAX;

/// The epoll's descriptor, and that of the eventfd that interrupts it, or 0 before there are.
static EPOLL: AtomicI32 = AtomicI32::new(0);
static INTERRUPTER: AtomicI32 = AtomicI32::new(0);
/// Whether whoever waits is to be interrupted, and has been told so already.
/// Before there is an epoll, whoever waits sleeps on this.
static INTERRUPTED: AtomicU32 = AtomicU32::new(0);
/// Whether the kernel has no epoll_pwait2.
static IN_MILLISECONDS: AtomicBool = AtomicBool::new(false);
/// Held by who makes them.
static OPENING: Lock<()> = Lock::new(());

/// How many wait.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// How often a thread had to wait in a task's place, because there were no descriptors or no
/// memory to do it here.
static FELL_BACK: AtomicUsize = AtomicUsize::new(0);
/// How often the flags or timeouts of any descriptor were changed, from 1 on.
static CHANGES: AtomicU32 = AtomicU32::new(1);

/// What the static holds, if that is a descriptor yet.
fn opened(fd: &AtomicI32) -> Option<BorrowedFd<'static>> {
    match fd.load(SeqCst) {
        0 => None,
        // SAFETY: it is closed only where nobody uses it any more.
        fd => Some(unsafe { BorrowedFd::borrow_raw(fd) }),
    }
}

/// The epoll.
fn epoll() -> Result<BorrowedFd<'static>> {
    match opened(&EPOLL) {
        Some(epoll) => Ok(epoll),
        None => open(),
    }
}

#[cold]
fn open() -> Result<BorrowedFd<'static>> {
    let _opening = OPENING.lock();
    if let Some(epoll) = opened(&EPOLL) {
        return Ok(epoll);
    }
    let interrupter = beside_standard(raw::eventfd2(
        0,
        EventFdFlags::CLOEXEC | EventFdFlags::NONBLOCK,
    )?)?;
    let epoll = beside_standard(raw::epoll_create1(EpollCreateFlags::CLOEXEC)?)?;
    let event = EpollEvent::new(EpollFlags::IN, INTERRUPTION);
    raw::epoll_ctl(
        epoll.as_fd(),
        EpollOp::ADD,
        interrupter.as_fd(),
        Some(&event),
    )?;
    INTERRUPTER.store(interrupter.into_raw_fd(), Release);
    EPOLL.store(epoll.into_raw_fd(), SeqCst);
    hook::install_registry(&REGISTRY);
    // Whoever sleeps elsewhere is to wait there.
    INTERRUPTED.store(1, SeqCst);
    prim::wake_one(&INTERRUPTED);
    if let Some(interrupter) = opened(&INTERRUPTER) {
        signal(interrupter);
    }
    opened(&EPOLL).ok_or(Errno::EBADF)
}

/// The descriptor with a number that is no standard stream's, even if that is closed.
fn beside_standard(fd: OwnedFd) -> Result<OwnedFd> {
    match fd.as_fd().as_raw_fd() {
        0..=2 => raw::fcntl_dupfd_cloexec(fd.as_fd(), 3),
        _ => Ok(fd),
    }
}

/// How many tasks wait for descriptors.
pub(super) fn waiters() -> usize {
    WAITING.load(SeqCst)
}

/// How often a thread had to wait in a task's place, because there were no descriptors or no
/// memory for the poller.
pub(super) fn fallbacks() -> usize {
    FELL_BACK.load(Relaxed)
}

/// Has the thread that waits in [`poll`] return, or if none does, the next one.
pub(super) fn interrupt() {
    if INTERRUPTED.swap(1, SeqCst) == 1 {
        return;
    }
    match opened(&INTERRUPTER) {
        Some(interrupter) => signal(interrupter),
        None => drop(prim::wake_one(&INTERRUPTED)),
    }
}

/// Has the epoll be ready.
fn signal(interrupter: BorrowedFd<'_>) {
    // The counter does not overflow: it is a few at most.
    let _ = raw::write(interrupter, &1_u64.to_ne_bytes());
}

/// How many events one call fetches.
const EVENTS: usize = 128;

/// Wakes those whose descriptors may be ready, and returns how many that were. Waits for the
/// first for `timeout` nanoseconds, for ever without one; less long if it is interrupted or a
/// signal is handled, or if the first descriptor is about to be waited for.
///
/// Any number of threads may be here at once, but only one with a timeout that is not 0.
///
/// # Panics
///
/// If somebody has closed the epoll, which is not theirs.
pub(super) fn poll(timeout: Option<u64>) -> usize {
    let Some(epoll) = opened(&EPOLL) else {
        if timeout != Some(0) {
            sleep(timeout);
        }
        return 0;
    };
    let mut events = [EpollEvent::default(); EVENTS];
    let happened = match fetch(epoll, &mut events, timeout) {
        Ok(count) => events.get(..count).unwrap_or_default(),
        Err(Errno::EINTR) => return 0,
        Err(errno) => panic!("the scheduler's epoll is gone: {errno}"),
    };
    let mut woken = 0;
    for event in happened {
        let data = event.data();
        if data != INTERRUPTION {
            let generation = (data >> 32) as u32;
            if let Some(entry) = known(data as u32 as RawFd) {
                woken += entry.happened(generation, event.events());
            }
        } else if timeout != Some(0) {
            // Whom it is not meant for leaves it there.
            if let Some(interrupter) = opened(&INTERRUPTER) {
                let _ = raw::read(interrupter, &mut [0; 8]);
            }
            // Whoever interrupts from here on does so again. What was done before, this
            // thread sees.
            INTERRUPTED.swap(0, SeqCst);
        }
    }
    woken
}

/// [`poll`], before there is an epoll. A program whose tasks wait for no descriptor has no
/// other.
fn sleep(timeout: Option<u64>) {
    let deadline = timeout.and_then(|timeout| prim::after(Duration::from_nanos(timeout)));
    // Who makes the epoll sees to it that this ends, if this has not seen that there is one.
    while INTERRUPTED.load(SeqCst) == 0 && opened(&EPOLL).is_none() {
        if !prim::wait(&INTERRUPTED, 0, deadline) {
            break;
        }
    }
    INTERRUPTED.swap(0, SeqCst);
}

fn fetch(epoll: BorrowedFd<'_>, events: &mut [EpollEvent], timeout: Option<u64>) -> Result<usize> {
    // Without a time to wait both calls are as good, and each kernel has the older one.
    if timeout.is_some_and(|timeout| timeout > 0) && !IN_MILLISECONDS.load(Relaxed) {
        let exact = timeout.map(|timeout| Timespec::from(Duration::from_nanos(timeout)));
        match raw::epoll_pwait2(epoll, events, exact.as_ref(), None) {
            Err(Errno::ENOSYS) => IN_MILLISECONDS.store(true, Relaxed),
            result => return result,
        }
    }
    let milliseconds = timeout.map_or(-1, |timeout| {
        i32::try_from(timeout.div_ceil(1_000_000)).unwrap_or(i32::MAX)
    });
    raw::epoll_pwait(epoll, events, milliseconds, None)
}

/// Forgets everything, in the child of a fork, which has none of its parent's tasks but the
/// one that called: the epoll is still the parent's.
///
/// # Safety
///
/// The process has this thread only, and no task waits here.
pub(super) unsafe fn forget() {
    if opened(&EPOLL).is_none() {
        return;
    }
    // SAFETY: nobody uses them any more.
    unsafe {
        let _ = raw::close(EPOLL.load(Relaxed));
        let _ = raw::close(INTERRUPTER.load(Relaxed));
    }
    EPOLL.store(0, Relaxed);
    INTERRUPTER.store(0, Relaxed);
    INTERRUPTED.store(0, Relaxed);
    WAITING.store(0, Relaxed);
    for (part, entries) in TABLE.iter().enumerate() {
        let (place, entries) = (entries, entries.load(Relaxed));
        if !entries.is_null() {
            place.store(ptr::null_mut(), Relaxed);
            let bytes = (FIRST << part) * size_of::<Entry>();
            // SAFETY: it was mapped in this length, and nobody looks at it.
            let _ = unsafe { raw::munmap(entries.cast(), bytes) };
        }
    }
}

// ---- What happens

impl Entry {
    /// Tells those who wait that these events have come for the descriptor of that
    /// generation, and returns how many they are.
    fn happened(&self, generation: u32, happened: EpollFlags) -> usize {
        let ended = EpollFlags::HUP | EpollFlags::ERR;
        let wary = ended | EpollFlags::RDHUP | EpollFlags::PRI;
        let mut woken = Woken::new();
        {
            let mut rest = self.rest.lock();
            if rest.generation != generation {
                return 0;
            }
            for interest in [Interest::Read, Interest::Write] {
                let word = &self.words[index(interest)];
                let before = word.load(Acquire);
                if before & WATCHED == 0 || !happened.intersects(events(interest) | ended) {
                    continue;
                }
                let flags = match happened.intersects(wary) {
                    true => READY | WARY,
                    false => READY,
                };
                // Who exchanges it meanwhile takes READY away, which is given back.
                word.store(before.wrapping_add(STEP) | flags, Release);
                woken.take(&mut rest, interest, MAY_BE_READY);
            }
        }
        woken.wake()
    }

    /// Takes READY away, unless something has happened since the word was loaded.
    fn used_up(&self, interest: Interest, word: u32) {
        let _ = self.words[index(interest)].compare_exchange(word, word & !READY, AcqRel, Relaxed);
    }

    /// Has the epoll watch for it, if it does not yet.
    fn watch(&self, rest: &mut Rest, fd: BorrowedFd<'_>, interest: Interest) -> Result<()> {
        let added = events(interest).bits();
        if rest.watched & added == added {
            return Ok(());
        }
        let epoll = epoll()?;
        let data = u64::from(rest.generation) << 32 | u64::from(fd.as_raw_fd() as u32);
        let watched = rest.watched | added;
        let event = EpollEvent::new(EpollFlags::from_bits_retain(watched) | EpollFlags::ET, data);
        let control = |op| raw::epoll_ctl(epoll, op, fd, Some(&event));
        let result = match rest.watched {
            0 => match control(EpollOp::ADD) {
                // The number was another descriptor's of the same file, which somebody has
                // closed and not said so.
                Err(Errno::EEXIST) => control(EpollOp::MOD),
                result => result,
            },
            _ => match control(EpollOp::MOD) {
                // Likewise, and the file was another.
                Err(Errno::ENOENT) => control(EpollOp::ADD),
                result => result,
            },
        };
        let word = &self.words[index(interest)];
        if let Err(errno) = result {
            if errno == Errno::EPERM {
                word.fetch_or(REFUSED, AcqRel);
            }
            return Err(errno);
        }
        let is_stream =
            interest == Interest::Read && raw_socket_option(fd, SocketOption::TCP_NODELAY).is_ok();
        let stream = if is_stream { STREAM } else { 0 };
        rest.watched = watched;
        word.fetch_or(WATCHED | stream, AcqRel);
        Ok(())
    }

    /// The descriptor's own timeout.
    fn timeout(&self, rest: &mut Rest, fd: BorrowedFd<'_>, interest: Interest) -> u64 {
        let index = index(interest);
        let now = CHANGES.load(Acquire);
        if rest.looked_up[index] != now {
            rest.timeouts[index] = timeout(fd, interest);
            rest.looked_up[index] = now;
        }
        rest.timeouts[index]
    }

    /// Waits until the word is one with which an attempt is worth it.
    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        interest: Interest,
        deadline: &mut Deadline,
        at: &'static Location<'static>,
    ) -> core::result::Result<(), Waited> {
        let mut waiter = Waiter {
            wait: Wait::new(),
            next: ptr::null_mut(),
        };
        let waiter = &raw mut waiter;
        {
            let mut rest = self.rest.lock();
            let timeout = self.timeout(&mut rest, fd, interest);
            if timeout == NOT_AT_ALL {
                return Err(Waited::Failed(Errno::EAGAIN));
            }
            deadline.no_later_than(timeout);
            if let Err(errno) = self.watch(&mut rest, fd, interest) {
                if errno != Errno::EPERM {
                    FELL_BACK.fetch_add(1, Relaxed);
                }
                return Err(Waited::Call);
            }
            if self.words[index(interest)].load(Acquire) & READY != 0 {
                return Ok(());
            }
            let first = &mut rest.waiting[index(interest)];
            // SAFETY: it is this function's, and nobody knows of it yet.
            unsafe { (*waiter).next = *first };
            *first = waiter;
            WAITING.fetch_add(1, SeqCst);
        }
        let reason = Reason {
            to: match interest {
                Interest::Read => "read from a descriptor",
                Interest::Write => "write to a descriptor",
            },
            at,
        };
        // SAFETY: it stays until this returns. Others only look at what is shared, or under
        // the lock.
        match unsafe { (*waiter).wait.park(reason, deadline.time) } {
            MAY_BE_READY => Ok(()),
            CLOSING => Err(Waited::Failed(Errno::EBADF)),
            _ => {
                self.rest.lock().leave(interest, waiter);
                Err(Waited::Failed(deadline.passed))
            }
        }
    }
}

impl Rest {
    /// Takes the waiter out of the list, if it is still there.
    fn leave(&mut self, interest: Interest, waiter: *mut Waiter) {
        let mut place = &raw mut self.waiting[index(interest)];
        // SAFETY: what is in the list waits, or is about to leave it by this function, for
        // which it needs the lock. The places are in those and in `self`.
        unsafe {
            while !(*place).is_null() {
                if *place == waiter {
                    *place = (*waiter).next;
                    WAITING.fetch_sub(1, SeqCst);
                    return;
                }
                place = &raw mut (**place).next;
            }
        }
    }
}

/// Those that have been claimed and are to be woken, when the lock is released.
struct Woken {
    first: *mut Waiter,
    count: usize,
}

impl Woken {
    fn new() -> Woken {
        Woken {
            first: ptr::null_mut(),
            count: 0,
        }
    }

    /// Takes all out of the list, and claims those that can be.
    fn take(&mut self, rest: &mut Rest, interest: Interest, by: usize) {
        let list = &mut rest.waiting[index(interest)];
        let mut left = core::mem::replace(list, ptr::null_mut());
        while !left.is_null() {
            let waiter = left;
            WAITING.fetch_sub(1, SeqCst);
            // SAFETY: it was in the list, and the caller has the lock: it waits, or its
            // deadline has passed and it needs the lock before it goes. One that is claimed
            // waits until it is woken.
            unsafe {
                left = (*waiter).next;
                if (*waiter).wait.claim(by) {
                    (*waiter).next = self.first;
                    self.first = waiter;
                    self.count += 1;
                }
            }
        }
    }

    /// Wakes them, and returns how many they were.
    fn wake(self) -> usize {
        let mut left = self.first;
        while !left.is_null() {
            let waiter = left;
            // SAFETY: it has been claimed, and waits until this wakes it. It may be gone
            // then.
            unsafe {
                left = (*waiter).next;
                Wait::wake(&raw const (*waiter).wait);
            }
        }
        self.count
    }
}

/// Until when to wait, and what it is called when that has passed.
struct Deadline {
    time: Option<Timespec>,
    passed: Errno,
    /// Whether the descriptor's own timeout, which counts from when the call began, has been
    /// looked at.
    is_settled: bool,
}

impl Deadline {
    fn no_later_than(&mut self, timeout: u64) {
        if timeout == FOR_EVER || self.is_settled {
            return;
        }
        self.is_settled = true;
        let time = prim::after(Duration::from_nanos(timeout));
        if self
            .time
            .is_none_or(|at| time.is_some_and(|time| time < at))
        {
            self.time = time;
            self.passed = Errno::EAGAIN;
        }
    }
}

/// The descriptor's own timeout, in nanoseconds.
fn timeout(fd: BorrowedFd<'_>, interest: Interest) -> u64 {
    if raw::fcntl_getfl(fd).is_ok_and(|flags| flags.contains(OFlags::NONBLOCK)) {
        return NOT_AT_ALL;
    }
    let option = match interest {
        Interest::Read => SocketOption::RCVTIMEO,
        Interest::Write => SocketOption::SNDTIMEO,
    };
    // What is no socket has none.
    let Timeval { tv_sec, tv_usec } = raw_socket_option(fd, option).unwrap_or_default();
    let seconds = tv_sec.cast_unsigned().saturating_mul(1_000_000_000);
    seconds
        .saturating_add(tv_usec.cast_unsigned().saturating_mul(1000))
        .min(NOT_AT_ALL - 1)
}

// ---- Futures

/// A future that waits for a descriptor.
pub(super) struct Watch<'fd> {
    fd: BorrowedFd<'fd>,
    interest: Interest,
    /// While it is in the list of those that wait there.
    waiter: Option<(Waiter, &'static Entry)>,
    _pinned: PhantomPinned,
}

// SAFETY: others look at it under the entry's lock alone, or as `Wait` allows.
unsafe impl Send for Watch<'_> {}

impl Watch<'_> {
    pub(super) fn new(fd: BorrowedFd<'_>, interest: Interest) -> Watch<'_> {
        Watch {
            fd,
            interest,
            waiter: None,
            _pinned: PhantomPinned,
        }
    }

    /// Makes attempts until one fails with something else than `EAGAIN`, or does not fail; has
    /// `waker` told when it is worth another.
    pub(super) fn poll<T>(
        self: Pin<&mut Self>,
        waker: &Waker,
        attempt: &mut dyn FnMut() -> Result<T>,
    ) -> Poll<Result<T>> {
        start::ensure();
        // SAFETY: what is in the list does not move.
        let this = unsafe { self.get_unchecked_mut() };
        if let Some((waiter, _)) = &this.waiter {
            match waiter.wait.poll(waker) {
                Poll::Pending => return Poll::Pending,
                // Whoever claimed it has taken it out of the list.
                Poll::Ready(by) => {
                    this.waiter = None;
                    if by == CLOSING {
                        return Poll::Ready(Err(Errno::EBADF));
                    }
                }
            }
        }
        let Some(entry) = entry(this.fd.as_raw_fd()) else {
            return Poll::Ready(Err(Errno::ENOMEM));
        };
        loop {
            let word = entry.words[index(this.interest)].load(Acquire);
            if word & (WATCHED | READY) != WATCHED {
                match attempt() {
                    Err(Errno::EAGAIN) => entry.used_up(this.interest, word),
                    result => return Poll::Ready(result),
                }
            }
            let mut rest = entry.rest.lock();
            if let Err(errno) = entry.watch(&mut rest, this.fd, this.interest) {
                return Poll::Ready(Err(errno));
            }
            if entry.words[index(this.interest)].load(Acquire) & READY != 0 {
                continue;
            }
            let (waiter, _) = this.waiter.insert((
                Waiter {
                    wait: Wait::of_future(waker.clone()),
                    next: ptr::null_mut(),
                },
                entry,
            ));
            let first = &mut rest.waiting[index(this.interest)];
            waiter.next = *first;
            *first = waiter;
            WAITING.fetch_add(1, SeqCst);
            return Poll::Pending;
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some((waiter, entry)) = &mut self.waiter {
            entry.rest.lock().leave(self.interest, waiter);
            // Somebody may have taken it out before, and is about to wake it.
            waiter.wait.cancel();
        }
    }
}

// ---- What the layers below call

/// [`Poller::wait`]. A thread that runs no task waits itself.
fn wait(
    fd: BorrowedFd<'_>,
    interest: Interest,
    deadline: Option<Timespec>,
    at: &'static Location<'static>,
    attempt: &mut dyn FnMut() -> Attempt,
) -> Waited {
    match is_task() {
        true => transfer(fd, interest, deadline, at, attempt),
        false => Waited::Call,
    }
}

/// Whether the caller is a task, and may leave its thread.
fn is_task() -> bool {
    let Some(thread) = thread::pin() else {
        return false;
    };
    let is_task = thread.processor.get().is_some() && thread.pins.get() == 1;
    thread::unpin();
    is_task
}

fn transfer(
    fd: BorrowedFd<'_>,
    interest: Interest,
    deadline: Option<Timespec>,
    at: &'static Location<'static>,
    attempt: &mut dyn FnMut() -> Attempt,
) -> Waited {
    let Some(entry) = entry(fd.as_raw_fd()) else {
        FELL_BACK.fetch_add(1, Relaxed);
        return Waited::Call;
    };
    let mut deadline = Deadline {
        time: deadline,
        passed: Errno::ETIMEDOUT,
        is_settled: false,
    };
    loop {
        let word = entry.words[index(interest)].load(Acquire);
        if word & REFUSED != 0 {
            return Waited::Call;
        }
        // Of what is not watched nothing is known.
        if word & (WATCHED | READY) != WATCHED {
            // It does not wait: the processor may as well stay.
            thread::pin();
            let attempted = attempt();
            thread::unpin();
            match attempted {
                Attempt::Done => return Waited::Done,
                Attempt::Short => {
                    if word & (STREAM | WARY) == STREAM {
                        entry.used_up(interest, word);
                    }
                    return Waited::Done;
                }
                Attempt::Again => entry.used_up(interest, word),
            }
        }
        if let Err(waited) = entry.wait(fd, interest, &mut deadline, at) {
            return waited;
        }
    }
}

/// [`Registry::closing`].
fn closing(fd: RawFd) {
    let Some(entry) = known(fd) else { return };
    let mut woken = Woken::new();
    {
        let mut rest = entry.rest.lock();
        rest.generation = rest.generation.wrapping_add(1);
        rest.looked_up = [0; 2];
        for interest in [Interest::Read, Interest::Write] {
            let word = &entry.words[index(interest)];
            // The count goes on, so that who has loaded it before exchanges nothing.
            let next = (word.load(Acquire) & !(STEP - 1)).wrapping_add(STEP);
            word.store(next, Release);
            woken.take(&mut rest, interest, CLOSING);
        }
        let watched = core::mem::take(&mut rest.watched);
        // The kernel would forget it with the file, which other descriptors may keep.
        if let (true, Some(epoll)) = (watched != 0, opened(&EPOLL)) {
            // SAFETY: it is about to be closed, and is used no longer than this.
            let fd = unsafe { BorrowedFd::borrow_raw(fd) };
            let _ = raw::epoll_ctl(epoll, EpollOp::DEL, fd, Some(&EpollEvent::default()));
        }
    }
    woken.wake();
}

/// [`Registry::changed`].
fn changed() {
    // 0 is for what was never looked up.
    if CHANGES.fetch_add(1, AcqRel) == u32::MAX {
        CHANGES.fetch_add(1, AcqRel);
    }
}
