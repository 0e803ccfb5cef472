//! i386.
//!
//! System calls: number in eax, arguments in ebx, ecx, edx, esi, edi, ebp, result
//! in eax. `int $0x80` preserves every other register and the flags
//! (arch/x86/entry/entry_64_compat.S, entry_INT80_compat).
//!
//! So does the function `__kernel_vsyscall`, which the kernel has at `AT_SYSINFO`: it uses
//! the instruction that is the fastest on the processor, ten times as fast as `int $0x80`
//! and more (arch/x86/entry/vdso/vdso32/system_call.S). A program that makes more than a
//! few calls uses it, if there is one (under qemu-user there is none): one that opens,
//! reads or maps something ([`needs_fast_calls`]). What returns to another place, or twice
//! on one stack, has to use `int $0x80`: clone with a stack, vfork, and a signal handler's
//! return.
//!
//! LLVM keeps esi and ebp for itself and takes neither as an operand, so the
//! fourth and the sixth argument are put there by hand, and what was there is
//! put back.

use core::arch::asm;
use core::ptr;

use super::{Entry, Register};
use core::ffi::c_void;

/// The number of the call that maps memory.
pub(crate) use linux_raw_sys::general::__NR_mmap2 as NR_MMAP;
/// What its offset counts: pages of 4096 bytes: 32 bits of them reach 16 TiB (mmap2(2)).
pub(crate) const MMAP_UNIT: u64 = 4096;

/// The number of the call that moves a descriptor's position: lseek's ends at 2 GiB.
pub(crate) use linux_raw_sys::general::__NR__llseek as NR_LSEEK;
/// It takes the offset's high half, then its low one, then where to put the new
/// position (_llseek(2)).
pub(crate) const LSEEK_IN_HALVES: bool = true;

/// fcntl's commands for locks: fcntl64 takes a `struct flock64` by these alone
/// (fcntl(2)).
pub(crate) use linux_raw_sys::general::{
    F_GETLK64 as F_GETLK, F_SETLK64 as F_SETLK, F_SETLKW64 as F_SETLKW,
};

/// What the kernel tells of a file and of a file system.
pub(crate) use linux_raw_sys::general::{stat64 as KernelStat, statfs64 as KernelStatfs};
/// Whether the calls for the latter want its size told (statfs64(2)).
pub(crate) const STATFS_TAKES_SIZE: bool = true;

#[cfg(any(test, not(feature = "small-mem")))]
#[path = "i386/mem.rs"]
pub(crate) mod mem;

/// clone(2)'s fourth word is the thread pointer, a `user_desc` in fact, the fifth
/// where the child's id goes (clone(2), "C library/kernel differences").
pub(crate) const CLONE_TLS_IS_FOURTH: bool = true;

/// The number of the call that sets what only this architecture has.
pub(crate) const NR_ARCH_PRCTL: Option<u32> = Some(nr::arch_prctl);

/// The names in the vDSO (arch/x86/entry/vdso/vdso32/vdso32.lds.S).
pub(crate) mod vdso {
    /// The version of all of them.
    pub(crate) const VERSION: &str = "LINUX_2.6";
    /// clock_gettime, with 64-bit times.
    pub(crate) const CLOCK_GETTIME: Option<&str> = Some("__vdso_clock_gettime64");
    /// clock_getres, with 32-bit times, which every resolution fits into.
    pub(crate) const CLOCK_GETRES: Option<&str> = Some("__vdso_clock_getres");
    /// getcpu.
    pub(crate) const GETCPU: Option<&str> = Some("__vdso_getcpu");
    /// There is no getrandom.
    pub(crate) const GETRANDOM: Option<&str> = None;
}

/// The architecture's name.
pub const NAME: &str = "i386";

