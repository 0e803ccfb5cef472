//! What parks tasks, on what stands in for tasks and their atomics here.

#[path = "../../../src/task/channel/mod.rs"]
pub mod channel;
#[path = "../../../src/task/sync/mod.rs"]
pub mod sync;
#[path = "wait.rs"]
pub mod wait;
#[path = "../../../src/task/waiters.rs"]
pub mod waiters;

/// What nobody counts on.
pub mod random {
    /// The last: so the cases of a select are tried in two orders where the other end has its
    /// own.
    pub fn below(bound: usize) -> usize {
        bound - 1
    }
}

/// No thread of a model is preempted where it must not be.
pub mod lock {
    pub type Lock<T> = crate::sync::Mutex<T>;
}
