//! What is known of a task.

use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::num::NonZeroU64;
use core::ops::Deref;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};

use alloc::boxed::Box;

use super::local::Node;
use super::scope::Running;
use super::stack::Stack;
use super::thread::Thread;
use super::wait::{Reason, Wait};

/// What a task does just now: for whoever asks. Who may run it is decided by where it is
/// queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum State {
    /// It is queued, and in one queue.
    Runnable,
    /// It is some thread's, and runs.
    Running,
    /// It is some thread's, which is in a system call for it.
    Syscall,
    /// It waits for somebody to wake it.
    Waiting,
    /// It was turned out by a signal, and is queued.
    Preempted,
    /// It has ended.
    Dead,
}

/// How a task runs.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// On a stack of its own: this runs the closure, which becomes the result.
    Stack(unsafe fn(TaskRef)),
    /// On the scheduler's stack, piece by piece: this polls the future, which becomes the
    /// result, and says whether it has.
    Future(unsafe fn(TaskRef) -> bool),
}

/// What the compiler knows of a task's closure, or future.
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// Drops the result.
    pub(super) drop_result: unsafe fn(TaskRef),
    /// Where the closure and the result are, in bytes from the task.
    pub(super) packet: usize,
    /// Of the task with its packet.
    pub(super) layout: Layout,
}

/// A task: Go's G. Behind it lies the closure, and later its result.
///
/// Atomics are everybody's. The rest is the task's own while it runs, the scheduler's while
/// the scheduler handles it, and nobody's while it waits.
#[repr(C)]
pub(super) struct Task {
    /// Where it has left its stack; null before it begins.
    pub(super) sp: Cell<*mut u8>,
    /// In a [`Queue`](super::queue::Queue): the next.
    pub(super) next: Cell<Option<TaskRef>>,
    pub(super) shape: &'static Shape,
    state: AtomicU32,
    /// How many know of it: itself until it ends, who may join it, each [`Task`](super::Task).
    references: AtomicU32,
    /// Its stack, from its first run on. The task `main` has the initial thread's.
    pub(super) stack: Cell<Option<Stack>>,
    /// How large that is to be, in bytes.
    pub(super) stack_size: usize,
    /// Who waits for its end, or [`Task::ENDED`], or [`Task::DETACHED`], or null.
    pub(super) joiner: AtomicPtr<Wait>,
    /// A future's: whether it is to be polled (`future.rs`).
    pub(super) polling: AtomicU32,
    /// How often it has asked to stay on its thread.
    pub(super) locks: Cell<u32>,
    /// The thread that it stays on, if it does.
    pub(super) locked: Cell<Option<&'static Thread>>,
    /// While it waits: how it is woken, and what for.
    pub(super) wait: Cell<*const Wait>,
    pub(super) reason: Cell<*const Reason>,
    /// The number of its id, or 0 while nobody has asked.
    id: AtomicU64,
    name: Option<Box<str>>,
    /// Task-local values that are to be dropped.
    pub(super) locals: Cell<*mut Node>,
    /// The scope that waits for it, or null.
    pub(super) scope: *const Running,
}

impl Task {
    /// What `joiner` is once the task has ended.
    pub(super) const ENDED: *mut Wait = ptr::without_provenance_mut(1);
    /// What it is if nobody will ask.
    pub(super) const DETACHED: *mut Wait = ptr::without_provenance_mut(2);

    pub(super) fn new(
        shape: &'static Shape,
        stack_size: usize,
        name: Option<Box<str>>,
        scope: *const Running,
    ) -> Task {
        Task {
            sp: Cell::new(ptr::null_mut()),
            next: Cell::new(None),
            shape,
            state: AtomicU32::new(State::Runnable as u32),
            references: AtomicU32::new(2),
            stack: Cell::new(None),
            stack_size,
            joiner: AtomicPtr::new(ptr::null_mut()),
            polling: AtomicU32::new(0),
            locks: Cell::new(0),
            locked: Cell::new(None),
            wait: Cell::new(ptr::null()),
            reason: Cell::new(ptr::null()),
            id: AtomicU64::new(0),
            name,
            locals: Cell::new(ptr::null_mut()),
            scope,
        }
    }

