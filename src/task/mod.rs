//! Tasks: cheap threads of control over few threads, in the manner of Go's scheduler.

pub mod channel;
mod lock;
mod random;
pub mod sync;
mod wait;
mod waiters;

#[doc(inline)]
pub use crate::select;
#[doc(no_inline)]
pub use sync::{Barrier, Condvar, Mutex, RwLock, Semaphore, WaitGroup};
