//! What all threads share, and how a thread finds a task to run.
//!
//! # No wake-up is lost
//!
//! A task is *submitted* when it is put where any processor may find it: into a processor's
//! queue, or the global one. There must never be a task that waits to run beside a processor
//! that is idle, for long. Two rules see to that:
//!
//! 1. Who submits a task then looks whether a processor is idle and no thread is looking for
//!    work (*spinning*), and if so has a thread begin to (`wake_one`).
//! 2. A thread that was spinning and has found nothing puts its processor among the idle ones,
//!    ceases to count as spinning, and then looks at every queue once more (`look_again`).
//!
//! Between the two halves of either is a fence of sequential consistency, or what is as good: a
//! task that is to run next on a processor is put there by an exchange, and whoever does then
//! looks at the counts, all sequentially consistent. So of a submitter
//! and a spinner at least one sees what the other did first. Either the submitter sees that
//! nobody spins any more (and the processor idle), and wakes one; or the spinner sees the task.
//! A submitter that sees a spinner relies on the second rule; a spinner that finds work was
//! perhaps the only one, and has another begin (`stop_spinning`), which is the first
//! rule again for what was submitted meanwhile.
//!
//! That there is no processor to be had for a task is decided under the same lock under which
//! the task is put into the global queue, and that there is no task for a processor under the
//! same lock under which the processor is put among the idle ones: what is global needs no
//! fences.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::*, fence,
};

use super::lock::Lock;
use super::processor::{Processor, State as ProcessorState};
use super::queue::Queue;
use super::task::{Kind, State, TaskRef};
use super::thread::Thread;
use super::{poller, world};
use crate::arch;
use crate::sys::{Clock, Timespec};
use crate::time;

pub use super::all_threads::on_all_threads;
pub use super::stats::{Stats, stats};
pub use super::world::{
    StoppedWorld, processors, set_processors, stop_the_world, try_stop_the_world,
};

/// Allows the scheduler so many threads, instead of 10 000: Go's `debug.SetMaxThreads`. Returns
/// how many it was allowed before. Each task that is in a system call that lasts, or is locked
/// to a thread, has one of its own. A program that needs one more ends, with a message.
pub fn set_max_threads(count: usize) -> usize {
    core::mem::replace(&mut SCHED.shared.lock().threads_max, count)
}

/// The number of the processor that the calling task runs on, from 0 on; `None` on a thread that
/// runs no task. By the time that anybody looks it may be another.
pub fn current_processor() -> Option<usize> {
    let processor = super::thread::pin()?.processor.get();
    super::thread::unpin();
    Some(processor?.number)
}

/// The most processors there may be.
pub(super) const PROCESSORS_MAX: usize = 1024;

/// Each so manieth pick looks into the global queue first, or two tasks that yield to one
/// another would keep it waiting for ever. A prime, so that it falls into no rhythm.
const GLOBAL_EVERY: u32 = 61;

/// How many tasks in a row may come from the next slot, each woken by the one before: as long
/// as they do, others wait.
const IN_A_ROW: u32 = 16;

/// How many tasks are taken out of the global queue at once.
const BATCH: usize = 128;

/// What is asked of threads at their next opportunity: bits of [`Sched::attention`].
pub(super) mod attention {
    /// The world is to stop.
    pub(in super::super) const STOP: u32 = 1;
    /// Sysmon sleeps for long: a thread that enters a system call while others wait wakes it.
    pub(in super::super) const SLOW: u32 = 2;
}

/// What all threads share.
pub(super) struct Sched {
    pub(super) shared: Lock<Shared>,
    /// How many tasks are in the global queue.
    pub(super) queued: AtomicUsize,
    /// How many processors are idle.
    pub(super) idle: AtomicUsize,
    /// How many threads are looking for work.
    pub(super) spinning: AtomicUsize,
    /// Somebody has found work and no processor for it: who is about to sleep is to look
    /// once more.
    pub(super) need_spinning: AtomicBool,
    pub(super) attention: AtomicU32,
    /// How many processors there are.
    pub(super) count: AtomicUsize,
    processors: [AtomicPtr<Processor>; PROCESSORS_MAX],
    /// When somebody has last asked the poller; 0 while a thread waits in it.
    pub(super) polled: AtomicU64,
    /// Until when that thread waits; `u64::MAX` for ever, 0 while none does.
    pub(super) polls_until: AtomicU64,
}

