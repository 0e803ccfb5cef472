//! Which threads there are.

use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::Ordering::*;

use super::control::{Control, ControlRef};
use crate::sync::PinnedMutex;
use crate::sys::{self, Tid};

/// The threads that were made, the newest first. The initial one, which is always there, is not
/// among them.
struct Threads {
    first: *mut Control,
    count: usize,
}

// SAFETY: while a thread is in the list, its control block stays, and only who holds the lock
// looks at the links.
unsafe impl Send for Threads {}

static THREADS: PinnedMutex<Threads> = PinnedMutex::new(Threads {
    first: ptr::null_mut(),
    count: 0,
});

/// Puts one in that is about to be made: nobody is to miss it.
pub(super) fn enter(control: ControlRef) {
    let mut threads = THREADS.lock();
    control.previous.set(ptr::null_mut());
    control.next.set(threads.first);
    // SAFETY: it is null, or in the list.
    if let Some(next) = unsafe { threads.first.as_ref() } {
        next.previous.set(control.as_ptr());
    }
    threads.first = control.as_ptr();
    threads.count += 1;
}

/// Takes one out: the calling thread, which is about to end, or one that could not be made.
pub(super) fn leave(control: ControlRef) {
    let mut threads = THREADS.lock();
    let (previous, next) = (control.previous.get(), control.next.get());
    // SAFETY: they are null, or in the list.
    match unsafe { previous.as_ref() } {
        Some(previous) => previous.next.set(next),
        None => threads.first = next,
    }
    // SAFETY: as above.
    if let Some(next) = unsafe { next.as_ref() } {
        next.previous.set(previous);
    }
    threads.count -= 1;
}

/// The threads of the process, the initial one included; not such as were made by the system call
/// alone. One that is about to be made has the id 0.
pub(crate) fn all() -> Vec<Tid> {
    let mut all = Vec::new();
    loop {
        let room = THREADS.lock().count + 1;
        // Not while the lock is held: it waits for nobody.
        all.reserve(room);
        let threads = THREADS.lock();
        if threads.count + 1 > all.capacity() {
            continue;
        }
        all.push(Tid(sys::getpid().0));
        let mut link = threads.first;
        // SAFETY: what is in the list stays while the lock is held.
        while let Some(control) = unsafe { link.as_ref() } {
            all.push(Tid(control.tid.load(Acquire).cast_signed()));
            link = control.next.get();
        }
        return all;
    }
}
