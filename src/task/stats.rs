//! What the scheduler has counted.

use core::sync::atomic::Ordering::*;

use super::sched::{SCHED, SPAWNED_ELSEWHERE};
use super::world::stop_the_world;
use super::{poller, sysmon};

/// What the scheduler has, and has done: [`stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// How many processors there are: so many tasks can run at once.
    pub processors: usize,
    /// How many of them had nothing to do.
    pub idle_processors: usize,
    /// How many threads there are, sysmon and those of the program's own not among them.
    pub threads: usize,
    /// How many of them slept.
    pub idle_threads: usize,
    /// How many tasks waited to run, in queues.
    pub queued: usize,
    /// How many tasks wait for descriptors.
    pub polled: usize,
    /// How many tasks have been made, `main` not among them.
    pub spawned: u64,
    /// How many of those have ended.
    pub ended: u64,
    /// How many times a processor took tasks from another's queue.
    pub stolen: u64,
    /// How many processors were taken from system calls because they lasted.
    pub retaken: u64,
    /// How many system calls found their processor taken, and another idle at once.
    pub found_idle: u64,
    /// How many tasks were turned out by a signal.
    pub turned_out: u64,
    /// How many times a thread had to wait for a descriptor in its task's place, because there
    /// were no descriptors or no memory to do it otherwise.
    pub unpolled: u64,
}

/// A snapshot, for which it stops the world.
pub fn stats() -> Stats {
    // While it stops, what is idle ceases to be.
    let idle_processors = SCHED.idle.load(Relaxed);
    let _stopped = stop_the_world();
    let mut stats = Stats {
        processors: SCHED.count.load(Relaxed),
        idle_processors,
        polled: poller::waiters(),
        spawned: SPAWNED_ELSEWHERE.load(Relaxed) as u64,
        retaken: u64::from(sysmon::RETAKEN.load(Relaxed)),
        turned_out: u64::from(super::preempt::TURNED_OUT.load(Relaxed)),
        unpolled: poller::fallbacks() as u64,
        ..Stats::default()
    };
    for processor in SCHED.all_processors() {
        let counts = &processor.counts;
        stats.spawned += counts.spawned.get();
        stats.ended += counts.ended.get();
        stats.stolen += counts.stolen.get();
        stats.found_idle += counts.found_idle.get();
        stats.queued += processor.len();
    }
    let shared = SCHED.shared.lock();
    stats.queued += shared.queue.len();
    stats.threads = shared.threads;
    stats.idle_threads = shared.asleep;
    stats
}
