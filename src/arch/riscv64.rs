//! riscv64.
//!
//! System calls: number in a7, arguments in a0 to a5, result in a0 (syscall(2)).
//! The kernel preserves the other integer and the floating-point registers. Of
//! the vector extension it preserves nothing: v0 to v31, vl, vtype and the rest
//! "are clobbered by system calls" (Documentation/arch/riscv/vector.rst), so no
//! `preserves_flags` here: Rust counts vl and vtype among the flags.

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
#[path = "riscv64/mem.rs"]
pub(crate) mod mem;

/// clone(2)'s fourth word is the thread pointer, the fifth where the child's id goes
/// (clone(2), "C library/kernel differences").
pub(crate) const CLONE_TLS_IS_FOURTH: bool = true;

/// There is no call that sets what only this architecture has.
pub(crate) const NR_ARCH_PRCTL: Option<u32> = None;

/// The names in the vDSO (arch/riscv/kernel/vdso/vdso.lds.S).
pub(crate) mod vdso {
    /// The version of all of them.
    pub(crate) const VERSION: &str = "LINUX_4.15";
    /// clock_gettime.
    pub(crate) const CLOCK_GETTIME: Option<&str> = Some("__vdso_clock_gettime");
    /// clock_getres.
    pub(crate) const CLOCK_GETRES: Option<&str> = Some("__vdso_clock_getres");
    /// getcpu.
    pub(crate) const GETCPU: Option<&str> = Some("__vdso_getcpu");
    /// getrandom.
    pub(crate) const GETRANDOM: Option<&str> = Some("__vdso_getrandom");
}

/// The architecture's name.
pub const NAME: &str = "riscv64";

/// The numbers of the kernel's system calls, by the kernel's names: what all
/// architectures have, and what only some have.
pub mod nr {
    pub use super::super::common_nr::*;
    #[doc(inline)]
    pub use linux_raw_sys::general::{
        __NR_accept as accept, __NR_kexec_file_load as kexec_file_load,
        __NR_newfstatat as newfstatat, __NR_riscv_flush_icache as riscv_flush_icache,
        __NR_riscv_hwprobe as riscv_hwprobe, __NR_semop as semop, __NR_semtimedop as semtimedop,
    };
}

/// [`nr`]: no call here has an older, narrower form.
pub use nr as widest;

/// `ecall`, with as many arguments as there are; the first gives way to the result.
#[rustfmt::skip]
macro_rules! syscall {
    ($nr:ident => $result:ident) => {
        $crate::arch::syscall!(@ in("a7") $nr, lateout("a0") $result,)
    };
    ($nr:ident => $result:ident, $a:ident $(, $b:ident $(, $c:ident $(, $d:ident $(, $e:ident $(, $f:ident)?)?)?)?)?) => {
        $crate::arch::syscall!(@
            in("a7") $nr,
            inlateout("a0") $a => $result,
            $(in("a1") $b,
            $(in("a2") $c,
            $(in("a3") $d,
            $(in("a4") $e,
            $(in("a5") $f,)?)?)?)?)?
        )
    };
    (@ $($operand:tt)*) => {
        core::arch::asm!(
            "ecall",
            $($operand)*
            // Declaring a register that the program is not built to use costs nothing.
            lateout("v0") _, lateout("v1") _, lateout("v2") _, lateout("v3") _,
            lateout("v4") _, lateout("v5") _, lateout("v6") _, lateout("v7") _,
            lateout("v8") _, lateout("v9") _, lateout("v10") _, lateout("v11") _,
            lateout("v12") _, lateout("v13") _, lateout("v14") _, lateout("v15") _,
            lateout("v16") _, lateout("v17") _, lateout("v18") _, lateout("v19") _,
            lateout("v20") _, lateout("v21") _, lateout("v22") _, lateout("v23") _,
            lateout("v24") _, lateout("v25") _, lateout("v26") _, lateout("v27") _,
            lateout("v28") _, lateout("v29") _, lateout("v30") _, lateout("v31") _,
            options(nostack)
        )
    };
}
pub(crate) use syscall;

/// No flag: an action has no restorer, a handler returns to the vDSO's
/// (arch/riscv/kernel/signal.c, setup_rt_frame).
pub(crate) const SA_RESTORER: usize = 0;
/// The type of an action's restorer.
pub(crate) type Restorer = ();
/// The restorer of each action.
pub(crate) const RESTORER: Restorer = ();

