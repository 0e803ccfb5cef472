//! Where a thread lives: one mapping.
//!
//! ```text
//!  ┌────────────────────────┐ high addresses
//!  │ control block and      │ startup::tls: a block
//!  │ thread-local variables │
//!  ├────────────────────────┤
//!  │ name                   │
//!  ├────────────────────────┤
//!  │ closure, later its     │
//!  │ result                 │
//!  ├────────────────────────┤
//!  │ stack                  │
//!  │   ↓                    │
//!  ├────────────────────────┤
//!  │ guard                  │ PROT_NONE
//!  └────────────────────────┘ low addresses
//! ```
//!
//! When a thread has ended and nobody knows of it any more, its mapping waits for the next
//! thread that asks for a stack of about this size, up to [`KEPT`] bytes of them; what is
//! beyond goes back to the kernel. A thread that nobody joins puts its own mapping there:
//! it can be taken when the kernel has said that the thread is gone.

use core::alloc::Layout;
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::*;

use super::control::{Control, ControlRef};
#[cfg(feature = "alloc")]
use super::list;
use crate::mapping::{GUARD, Mapping};
use crate::startup::tls::{self, Image};
use crate::sync::PinnedMutex;
use crate::sys::{self, Errno, MaskHow, Result, SigSet};
use crate::{arch, mem};

/// What a mapping's length is a multiple of.
const PAGE: usize = 4 << 10;

/// How many bytes of mappings may wait for threads. What was touched of them stays in
/// memory.
const KEPT: usize = 16 << 20;

/// The mappings that wait.
struct Waiting {
    first: *mut Control,
    bytes: usize,
}

// SAFETY: what waits belongs to this value, whichever thread has it.
unsafe impl Send for Waiting {}

static WAITING: PinnedMutex<Waiting> = PinnedMutex::new(Waiting {
    first: ptr::null_mut(),
    bytes: 0,
});

impl Waiting {
    /// Takes one out that has `length` bytes, or up to twice as many, and whose thread is
    /// gone.
    fn take(&mut self, length: usize) -> Option<(*mut u8, usize)> {
        let mut link: *mut *mut Control = &raw mut self.first;
        loop {
            // SAFETY: a link is the first, or in a control block that waits; those stay, and
            // nobody else looks at the links, while the lock is held.
            unsafe {
                let control = (*link).as_ref()?;
                let fits = control.length >= length && control.length / 2 <= length;
                // The kernel is done with the thread before it writes that.
                if fits && control.tid.load(Acquire) == 0 {
                    *link = control.next.get();
                    self.bytes -= control.length;
                    return Some((control.mapping, control.length));
                }
                link = control.next.as_ptr();
            }
        }
    }

    /// Puts one in, if there is room.
    fn put(&mut self, control: ControlRef) -> bool {
        let fits = control.length <= KEPT - self.bytes;
        if fits {
            self.bytes += control.length;
            control.next.set(self.first);
            self.first = control.as_ptr();
        }
        fits
    }
}

/// A mapping for a thread that is to be, with a control block that says so.
///
/// # Errors
///
/// `ENOMEM` if the kernel has no room, or too many mappings; `EINVAL` if the name has a zero
/// in it.
pub(super) fn allocate(stack: usize, packet: Layout, name: Option<&str>) -> Result<ControlRef> {
    let image = Image::get();
    let block = image.layout();
    let name = name.unwrap_or_default();
    if mem::find(name.as_bytes(), 0).is_some() {
        return Err(Errno::EINVAL);
    }
    // With the zero behind it.
    let name_length = name.len() + 1;
    let length = [
        block.size,
        block.align,
        name_length,
        packet.size(),
        packet.align(),
        GUARD,
    ]
    .into_iter()
    .try_fold(stack, usize::checked_add)
    .and_then(|sum| sum.checked_next_multiple_of(PAGE))
    .ok_or(Errno::ENOMEM)?;

    let used = WAITING.lock().take(length);
    let (mapping, length) = match used {
        Some(used) => used,
        None => (Mapping::of_stack(length)?.into_raw().as_ptr(), length),
    };
    // From the end downwards.
    let end = mapping.wrapping_add(length);
    let below =
        |end: *mut u8, size, align: usize| end.map_addr(|address| (address - size) & !(align - 1));
    let tls_block = below(end, block.size, block.align);
    let name_at = below(tls_block, name_length, 1);
    let packet = below(name_at, packet.size(), packet.align());
    // SAFETY: all of this lies in the mapping, which has room for it above the guard and the
    // stack, and is nobody else's.
    unsafe {
        if used.is_some() {
            tls::clear(tls_block, block);
        }
        let pointer = image.copy_to(tls_block);
        let control: *mut Control = tls::control_of(pointer).cast();
        control.write(Control::new(mapping, length, pointer, packet, name_at));
        tls::copy(name.as_bytes(), name_at);
        name_at.add(name.len()).write(0);
        Ok(ControlRef::from_ptr(control))
    }
}

/// Has the mapping of a thread wait that nobody knows of any more. Whether there was room.
#[inline(never)]
fn keep(control: ControlRef) -> bool {
    WAITING.lock().put(control)
}

/// Gives the mapping of a thread back that nobody knows of any more: not the calling
/// thread's.
pub(super) fn give_back(control: ControlRef) {
    if keep(control) {
        return;
    }
    control.wait();
    let (mapping, length) = (control.mapping, control.length);
    if let Some(mapping) = NonNull::new(mapping) {
        // SAFETY: the thread is gone, and nobody else has a reference.
        drop(unsafe { Mapping::from_raw(mapping, length) });
    }
}

/// Ends the calling thread, which has run its closure and dropped its values.
pub(super) fn leave(control: ControlRef) -> ! {
    #[cfg(feature = "alloc")]
    list::set(control, false);
    if control.release() && !keep(control) {
        // Nobody waits for the thread, and nobody would unmap what it leaves: so it does
        // itself. A handler would need the stack, and to say that the thread has ended the
        // kernel would write to its control block: both may be another's by then.
        let (mapping, length) = (control.mapping, control.length);
        let _ = sys::rt_sigprocmask(MaskHow::BLOCK, Some(&SigSet::all()));
        // SAFETY: null is nowhere. Of the mapping, which is the thread's own, nothing is
        // needed any more: unmap_and_exit does without a stack.
        unsafe {
            sys::set_tid_address(ptr::null_mut());
            arch::unmap_and_exit(mapping, length)
        }
    }
    // SAFETY: nothing on the stack is borrowed: the closure's borrows have ended.
    unsafe { sys::exit(0) }
}

/// The guard below the thread's stack.
#[inline]
pub(super) fn guard(control: ControlRef) -> Range<usize> {
    let mapping = control.mapping.addr();
    mapping..mapping + GUARD
}
