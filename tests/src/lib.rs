//! Tests.

pub mod trace;
