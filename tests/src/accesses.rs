//! What instructions of riscv64 do to memory.

use anyhow::{Result, bail};

use crate::trace::{Register, Tracee};

/// The address and the size of what the instruction that comes next accesses, if it does
/// (The RISC-V Instruction Set Manual, "RV32/64G Instruction Set Listings", "RVC
/// Instruction Set Listings").
///
/// # Errors
///
/// If it is one of those that are not looked for: atomic ones and those of floating point.
pub fn access(tracee: &mut Tracee) -> Result<Option<(u64, u64)>> {
    let pc = tracee.register(Register::Pc)?;
    let half = |bytes: &[u8]| u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let low = half(&tracee.read(pc, 2)?);
    let (base, offset, size) = if low & 3 == 3 {
        let word = half(&tracee.read(pc + 2, 2)?) << 16 | low;
        let offset = match word & 0x7f {
            // lb, lh, lw, ld, lbu, lhu, lwu
            0x03 => word.cast_signed() >> 20,
            // sb, sh, sw, sd
            0x23 => word.cast_signed() >> 25 << 5 | (word >> 7 & 31).cast_signed(),
            0x07 | 0x27 | 0x2f => bail!("{word:#x} at {pc:#x} is not looked for"),
            _ => return Ok(None),
        };
        (word >> 15 & 31, offset, 1 << (word >> 12 & 3))
    } else {
        let (offset, size) = match (low & 3, low >> 13) {
            // c.lw, c.sw
            (0, 2 | 6) => (low >> 7 & 0x38 | low >> 4 & 4 | low << 1 & 0x40, 4),
            // c.ld, c.sd
            (0, 3 | 7) => (low >> 7 & 0x38 | low << 1 & 0xc0, 8),
            (0, 1 | 5) | (2, 1..=3 | 5..) => bail!("{low:#x} at {pc:#x} is not looked for"),
            _ => return Ok(None),
        };
        (8 + (low >> 7 & 7), offset.cast_signed(), size)
    };
    let base = tracee.register(Register::General(base as usize))?;
    Ok(Some((base.wrapping_add_signed(offset.into()), size)))
}
