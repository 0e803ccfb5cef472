//! What `cargo xtask` does, as a library, so that the tests build and run
//! programs by the same code that a user does.
//!
//! ```no_run
//! use xtask::{arch::Arch, install::Install, program, run, toolchain::Tools};
//!
//! let tools = Tools::get(Arch::Aarch64, Install::Yes)?;
//! let hello = program::find(program::Package::Freestand, "hello", tools.arch)?;
//! let path = program::build(&tools, &hello, program::Options::release())?;
//! let status = run::command(tools.arch, &path, run::Emulation::IfForeign)?.status()?;
//! # Ok::<(), anyhow::Error>(())
//! ```

pub mod arch;
pub mod backtrace;
pub mod bench;
pub mod cli;
pub mod elf;
pub mod install;
pub mod path;
pub mod program;
pub mod run;
pub mod size;
pub mod test;
pub mod toolchain;
