//! Sysmon: a thread without a processor that takes processors back from system calls that last,
//! and asks tasks to give way that have run for long.
//!
//! It looks every 20 µs while there is something to do, less often the longer there is not, up
//! to every 10 ms, and not at all when all processors have been idle for a while. So that
//! work which comes after a long quiet is not noticed late, a task that enters a system call
//! while others wait to run, or while nobody else could, wakes it from a long sleep
//! ([`hurry`]), and so does the first processor that ceases to be idle ([`wake`]).

use core::hint;
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering::*};
use core::time::Duration;

use super::idle::{self, hand_off, make_thread};
use super::processor::{Processor, State as ProcessorState, Word};
use super::sched::{SCHED, Shared, attention, now, wake_one};
use super::{dump, poller, preempt};
use crate::sync::prim;
use crate::sys::{self, Prctl};
use crate::thread as threads;

/// How long it sleeps between two looks while they find something, in nanoseconds. With what
/// falling asleep and waking up takes, which is up to 15 µs, it looks every 20 µs.
const SHORT: u64 = 8_000;
/// How long it sleeps at most while not all processors are idle.
const LONG: u64 = 10_000_000;
/// From which sleep on a system call may cut it short.
const SLOW: u64 = 1_000_000;
/// After how many fruitless looks it begins to sleep longer.
const FRUITLESS: u32 = 50;
/// For how many looks it must have been quiet before it sleeps until woken.
const QUIET: u32 = 10;
/// How long a task may run while others wait, and how long nobody may ask the poller.
pub(super) const SLICE: u64 = 10_000_000;

/// What sysmon sleeps on. It changes whenever somebody wakes it.
static WAKE: AtomicU32 = AtomicU32::new(0);
/// Whether it sleeps until it is woken.
static SLEEPS: AtomicU32 = AtomicU32::new(0);

/// A thread that it is to make: the processor, and how many were asked for.
static WANTED: AtomicPtr<Processor> = AtomicPtr::new(ptr::null_mut());

/// Begins.
pub(super) fn start() {
    let builder = threads::Builder::new().name("sysmon").stack_size(32 << 10);
    if let Err(errno) = builder.spawn_own(run) {
        dump::fatal(format_args!(
            "freestand: cannot make the scheduler's first thread: {errno}"
        ));
    }
}

/// Ends a sleep that has no end of its own: a processor is idle no more. To be called under the
/// scheduler's lock.
pub(super) fn wake(_: &mut Shared) {
    if SLEEPS.load(SeqCst) != 0 {
        hurry();
    }
}

/// Ends the sleep, however long.
pub(super) fn hurry() {
    WAKE.fetch_add(1, SeqCst);
    prim::wake_one(&WAKE);
}

/// Has sysmon make a thread, because the caller may be in no state to be copied.
pub(super) fn have_made(processor: &'static Processor, is_spinning: bool) {
    if is_spinning {
        // The one that is made has a processor with work, or looks for some by itself.
        SCHED.spinning.fetch_sub(1, SeqCst);
    }
    let mut link = WANTED.load(Relaxed);
    loop {
        // SAFETY: the processor is the caller's.
        processor.next.set(unsafe { link.as_ref() });
        let place = ptr::from_ref(processor).cast_mut();
        match WANTED.compare_exchange(link, place, AcqRel, Acquire) {
            Ok(_) => break,
            Err(other) => link = other,
        }
    }
    hurry();
}

/// Has the calling thread's sleeps be as short as they are said to be: prctl(2),
/// `PR_SET_TIMERSLACK`.
pub(super) fn be_punctual() {
    let [slack, none @ ..] = [1_u32, 0, 0, 0].map(sys::Word::from);
    let [a, b, c] = none;
    // SAFETY: it changes this thread alone. If it fails, sleeps are 50 µs longer.
    let _ = unsafe { sys::raw::prctl(Prctl::SET_TIMERSLACK, slack, a, b, c) };
}

/// Makes those threads.
fn make_wanted() -> bool {
    // SAFETY: they were put there by who had them, and now are sysmon's.
    let mut next = unsafe { WANTED.swap(ptr::null_mut(), AcqRel).as_ref() };
    let has_made = next.is_some();
    while let Some(processor) = next {
        next = processor.next.take();
        make_thread(processor, false);
    }
    has_made
}

