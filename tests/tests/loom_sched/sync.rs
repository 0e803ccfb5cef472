//! What stands in for src/sync: a word that threads sleep on.

pub mod prim {
    use loom::sync::atomic;
    use loom::thread;

    use crate::sys::Timespec;
    use crate::task::prim::{Ordering, seen};
    use crate::{Bug, planted};

    #[derive(Debug)]
    pub struct AtomicU32(atomic::AtomicU32);

    impl AtomicU32 {
        pub fn new(value: u32) -> AtomicU32 {
            AtomicU32(atomic::AtomicU32::new(value))
        }

        pub fn load(&self, order: Ordering) -> u32 {
            self.0.load(seen(order))
        }

        pub fn store(&self, value: u32, order: Ordering) {
            self.0.store(value, seen(order));
        }

        pub fn swap(&self, value: u32, order: Ordering) -> u32 {
            if planted(Bug::Torn) {
                let found = self.load(order);
                self.store(value, Ordering::Release);
                return found;
            }
            self.0.swap(value, seen(order))
        }

        pub fn compare_exchange(
            &self,
            old: u32,
            new: u32,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u32, u32> {
            if planted(Bug::Torn) {
                let found = self.load(Ordering::Acquire);
                if found != old {
                    return Err(found);
                }
                self.store(new, Ordering::Release);
                return Ok(found);
            }
            self.0
                .compare_exchange(old, new, seen(success), seen(failure))
        }
    }

    pub type Deadline = Option<Timespec>;

    pub fn after(_: core::time::Duration) -> Deadline {
        Some(Timespec)
    }

    pub fn spin(word: &AtomicU32, _: impl Fn(u32) -> bool) -> u32 {
        word.load(Ordering::Relaxed)
    }

    /// The caller looks again.
    pub fn wait(_: &AtomicU32, _: u32, _: Deadline) -> bool {
        thread::yield_now();
        true
    }

    pub fn wake_one(_: &AtomicU32) -> bool {
        true
    }
}
