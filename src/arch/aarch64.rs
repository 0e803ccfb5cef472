//! aarch64.
//!
//! System calls: number in x8, arguments in x0 to x5, result in x0 (syscall(2)).
//! The kernel preserves the other general registers, the flags and the low 128
//! bits of the vector registers. A processor with SVE keeps no more than those:
//! the upper bits of z0 to z31 and all of p0 to p15 and FFR may be gone
//! (Documentation/arch/arm64/sve.rst, "System call behaviour").

use core::arch::asm;
use core::ptr;

use super::{Entry, Register};
use core::ffi::c_void;

/// The number of the call that maps memory.
pub(crate) use linux_raw_sys::general::__NR_mmap as NR_MMAP;
/// What its offset counts: bytes (mmap2(2)).
pub(crate) const MMAP_UNIT: u64 = 1;

/// The number of the call that moves a descriptor's position.
pub(crate) use linux_raw_sys::general::__NR_lseek as NR_LSEEK;
/// It takes the offset in a word and returns the new position (lseek(2)).
pub(crate) const LSEEK_IN_HALVES: bool = false;

/// fcntl's commands for locks (fcntl(2)).
pub(crate) use linux_raw_sys::general::{F_GETLK, F_SETLK, F_SETLKW};

/// What the kernel tells of a file and of a file system.
pub(crate) use linux_raw_sys::general::{stat as KernelStat, statfs as KernelStatfs};
/// Whether the calls for the latter want its size told (statfs(2)).
pub(crate) const STATFS_TAKES_SIZE: bool = false;

#[cfg(any(test, not(feature = "small-mem")))]
#[path = "aarch64/mem.rs"]
pub(crate) mod mem;

/// clone(2)'s fourth word is the thread pointer, the fifth where the child's id goes
/// (clone(2), "C library/kernel differences").
pub(crate) const CLONE_TLS_IS_FOURTH: bool = true;

/// There is no call that sets what only this architecture has.
pub(crate) const NR_ARCH_PRCTL: Option<u32> = None;

/// The names in the vDSO (arch/arm64/kernel/vdso/vdso.lds.S).
pub(crate) mod vdso {
    /// The version of all of them.
    pub(crate) const VERSION: &str = "LINUX_2.6.39";
    /// clock_gettime.
    pub(crate) const CLOCK_GETTIME: Option<&str> = Some("__kernel_clock_gettime");
    /// clock_getres.
    pub(crate) const CLOCK_GETRES: Option<&str> = Some("__kernel_clock_getres");
    /// There is no getcpu.
    pub(crate) const GETCPU: Option<&str> = None;
    /// getrandom.
    pub(crate) const GETRANDOM: Option<&str> = Some("__kernel_getrandom");
}

/// The architecture's name.
pub const NAME: &str = "aarch64";

/// The numbers of the kernel's system calls, by the kernel's names: what all
/// architectures have, and what only some have.
pub mod nr {
    pub use super::super::common_nr::*;
    #[doc(inline)]
    pub use linux_raw_sys::general::{
        __NR_accept as accept, __NR_kexec_file_load as kexec_file_load,
        __NR_newfstatat as newfstatat, __NR_renameat as renameat, __NR_semop as semop,
        __NR_semtimedop as semtimedop,
    };
}

/// [`nr`]: no call here has an older, narrower form.
pub use nr as widest;

/// Whether atomics may use the instructions of LSE: the prebuilt compiler_builtins'
/// atomics look here (LLVM, "-moutline-atomics"). No, since nothing has looked what
/// the processor has; every aarch64 has the ones that they use instead.
///
/// Without this they would bring their own, with a constructor that sets it and
/// that nothing runs.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[allow(non_upper_case_globals, reason = "the name is compiler_builtins'")]
pub static __aarch64_have_lse_atomics: bool = false;

