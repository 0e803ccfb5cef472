//! What `cargo xtask` does, as a library, so that the tests build and run
//! programs by the same code that a user does.

pub mod arch;
