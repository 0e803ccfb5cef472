//! Which threads there are.

use alloc::vec::Vec;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::Ordering::*;

use super::control::{Control, ControlRef};
use crate::sync::PinnedMutex;
use crate::sys::{self, Tid};

/// The threads that were made, the newest first. The initial one, which is always there, is not
/// among them.
struct Threads(Cell<*mut Control>);

// SAFETY: while a thread is in the list, its control block stays, and only who holds the lock
// looks at the links.
unsafe impl Send for Threads {}

static THREADS: PinnedMutex<Threads> = PinnedMutex::new(Threads(Cell::new(ptr::null_mut())));

/// Puts one in that is about to be made, for nobody is to miss it; or takes one out: the calling
/// thread, which is about to end, or one that could not be made.
#[inline(never)]
pub(super) fn set(control: ControlRef, is_there: bool) {
    let threads = THREADS.lock();
    // The link that leads to it, and what it is to lead to.
    let (link, to) = if is_there {
        control.next.set(threads.0.get());
        (&raw const threads.0, control.as_ptr())
    } else {
        (control.link.get(), control.next.get())
    };
    control.link.set(link);
    // SAFETY: the links are those of threads in the list, and its beginning.
    unsafe {
        (*link).set(to);
        if let Some(next) = control.next.get().as_ref() {
            next.link.set(match is_there {
                true => &raw const control.next,
                false => link,
            });
        }
    }
}

/// The threads of the process, the initial one included; not such as were made by the system call
/// alone, nor those that are yet to be made.
pub(crate) fn all() -> Vec<Tid> {
    let mut all = Vec::from([Tid(sys::getpid().0)]);
    loop {
        let is_full = {
            let threads = THREADS.lock();
            let mut thread = threads.0.get();
            // SAFETY: what is in the list stays while the lock is held.
            while let Some(control) = unsafe { thread.as_ref() }
                && all.len() < all.capacity()
            {
                match control.tid.load(Acquire) {
                    0 => {}
                    tid => all.push(Tid(tid.cast_signed())),
                }
                thread = control.next.get();
            }
            !thread.is_null()
        };
        if !is_full {
            return all;
        }
        // Once more, with more room: not while the lock is held.
        let room = 2 * all.capacity();
        all.truncate(1);
        all.reserve(room);
    }
}