/// `svc #0`, with as many arguments as there are; the first gives way to the result.
#[rustfmt::skip]
macro_rules! syscall {
    ($nr:ident => $result:ident) => {
        $crate::arch::syscall!(@ in("x8") $nr, lateout("x0") $result,)
    };
    ($nr:ident => $result:ident, $a:ident $(, $b:ident $(, $c:ident $(, $d:ident $(, $e:ident $(, $f:ident)?)?)?)?)?) => {
        $crate::arch::syscall!(@
            in("x8") $nr,
            inlateout("x0") $a => $result,
            $(in("x1") $b,
            $(in("x2") $c,
            $(in("x3") $d,
            $(in("x4") $e,
            $(in("x5") $f,)?)?)?)?)?
        )
    };
    (@ $($operand:tt)*) => {
        core::arch::asm!(
            "svc #0",
            $($operand)*
            // Declaring a register that the program is not built to use costs nothing.
            lateout("p0") _, lateout("p1") _, lateout("p2") _, lateout("p3") _,
            lateout("p4") _, lateout("p5") _, lateout("p6") _, lateout("p7") _,
            lateout("p8") _, lateout("p9") _, lateout("p10") _, lateout("p11") _,
            lateout("p12") _, lateout("p13") _, lateout("p14") _, lateout("p15") _,
            lateout("ffr") _,
            // Only code built for SVE keeps values in the vectors' upper bits.
            #[cfg(target_feature = "sve")] lateout("v0") _, #[cfg(target_feature = "sve")] lateout("v1") _,
            #[cfg(target_feature = "sve")] lateout("v2") _, #[cfg(target_feature = "sve")] lateout("v3") _,
            #[cfg(target_feature = "sve")] lateout("v4") _, #[cfg(target_feature = "sve")] lateout("v5") _,
            #[cfg(target_feature = "sve")] lateout("v6") _, #[cfg(target_feature = "sve")] lateout("v7") _,
            #[cfg(target_feature = "sve")] lateout("v8") _, #[cfg(target_feature = "sve")] lateout("v9") _,
            #[cfg(target_feature = "sve")] lateout("v10") _, #[cfg(target_feature = "sve")] lateout("v11") _,
            #[cfg(target_feature = "sve")] lateout("v12") _, #[cfg(target_feature = "sve")] lateout("v13") _,
            #[cfg(target_feature = "sve")] lateout("v14") _, #[cfg(target_feature = "sve")] lateout("v15") _,
            #[cfg(target_feature = "sve")] lateout("v16") _, #[cfg(target_feature = "sve")] lateout("v17") _,
            #[cfg(target_feature = "sve")] lateout("v18") _, #[cfg(target_feature = "sve")] lateout("v19") _,
            #[cfg(target_feature = "sve")] lateout("v20") _, #[cfg(target_feature = "sve")] lateout("v21") _,
            #[cfg(target_feature = "sve")] lateout("v22") _, #[cfg(target_feature = "sve")] lateout("v23") _,
            #[cfg(target_feature = "sve")] lateout("v24") _, #[cfg(target_feature = "sve")] lateout("v25") _,
            #[cfg(target_feature = "sve")] lateout("v26") _, #[cfg(target_feature = "sve")] lateout("v27") _,
            #[cfg(target_feature = "sve")] lateout("v28") _, #[cfg(target_feature = "sve")] lateout("v29") _,
            #[cfg(target_feature = "sve")] lateout("v30") _, #[cfg(target_feature = "sve")] lateout("v31") _,
            options(nostack, preserves_flags)
        )
    };
}
pub(crate) use syscall;

/// The flag that says that an action has a restorer. Without one the kernel uses the
/// vDSO's (arch/arm64/kernel/signal.c, setup_return).
pub(crate) const SA_RESTORER: usize = linux_raw_sys::general::SA_RESTORER as usize;
/// The type of an action's restorer.
pub(crate) type Restorer = Option<unsafe extern "C" fn() -> !>;
/// The restorer of each action.
pub(crate) const RESTORER: Restorer = Some(super::rt_sigreturn);

/// Makes the system call `{nr}`, in the way by which gdb knows that it is rt_sigreturn.
macro_rules! rt_sigreturn {
    () => {
        "mov x8, #{nr}\n svc #0"
    };
}
pub(crate) use rt_sigreturn;

