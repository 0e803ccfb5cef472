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
use super::task::{Handle, Shape, State, Task, TaskRef};
use super::thread::{self, Thread};
use super::wait::{Reason, Wait};
use super::{idle, local, stack, start};
use crate::sys::{self, Errno};

#[doc(inline)]
pub use crate::thread::Result;

// What becomes of a closure's result: `Task::outcome` begins with 0.

/// The closure has returned, and the result lies where it lay.
const RETURNED: u32 = 1;
/// There is no result to be had: nobody wants it, or somebody took it.
const DETACHED: u32 = 2;

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
            // SAFETY: the closure is moved out; the result takes its place, and belongs to
            // whoever changes the outcome after the other.
            unsafe {
                let result = task.packet::<F>().read()();
                task.packet::<T>().write(result);
                if task.outcome.swap(RETURNED, AcqRel) == DETACHED {
                    task.packet::<T>().drop_in_place();
                }
            }
        }

        /// One for each closure's type.
        struct Known<F, T>(PhantomData<(F, T)>);

        impl<F: FnOnce() -> T, T> Known<F, T> {
            const SHAPE: Shape = Shape {
                run: run::<F, T>,
                packet: core::mem::offset_of!(Whole<F, T>, packet),
                layout: Layout::new::<Whole<F, T>>(),
            };
        }

        start::ensure();
        if self.stack_size > stack::MAX {
            return Err(Errno::EINVAL);
        }
        let name = self.name.map(copy).transpose()?;
        // SAFETY: a task has bytes.
        let place = unsafe { alloc::alloc::alloc(Layout::new::<Whole<F, T>>()) };
        let place = NonNull::new(place.cast::<Task>()).ok_or(Errno::ENOMEM)?;
        let task = TaskRef::from_ptr(place);
        // SAFETY: there is room for both.
        unsafe {
            place.write(Task::new(
                &Known::<F, T>::SHAPE,
                self.stack_size,
                name,
                scope,
            ));
            task.packet::<F>().write(main);
        }
        sched::count_spawned();
        sched::submit(task, true);
        Ok(Join {
            task,
            result: PhantomData,
        })
    }
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
    // SAFETY: the closure is there.
    unsafe { (task.shape.run)(task) };
    local::drop_values(task);
    // SAFETY: a scope waits until its tasks have left it.
    if let Some(scope) = unsafe { task.scope.as_ref() } {
        scope.leave();
    }
    let joiner = task.joiner.swap(Task::ENDED, AcqRel);
    if !joiner.is_null() {
        // SAFETY: who joins waits until it is woken; nobody else claims it.
        unsafe {
            (*joiner).claim(1);
            Wait::wake(joiner);
        }
    }
    let Some(thread) = thread::pin() else {
        unreachable!("a task runs on no thread");
    };
    leave(thread, end);
    unreachable!("an ended task runs")
}

/// On the scheduler's stack: the task has ended.
fn end(thread: &Thread, task: TaskRef) -> Option<TaskRef> {
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
        let task = self.task;
        if task.joiner.load(Acquire) != Task::ENDED {
            self.wait(Reason::to("join a task"));
        }
        // Nobody else looks at it any more.
        task.outcome.store(DETACHED, Relaxed);
        // SAFETY: a task does not end before its result lies there, which now is moved out.
        unsafe { task.packet::<T>().read() }
    }

    fn wait(&self, reason: Reason) {
        let wait = Wait::new();
        let joiner = &self.task.joiner;
        let place = ptr::from_ref(&wait).cast_mut();
        if joiner
            .compare_exchange(ptr::null_mut(), place, AcqRel, Acquire)
            .is_ok()
        {
            wait.park(reason, None);
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.task.outcome.load(Acquire) == RETURNED
    }

    pub(super) fn handle(&self) -> Handle {
        self.task.retain();
        Handle::new(self.task)
    }
}

impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        // SAFETY: when the outcome says so, the task has written the result, and will not drop
        // it. The reference is this value's.
        unsafe {
            if self.task.outcome.swap(DETACHED, AcqRel) == RETURNED {
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