/// Makes the system call `{nr}`, in the way by which gdb knows that it is rt_sigreturn.
macro_rules! rt_sigreturn {
    () => {
        "li a7, {nr}\n ecall"
    };
}
pub(crate) use rt_sigreturn;

/// What a handler has interrupted (arch/riscv/include/uapi/asm/ucontext.h, sigcontext.h: `struct ucontext`).
#[repr(C)]
pub(crate) struct KernelUContext {
    flags: usize,
    link: usize,
    /// The alternate stack: where it begins, an int of flags, and its length.
    pub(crate) stack: [*mut c_void; 3],
    pub(crate) mask: u64,
    /// Room for a mask of 1024 bits, and for the alignment of what is behind it.
    unused: [u8; 128],
    /// The registers: pc, and x1 to x31. What comes behind them is aligned to 16 bytes,
    /// and so are they.
    pub(crate) registers: [usize; 32],
}

/// Where in `registers` is what.
pub(crate) mod ucontext {
    /// The thread pointer, which a handler's return sets too.
    pub(crate) const THREAD_POINTER: Option<usize> = Some(4);
    pub(crate) const PC: usize = 0;
    pub(crate) const SP: usize = 2;
    pub(crate) const FRAME_POINTER: usize = 8;
    pub(crate) const RESULT: usize = 10;
    pub(crate) const ARGUMENTS: [usize; 6] = [10, 11, 12, 13, 14, 15];
}

/// clone(2) whose child calls `entry` with `data`, on the stack that ends at `stack`,
/// a multiple of 16, or if that is null where the caller's ends. The parent gets what
/// the kernel returns, undecoded.
///
/// A child has all of its parent's registers but a0, which is 0, and sp if it gets a
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
    // sp is always at a multiple of 16, and nothing is kept below it (psABI, "Integer
    // Calling Convention").
    // SAFETY: the parent finds its registers and its stack as a called function leaves
    // them, which `clobber_abi` declares; the child never gets to the end.
    unsafe {
        asm!(
            "ecall",
            // 0 in the child only.
            "bnez a0, 2f",
            // The deepest frame's pointer is 0 ("Frame Pointer Convention"), and there
            // is nowhere to return to: an unwinder stops here.
            "mv s0, zero",
            "mv ra, zero",
            // The first argument ("Integer Calling Convention").
            "mv a0, a6",
            "jr a5",
            "2:",
            in("a7") nr::clone as usize,
            inlateout("a0") ptr::without_provenance_mut::<()>(flags as usize) => result,
            in("a1") stack,
            in("a2") parent_tid,
            in("a3") tls,
            in("a4") child_tid,
            in("a5") entry,
            in("a6") data,
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
            "ecall",
            // 0 in the child only.
            "bnez a0, 2f",
            // As in `clone_to` ("Frame Pointer Convention", "Integer Calling Convention").
            "mv s0, zero",
            "mv ra, zero",
            "mv a0, a6",
            "jr a5",
            "2:",
            in("a7") nr::clone3 as usize,
            inlateout("a0") args => result,
            in("a1") size,
            in("a5") entry,
            in("a6") data,
            clobber_abi("C"),
        );
    }
    result
}

/// What [`switch`] leaves on the stack that it goes away from.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Switched {
    s1: usize,
    /// s0, behind a frame's record ([`FRAME_RECORD`]).
    pub frame_pointer: usize,
    /// Where it goes on.
    pub pc: usize,
    /// The rounding mode.
    frm: usize,
}