/// What the scheduler's lock guards.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) idle_processors: Option<&'static Processor>,
    pub(super) idle_threads: Option<&'static Thread>,
    /// How many threads there are, those that sleep, and those that wait for their task alone.
    pub(super) threads: usize,
    pub(super) asleep: usize,
    /// It is less than none while such a thread has been woken before it has slept.
    pub(super) waiting_locked: isize,
    pub(super) threads_max: usize,
    /// A thread could not be made: sysmon tries again.
    pub(super) thread_wanted: bool,
    /// Tasks for whose stack there was no memory.
    pub(super) stackless: Queue,
    pub(super) world: world::Stopping,
}

pub(super) static SCHED: Sched = Sched {
    shared: Lock::new(Shared {
        queue: Queue::new(),
        idle_processors: None,
        idle_threads: None,
        threads: 0,
        asleep: 0,
        waiting_locked: 0,
        threads_max: 10_000,
        thread_wanted: false,
        stackless: Queue::new(),
        world: world::Stopping::new(),
    }),
    queued: AtomicUsize::new(0),
    idle: AtomicUsize::new(0),
    spinning: AtomicUsize::new(0),
    need_spinning: AtomicBool::new(false),
    attention: AtomicU32::new(0),
    count: AtomicUsize::new(0),
    processors: [const { AtomicPtr::new(ptr::null_mut()) }; PROCESSORS_MAX],
    polled: AtomicU64::new(1),
    polls_until: AtomicU64::new(0),
};

/// Now, in nanoseconds of `CLOCK_MONOTONIC`.
#[inline]
pub(super) fn now() -> u64 {
    match time::clock_gettime(Clock::MONOTONIC) {
        Ok(time) => nanoseconds(time),
        Err(_) => panic!("the clock cannot be read"),
    }
}

/// A time of `CLOCK_MONOTONIC`, in nanoseconds.
pub(super) fn nanoseconds(time: Timespec) -> u64 {
    (time.tv_sec.max(0) as u64)
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec as u64)
}

impl Sched {
    /// The processors.
    pub(super) fn processors(&self) -> impl Iterator<Item = &'static Processor> {
        let count = self.count.load(Acquire);
        (0..count).map(|i| self.processor(i))
    }

    /// All that there ever were, of which some may be no more: their timers still are.
    pub(super) fn all_processors(&self) -> impl Iterator<Item = &'static Processor> {
        self.processors
            .iter()
            // SAFETY: those that are there never go.
            .map_while(|place| unsafe { place.load(Acquire).as_ref() })
    }

    /// The one of that number, which there must be.
    #[inline]
    pub(super) fn processor(&self, number: usize) -> &'static Processor {
        // SAFETY: the first `count` are there, and none ever goes.
        unsafe { &*self.processors[number].load(Acquire) }
    }

    /// Makes those up to `count` that there never were.
    pub(super) fn make_processors(&self, count: usize) {
        for (number, place) in self.processors.iter().enumerate().take(count) {
            if place.load(Acquire).is_null() {
                let processor = alloc::boxed::Box::new(Processor::new(number));
                place.store(alloc::boxed::Box::into_raw(processor), Release);
            }
        }
    }

    #[inline(always)]
    pub(super) fn is_asked(&self, what: u32) -> bool {
        self.attention.load(Relaxed) & what != 0
    }

    /// Puts a task into the global queue.
    pub(super) fn submit(&self, shared: &mut Shared, task: TaskRef) {
        shared.queue.push(task);
        self.queued.store(shared.queue.len(), Relaxed);
    }

    /// Takes one out of it.
    fn take(&self, shared: &mut Shared) -> Option<TaskRef> {
        let task = shared.queue.pop();
        self.queued.store(shared.queue.len(), Relaxed);
        task
    }

    /// Takes an idle processor, in transit: it must be given to a thread, put back, or stopped.
    pub(super) fn take_idle(&self, shared: &mut Shared) -> Option<&'static Processor> {
        let processor = shared.idle_processors?;
        shared.idle_processors = processor.next.take();
        let idle = self.idle.load(Relaxed);
        if idle == self.count.load(Relaxed) {
            // Somebody begins to work: sysmon is to watch.
            super::sysmon::wake(shared);
        }
        // The timers' owner may be watched by nobody else.
        self.idle.store(idle - 1, SeqCst);
        Some(processor)
    }

    /// Puts a processor among the idle ones; the caller has it.
    pub(super) fn put_idle(&self, shared: &mut Shared, processor: &'static Processor) {
        processor.set(ProcessorState::Idle);
        processor.thread.store(0, Relaxed);
        processor
            .next
            .set(shared.idle_processors.replace(processor));
        self.idle.store(self.idle.load(Relaxed) + 1, SeqCst);
    }
}

