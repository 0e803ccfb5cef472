//! Timers, beside a sorted map of them.

use std::collections::BTreeMap;

use crate::plain::timer::Timers;
use crate::plain::wait::{Sleeper, WOKEN, Wait};

/// Numbers that look like any.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// The timers, and what they must do: who is woken when, by time and number.
struct Both {
    timers: Timers,
    sleepers: BTreeMap<(u64, usize), *mut Sleeper>,
    added: usize,
}

impl Both {
    fn new() -> Both {
        Both {
            timers: Timers::new(),
            sleepers: BTreeMap::new(),
            added: 0,
        }
    }

    fn add(&mut self, when: u64) {
        let sleeper = Sleeper::new(self.added, when);
        // SAFETY: it is there until it is woken, or was cancelled.
        unsafe { self.timers.add(&(*sleeper).timer) };
        self.sleepers.insert((when, self.added), sleeper);
        self.added += 1;
        self.check();
    }

    /// Somebody else wakes the first one that comes at `when` or later.
    fn cancel(&mut self, when: u64) {
        let Some((&key, &sleeper)) = self.sleepers.range((when, 0)..).next() else {
            return;
        };
        self.sleepers.remove(&key);
        // SAFETY: it waits.
        unsafe {
            assert!((*sleeper).wait.claim(1));
            self.timers.cancel(&(*sleeper).timer);
            // It may be cancelled when it is out already.
            self.timers.cancel(&(*sleeper).timer);
            Wait::wake(&(*sleeper).wait);
        }
        WOKEN.take();
        self.check();
    }

    /// Somebody else has claimed it, and not cancelled it yet when it is due.
    fn cancel_late(&mut self) {
        let Some(((when, _), sleeper)) = self.sleepers.pop_first() else {
            return;
        };
        // SAFETY: it waits.
        unsafe { assert!((*sleeper).wait.claim(1)) };
        self.fire(when);
        // SAFETY: as above.
        unsafe {
            self.timers.cancel(&(*sleeper).timer);
            Wait::wake(&(*sleeper).wait);
        }
        WOKEN.take();
        self.check();
    }

    fn fire(&mut self, now: u64) {
        let later = self.sleepers.split_off(&(now + 1, 0));
        let due = std::mem::replace(&mut self.sleepers, later);
        let fired = self.timers.fire_due(now);
        let woken = WOKEN.take();
        assert_eq!(fired, due.len());
        // At the same time, in any order.
        let when: BTreeMap<usize, u64> = due.keys().map(|&(when, who)| (who, when)).collect();
        assert!(woken.is_sorted_by_key(|who| when[who]));
        assert_eq!(woken.len(), due.len());
        self.check();
    }

    fn check(&self) {
        let first = self.sleepers.keys().next();
        assert_eq!(self.timers.next(), first.map_or(u64::MAX, |key| key.0));
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.fire(u64::MAX - 1);
            assert!(self.sleepers.is_empty());
        }
    }
}

#[test]
fn timers_are_a_sorted_map() {
    for range in [10, 1_000, 1_000_000_000] {
        let mut random = Random(range);
        let mut both = Both::new();
        let mut now = 0;
        for _ in 0..100_000 {
            match random.below(16) {
                0..8 => both.add(now + random.below(range)),
                8..13 => both.cancel(now + random.below(range)),
                13 => both.cancel_late(),
                14 => both.fire(now),
                _ => {
                    now += random.below(range) / 100;
                    both.fire(now);
                }
            }
        }
    }
}

#[test]
fn timers_in_every_order() {
    const COUNT: u64 = 10_000;
    let orders: [fn(u64) -> u64; 4] = [|i| i, |i| COUNT - i, |_| 7, |i| i * 7919 % COUNT];
    for order in orders {
        let mut both = Both::new();
        (0..COUNT).for_each(|i| both.add(order(i)));
        (0..COUNT).step_by(4).for_each(|i| both.cancel(i));
        both.fire(COUNT / 2);
        both.fire(COUNT);
    }
}