/// Goes on where the stack `to` was left, and leaves this one: what is at `to` is taken for a
/// [`Switched`], and `*from` is told where the one of this stack is. It returns when somebody
/// switches there, in whichever thread.
///
/// The registers that a called function keeps, and the rounding mode, are this stack's again
/// then: s0 to s11, fs0 to fs11 (RISC-V psABI, "Register Convention") and fcsr's mode; gp and
/// tp are the process's and the thread's. The compiler keeps those that it uses, for they are
/// said to be lost, as what a call loses is.
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
    // SAFETY: where it goes on, the stack pointer is what it was, and of the registers s0 and
    // s1, which the compiler lets nobody name, are taken from the stack; all others are
    // declared. sp is always at a multiple of 16 (RISC-V psABI, "Integer Calling
    // Convention"), and nothing is kept below it.
    unsafe {
        asm!(
            "lla t0, 2f",
            "frrm t1",
            "addi sp, sp, -32",
            "sd s1, 0(sp)",
            "sd s0, 8(sp)",
            "sd t0, 16(sp)",
            "sd t1, 24(sp)",
            "sd sp, 0(a0)",
            "mv sp, a1",
            "ld s1, 0(sp)",
            "ld s0, 8(sp)",
            "ld t0, 16(sp)",
            "ld t2, 24(sp)",
            "addi sp, sp, 32",
            // To write it may take long.
            "beq t1, t2, 3f",
            "fsrm t2",
            "3:",
            // For `prepare`: nowhere to return to.
            "li ra, 0",
            "jr t0",
            "2:",
            inlateout("a0") from => _,
            inlateout("a1") to => _,
            lateout("s2") _,
            lateout("s3") _,
            lateout("s4") _,
            lateout("s5") _,
            lateout("s6") _,
            lateout("s7") _,
            lateout("s8") _,
            lateout("s9") _,
            lateout("s10") _,
            lateout("s11") _,
            lateout("fs0") _,
            lateout("fs1") _,
            lateout("fs2") _,
            lateout("fs3") _,
            lateout("fs4") _,
            lateout("fs5") _,
            lateout("fs6") _,
            lateout("fs7") _,
            lateout("fs8") _,
            lateout("fs9") _,
            lateout("fs10") _,
            lateout("fs11") _,
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
    // (RISC-V psABI, "Integer Calling Convention").
    unsafe {
        switched.write(Switched {
            s1: 0,
            // The deepest frame's ("Frame Pointer Convention").
            frame_pointer: 0,
            pc: entry as usize,
            frm: 0,
        });
    }
    switched.cast()
}

/// Where a frame's record begins, in bytes from where the frame pointer points: below
/// it, in the frame. The record is the caller's frame pointer and the return address
/// (RISC-V psABI, "Frame Pointer Convention").
pub const FRAME_RECORD: isize = -16;

/// What the frame pointer's register, s0, holds.
#[inline(always)]
pub fn frame_pointer() -> *const u8 {
    let frame;
    // SAFETY: it copies a register.
    unsafe {
        asm!("mv {}, s0", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    frame
}

/// Runs the program's exit pieces and ends the process (`start/riscv64.S`).
#[inline(always)]
pub fn exit(status: u8) -> ! {
    // SAFETY: start_exit takes the status in a0, needs sp aligned, as it is in
    // every function, and does not return. `tail` may use t1 for the address.
    unsafe {
        asm!("tail start_exit", in("a0") usize::from(status), options(noreturn, nostack));
    }
}

/// Stops the process here, whatever a tracer or a filter did to the system call
/// that should have ended it.
///
/// An illegal instruction (RISC-V assembly manual, unimp): SIGILL.
#[inline(always)]
pub fn trap() -> ! {
    // SAFETY: it only traps; a handler that returned would come back to it.
    unsafe {
        asm!("unimp", options(noreturn, nomem, nostack));
    }
}

/// The relocation type that adds the base address, and whether the number it adds it
/// to is in memory already, or in the relocation's entry (RISC-V ELF psABI,
/// "Relocations").
pub(crate) const R_RELATIVE: usize = 3;
pub(crate) const ADDEND_IN_PLACE: bool = false;

/// Before `main`: does `$code`, which may change what a call changes, and keeps main's
/// arguments, which it finds where a function finds its own.
///
/// start/riscv64.S: a0, a1, a2 are argc, argv, envp; sp stays at a multiple of 16
/// (RISC-V psABI, "Integer Calling Convention").
macro_rules! keeping_arguments {
    ($code:expr) => {
        concat!(
            "addi sp, sp, -32\n sd a0, 0(sp)\n sd a1, 8(sp)\n sd a2, 16(sp)\n",
            $code,
            "\n ld a0, 0(sp)\n ld a1, 8(sp)\n ld a2, 16(sp)\n addi sp, sp, 32"
        )
    };
}
pub(crate) use keeping_arguments;

/// Calls the function `{function}`.
macro_rules! call {
    () => {
        "call {function}"
    };
}
pub(crate) use call;

/// Calls the function `{function}` with what is at `{table}`.
///
/// The address is relative to pc, so it needs no relocation; a0 is the first argument
/// (RISC-V psABI, "Integer Calling Convention").
macro_rules! call_with_table {
    () => {
        "lla a0, {table}\n call {function}"
    };
}
pub(crate) use call_with_table;

/// Before `main`: stores argv in the static `{argv}`.
///
/// start/riscv64.S: a0, a1, a2 are argc, argv, envp, and kept; t0 is free (RISC-V
/// psABI, "Integer Register Convention").
macro_rules! store_argv {
    () => {
        "sd a1, {argv}, t0"
    };
}
pub(crate) use store_argv;

/// At exit: calls the function `{handler}` with the status, and goes on with the
/// one that it returns.
///
/// start/riscv64.S: the status is in a0, argument and result alike (RISC-V psABI,
/// "Integer Calling Convention"), and no other register is needed any more.
macro_rules! call_handler {
    () => {
        "call {handler}"
    };
}
pub(crate) use call_handler;

/// Before `main`: the canary's place, from the register of a function's result (RISC-V
/// psABI, "Integer Calling Convention"): a variable.
macro_rules! store_canary {
    () => {
        "sd a0, __stack_chk_guard, t0"
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
/// Bytes there that belong to the ABI: none, tp points at the storage itself (RISC-V ELF
/// psABI, "Thread Local Storage").
pub(crate) const TLS_HEAD: usize = 0;
/// What is added to offsets that `__tls_get_addr` is given: they are counted from the
/// middle of what 12 bits reach ("Thread Local Storage", `TLS_DTV_OFFSET`).
pub(crate) const TLS_DTV_OFFSET: usize = 0x800;

/// Makes `pointer` the thread pointer: tp. Cannot fail.
///
/// # Safety
///
/// A block of thread-local storage must be there.
pub(crate) unsafe fn set_thread_pointer(pointer: *mut u8) -> Register {
    // SAFETY: the register is the thread's own, and holds nothing else.
    unsafe { asm!("mv tp, {}", in(reg) pointer, options(nostack, preserves_flags)) };
    ptr::null_mut()
}

/// The thread pointer: tp.
#[inline(always)]
pub(crate) fn thread_pointer() -> *mut u8 {
    let pointer;
    // SAFETY: it reads a register.
    unsafe { asm!("mv {}, tp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// The body of a function that pins the thread: it returns the word that is `{word}` bytes from
/// where the thread pointer points, and adds 1 to the 32 bits that this points at, unless it is
/// null. The result is in a0 (psABI, "Integer Calling Convention").
macro_rules! pin {
    () => {
        "ld a0, {word}(tp)\n beqz a0, 2f\n lw a1, 0(a0)\n addiw a1, a1, 1\n sw a1, 0(a0)\n 2: ret"
    };
}
pub(crate) use pin;

/// The instruction that makes a system call: `ecall`.
pub(crate) const SYSCALL: &[u8] = &[0x73, 0x00, 0x00, 0x00];

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
/// registers but a0 (arch/riscv/kernel/entry.S).
///
/// # Safety
///
/// Nobody may need the mapping any more, and no signal may come.
pub(crate) unsafe fn unmap_and_exit(mapping: *mut u8, length: usize) -> ! {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!(
            "ecall",
            "li a7, {exit}",
            "li a0, 0",
            "ecall",
            "unimp",
            exit = const nr::exit,
            in("a7") nr::munmap,
            in("a0") mapping,
            in("a1") length,
            options(noreturn, nostack)
        )
    }
}

/// The body of the naked function `$function`, which returns the address of the calling thread's copy of a
/// variable of the type `$type`, all zeros, which it declares, in the section `.tbss.$name`:
/// as far above the thread pointer as the linker says (ELF psABI, "Thread Local Storage", local
/// exec). The result is in a0 ("Integer Calling Convention").
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
            "lui a0, %tprel_hi(.Lvariable_{function})",
            "add a0, a0, tp, %tprel_add(.Lvariable_{function})",
            "addi a0, a0, %tprel_lo(.Lvariable_{function})",
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
        "__tls_get_addr: tail {function}"
    };
}
pub(crate) use tls_get_addr;

/// Has system calls made in the fastest way: there is but one.
#[inline(always)]
pub(crate) fn needs_fast_calls() {}
