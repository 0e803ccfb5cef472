//! Making tasks, and waiting for their end.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::*;

use alloc::boxed::Box;

use super::running::leave;
use super::sched;
use super::scope::{Running, Scope, ScopedJoinHandle};
use super::task::{Handle, Kind, Shape, State, Task, TaskRef};
use super::thread::{self, Thread};
use super::wait::{Reason, Wait};
use super::{idle, local, stack, start};
use crate::sys::{self, Errno};

#[doc(inline)]
pub use crate::thread::Result;

/// How many bytes of stack a task has unless [`Builder::stack_size`] says otherwise: what is
/// left of 64 KiB, or of 32 where words are half as long, beside a guard. Pages that nobody
/// touches cost nothing.
pub const STACK_SIZE: usize = stack::DEFAULT;

/// Makes a task that runs `main`: Go's `go`, with std's `thread::spawn`'s shape. When the handle
/// is dropped, the task goes on alone.
///
/// The task gets its stack when it first runs. If it panics, the process ends, as by every
/// panic. When the program's `main` returns, the process ends, whatever other tasks do.
///
/// # Panics
///
/// If there is no memory for it: [`Builder::spawn`] returns the error.
#[track_caller]
pub fn spawn<F, T>(main: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match Builder::new().spawn(main) {
        Ok(handle) => handle,
        Err(errno) => panic!("cannot make a task: {errno}"),
    }
}

/// What a task is to be like.
#[derive(Clone, Copy, Debug)]
#[must_use = "only `spawn` makes a task"]
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
    /// A task without a name, with [`STACK_SIZE`] bytes of stack.
    #[inline]
    pub const fn new() -> Builder<'name> {
        Builder {
            name: None,
            stack_size: STACK_SIZE,
        }
    }

    /// It is called `name`, in messages about it.
    #[inline]
    pub const fn name(mut self, name: &'name str) -> Builder<'name> {
        self.name = Some(name);
        self
    }

    /// Its stack has `size` bytes at least: with its guard it has as many pages as a power of
    /// two. Whoever touches the guard gets SIGSEGV.
    #[inline]
    pub const fn stack_size(mut self, size: usize) -> Builder<'name> {
        self.stack_size = size;
        self
    }

    /// Makes the task, which runs `main`: as [`spawn`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for it, `EINVAL` if a stack cannot be that large.
    pub fn spawn<F, T>(self, main: F) -> sys::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: the closure borrows nothing that ends.
        unsafe { self.spawn_in(ptr::null(), main) }.map(JoinHandle)
    }

    /// Makes the task, whose end `scope` waits for: as [`Scope::spawn`].
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
        let running = scope.running();
        running.enter();
        // SAFETY: the scope does not end before the task has left it, and what the closure
        // borrows outlives the scope.
        let join = unsafe { self.spawn_in(running, main) };
        if join.is_err() {
            running.leave();
        }
        join.map(ScopedJoinHandle::new)
    }

    /// # Safety
    ///
    /// What the closure and its result borrow must last until the task has left the scope, or
    /// if there is none for ever.
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

        #[repr(C)]
        struct Whole<F, T> {
            task: Task,
            packet: Packet<F, T>,
        }

        /// Runs the closure.
        ///
        /// # Safety
        ///
        /// It must be there, and this be its task.
        unsafe fn run<F: FnOnce() -> T, T>(task: TaskRef) {
            // SAFETY: the closure is moved out, and the result takes its place.
            unsafe {
                let result = task.packet::<F>().read()();
                task.packet::<T>().write(result);
            }
        }

        /// One for each closure's type.
        struct Known<F, T>(PhantomData<(F, T)>);

        impl<F: FnOnce() -> T, T> Known<F, T> {
            const SHAPE: Shape = Shape {
                kind: Kind::Stack(run::<F, T>),
                drop_result: drop_result::<T>,
                packet: core::mem::offset_of!(Whole<F, T>, packet),
                layout: Layout::new::<Whole<F, T>>(),
            };
        }

        // SAFETY: the shape is that of a task with this closure; the rest is passed on.
        unsafe { self.make(&Known::<F, T>::SHAPE, scope, main) }
    }

    /// Makes the task, and queues it.
    ///
    /// # Safety
    ///
    /// As for [`Builder::spawn_in`]. The shape must have room for `main` in the packet, and what
    /// runs it make a `T` of it.
    pub(super) unsafe fn make<F, T>(
        self,
        shape: &'static Shape,
        scope: *const Running,
        main: F,
    ) -> sys::Result<Join<T>> {
        start::ensure();
        if self.stack_size > stack::MAX {
            return Err(Errno::EINVAL);
        }
        let name = self.name.map(copy).transpose()?;
        // SAFETY: a task has bytes.
        let place = unsafe { alloc::alloc::alloc(shape.layout) };
        let place = NonNull::new(place.cast::<Task>()).ok_or(Errno::ENOMEM)?;
        let task = TaskRef::from_ptr(place);
        // SAFETY: there is room for both.
        unsafe {
            place.write(Task::new(shape, self.stack_size, name, scope));
            task.packet::<F>().write(main);
        }
        sched::begin(task);
        Ok(Join {
            task,
            result: PhantomData,
        })
    }
}

/// Drops a task's result.
///
/// # Safety
///
/// It must be there, and the caller's.
pub(super) unsafe fn drop_result<T>(task: TaskRef) {
    // SAFETY: passed on to the caller.
    unsafe { task.packet::<T>().drop_in_place() };
}

