//! Threads that have no processor, and processors that have no thread.

use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::*, fence};
use core::time::Duration;

use super::deadlock;
use super::processor::Processor;
use super::sched::{SCHED, Shared, attention, wake_one};
use super::task::{State, Task, TaskRef};
use super::thread::{self, Thread};
use super::{poller, sysmon};
use crate::arch;
use crate::sync::prim;
use crate::sys::{self, MaskHow};
use crate::thread as threads;

/// How long a thread sleeps before it ends, if there are more that sleep than processors.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many bytes of stack a thread of the scheduler has: tasks have their own.
const STACK: usize = 64 << 10;

/// A list of threads that sleep, of which whoever wakes one takes the last: its memory is
/// still in the caches.
impl Shared {
    fn take_thread(&mut self) -> Option<&'static Thread> {
        let thread = self.idle_threads?;
        self.idle_threads = thread.next.take();
        self.asleep -= 1;
        Some(thread)
    }

    fn put_thread(&mut self, thread: &Thread) {
        // SAFETY: it lies on the thread's stack, and the thread does not go on before it was
        // taken out.
        let thread: &'static Thread = unsafe { &*ptr::from_ref(thread) };
        thread.next.set(self.idle_threads.replace(thread));
        self.asleep += 1;
    }

    /// Takes that one out. Whether it was there.
    fn remove_thread(&mut self, thread: &Thread) -> bool {
        let mut link = None::<&Thread>;
        let mut at = self.idle_threads;
        while let Some(other) = at {
            if ptr::eq(other, thread) {
                match link {
                    Some(before) => before.next.set(other.next.take()),
                    None => self.idle_threads = other.next.take(),
                }
                self.asleep -= 1;
                return true;
            }
            link = Some(other);
            at = other.next.get();
        }
        false
    }
}

impl Thread {
    /// Sleeps until somebody has a processor for the thread. False if it was one too many for
    /// long, and is to end.
    pub(super) fn sleep(&self) -> bool {
        debug_assert!(
            self.processor.get().is_none(),
            "a thread sleeps with a processor"
        );
        let is_spare = {
            let mut shared = SCHED.shared.lock();
            shared.put_thread(self);
            deadlock::check(&shared);
            !self.is_initial && shared.asleep > SCHED.count.load(Relaxed)
        };
        let deadline = is_spare.then(|| prim::after(PATIENCE)).flatten();
        if !self.note.sleep(deadline) {
            let mut shared = SCHED.shared.lock();
            let is_spare = shared.asleep > SCHED.count.load(Relaxed);
            if is_spare && shared.remove_thread(self) {
                shared.threads -= 1;
                return false;
            }
            drop(shared);
            self.note.sleep(None);
        }
        self.take_given();
        true
    }

    /// Goes on with the processor that it was woken for.
    fn take_given(&self) {
        if let Some(processor) = self.given.take() {
            self.acquire(processor);
        }
    }

    /// Wakes the thread, to go on with that processor.
    fn give(&self, processor: &'static Processor) {
        self.given.set(Some(processor));
        self.note.wake();
    }

    /// Waits until the task that the thread is for is to run.
    pub(super) fn wait_for_locked(&self) {
        if let Some(processor) = self.processor.take() {
            processor.thread.store(0, Relaxed);
            hand_off(processor);
        }
        {
            let mut shared = SCHED.shared.lock();
            shared.waiting_locked += 1;
            deadlock::check(&shared);
        }
        self.note.sleep(None);
        self.take_given();
    }

    /// Waits for a processor where the task cannot leave the thread, in the midst of a future or of
    /// a signal handler: as if it was locked to it.
    pub(super) fn wait_here(&'static self, task: TaskRef) {
        let before = task.locked.replace(Some(self));
        task.change_state(State::Syscall, State::Runnable);
        let taken = {
            let mut shared = SCHED.shared.lock();
            let taken = SCHED.take_idle(&mut shared);
            if taken.is_none() {
                shared.waiting_locked += 1;
                SCHED.submit(&mut shared, task);
            }
            taken
        };
        match taken {
            Some(processor) => self.acquire(processor),
            None => {
                self.note.sleep(None);
                self.take_given();
            }
        }
        task.locked.set(before);
        task.set_state(State::Running);
    }

