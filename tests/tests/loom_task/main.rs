//! What the scheduler is made of: src/task's run queue on loom's atomics, with every order in
//! which threads take turns, and on the processor's; and its timers beside a sorted map.
//!
//! No task is lost and none is had twice, and with a task comes what was written of it (loom
//! tells of data that two touch).

#![allow(dead_code, reason = "there are more functions than are tried here")]
#![allow(
    clippy::duplicate_mod,
    reason = "on loom's atomics, and on the processor's"
)]

mod modelled;
mod plain;
#[path = "../loom_support/planted.rs"]
mod planted;
mod timers;

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};

use loom::cell::UnsafeCell;
use loom::thread;
use modelled::prim::RING;
use modelled::ring::{Half, Ring};

/// What may be wrong with the atomics, or with how they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// An exchange is a load and a store.
    Torn,
    /// No access orders others.
    Relaxed,
    /// No load has what came before the store.
    Unacquired,
    /// No store has what came before it.
    Unreleased,
}

fn planted(bug: Bug) -> bool {
    planted::is_planted(bug)
}

/// Tries every order in which threads take turns, if no more than `preemptions` are turned
/// out by others.
fn model(preemptions: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(check);
}

/// What only one may touch at a time, and how often somebody has.
type Task = UnsafeCell<u32>;

/// A queue, those of two who steal from it, and the tasks.
struct World {
    ours: Ring<Task>,
    others: [Ring<Task>; 2],
    tasks: Vec<Task>,
}

// SAFETY: loom tells of what two touch.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

impl World {
    fn new(tasks: usize) -> Arc<World> {
        Arc::new(World {
            ours: Ring::new(),
            others: [Ring::new(), Ring::new()],
            tasks: (0..tasks).map(|_| UnsafeCell::new(0)).collect(),
        })
    }

    /// The task, about which something was written.
    fn task(&self, number: usize) -> NonNull<Task> {
        let task = &self.tasks[number];
        touch(NonNull::from(task));
        NonNull::from(task)
    }

    fn push(&self, number: usize) {
        self.ours.push(self.task(number)).unwrap();
    }

    /// Runs what is in the queue, and what is to run next.
    fn run_all(&self, ring: &Ring<Task>) {
        while let Some(task) = ring.take_next().or_else(|| ring.pop()) {
            touch(task);
        }
    }

    /// Steals once, and runs what it got.
    fn steal(&self, thief: usize) {
        if let Some(task) = self.others[thief].steal_from(&self.ours) {
            touch(task);
        }
        self.run_all(&self.others[thief]);
    }

    /// Each is run once, if nobody else is left to.
    fn check(&self) {
        for ring in [&self.ours, &self.others[0], &self.others[1]] {
            self.run_all(ring);
        }
        for task in &self.tasks {
            // SAFETY: loom tells if another thread touches it.
            task.with(|count| unsafe { assert_eq!(*count, 2) });
        }
    }
}

fn touch(task: NonNull<Task>) {
    // SAFETY: tasks live as long as the world, and loom tells if two touch one.
    unsafe { task.as_ref().with_mut(|count| *count += 1) };
}

/// Has them all run at once, the first in this thread.
fn together(world: Arc<World>, ours: fn(&World), others: &[fn(&World)]) {
    let threads: Vec<_> = others
        .iter()
        .map(|&body| {
            let world = Arc::clone(&world);
            thread::spawn(move || body(&world))
        })
        .collect();
    ours(&world);
    for thread in threads {
        thread.join().unwrap();
    }
    world.check();
}

#[test]
fn one_steals() {
    model(3, || {
        let ours = |world: &World| {
            world.push(0);
            world.push(1);
            world.push(2);
            world.run_all(&world.ours);
        };
        together(World::new(3), ours, &[|world| world.steal(0)]);
    });
}

#[test]
fn two_steal() {
    model(2, || {
        let ours = |world: &World| {
            world.push(0);
            world.push(1);
            world.push(2);
            if let Some(task) = world.ours.pop() {
                touch(task);
            }
        };
        let others: [fn(&World); 2] = [|world| world.steal(0), |world| world.steal(1)];
        together(World::new(3), ours, &others);
    });
}

/// One steals from who steals: what was written of a task comes along.
#[test]
fn one_steals_what_was_stolen() {
    model(2, || {
        let ours = |world: &World| {
            for number in 0..RING {
                world.push(number);
            }
        };
        let middle = |world: &World| {
            if let Some(task) = world.others[0].steal_from(&world.ours) {
                touch(task);
            }
        };
        let last = |world: &World| {
            if let Some(task) = world.others[1].steal_from(&world.others[0]) {
                touch(task);
            }
            world.run_all(&world.others[1]);
        };
        together(World::new(RING), ours, &[middle, last]);
    });
}

/// The ring is full, and slots are used again, while one steals.
#[test]
fn slots_are_used_again() {
    model(3, || {
        let world = World::new(RING + 3);
        for number in 0..RING {
            world.push(number);
        }
        let ours = |world: &World| {
            for number in RING..RING + 3 {
                if let Some(task) = world.ours.pop() {
                    touch(task);
                }
                world.push(number);
            }
        };
        together(world, ours, &[|world| world.steal(0)]);
    });
}

