//! Locks that park the task.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use freestand::task::sync::RwLockWriteGuard;
use freestand::task::{Barrier, Condvar, Mutex, RwLock, Semaphore, WaitGroup};
use freestand::time::{Duration, Instant};

use super::crew;

const CREW: usize = 8;

/// A number that whoever is alone may change.
struct Alone(UnsafeCell<usize>);

// SAFETY: it is changed by one at a time, if what is tried here works.
unsafe impl Sync for Alone {}

impl Alone {
    fn add(&self) {
        // SAFETY: whoever calls it is alone, if what is tried here works.
        unsafe { *self.0.get() += 1 };
    }

    fn get(&self) -> usize {
        // SAFETY: as above.
        unsafe { *self.0.get() }
    }
}

/// Each lock keeps others out, also while who holds it gives its processor up.
pub fn counters(rounds: usize) {
    let (count, both) = (Mutex::new(0), RwLock::new((0, 0)));
    let (permits, many) = (Semaphore::new(1), Semaphore::new(3));
    let by_permit = Alone(UnsafeCell::new(0));
    let at_once = AtomicUsize::new(0);
    crew::all(CREW, |index| {
        for round in 0..rounds {
            let is_turn = (round + index) % 4 == 0;
            {
                let mut count = count.lock();
                let before = *count;
                if is_turn {
                    crew::yield_now();
                }
                *count = before + 1;
            }
            if is_turn {
                let mut both = both.write();
                both.0 += 1;
                crew::yield_now();
                both.1 += 1;
                let both = RwLockWriteGuard::downgrade(both);
                assert_eq!(both.0, both.1);
            } else {
                let both = both.read();
                assert_eq!(both.0, both.1);
            }
            {
                let _permit = permits.access();
                by_permit.add();
            }
            let wanted = 1 + (index as u32 + round as u32) % 3;
            {
                let _permits = many.access_many(wanted);
                let now = at_once.fetch_add(wanted as usize, Relaxed) + wanted as usize;
                assert!(now <= 3, "{now} permits of 3");
                if is_turn {
                    crew::yield_now();
                }
                at_once.fetch_sub(wanted as usize, Relaxed);
            }
            // Whoever gives up leaves nobody waiting.
            let patience = Duration::from_micros(round as u64 % 3 * 10);
            if let Some(mut count) = count.try_lock_for(patience) {
                *count += 1;
                *count -= 1;
            }
            drop(both.try_write_for(patience));
            if many.acquire_timeout(patience) {
                many.release();
            }
        }
    });
    let all = CREW * rounds;
    assert_eq!(*count.lock(), all);
    assert_eq!(*both.read(), (all / 4, all / 4));
    assert_eq!((by_permit.get(), permits.available()), (all, 1));
    assert_eq!(many.available(), 3);
    assert!(!count.is_locked() && !both.is_locked());
}

/// Each waits for its turn, and they wait for each other.
pub fn notify(rounds: usize) {
    let (turn, changed) = (Mutex::new(0), Condvar::new());
    let (together, leaders) = (Barrier::new(CREW), AtomicUsize::new(0));
    crew::all(CREW, |index| {
        for round in 0..rounds {
            let mut now = turn.lock();
            changed.wait_while(&mut now, |now| *now % CREW != index);
            assert_eq!(*now, round * CREW + index);
            *now += 1;
            drop(now);
            changed.notify_all();
        }
        for round in 1..=rounds {
            if together.wait().is_leader() {
                leaders.fetch_add(1, Relaxed);
            }
            together.wait();
            assert_eq!(leaders.load(Relaxed), round);
            together.wait();
        }
        // One notification, one waiter: the first half waits for what the other gives.
        for _ in 0..rounds {
            let mut now = turn.lock();
            if index < CREW / 2 {
                changed.wait_while(&mut now, |now| *now == rounds * CREW);
                *now -= 1;
            } else {
                *now += 1;
                drop(now);
                changed.notify_one();
            }
        }
    });
    assert_eq!(*turn.lock(), rounds * CREW);
    // Nobody waits, and nobody is notified.
    assert!(!changed.notify_one());
    assert_eq!(changed.notify_all(), 0);
}

/// Some work, some wait until all work is done, again and again.
pub fn groups(rounds: usize) {
    let (group, done) = (WaitGroup::new(), AtomicUsize::new(0));
    let together = Barrier::new(CREW);
    crew::all(CREW, |index| {
        for round in 1..=rounds {
            if index == 0 {
                group.add(CREW as u32 / 2);
            }
            together.wait();
            if index < CREW / 2 {
                done.fetch_add(1, Relaxed);
                group.done();
            } else if index == CREW - 1 {
                while !group.wait_timeout(Duration::from_micros(10)) {}
            } else {
                group.wait();
            }
            if index >= CREW / 2 {
                assert_eq!(done.load(Relaxed), round * CREW / 2);
            }
            together.wait();
        }
    });
    {
        let _guard = group.guard();
        assert_eq!(group.count(), 1);
        assert!(!group.wait_timeout(Duration::ZERO));
    }
    group.wait();
}

/// Every wait that has a deadline, which passes.
pub fn deadlines() {
    const PATIENCE: Duration = Duration::from_millis(4);
    let (mutex, read, written) = (Mutex::new(()), RwLock::new(()), RwLock::new(()));
    let held = (mutex.lock(), read.read(), written.write());
    let (permits, other, condvar) = (Semaphore::new(0), Mutex::new(()), Condvar::new());
    let group = WaitGroup::new();
    group.add(1);
    let waits: [&dyn Fn() -> bool; 9] = [
        &|| mutex.try_lock_for(PATIENCE).is_none(),
        &|| {
            let deadline = Instant::now() + PATIENCE;
            mutex.try_lock_until(deadline.into()).is_none()
        },
        &|| read.try_write_for(PATIENCE).is_none(),
        &|| written.try_read_for(PATIENCE).is_none(),
        &|| {
            let deadline = Instant::now() + PATIENCE;
            written.try_write_until(deadline.into()).is_none()
        },
        &|| !permits.acquire_timeout(PATIENCE),
        &|| !permits.acquire_deadline(Instant::now() + PATIENCE),
        &|| !group.wait_timeout(PATIENCE),
        &|| {
            let mut guard = other.lock();
            condvar
                .wait_while_for(&mut guard, |()| true, PATIENCE)
                .timed_out()
        },
    ];
    for wait in waits {
        let begin = Instant::now();
        assert!(wait());
        assert!(begin.elapsed() >= PATIENCE);
    }
    // What was waited for in vain is as it was.
    drop(held);
    assert!(mutex.try_lock().is_some() && read.try_write().is_some());
    assert!(written.try_read().is_some());
    permits.release_many(2);
    assert!(!permits.try_acquire_many(3) && permits.try_acquire_many(2));
    group.done();
    assert!(group.wait_deadline(Instant::now()));
}