    /// Gives the processor to the thread that alone may run the task that was found.
    pub(super) fn hand_to_locked(&self, other: &Thread) {
        let processor = self.release();
        // Here and not by the other thread, which may take a while to wake up.
        SCHED.shared.lock().waiting_locked -= 1;
        other.give(processor);
    }

    /// Gives a task its stack, for its first run. If there is no memory for one, the task waits
    /// until another has ended.
    pub(super) fn give_stack(&self, task: TaskRef) -> bool {
        let Some(processor) = self.processor.get() else {
            unreachable!("the thread holds no processor");
        };
        // SAFETY: whoever holds the processor has its cache.
        let cache = unsafe { &mut *processor.stacks.get() };
        let Some(stack) = cache.take(task.stack_size) else {
            let mut shared = SCHED.shared.lock();
            shared.stackless.push(task);
            STACKLESS.store(true, Relaxed);
            return false;
        };
        // SAFETY: the stack is nobody else's.
        let sp = unsafe { arch::prepare(stack.top(), super::spawn::begin) };
        stack.set_owner(task.as_ptr());
        task.sp.set(sp);
        task.stack.set(Some(stack));
        true
    }

    /// Takes an ended task's stack back.
    pub(super) fn take_stack(&self, task: TaskRef) {
        let (Some(processor), Some(stack)) = (self.processor.get(), task.stack.take()) else {
            return;
        };
        stack.set_owner(ptr::null_mut::<Task>());
        // SAFETY: as above. The task has left it for good.
        unsafe { (*processor.stacks.get()).put(stack) };
        if STACKLESS.load(Relaxed) {
            try_stacks_again();
        }
    }
}

/// Has the tasks try once more that wait for stacks.
pub(super) fn try_stacks_again() {
    let mut shared = SCHED.shared.lock();
    let mut waiting = mem::take(&mut shared.stackless);
    shared.queue.append(&mut waiting);
    SCHED.queued.store(shared.queue.len(), Relaxed);
    STACKLESS.store(false, Relaxed);
}

/// Whether tasks wait for stacks. Sysmon has them try again now and then: memory may come from
/// elsewhere.
pub(super) fn has_stackless() -> bool {
    STACKLESS.load(Relaxed)
}

/// Ends a thread whose locked task has ended, as soon as it comes to.
pub(super) fn retire(thread: &Thread) {
    thread.ends.set(true);
    let processor = thread.release();
    // It still is the task's, and in any state: if another is needed, it is not made here.
    hand_off(processor);
    thread.locked.set(None);
    let mut shared = SCHED.shared.lock();
    shared.threads -= 1;
    deadlock::check(&shared);
}

/// Whether tasks wait for stacks.
static STACKLESS: AtomicBool = AtomicBool::new(false);

/// Sees to a processor that the caller has, and whose thread is elsewhere: it goes to a thread
/// if there is anything for it to do, and else among the idle ones.
pub(super) fn hand_off(processor: &'static Processor) {
    if processor.has_work() || SCHED.queued.load(Relaxed) > 0 {
        return start_thread(Some(processor), false);
    }
    // Nobody looks for work, and nobody could be woken to: somebody must.
    if SCHED.spinning.load(Relaxed) + SCHED.idle.load(Relaxed) == 0
        && SCHED
            .spinning
            .compare_exchange(0, 1, SeqCst, Relaxed)
            .is_ok()
    {
        SCHED.need_spinning.store(false, SeqCst);
        return start_thread(Some(processor), true);
    }
    let mut shared = SCHED.shared.lock();
    if SCHED.is_asked(attention::STOP) {
        shared.world.stop(processor);
        return;
    }
    let is_last = SCHED.idle.load(Relaxed) + 1 == SCHED.count.load(Relaxed);
    let must_poll = is_last && poller::waiters() > 0 && SCHED.polled.load(Relaxed) != 0;
    if SCHED.queued.load(Relaxed) > 0 || processor.has_work() || must_poll {
        drop(shared);
        return start_thread(Some(processor), false);
    }
    let timer = processor.timers.next();
    SCHED.put_idle(&mut shared, processor);
    drop(shared);
    if timer != u64::MAX {
        hand_over_timer(timer);
    }
}

