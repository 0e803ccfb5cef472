//! The table of what differs between architectures: registers, the system call
//! instruction, and the numbers of system calls.

use anyhow::{Context, Result, ensure};
use xtask::arch::Arch;

/// A register, by what it is for or by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Register {
    /// The program counter.
    Pc,
    /// The stack pointer.
    Sp,
    /// The frame pointer: `rbp`, `ebp`, `x29`, `s0`.
    FramePointer,
    /// The return address: `x30`, `ra`; x86 has no such register.
    LinkRegister,
    /// The register with this number in gdb's order. `x`*n* is *n* on aarch64
    /// and riscv64; x86_64 counts `rax rbx rcx rdx rsi rdi rbp rsp r8`...`r15`,
    /// i386 `eax ecx edx ebx esp ebp esi edi`.
    General(usize),
}

impl Register {
    /// The number that gdb gives the register.
    pub(super) fn number(self, arch: Arch) -> Result<usize> {
        let machine = Machine::of(arch);
        match self {
            Register::Pc => Ok(machine.pc),
            Register::Sp => Ok(machine.sp),
            Register::FramePointer => Ok(machine.frame_pointer),
            Register::LinkRegister => machine
                .link
                .with_context(|| format!("{arch} has no link register")),
            Register::General(n) => {
                ensure!(n < machine.general, "{arch} has no general register {n}");
                Ok(n)
            }
        }
    }
}

/// The general registers that a program may find anything in: all but the stack
/// pointer, and riscv64's zero.
pub fn general_registers(arch: Arch) -> impl Iterator<Item = Register> {
    let machine = Machine::of(arch);
    (0..machine.general)
        .filter(|&n| n != machine.sp && Some(n) != machine.zero)
        .map(Register::General)
}

/// One architecture. Registers have the numbers that gdb gives them.
pub(super) struct Machine {
    pub pc: usize,
    pub sp: usize,
    pub frame_pointer: usize,
    pub link: Option<usize>,
    pub zero: Option<usize>,
    /// How many general registers there are; they come first.
    pub general: usize,
    /// Each register's index in the x86_64 kernel's `struct user_regs_struct`,
    /// which it also fills for an i386 program.
    pub user_regs: &'static [usize],
    /// What the system call instruction takes and gives.
    pub number: usize,
    pub arguments: [usize; 6],
    pub result: usize,
    /// The system call instruction, and what its address is a multiple of.
    pub syscall: &'static [u8],
    pub alignment: u64,
    /// The numbers of system calls.
    pub exit_group: u64,
    /// `read`, `write`, `pread64`, `pwrite64`: their third argument is a count.
    pub transfers: [u64; 4],
}

impl Machine {
    pub fn of(arch: Arch) -> &'static Machine {
        match arch {
            Arch::X86_64 => &Machine {
                pc: 16,
                sp: 7,
                frame_pointer: 6,
                link: None,
                zero: None,
                general: 16,
                user_regs: &[10, 5, 11, 12, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16],
                number: 0,
                arguments: [5, 4, 3, 10, 8, 9],
                result: 0,
                syscall: &[0x0f, 0x05],
                alignment: 1,
                exit_group: 231,
                transfers: [0, 1, 17, 18],
            },
            Arch::I386 => &Machine {
                pc: 8,
                sp: 4,
                frame_pointer: 5,
                link: None,
                zero: None,
                general: 8,
                user_regs: &[10, 11, 12, 5, 19, 4, 13, 14, 16],
                number: 0,
                arguments: [3, 1, 2, 6, 7, 5],
                result: 0,
                // Natively a program may instead call what AT_SYSINFO points
                // to; qemu-user passes none.
                syscall: &[0xcd, 0x80],
                alignment: 1,
                exit_group: 252,
                transfers: [3, 4, 180, 181],
            },
            Arch::Aarch64 => &Machine {
                pc: 32,
                sp: 31,
                frame_pointer: 29,
                link: Some(30),
                zero: None,
                general: 31,
                user_regs: &[],
                number: 8,
                arguments: [0, 1, 2, 3, 4, 5],
                result: 0,
                syscall: &[0x01, 0x00, 0x00, 0xd4],
                alignment: 4,
                exit_group: 94,
                transfers: [63, 64, 67, 68],
            },
            Arch::Riscv64 => &Machine {
                pc: 32,
                sp: 2,
                frame_pointer: 8,
                link: Some(1),
                zero: Some(0),
                general: 32,
                user_regs: &[],
                number: 17,
                arguments: [10, 11, 12, 13, 14, 15],
                result: 10,
                syscall: &[0x73, 0x00, 0x00, 0x00],
                alignment: 2,
                exit_group: 94,
                transfers: [63, 64, 67, 68],
            },
        }
    }
}
