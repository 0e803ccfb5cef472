//! What the models of locks have in common: data that loom watches, and bugs to be found.

mod planted;
pub mod prim;

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use prim::Cell;

/// What may be wrong with what the locks are made of, or with how they use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// An exchange is a load and a store.
    Torn,
    /// No access orders others.
    Relaxed,
    /// Who falls asleep does not look whether there still is something to wait for.
    Sleepy,
    /// Only one is woken where all are to be.
    Single,
    /// Whoever claims a task's wait gets it.
    Unclaimed,
}

pub fn planted(bug: Bug) -> bool {
    planted::is_planted(bug)
}

/// Tries every order in which threads take turns, if no more than `preemptions` are turned
/// out by others.
pub fn model(preemptions: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        prim::make();
        check();
    });
}

/// Data that only one thread at a time may touch.
pub struct Data(Cell<u32>);

// SAFETY: loom tells if two touch it.
unsafe impl Sync for Data {}

impl Data {
    pub const fn new() -> Data {
        Data(Cell::new(0))
    }

    /// Adds one.
    pub fn touch(&self) {
        // SAFETY: loom tells if another thread touches it.
        self.0.with_mut(|data| unsafe { *data += 1 });
    }

    /// How often it was touched.
    pub fn look(&self) -> u32 {
        // SAFETY: as above.
        self.0.with(|data| unsafe { *data })
    }
}

/// Runs the two in threads, and the third in this one.
pub fn together<T: Send + Sync + 'static>(
    shared: &Arc<T>,
    one: fn(&T),
    two: Option<fn(&T)>,
    three: fn(&T),
) {
    let threads: Vec<_> = [Some(one), two]
        .into_iter()
        .flatten()
        .map(|body| {
            let shared = Arc::clone(shared);
            thread::spawn(move || body(&shared))
        })
        .collect();
    three(shared);
    for thread in threads {
        thread.join().unwrap();
    }
}

pub const SOON: Duration = Duration::from_millis(1);

/// Loom finds each bug where it is planted.
pub fn finds_planted(planted: &[(&str, &[Bug])]) {
    planted::are_found(planted, &["Causality violation", "deadlock", "assertion"]);
}
