//! Stopping the world: no task runs until it is started again.

use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::Ordering::*;
use core::time::Duration;

use super::processor::{Processor, State as ProcessorState};
use super::sched::{PROCESSORS_MAX, SCHED, Shared, attention, now, wake_one};
use super::thread::{self, Note, Thread};
use super::{idle, poller, preempt, start, sysmon};
use crate::sync::{Semaphore, prim};

/// How long the stopper waits before it asks again: a processor that was about to enter a
/// system call may have been missed.
const AGAIN: Duration = Duration::from_micros(100);

/// Who stops the world, under the scheduler's lock.
pub(super) struct Stopping {
    /// How many processors are still to stop.
    left: usize,
    /// What the stopper sleeps on.
    note: Option<&'static Note>,
}

impl Stopping {
    pub(super) const fn new() -> Stopping {
        Stopping {
            left: 0,
            note: None,
        }
    }

    /// The processor, which the caller has, is stopped.
    pub(super) fn stop(&mut self, processor: &'static Processor) {
        processor.set(ProcessorState::Stopped);
        processor.thread.store(0, Relaxed);
        self.stopped();
    }

    fn stopped(&mut self) {
        self.left -= 1;
        if self.left == 0
            && let Some(note) = self.note.take()
        {
            note.wake();
        }
    }
}

impl Thread {
    /// Stops the processor that the thread holds, which then has none. Whether it was to.
    pub(super) fn stop_here(&self) -> bool {
        self.stop_spinning();
        let mut shared = SCHED.shared.lock();
        // The world may have been started meanwhile.
        let is_to = SCHED.is_asked(attention::STOP);
        if is_to {
            let processor = self.release();
            shared.world.stop(processor);
        }
        is_to
    }
}

/// A thread that has just entered a system call gives its processor to the stopper, if nobody
/// else has taken it.
#[cold]
pub(super) fn stop_in_syscall(processor: &'static Processor, word: u64) {
    let mut shared = SCHED.shared.lock();
    if SCHED.is_asked(attention::STOP) && processor.take(word, ProcessorState::Stopped) {
        shared.world.stopped();
    }
}

/// One at a time stops the world.
static STOPPER: Semaphore = Semaphore::new(1);

/// What it sleeps on.
static NOTE: Note = Note::new();

/// While it lives, no other task runs.
///
/// The calling task is pinned to its thread: it must not wait for other tasks. Its system calls
/// do not give its processor up.
#[derive(Debug)]
#[must_use = "the world starts again when this drops"]
pub struct StoppedWorld {
    of_this_thread: PhantomData<*mut ()>,
}

/// Stops all tasks but the calling one: Go's `stopTheWorld`. Those that are in system calls
/// stop when they come back, and are not waited for; the others at their next call into the
/// scheduler or into the kernel, at a [`checkpoint`](super::checkpoint), or where a signal
/// [turns them out](super).
///
/// Threads that run no tasks go on. One at a time can stop the world: others wait.
pub fn stop_the_world() -> StoppedWorld {
    match stop_until(None) {
        Some(stopped) => stopped,
        None => unreachable!("there is no deadline"),
    }
}

/// As [`stop_the_world`], but gives up when so long has passed and a task still runs.
pub fn try_stop_the_world(timeout: Duration) -> Option<StoppedWorld> {
    stop_until(Some(timeout))
}

fn stop_until(timeout: Option<Duration>) -> Option<StoppedWorld> {
    start::ensure();
    let deadline = timeout.map(|timeout| {
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        now().saturating_add(timeout)
    });
    match timeout {
        None => STOPPER.acquire(),
        Some(timeout) => {
            if !STOPPER.acquire_timeout(timeout) {
                return None;
            }
        }
    }
    thread::pin();
    let stopped = StoppedWorld {
        of_this_thread: PhantomData,
    };
    let mut is_left = {
        let mut shared = SCHED.shared.lock();
        SCHED.attention.fetch_or(attention::STOP, SeqCst);
        shared.world.left = SCHED.count.load(Relaxed);
        if let Some(own) = thread::current().and_then(|thread| thread.processor.get()) {
            own.set(ProcessorState::Stopped);
            shared.world.left -= 1;
        }
        while let Some(processor) = SCHED.take_idle(&mut shared) {
            shared.world.stop(processor);
        }
        stop_those_in_syscalls(&mut shared)
    };
    while is_left {
        ask();
        if NOTE.sleep(prim::after(AGAIN)) {
            break;
        }
        let mut shared = SCHED.shared.lock();
        if shared.world.left == 0 {
            // The last is about to say so.
            drop(shared);
            NOTE.sleep(None);
            break;
        }
        if deadline.is_some_and(|deadline| now() >= deadline) {
            shared.world.note = None;
            drop(shared);
            drop(stopped);
            return None;
        }
        is_left = stop_those_in_syscalls(&mut shared);
    }
    Some(stopped)
}

