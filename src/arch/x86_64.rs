//! x86_64.
//!
//! System calls: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9, result
//! in rax. The `syscall` instruction itself puts the return address in rcx and
//! the flags in r11 (Intel SDM, SYSCALL), and the kernel preserves every other
//! register (System V x86-64 psABI, A.2.1). The flags come back from r11, so they
//! are preserved too.

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
#[path = "x86_64/mem.rs"]
pub(crate) mod mem;

/// clone(2)'s fourth word is where the child's id goes, the fifth the thread pointer
/// (clone(2), "C library/kernel differences").
pub(crate) const CLONE_TLS_IS_FOURTH: bool = false;

/// The number of the call that sets what only this architecture has.
pub(crate) const NR_ARCH_PRCTL: Option<u32> = Some(nr::arch_prctl);

/// The names in the vDSO (arch/x86/entry/vdso/vdso.lds.S).
pub(crate) mod vdso {
    /// The version of all of them.
    pub(crate) const VERSION: &str = "LINUX_2.6";
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
pub const NAME: &str = "x86_64";

/// The numbers of the kernel's system calls, by the kernel's names: what all
/// architectures have, and what only some have.
pub mod nr {
    pub use super::super::common_nr::*;
    #[doc(inline)]
    pub use linux_raw_sys::general::{
        __NR__sysctl as _sysctl, __NR_accept as accept, __NR_access as access,
        __NR_afs_syscall as afs_syscall, __NR_alarm as alarm, __NR_arch_prctl as arch_prctl,
        __NR_chmod as chmod, __NR_chown as chown, __NR_creat as creat,
        __NR_create_module as create_module, __NR_dup2 as dup2, __NR_epoll_create as epoll_create,
        __NR_epoll_ctl_old as epoll_ctl_old, __NR_epoll_wait as epoll_wait,
        __NR_epoll_wait_old as epoll_wait_old, __NR_eventfd as eventfd, __NR_fork as fork,
        __NR_futimesat as futimesat, __NR_get_kernel_syms as get_kernel_syms,
        __NR_get_thread_area as get_thread_area, __NR_getdents as getdents,
        __NR_getpgrp as getpgrp, __NR_getpmsg as getpmsg, __NR_inotify_init as inotify_init,
        __NR_ioperm as ioperm, __NR_iopl as iopl, __NR_kexec_file_load as kexec_file_load,
        __NR_lchown as lchown, __NR_link as link, __NR_lstat as lstat, __NR_mkdir as mkdir,
        __NR_mknod as mknod, __NR_modify_ldt as modify_ldt, __NR_newfstatat as newfstatat,
        __NR_open as open, __NR_pause as pause, __NR_pipe as pipe, __NR_poll as poll,
        __NR_putpmsg as putpmsg, __NR_query_module as query_module, __NR_readlink as readlink,
        __NR_rename as rename, __NR_renameat as renameat, __NR_rmdir as rmdir,
        __NR_security as security, __NR_select as select, __NR_semop as semop,
        __NR_semtimedop as semtimedop, __NR_set_thread_area as set_thread_area,
        __NR_signalfd as signalfd, __NR_stat as stat, __NR_symlink as symlink, __NR_sysfs as sysfs,
        __NR_time as time, __NR_tuxcall as tuxcall, __NR_unlink as unlink,
        __NR_uretprobe as uretprobe, __NR_uselib as uselib, __NR_ustat as ustat,
        __NR_utime as utime, __NR_utimes as utimes, __NR_vfork as vfork, __NR_vserver as vserver,
    };
}

/// [`nr`]: no call here has an older, narrower form.
pub use nr as widest;

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

/// The flag that says that an action has a restorer, without which the kernel runs no
/// handler (arch/x86/kernel/signal_64.c, x64_setup_rt_frame).
pub(crate) const SA_RESTORER: usize = linux_raw_sys::general::SA_RESTORER as usize;
/// The type of an action's restorer.
pub(crate) type Restorer = Option<unsafe extern "C" fn() -> !>;
/// The restorer of each action.
pub(crate) const RESTORER: Restorer = Some(super::rt_sigreturn);

/// Makes the system call `{nr}`, in the way by which gdb knows that it is rt_sigreturn.
macro_rules! rt_sigreturn {
    () => {
        "mov rax, {nr}\n syscall"
    };
}
pub(crate) use rt_sigreturn;

/// What a handler has interrupted (arch/x86/include/uapi/asm/ucontext.h, sigcontext.h: `struct ucontext`).
#[repr(C)]
pub(crate) struct KernelUContext {
    flags: usize,
    link: usize,
    /// The alternate stack: where it begins, an int of flags, and its length.
    pub(crate) stack: [*mut c_void; 3],
    /// The registers, from r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags,
    /// and others.
    pub(crate) registers: [usize; 32],
    pub(crate) mask: u64,
}

/// Where in `registers` is what.
pub(crate) mod ucontext {
    /// The thread pointer stays what it is when a handler returns.
    pub(crate) const THREAD_POINTER: Option<usize> = None;
    pub(crate) const PC: usize = 16;
    pub(crate) const SP: usize = 15;
    pub(crate) const FRAME_POINTER: usize = 10;
    pub(crate) const RESULT: usize = 13;
    pub(crate) const ARGUMENTS: [usize; 6] = [8, 9, 12, 2, 0, 1];
}

/// clone(2) whose child calls `entry` with `data`, on the stack that ends at `stack`,
/// a multiple of 16, or if that is null where the caller's ends. The parent gets what
/// the kernel returns, undecoded.
///
/// A child has all of its parent's registers but rax, which is 0, and rsp if it gets
/// a stack (clone(2)): so `entry` and `data` travel in registers. To its parent, the
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
    // them, which `clobber_abi` declares; the child never gets to the end. Without
    // `nostack` the compiler keeps nothing below rsp, and rsp at a multiple of 16.
    unsafe {
        asm!(
            "syscall",
            // 0 in the child only.
            "test rax, rax",
            "jnz 2f",
            // The deepest frame's pointer is 0 (psABI 3.4.1), and there is nowhere to
            // return to: an unwinder stops here. As behind a call, rsp is now 8 bytes
            // below a multiple of 16 (3.2.2).
            "xor ebp, ebp",
            "push 0",
            // The first argument (3.2.3).
            "mov rdi, r12",
            "jmp r9",
            "2:",
            inlateout("rax") nr::clone as usize => result,
            in("rdi") flags as usize,
            in("rsi") stack,
            in("rdx") parent_tid,
            in("r10") child_tid,
            in("r8") tls,
            in("r9") entry,
            in("r12") data,
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
            "syscall",
            // 0 in the child only.
            "test rax, rax",
            "jnz 2f",
            // As in `clone_to` (psABI 3.2.2, 3.2.3, 3.4.1).
            "xor ebp, ebp",
            "push 0",
            "mov rdi, r10",
            "jmp r9",
            "2:",
            inlateout("rax") nr::clone3 as usize => result,
            in("rdi") args,
            in("rsi") size,
            in("r9") entry,
            in("r10") data,
            clobber_abi("C"),
        );
    }
    result
}