/// Half of a full ring goes elsewhere, while one steals.
#[test]
fn half_is_taken() {
    model(3, || {
        let world = World::new(RING + 1);
        for number in 0..RING {
            world.push(number);
        }
        let ours = |world: &World| {
            let task = world.task(RING);
            let mut half = Half::new();
            loop {
                if world.ours.push(task).is_ok() {
                    break;
                }
                if world.ours.take_half(&mut half) {
                    assert!((1..=RING / 2).contains(&half.len()));
                    half.push(task).unwrap();
                    break;
                }
                assert!(half.is_empty());
            }
            half.into_iter().for_each(touch);
        };
        together(world, ours, &[|world| world.steal(0)]);
    });
}

/// The one that runs next is stolen, or thrown out, or run.
#[test]
fn next_is_taken() {
    model(3, || {
        let ours = |world: &World| {
            for number in 0..3 {
                if let Some(task) = world.ours.put_next(world.task(number)) {
                    world.ours.push(task).unwrap();
                }
            }
            if let Some(task) = world.ours.take_next() {
                touch(task);
            }
        };
        let other = |world: &World| {
            if let Some(task) = world.ours.take_next() {
                touch(task);
            }
        };
        together(World::new(3), ours, &[other, other]);
    });
}

/// While there always is one, nobody sees that there is none.
#[test]
fn there_is_one() {
    model(3, || {
        let world = World::new(2);
        assert!(world.ours.put_next(world.task(0)).is_none());
        let ours = |world: &World| {
            let task = world.ours.put_next(world.task(1)).unwrap();
            world.ours.push(task).unwrap();
            touch(world.ours.take_next().unwrap());
        };
        let other = |world: &World| assert!(!world.ours.is_empty());
        together(world, ours, &[other]);
    });
}

/// loom ends the process when it finds something.
#[test]
fn planted_bugs_are_found() {
    use Bug::{Relaxed, Torn, Unacquired, Unreleased};
    let planted: [(&str, &[Bug]); 7] = [
        ("one_steals", &[Torn, Relaxed, Unacquired, Unreleased]),
        ("two_steal", &[Torn, Relaxed, Unacquired, Unreleased]),
        (
            "one_steals_what_was_stolen",
            &[Relaxed, Unacquired, Unreleased],
        ),
        (
            "slots_are_used_again",
            &[Torn, Relaxed, Unacquired, Unreleased],
        ),
        ("half_is_taken", &[Torn]),
        ("next_is_taken", &[Torn, Relaxed]),
        ("there_is_one", &[Relaxed, Unacquired]),
    ];
    // The last is of one who looks again for ever.
    let found = ["Causality violation", "assertion", "number of branches"];
    planted::are_found(&planted, &found);
}

/// Ten million tasks, one owner, three thieves: each is had once.
#[test]
fn each_is_had_once() {
    use plain::prim::RING;
    use plain::ring::{Half, Ring};

    const TASKS: usize = 10_000_000;
    const THIEVES: usize = 3;

    struct Shared {
        ours: Ring<u8>,
        had: Vec<AtomicU8>,
        count: AtomicUsize,
    }

    impl Shared {
        /// Tasks are numbers here, from 1 on.
        fn task(number: usize) -> NonNull<u8> {
            NonNull::new(std::ptr::without_provenance_mut(number)).unwrap()
        }

        fn has(&self, task: NonNull<u8>) {
            let before = self.had[task.addr().get() - 1].fetch_add(1, Relaxed);
            assert_eq!(before, 0, "{task:?} was had before");
            self.count.fetch_add(1, Relaxed);
        }
    }

    let shared = Shared {
        ours: Ring::new(),
        had: (0..TASKS).map(|_| AtomicU8::new(0)).collect(),
        count: AtomicUsize::new(0),
    };
    std::thread::scope(|scope| {
        for number in 0..THIEVES {
            let shared = &shared;
            scope.spawn(move || {
                let own = Ring::new();
                while shared.count.load(Relaxed) < TASKS {
                    // One of them also takes what is to run next.
                    let next = (number == 0).then(|| shared.ours.take_next()).flatten();
                    let Some(task) = next.or_else(|| own.steal_from(&shared.ours)) else {
                        std::thread::yield_now();
                        continue;
                    };
                    shared.has(task);
                    while let Some(task) = own.pop() {
                        shared.has(task);
                    }
                }
            });
        }
        let mut half = Half::new();
        let push = |task, half: &mut Half<u8>| {
            while shared.ours.push(task).is_err() {
                if shared.ours.take_half(half) {
                    assert!((1..=RING / 2).contains(&half.len()));
                    half.drain(..).for_each(|task| shared.has(task));
                }
            }
        };
        for number in 1..=TASKS {
            let task = Shared::task(number);
            if number % 3 != 0 {
                push(task, &mut half);
            } else if let Some(before) = shared.ours.put_next(task) {
                push(before, &mut half);
            }
            if number % 5 == 0
                && let Some(task) = shared.ours.take_next().or_else(|| shared.ours.pop())
            {
                shared.has(task);
            }
        }
        while let Some(task) = shared.ours.take_next().or_else(|| shared.ours.pop()) {
            shared.has(task);
        }
    });
    assert!(shared.ours.is_empty());
    assert!(shared.had.iter().all(|had| had.load(Relaxed) == 1));
}