/// Takes the processors of those that are in system calls. Whether any is left that runs: then
/// the last one to stop wakes the stopper.
fn stop_those_in_syscalls(shared: &mut Shared) -> bool {
    shared.world.note = None;
    for processor in SCHED.processors() {
        let word = processor.word();
        if word.state() == ProcessorState::Syscall
            && processor.take(word.0, ProcessorState::Stopped)
        {
            shared.world.stopped();
        }
    }
    let is_left = shared.world.left > 0;
    shared.world.note = is_left.then_some(&NOTE);
    is_left
}

/// Asks those that run to stop.
fn ask() {
    for processor in SCHED.processors() {
        if processor.word().state() == ProcessorState::Running {
            processor.give_way.store(true, Relaxed);
            preempt::turn_out(processor);
        }
    }
}

impl Drop for StoppedWorld {
    fn drop(&mut self) {
        start_the_world();
    }
}

/// Ends what [`stop_the_world`] began.
fn start_the_world() {
    let own = thread::current().and_then(|thread| thread.processor.get());
    // With a processor of its own, this puts what it finds there.
    if own.is_some() && poller::waiters() > 0 {
        poller::poll(Some(0));
    }
    let mut with_work = None::<&'static Processor>;
    {
        let mut shared = SCHED.shared.lock();
        SCHED.attention.fetch_and(!attention::STOP, SeqCst);
        for processor in SCHED.processors() {
            if processor.word().state() != ProcessorState::Stopped {
                // It was not waited for.
                continue;
            }
            if own.is_some_and(|own| ptr::eq(own, processor)) {
                processor.set(ProcessorState::Running);
            } else if processor.has_work() {
                // Not the stopper's any more, who may be another before its thread wakes up.
                processor.set(ProcessorState::Idle);
                processor.next.set(with_work.replace(processor));
            } else {
                SCHED.put_idle(&mut shared, processor);
            }
        }
        sysmon::wake(&mut shared);
    }
    while let Some(processor) = with_work {
        with_work = processor.next.take();
        idle::start_thread(Some(processor), false);
    }
    wake_one();
    STOPPER.release();
    thread::unpin();
}

/// How many processors there are.
pub fn processors() -> usize {
    start::ensure();
    SCHED.count.load(Relaxed)
}

/// Has tasks run on `count` processors from now on: Go's `GOMAXPROCS`. It stops the world for a
/// moment.
///
/// # Panics
///
/// If `count` is 0 or more than 1024.
pub fn set_processors(count: usize) {
    assert!(
        (1..=PROCESSORS_MAX).contains(&count),
        "{count} processors: there may be 1 to {PROCESSORS_MAX}"
    );
    let _stopped = stop_the_world();
    let before = SCHED.count.load(Relaxed);
    SCHED.make_processors(count);
    let mut shared = SCHED.shared.lock();
    for number in count..before {
        let processor = SCHED.processor(number);
        let mut tasks = processor.take_all();
        shared.queue.append(&mut tasks);
        SCHED.queued.store(shared.queue.len(), Relaxed);
        // The task that calls this goes on with another.
        if let Some(thread) = thread::current()
            && thread
                .processor
                .get()
                .is_some_and(|own| ptr::eq(own, processor))
        {
            let first = SCHED.processor(0);
            first
                .thread
                .store(processor.thread.swap(0, Relaxed), Relaxed);
            thread.processor.set(Some(first));
        }
    }
    SCHED.count.store(count, SeqCst);
}

/// Before a fork: nothing of the scheduler's is to be half done in the child.
pub(super) fn before_fork() {
    core::mem::forget(stop_the_world());
}

/// After it. The child has no scheduler: its threads are gone.
pub(super) fn after_fork(child: bool) {
    if child {
        start::forget();
    } else {
        start_the_world();
    }
}
