//! Futures: tasks without a stack.
//!
//! [`spawn`] makes a task of a future. It waits for its turn in the same queues as others, and
//! takes no more memory than its state: for a hundred thousand connections that are idle. It is
//! polled on the scheduler's stack, so what it calls has less than 64 KiB,
//! and it can leave its thread only between two polls: it is never turned out by a signal, and what
//! would have a task wait (locks, channels, [`JoinHandle::join`]) has its thread wait, whose
//! processor goes to others meanwhile. What waits as futures do is here: [`sleep`], [`transfer`],
//! [`join`], and any other crate's that needs no more than a [`Waker`].

use core::alloc::Layout;
use core::future::Future;
use core::marker::{PhantomData, PhantomPinned};
use core::mem::{ManuallyDrop, offset_of};
use core::pin::{Pin, pin};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering::*};
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use core::time::Duration;

use alloc::sync::Arc;
use alloc::task::Wake;

use super::poller::Watch;
use super::processor::Processor;
use super::sched;
use super::spawn::{self, Builder, Join, JoinHandle};
use super::task::{Kind, Shape, State, Task, TaskRef};
use super::thread::{self, Thread};
use super::timer::Timer;
use super::wait::{Reason, Wait};
use super::{idle, start};
use crate::sync::prim;
use crate::sys::{self, BorrowedFd};

#[doc(no_inline)]
pub use crate::sys::hook::Interest;

// What a task's `polling` says.

/// It is queued: as all zeros.
const QUEUED: u32 = 0;
/// It is being polled.
const POLLING: u32 = 1;
/// It is being polled, and was woken since that began.
const POLL_AGAIN: u32 = 2;
/// It waits to be woken.
const WAITING: u32 = 3;
/// It has ended.
const ENDED: u32 = 4;

/// Makes a task of a future. It can be joined like others, from a task ([`JoinHandle::join`]) or
/// from a future ([`join`]).
///
/// # Panics
///
/// If there is no memory for it.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match Builder::new().spawn_future(future) {
        Ok(handle) => handle,
        Err(errno) => panic!("cannot make a task: {errno}"),
    }
}

impl Builder<'_> {
    /// Makes a task of a future: as [`spawn`](self::spawn).
    ///
    /// # Errors
    ///
    /// `ENOMEM` if there is no memory for it.
    pub fn spawn_future<F>(self, future: F) -> sys::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        /// The future, and later its result.
        #[repr(C)]
        union Packet<F: Future> {
            future: ManuallyDrop<F>,
            result: ManuallyDrop<F::Output>,
        }

        #[repr(C)]
        struct Whole<F: Future> {
            task: Task,
            packet: Packet<F>,
        }

        /// Polls the future. Whether it has become its result.
        ///
        /// # Safety
        ///
        /// It must be there, and this be its task.
        unsafe fn poll<F: Future>(task: TaskRef) -> bool {
            // SAFETY: the future stays where it is until it has ended; the result takes its
            // place. The waker has a reference of its own.
            unsafe {
                task.retain();
                let waker = Waker::from_raw(raw_waker(task));
                let future = Pin::new_unchecked(&mut *task.packet::<F>());
                match future.poll(&mut Context::from_waker(&waker)) {
                    Poll::Pending => false,
                    Poll::Ready(result) => {
                        task.packet::<F>().drop_in_place();
                        task.packet::<F::Output>().write(result);
                        true
                    }
                }
            }
        }

        /// One for each future's type.
        struct Known<F>(PhantomData<F>);

        impl<F: Future> Known<F> {
            const SHAPE: Shape = Shape {
                kind: Kind::Future(poll::<F>),
                drop_result: spawn::drop_result::<F::Output>,
                packet: offset_of!(Whole<F>, packet),
                layout: Layout::new::<Whole<F>>(),
            };
        }

        // SAFETY: the shape is that of a task with this future, which borrows nothing that
        // ends.
        unsafe { self.make(&Known::<F>::SHAPE, ptr::null(), future) }.map(JoinHandle::new)
    }
}