/// What a handler has interrupted (arch/arm64/include/uapi/asm/ucontext.h, sigcontext.h: `struct ucontext`).
#[repr(C)]
pub(crate) struct KernelUContext {
    flags: usize,
    link: usize,
    /// The alternate stack: where it begins, an int of flags, and its length.
    pub(crate) stack: [*mut c_void; 3],
    pub(crate) mask: u64,
    /// Room for a mask of 1024 bits, and for the alignment of what is behind it.
    unused: [u8; 128],
    /// The registers: a fault's address, x0 to x30, sp, pc, pstate. What comes behind them
    /// is aligned to 16 bytes, and so are they.
    pub(crate) registers: [usize; 35],
}

/// Where in `registers` is what.
pub(crate) mod ucontext {
    /// The thread pointer stays what it is when a handler returns.
    pub(crate) const THREAD_POINTER: Option<usize> = None;
    pub(crate) const PC: usize = 33;
    pub(crate) const SP: usize = 32;
    pub(crate) const FRAME_POINTER: usize = 30;
    pub(crate) const RESULT: usize = 1;
    pub(crate) const ARGUMENTS: [usize; 6] = [1, 2, 3, 4, 5, 6];
}

/// clone(2) whose child calls `entry` with `data`, on the stack that ends at `stack`,
/// a multiple of 16, or if that is null where the caller's ends. The parent gets what
/// the kernel returns, undecoded.
///
/// A child has all of its parent's registers but x0, which is 0, and sp if it gets a
/// stack (clone(2)): so `entry` and `data` travel in registers. To its parent, the
/// child is a function that was called, with the registers that one may change.
///
/// # Safety
///
/// As for [`sys::clone_on_stack`](crate::sys::clone_on_stack), and with a null stack
/// as for [`sys::vfork`](crate::sys::vfork): the child has a copy of the memory, or the
/// caller waits while the child uses its stack.
#[inline(always)]
pub(crate) unsafe fn clone_to(
    flags: u32,
    stack: Register,
    parent_tid: Register,
    child_tid: Register,
    tls: Register,
    entry: Entry,
    data: *mut c_void,
) -> Register {
    let result: Register;
    // SAFETY: the parent finds its registers and its stack as a called function leaves
    // them, which `clobber_abi` declares; the child never gets to the end. sp is always
    // at a multiple of 16 (AAPCS64, "The Stack"), and nothing is kept below it.
    unsafe {
        asm!(
            "svc #0",
            // 0 in the child only.
            "cbnz x0, 2f",
            // The deepest frame's pointer is 0 (AAPCS64, "The Frame Pointer"), and there
            // is nowhere to return to: an unwinder stops here.
            "mov x29, xzr",
            "mov x30, xzr",
            // The first argument ("Parameter passing rules").
            "mov x0, x6",
            "br x5",
            "2:",
            in("x8") nr::clone as usize,
            inlateout("x0") ptr::without_provenance_mut::<()>(flags as usize) => result,
            in("x1") stack,
            in("x2") parent_tid,
            in("x3") tls,
            in("x4") child_tid,
            in("x5") entry,
            in("x6") data,
            clobber_abi("C"),
        );
    }
    result
}

/// clone3(2) whose child calls `entry` with `data`, on the stack that `args`, of `size`
/// bytes, say, which ends at a multiple of 16. The parent gets what the kernel returns,
/// undecoded. How the two come to it is as in [`clone_to`].
///
/// # Safety
///
/// As for [`sys::clone3_on_stack`](crate::sys::clone3_on_stack).
#[inline(always)]
pub(crate) unsafe fn clone3_to(
    args: Register,
    size: usize,
    entry: Entry,
    data: *mut c_void,
) -> Register {
    let result: Register;
    // SAFETY: as in `clone_to`.
    unsafe {
        asm!(
            "svc #0",
            // 0 in the child only.
            "cbnz x0, 2f",
            // As in `clone_to` (AAPCS64, "The Frame Pointer", "Parameter passing rules").
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x6",
            "br x5",
            "2:",
            in("x8") nr::clone3 as usize,
            inlateout("x0") args => result,
            in("x1") size,
            in("x5") entry,
            in("x6") data,
            clobber_abi("C"),
        );
    }
    result
}

