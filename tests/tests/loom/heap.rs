//! The heap's modules, and what they are synchronised with here.

#[path = "../../../src/heap/segregated/cache.rs"]
pub mod cache;
#[path = "../../../src/heap/segregated/class.rs"]
pub mod class;
#[path = "../../../src/heap/segregated/list.rs"]
pub mod list;

/// What stands in for src/heap/segregated/prim.rs.
pub mod prim {
    pub use loom::sync::atomic::Ordering;

    pub const STRIPES: usize = 2;
    pub const SPINS: usize = 1;

    /// All come to the same stripe first.
    pub fn spot() -> usize {
        0
    }

    pub struct AtomicBool(loom::sync::atomic::AtomicBool);

    impl AtomicBool {
        pub fn new(value: bool) -> AtomicBool {
            AtomicBool(loom::sync::atomic::AtomicBool::new(value))
        }

        pub fn compare_exchange(
            &self,
            old: bool,
            new: bool,
            success: Ordering,
            failure: Ordering,
        ) -> Result<bool, bool> {
            if crate::planted() == Some("claim") {
                // Between the two, another thread may see what this one saw.
                let found = self.0.load(success);
                if found != old {
                    return Err(found);
                }
                self.0.store(new, Ordering::Relaxed);
                return Ok(found);
            }
            self.0.compare_exchange(old, new, success, failure)
        }

        pub fn store(&self, value: bool, order: Ordering) {
            let order = match crate::planted() {
                Some("release") => Ordering::Relaxed,
                _ => order,
            };
            self.0.store(value, order);
        }
    }

    pub struct Cell<T>(loom::cell::UnsafeCell<T>);

    impl<T> Cell<T> {
        pub fn new(data: T) -> Cell<T> {
            Cell(loom::cell::UnsafeCell::new(data))
        }

        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            self.0.with_mut(f)
        }
    }
}
