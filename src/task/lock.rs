//! The lock around what the scheduler's parts share: it is looked at for a few instructions at a
//! time, by tasks, by the scheduler, and by threads. Who holds it does not wait for anything
//! else, and is pinned: so whoever finds it taken waits for a thread that runs.

/// Data that is looked at for a few instructions at a time.
pub(crate) type Lock<T> = crate::sync::PinnedMutex<T>;
