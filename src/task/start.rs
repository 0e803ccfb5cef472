//! How the scheduler begins.

use core::cell::UnsafeCell;
use core::mem::{self, MaybeUninit};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering::*};

use super::dump;
use super::processor::Processor;
use super::sched::{PROCESSORS_MAX, SCHED};
use super::syscall::HOOKS;
use super::task::{Kind, Shape, State, Task, TaskRef};
use super::thread::{self, Thread};
use super::{poller, preempt, stack, sysmon};
use crate::mapping::{GUARD, Mapping};
use crate::sync::{self, Once};
use crate::sys::{self, MaskHow, SigSet, hook};
use crate::thread as threads;
use crate::{arch, env};

/// The variable that says how many processors there are to be.
const PROCESSORS: &str = "FREESTAND_PROCS";

/// How many bytes of stack the initial thread's scheduler has.
const STACK: usize = 64 << 10;

static STARTED: Once = Once::new();

/// Begins, if nobody has yet.
#[inline(always)]
#[track_caller]
pub(super) fn ensure() {
    if !STARTED.is_completed() || IS_GONE.load(Relaxed) {
        begin();
    }
}

#[cold]
#[track_caller]
fn begin() {
    assert!(
        !IS_GONE.load(Relaxed),
        "the child of a fork has no scheduler"
    );
    STARTED.call_once(start);
}

/// Whether this is the child of a process that had one.
static IS_GONE: AtomicBool = AtomicBool::new(false);

/// The process has forked, and this is the child: its one thread goes on without a scheduler.
pub(super) fn forget() {
    IS_GONE.store(true, Relaxed);
    // SAFETY: this is the process's one thread, which waits for nothing.
    unsafe {
        poller::forget();
        thread::set_current(ptr::null());
    }
}

/// Room for what is made once, and stays.
struct Place<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: it is written once, by `start`.
unsafe impl<T> Sync for Place<T> {}

static MASK: Place<SigSet> = Place(UnsafeCell::new(MaybeUninit::uninit()));
static MAIN_THREAD: Place<Thread> = Place(UnsafeCell::new(MaybeUninit::uninit()));

/// The signals that threads block: those that the thread did which began.
pub(super) fn mask() -> SigSet {
    // SAFETY: `start` has written it before it made any thread.
    unsafe { (*MASK.0.get()).assume_init_read() }
}

static MAIN_SHAPE: Shape = Shape {
    kind: Kind::Stack(|_| unreachable!("main runs already")),
    drop_result: |_| unreachable!("main has no result"),
    packet: 0,
    layout: core::alloc::Layout::new::<Task>(),
};

/// The task that runs the program's `main`, if there is one.
pub(super) fn main_task() -> Option<TaskRef> {
    NonNull::new(MAIN_TASK.load(Acquire)).map(TaskRef::from_ptr)
}

static MAIN_TASK: AtomicPtr<Task> = AtomicPtr::new(ptr::null_mut());

#[cold]
fn start() {
    sync::expect_threads();
    let mask = sys::rt_sigprocmask(MaskHow::BLOCK, None).unwrap_or_default();
    // SAFETY: this runs once, and nobody asks for the mask before.
    unsafe { (*MASK.0.get()).write(mask) };
    stack::set_up();

    let count = processors();
    SCHED.make_processors(count);
    SCHED.count.store(count, Release);
    {
        let mut shared = SCHED.shared.lock();
        for number in (1..count).rev() {
            SCHED.put_idle(&mut shared, SCHED.processor(number));
        }
        if !threads::is_initial() {
            SCHED.put_idle(&mut shared, SCHED.processor(0));
        }
    }
    if threads::is_initial() {
        adopt(SCHED.processor(0));
    }
    hook::install(&HOOKS);
    poller::install();
    preempt::set_up();
    sysmon::start();
    dump::on_sigquit();
}

/// The initial thread becomes one of the scheduler's, and what it runs the task `main`.
fn adopt(processor: &'static Processor) {
    let Ok(stack) = Mapping::of_stack(GUARD + STACK) else {
        dump::fatal(format_args!(
            "freestand: no memory for the scheduler's stack of {STACK} bytes"
        ))
    };
    let top = stack.start().wrapping_add(stack.len());
    // It is the scheduler's for as long as the process lives.
    mem::forget(stack);
    let name = alloc::boxed::Box::from("main");
    let task = alloc::boxed::Box::new(Task::new(&MAIN_SHAPE, 0, Some(name), ptr::null()));
    let task = TaskRef::from_ptr(NonNull::from(alloc::boxed::Box::leak(task)));
    task.set_state(State::Running);
    MAIN_TASK.store(task.as_ptr(), Release);
    // SAFETY: this runs once; it stays for ever.
    let thread = unsafe {
        let thread: &'static Thread = (*MAIN_THREAD.0.get()).write(Thread::new());
        // The stack is nobody else's.
        thread.scheduler.set(arch::prepare(top, run_main_thread));
        thread::set_current(thread);
        thread
    };
    thread.task.set(Some(task));
    thread.acquire(processor);
    SCHED.shared.lock().threads += 1;
    // From here on it runs as a task.
    thread::unpin();
}

/// The initial thread's scheduler, when the task has left for the first time.
extern "C" fn run_main_thread() -> ! {
    let Some(thread) = thread::current() else {
        unreachable!("the initial thread is the scheduler's");
    };
    thread.run_on();
    // A task that was locked to it has ended.
    loop {
        thread.note.sleep(None);
    }
}

/// How many processors there are to be.
fn processors() -> usize {
    let Some(value) = env::var(PROCESSORS) else {
        return available();
    };
    let number = value.to_str().ok().and_then(|value| value.parse().ok());
    match number {
        Some(number @ 1..=PROCESSORS_MAX) => number,
        _ => dump::fatal(format_args!(
            "freestand: {PROCESSORS} is {value:?}; it must be a number from 1 to {PROCESSORS_MAX}"
        )),
    }
}

/// How many processors the process may run on: sched_setaffinity(2).
fn available() -> usize {
    match sys::sched_getaffinity(sys::Tid(0)) {
        Ok(set) => set.count().clamp(1, PROCESSORS_MAX),
        Err(_) => 1,
    }
}