/// The numbers of the kernel's system calls, by the kernel's names: what all
/// architectures have, and what only some have.
pub mod nr {
    pub use super::super::common_nr::*;
    #[doc(inline)]
    pub use linux_raw_sys::general::{
        __NR__llseek as _llseek, __NR__newselect as _newselect, __NR__sysctl as _sysctl,
        __NR_access as access, __NR_afs_syscall as afs_syscall, __NR_alarm as alarm,
        __NR_arch_prctl as arch_prctl, __NR_bdflush as bdflush, __NR_break as r#break,
        __NR_chmod as chmod, __NR_chown as chown, __NR_chown32 as chown32,
        __NR_clock_adjtime64 as clock_adjtime64, __NR_clock_getres_time64 as clock_getres_time64,
        __NR_clock_gettime64 as clock_gettime64,
        __NR_clock_nanosleep_time64 as clock_nanosleep_time64,
        __NR_clock_settime64 as clock_settime64, __NR_creat as creat,
        __NR_create_module as create_module, __NR_dup2 as dup2, __NR_epoll_create as epoll_create,
        __NR_epoll_wait as epoll_wait, __NR_eventfd as eventfd, __NR_fadvise64_64 as fadvise64_64,
        __NR_fchown32 as fchown32, __NR_fcntl64 as fcntl64, __NR_fork as fork,
        __NR_fstat64 as fstat64, __NR_fstatat64 as fstatat64, __NR_fstatfs64 as fstatfs64,
        __NR_ftime as ftime, __NR_ftruncate64 as ftruncate64, __NR_futex_time64 as futex_time64,
        __NR_futimesat as futimesat, __NR_get_kernel_syms as get_kernel_syms,
        __NR_get_thread_area as get_thread_area, __NR_getdents as getdents,
        __NR_getegid32 as getegid32, __NR_geteuid32 as geteuid32, __NR_getgid32 as getgid32,
        __NR_getgroups32 as getgroups32, __NR_getpgrp as getpgrp, __NR_getpmsg as getpmsg,
        __NR_getresgid32 as getresgid32, __NR_getresuid32 as getresuid32,
        __NR_getuid32 as getuid32, __NR_gtty as gtty, __NR_idle as idle,
        __NR_inotify_init as inotify_init, __NR_io_pgetevents_time64 as io_pgetevents_time64,
        __NR_ioperm as ioperm, __NR_iopl as iopl, __NR_ipc as ipc, __NR_lchown as lchown,
        __NR_lchown32 as lchown32, __NR_link as link, __NR_lock as lock, __NR_lstat as lstat,
        __NR_lstat64 as lstat64, __NR_mkdir as mkdir, __NR_mknod as mknod, __NR_mmap2 as mmap2,
        __NR_modify_ldt as modify_ldt, __NR_mpx as mpx,
        __NR_mq_timedreceive_time64 as mq_timedreceive_time64,
        __NR_mq_timedsend_time64 as mq_timedsend_time64, __NR_nice as nice,
        __NR_oldfstat as oldfstat, __NR_oldlstat as oldlstat, __NR_oldolduname as oldolduname,
        __NR_oldstat as oldstat, __NR_olduname as olduname, __NR_open as open, __NR_pause as pause,
        __NR_pipe as pipe, __NR_poll as poll, __NR_ppoll_time64 as ppoll_time64, __NR_prof as prof,
        __NR_profil as profil, __NR_pselect6_time64 as pselect6_time64, __NR_putpmsg as putpmsg,
        __NR_query_module as query_module, __NR_readdir as readdir, __NR_readlink as readlink,
        __NR_recvmmsg_time64 as recvmmsg_time64, __NR_rename as rename, __NR_renameat as renameat,
        __NR_rmdir as rmdir, __NR_rt_sigtimedwait_time64 as rt_sigtimedwait_time64,
        __NR_sched_rr_get_interval_time64 as sched_rr_get_interval_time64, __NR_select as select,
        __NR_semtimedop_time64 as semtimedop_time64, __NR_sendfile64 as sendfile64,
        __NR_set_thread_area as set_thread_area, __NR_setfsgid32 as setfsgid32,
        __NR_setfsuid32 as setfsuid32, __NR_setgid32 as setgid32, __NR_setgroups32 as setgroups32,
        __NR_setregid32 as setregid32, __NR_setresgid32 as setresgid32,
        __NR_setresuid32 as setresuid32, __NR_setreuid32 as setreuid32, __NR_setuid32 as setuid32,
        __NR_sgetmask as sgetmask, __NR_sigaction as sigaction, __NR_signal as signal,
        __NR_signalfd as signalfd, __NR_sigpending as sigpending, __NR_sigprocmask as sigprocmask,
        __NR_sigreturn as sigreturn, __NR_sigsuspend as sigsuspend, __NR_socketcall as socketcall,
        __NR_ssetmask as ssetmask, __NR_stat as stat, __NR_stat64 as stat64,
        __NR_statfs64 as statfs64, __NR_stime as stime, __NR_stty as stty, __NR_symlink as symlink,
        __NR_sysfs as sysfs, __NR_time as time, __NR_timer_gettime64 as timer_gettime64,
        __NR_timer_settime64 as timer_settime64, __NR_timerfd_gettime64 as timerfd_gettime64,
        __NR_timerfd_settime64 as timerfd_settime64, __NR_truncate64 as truncate64,
        __NR_ugetrlimit as ugetrlimit, __NR_ulimit as ulimit, __NR_umount as umount,
        __NR_unlink as unlink, __NR_uselib as uselib, __NR_ustat as ustat, __NR_utime as utime,
        __NR_utimensat_time64 as utimensat_time64, __NR_utimes as utimes, __NR_vfork as vfork,
        __NR_vm86 as vm86, __NR_vm86old as vm86old, __NR_vserver as vserver,
        __NR_waitpid as waitpid,
    };
}

