//! Which blocks of whole pages are handed out: known in debug builds only.
//!
//! Small blocks that are free have a mark. Of larger ones nothing is left to look at, so
//! those that are handed out are in a list.

use core::ptr;

use crate::sync::PinnedMutex;

/// The blocks, the newest first.
pub struct Registry {
    first: PinnedMutex<Link>,
}

/// A pointer to an entry.
struct Link(*mut Entry);

// SAFETY: the entries are the registry's alone, whichever thread has it.
unsafe impl Send for Link {}

/// That a block is handed out.
pub struct Entry {
    block: usize,
    next: *mut Entry,
}

impl Registry {
    pub const fn new() -> Registry {
        Registry {
            first: PinnedMutex::new(Link(ptr::null_mut())),
        }
    }

    /// Adds a block, in the entry at `entry`.
    ///
    /// # Safety
    ///
    /// There must be room for an entry, which is the registry's from now on.
    pub unsafe fn insert(&self, entry: *mut Entry, block: *mut u8) {
        let mut first = self.first.lock();
        let block = block.addr();
        let next = first.0;
        // SAFETY: passed on to the caller.
        unsafe { entry.write(Entry { block, next }) };
        first.0 = entry;
    }

    /// Removes a block and returns its entry, which is the caller's from now on; `None` if
    /// it is not here.
    pub fn remove(&self, block: *mut u8) -> Option<*mut Entry> {
        let mut first = self.first.lock();
        let mut place = &raw mut first.0;
        // SAFETY: the list's entries are there, and nobody else's while it is locked.
        unsafe {
            while !(*place).is_null() {
                let entry = *place;
                if (*entry).block == block.addr() {
                    *place = (*entry).next;
                    return Some(entry);
                }
                place = &raw mut (*entry).next;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_not_there() {
        let registry = Registry::new();
        let mut entries = [(); 3].map(|()| Entry {
            block: 0,
            next: ptr::null_mut(),
        });
        let [a, b, c] = [1, 2, 3].map(ptr::without_provenance_mut::<u8>);
        for (entry, block) in entries.iter_mut().zip([a, b, c]) {
            // SAFETY: the entries outlive the registry's use.
            unsafe { registry.insert(entry, block) };
        }
        assert!(registry.remove(b).is_some());
        assert!(registry.remove(b).is_none());
        assert!(registry.remove(a).is_some() && registry.remove(c).is_some());
        assert!(registry.first.lock().0.is_null());
    }
}
