//! Prints what gp holds and what it should hold, on riscv64: elsewhere there is no
//! such register, and nothing to print.

#![no_std]
#![no_main]

freestand::entry!(main);

#[cfg(target_arch = "riscv64")]
fn main() {
    let (is, should_be): (usize, usize);
    // SAFETY: it reads a register and computes an address; norelax keeps the
    // linker from computing it from gp.
    unsafe {
        core::arch::asm!(
            "mv {is}, gp",
            ".option push",
            ".option norelax",
            "lla {should_be}, __global_pointer$",
            ".option pop",
            is = out(reg) is,
            should_be = out(reg) should_be,
            options(nomem, nostack, preserves_flags)
        );
    }
    freestand::println!("{is:#x} {should_be:#x}");
}

#[cfg(not(target_arch = "riscv64"))]
fn main() {}