/// [`nr`], in which the names of calls that were too narrow mean their successors:
/// user and group ids were 16 bits wide, offsets, inode numbers and times 32.
pub mod widest {
    pub use super::nr::*;
    #[doc(inline)]
    pub use super::nr::{
        _newselect as select, chown32 as chown, clock_adjtime64 as clock_adjtime,
        clock_getres_time64 as clock_getres, clock_gettime64 as clock_gettime,
        clock_nanosleep_time64 as clock_nanosleep, clock_settime64 as clock_settime,
        fadvise64_64 as fadvise64, fchown32 as fchown, fcntl64 as fcntl, fstat64 as fstat,
        fstatat64 as newfstatat, fstatfs64 as fstatfs, ftruncate64 as ftruncate,
        futex_time64 as futex, getegid32 as getegid, geteuid32 as geteuid, getgid32 as getgid,
        getgroups32 as getgroups, getresgid32 as getresgid, getresuid32 as getresuid,
        getuid32 as getuid, io_pgetevents_time64 as io_pgetevents, lchown32 as lchown,
        lstat64 as lstat, mq_timedreceive_time64 as mq_timedreceive,
        mq_timedsend_time64 as mq_timedsend, ppoll_time64 as ppoll, pselect6_time64 as pselect6,
        recvmmsg_time64 as recvmmsg, rt_sigtimedwait_time64 as rt_sigtimedwait,
        sched_rr_get_interval_time64 as sched_rr_get_interval, semtimedop_time64 as semtimedop,
        sendfile64 as sendfile, setfsgid32 as setfsgid, setfsuid32 as setfsuid, setgid32 as setgid,
        setgroups32 as setgroups, setregid32 as setregid, setresgid32 as setresgid,
        setresuid32 as setresuid, setreuid32 as setreuid, setuid32 as setuid, stat64 as stat,
        statfs64 as statfs, timer_gettime64 as timer_gettime, timer_settime64 as timer_settime,
        timerfd_gettime64 as timerfd_gettime, timerfd_settime64 as timerfd_settime,
        truncate64 as truncate, ugetrlimit as getrlimit, utimensat_time64 as utimensat,
    };
}