fn run() {
    be_punctual();
    let mut fruitless = 0;
    let mut quiet = 0;
    let mut delay = SHORT;
    let mut retried = 0;
    loop {
        if delay > SLOW {
            SCHED.attention.fetch_or(attention::SLOW, SeqCst);
        }
        let was_woken = sleep(delay);
        SCHED.attention.fetch_and(!attention::SLOW, SeqCst);
        dump::if_asked();
        let mut has_done = make_wanted();
        let now = now();
        if now - retried >= SLICE {
            retried = now;
            retry();
        }
        if is_quiet() {
            // Perhaps for a moment: to be woken each time costs whoever ends the quiet more
            // than a look now and then.
            quiet += 1;
            delay = LONG;
            if quiet > QUIET {
                sleep_while_quiet();
                quiet = 0;
            }
            continue;
        }
        quiet = 0;
        if was_woken {
            fruitless = 0;
            delay = SHORT;
        }
        let polled = SCHED.polled.load(Relaxed);
        if polled != 0
            && polled + SLICE < now
            && poller::waiters() > 0
            && SCHED
                .polled
                .compare_exchange(polled, now, SeqCst, Relaxed)
                .is_ok()
        {
            poller::poll(Some(0));
        }
        for processor in SCHED.processors() {
            has_done |= retake(processor, now);
        }
        // Those that are no more may still have timers.
        for processor in SCHED.all_processors().skip(SCHED.count.load(Relaxed)) {
            if processor.timers.next() <= now {
                has_done |= processor.timers.fire_due(now) > 0;
            }
        }
        if has_done {
            fruitless = 0;
            delay = SHORT;
        } else {
            fruitless += 1;
            if fruitless > FRUITLESS {
                delay = (delay * 2).min(LONG);
            }
        }
    }
}

/// Tries once more what there was no memory for, or no thread.
fn retry() {
    let is_wanted = mem::take(&mut SCHED.shared.lock().thread_wanted);
    let has_stackless = idle::has_stackless();
    if has_stackless {
        idle::try_stacks_again();
    }
    if is_wanted || has_stackless {
        wake_one();
    }
}

/// Whether somebody has asked for something that [`run`] sees to: to be looked at before a sleep,
/// after what ends it.
fn has_requests() -> bool {
    !WANTED.load(SeqCst).is_null() || dump::is_asked()
}

/// Sleeps for so many nanoseconds, unless woken. Whether it was.
fn sleep(delay: u64) -> bool {
    let seen = WAKE.load(SeqCst);
    if !has_requests() {
        let deadline = prim::after(Duration::from_nanos(delay));
        prim::wait(&WAKE, seen, deadline);
    }
    WAKE.load(SeqCst) != seen
}

/// Whether all processors are idle and nothing is to be tried again, or the world is stopped.
fn is_quiet() -> bool {
    let all_idle = SCHED.idle.load(SeqCst) == SCHED.count.load(SeqCst);
    all_idle && !idle::has_stackless() || SCHED.is_asked(attention::STOP)
}

/// Sleeps while it is so.
fn sleep_while_quiet() {
    let seen = WAKE.load(SeqCst);
    {
        let shared = SCHED.shared.lock();
        if !is_quiet() || shared.thread_wanted || has_requests() {
            return;
        }
        SLEEPS.store(1, SeqCst);
    }
    while WAKE.load(SeqCst) == seen {
        prim::wait(&WAKE, seen, None);
    }
    SLEEPS.store(0, SeqCst);
}

/// Takes a processor from a system call that lasts, if others need it; asks a task that has run
/// for long to give way. Whether it has taken one.
fn retake(processor: &'static Processor, now: u64) -> bool {
    let word = processor.word();
    let seen = &processor.seen;
    let mut last = seen.get();
    match word.state() {
        ProcessorState::Running => {
            let picks = processor.picks.load(Relaxed);
            if last.picks != picks {
                last.picks = picks;
                last.picks_since = now;
                seen.set(last);
            } else if now - last.picks_since >= SLICE && is_needed(processor, now) {
                processor.give_way.store(true, Relaxed);
                preempt::turn_out(processor);
            }
            false
        }
        ProcessorState::Syscall => {
            let is_needed = is_needed(processor, now);
            if last.call != word.tick() {
                last.call = word.tick();
                last.call_since = now;
                seen.set(last);
                if !is_needed || !lasts(processor, word) {
                    return false;
                }
            }
            let others = SCHED.spinning.load(Relaxed) + SCHED.idle.load(Relaxed);
            if !is_needed && others > 0 && now - last.call_since < SLICE {
                return false;
            }
            if !processor.take(word.0, ProcessorState::Idle) {
                return false;
            }
            RETAKEN.fetch_add(1, Relaxed);
            if is_needed {
                processor.call_lasts();
            }
            hand_off(processor);
            true
        }
        _ => false,
    }
}

/// Whether something waits for this processor, or for any.
fn is_needed(processor: &Processor, now: u64) -> bool {
    processor.has_work() || SCHED.queued.load(Relaxed) > 0 || processor.timers.next() <= now
}

/// Whether a call in which a processor was seen for the first time lasts: whether it still does
/// after as long as taking a processor away and getting another costs. Where others wait for
/// the processor, to find that out at once is worth more than the moment that it takes.
fn lasts(processor: &Processor, word: Word) -> bool {
    /// About 5 µs.
    const LOOKS: u32 = 150;
    for _ in 0..LOOKS {
        hint::spin_loop();
        if processor.word() != word {
            return false;
        }
    }
    true
}

/// How many processors were taken from system calls.
pub(super) static RETAKEN: AtomicU32 = AtomicU32::new(0);