/// A copy of the name.
fn copy(name: &str) -> sys::Result<Box<str>> {
    let mut copy = alloc::string::String::new();
    copy.try_reserve_exact(name.len())
        .map_err(|_| Errno::ENOMEM)?;
    copy.push_str(name);
    Ok(copy.into_boxed_str())
}

/// Where a task begins, pinned, on its own stack.
pub(super) extern "C" fn begin() -> ! {
    let task = thread::current().and_then(|thread| thread.task.get());
    let Some(task) = task else {
        unreachable!("no task begins");
    };
    thread::unpin();
    if let Kind::Stack(run) = task.shape.kind {
        // SAFETY: the closure is there.
        unsafe { run(task) };
    }
    finish(task);
    let Some(thread) = thread::pin() else {
        unreachable!("a task runs on no thread");
    };
    leave(thread, end);
    unreachable!("an ended task runs")
}

/// What a task does last: whoever waits for its end goes on.
pub(super) fn finish(task: TaskRef) {
    local::drop_values(task);
    // SAFETY: a scope waits until its tasks have left it.
    if let Some(scope) = unsafe { task.scope.as_ref() } {
        scope.leave();
    }
    // The result belongs to whoever comes here after the other.
    match task.joiner.swap(Task::ENDED, AcqRel) {
        // SAFETY: it is there, and nobody wants it.
        Task::DETACHED => unsafe { (task.shape.drop_result)(task) },
        joiner if joiner.is_null() => {}
        // SAFETY: who joins waits until it is woken; nobody else claims it.
        joiner => unsafe {
            (*joiner).claim(1);
            Wait::wake(joiner);
        },
    }
}

/// On the scheduler's stack: the task has ended.
pub(super) fn end(thread: &Thread, task: TaskRef) -> Option<TaskRef> {
    task.change_state(State::Running, State::Dead);
    thread.task.set(None);
    thread.take_stack(task);
    sched::count_ended(thread);
    if task.locked.get().is_some() {
        idle::retire(thread);
    }
    // SAFETY: it is the task's own; whoever joins it has the result, or it is dropped.
    unsafe { task.release() };
    None
}

/// Who may join a task.
pub(super) struct Join<T> {
    task: TaskRef,
    result: PhantomData<T>,
}

impl<T> Join<T> {
    /// Waits for the task's end, and takes its result.
    #[track_caller]
    pub(super) fn join(self) -> T {
        if !self.has_ended() {
            self.wait(Reason::to("join a task"));
        }
        self.take()
    }

    /// Whether the task is done with everything that others may see.
    pub(super) fn has_ended(&self) -> bool {
        self.task.joiner.load(Acquire) == Task::ENDED
    }

    /// Takes the result of a task that has ended.
    pub(super) fn take(self) -> T {
        let task = ManuallyDrop::new(self).task;
        // SAFETY: a task does not end before its result lies there, which now is moved out. The
        // reference is this value's.
        unsafe {
            let result = task.packet::<T>().read();
            task.release();
            result
        }
    }

    fn wait(&self, reason: Reason) {
        let wait = Wait::new();
        // SAFETY: it stays until the task has woken it.
        if unsafe { self.expect(&wait) } {
            wait.park(reason, None);
        }
    }

    /// Has the task's end claim the wait and wake it, unless it has ended. Whether it will.
    ///
    /// # Safety
    ///
    /// The wait stays until it was woken, or [`Join::expect_no_more`] has returned.
    pub(super) unsafe fn expect(&self, wait: &Wait) -> bool {
        let place = ptr::from_ref(wait).cast_mut();
        self.task
            .joiner
            .compare_exchange(ptr::null_mut(), place, AcqRel, Acquire)
            .is_ok()
    }

    /// Has the task wake that wait no more: it may just do so, and then this returns when it
    /// has.
    pub(super) fn expect_no_more(&self, wait: &Wait) {
        let place = ptr::from_ref(wait).cast_mut();
        if self
            .task
            .joiner
            .compare_exchange(place, ptr::null_mut(), AcqRel, Acquire)
            .is_err()
        {
            wait.cancel();
        }
    }

    pub(super) fn handle(&self) -> Handle {
        self.task.retain();
        Handle::new(self.task)
    }
}

impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        // SAFETY: a task that has ended has left the result to this value, whose the reference
        // is too.
        unsafe {
            if self.task.joiner.swap(Task::DETACHED, AcqRel) == Task::ENDED {
                self.task.packet::<T>().drop_in_place();
            }
            self.task.release();
        }
    }
}

/// Who may [`join`](JoinHandle::join) a task. If it is dropped, the task goes on alone, and
/// nobody learns of its end.
pub struct JoinHandle<T>(Join<T>);

// SAFETY: the result is made by another task than the one that takes it, so it is Send; nothing
// lends it.
unsafe impl<T> Send for JoinHandle<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// Waits for the task's end and returns its closure's result. Its task-local values have
    /// been dropped by then. A task that joins itself waits for ever.
    ///
    /// # Errors
    ///
    /// None: a task that panics ends the process.
    #[inline]
    #[track_caller]
    pub fn join(self) -> Result<T> {
        Ok(self.0.join())
    }

    /// The task.
    #[inline]
    pub fn task(&self) -> Handle {
        self.0.handle()
    }

    /// Whether the task has ended, so that [`JoinHandle::join`] does not wait long.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.0.has_ended()
    }
}

impl<T> JoinHandle<T> {
    pub(super) fn new(join: Join<T>) -> JoinHandle<T> {
        JoinHandle(join)
    }

    pub(super) fn into_join(self) -> Join<T> {
        self.0
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}
