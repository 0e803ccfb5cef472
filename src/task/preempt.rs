//! Turning a task out that does not give way by itself.

use core::sync::atomic::AtomicU32;

use super::processor::Processor;

/// How many tasks were turned out.
pub(super) static TURNED_OUT: AtomicU32 = AtomicU32::new(0);

/// Turns the processor's task out.
pub(super) fn turn_out(_: &Processor) {}
