//! i386.
//!
//! System calls: number in eax, arguments in ebx, ecx, edx, esi, edi, ebp, result
//! in eax. `int $0x80` preserves every other register and the flags
//! (arch/x86/entry/entry_64_compat.S, entry_INT80_compat).
//!
//! LLVM keeps esi and ebp for itself and takes neither as an operand, so the
//! fourth and the sixth argument are put there by hand, and what was there is
//! put back.

use core::arch::asm;

use super::Register;

/// The number of the call that maps memory.
pub(crate) use linux_raw_sys::general::__NR_mmap2 as NR_MMAP;
/// What its offset counts: pages of 4096 bytes: 32 bits of them reach 16 TiB (mmap2(2)).
pub(crate) const MMAP_UNIT: u64 = 4096;

/// The architecture's name.
pub const NAME: &str = "i386";

/// One `syscallN` for each list of argument registers that operands can name.
macro_rules! syscalls {
    ($($name:ident($($arg:ident in $register:tt),*);)*) => {$(
        /// Makes the system call `nr` and returns what the kernel left in the
        /// result register, undecoded.
        ///
        /// # Safety
        ///
        /// What the call does to memory, descriptors and the process must be
        /// something that this program may do at this point.
        #[inline(always)]
        pub unsafe fn $name(nr: usize, $($arg: Register),*) -> Register {
            let result: Register;
            // SAFETY: the registers are those that the kernel reads and changes
            // (module documentation), memory counts as changed, and the rest is
            // the caller's promise.
            unsafe {
                asm!(
                    "int 0x80",
                    inlateout("eax") nr => result,
                    $(in($register) $arg,)*
                    options(nostack, preserves_flags)
                );
            }
            result
        }
    )*};
}

syscalls! {
    syscall0();
    syscall1(a in "ebx");
    syscall2(a in "ebx", b in "ecx");
    syscall3(a in "ebx", b in "ecx", c in "edx");
}

/// Makes the system call `nr` and returns what the kernel left in the result
/// register, undecoded.
///
/// # Safety
///
/// What the call does to memory, descriptors and the process must be something
/// that this program may do at this point.
#[inline(always)]
pub unsafe fn syscall4(nr: usize, a: Register, b: Register, c: Register, d: Register) -> Register {
    let result: Register;
    // SAFETY: as above; the exchange leaves esi and edi as they were. edi takes
    // the fourth argument in, since no operand may be esi.
    unsafe {
        asm!(
            "xchg esi, edi",
            "int 0x80",
            "xchg esi, edi",
            inlateout("eax") nr => result,
            in("ebx") a,
            in("ecx") b,
            in("edx") c,
            in("edi") d,
            options(nostack, preserves_flags)
        );
    }
    result
}

/// Makes the system call `nr` and returns what the kernel left in the result
/// register, undecoded.
///
/// # Safety
///
/// What the call does to memory, descriptors and the process must be something
/// that this program may do at this point.
#[inline(always)]
pub unsafe fn syscall5(
    nr: usize,
    a: Register,
    b: Register,
    c: Register,
    d: Register,
    e: Register,
) -> Register {
    let in_memory = [nr as Register, d];
    let result: Register;
    // SAFETY: as above; esi is saved on the stack and restored. eax points at the
    // words that no register is left for: it is not relative to esp, which the
    // push moves.
    unsafe {
        asm!(
            "push esi",
            "mov esi, [eax + 4]",
            "mov eax, [eax]",
            "int 0x80",
            "pop esi",
            inlateout("eax") &raw const in_memory => result,
            in("ebx") a,
            in("ecx") b,
            in("edx") c,
            in("edi") e,
            options(preserves_flags)
        );
    }
    result
}

/// Makes the system call `nr` and returns what the kernel left in the result
/// register, undecoded.
///
/// # Safety
///
/// What the call does to memory, descriptors and the process must be something
/// that this program may do at this point.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub unsafe fn syscall6(
    nr: usize,
    a: Register,
    b: Register,
    c: Register,
    d: Register,
    e: Register,
    f: Register,
) -> Register {
    let in_memory = [nr as Register, d, f];
    let result: Register;
    // SAFETY: as above; esi and ebp are saved on the stack and restored. ebp may
    // be the frame pointer, by which the compiler finds its variables: nothing
    // but the system call happens while it holds the sixth argument.
    unsafe {
        asm!(
            "push esi",
            "push ebp",
            "mov esi, [eax + 4]",
            "mov ebp, [eax + 8]",
            "mov eax, [eax]",
            "int 0x80",
            "pop ebp",
            "pop esi",
            inlateout("eax") &raw const in_memory => result,
            in("ebx") a,
            in("ecx") b,
            in("edx") c,
            in("edi") e,
            options(preserves_flags)
        );
    }
    result
}

/// Runs the program's exit pieces and ends the process (`start/i386.S`).
#[inline(always)]
pub fn exit(status: u8) -> ! {
    // SAFETY: start_exit takes the status in al, aligns the stack itself and does
    // not return.
    unsafe {
        asm!("jmp start_exit", in("eax") u32::from(status), options(noreturn, nostack));
    }
}

/// Stops the process here, whatever a tracer or a filter did to the system call
/// that should have ended it. An undefined instruction (Intel SDM, UD2): SIGILL.
#[inline(always)]
pub fn trap() -> ! {
    // SAFETY: it only traps; a handler that returned would come back to it.
    unsafe {
        asm!("ud2", options(noreturn, nomem, nostack));
    }
}

/// Before `main`: stores argv in the static `{argv}`.
///
/// start/i386.S: ecx is argv; the arguments are pushed already.
macro_rules! store_argv {
    () => {
        "mov dword ptr [{argv}], ecx"
    };
}
pub(crate) use store_argv;

/// At exit: calls the function `{handler}` with the status, and goes on with the
/// one that it returns.
///
/// start/i386.S: the status is in al, and neither the stack nor any other register
/// is needed any more. A call needs its last pushed argument at a multiple of 16
/// (psABI 2.2.2); its result is in al again.
macro_rules! call_handler {
    () => {
        "and esp, -16\n sub esp, 12\n movzx eax, al\n push eax\n call {handler}"
    };
}
pub(crate) use call_handler;