core::arch::global_asm!(
    // Execution falls from one section into the next, as on the way through start/i386.S.
    // Before main: AT_SYSINFO's address goes where the piece behind looks for it. The
    // auxiliary vector begins behind envp's null pointer, two words an entry: type, value.
    ".pushsection .start.before.15.sysinfo, \"ax\", @progbits",
    ".globl freestand_sysinfo",
    ".hidden freestand_sysinfo",
    "freestand_sysinfo:",
    ".reloc ., BFD_RELOC_NONE, freestand_syscall_sysinfo",
    "mov edx, [esp + 8]",
    "2: add edx, 4",
    "cmp dword ptr [edx - 4], 0",
    "jne 2b",
    "jmp 3f",
    "2: add edx, 8",
    "3: cmp dword ptr [edx], {AT_SYSINFO}",
    "je 3f",
    "cmp dword ptr [edx], {AT_NULL}",
    "jne 2b",
    "jmp 4f",
    "3: mov edx, [edx + 4]",
    crate::arch::address_in_eax!("freestand_syscall_address"),
    "mov [eax], edx",
    "4:",
    ".popsection",
    ".pushsection .data.freestand_syscall_address, \"aw\", @progbits",
    ".balign 4",
    ".globl freestand_syscall_address",
    ".hidden freestand_syscall_address",
    "freestand_syscall_address: .long freestand_int_80",
    ".popsection",
    // What a system call calls. With the piece, a jump to the kernel's function or to the
    // instruction below; the registers are the call's, so the address goes by the stack.
    ".pushsection .syscall.entry, \"ax\", @progbits",
    ".globl freestand_syscall",
    ".hidden freestand_syscall",
    "freestand_syscall:",
    ".popsection",
    ".pushsection .syscall.sysinfo, \"ax\", @progbits",
    ".globl freestand_syscall_sysinfo",
    ".hidden freestand_syscall_sysinfo",
    "freestand_syscall_sysinfo:",
    "sub esp, 4",
    "push eax",
    crate::arch::address_in_eax!("freestand_syscall_address"),
    "mov eax, [eax]",
    "mov [esp + 4], eax",
    "pop eax",
    "ret",
    ".popsection",
    ".pushsection .syscall.int_80, \"ax\", @progbits",
    ".globl freestand_int_80",
    ".hidden freestand_int_80",
    "freestand_int_80:",
    "int 0x80",
    "ret",
    ".popsection",
    AT_SYSINFO = const 32,
    AT_NULL = const linux_raw_sys::auxvec::AT_NULL,
);

/// A call of `freestand_syscall`, with as many arguments as there are. It pushes its return
/// address, so nothing is kept below esp, and may change the flags.
#[rustfmt::skip]
macro_rules! syscall {
    ($nr:ident => $result:ident $(, $a:ident $(, $b:ident $(, $c:ident)?)?)?) => {
        core::arch::asm!(
            "call freestand_syscall",
            inlateout("eax") $nr => $result,
            $(in("ebx") $a,
            $(in("ecx") $b,
            $(in("edx") $c,)?)?)?
        )
    };
    // No operand may be esi: edi brings the fourth argument, and the exchange leaves
    // both as they were.
    ($nr:ident => $result:ident, $a:ident, $b:ident, $c:ident, $d:ident) => {
        core::arch::asm!(
            "xchg esi, edi",
            "call freestand_syscall",
            "xchg esi, edi",
            inlateout("eax") $nr => $result,
            in("ebx") $a,
            in("ecx") $b,
            in("edx") $c,
            in("edi") $d,
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
            "call freestand_syscall",
            "pop esi",
            inlateout("eax") &raw const in_memory => $result,
            in("ebx") $a,
            in("ecx") $b,
            in("edx") $c,
            in("edi") $e,
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
            "call freestand_syscall",
            "pop ebp",
            "pop esi",
            inlateout("eax") &raw const in_memory => $result,
            in("ebx") $a,
            in("ecx") $b,
            in("edx") $c,
            in("edi") $e,
        )
    }};
}
pub(crate) use syscall;

