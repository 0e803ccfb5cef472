//! What is known of a thread.

use core::cell::Cell;
use core::ffi::CStr;
use core::fmt;
use core::num::NonZeroU64;
use core::ops::Deref;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use core::time::Duration;

use super::local::Node;
use super::scope::Running;
use super::stack;
use crate::signal::AltStack;
use crate::startup::tls;
use crate::sync::parker::Parker;
use crate::sys;
use crate::sys::hook::{self, ThreadLocked};

/// A thread's control block. It lies beside the thread's thread-local variables, where the
/// thread pointer leads to it: in the thread's own mapping, or for the initial thread,
/// whose block is all zeros, in `.bss`.
///
/// Atomics are everybody's, cells the thread's own. The rest is written before the thread
/// begins.
#[repr(C)]
pub(super) struct Control {
    /// The thread's id. When the thread has ended, and with it the use of its stack, the
    /// kernel makes it 0 and wakes who waits here (clone(2), `CLONE_CHILD_CLEARTID`).
    pub(super) tid: AtomicU32,
    parker: Parker,
    /// How many know of the block: the thread itself, who may join it, each [`Thread`].
    references: AtomicUsize,
    /// What becomes of the closure's result: see `spawn.rs`.
    pub(super) outcome: AtomicU32,
    /// The number of its [`ThreadId`], or 0 while nobody has asked.
    id: AtomicU64,
    /// The mapping, and how long it is. Null for the initial thread.
    pub(super) mapping: *mut u8,
    pub(super) length: usize,
    /// The thread pointer.
    pub(super) pointer: *mut u8,
    /// The name, empty if it has none, and a zero. Null for the initial thread.
    name: *const u8,
    /// Runs the closure.
    pub(super) run: Option<unsafe fn(&Control)>,
    /// The closure, and later its result. The stack ends below.
    pub(super) packet: *mut u8,
    /// The scope that waits for the thread, or null.
    pub(super) scope: *const Running,
    /// Thread-local values that are to be dropped.
    pub(super) destructors: Cell<*mut Node>,
    /// Among the threads that there are, and after the thread's end among the mappings that wait
    /// to be used again: the next.
    pub(super) next: Cell<*mut Control>,
    /// Among the threads that there are: the link that leads here.
    #[cfg(feature = "alloc")]
    pub(super) link: Cell<*const Cell<*mut Control>>,
    /// Where the thread reports that it has overflowed its stack, until it begins.
    pub(super) alternate: Cell<Option<AltStack>>,
}

const _: () = {
    // The last word is the scheduler's.
    assert!(size_of::<Control>() <= tls::CONTROL - size_of::<usize>());
    assert!(align_of::<Control>() <= 16);
};

/// One that somebody knows of.
#[derive(Clone, Copy)]
pub(super) struct ControlRef(NonNull<Control>);

impl Deref for ControlRef {
    type Target = Control;

    #[inline(always)]
    fn deref(&self) -> &Control {
        // SAFETY: who has one of these has a reference counted, or is the thread itself;
        // until they are given back, the block stays.
        unsafe { self.0.as_ref() }
    }
}

impl ControlRef {
    /// The calling thread's.
    #[inline(always)]
    pub(super) fn current() -> ControlRef {
        // SAFETY: a control block lies in a mapping or in `.bss`, not at 0.
        ControlRef(unsafe { NonNull::new_unchecked(tls::control().cast()) })
    }

    /// That at `control`.
    ///
    /// # Safety
    ///
    /// There must be one, of which the caller has a reference.
    #[inline(always)]
    pub(super) unsafe fn from_ptr(control: *mut Control) -> ControlRef {
        // SAFETY: what is somewhere is not at 0.
        ControlRef(unsafe { NonNull::new_unchecked(control) })
    }

    #[inline(always)]
    pub(super) fn as_ptr(self) -> *mut Control {
        self.0.as_ptr()
    }

    /// One more reference.
    #[inline]
    fn thread(self) -> Thread {
        self.references.fetch_add(1, Relaxed);
        Thread(self)
    }

    /// Gives a reference back, and says whether that was the last.
    pub(super) fn release(self) -> bool {
        // As an Arc does it: what others did with the block comes before what the last
        // does to it.
        self.references.fetch_sub(1, AcqRel) == 1
    }
}

impl Control {
    /// For a thread that is to be, of which its maker and itself know.
    pub(super) fn new(
        mapping: *mut u8,
        length: usize,
        pointer: *mut u8,
        packet: *mut u8,
        name: *const u8,
    ) -> Control {
        Control {
            tid: AtomicU32::new(0),
            parker: Parker::new(),
            references: AtomicUsize::new(2),
            outcome: AtomicU32::new(0),
            id: AtomicU64::new(0),
            mapping,
            length,
            pointer,
            name,
            run: None,
            packet,
            scope: ptr::null(),
            alternate: Cell::new(None),
            destructors: Cell::new(ptr::null_mut()),
            next: Cell::new(ptr::null_mut()),
            #[cfg(feature = "alloc")]
            link: Cell::new(ptr::null()),
        }
    }