impl Thread {
    /// Polls a task that is a future, and says what to run in its place. The thread has a
    /// processor before and after, on perhaps another.
    pub(super) fn poll_future(
        &self,
        task: TaskRef,
        poll: unsafe fn(TaskRef) -> bool,
    ) -> Option<TaskRef> {
        task.change_state(State::Runnable, State::Running);
        task.polling.store(POLLING, Relaxed);
        self.task.set(Some(task));
        // Its system calls are a task's.
        thread::unpin();
        // SAFETY: the future is there.
        let has_ended = unsafe { poll(task) };
        if has_ended {
            spawn::finish(task);
        }
        thread::pin();
        if has_ended {
            task.polling.store(ENDED, Relaxed);
            return spawn::end(self, task);
        }
        self.task.set(None);
        task.change_state(State::Running, State::Waiting);
        let waits = task
            .polling
            .compare_exchange(POLLING, WAITING, AcqRel, Acquire)
            .is_ok();
        // From here on somebody else may poll it, unless it was woken already.
        if !waits {
            task.polling.store(QUEUED, Relaxed);
            task.change_state(State::Waiting, State::Runnable);
            if let Some(processor) = self.processor.get() {
                self.queue(processor, task);
            }
        }
        None
    }
}

/// Has the task polled once more.
fn wake(task: TaskRef) {
    let change = task
        .polling
        .try_update(AcqRel, Acquire, |polling| match polling {
            WAITING => Some(QUEUED),
            POLLING => Some(POLL_AGAIN),
            _ => None,
        });
    if change == Ok(WAITING) {
        sched::ready(task);
    }
}

/// A waker has a reference to its task.
static WAKER: RawWakerVTable = {
    // SAFETY: for all of these: a waker's data is the task, of which it has a reference.
    unsafe fn clone(data: *const ()) -> RawWaker {
        let task = unsafe { of_waker(data) };
        task.retain();
        raw_waker(task)
    }
    unsafe fn wake_it(data: *const ()) {
        // SAFETY: as above; the waker is no more, and its reference is given back.
        unsafe {
            wake(of_waker(data));
            of_waker(data).release();
        }
    }
    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: as above.
        wake(unsafe { of_waker(data) });
    }
    unsafe fn drop_it(data: *const ()) {
        // SAFETY: as for `wake_it`.
        unsafe { of_waker(data).release() };
    }
    RawWakerVTable::new(clone, wake_it, wake_by_ref, drop_it)
};

fn raw_waker(task: TaskRef) -> RawWaker {
    RawWaker::new(task.as_ptr().cast_const().cast(), &WAKER)
}

/// # Safety
///
/// It must be a waker's data.
unsafe fn of_waker(data: *const ()) -> TaskRef {
    // SAFETY: that is a task.
    TaskRef::from_ptr(unsafe { ptr::NonNull::new_unchecked(data.cast_mut().cast()) })
}

/// Polls a future in the calling task, or on the calling thread, until it has a result. Between
/// two polls the task waits, as for anything else.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let reason = Reason::to("go on with a future");
    let mut future = pin!(future);
    let bell = Arc::new(Bell(AtomicPtr::new(ptr::null_mut())));
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        bell.wait(reason);
    }
}

/// What wakes who is in [`block_on`]: who waits, or [`Bell::RUNG`], or null.
struct Bell(AtomicPtr<Wait>);

impl Bell {
    const RUNG: *mut Wait = ptr::without_provenance_mut(1);

    /// Waits until it has rung since the last time.
    fn wait(&self, reason: Reason) {
        let wait = Wait::new();
        let place = ptr::from_ref(&wait).cast_mut();
        let is_silent = self
            .0
            .compare_exchange(ptr::null_mut(), place, AcqRel, Acquire)
            .is_ok();
        if is_silent {
            wait.park(reason, None);
        }
        self.0.swap(ptr::null_mut(), AcqRel);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        let waiting = self.0.swap(Bell::RUNG, AcqRel);
        if !waiting.is_null() && waiting != Bell::RUNG {
            // SAFETY: who waits stays until this has woken it, and who has taken it out is the
            // only one to.
            unsafe {
                (*waiting).claim(1);
                Wait::wake(waiting);
            }
        }
    }
}

/// Waits as long as the duration says, at least: [`task::sleep`](super::sleep), for futures.
///
/// # Panics
///
/// If the clock cannot be read, as under a seccomp filter that allows no clock.
pub fn sleep(duration: Duration) -> Sleep {
    let until = prim::after(duration).map_or(u64::MAX, sched::nanoseconds);
    Sleep {
        until,
        sleeping: None,
        _pinned: PhantomPinned,
    }
}

/// What [`sleep`] returns.
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    until: u64,
    sleeping: Option<Sleeping>,
    _pinned: PhantomPinned,
}