impl Thread {
    /// The processor becomes this thread's, which has taken it.
    pub(super) fn acquire(&self, processor: &'static Processor) {
        debug_assert!(
            self.processor.get().is_none(),
            "a thread has two processors"
        );
        processor.set(ProcessorState::Running);
        processor.thread.store(self.tid.0, Relaxed);
        self.processor.set(Some(processor));
    }

    /// The thread gives its processor away, which the caller then has.
    pub(super) fn release(&self) -> &'static Processor {
        let Some(processor) = self.processor.take() else {
            unreachable!("the thread holds no processor");
        };
        debug_assert_eq!(processor.word().state(), ProcessorState::Running);
        processor.thread.store(0, Relaxed);
        processor
    }

    /// Runs tasks, for ever or until the thread is one too many.
    pub(super) fn run(&self) {
        while !self.ends.get() {
            let task = match self.locked.get() {
                Some(task) => {
                    self.wait_for_locked();
                    task
                }
                None => match self.find() {
                    Some(task) => task,
                    None => return,
                },
            };
            if let Some(other) = task.locked.get()
                && !ptr::eq(other, self)
            {
                self.hand_to_locked(other);
                if !self.sleep() {
                    return;
                }
                continue;
            }
            if !self.execute(task) {
                return;
            }
        }
    }

    /// Runs a task until it leaves, and those that it names in its place. Whether the thread
    /// goes on.
    fn execute(&self, first: TaskRef) -> bool {
        let mut next = Some(first);
        while let Some(task) = next {
            if let Kind::Future(poll) = task.shape.kind {
                next = self.poll_future(task, poll);
                continue;
            }
            if task.sp.get().is_null() && !self.give_stack(task) {
                return true;
            }
            task.change_state(
                match task.state() {
                    State::Preempted => State::Preempted,
                    _ => State::Runnable,
                },
                State::Running,
            );
            debug_assert!(
                self.processor.get().is_some(),
                "a task runs without a processor"
            );
            self.task.set(Some(task));
            // SAFETY: the task has left its stack there, or the stack was prepared; nobody
            // else runs it. This stack stays until the task leaves.
            unsafe { arch::switch(self.scheduler.as_ptr(), task.sp.get()) };
            next = self.task_has_left(task);
        }
        self.keeps_processor()
    }

    /// Without a processor it waits for one, unless it waits for its task, or is to end.
    fn keeps_processor(&self) -> bool {
        self.processor.get().is_some()
            || self.locked.get().is_some()
            || (!self.ends.get() && self.sleep())
    }

    /// The task that ran has switched to the scheduler: what next?
    fn task_has_left(&self, task: TaskRef) -> Option<TaskRef> {
        let Some(after) = self.after.take() else {
            unreachable!("a task has left without a reason");
        };
        after(self, task)
    }

    /// As [`Thread::run`], for a thread that has become the scheduler's while it ran, when it
    /// comes to the scheduler for the first time.
    pub(super) fn run_on(&self) {
        let Some(task) = self.task.get() else {
            unreachable!("no task has left");
        };
        let goes_on = match self.task_has_left(task) {
            Some(next) => self.execute(next),
            None => self.keeps_processor(),
        };
        if goes_on {
            self.run();
        }
    }

    /// Finds a task to run. The thread has a processor before and after; `None` if it is one
    /// thread too many, and has none.
    fn find(&self) -> Option<TaskRef> {
        loop {
            let Some(processor) = self.processor.get() else {
                unreachable!("the thread holds no processor");
            };
            if SCHED.is_asked(attention::STOP) {
                if self.stop_here() && !self.sleep() {
                    return None;
                }
                continue;
            }
            if let Some(task) = self.find_near(processor) {
                return Some(task);
            }
            // To wake what the poller knows of costs a system call, and the queues are empty.
            if poller::waiters() > 0 && SCHED.polled.load(Relaxed) != 0 {
                let found = poller::poll(Some(0));
                SCHED.polled.store(now(), Relaxed);
                if found > 0 {
                    continue;
                }
            }
            if let Some(task) = self.steal(processor) {
                self.stop_spinning();
                return Some(task);
            }
            match self.find_idle(processor) {
                Found::Task(task) => return Some(task),
                Found::Again => {}
                Found::Nothing => {
                    if !self.sleep() {
                        return None;
                    }
                }
            }
        }
    }

    /// What is due or queued for this processor, or for all.
    #[inline]
    fn find_near(&self, processor: &'static Processor) -> Option<TaskRef> {
        let next_timer = processor.timers.next();
        if next_timer != u64::MAX {
            let now = now();
            if next_timer <= now {
                processor.timers.fire_due(now);
            }
        }
        let picks = processor.picks.load(Relaxed);
        let found = 'found: {
            if picks.is_multiple_of(GLOBAL_EVERY)
                && SCHED.queued.load(Relaxed) > 0
                && let Some(task) = SCHED.take(&mut SCHED.shared.lock())
            {
                break 'found task;
            }
            if let Some(task) = processor.take_next() {
                let in_a_row = self.in_a_row.get() + 1;
                self.in_a_row.set(in_a_row);
                if in_a_row <= IN_A_ROW {
                    self.stop_spinning();
                    // Its predecessor's slice goes on.
                    return Some(task);
                }
                // Others first.
                self.in_a_row.set(0);
                self.queue(processor, task);
            }
            if let Some(task) = processor.pop() {
                break 'found task;
            }
            self.take_global(processor)?
        };
        self.in_a_row.set(0);
        processor.picks.store(picks.wrapping_add(1), Relaxed);
        processor.give_way.store(false, Relaxed);
        self.stop_spinning();
        Some(found)
    }

    /// Takes this processor's share of the global queue.
    fn take_global(&self, processor: &'static Processor) -> Option<TaskRef> {
        if SCHED.queued.load(Relaxed) == 0 {
            return None;
        }
        let mut shared = SCHED.shared.lock();
        let share = shared.queue.len() / SCHED.count.load(Relaxed) + 1;
        let first = SCHED.take(&mut shared)?;
        for _ in 1..share.min(BATCH) {
            let Some(task) = SCHED.take(&mut shared) else {
                break;
            };
            // It was empty, and has room for more than a batch.
            if processor.push(task).is_err() {
                SCHED.submit(&mut shared, task);
                break;
            }
        }
        Some(first)
    }

    /// Takes what others have queued, if not too many threads do that already.
    fn steal(&self, processor: &'static Processor) -> Option<TaskRef> {
        let count = SCHED.count.load(Relaxed);
        if !self.is_spinning.get() {
            let busy = count - SCHED.idle.load(Relaxed).min(count);
            if 2 * SCHED.spinning.load(Relaxed) >= busy {
                return None;
            }
            self.is_spinning.set(true);
            SCHED.spinning.fetch_add(1, SeqCst);
        }
        const ROUNDS: usize = 4;
        for round in 0..ROUNDS {
            let is_last = round == ROUNDS - 1;
            if is_last && self.fire_others(processor) {
                return processor.take_next().or_else(|| processor.pop());
            }
            let (mut at, stride) = (self.random() as usize % count, stride(self.random(), count));
            for _ in 0..count {
                let victim = SCHED.processor(at);
                at = (at + stride) % count;
                if ptr::eq(victim, processor) {
                    continue;
                }
                if let Some(task) = processor.steal_from(victim) {
                    self.count_stolen(processor);
                    return Some(task);
                }
                if is_last && let Some(task) = victim.steal_next() {
                    self.count_stolen(processor);
                    return Some(task);
                }
            }
        }
        None
    }

    /// Sees to timers that are due and whose processor is busy. Whether one had a task wait.
    fn fire_others(&self, processor: &'static Processor) -> bool {
        let mut at = 0;
        for other in SCHED.all_processors() {
            let next = other.timers.next();
            if next == u64::MAX || ptr::eq(other, processor) {
                continue;
            }
            if at == 0 {
                at = now();
            }
            if next <= at && other.timers.fire_due(at) > 0 && processor.has_work() {
                return true;
            }
        }
        false
    }

    fn count_stolen(&self, processor: &Processor) {
        let counts = &processor.counts;
        counts.stolen.set(counts.stolen.get() + 1);
        processor
            .picks
            .store(processor.picks.load(Relaxed).wrapping_add(1), Relaxed);
        processor.give_way.store(false, Relaxed);
        self.in_a_row.set(0);
    }

    /// It has found work. If it was the last to look, another is to look for more.
    #[inline]
    pub(super) fn stop_spinning(&self) {
        if self.is_spinning.get() {
            self.is_spinning.set(false);
            if SCHED.spinning.fetch_sub(1, SeqCst) == 1 {
                wake_one();
            }
        }
    }

    /// Gives the processor up, unless there is something to do after all.
    fn find_idle(&self, processor: &'static Processor) -> Found {
        {
            let mut shared = SCHED.shared.lock();
            if SCHED.is_asked(attention::STOP) || processor.has_work() {
                return Found::Again;
            }
            if let Some(task) = SCHED.take(&mut shared) {
                drop(shared);
                self.stop_spinning();
                return Found::Task(task);
            }
            if !self.is_spinning.get() && SCHED.need_spinning.swap(false, SeqCst) {
                self.is_spinning.set(true);
                SCHED.spinning.fetch_add(1, SeqCst);
                return Found::Again;
            }
            let processor = self.release();
            SCHED.put_idle(&mut shared, processor);
        }
        let mut is_needed_until = u64::MAX;
        let was_spinning = self.is_spinning.replace(false);
        if was_spinning {
            SCHED.spinning.fetch_sub(1, SeqCst);
            match self.look_again() {
                Look::Work => return Found::Again,
                Look::Until(time) => is_needed_until = time,
            }
        } else {
            for processor in SCHED.all_processors() {
                is_needed_until = is_needed_until.min(processor.timers.next());
            }
        }
        if poller::waiters() > 0 || is_needed_until != u64::MAX {
            if SCHED.polled.swap(0, SeqCst) != 0 {
                return self.wait_in_poller(is_needed_until);
            }
            // Somebody waits already, but perhaps too long.
            let until = SCHED.polls_until.load(SeqCst);
            if is_needed_until < until {
                poller::interrupt();
            }
        }
        Found::Nothing
    }

    /// The second look of a thread that was spinning: at what was submitted while it was about
    /// to sleep.
    fn look_again(&self) -> Look {
        fence(SeqCst);
        let has_work = SCHED.queued.load(Relaxed) > 0
            || SCHED.processors().any(|processor| processor.has_work());
        if has_work {
            let mut shared = SCHED.shared.lock();
            match SCHED.take_idle(&mut shared) {
                Some(processor) => {
                    drop(shared);
                    self.acquire(processor);
                    self.is_spinning.set(true);
                    SCHED.spinning.fetch_add(1, SeqCst);
                    return Look::Work;
                }
                // Whoever has a processor is to look before it sleeps.
                None => SCHED.need_spinning.store(true, SeqCst),
            }
        }
        let times = SCHED
            .all_processors()
            .map(|processor| processor.timers.next());
        Look::Until(times.min().unwrap_or(u64::MAX))
    }

    /// Waits in the poller, without a processor, as the one thread that does.
    fn wait_in_poller(&self, until: u64) -> Found {
        SCHED.polls_until.store(until, SeqCst);
        // Between the look at the timers and this somebody may have added an earlier one, and
        // seen nobody whom to interrupt.
        fence(SeqCst);
        let until = SCHED
            .all_processors()
            .map(|processor| processor.timers.next())
            .fold(until, u64::min);
        let found = Cell::new(Queue::new());
        // SAFETY: what is found is looked at below, on this thread, before this returns.
        self.found.set(Some(unsafe { &*ptr::from_ref(&found) }));
        let timeout = (until != u64::MAX).then(|| until.saturating_sub(now()));
        if timeout.is_some() && !self.is_punctual.replace(true) {
            super::sysmon::be_punctual();
        }
        poller::poll(timeout);
        self.found.set(None);
        SCHED.polls_until.store(0, SeqCst);
        SCHED.polled.store(now(), SeqCst);

        let mut found = found.take();
        let mut shared = SCHED.shared.lock();
        match SCHED.take_idle(&mut shared) {
            Some(processor) => {
                drop(shared);
                self.acquire(processor);
                if found.len() == 0 {
                    // Timers are due, perhaps, of whichever processor.
                    self.is_spinning.set(true);
                    SCHED.spinning.fetch_add(1, SeqCst);
                    return Found::Again;
                }
                let first = found.pop();
                let has_more = found.len() > 0;
                while let Some(task) = found.pop() {
                    self.queue(processor, task);
                }
                if has_more {
                    wake_one();
                }
                match first {
                    Some(task) => {
                        processor
                            .picks
                            .store(processor.picks.load(Relaxed).wrapping_add(1), Relaxed);
                        Found::Task(task)
                    }
                    None => Found::Again,
                }
            }
            None => {
                // All processors are busy: whoever is free first takes them.
                shared.queue.append(&mut found);
                SCHED.queued.store(shared.queue.len(), Relaxed);
                Found::Nothing
            }
        }
    }

    /// Puts a task behind all others of the processor, which this thread holds.
    #[inline]
    pub(super) fn queue(&self, processor: &'static Processor, task: TaskRef) {
        if processor.push(task).is_err() {
            overflow(processor, task);
        }
    }
}