/// What [`switch`] leaves on the stack that it goes away from.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Switched {
    x19: usize,
    /// x29, which points at a frame's record ([`FRAME_RECORD`]).
    pub frame_pointer: usize,
    /// Where it goes on.
    pub pc: usize,
    /// The floating-point control register.
    fpcr: usize,
}

/// Goes on where the stack `to` was left, and leaves this one: what is at `to` is taken for a
/// [`Switched`], and `*from` is told where the one of this stack is. It returns when somebody
/// switches there, in whichever thread.
///
/// The registers that a called function keeps, and the floating-point control word, are this
/// stack's again then: x19 to x29, d8 to d15 (AAPCS64, "General-purpose Registers", "SIMD and
/// Floating-Point registers") and fpcr; x18 is the platform's. The compiler keeps those that
/// it uses, for they are said to be lost, as what a call loses is.
///
/// It is no function: the processor guesses where a `ret` goes from the calls before it, and
/// with a call here, or a `ret`, it would guess wrong in each function that returns next.
///
/// # Safety
///
/// `to` must come from [`prepare`] or be what another switch has written to its `from`, and
/// nobody else may go there. Neither stack may be in use by anybody when it is left, nor
/// its memory end before it is gone on with.
#[inline(always)]
pub unsafe fn switch(from: *mut *mut u8, to: *mut u8) {
    // SAFETY: where it goes on, the stack pointer is what it was, and of the registers x19 and
    // x29, which the compiler lets nobody name, are taken from the stack; all others are
    // declared. sp is always at a multiple of 16 (AAPCS64, "The Stack"), and nothing is
    // kept below it.
    unsafe {
        asm!(
            "adr x2, 2f",
            "mrs x3, fpcr",
            "stp x19, x29, [sp, #-32]!",
            "stp x2, x3, [sp, #16]",
            "mov x4, sp",
            "str x4, [x0]",
            "mov sp, x1",
            "ldp x2, x4, [sp, #16]",
            "ldp x19, x29, [sp], #32",
            // To write it takes long.
            "cmp x3, x4",
            "b.eq 3f",
            "msr fpcr, x4",
            "3:",
            // For `prepare`: nowhere to return to.
            "mov x30, xzr",
            "br x2",
            "2:",
            inlateout("x0") from => _,
            inlateout("x1") to => _,
            lateout("x20") _,
            lateout("x21") _,
            lateout("x22") _,
            lateout("x23") _,
            lateout("x24") _,
            lateout("x25") _,
            lateout("x26") _,
            lateout("x27") _,
            lateout("x28") _,
            clobber_abi("C"),
        );
    }
}

/// Makes the stack that ends at `top`, a multiple of 16, one that a [`switch`] may go to: it
/// calls `entry` there, with nowhere to return to and the control words of a new process.
/// Returns where to switch to.
///
/// # Safety
///
/// The 32 bytes below `top` must be memory, and nobody else's.
pub unsafe fn prepare(top: *mut u8, entry: extern "C" fn() -> !) -> *mut u8 {
    let switched = top.cast::<Switched>().wrapping_sub(1);
    // SAFETY: the caller has the memory, and it is aligned to 16 bytes, as sp must be
    // (AAPCS64, "The Stack").
    unsafe {
        switched.write(Switched {
            x19: 0,
            // The deepest frame's (AAPCS64, "The Frame Pointer").
            frame_pointer: 0,
            pc: entry as usize,
            fpcr: 0,
        });
    }
    switched.cast()
}

/// Where a frame's record begins, in bytes from where the frame pointer points: there.
/// The record is the caller's frame pointer and the return address (AAPCS64, "The Frame
/// Pointer").
pub const FRAME_RECORD: isize = 0;

