//! Threads.

use core::ptr;

use crate::startup::vdso;
use crate::sys::{self, Result};

#[doc(inline)]
pub use crate::time::sleep;

/// The processor that the thread runs on, and the processor's NUMA node: getcpu(2), by
/// the vDSO where it has it, otherwise by the system call. Both may be others by the
/// time that anybody looks.
///
/// # Errors
///
/// `ENOSYS` if neither has it.
pub fn getcpu() -> Result<(u32, u32)> {
    let (mut cpu, mut node) = (0, 0);
    // SAFETY: the function writes to the two, which are there.
    if unsafe { vdso::getcpu(&raw mut cpu, &raw mut node, ptr::null_mut()) } < 0 {
        sys::getcpu(Some(&mut cpu), Some(&mut node))?;
    }
    Ok((cpu, node))
}
