//! The library's own source, which finds at this program's root what it finds at the
//! library's.

mod lock {
    pub type Lock<T> = freestand::sync::Mutex<T>;
}
#[path = "../../../../../src/task/stack.rs"]
pub mod stack;
