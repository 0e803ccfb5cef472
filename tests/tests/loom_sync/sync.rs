//! The locks, on what stands in for their atomics here.

#[path = "../../../src/sync/barrier.rs"]
mod barrier;
#[path = "../../../src/sync/condvar.rs"]
mod condvar;
#[path = "../../../src/sync/lazy_lock.rs"]
mod lazy_lock;
#[path = "../../../src/sync/mpsc/mod.rs"]
pub mod mpsc;
#[path = "../../../src/sync/mutex.rs"]
mod mutex;
#[path = "../../../src/sync/once.rs"]
mod once;
#[path = "../../../src/sync/once_lock.rs"]
mod once_lock;
#[path = "../../../src/sync/parker.rs"]
mod parker;
#[path = "../../../src/sync/rwlock.rs"]
mod rwlock;
#[path = "../../../src/sync/semaphore.rs"]
mod semaphore;

pub use crate::support::prim;
pub use barrier::Barrier;
pub use condvar::Condvar;
pub use lazy_lock::LazyLock;
pub use mutex::{Mutex, MutexGuard, RawMutex};
pub use once::Once;
pub use once_lock::OnceLock;
pub(crate) use parker::Parker;
pub use rwlock::{RwLock, RwLockWriteGuard};
pub use semaphore::Semaphore;
