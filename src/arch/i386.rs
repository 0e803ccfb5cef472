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

/// The number of the call that maps memory.
pub(crate) use linux_raw_sys::general::__NR_mmap2 as NR_MMAP;
/// What its offset counts: pages of 4096 bytes: 32 bits of them reach 16 TiB (mmap2(2)).
pub(crate) const MMAP_UNIT: u64 = 4096;

/// The architecture's name.
pub const NAME: &str = "i386";

/// `int $0x80`, with as many arguments as there are.
#[rustfmt::skip]
macro_rules! syscall {
    ($nr:ident => $result:ident $(, $a:ident $(, $b:ident $(, $c:ident)?)?)?) => {
        core::arch::asm!(
            "int 0x80",
            inlateout("eax") $nr => $result,
            $(in("ebx") $a,
            $(in("ecx") $b,
            $(in("edx") $c,)?)?)?
            options(nostack, preserves_flags)
        )
    };
    // No operand may be esi: edi brings the fourth argument, and the exchange leaves
    // both as they were.
    ($nr:ident => $result:ident, $a:ident, $b:ident, $c:ident, $d:ident) => {
        core::arch::asm!(
            "xchg esi, edi",
            "int 0x80",
            "xchg esi, edi",
            inlateout("eax") $nr => $result,
            in("ebx") $a,
            in("ecx") $b,
            in("edx") $c,
            in("edi") $d,
            options(nostack, preserves_flags)
        )
    };
    // No register is left: eax points at the words that have none. They are not
    // addressed relative to esp, which the push moves. esi is saved and restored.
    ($nr:ident => $result:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident) => {{
        let in_memory = [core::ptr::without_provenance_mut($nr), $d];
        core::arch::asm!(
            "push esi",
            "mov esi, [eax + 4]",
            "mov eax, [eax]",
            "int 0x80",
            "pop esi",
            inlateout("eax") &raw const in_memory => $result,
            in("ebx") $a,
            in("ecx") $b,
            in("edx") $c,
            in("edi") $e,
            options(preserves_flags)
        )
    }};
    // The same for ebp. It may be the frame pointer, by which the compiler finds its
    // variables: nothing but the system call happens while it holds the argument.
    ($nr:ident => $result:ident, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident) => {{
        let in_memory = [core::ptr::without_provenance_mut($nr), $d, $f];
        core::arch::asm!(
            "push esi",
            "push ebp",
            "mov esi, [eax + 4]",
            "mov ebp, [eax + 8]",
            "mov eax, [eax]",
            "int 0x80",
            "pop ebp",
            "pop esi",
            inlateout("eax") &raw const in_memory => $result,
            in("ebx") $a,
            in("ecx") $b,
            in("edx") $c,
            in("edi") $e,
            options(preserves_flags)
        )
    }};
}
pub(crate) use syscall;

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
/// that should have ended it.
///
/// An undefined instruction (Intel SDM, UD2): SIGILL.
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
