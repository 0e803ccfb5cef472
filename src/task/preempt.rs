//! Turning a task out that does not give way by itself.

use super::processor::Processor;

/// Turns the processor's task out.
pub(super) fn turn_out(_: &Processor) {}
