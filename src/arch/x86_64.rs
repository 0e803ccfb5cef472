//! x86_64.
//!
//! System calls: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9, result
//! in rax. The `syscall` instruction itself puts the return address in rcx and
//! the flags in r11 (Intel SDM, SYSCALL), and the kernel preserves every other
//! register (System V x86-64 psABI, A.2.1). The flags come back from r11, so they
//! are preserved too.

use core::arch::asm;

/// The number of the call that maps memory.
pub(crate) use linux_raw_sys::general::__NR_mmap as NR_MMAP;
/// What its offset counts: bytes (mmap2(2)).
pub(crate) const MMAP_UNIT: u64 = 1;

/// The architecture's name.
pub const NAME: &str = "x86_64";

/// `syscall`, with as many arguments as there are.
#[rustfmt::skip]
macro_rules! syscall {
    ($nr:ident => $result:ident $(, $a:ident $(, $b:ident $(, $c:ident $(, $d:ident $(, $e:ident $(, $f:ident)?)?)?)?)?)?) => {
        core::arch::asm!(
            "syscall",
            inlateout("rax") $nr => $result,
            $(in("rdi") $a,
            $(in("rsi") $b,
            $(in("rdx") $c,
            $(in("r10") $d,
            $(in("r8") $e,
            $(in("r9") $f,)?)?)?)?)?)?
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, preserves_flags)
        )
    };
}
pub(crate) use syscall;

/// Runs the program's exit pieces and ends the process (`start/x86_64.S`).
#[inline(always)]
pub fn exit(status: u8) -> ! {
    // SAFETY: start_exit takes the status in edi, aligns the stack itself and
    // does not return.
    unsafe {
        asm!("jmp start_exit", in("edi") u32::from(status), options(noreturn, nostack));
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
/// start/x86_64.S: rdi, rsi, rdx are argc, argv, envp, and kept.
macro_rules! store_argv {
    () => {
        "mov qword ptr [rip + {argv}], rsi"
    };
}
pub(crate) use store_argv;

/// At exit: calls the function `{handler}` with the status, and goes on with the
/// one that it returns.
///
/// start/x86_64.S: the status is in edi, and neither the stack nor any other
/// register is needed any more. A call needs rsp aligned (psABI 3.2.2); its result,
/// of 8 bits, is in al.
macro_rules! call_handler {
    () => {
        "and rsp, -16\n call {handler}\n movzx edi, al"
    };
}
pub(crate) use call_handler;