/// The processor's queue is full: half of it goes to the global one, and the task.
#[cold]
fn overflow(processor: &'static Processor, task: TaskRef) {
    let mut half = processor.take_half();
    half.push(task);
    let mut shared = SCHED.shared.lock();
    shared.queue.append(&mut half);
    SCHED.queued.store(shared.queue.len(), Relaxed);
}

/// What a thread has found that is about to sleep.
enum Found {
    Task(TaskRef),
    /// It has a processor, and should look again.
    Again,
    /// It has no processor any more.
    Nothing,
}

/// What a second look has found.
enum Look {
    /// Work, and a processor for it, which the thread has now.
    Work,
    /// None, but the first timer of all is then.
    Until(u64),
}

/// A step by which one comes past each of `count`: one that has no divisor in common with it.
fn stride(random: u32, count: usize) -> usize {
    let mut stride = random as usize % count + 1;
    while gcd(stride, count) != 1 {
        stride -= 1;
    }
    stride
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Makes a task that waited run, soon: it is the caller's to do so, and nobody else's.
#[inline]
pub(super) fn ready(task: TaskRef) {
    task.change_state(State::Waiting, State::Runnable);
    submit(task);
}

/// Queues a task for the processor of the calling thread, next in turn, or for all processors if
/// it has none.
#[inline]
pub(super) fn submit(task: TaskRef) {
    let thread = super::thread::pin();
    submit_on(thread, task);
    super::thread::unpin();
}

#[inline(always)]
fn submit_on(thread: Option<&'static Thread>, task: TaskRef) {
    if let Some(thread) = thread
        && let Some(processor) = thread.processor.get()
    {
        // From here on others can find it, or if this pushes another out, something.
        if let Some(last) = processor.put_next(task) {
            thread.queue(processor, last);
        }
        // Without a fence: see at the top.
        wake_one_unfenced();
        return;
    }
    if let Some(thread) = thread
        && let Some(found) = thread.found.get()
    {
        let mut queue = found.take();
        queue.push(task);
        found.set(queue);
        return;
    }
    SCHED.submit(&mut SCHED.shared.lock(), task);
    wake_one();
}

/// Queues a task that was just made.
#[inline]
pub(super) fn begin(task: TaskRef) {
    let thread = super::thread::pin();
    match thread.and_then(|thread| thread.processor.get()) {
        Some(processor) => {
            let spawned = &processor.counts.spawned;
            spawned.set(spawned.get() + 1);
        }
        None => drop(SPAWNED_ELSEWHERE.fetch_add(1, Relaxed)),
    }
    submit_on(thread, task);
    super::thread::unpin();
}

/// Tasks that were made by threads without a processor.
pub(super) static SPAWNED_ELSEWHERE: AtomicUsize = AtomicUsize::new(0);

/// A task has ended on the thread.
#[inline]
pub(super) fn count_ended(thread: &Thread) {
    if let Some(processor) = thread.processor.get() {
        let ended = &processor.counts.ended;
        ended.set(ended.get() + 1);
    }
}

/// Has another thread look for work, if a processor is idle and nobody looks: see at the top.
#[inline]
pub(super) fn wake_one() {
    fence(SeqCst);
    wake_one_unfenced();
}

/// As [`wake_one`], behind a sequentially consistent exchange.
#[inline]
fn wake_one_unfenced() {
    if SCHED.idle.load(SeqCst) == 0
        || SCHED.spinning.load(SeqCst) != 0
        || SCHED
            .spinning
            .compare_exchange(0, 1, SeqCst, Relaxed)
            .is_err()
    {
        return;
    }
    super::idle::start_thread(None, true);
}
