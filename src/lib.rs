//! Static Linux programs with nothing underneath them.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! use freestand::println;
//!
//! freestand::entry!(main);
//!
//! fn main() {
//!     println!("Hello, world!");
//! }
//! ```
//!
//! There is no libc and no loader: the kernel enters at `_start`
//! (`start/<arch>.S`), which calls `main`, and everything that the program wants
//! of the kernel it asks for by a system call of its own.
//!
//! # The layers
//!
//! A module uses what stands below it and nothing above.
//!
//! | | |
//! |---|---|
//! | [`task`] | tasks, threads and processors: a scheduler for blocking calls |
//! | [`mod@env`], [`fs`], [`net`], [`process`], [`thread`], [`time`], [`random`], [`heap`] | what programs name: std's names and shapes |
//! | [`io`], [`signal`], [`startup`] | input and output; signals; from `_start` to `main`, and the vDSO |
//! | [`sync`], [`path`] | locks on futexes, and channels; paths, taken apart and put together |
//! | [`sys`], [`mem`] | every system call, declared once; memcpy and its family |
//! | [`arch`] | what differs between the processors |
//!
//! # Pay for what you call
//!
//! A program carries the code it names. One that never prints has no buffer to
//! flush at exit, one that never asks for its arguments does not keep them, one
//! that never allocates has no heap: [`arch`] tells how.

#![cfg_attr(not(test), no_std)]
#![warn(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;
// The macros' documentation names items by this name wherever it is read.
extern crate self as freestand;

pub mod arch;
pub mod env;
pub mod fs;
pub mod heap;
pub mod io;
mod mapping;
pub mod mem;
pub mod net;
pub mod path;
pub mod process;
pub mod random;
pub mod signal;
pub mod startup;
pub mod sync;
pub mod sys;
#[cfg(feature = "alloc")]
pub mod task;
pub mod thread;
pub mod time;
