//! Making threads, and waiting for their end.

use core::alloc::Layout;
use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::*};

use super::control::{Control, ControlRef, Thread};
#[cfg(feature = "alloc")]
use super::list;
use super::scope::{Running, Scope, ScopedJoinHandle};
use super::{local, stack};
use crate::signal::{self, AltStack};
use crate::sync;
use crate::sys::{self, Address, CloneFlags, Prctl, Word};

// What becomes of a closure's result: `Control::outcome` begins with 0.

/// The closure has returned, and the result lies where it lay.
const RETURNED: u32 = 1;
/// There is no result to be had: nobody wants it, or somebody took it.
const DETACHED: u32 = 2;

/// Whether the program has made threads.
static MADE: AtomicBool = AtomicBool::new(false);

/// Whether the program has made threads, others than the scheduler's.
#[cfg(feature = "alloc")]
pub(crate) fn were_made() -> bool {
    MADE.load(Relaxed)
}

/// How many bytes of stack a thread has unless [`Builder::stack_size`] says otherwise: as
/// many as std's. Pages that nobody touches cost nothing.
pub const STACK_SIZE: usize = 2 << 20;

/// How many it has at least: a frame of a signal handler, with all of the processor's
/// registers, and some calls.
pub const STACK_MIN: usize = 16 << 10;

/// Makes a thread that runs `main`: std's `thread::spawn`. When the handle is dropped, the
/// thread goes on alone.
///
/// The closure, its result and the stack are in one mapping (mmap(2)): this needs no heap.
/// If the thread panics, the process ends, as by every panic. When the initial thread
/// returns from the program's `main`, the process ends, whatever others do.
///
/// # Panics
///
/// If the kernel makes no thread: [`Builder::spawn`] returns the error.
#[track_caller]
pub fn spawn<F, T>(main: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match Builder::new().spawn(main) {
        Ok(handle) => handle,
        Err(errno) => panic!("cannot make a thread: {errno}"),
    }
}

/// What a thread is to be like: std's `thread::Builder`.
#[derive(Clone, Copy, Debug)]
#[must_use = "only `spawn` makes a thread"]
pub struct Builder<'name> {
    name: Option<&'name str>,
    stack_size: usize,
}

impl Default for Builder<'_> {
    fn default() -> Self {
        Builder::new()
    }
}

impl<'name> Builder<'name> {
    /// A thread without a name, with [`STACK_SIZE`] bytes of stack.
    #[inline]
    pub const fn new() -> Builder<'name> {
        Builder {
            name: None,
            stack_size: STACK_SIZE,
        }
    }

    /// It is called `name`; the empty name is none. The kernel keeps the first 15 bytes
    /// (prctl(2), `PR_SET_NAME`), which ps(1) and `/proc/self/task/TID/comm` show;
    /// [`Thread::name`] has them all.
    #[inline]
    pub const fn name(mut self, name: &'name str) -> Builder<'name> {
        self.name = Some(name);
        self
    }

    /// Its stack has `size` bytes, or [`STACK_MIN`] if that is more. Below them is a guard:
    /// whoever touches it gets SIGSEGV.
    #[inline]
    pub const fn stack_size(mut self, size: usize) -> Builder<'name> {
        self.stack_size = size;
        self
    }

    /// Makes the thread, which runs `main`: as [`spawn`].
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there are too many threads or processes (RLIMIT_NPROC, the system's or
    /// the cgroup's limit), `ENOMEM` if there is no memory for it or too many mappings,
    /// `EINVAL` if the name has a zero in it.
    #[inline]
    pub fn spawn<F, T>(self, main: F) -> sys::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        MADE.store(true, Relaxed);
        // SAFETY: the closure borrows nothing that ends.
        unsafe { self.spawn_in(ptr::null(), main) }.map(JoinHandle)
    }

    /// As [`Builder::spawn`], for a thread of the scheduler's own.
    #[cfg(feature = "alloc")]
    pub(crate) fn spawn_own(self, main: impl FnOnce() + Send + 'static) -> sys::Result<()> {
        // SAFETY: as above.
        unsafe { self.spawn_in(ptr::null(), main) }.map(drop)
    }

    /// Makes the thread, whose end `scope` waits for: as [`Scope::spawn`].
    ///
    /// # Errors
    ///
    /// As for [`Builder::spawn`].
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        main: F,
    ) -> sys::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        MADE.store(true, Relaxed);
        let running = scope.running();
        running.enter();
        // SAFETY: the scope does not end before the thread has left it, and what the closure
        // borrows outlives the scope.
        let join = unsafe { self.spawn_in(running, main) };
        if join.is_err() {
            running.leave();
        }
        join.map(ScopedJoinHandle::new)
    }

    /// # Safety
    ///
    /// What the closure and its result borrow must last until the thread has left the scope,
    /// or if there is none for ever.
    unsafe fn spawn_in<F, T>(self, scope: *const Running, main: F) -> sys::Result<Join<T>>
    where
        F: FnOnce() -> T,
    {
        /// The closure, and later its result.
        #[repr(C)]
        union Packet<F, T> {
            main: ManuallyDrop<F>,
            result: ManuallyDrop<T>,
        }

        /// Runs the closure.
        ///
        /// # Safety
        ///
        /// It must be there, and this be its thread.
        unsafe fn run<F: FnOnce() -> T, T>(control: &Control) {
            // SAFETY: the closure is moved out; the result takes its place, and belongs to
            // whoever changes the outcome after the other.
            unsafe {
                let result = control.packet.cast::<F>().read()();
                control.packet.cast::<T>().write(result);
                if control.outcome.swap(RETURNED, AcqRel) == DETACHED {
                    control.packet.cast::<T>().drop_in_place();
                }
            }
        }

        let packet = Layout::new::<Packet<F, T>>();
        let control = stack::allocate(self.stack_size.max(STACK_MIN), packet, self.name)?;
        match signal::overflow_stack(stack::guard(control)) {
            Ok(None) => {}
            Ok(alternate) => control.alternate.set(alternate),
            Err(errno) => {
                stack::give_back(control);
                return Err(errno);
            }
        }
        // SAFETY: there is no thread yet: the block is this function's alone. The packet is
        // large and aligned enough for both.
        unsafe {
            (*control.as_ptr()).run = Some(run::<F, T>);
            (*control.as_ptr()).scope = scope;
            control.packet.cast::<F>().write(main);
            if let Err(errno) = start(control) {
                control.packet.cast::<F>().drop_in_place();
                drop(alternate(control));
                stack::give_back(control);
                return Err(errno);
            }
        }
        Ok(Join {
            thread: Thread::from(control),
            result: PhantomData,
        })
    }
}