/// The flag that says that an action has a restorer. Without one the kernel uses the
/// vDSO's, which a process may be without (arch/x86/kernel/signal_32.c,
/// ia32_setup_rt_frame).
pub(crate) const SA_RESTORER: usize = linux_raw_sys::general::SA_RESTORER as usize;
/// The type of an action's restorer.
pub(crate) type Restorer = Option<unsafe extern "C" fn() -> !>;
/// The restorer of each action.
pub(crate) const RESTORER: Restorer = Some(super::rt_sigreturn);

/// Makes the system call `{nr}`, in the way by which gdb knows that it is rt_sigreturn.
macro_rules! rt_sigreturn {
    () => {
        "mov eax, {nr}\n int 0x80"
    };
}
pub(crate) use rt_sigreturn;

/// What a handler has interrupted (arch/x86/include/asm/sighandling.h, uapi/asm/sigcontext.h: `struct ucontext`).
#[repr(C)]
pub(crate) struct KernelUContext {
    flags: usize,
    link: usize,
    /// The alternate stack: where it begins, an int of flags, and its length.
    pub(crate) stack: [*mut c_void; 3],
    /// The registers, gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, a trap's
    /// number and error, eip, and others.
    pub(crate) registers: [usize; 22],
    pub(crate) mask: u64,
}

/// Where in `registers` is what.
pub(crate) mod ucontext {
    /// The thread pointer stays what it is when a handler returns.
    pub(crate) const THREAD_POINTER: Option<usize> = None;
    pub(crate) const PC: usize = 14;
    pub(crate) const SP: usize = 7;
    pub(crate) const FRAME_POINTER: usize = 6;
    pub(crate) const RESULT: usize = 11;
    pub(crate) const ARGUMENTS: [usize; 6] = [8, 10, 9, 5, 4, 6];
}

