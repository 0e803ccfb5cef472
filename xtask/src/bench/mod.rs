//! `cargo xtask bench`: figures of ours and of others of its kind.
//!
//! Each suite is a module; what they measure, sort and draw with is beside them. A
//! suite prints what it found and judges it against its goals, and fails only if it
//! could not measure.

mod build;
mod chart;
mod contest;
mod curves;
mod goals;
pub mod heap;
mod launch;
pub mod mem;
pub mod process;
pub mod startup;
mod stats;
mod steps;
mod svg;
pub mod task;
pub mod thread;
mod timing;