/// Has the kernel make the thread.
///
/// # Safety
///
/// All of the block must have been written.
unsafe fn start(control: ControlRef) -> sys::Result<()> {
    sync::expect_threads();
    // What threads of a process share (clone(2), as pthread_create(3) calls it), and:
    let flags = CloneFlags::VM
        | CloneFlags::FS
        | CloneFlags::FILES
        | CloneFlags::SIGHAND
        | CloneFlags::THREAD
        | CloneFlags::SYSVSEM
        | CloneFlags::SETTLS
        | CloneFlags::PARENT_SETTID
        | CloneFlags::CHILD_CLEARTID;
    // Whoever finds the id 0 knows that the thread is gone: so the kernel writes it before
    // this call returns.
    let tid = control.tid.as_ptr().cast();
    let area = crate::arch::ThreadArea::new(control.pointer);
    #[cfg(feature = "alloc")]
    list::set(control, true);
    // SAFETY: the stack ends below the packet, and is the thread's alone; the id and the
    // thread pointer are in its mapping.
    let made = unsafe {
        sys::clone_on_stack(
            flags,
            None,
            control.packet.cast(),
            tid,
            tid,
            area.as_argument().cast(),
            enter,
            control.as_ptr().cast(),
        )
    };
    #[cfg(feature = "alloc")]
    if made.is_err() {
        list::set(control, false);
    }
    made.map(drop)
}

/// The stack on which the thread reports that it has overflowed its own, once, in a program
/// that wants this reported.
#[inline(always)]
fn alternate(control: ControlRef) -> Option<AltStack> {
    match signal::reports_stack_overflow() {
        true => control.alternate.take(),
        false => None,
    }
}

/// What a thread does.
extern "C" fn enter(control: Address) -> ! {
    // SAFETY: it is this thread's, which has a reference.
    let control = unsafe { ControlRef::from_ptr(control.cast()) };
    if let Some(name) = control.name() {
        let none = Word::from(0_u32);
        // SAFETY: the kernel reads a string. It is there, so this cannot fail.
        let _ = unsafe { sys::prctl(Prctl::SET_NAME, name.as_ptr().into(), none, none, none) };
    }
    // It cannot fail: the thread runs on no other.
    let alternate = alternate(control).map(AltStack::install);
    if let Some(run) = control.run {
        // SAFETY: the closure is there.
        unsafe { run(&control) };
    }
    local::drop_values(&control);
    drop(alternate);
    // SAFETY: a scope waits until its threads have left it.
    if let Some(scope) = unsafe { control.scope.as_ref() } {
        scope.leave();
    }
    stack::leave(control)
}

/// What [`JoinHandle::join`] returns: std's `thread::Result`. There are no errors: where std
/// has what a thread panicked with, here the process has ended.
pub type Result<T> = core::result::Result<T, Infallible>;

/// Who may join a thread.
pub(super) struct Join<T> {
    pub(super) thread: Thread,
    result: PhantomData<T>,
}

impl<T> Join<T> {
    /// Waits for the thread's end, and takes its result.
    pub(super) fn join(self) -> T {
        let control = self.thread.control();
        control.wait();
        // No other thread looks at it any more.
        control.outcome.store(DETACHED, Relaxed);
        // SAFETY: a thread does not end before its result lies there, which now is moved
        // out.
        unsafe { control.packet.cast::<T>().read() }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.control().outcome.load(Acquire) == RETURNED
    }
}

impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        let control = self.thread.control();
        if control.outcome.swap(DETACHED, AcqRel) == RETURNED {
            // SAFETY: the thread has written it, and will not drop it.
            unsafe { control.packet.cast::<T>().drop_in_place() };
        }
    }
}

/// Who may [`join`](JoinHandle::join) a thread: std's `thread::JoinHandle`. If it is dropped,
/// the thread goes on alone, and nobody learns of its end.
pub struct JoinHandle<T>(Join<T>);

// SAFETY: the result is made by another thread than the one that takes it, so it is Send;
// nothing lends it.
unsafe impl<T> Send for JoinHandle<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// Waits for the thread's end and returns its closure's result. Its thread-local values
    /// have been dropped by then. A thread that joins itself waits for ever.
    ///
    /// # Errors
    ///
    /// None: a thread that panics ends the process.
    #[inline]
    pub fn join(self) -> Result<T> {
        Ok(self.0.join())
    }

    /// The thread.
    #[inline]
    pub fn thread(&self) -> &Thread {
        &self.0.thread
    }

    /// Whether the closure has returned, so that [`JoinHandle::join`] does not wait long.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}