/// What [`switch`] leaves on the stack that it goes away from.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Switched {
    /// The SSE control and status word.
    mxcsr: u32,
    /// The x87 control word.
    x87: u32,
    rbx: usize,
    /// rbp, which points at a frame's record ([`FRAME_RECORD`]).
    pub frame_pointer: usize,
    /// Where it goes on.
    pub pc: usize,
}

/// Goes on where the stack `to` was left, and leaves this one: what is at `to` is taken for a
/// [`Switched`], and `*from` is told where the one of this stack is. It returns when somebody
/// switches there, in whichever thread.
///
/// The registers that a called function keeps, and the floating-point control words, are this
/// stack's again then: rbx, rbp, r12 to r15, mxcsr's control bits and the x87 control word
/// (psABI 3.2.1, "Registers"). The compiler keeps those that it uses, for they are said to be
/// lost, as what a call loses is.
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
    // SAFETY: where it goes on, the stack pointer is what it was, and of the registers rbx and
    // rbp, which the compiler lets nobody name, are taken from the stack; all others are
    // declared. Without `nostack` the compiler keeps nothing below rsp.
    unsafe {
        asm!(
            "lea rax, [rip + 2f]",
            "push rax",
            "push rbp",
            "push rbx",
            "sub rsp, 8",
            "stmxcsr [rsp]",
            "fnstcw [rsp + 4]",
            "movzx eax, word ptr [rsp + 4]",
            "mov [rdi], rsp",
            "mov rsp, rsi",
            // Faster than to see whether it is another one; the x87's is slower.
            "ldmxcsr [rsp]",
            "cmp ax, [rsp + 4]",
            "jne 4f",
            "3:",
            "add rsp, 8",
            "pop rbx",
            "pop rbp",
            "pop rcx",
            "jmp rcx",
            "4:",
            "fldcw [rsp + 4]",
            "jmp 3b",
            "2:",
            inlateout("rdi") from => _,
            inlateout("rsi") to => _,
            lateout("r12") _,
            lateout("r13") _,
            lateout("r14") _,
            lateout("r15") _,
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
/// The 40 bytes below `top` must be memory, and nobody else's.
pub unsafe fn prepare(top: *mut u8, entry: extern "C" fn() -> !) -> *mut u8 {
    /// Behind a call, rsp is 8 bytes below a multiple of 16, at the return address (psABI
    /// 3.2.2): there is none, and the deepest frame's pointer is 0 (3.4.1).
    #[repr(C)]
    struct Frame(Switched, usize);

    let frame = top.cast::<Frame>().wrapping_sub(1);
    let switched = Switched {
        // All exceptions masked, rounding to the nearest, and to 64 bits on the x87
        // (3.4.1, "Special Registers").
        mxcsr: 0x1f80,
        x87: 0x37f,
        rbx: 0,
        frame_pointer: 0,
        pc: entry as usize,
    };
    // SAFETY: the caller has the memory, and it is aligned to 8 bytes.
    unsafe { frame.write(Frame(switched, 0)) };
    frame.cast()
}

/// Where a frame's record begins, in bytes from where the frame pointer points: there.
/// The record is the caller's frame pointer and the return address, for a function
/// pushes the one right below the other (psABI 3.2.2 "The Stack Frame").
pub const FRAME_RECORD: isize = 0;

/// What the frame pointer's register, rbp, holds.
#[inline(always)]
pub fn frame_pointer() -> *const u8 {
    let frame;
    // SAFETY: it copies a register.
    unsafe {
        asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    frame
}

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

/// The relocation type that adds the base address, and whether the number it adds it
/// to is in memory already, or in the relocation's entry (psABI 4.4.1, "Relocation
/// Types").
pub(crate) const R_RELATIVE: usize = 8;
pub(crate) const ADDEND_IN_PLACE: bool = false;

/// Before `main`: does `$code`, which may change what a call changes, and keeps main's
/// arguments, which it finds where a function finds its own.
///
/// start/x86_64.S: rdi, rsi, rdx are argc, argv, envp, and rsp is at a multiple of 16,
/// as a call needs it (psABI 3.2.2): four words keep it so.
macro_rules! keeping_arguments {
    ($code:expr) => {
        concat!(
            "push rdi\n push rsi\n push rdx\n push rdx\n",
            $code,
            "\n pop rdx\n pop rdx\n pop rsi\n pop rdi"
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
/// The address is relative to rip, so it needs no relocation; rdi is the first
/// argument (psABI 3.2.3).
macro_rules! call_with_table {
    () => {
        "lea rdi, [rip + {table}]\n call {function}"
    };
}
pub(crate) use call_with_table;

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

/// Before `main`: the canary's place, from the register of a function's result (psABI
/// 3.2.3), in the thread's control block, which must be there: 40 bytes from where fs
/// points (x86-64 psABI, "Thread-local storage": the first word is the block's own address, the next
/// four are the C library's).
macro_rules! store_canary {
    () => {
        "mov qword ptr fs:[0x28], rax\n .reloc ., BFD_RELOC_NONE, freestand_tls"
    };
}
pub(crate) use store_canary;

/// Thread-local storage is below where the thread pointer points (variant II).
pub(crate) const TLS_ABOVE: bool = false;
/// Bytes there that belong to the ABI: the block's own address (ELF Handling For
/// Thread-Local Storage, 3.4.6), and, up to 48, the canary.
pub(crate) const TLS_HEAD: usize = 64;
/// What is added to offsets that `__tls_get_addr` is given.
pub(crate) const TLS_DTV_OFFSET: usize = 0;

/// Makes `pointer` the thread pointer: fs's base.
///
/// # Safety
///
/// A block of thread-local storage must be there.
pub(crate) unsafe fn set_thread_pointer(pointer: *mut u8) -> Register {
    let code = ptr::without_provenance_mut(linux_raw_sys::general::ARCH_SET_FS as usize);
    // SAFETY: arch_prctl(2) changes fs alone, which the caller answers for.
    unsafe { super::syscall2(nr::arch_prctl as usize, code, pointer.cast()) }
}

/// The thread pointer: fs's base, which is the first word behind it.
#[inline(always)]
pub(crate) fn thread_pointer() -> *mut u8 {
    let pointer;
    // SAFETY: whoever calls this has set the thread pointer; the word behind it holds it
    // (ELF Handling For Thread-Local Storage, 3.4.6).
    unsafe {
        asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly))
    };
    pointer
}

/// The body of a function that pins the thread: it returns the word that is `{word}` bytes from
/// where the thread pointer points, and adds 1 to the 32 bits that this points at, unless it is
/// null. The result is in rax (psABI 3.2.3).
macro_rules! pin {
    () => {
        "mov rax, fs:[{word}]\n test rax, rax\n jz 2f\n inc dword ptr [rax]\n 2: ret"
    };
}
pub(crate) use pin;

/// The instruction that makes a system call.
pub(crate) const SYSCALL: &[u8] = &[0x0f, 0x05];

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
/// registers but rax, rcx and r11 (psABI, A.2.1).
///
/// # Safety
///
/// Nobody may need the mapping any more, and no signal may come.
pub(crate) unsafe fn unmap_and_exit(mapping: *mut u8, length: usize) -> ! {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!(
            "syscall",
            "mov eax, {exit}",
            "xor edi, edi",
            "syscall",
            "ud2",
            exit = const nr::exit,
            in("eax") nr::munmap,
            in("rdi") mapping,
            in("rsi") length,
            options(noreturn, nostack)
        )
    }
}

/// The body of the naked function `$function`, which returns the address of the calling thread's copy of a
/// variable of the type `$type`, all zeros, which it declares, in the section `.tbss.$name`:
/// as far below the thread pointer as the linker says (ELF Handling For Thread-Local Storage,
/// 4.4.6, the local executable model). The result is in rax (psABI 3.2.3).
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
            "mov rax, fs:[0]",
            "lea rax, [rax + .Lvariable_{function}@tpoff]",
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
        "__tls_get_addr: jmp {function}"
    };
}
pub(crate) use tls_get_addr;

/// Has system calls made in the fastest way: there is but one.
#[inline(always)]
pub(crate) fn needs_fast_calls() {}
