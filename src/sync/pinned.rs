//! Locks whose holder is not turned out.

use lock_api::GuardSend;

use super::RawMutex;
use crate::sys::hook;

/// A lock that a scheduler's threads may take too: while somebody holds it, the holder's thread
/// is [pinned](hook), so that it does not wait for a processor that another holds who waits for
/// the lock.
///
/// It is for what takes a few instructions, or calls of the kernel that do not wait for others.
pub(crate) type PinnedMutex<T> = lock_api::Mutex<PinnedRawMutex, T>;
/// The data, until it drops.
pub(crate) type PinnedMutexGuard<'a, T> = lock_api::MutexGuard<'a, PinnedRawMutex, T>;

#[derive(Debug)]
pub(crate) struct PinnedRawMutex(RawMutex);

// SAFETY: it is a RawMutex.
unsafe impl lock_api::RawMutex for PinnedRawMutex {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "the trait's way to say how a lock begins"
    )]
    const INIT: PinnedRawMutex = PinnedRawMutex(RawMutex::INIT);

    /// It is unlocked where it was locked: a pinned thread goes on with what it does.
    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        hook::pin();
        self.0.lock()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        hook::pin();
        let guard = self.0.try_lock();
        if guard.is_none() {
            hook::unpin();
        }
        guard
    }

    #[inline]
    unsafe fn unlock(&self, guard: GuardSend) {
        // SAFETY: passed on to the caller.
        unsafe { self.0.unlock(guard) };
        hook::unpin();
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}
