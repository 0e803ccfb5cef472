//! What stands in for src/task around a wait and a word: each of loom's threads is a task on a
//! thread of its own.

#[path = "../../../src/task/wait.rs"]
pub mod wait;
#[path = "../../../src/task/word.rs"]
pub mod word;

pub mod prim {
    use loom::sync::atomic;

    pub use loom::sync::atomic::Ordering;

    use crate::{Bug, planted};

    /// The order that counts.
    pub fn seen(order: Ordering) -> Ordering {
        match planted(Bug::Relaxed) {
            true => Ordering::Relaxed,
            false => order,
        }
    }

    macro_rules! atomic {
        ($name:ident: $value:ty) => {
            #[derive(Debug)]
            pub struct $name(atomic::$name);

            impl $name {
                pub fn new(value: $value) -> $name {
                    $name(atomic::$name::new(value))
                }

                pub fn load(&self, order: Ordering) -> $value {
                    self.0.load(seen(order))
                }

                pub fn store(&self, value: $value, order: Ordering) {
                    self.0.store(value, seen(order));
                }

                pub fn compare_exchange(
                    &self,
                    old: $value,
                    new: $value,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$value, $value> {
                    if planted(Bug::Torn) {
                        let found = self.load(Ordering::Acquire);
                        if found != old {
                            return Err(found);
                        }
                        self.store(new, Ordering::Release);
                        return Ok(found);
                    }
                    self.0
                        .compare_exchange(old, new, seen(success), seen(failure))
                }
            }
        };
    }

    atomic!(AtomicU64: u64);
    atomic!(AtomicUsize: usize);
}

#[allow(clippy::module_inception, reason = "so it is in src/task")]
pub mod task {
    use std::cell::Cell;
    use std::sync::atomic::AtomicU32;

    use loom::cell::UnsafeCell;
    use loom::sync::atomic::{AtomicBool, Ordering::*};

    use super::wait::{Reason, Wait};

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(u32)]
    pub enum State {
        Runnable,
        Running,
        Waiting,
    }

    pub struct Task {
        /// Checked, and no part of what is modelled.
        state: AtomicU32,
        pub wait: Cell<*const Wait>,
        pub reason: Cell<*const Reason>,
        /// Of whoever runs the task.
        pub stack: UnsafeCell<()>,
        is_queued: AtomicBool,
    }

    pub type TaskRef = &'static Task;

    // SAFETY: loom tells of what two touch.
    unsafe impl Sync for Task {}

    impl Task {
        /// One that runs.
        pub fn new() -> TaskRef {
            Box::leak(Box::new(Task {
                state: AtomicU32::new(State::Running as u32),
                wait: Cell::new(std::ptr::null()),
                reason: Cell::new(std::ptr::null()),
                stack: UnsafeCell::new(()),
                is_queued: AtomicBool::new(false),
            }))
        }

        pub fn change_state(&self, from: State, to: State) {
            assert_eq!(
                self.state
                    .swap(to as u32, std::sync::atomic::Ordering::Relaxed),
                from as u32,
                "to be {to:?}"
            );
        }

        /// It is to run.
        pub fn queue(&self) {
            self.is_queued.store(true, Release);
        }

        /// Waits until it is to run. If that never is, loom says that it takes too long.
        pub fn await_turn(&self) {
            while !self.is_queued.load(Acquire) {
                loom::thread::yield_now();
            }
            self.is_queued.store(false, Relaxed);
        }

        /// Whoever runs it does something.
        pub fn touch(&self) {
            self.stack.with_mut(|_| ());
        }
    }
}

pub mod thread {
    use std::cell::Cell;

    use super::task::TaskRef;
    use super::timer::Timers;

    pub struct Processor {
        pub timers: Timers,
    }

    pub struct Thread {
        pub task: Cell<Option<TaskRef>>,
        pub processor: Cell<Option<&'static Processor>>,
    }

    loom::thread_local! {
        static CURRENT: Cell<Option<&'static Thread>> = Cell::new(None);
    }

    /// The calling one of loom's threads is to run that task.
    pub fn run(task: TaskRef, processor: &'static Processor) {
        let thread = Thread {
            task: Cell::new(Some(task)),
            processor: Cell::new(Some(processor)),
        };
        CURRENT.with(|current| current.set(Some(Box::leak(Box::new(thread)))));
    }

    pub fn pin() -> Option<&'static Thread> {
        CURRENT.with(Cell::get)
    }

    pub fn unpin() {}
}

pub mod running {
    use super::task::{State, TaskRef};
    use super::thread::{self, Thread};
    use crate::{Bug, planted};

    pub fn current_task() -> Option<TaskRef> {
        thread::pin()?.task.get()
    }

    /// The caller becomes the scheduler, and then whoever runs the task when it is ready.
    pub fn leave(thread: &'static Thread, after: fn(&Thread, TaskRef) -> Option<TaskRef>) {
        let task = thread.task.get().expect("a task leaves");
        if !planted(Bug::Early) {
            // Its registers are on its stack.
            task.touch();
        }
        let next = after(thread, task);
        if planted(Bug::Early) {
            task.touch();
        }
        match next {
            Some(next) => assert!(std::ptr::eq(next, task)),
            None => task.await_turn(),
        }
        task.touch();
        task.change_state(State::Runnable, State::Running);
        thread.task.set(Some(task));
    }
}

pub mod timer {
    use loom::sync::Mutex;

    use super::wait::Wait;

    pub struct Timer(*const Wait);

    impl Timer {
        pub fn new(_: u64, wait: *const Wait) -> Timer {
            Timer(wait)
        }
    }

    /// One at most.
    pub struct Timers(Mutex<Option<*const Wait>>);

    // SAFETY: those who wait stay until they are told.
    unsafe impl Send for Timers {}
    // SAFETY: as above.
    unsafe impl Sync for Timers {}

    impl Timers {
        pub fn new() -> Timers {
            Timers(Mutex::new(None))
        }

        /// # Safety
        ///
        /// As in src/task/timer.rs.
        pub unsafe fn add(&self, timer: &Timer) {
            *self.0.lock().unwrap() = Some(timer.0);
        }

        /// # Safety
        ///
        /// As in src/task/timer.rs.
        pub unsafe fn cancel(&self, _: &Timer) {
            *self.0.lock().unwrap() = None;
        }

        /// The time has come.
        pub fn fire(&self) {
            let mut timers = self.0.lock().unwrap();
            // SAFETY: while the lock is held it stays; and if it is claimed, until it is woken.
            let due = timers
                .take()
                .filter(|wait| unsafe { (**wait).claim(Wait::TIMED_OUT) });
            drop(timers);
            if let Some(wait) = due {
                // SAFETY: it was claimed above.
                unsafe { Wait::wake(wait) };
            }
        }
    }
}

pub mod idle {
    pub fn expect_timer(_: u64) {}
}

pub mod start {
    pub fn ensure() {}
}

pub mod sched {
    use super::task::{State, TaskRef};
    use crate::sys::Timespec;

    pub fn nanoseconds(_: Timespec) -> u64 {
        0
    }

    /// Somebody runs it at once.
    pub fn ready(task: TaskRef) {
        task.change_state(State::Waiting, State::Runnable);
        task.touch();
        task.queue();
    }
}