/// A timer, which finds the wait by its address, and where it was added.
struct Sleeping {
    wait: Wait,
    timer: Option<(Timer, &'static Processor)>,
}

// SAFETY: the timer is looked at by others under its heap's lock alone, and taken out before
// this goes.
unsafe impl Send for Sleep {}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: nothing is moved.
        let this = unsafe { self.get_unchecked_mut() };
        if let Some(sleeping) = &this.sleeping {
            return sleeping.wait.poll(context.waker()).map(drop);
        }
        if sched::now() >= this.until {
            return Poll::Ready(());
        }
        start::ensure();
        let sleeping = this.sleeping.insert(Sleeping {
            wait: Wait::of_future(context.waker().clone()),
            timer: None,
        });
        let own = thread::pin().and_then(|thread| thread.processor.get());
        let processor = own.unwrap_or_else(|| sched::SCHED.processor(0));
        let timer = Timer::new(this.until, &raw const sleeping.wait);
        let (timer, _) = sleeping.timer.insert((timer, processor));
        // SAFETY: both stay here, pinned, until this drops, which cancels the timer first.
        unsafe { processor.timers.add(timer) };
        thread::unpin();
        idle::expect_timer(this.until);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(Sleeping {
            wait,
            timer: Some((timer, processor)),
        }) = &self.sleeping
        {
            // SAFETY: it was added there.
            unsafe { processor.timers.cancel(timer) };
            wait.cancel();
        }
    }
}

/// Makes attempts to transfer something until one need not wait: `attempt` does what must not
/// block, as a call with `MSG_DONTWAIT` or on a descriptor with `O_NONBLOCK`, and as long as it
/// fails with `EAGAIN` it is called again when the descriptor may be ready.
///
/// # Errors
///
/// Those of `attempt`, but for `EAGAIN`; `EMFILE`, `ENFILE`, `ENOMEM` and `ENOSPC` if the
/// descriptor cannot be watched, as epoll_ctl(2) has them.
pub fn transfer<T, F>(fd: BorrowedFd<'_>, interest: Interest, attempt: F) -> Transfer<'_, F>
where
    F: FnMut() -> sys::Result<T>,
{
    Transfer {
        watch: Watch::new(fd, interest),
        attempt,
    }
}

/// What [`transfer`] returns.
#[must_use = "futures do nothing unless polled"]
pub struct Transfer<'fd, F> {
    watch: Watch<'fd>,
    attempt: F,
}

impl<T, F> Future for Transfer<'_, F>
where
    F: FnMut() -> sys::Result<T>,
{
    type Output = sys::Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<sys::Result<T>> {
        // SAFETY: the watch stays pinned, and the closure is never said to be.
        let (watch, attempt) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.watch), &mut this.attempt)
        };
        watch.poll(context.waker(), attempt)
    }
}

/// Waits for a task's end and returns its result: [`JoinHandle::join`], for futures.
pub fn join<T>(task: JoinHandle<T>) -> Joining<T> {
    Joining {
        wait: None,
        join: Some(task.into_join()),
        _pinned: PhantomPinned,
    }
}

/// What [`join`] returns.
#[must_use = "futures do nothing unless polled"]
pub struct Joining<T> {
    wait: Option<Wait>,
    join: Option<Join<T>>,
    _pinned: PhantomPinned,
}

// SAFETY: as for JoinHandle.
unsafe impl<T> Send for Joining<T> {}

impl<T> Future for Joining<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // SAFETY: nothing is moved but the handle, which nobody has the address of.
        let this = unsafe { self.get_unchecked_mut() };
        let Some(join) = this.join.as_ref() else {
            panic!("a future is polled that has ended");
        };
        if let Some(wait) = &this.wait {
            if wait.poll(context.waker()).is_pending() {
                return Poll::Pending;
            }
        } else if !join.has_ended() {
            let wait = this.wait.insert(Wait::of_future(context.waker().clone()));
            // SAFETY: it stays here, pinned, until this drops, which sees to it first.
            if unsafe { join.expect(wait) } {
                return Poll::Pending;
            }
            this.wait = None;
        }
        // It has woken this, and will not again.
        this.wait = None;
        match this.join.take() {
            Some(join) => Poll::Ready(join.take()),
            None => unreachable!("it was there"),
        }
    }
}

impl<T> Drop for Joining<T> {
    fn drop(&mut self) {
        if let (Some(join), Some(wait)) = (&self.join, &self.wait) {
            join.expect_no_more(wait);
        }
    }
}