    /// Waits until the thread is gone.
    pub(super) fn wait(&self) {
        /// How often others run first. A thread that has little to do is gone then, and
        /// nobody needs to be woken: that takes a quarter off what it costs to make and join
        /// one. To look without letting others run takes longer where the thread waits for
        /// this processor.
        const YIELDS: usize = 3;

        for attempt in 0.. {
            match self.tid.load(Acquire) {
                0 => return,
                _ if attempt < YIELDS => sys::sched_yield(),
                // The kernel wakes whoever waits, of any process. An error is EAGAIN (the
                // word changed) or EINTR: look again.
                tid => drop(sys::futex_wait_shared(&self.tid, tid)),
            }
        }
    }

    /// What the thread is called, if it is called anything.
    pub(super) fn name(&self) -> Option<&CStr> {
        // SAFETY: it was written before the thread began, in the thread's mapping.
        let name = unsafe { CStr::from_ptr(self.name.cast()) };
        (!name.is_empty()).then_some(name)
    }
}

impl From<ControlRef> for Thread {
    /// The reference becomes the thread's.
    #[inline]
    fn from(control: ControlRef) -> Thread {
        Thread(control)
    }
}

/// Whether the calling thread is the initial one.
#[cfg(feature = "alloc")]
pub(crate) fn is_initial() -> bool {
    ControlRef::current().mapping.is_null()
}

/// A thread: std's `thread::Thread`. [`current`] and
/// [`JoinHandle::thread`](super::JoinHandle::thread) have them.
///
/// While there is one, its thread's mapping stays, the stack included.
pub struct Thread(ControlRef);

// SAFETY: what it lets others do to the thread is done by atomics; the name does not change.
unsafe impl Send for Thread {}
// SAFETY: as above.
unsafe impl Sync for Thread {}

/// The calling thread. One that was made by the system call alone, with its maker's thread
/// pointer, is taken for its maker. A [task](crate::task) may be on another when this returns.
///
/// Async-signal-safe.
#[inline]
pub fn current() -> Thread {
    hook::pin();
    let thread = ControlRef::current().thread();
    hook::unpin();
    thread
}

impl Thread {
    pub(super) fn control(&self) -> ControlRef {
        self.0
    }

    /// Its id, which no other thread of the process has or will have.
    pub fn id(&self) -> ThreadId {
        /// How many ids were given.
        static GIVEN: AtomicU64 = AtomicU64::new(0);

        // Threads that nobody asks do not count.
        if self.0.id.load(Relaxed) == 0 {
            let id = GIVEN.fetch_add(1, Relaxed) + 1;
            // Another may have been quicker.
            let _ = self.0.id.compare_exchange(0, id, Relaxed, Relaxed);
        }
        match NonZeroU64::new(self.0.id.load(Relaxed)) {
            Some(id) => ThreadId(id),
            None => unreachable!("it was given one"),
        }
    }

    /// The name that [`Builder::name`](super::Builder::name) gave it, `main` for the initial
    /// thread, or `None`.
    pub fn name(&self) -> Option<&str> {
        if self.0.mapping.is_null() {
            return Some("main");
        }
        // It was a str.
        self.0.name().and_then(|name| name.to_str().ok())
    }

    /// Lets the thread go on from [`park`], or its next `park` return at once.
    ///
    /// Async-signal-safe.
    #[inline]
    pub fn unpark(&self) {
        self.0.parker.unpark();
    }
}

impl Clone for Thread {
    #[inline]
    fn clone(&self) -> Thread {
        self.0.thread()
    }
}

impl Drop for Thread {
    #[inline]
    fn drop(&mut self) {
        // The initial thread's block was never counted to be given back.
        if !self.0.mapping.is_null() && self.0.release() {
            stack::give_back(self.0);
        }
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// What tells a thread from all others of the process, also those that have ended: std's
/// `thread::ThreadId`. It is not the kernel's number, which
/// [`gettid`](crate::sys::gettid) has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadId(NonZeroU64);

/// Sleeps until somebody calls [`Thread::unpark`] for the calling thread, or not at all if
/// somebody has since the last time: std's `thread::park`. How often they have does not
/// count. Signals do not end it.
///
/// A [task](crate::task) stays on its thread meanwhile. Who is to unpark it has to know which that
/// is: so it stays [locked](crate::task::lock_thread) to it from [`current`] on.
#[inline]
pub fn park() {
    let _locked = ThreadLocked::new();
    ControlRef::current().parker.park();
}

/// As [`park`], but sleeps no longer than `duration`.
///
/// # Panics
///
/// If the clock cannot be read, as under a seccomp filter that allows no clock.
#[inline]
pub fn park_timeout(duration: Duration) {
    let _locked = ThreadLocked::new();
    ControlRef::current().parker.park_timeout(duration);
}
