//! What stands in for src/sync/prim.rs: loom's atomics, and a futex on loom's threads.
//!
//! Between two operations of loom's no other thread runs, so that looking at the word and
//! falling asleep are one step, as they are in the kernel.

use std::cell::RefCell;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU32 as Atomic;
use loom::thread::{self, Thread, ThreadId};

pub use loom::sync::atomic::Ordering;

use super::{Bug, planted};

/// A deadline may pass whenever other threads may run.
#[derive(Clone, Copy)]
pub struct Timespec;

pub type Deadline = Option<Timespec>;

pub fn after(_: Duration) -> Deadline {
    Some(Timespec)
}

pub fn at(_: Timespec) -> Deadline {
    Some(Timespec)
}

/// There are threads.
pub fn not_alone() {}

/// Looks once: loom runs every thread between.
pub fn spin(word: &AtomicU32, _: impl Fn(u32) -> bool) -> u32 {
    word.load(Ordering::Relaxed)
}

thread_local! {
    /// What the first thread of a model has made, for words and cells that are constants: in
    /// loom, who makes something must come before all who touch it.
    static MADE: RefCell<(Vec<Atomic>, Vec<UnsafeCell<()>>)> = RefCell::default();
}

/// Makes enough for a model. Its first thread calls this first.
pub fn make() {
    let words = (0..24).map(|_| Atomic::new(0)).collect();
    let cells = (0..4).map(|_| UnsafeCell::new(())).collect();
    MADE.set((words, cells));
}

/// An atomic word, and who sleeps on it.
#[derive(Debug)]
pub struct AtomicU32 {
    initial: u32,
    /// How the word differs from the initial one.
    word: OnceLock<Atomic>,
    asleep: Mutex<Vec<Thread>>,
}

impl AtomicU32 {
    pub const fn new(initial: u32) -> AtomicU32 {
        AtomicU32 {
            initial,
            word: OnceLock::new(),
            asleep: Mutex::new(Vec::new()),
        }
    }

    fn word(&self) -> &Atomic {
        self.word
            .get_or_init(|| MADE.with_borrow_mut(|made| made.0.pop().expect("enough are made")))
    }

    pub fn load(&self, order: Ordering) -> u32 {
        self.word().load(seen(order)) ^ self.initial
    }

    pub fn store(&self, value: u32, order: Ordering) {
        self.word().store(value ^ self.initial, seen(order));
    }

    pub fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.update(order, |_| value)
    }

    pub fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        self.update(order, |word| word.wrapping_add(value))
    }

    pub fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        self.update(order, |word| word.wrapping_sub(value))
    }

    pub fn fetch_and(&self, value: u32, order: Ordering) -> u32 {
        self.update(order, |word| word & value)
    }

    pub fn fetch_or(&self, value: u32, order: Ordering) -> u32 {
        self.update(order, |word| word | value)
    }

    fn update(&self, order: Ordering, f: impl Fn(u32) -> u32) -> u32 {
        let f = |word| f(word ^ self.initial) ^ self.initial;
        let found = if planted(Bug::Torn) {
            let found = self.word().load(Ordering::Relaxed);
            self.word().store(f(found), Ordering::Relaxed);
            found
        } else {
            let order = seen(order);
            let updated = self
                .word()
                .fetch_update(order, Ordering::Relaxed, |word| Some(f(word)));
            updated.expect("there is always a new value")
        };
        found ^ self.initial
    }

    pub fn compare_exchange(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        if planted(Bug::Torn) {
            let found = self.load(success);
            if found != old {
                return Err(found);
            }
            self.word().store(new ^ self.initial, Ordering::Relaxed);
            return Ok(found);
        }
        let [old, new] = [old, new].map(|value| value ^ self.initial);
        let exchanged = self
            .word()
            .compare_exchange(old, new, seen(success), failure);
        exchanged
            .map(|word| word ^ self.initial)
            .map_err(|word| word ^ self.initial)
    }

    pub fn compare_exchange_weak(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.compare_exchange(old, new, success, failure)
    }
}

/// The order that counts.
fn seen(order: Ordering) -> Ordering {
    if planted(Bug::Relaxed) {
        return Ordering::Relaxed;
    }
    order
}

pub fn wait(word: &AtomicU32, expected: u32, deadline: Deadline) -> bool {
    // The kernel reads what was last written.
    let current = word.word().fetch_add(0, Ordering::Relaxed) ^ word.initial;
    if current != expected && !planted(Bug::Sleepy) {
        return true;
    }
    let this = thread::current();
    let id = this.id();
    word.asleep.lock().unwrap().push(this);
    if deadline.is_none() {
        // It may be told to go on because of what it waited for before.
        while is_asleep(word, id) {
            thread::park();
        }
        return true;
    }
    thread::yield_now();
    let mut asleep = word.asleep.lock().unwrap();
    let before = asleep.len();
    asleep.retain(|thread| thread.id() != id);
    // One who was woken is not there any more.
    asleep.len() == before
}

fn is_asleep(word: &AtomicU32, id: ThreadId) -> bool {
    let asleep = word.asleep.lock().unwrap();
    asleep.iter().any(|thread| thread.id() == id)
}

pub fn wake_one(word: &AtomicU32) -> bool {
    let first = {
        let mut asleep = word.asleep.lock().unwrap();
        if asleep.is_empty() {
            return false;
        }
        asleep.remove(0)
    };
    // The word may be gone when the thread goes on.
    first.unpark();
    true
}

pub fn wake_all(word: &AtomicU32) {
    while wake_one(word) {
        if planted(Bug::Single) {
            break;
        }
    }
}

/// Data that loom sees to the sharing of.
#[derive(Debug)]
pub struct Cell<T> {
    data: std::cell::UnsafeCell<T>,
    touched: OnceLock<UnsafeCell<()>>,
}

impl<T> Cell<T> {
    pub const fn new(data: T) -> Cell<T> {
        Cell {
            data: std::cell::UnsafeCell::new(data),
            touched: OnceLock::new(),
        }
    }

    fn touched(&self) -> &loom::cell::UnsafeCell<()> {
        self.touched
            .get_or_init(|| MADE.with_borrow_mut(|made| made.1.pop().expect("enough are made")))
    }

    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.touched().with(|_| f(self.data.get()))
    }

    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.touched().with_mut(|_| f(self.data.get()))
    }

    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }
}