/// What the frame pointer's register, x29, holds.
#[inline(always)]
pub fn frame_pointer() -> *const u8 {
    let frame;
    // SAFETY: it copies a register.
    unsafe {
        asm!("mov {}, x29", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    frame
}

/// Runs the program's exit pieces and ends the process (`start/aarch64.S`).
#[inline(always)]
pub fn exit(status: u8) -> ! {
    // SAFETY: start_exit takes the status in w0, needs sp aligned, as it is in
    // every function, and does not return.
    unsafe {
        asm!("b start_exit", in("x0") u64::from(status), options(noreturn, nostack));
    }
}

/// Stops the process here, whatever a tracer or a filter did to the system call
/// that should have ended it.
///
/// A permanently undefined instruction (Arm ARM, UDF): SIGILL.
#[inline(always)]
pub fn trap() -> ! {
    // SAFETY: it only traps; a handler that returned would come back to it.
    unsafe {
        asm!("udf #0", options(noreturn, nomem, nostack));
    }
}

/// The relocation type that adds the base address, and whether the number it adds it
/// to is in memory already, or in the relocation's entry (ELF for the Arm 64-bit
/// Architecture, "Dynamic relocations").
pub(crate) const R_RELATIVE: usize = 1027;
pub(crate) const ADDEND_IN_PLACE: bool = false;

/// Before `main`: does `$code`, which may change what a call changes, and keeps main's
/// arguments, which it finds where a function finds its own.
///
/// start/aarch64.S: x0, x1, x2 are argc, argv, envp; sp stays at a multiple of 16
/// (AAPCS64, "Universal stack constraints").
macro_rules! keeping_arguments {
    ($code:expr) => {
        concat!(
            "stp x0, x1, [sp, #-32]!\n str x2, [sp, #16]\n",
            $code,
            "\n ldr x2, [sp, #16]\n ldp x0, x1, [sp], #32"
        )
    };
}
pub(crate) use keeping_arguments;

/// Calls the function `{function}`.
macro_rules! call {
    () => {
        "bl {function}"
    };
}
pub(crate) use call;

/// Calls the function `{function}` with what is at `{table}`.
///
/// The address is relative to pc, so it needs no relocation; x0 is the first argument
/// (AAPCS64, "Parameter passing rules").
macro_rules! call_with_table {
    () => {
        "adrp x0, {table}\n add x0, x0, :lo12:{table}\n bl {function}"
    };
}
pub(crate) use call_with_table;

/// Before `main`: stores argv in the static `{argv}`.
///
/// start/aarch64.S: x0, x1, x2 are argc, argv, envp, and kept; x9 is free (AAPCS64,
/// "General-purpose Registers").
macro_rules! store_argv {
    () => {
        "adrp x9, {argv}\n str x1, [x9, :lo12:{argv}]"
    };
}
pub(crate) use store_argv;

/// At exit: calls the function `{handler}` with the status, and goes on with the
/// one that it returns.
///
/// start/aarch64.S: the status is in w0, argument and result alike (AAPCS64,
/// "Parameter passing rules", "Result return"), and no other register is needed any
/// more.
macro_rules! call_handler {
    () => {
        "bl {handler}"
    };
}
pub(crate) use call_handler;

/// Before `main`: the canary's place, from the register of a function's result (AAPCS64,
/// "Result return"): a variable.
macro_rules! store_canary {
    () => {
        "adrp x9, __stack_chk_guard\n str x0, [x9, :lo12:__stack_chk_guard]"
    };
}
pub(crate) use store_canary;

core::arch::global_asm!(
    ".pushsection .bss.__stack_chk_guard, \"aw\", @nobits",
    ".balign 8",
    ".globl __stack_chk_guard",
    ".hidden __stack_chk_guard",
    "__stack_chk_guard: .zero 8",
    ".popsection",
);

/// Thread-local storage is above where the thread pointer points (variant I).
pub(crate) const TLS_ABOVE: bool = true;
/// Bytes there that belong to the ABI: two words (ELF for the Arm 64-bit Architecture,
/// "Thread Local Storage").
pub(crate) const TLS_HEAD: usize = 16;
/// What is added to offsets that `__tls_get_addr` is given.
pub(crate) const TLS_DTV_OFFSET: usize = 0;

/// Makes `pointer` the thread pointer: TPIDR_EL0. Cannot fail.
///
/// # Safety
///
/// A block of thread-local storage must be there.
pub(crate) unsafe fn set_thread_pointer(pointer: *mut u8) -> Register {
    // SAFETY: the register is the program's own, and holds nothing else.
    unsafe { asm!("msr tpidr_el0, {}", in(reg) pointer, options(nostack, preserves_flags)) };
    ptr::null_mut()
}

/// The thread pointer: TPIDR_EL0.
#[inline(always)]
pub(crate) fn thread_pointer() -> *mut u8 {
    let pointer;
    // SAFETY: it reads a register.
    unsafe {
        asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack, preserves_flags))
    };
    pointer
}

