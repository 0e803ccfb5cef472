//! The vDSO of the test's own process.

use std::{fs, ptr, slice};

use anyhow::{Context, Result};

/// Its bytes; `None` if there is none, as on a kernel that was told so (`vdso=0`).
///
/// # Errors
///
/// If /proc does not say where it is.
pub fn own() -> Result<Option<&'static [u8]>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let Some(line) = maps.lines().find(|line| line.ends_with("[vdso]")) else {
        return Ok(None);
    };
    let range = line.split_once(' ').context("no range")?.0;
    let (start, end) = range.split_once('-').context("no end")?;
    let (start, end) = (
        usize::from_str_radix(start, 16)?,
        usize::from_str_radix(end, 16)?,
    );
    let first = ptr::with_exposed_provenance(start);
    // SAFETY: the kernel maps these bytes, for as long as the process lives.
    Ok(Some(unsafe { slice::from_raw_parts(first, end - start) }))
}
