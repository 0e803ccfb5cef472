//! What the tests are made of: programs built for each architecture and profile,
//! and control over them from their first instruction on.

pub mod accesses;
pub mod harness;
pub mod once;
pub mod references;
pub mod snippet;
pub mod symbols;
pub mod target;
pub mod temp;
pub mod tool;
pub mod trace;
pub mod vdso;