/// The body of a function that pins the thread: it returns the word that is `{word}` bytes from
/// where the thread pointer points, and adds 1 to the 32 bits that this points at, unless it is
/// null. The result is in x0 (AAPCS64, "Result return").
macro_rules! pin {
    () => {
        "mrs x0, tpidr_el0\n ldur x0, [x0, {word}]\n cbz x0, 2f\n ldr w1, [x0]\n add w1, w1, 1\n str w1, [x0]\n 2: ret"
    };
}
pub(crate) use pin;

/// The instruction that makes a system call: `svc #0`.
pub(crate) const SYSCALL: &[u8] = &[0x01, 0x00, 0x00, 0xd4];

/// What clone(2) takes for a child's thread pointer: the pointer.
pub(crate) struct ThreadArea(*mut u8);

impl ThreadArea {
    #[inline(always)]
    pub(crate) fn new(pointer: *mut u8) -> ThreadArea {
        ThreadArea(pointer)
    }

    #[inline(always)]
    pub(crate) fn as_argument(&self) -> Register {
        self.0.cast()
    }
}

/// Unmaps the `length` bytes at `mapping`, where the calling thread's stack is, and ends the
/// thread, in which nothing touches the stack any more: the call keeps the
/// registers but x0 (arch/arm64/kernel/entry.S).
///
/// # Safety
///
/// Nobody may need the mapping any more, and no signal may come.
pub(crate) unsafe fn unmap_and_exit(mapping: *mut u8, length: usize) -> ! {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!(
            "svc #0",
            "mov x8, {exit}",
            "mov x0, xzr",
            "svc #0",
            "brk #1",
            exit = const nr::exit,
            in("x8") nr::munmap,
            in("x0") mapping,
            in("x1") length,
            options(noreturn, nostack)
        )
    }
}

/// The body of the naked function `$function`, which returns the address of the calling thread's copy of a
/// variable of the type `$type`, all zeros, which it declares, in the section `.tbss.$name`:
/// as far above the thread pointer as the linker says (ELF for the Arm 64-bit Architecture,
/// "Relocations for thread-local storage", local exec). The result is in x0 (AAPCS64).
#[doc(hidden)]
#[macro_export]
macro_rules! __thread_local_address {
    ($name:expr, $type:ty, in $function:path) => {
        ::core::arch::naked_asm!(
            ::core::concat!(".pushsection \".tbss.", $name, "\", \"awT\", %nobits"),
            ".balign {align}",
            ".Lvariable_{function}: .zero {size}",
            ".popsection",
            ".reloc ., BFD_RELOC_NONE, freestand_tls",
            "mrs x0, tpidr_el0",
            "add x0, x0, #:tprel_hi12:.Lvariable_{function}, lsl #12",
            "add x0, x0, #:tprel_lo12_nc:.Lvariable_{function}",
            "ret",
            align = const ::core::mem::align_of::<$type>(),
            size = const ::core::mem::size_of::<$type>(),
            function = sym $function,
        )
    };
}

/// By what name, and how, compilers call `{function}` for the address of a thread-local
/// variable: as any function.
macro_rules! tls_get_addr {
    () => {
        "__tls_get_addr: b {function}"
    };
}
pub(crate) use tls_get_addr;

/// Has system calls made in the fastest way: there is but one.
#[inline(always)]
pub(crate) fn needs_fast_calls() {}
