//! The crate critical-section, implemented: one lock for the whole process.

use core::cell::UnsafeCell;

use critical_section::{Impl, RawRestoreState, set_impl};
use lock_api::{GuardSend, RawMutex as _};

use super::RawMutex;
use super::prim::{AtomicU32, Ordering};
use crate::sys;
use crate::sys::hook::ThreadLocked;

/// A section is a lock that the thread that holds it may take once more. A [task](crate::task)
/// stays on its thread meanwhile, and others off it.
///
/// Other threads are kept out; signals are not. A handler that enters a section while its
/// own thread is in one is let in at once, between any two instructions of what it
/// interrupted: what handlers share with the program needs the signals blocked as well.
struct Section;

set_impl!(Section);

static LOCK: RawMutex = RawMutex::INIT;

/// The id of the thread that holds the lock; 0 is none's.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// What keeps the task on its thread that holds the lock.
struct Locked(UnsafeCell<Option<ThreadLocked>>);

// SAFETY: only who holds the lock looks at it.
unsafe impl Sync for Locked {}

static LOCKED: Locked = Locked(UnsafeCell::new(None));

// SAFETY: between `acquire` and its `release` this thread holds the lock, or has held it all
// along, and no other does.
unsafe impl Impl for Section {
    /// Whether this is the outermost section, which gives the lock back.
    unsafe fn acquire() -> RawRestoreState {
        let locked = ThreadLocked::new();
        let this_thread = sys::gettid().0.cast_unsigned();
        // Only this thread writes its own id there, and takes it away.
        if OWNER.load(Ordering::Relaxed) == this_thread {
            return false;
        }
        let _ = LOCK.lock();
        OWNER.store(this_thread, Ordering::Relaxed);
        // SAFETY: whoever holds the lock has it.
        unsafe { *LOCKED.0.get() = Some(locked) };
        true
    }

    unsafe fn release(is_outermost: RawRestoreState) {
        if is_outermost {
            // SAFETY: as above.
            let _locked = unsafe { (*LOCKED.0.get()).take() };
            OWNER.store(0, Ordering::Relaxed);
            // SAFETY: `acquire` took it, in this thread.
            unsafe { LOCK.unlock(GuardSend::new()) };
        }
    }
}