/// clone(2) whose child calls `entry` with `data`, on the stack that ends at `stack`,
/// a multiple of 16, or if that is null where the caller's ends. The parent gets what
/// the kernel returns, undecoded.
///
/// A child has all of its parent's registers but eax, which is 0, and esp if it gets
/// a stack (clone(2)). Five of the others are the call's, which leaves ebp for `entry`:
/// `data` waits on the child's stack, where an argument belongs. To its parent, the
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
    // No register is left for these: eax points at them. The parent reads them before
    // the call, for then they may go.
    let in_memory = [
        ptr::without_provenance_mut(nr::clone as usize),
        tls,
        (entry as *mut ()),
        data.cast(),
    ];
    // SAFETY: the parent finds its registers and its stack as a called function leaves
    // them: `clobber_abi` declares some, esi and ebp are put back; the child never gets
    // to the end. Without `nostack` the compiler keeps nothing below esp.
    unsafe {
        asm!(
            "push esi",
            "push ebp",
            // Without a stack of its own, the child's begins below here.
            "test ecx, ecx",
            "cmovz ecx, esp",
            "and ecx, -16",
            // The argument's place ends at a multiple of 16 (psABI 2.2.2).
            "sub ecx, 16",
            "mov esi, [eax + 12]",
            "mov [ecx], esi",
            "mov ebp, [eax + 8]",
            "mov esi, [eax + 4]",
            "mov eax, [eax]",
            "int 0x80",
            // 0 in the child only.
            "test eax, eax",
            "jnz 2f",
            // The deepest frame's pointer is 0 (2.3.1), and there is nowhere to return
            // to: an unwinder stops here. It lies below the argument, as behind a call.
            "mov eax, ebp",
            "xor ebp, ebp",
            "push 0",
            "jmp eax",
            "2:",
            "pop ebp",
            "pop esi",
            inlateout("eax") &raw const in_memory => result,
            in("ebx") flags,
            in("ecx") stack,
            in("edx") parent_tid,
            in("edi") child_tid,
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
    // SAFETY: as in `clone_to`; registers are left for all of it.
    unsafe {
        asm!(
            "int 0x80",
            // 0 in the child only.
            "test eax, eax",
            "jnz 2f",
            // As in `clone_to`: the argument's place ends at a multiple of 16 (psABI
            // 2.2.2), and there is nowhere to return to (2.3.1).
            "xor ebp, ebp",
            "sub esp, 12",
            "push edi",
            "push 0",
            "jmp edx",
            "2:",
            inlateout("eax") nr::clone3 as usize => result,
            in("ebx") args,
            in("ecx") size,
            in("edx") entry,
            in("edi") data,
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
    esi: usize,
    /// ebp, which points at a frame's record ([`FRAME_RECORD`]).
    pub frame_pointer: usize,
    /// Where it goes on.
    pub pc: usize,
}

/// Goes on where the stack `to` was left, and leaves this one: what is at `to` is taken for a
/// [`Switched`], and `*from` is told where the one of this stack is. It returns when somebody
/// switches there, in whichever thread.
///
/// The registers that a called function keeps, and the floating-point control words, are this
/// stack's again then: ebx, esi, edi, ebp, mxcsr's control bits and the x87 control word
/// (psABI 2.2.1, "Registers"). The compiler keeps those that it uses, for they are said to be
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
    // SAFETY: where it goes on, the stack pointer is what it was, and of the registers esi and
    // ebp, which the compiler lets nobody name, are taken from the stack; all others are
    // declared. Nothing is kept below esp.
    unsafe {
        asm!(
            // The address of what is behind: a call of the next instruction is none to
            // the processor's guessing.
            "call 5f",
            "5:",
            "pop ecx",
            // add ecx, 2f - 5b: in this syntax the assembler takes no difference.
            ".byte 0x81, 0xc1",
            ".long 2f - 5b",
            "push ecx",
            "push ebp",
            "push esi",
            "sub esp, 8",
            "stmxcsr [esp]",
            "fnstcw [esp + 4]",
            "movzx ecx, word ptr [esp + 4]",
            "mov [eax], esp",
            "mov esp, edx",
            // As on x86_64.
            "ldmxcsr [esp]",
            "cmp cx, [esp + 4]",
            "jne 4f",
            "3:",
            "add esp, 8",
            "pop esi",
            "pop ebp",
            "pop ecx",
            "jmp ecx",
            "4:",
            "fldcw [esp + 4]",
            "jmp 3b",
            "2:",
            inlateout("eax") from => _,
            inlateout("edx") to => _,
            lateout("ebx") _,
            lateout("edi") _,
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
/// The 24 bytes below `top` must be memory, and nobody else's.
pub unsafe fn prepare(top: *mut u8, entry: extern "C" fn() -> !) -> *mut u8 {
    /// Behind a call, esp is 4 bytes below a multiple of 16, at the return address (psABI
    /// 2.2.2): there is none, and the deepest frame's pointer is 0 (2.3.1).
    #[repr(C)]
    struct Frame(Switched, usize);

    let frame = top.cast::<Frame>().wrapping_sub(1);
    let switched = Switched {
        // All exceptions masked, rounding to the nearest, and to 64 bits on the x87
        // (2.3.1, "Special Registers").
        mxcsr: 0x1f80,
        x87: 0x37f,
        esi: 0,
        frame_pointer: 0,
        pc: entry as usize,
    };
    // SAFETY: the caller has the memory, and it is aligned to 4 bytes.
    unsafe { frame.write(Frame(switched, 0)) };
    frame.cast()
}

/// Where a frame's record begins, in bytes from where the frame pointer points: there.
/// The record is the caller's frame pointer and the return address, for a function
/// pushes the one right below the other (psABI 2.2.2 "The Stack Frame").
pub const FRAME_RECORD: isize = 0;

/// What the frame pointer's register, ebp, holds.
#[inline(always)]
pub fn frame_pointer() -> *const u8 {
    let frame;
    // SAFETY: it copies a register.
    unsafe {
        asm!("mov {}, ebp", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    frame
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
/// to is in memory already, or in the relocation's entry (psABI 4.4, "Relocation").
pub(crate) const R_RELATIVE: usize = 8;
pub(crate) const ADDEND_IN_PLACE: bool = true;

/// Before `main`: does `$code`, which may change what a call changes, and keeps main's
/// arguments, which it finds where a function finds its own.
///
/// start/i386.S: the arguments are pushed, the last at a multiple of 16, as a call needs
/// it (psABI 2.2.2), and ecx is argv. A function may change its arguments, so it gets
/// others, and a word of padding.
macro_rules! keeping_arguments {
    ($code:expr) => {
        concat!(
            "mov eax, [esp]\n mov edx, [esp + 8]\n",
            "push edx\n push edx\n push ecx\n push eax\n",
            $code,
            "\n add esp, 16\n mov ecx, [esp + 4]"
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

/// The address of `$symbol` in eax, without relocation: the call pushes the address of the
/// word behind it, which holds the distance from there.
macro_rules! address_in_eax {
    ($symbol:literal) => {
        concat!(
            "call 2f\n .long ",
            $symbol,
            " - .\n 2: pop eax\n add eax, [eax]"
        )
    };
}
pub(crate) use address_in_eax;

/// Calls the function `{function}` with what is at `{table}`.
///
/// It takes the first argument's place (psABI 2.2.3).
macro_rules! call_with_table {
    () => {
        concat!(
            $crate::arch::address_in_eax!("{table}"),
            "\n mov [esp], eax\n call {function}"
        )
    };
}
pub(crate) use call_with_table;

/// Before `main`: stores argv in the static `{argv}`.
///
/// start/i386.S: ecx is argv, and eax free, for the arguments are pushed already.
macro_rules! store_argv {
    () => {
        concat!($crate::arch::address_in_eax!("{argv}"), "\n mov [eax], ecx")
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

/// Before `main`: the canary's place, from the register of a function's result (psABI
/// 2.2.3), in the thread's control block, which must be there: 20 bytes from where gs
/// points (the first word is the block's own address, the next four are the C library's).
macro_rules! store_canary {
    () => {
        "mov dword ptr gs:[0x14], eax\n .reloc ., BFD_RELOC_NONE, freestand_tls"
    };
}
pub(crate) use store_canary;

core::arch::global_asm!(
    // Position-independent code calls it by this name, which is never resolved at run time.
    ".pushsection .text.__stack_chk_fail_local, \"ax\", @progbits",
    ".globl __stack_chk_fail_local",
    ".hidden __stack_chk_fail_local",
    "__stack_chk_fail_local: jmp __stack_chk_fail",
    ".popsection",
);

/// Thread-local storage is below where the thread pointer points (variant II).
pub(crate) const TLS_ABOVE: bool = false;
/// Bytes there that belong to the ABI: the block's own address (ELF Handling For
/// Thread-Local Storage, 3.4.2), and, up to 24, the canary.
pub(crate) const TLS_HEAD: usize = 32;
/// What is added to offsets that `__tls_get_addr` is given.
pub(crate) const TLS_DTV_OFFSET: usize = 0;

/// Makes `pointer` the thread pointer: gs's base, in a descriptor of its own.
///
/// # Safety
///
/// A block of thread-local storage must be there.
pub(crate) unsafe fn set_thread_pointer(pointer: *mut u8) -> Register {
    // The kernel chooses the entry.
    let mut area = segment(u32::MAX, pointer);
    // SAFETY: set_thread_area(2) reads the area and writes the entry's number into it. A
    // selector's upper 13 bits are that, and its lower 3 say: the GDT, privilege 3 (Intel
    // SDM, "Segment Selectors"). Nothing but thread-local storage is behind gs.
    unsafe {
        let result = super::syscall1(nr::set_thread_area as usize, (&raw mut area).cast());
        if result.is_null() {
            asm!("mov gs, {0:e}", in(reg) area[0] << 3 | 3, options(nostack, preserves_flags));
        }
        result
    }
}

/// The kernel's `struct user_desc` (arch/x86/include/uapi/asm/ldt.h) for the entry `entry`:
/// entry_number, base_addr, limit, which is all of the address space, and the flags
/// seg_32bit, limit_in_pages, useable.
fn segment(entry: u32, base: *mut u8) -> [u32; 4] {
    [entry, base.addr() as u32, 0xf_ffff, 1 | 1 << 4 | 1 << 6]
}

/// The thread pointer: gs's base, which is the first word behind it.
#[inline(always)]
pub(crate) fn thread_pointer() -> *mut u8 {
    let pointer;
    // SAFETY: whoever calls this has set the thread pointer; the word behind it holds it
    // (ELF Handling For Thread-Local Storage, 3.4.2).
    unsafe {
        asm!("mov {}, gs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly))
    };
    pointer
}

/// The body of a function that pins the thread: it returns the word that is `{word}` bytes from
/// where the thread pointer points, and adds 1 to the 32 bits that this points at, unless it is
/// null. The result is in eax (psABI 2.2.3).
macro_rules! pin {
    () => {
        "mov eax, gs:[{word}]\n test eax, eax\n jz 2f\n inc dword ptr [eax]\n 2: ret"
    };
}
pub(crate) use pin;

/// The instruction that makes a system call, or to which one returns that was made by
/// `sysenter` (arch/x86/entry/vdso/vdso32/system_call.S).
pub(crate) const SYSCALL: &[u8] = &[0xcd, 0x80];

/// What clone(2) takes for a child's thread pointer: a description of the segment, whose
/// entry of the thread's own table is the one that gs names already.
pub(crate) struct ThreadArea([u32; 4]);

impl ThreadArea {
    #[inline(always)]
    pub(crate) fn new(pointer: *mut u8) -> ThreadArea {
        // So that gs names one.
        super::require!("freestand_tls");
        let selector: u32;
        // SAFETY: it reads a register.
        unsafe {
            asm!("mov {0:e}, gs", out(reg) selector, options(nomem, nostack, preserves_flags))
        };
        ThreadArea(segment(selector >> 3, pointer))
    }

    #[inline(always)]
    pub(crate) fn as_argument(&self) -> Register {
        self.0.as_ptr().cast_mut().cast()
    }
}

/// Unmaps the `length` bytes at `mapping`, where the calling thread's stack is, and ends the
/// thread, in which nothing touches the stack any more: the call keeps the
/// registers but eax (entry_32.S).
///
/// # Safety
///
/// Nobody may need the mapping any more, and no signal may come.
pub(crate) unsafe fn unmap_and_exit(mapping: *mut u8, length: usize) -> ! {
    // SAFETY: passed on to the caller.
    unsafe {
        asm!(
            "int 0x80",
            "mov eax, {exit}",
            "xor ebx, ebx",
            "int 0x80",
            "ud2",
            exit = const nr::exit,
            in("eax") nr::munmap,
            in("ebx") mapping,
            in("ecx") length,
            options(noreturn, nostack)
        )
    }
}

/// The body of the naked function `$function`, which returns the address of the calling thread's copy of a
/// variable of the type `$type`, all zeros, which it declares, in the section `.tbss.$name`:
/// as far below the thread pointer as the linker says (ELF Handling For Thread-Local Storage,
/// 4.4.2, the local executable model). The result is in eax (psABI 2.2.3).
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
            "mov eax, gs:[0]",
            "lea eax, [eax + .Lvariable_{function}@ntpoff]",
            "ret",
            align = const ::core::mem::align_of::<$type>(),
            size = const ::core::mem::size_of::<$type>(),
            function = sym $function,
        )
    };
}

/// By what name, and how, compilers call `{function}` for the address of a thread-local
/// variable: with the argument in eax (ELF Handling For Thread-Local Storage, 3.4.2, GNU
/// variant). Padding keeps the stack at a multiple of 16 (psABI 2.2.2).
macro_rules! tls_get_addr {
    () => {
        ".globl ___tls_get_addr\n .hidden ___tls_get_addr\n ___tls_get_addr: sub esp, 8\n push eax\n call {function}\n add esp, 12\n ret\n __tls_get_addr: jmp {function}"
    };
}
pub(crate) use tls_get_addr;

/// Has system calls made by `__kernel_vsyscall`.
#[inline(always)]
pub(crate) fn needs_fast_calls() {
    super::require!("freestand_sysinfo");
}
