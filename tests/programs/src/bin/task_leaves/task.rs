//! The library's own source, which finds at this program's root what it finds at the
//! library's.

#![allow(dead_code, reason = "not everything is tried here")]

#[path = "../../../../../src/task/lock.rs"]
mod lock;
#[path = "../../../../../src/task/stack.rs"]
pub mod stack;