    /// Whether it may leave its thread wherever it is.
    #[inline(always)]
    pub(super) fn has_stack(&self) -> bool {
        matches!(self.shape.kind, Kind::Stack(_))
    }

    #[inline(always)]
    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u32, Relaxed);
    }

    /// Changes its state; in a checked build, it must have been what it is said to have been.
    #[inline(always)]
    pub(super) fn change_state(&self, from: State, to: State) {
        if cfg!(debug_assertions) {
            let was = self.state.swap(to as u32, Relaxed);
            assert!(
                was == from as u32,
                "a task was {was}, not {from:?}, before it was to be {to:?}"
            );
        } else {
            self.set_state(to);
        }
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Relaxed) {
            0 => State::Runnable,
            1 => State::Running,
            2 => State::Syscall,
            3 => State::Waiting,
            4 => State::Preempted,
            _ => State::Dead,
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The number of its id.
    pub(super) fn id(&self) -> u64 {
        /// How many were given.
        static GIVEN: AtomicU64 = AtomicU64::new(0);

        // Tasks that nobody asks do not count.
        if self.id.load(Relaxed) == 0 {
            let id = GIVEN.fetch_add(1, Relaxed) + 1;
            // Another may have been quicker.
            let _ = self.id.compare_exchange(0, id, Relaxed, Relaxed);
        }
        self.id.load(Relaxed)
    }
}

/// One that somebody knows of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskRef(NonNull<Task>);

impl Deref for TaskRef {
    type Target = Task;

    #[inline(always)]
    fn deref(&self) -> &Task {
        // SAFETY: who has one of these has a reference counted, or is the task, or the
        // scheduler, which has the task's own; until they are given back, it stays.
        unsafe { self.0.as_ref() }
    }
}

impl TaskRef {
    pub(super) fn from_ptr(task: NonNull<Task>) -> TaskRef {
        TaskRef(task)
    }

    pub(super) fn as_non_null(self) -> NonNull<Task> {
        self.0
    }

    pub(super) fn as_ptr(self) -> *mut Task {
        self.0.as_ptr()
    }

    /// The closure, or the result.
    pub(super) fn packet<T>(self) -> *mut T {
        self.0
            .as_ptr()
            .cast::<u8>()
            .wrapping_add(self.shape.packet)
            .cast()
    }

    /// One more reference.
    pub(super) fn retain(self) {
        self.references.fetch_add(1, Relaxed);
    }

    /// Gives a reference back.
    ///
    /// # Safety
    ///
    /// The caller has one. Nothing may be left in the packet of the last.
    pub(super) unsafe fn release(self) {
        // As an Arc does it: what others did with the task comes before its end.
        if self.references.fetch_sub(1, AcqRel) == 1 {
            let layout = self.shape.layout;
            // SAFETY: it was allocated with this layout (`main` is never released for the last
            // time), and nobody knows of it any more.
            unsafe {
                self.0.as_ptr().drop_in_place();
                alloc::alloc::dealloc(self.0.as_ptr().cast(), layout);
            }
        }
    }
}

// SAFETY: whoever has it does to it what its fields allow: see `Task`.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

/// A task: what [`thread::Thread`](crate::thread::Thread) is to threads.
/// [`current`](super::current) and [`JoinHandle::task`](super::JoinHandle::task) have them.
pub struct Handle(TaskRef);

impl Handle {
    /// The reference becomes the handle's.
    pub(super) fn new(task: TaskRef) -> Handle {
        Handle(task)
    }

    /// Its id, which no other task of the process has or will have.
    pub fn id(&self) -> TaskId {
        match NonZeroU64::new(self.0.id()) {
            Some(id) => TaskId(id),
            None => unreachable!("it was given one"),
        }
    }

    /// The name that [`Builder::name`](super::Builder::name) gave it, `main` for the one that
    /// runs the program's `main`, or `None`.
    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        self.0.retain();
        Handle(self.0)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is this handle's; a task's packet is empty when the task and who may
        // join it have given theirs back.
        unsafe { self.0.release() };
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// What tells a task from all others of the process, also those that have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskId(NonZeroU64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