/// A timer was added for that time, by a thread whose processor may be busy then: if a thread
/// waits in the poller, it is to wait no longer.
pub(super) fn expect_timer(time: u64) {
    // Between the timer and the look there must be a fence: see `wait_in_poller`.
    fence(SeqCst);
    if SCHED.polled.load(Relaxed) == 0 && time < SCHED.polls_until.load(Relaxed) {
        poller::interrupt();
    }
}

/// A processor that has a timer for that time becomes idle: somebody is to be awake then.
fn hand_over_timer(time: u64) {
    if SCHED.polled.load(SeqCst) == 0 {
        expect_timer(time);
    } else {
        // Nobody waits for timers: a thread that looks for work will.
        wake_one();
    }
}

/// Has a thread run tasks on a processor: on that one, which the caller has, or an idle one.
/// If `is_spinning`, the caller has counted the thread as one that looks for work.
pub(super) fn start_thread(processor: Option<&'static Processor>, is_spinning: bool) {
    let mut shared = SCHED.shared.lock();
    let Some(processor) = processor.or_else(|| SCHED.take_idle(&mut shared)) else {
        drop(shared);
        if is_spinning {
            // Nobody idle any more: whoever submitted something leaves it to those that run.
            SCHED.spinning.fetch_sub(1, SeqCst);
        }
        return;
    };
    if let Some(thread) = shared.take_thread() {
        drop(shared);
        thread.is_spinning.set(is_spinning);
        thread.give(processor);
        return;
    }
    if shared.threads >= shared.threads_max {
        drop(shared);
        too_many_threads();
    }
    // Counted before anybody can find that all the others sleep.
    shared.threads += 1;
    drop(shared);
    if thread::current().is_some_and(|thread| thread.locked.get().is_some()) {
        // A thread that belongs to a task may be in any state by now, and the new one would
        // inherit it: sysmon is not.
        sysmon::have_made(processor, is_spinning);
        return;
    }
    make_thread(processor, is_spinning);
}

/// Makes a thread for the processor; it has been counted already.
pub(super) fn make_thread(processor: &'static Processor, is_spinning: bool) {
    let builder = threads::Builder::new().stack_size(STACK);
    if builder
        .spawn_own(move || main(processor, is_spinning))
        .is_ok()
    {
        return;
    }
    // Too many threads, or no memory: sysmon tries again in a while.
    let mut shared = SCHED.shared.lock();
    shared.threads -= 1;
    shared.thread_wanted = true;
    if is_spinning {
        SCHED.spinning.fetch_sub(1, SeqCst);
    }
    if SCHED.is_asked(attention::STOP) {
        shared.world.stop(processor);
        return;
    }
    // It may have work, which sysmon will look for a thread for.
    SCHED.put_idle(&mut shared, processor);
    sysmon::wake(&mut shared);
}

/// What a thread of the scheduler does.
fn main(processor: &'static Processor, is_spinning: bool) {
    // As when the scheduler began, whatever the maker's task has done to its thread.
    // SAFETY: the mask is one that the process had.
    let _ = sys::raw::rt_sigprocmask(MaskHow::SETMASK, Some(&super::start::mask()));
    let thread = Thread::new();
    // SAFETY: this returns when the thread has left the scheduler.
    unsafe { thread::set_current(&thread) };
    thread.is_spinning.set(is_spinning);
    thread.acquire(processor);
    thread.run();
    // SAFETY: nobody.
    unsafe { thread::set_current(ptr::null()) };
}

/// Ends the process.
#[cold]
fn too_many_threads() -> ! {
    let max = SCHED.shared.lock().threads_max;
    super::dump::fatal(format_args!(
        "freestand: {max} threads are in system calls or belong to tasks, and one more is \
         needed; `task::sched::set_max_threads` allows more"
    ))
}
