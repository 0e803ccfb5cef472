//! Locks that many tasks may hold to read, or one to write.

use core::time::Duration;

use lock_api::GuardSend;

use super::Semaphore;
use crate::sync::prim::{self, Timespec};
use crate::task::wait::Reason;

/// A lock that many tasks hold to read, or one to write.
///
/// Its methods are lock_api's. Without poisoning, `read` and `write` return the guard itself.
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;
/// What [`RwLock::read`](lock_api::RwLock::read) returns: the data, until it drops.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;
/// What [`RwLock::write`](lock_api::RwLock::write) returns: the data, until it drops.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;
/// A part of what a [`RwLockReadGuard`] gives access to.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;
/// A part of what a [`RwLockWriteGuard`] gives access to.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// How many permits there are: as many as there may be readers.
const ALL: u32 = Semaphore::MAX_PERMITS;

/// The lock itself: permits, of which who reads has one, and who writes all.
///
/// So they come in turns: a reader waits behind a writer that waits, and must not begin to
/// read once more, for then both would wait for ever.
#[derive(Debug)]
pub struct RawRwLock(Semaphore);

// SAFETY: who writes has all permits, who reads one of them; each gives back what it has.
unsafe impl lock_api::RawRwLock for RawRwLock {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait's way to say how a lock begins"
    )]
    const INIT: RawRwLock = RawRwLock(Semaphore::new(ALL));

    /// Nothing needs to be remembered between locking and unlocking.
    type SharedGuard = GuardSend;
    /// Nor here.
    type ExclusiveGuard = GuardSend;

    #[inline]
    #[track_caller]
    fn lock_shared(&self) -> GuardSend {
        self.0.acquire_by(1, Reason::to("lock to read"), None);
        GuardSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardSend> {
        self.0.try_acquire().then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_shared(&self, _: GuardSend) {
        self.0.release();
    }

    #[inline]
    #[track_caller]
    fn lock_exclusive(&self) -> GuardSend {
        self.0.acquire_by(ALL, Reason::to("lock to write"), None);
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        self.0.try_acquire_many(ALL).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _: GuardSend) {
        self.0.release_many(ALL);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.available() != ALL
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.0.available() == 0
    }
}

// SAFETY: the writer keeps one permit, as a reader has.
unsafe impl lock_api::RawRwLockDowngrade for RawRwLock {
    unsafe fn downgrade(&self, _: GuardSend) -> GuardSend {
        self.0.release_many(ALL - 1);
        GuardSend::new()
    }
}

// SAFETY: as above; one whose deadline passed has no permit.
unsafe impl lock_api::RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Timespec;

    #[track_caller]
    fn try_lock_shared_for(&self, timeout: Duration) -> Option<GuardSend> {
        let reason = Reason::to("lock to read");
        (self.0.try_acquire() || self.0.acquire_by(1, reason, prim::after(timeout)))
            .then(GuardSend::new)
    }

    #[track_caller]
    fn try_lock_shared_until(&self, deadline: Timespec) -> Option<GuardSend> {
        let reason = Reason::to("lock to read");
        self.0
            .acquire_by(1, reason, prim::at(deadline))
            .then(GuardSend::new)
    }

    #[track_caller]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        let reason = Reason::to("lock to write");
        (self.0.try_acquire_many(ALL) || self.0.acquire_by(ALL, reason, prim::after(timeout)))
            .then(GuardSend::new)
    }

    #[track_caller]
    fn try_lock_exclusive_until(&self, deadline: Timespec) -> Option<GuardSend> {
        let reason = Reason::to("lock to write");
        self.0
            .acquire_by(ALL, reason, prim::at(deadline))
            .then(GuardSend::new)
    }
}
