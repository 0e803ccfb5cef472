//! The process: who it is, its children, other programs, and its end.

use core::convert::Infallible;
use core::ffi::{CStr, c_int};

use linux_raw_sys::general;
use linux_raw_sys::prctl as kernel;

use super::declare::{Argument, Outcome, Shown, Value, Word, Words};
use super::kinds::{flags, named};
use super::{
    Address, At, BorrowedFd, CStrList, Errno, OwnedFd, Path, Result, Rusage, SigInfo, Signal,
};
use crate::arch::{self, Register, nr};
use crate::{syscall, syscalls};

named! {
    /// A process's id, or where the call says so what it takes besides: 0 or a
    /// negative number for a group of them.
    Pid: i32 {
        /// 0: the caller, where a call takes one process; its group, where it takes
        /// several.
        OWN = 0;
        /// −1: all that there are for the caller.
        ANY = -1;
    }
    /// A thread's id. A process's first thread has the process's.
    Tid: i32 {}
    /// A user's id.
    Uid: u32 {
        /// The superuser.
        ROOT = 0;
    }
    /// A group's id.
    Gid: u32 {
        /// The superuser's.
        ROOT = 0;
    }
}

/// 0 is none: the child's side of a fork, no child that has changed.
impl Value for Option<Pid> {
    const SHOWN: Shown = <Pid as Value>::SHOWN;

    #[inline(always)]
    fn from_register(result: Register) -> Self {
        Some(Pid::from_register(result)).filter(|pid| pid.0 != 0)
    }
}

/// 0 is none: the child's side.
impl Value for Option<Tid> {
    const SHOWN: Shown = <Tid as Value>::SHOWN;

    #[inline(always)]
    fn from_register(result: Register) -> Self {
        Some(Tid::from_register(result)).filter(|tid| tid.0 != 0)
    }
}

flags! {
    /// What a child shares with its parent, and what it gets of its own: clone(2). Also
    /// what [`unshare`] and [`setns`] part.
    CloneFlags: u32 {
        /// The memory.
        VM = general::CLONE_VM;
        /// The root and the current directory, and the umask.
        FS = general::CLONE_FS;
        /// The table of descriptors.
        FILES = general::CLONE_FILES;
        /// What signals do; with `VM` only.
        SIGHAND = general::CLONE_SIGHAND;
        /// The process: the child is a thread of it; with `SIGHAND` only.
        THREAD = general::CLONE_THREAD;
        /// What semaphores get back when a process ends (System V).
        SYSVSEM = general::CLONE_SYSVSEM;
        /// What it has to do with a disk's queue.
        IO = general::CLONE_IO;
        /// The parent: the child is its sibling.
        PARENT = general::CLONE_PARENT;
        /// The parent waits until the child is another program or has ended.
        VFORK = general::CLONE_VFORK;
        /// Whoever traces the parent traces the child.
        PTRACE = general::CLONE_PTRACE;
        /// Nobody can have the child traced by `PTRACE`.
        UNTRACED = general::CLONE_UNTRACED;
        /// A descriptor of the child goes to where else the thread's id goes
        /// (`parent_tid`), or with clone3 to `pidfd`.
        PIDFD = general::CLONE_PIDFD;
        /// The child gets the thread pointer `tls`.
        SETTLS = general::CLONE_SETTLS;
        /// The child's id goes to `parent_tid`, before the parent goes on.
        PARENT_SETTID = general::CLONE_PARENT_SETTID;
        /// The child's id goes to `child_tid` in its memory, before it goes on.
        CHILD_SETTID = general::CLONE_CHILD_SETTID;
        /// When the thread ends, 0 goes to `child_tid`, and who waits there for a futex
        /// is woken.
        CHILD_CLEARTID = general::CLONE_CHILD_CLEARTID;
        /// New namespaces: a tree of cgroups (namespaces(7)).
        NEWCGROUP = general::CLONE_NEWCGROUP;
        /// System V's means of communication, and POSIX's message queues.
        NEWIPC = general::CLONE_NEWIPC;
        /// The network.
        NEWNET = general::CLONE_NEWNET;
        /// The mounts.
        NEWNS = general::CLONE_NEWNS;
        /// The processes' ids.
        NEWPID = general::CLONE_NEWPID;
        /// What the boot clock and the monotonic one begin at; not for [`clone`].
        NEWTIME = general::CLONE_NEWTIME;
        /// Users and what they may do.
        NEWUSER = general::CLONE_NEWUSER;
        /// The machine's name.
        NEWUTS = general::CLONE_NEWUTS;
    }

    /// [`CloneFlags`] and what only [`clone3`] knows besides.
    Clone3Flags: u64 {
        /// The child's signals do what they do by default, but ignored ones stay so.
        CLEAR_SIGHAND = general::CLONE_CLEAR_SIGHAND;
        /// The child belongs to the cgroup that `cgroup` is a descriptor of.
        INTO_CGROUP = general::CLONE_INTO_CGROUP;
    }

    /// How a call finds the program for [`execveat`].
    ExecFlags: u32 {
        /// An empty path means the file of the descriptor itself.
        EMPTY_PATH = general::AT_EMPTY_PATH;
        /// A symbolic link that the path ends in is an error.
        SYMLINK_NOFOLLOW = general::AT_SYMLINK_NOFOLLOW;
        /// It is only asked whether the program may be run; since Linux 6.14.
        EXECVE_CHECK = general::AT_EXECVE_CHECK;
    }

    /// What [`wait4`] and [`waitid`] wait for.
    WaitOptions: u32 {
        /// Nothing: it is only asked.
        NOHANG = general::WNOHANG;
        /// Children that a signal has stopped.
        STOPPED = general::WSTOPPED;
        /// [`wait4`]'s name for `STOPPED`.
        UNTRACED = general::WUNTRACED;
        /// [`waitid`]: children that have ended, for which [`wait4`] waits anyhow.
        EXITED = general::WEXITED;
        /// Children that SIGCONT has set going again.
        CONTINUED = general::WCONTINUED;
        /// [`waitid`]: the child can be waited for once more.
        NOWAIT = general::WNOWAIT;
        /// Only children of the calling thread, not of the others.
        NOTHREAD = general::__WNOTHREAD;
        /// Only children that send another signal than SIGCHLD when they end.
        CLONE = general::__WCLONE;
        /// Children whatever they send.
        ALL = general::__WALL;
    }

    /// What a descriptor of a process is like: pidfd_open(2).
    PidfdFlags: u32 {
        /// Waiting for it by [`waitid`] does not wait.
        NONBLOCK = general::O_NONBLOCK;
        /// It is for one thread, not for the process; since Linux 6.9. The kernel's
        /// `PIDFD_THREAD` is `O_EXCL`.
        THREAD = general::O_EXCL;
    }

    /// Whom a signal through a descriptor reaches: pidfd_send_signal(2), since Linux
    /// 6.9. Without flags, what the descriptor is for.
    PidfdSignalFlags: u32 {
        /// The thread.
        THREAD = 1 << 0;
        /// The process.
        THREAD_GROUP = 1 << 1;
        /// The process group.
        PROCESS_GROUP = 1 << 2;
    }

    /// Which of Unix's habits the kernel has for the process: personality(2),
    /// include/uapi/linux/personality.h. Without any, Linux's.
    Personality: u32 {
        /// The machine is a 32-bit one, says uname.
        LINUX32 = 0x0008;
        /// Linux's version is 2.6.…, says uname.
        UNAME26 = 0x0002_0000;
        /// Addresses are not randomized.
        ADDR_NO_RANDOMIZE = 0x0004_0000;
        /// Pointers to signal handlers point to descriptors (FDPIC).
        FDPIC_FUNCPTRS = 0x0008_0000;
        /// A program has zeros, readable only, at address 0.
        MMAP_PAGE_ZERO = 0x0010_0000;
        /// Mappings go upwards from a third of the addresses on.
        ADDR_COMPAT_LAYOUT = 0x0020_0000;
        /// What is mapped readable is executable too.
        READ_IMPLIES_EXEC = 0x0040_0000;
        /// Addresses have 32 bits.
        ADDR_LIMIT_32BIT = 0x0080_0000;
        /// Inode numbers are short. Without effect.
        SHORT_INODE = 0x0100_0000;
        /// Times have whole seconds. Without effect.
        WHOLE_SECONDS = 0x0200_0000;
        /// select, pselect and ppoll leave the timeout as it was.
        STICKY_TIMEOUTS = 0x0400_0000;
        /// Addresses are below 3 GiB.
        ADDR_LIMIT_3GB = 0x0800_0000;
    }
}

impl From<CloneFlags> for Clone3Flags {
    fn from(flags: CloneFlags) -> Clone3Flags {
        Clone3Flags::from_bits_retain(flags.bits().into())
    }
}

impl Value for Personality {
    const SHOWN: Shown = <Personality as Argument>::SHOWN;

    #[inline(always)]
    fn from_register(result: Register) -> Self {
        Personality::from_bits_retain(u32::from_register(result))
    }
}

/// `None` only asks: all bits set, to the kernel.
impl Argument for Option<Personality> {
    const SHOWN: Shown = <Personality as Argument>::SHOWN;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(!0, |personality| personality.bits())
            .pass(words);
    }
}

named! {
    /// Why a child can be waited for: waitid(2), `si_code`.
    ChildCode: i32 {
        /// It has ended itself.
        EXITED = general::CLD_EXITED;
        /// A signal has ended it.
        KILLED = general::CLD_KILLED;
        /// A signal has ended it, and it has left a core dump.
        DUMPED = general::CLD_DUMPED;
        /// It has stopped for whoever traces it.
        TRAPPED = general::CLD_TRAPPED;
        /// A signal has stopped it.
        STOPPED = general::CLD_STOPPED;
        /// SIGCONT has set it going again.
        CONTINUED = general::CLD_CONTINUED;
    }

    /// What [`prctl`] is to do. There are more, most for one architecture; `Prctl(n)`
    /// makes one of any.
    Prctl: u32 {
        /// Which signal comes when the parent ends: fills an `i32`.
        GET_PDEATHSIG = kernel::PR_GET_PDEATHSIG;
        /// Sets which, or 0.
        SET_PDEATHSIG = kernel::PR_SET_PDEATHSIG;
        /// Whether the process can be dumped and traced.
        GET_DUMPABLE = kernel::PR_GET_DUMPABLE;
        /// Sets whether.
        SET_DUMPABLE = kernel::PR_SET_DUMPABLE;
        /// Whether capabilities survive when no user id is the superuser's any more.
        GET_KEEPCAPS = kernel::PR_GET_KEEPCAPS;
        /// Sets whether.
        SET_KEEPCAPS = kernel::PR_SET_KEEPCAPS;
        /// The thread's name: fills 16 bytes.
        GET_NAME = kernel::PR_GET_NAME;
        /// Sets it: reads a string, of which 15 bytes count.
        SET_NAME = kernel::PR_SET_NAME;
        /// The thread's mode of seccomp. In strict mode, asking is the end.
        GET_SECCOMP = kernel::PR_GET_SECCOMP;
        /// Sets it: [`seccomp`](super::seccomp) can do more.
        SET_SECCOMP = kernel::PR_SET_SECCOMP;
        /// Whether a capability can be had at all.
        CAPBSET_READ = kernel::PR_CAPBSET_READ;
        /// It cannot be had any more.
        CAPBSET_DROP = kernel::PR_CAPBSET_DROP;
        /// Whether the time stamp counter can be read: fills an `i32`.
        GET_TSC = kernel::PR_GET_TSC;
        /// Sets whether.
        SET_TSC = kernel::PR_SET_TSC;
        /// What being the superuser means: capabilities(7), "The securebits flags".
        GET_SECUREBITS = kernel::PR_GET_SECUREBITS;
        /// Sets what.
        SET_SECUREBITS = kernel::PR_SET_SECUREBITS;
        /// How late the thread's timers may be, in nanoseconds.
        GET_TIMERSLACK = kernel::PR_GET_TIMERSLACK;
        /// Sets how late; 0 for the default.
        SET_TIMERSLACK = kernel::PR_SET_TIMERSLACK;
        /// Performance counters of the process stand still.
        TASK_PERF_EVENTS_DISABLE = kernel::PR_TASK_PERF_EVENTS_DISABLE;
        /// They count.
        TASK_PERF_EVENTS_ENABLE = kernel::PR_TASK_PERF_EVENTS_ENABLE;
        /// What happens to the thread when memory is broken.
        MCE_KILL_GET = kernel::PR_MCE_KILL_GET;
        /// Sets what.
        MCE_KILL = kernel::PR_MCE_KILL;
        /// What the kernel believes of the address space: the second argument says what
        /// is set.
        SET_MM = kernel::PR_SET_MM;
        /// Who may trace the process besides its ancestors (Yama).
        SET_PTRACER = kernel::PR_SET_PTRACER;
        /// Whether orphans below the process become its children: fills an `i32`.
        GET_CHILD_SUBREAPER = kernel::PR_GET_CHILD_SUBREAPER;
        /// Sets whether.
        SET_CHILD_SUBREAPER = kernel::PR_SET_CHILD_SUBREAPER;
        /// Whether execve can give nothing that the thread may not do now.
        GET_NO_NEW_PRIVS = kernel::PR_GET_NO_NEW_PRIVS;
        /// It cannot, for good.
        SET_NO_NEW_PRIVS = kernel::PR_SET_NO_NEW_PRIVS;
        /// Where set_tid_address points: fills a pointer.
        GET_TID_ADDRESS = kernel::PR_GET_TID_ADDRESS;
        /// Whether huge pages are off.
        GET_THP_DISABLE = kernel::PR_GET_THP_DISABLE;
        /// Sets whether.
        SET_THP_DISABLE = kernel::PR_SET_THP_DISABLE;
        /// Capabilities that survive execve: the second argument says what to do.
        CAP_AMBIENT = kernel::PR_CAP_AMBIENT;
        /// What is done against speculation that leaks.
        GET_SPECULATION_CTRL = kernel::PR_GET_SPECULATION_CTRL;
        /// Sets what.
        SET_SPECULATION_CTRL = kernel::PR_SET_SPECULATION_CTRL;
        /// Whether the process serves the disks that memory is written to.
        GET_IO_FLUSHER = kernel::PR_GET_IO_FLUSHER;
        /// Sets whether.
        SET_IO_FLUSHER = kernel::PR_SET_IO_FLUSHER;
        /// System calls from elsewhere become signals.
        SET_SYSCALL_USER_DISPATCH = kernel::PR_SET_SYSCALL_USER_DISPATCH;
        /// With whom the thread shares a processor's core.
        SCHED_CORE = kernel::PR_SCHED_CORE;
        /// Whether memory can be made executable that was writable.
        GET_MDWE = kernel::PR_GET_MDWE;
        /// It cannot, for good.
        SET_MDWE = kernel::PR_SET_MDWE;
        /// Gives a mapping a name for `/proc/self/maps`.
        SET_VMA = kernel::PR_SET_VMA;
        /// The auxiliary vector: fills bytes.
        GET_AUXV = kernel::PR_GET_AUXV;
        /// Whether the kernel looks for equal pages to keep only once.
        GET_MEMORY_MERGE = kernel::PR_GET_MEMORY_MERGE;
        /// Sets whether.
        SET_MEMORY_MERGE = kernel::PR_SET_MEMORY_MERGE;
    }

    /// What [`arch_prctl`] is to do: arch/x86/include/uapi/asm/prctl.h.
    ArchPrctl: u32 {
        /// Sets the base of gs; x86_64 only, as are the next three.
        SET_GS = 0x1001;
        /// Sets the base of fs: the thread pointer.
        SET_FS = 0x1002;
        /// The base of fs: fills a word.
        GET_FS = 0x1003;
        /// The base of gs: fills a word.
        GET_GS = 0x1004;
        /// Whether the instruction CPUID works.
        GET_CPUID = 0x1011;
        /// Sets whether.
        SET_CPUID = 0x1012;
        /// Which parts of the processor's state the kernel can save: fills a `u64`.
        GET_XCOMP_SUPP = 0x1021;
        /// Which of them the process may use: fills a `u64`.
        GET_XCOMP_PERM = 0x1022;
        /// Asks for one more.
        REQ_XCOMP_PERM = 0x1023;
    }

    /// What [`reboot`] is to do.
    Reboot: u32 {
        /// Restarts the machine.
        RESTART = general::LINUX_REBOOT_CMD_RESTART;
        /// Restarts the machine with a command for it.
        RESTART2 = general::LINUX_REBOOT_CMD_RESTART2;
        /// Halts it.
        HALT = general::LINUX_REBOOT_CMD_HALT;
        /// Switches it off.
        POWER_OFF = general::LINUX_REBOOT_CMD_POWER_OFF;
        /// Runs the kernel that was loaded for it.
        KEXEC = general::LINUX_REBOOT_CMD_KEXEC;
        /// Lets it sleep, with its memory on a disk.
        SW_SUSPEND = general::LINUX_REBOOT_CMD_SW_SUSPEND;
        /// Control, Alt and Delete restart it.
        CAD_ON = general::LINUX_REBOOT_CMD_CAD_ON;
        /// They send SIGINT to init.
        CAD_OFF = general::LINUX_REBOOT_CMD_CAD_OFF;
    }
}

/// What [`clone3`] is to do: the kernel's `clone_args`, as of Linux 5.7. Addresses and
/// descriptors are numbers of 64 bits; zeros are none.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(8))]
pub struct CloneArgs {
    /// What the child shares with its parent, and what it gets of its own.
    pub flags: Clone3Flags,
    /// Where a descriptor of the child goes, as an `i32` (`PIDFD`).
    pub pidfd: u64,
    /// Where the child's id goes in its memory (`CHILD_SETTID`, `CHILD_CLEARTID`).
    pub child_tid: u64,
    /// Where the child's id goes (`PARENT_SETTID`).
    pub parent_tid: u64,
    /// Which signal its parent gets when the child ends, or 0.
    pub exit_signal: u64,
    /// The lowest byte of the child's stack; 0 for where the parent's is.
    pub stack: u64,
    /// How many bytes its stack has.
    pub stack_size: u64,
    /// The child's thread pointer (`SETTLS`).
    pub tls: u64,
    /// Where ids for the child are, one `i32` for each namespace, the innermost first.
    pub set_tid: u64,
    /// How many.
    pub set_tid_size: u64,
    /// A descriptor of the child's cgroup (`INTO_CGROUP`).
    pub cgroup: u64,
}

const _: () = assert!(size_of::<CloneArgs>() == size_of::<general::clone_args>());

/// For whom [`waitid`] waits.
#[derive(Clone, Copy, Debug)]
pub enum WaitId<'fd> {
    /// Any child.
    All,
    /// This child.
    Pid(Pid),
    /// Any child in this process group, or with [`Pid::OWN`] in the caller's.
    Pgid(Pid),
    /// The child that this is a descriptor of.
    Pidfd(BorrowedFd<'fd>),
}

impl Argument for WaitId<'_> {
    const WORDS: usize = 2;
    const SHOWN: Shown = Shown::Depends;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        let (kind, id) = match self {
            WaitId::All => (general::P_ALL, 0),
            WaitId::Pid(pid) => (general::P_PID, pid.0),
            WaitId::Pgid(group) => (general::P_PGID, group.0),
            WaitId::Pidfd(fd) => (general::P_PIDFD, fd.as_raw_fd()),
        };
        kind.pass(words);
        id.pass(words);
    }
}

/// What [`waitid`] has to say of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildInfo {
    /// Its id.
    pub pid: Pid,
    /// Its real user.
    pub uid: Uid,
    /// What has happened to it.
    pub code: ChildCode,
    /// Its exit status if it has `EXITED`, else the number of the signal, with more above
    /// it for who traces it.
    pub status: c_int,
}

/// What [`wait4`] has to say of a child, in one word; [`WaitStatus::change`] takes it
/// apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct WaitStatus(
    /// The word.
    pub i32,
);

/// What has happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It has ended itself, with this status.
    Exited(u8),
    /// A signal has ended it.
    Signaled {
        /// Which.
        signal: Signal,
        /// Whether it has left a core dump.
        dumped_core: bool,
    },
    /// A signal has stopped it, or it has stopped for who traces it.
    Stopped {
        /// Which, or SIGTRAP.
        signal: Signal,
        /// What else it has stopped for, 0 for nothing: ptrace(2), `PTRACE_EVENT_…`.
        event: u8,
    },
    /// SIGCONT has set it going again.
    Continued,
}

impl WaitStatus {
    /// What has happened: wait(2), `WIFEXITED` and its like.
    pub const fn change(self) -> Change {
        let [low, high, event, _] = self.0.to_le_bytes();
        match (low, high) {
            (0xff, 0xff) => Change::Continued,
            (0x7f, signal) => Change::Stopped {
                signal: Signal(signal as i32),
                event,
            },
            (0, status) => Change::Exited(status),
            (signal, _) => Change::Signaled {
                signal: Signal((signal & 0x7f) as i32),
                dumped_core: signal & 0x80 != 0,
            },
        }
    }
}

/// The flags and the signal in one word, as clone(2) takes them.
///
/// # Errors
///
/// `EINVAL` for a flag or a signal that does not fit in its part of the word.
fn clone_word(flags: CloneFlags, exit_signal: Option<Signal>) -> Result<u32> {
    /// The bits of the signal.
    const CSIGNAL: u32 = 0xff;

    let signal = exit_signal.map_or(0, |signal| signal.0.cast_unsigned());
    if flags.bits() & CSIGNAL != 0 || signal & !CSIGNAL != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(flags.bits() | signal)
}

syscalls! {
    /// Ends the calling thread, and with the last one the process, with the low 8 bits
    /// of `status`: _exit(2), the system call. Runs no exit handlers and flushes
    /// nothing.
    ///
    /// # Safety
    ///
    /// Nothing on the thread's stack is dropped, and the stack itself may go: nobody may
    /// have borrowed from it.
    unsafe sysnb exit(status: c_int) -> !;

    /// Ends the process, all its threads, with the low 8 bits of `status`:
    /// exit_group(2). Runs no exit handlers and flushes nothing.
    sysnb exit_group(status: c_int) -> !;

    /// The process's id: getpid(2).
    sysnb getpid() -> Pid;

    /// The id of the process's parent, 0 if that is in another namespace: getppid(2).
    /// When the parent ends, another takes its place.
    sysnb getppid() -> Pid;

    /// The real user: getuid(2).
    sysnb getuid() -> Uid;

    /// The effective user, who decides what the process may do: geteuid(2).
    sysnb geteuid() -> Uid;

    /// The real group: getgid(2).
    sysnb getgid() -> Gid;

    /// The effective group, which decides what the process may do: getegid(2).
    sysnb getegid() -> Gid;

    /// Sets the effective user, and for who may set any (`CAP_SETUID`) the real and the
    /// saved one too: setuid(2). Of the calling thread alone: the other threads stay
    /// who they are.
    ///
    /// # Errors
    ///
    /// `EPERM` if it is another than the real or the saved one, `EINVAL` if the user
    /// namespace does not have it, `EAGAIN`.
    sys setuid(user: Uid) -> Result<()>;

    /// Sets the effective group, and for who may set any (`CAP_SETGID`) the real and the
    /// saved one too: setgid(2). Of the calling thread alone.
    ///
    /// # Errors
    ///
    /// `EPERM` if it is another than the real or the saved one, `EINVAL` if the user
    /// namespace does not have it.
    sys setgid(group: Gid) -> Result<()>;

    /// Begins a session, with a process group, of which the process is the first and
    /// whose id it gives, without a terminal: setsid(2). Returns that id.
    ///
    /// # Errors
    ///
    /// `EPERM` if there is a process group of that id already: the caller's own, mostly.
    sys setsid() -> Result<Pid>;

    /// The id of the session in which `process` is, or with [`Pid::OWN`] the caller:
    /// getsid(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process.
    sys getsid(process: Pid) -> Result<Pid>;

    /// Puts `process`, the caller ([`Pid::OWN`]) or one of its children, into the process
    /// group `group`, or with [`Pid::OWN`] into one that has its own id: setpgid(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if it is no such process; `EPERM` if that is first in its session, or the
    /// group or the child is in another one; `EACCES` if the child is another program by
    /// now; `EINVAL` for a negative group.
    sys setpgid(process: Pid, group: Pid) -> Result<()>;

    /// The id of the process group in which `process` is, or with [`Pid::OWN`] the
    /// caller: getpgid(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process.
    sys getpgid(process: Pid) -> Result<Pid>;

    /// [`getpgid`] for the caller.
    part sys getpgid_own(process: Pid) -> Pid = nr::getpgid;

    /// The id of the process group in which the process is: getpgrp(2), by [`getpgid`].
    wrap getpgrp() -> Pid {
        getpgid_own(Pid::OWN)
    }

    /// [`clone`] as the kernel takes it: flags and signal in one word, and the last two
    /// words in the architecture's order.
    ///
    /// # Errors
    ///
    /// As for [`clone`].
    ///
    /// # Safety
    ///
    /// As for [`clone`], with a null `stack`.
    part unsafe sys clone_words(
        flags: u32,
        stack: Address,
        parent_tid: *mut Tid,
        fourth: Word,
        fifth: Word
    ) -> Result<Option<Tid>> = nr::clone;

    /// Makes a child that goes on from here as the caller does, on its copy of the stack:
    /// clone(2). Returns the child's id in the parent and `None` in the child.
    /// `exit_signal` is what the parent gets when the child ends.
    ///
    /// [`clone_on_stack`] makes one with a stack of its own.
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that do not go together, or that only [`clone3`] knows;
    /// `EAGAIN` if there are too many processes or threads, `ENOMEM`, `EPERM`, `ENOSPC`
    /// or `EUSERS` for too many namespaces, …
    ///
    /// # Safety
    ///
    /// As for [`fork`]. Without `VM`: two threads on one stack destroy it. `parent_tid`,
    /// `child_tid` and `tls` must be what the flags make of them.
    unsafe wrap clone(
        flags: CloneFlags,
        exit_signal: Option<Signal>,
        parent_tid: *mut Tid,
        child_tid: *mut Tid,
        tls: Address,
    ) -> Result<Option<Tid>> {
        let word = clone_word(flags, exit_signal)?;
        let (fourth, fifth) = if arch::CLONE_TLS_IS_FOURTH {
            (Word::from(tls), Word::from(child_tid))
        } else {
            (Word::from(child_tid), Word::from(tls))
        };
        // SAFETY: passed on to the caller.
        unsafe { clone_words(word, Address::default(), parent_tid, fourth, fifth) }
    }

    /// Makes a child that calls `entry` with `data` on the stack that ends at
    /// `stack_end`, rounded down to a multiple of 16: clone(2). Returns the child's id.
    ///
    /// The child is a thread with `VM | FS | FILES | SIGHAND | THREAD | SYSVSEM`, and
    /// ends by [`exit`]. No hooks are called, and none in the child.
    ///
    /// # Errors
    ///
    /// As for [`clone`], and `EINVAL` for a null `stack_end`.
    ///
    /// # Safety
    ///
    /// The stack must be the child's alone, for as long as it lives, and large enough.
    /// What `entry` does with `data` must be sound where it runs: in the same memory, at
    /// the same time (`VM`), or in a copy of it with this thread alone, for which
    /// [`fork`] says more. `parent_tid`, `child_tid` and `tls` must be what the flags
    /// make of them.
    unsafe wrap clone_on_stack(
        flags: CloneFlags,
        exit_signal: Option<Signal>,
        stack_end: Address,
        parent_tid: *mut Tid,
        child_tid: *mut Tid,
        tls: Address,
        entry: extern "C" fn(Address) -> !,
        data: Address,
    ) -> Result<Tid> {
        let word = clone_word(flags, exit_signal)?;
        let stack_end = stack_end.map_addr(|address| address & !15);
        if stack_end.is_null() {
            return Err(Errno::EINVAL);
        }
        // SAFETY: passed on to the caller; the stack is not null and aligned.
        let result = unsafe {
            arch::clone_to(
                word,
                stack_end.cast(),
                parent_tid.cast(),
                child_tid.cast(),
                tls.cast(),
                entry,
                data,
            )
        };
        Outcome::decode(result)
    }

    /// [`clone3`] with the size that `args` have for the caller.
    ///
    /// # Errors
    ///
    /// As for [`clone3`].
    ///
    /// # Safety
    ///
    /// As for [`clone3`].
    part unsafe sys clone3_sized(args: &CloneArgs, size: usize) -> Result<Option<Tid>>
        = nr::clone3;

    /// Makes a child that goes on from here as the caller does: clone3(2), since Linux
    /// 5.3. Returns the child's id in the parent and `None` in the child.
    ///
    /// # Errors
    ///
    /// `EEXIST` if an id in `set_tid` is taken; else as for [`clone`].
    ///
    /// # Safety
    ///
    /// As for [`clone`]: without `VM`, and without a stack of its own, on which the child
    /// would not find this function's frame. The addresses must be what the flags make
    /// of them.
    unsafe wrap clone3(args: &CloneArgs) -> Result<Option<Tid>> {
        // SAFETY: passed on to the caller; it is the size.
        unsafe { clone3_sized(args, size_of::<CloneArgs>()) }
    }

    /// Makes a child that goes on from here in a copy of the memory, with copies of the
    /// descriptors: fork(2), by [`clone`]. Returns the child's id in the parent and
    /// `None` in the child.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there are too many processes, `ENOMEM`.
    ///
    /// # Safety
    ///
    /// The child has this thread only: what other threads were doing stops half-way. If
    /// there are others, the child may do until execve or its end only what a signal
    /// handler may (signal-safety(7)): no allocation, no locks, and system calls without
    /// hooks, those of [`raw`](super::raw), beginning with [`raw::fork`](super::raw::fork)
    /// itself. And both have everything: what must be done once, as writing what is
    /// buffered or removing a file in the end, only one of them may do.
    unsafe wrap fork() -> Result<Option<Pid>> {
        let signal = Some(Signal::CHLD);
        let none = Address::default();
        // SAFETY: the child has its own copy of the memory, and no flag makes anything of
        // the addresses; the rest is passed on to the caller.
        let child = unsafe { clone(CloneFlags::empty(), signal, none.cast(), none.cast(), none) };
        child.map(|child| child.map(|tid| Pid(tid.0)))
    }

    /// Makes a child that calls `entry` with `data` in this memory and below this
    /// function on this stack, while the caller waits until the child is another program
    /// or has ended: vfork(2), by clone with `VM` and `VFORK`. Returns the child's id.
    ///
    /// It copies nothing, and is what [`fork`] before an execve should be. No hooks are
    /// called.
    ///
    /// # Errors
    ///
    /// As for [`fork`].
    ///
    /// # Safety
    ///
    /// If there are other threads, `entry` may do only what a signal handler may
    /// (signal-safety(7)), and make only system calls without hooks, those of
    /// [`raw`](super::raw). What it does to the memory stays done; descriptors are copies.
    /// A signal handler runs in the child too: hold signals back if that hurts.
    unsafe wrap vfork(entry: extern "C" fn(Address) -> !, data: Address) -> Result<Pid> {
        let signal = Some(Signal::CHLD);
        let word = clone_word(CloneFlags::VM | CloneFlags::VFORK, signal)?;
        let none = Register::default();
        // SAFETY: the caller waits while the child uses its stack; no flag makes anything
        // of the addresses; the rest is passed on to the caller.
        let result = unsafe { arch::clone_to(word, none, none, none, none, entry, data) };
        Outcome::decode(result)
    }

    /// Runs the program that `path` names in place of this one: execve(2). All other
    /// threads end, memory goes, and descriptors stay, without `CLOEXEC`.
    ///
    /// # Errors
    ///
    /// `ENOENT`, `EACCES`; `ENOEXEC` if the file is no program, `E2BIG` if the strings are
    /// too many, `ETXTBSY` if it is open for writing, `ENOMEM`, `ELOOP`, …
    sys execve(path: impl Path, arguments: CStrList<'_>, environment: CStrList<'_>)
        -> Result<Infallible>;

    /// Runs the program that `path` names, from `dir` on if it is relative, in place of
    /// this one: execveat(2). Returns only with `EXECVE_CHECK`, or if it fails.
    ///
    /// # Errors
    ///
    /// `ELOOP` if the path ends in a symbolic link (`SYMLINK_NOFOLLOW`), `EINVAL` for
    /// unknown flags, `EBADF`; else as for [`execve`].
    sys execveat(
        dir: At<'_>,
        path: impl Path,
        arguments: CStrList<'_>,
        environment: CStrList<'_>,
        flags: ExecFlags
    ) -> Result<()>;

    /// Waits for a child, with [`Pid::ANY`] for any, with [`Pid::OWN`] for any in the
    /// caller's process group and with less than −1 for any in that group: wait4(2).
    /// Returns its id, `None` if there is nothing of it yet (`NOHANG`); what happened to
    /// it goes to `status`, what it has used to `usage`.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `ECHILD` if there is no such child, `EINTR` if a signal came first, `EINVAL` for
    /// unknown options.
    sys wait4(
        child: Pid,
        status: Option<&mut WaitStatus>,
        options: WaitOptions,
        usage: Option<&mut Rusage>
    ) -> Result<Option<Pid>>;

    /// [`waitid`] with what the kernel makes of its answer.
    ///
    /// # Errors
    ///
    /// As for [`waitid`].
    part sys waitid_info(
        child: WaitId<'_>,
        info: &mut SigInfo,
        options: WaitOptions,
        usage: Option<&mut Rusage>
    ) -> Result<()> = nr::waitid;

    /// Waits for a child, for what `options` say, of which one of `EXITED`, `STOPPED` and
    /// `CONTINUED` must be: waitid(2). `None` if there is nothing of it yet (`NOHANG`).
    /// What it has used goes to `usage`.
    ///
    /// After a handler with `RESTART` it begins again: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `ECHILD` if there is no such child, `EINTR` if a signal came first, `EINVAL` for
    /// options that it does not know or too few, `EAGAIN` if the descriptor does not wait,
    /// `EBADF` if it is none of a process.
    wrap waitid(
        child: WaitId<'_>,
        options: WaitOptions,
        usage: Option<&mut Rusage>,
    ) -> Result<Option<ChildInfo>> {
        let mut info = SigInfo::zeroed();
        waitid_info(child, &mut info, options, usage)?;
        Ok(info.child())
    }

    /// Makes a descriptor of the process `process`, which polls readable when that has
    /// ended, and does not survive execve: pidfd_open(2), since Linux 5.3.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process, `EINVAL` if it is negative or 0 or for unknown
    /// flags, `EMFILE`, `ENFILE`, `ENOMEM`, `ENODEV`.
    sys pidfd_open(process: Pid, flags: PidfdFlags) -> Result<OwnedFd>;

    /// Sends `signal` to the process that `process` is a descriptor of:
    /// pidfd_send_signal(2), since Linux 5.1. Without `info`, as kill does.
    ///
    /// # Errors
    ///
    /// `ESRCH` if it has ended and was waited for; `EPERM`, also if `info` claims to be
    /// from the kernel or from kill; `EINVAL` for a signal that there is not, that
    /// `info` is not for or unknown flags; `EBADF` if it is no descriptor of a process.
    sys pidfd_send_signal(
        process: BorrowedFd<'_>,
        signal: Signal,
        info: Option<&SigInfo>,
        flags: PidfdSignalFlags
    ) -> Result<()>;

    /// Does to the process or the thread what `option` says: prctl(2). Returns what the
    /// option returns.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an option that the kernel does not know or arguments that it does not
    /// take, the unused ones among them; `EPERM`, `EFAULT`, …
    ///
    /// # Safety
    ///
    /// The arguments must be what `option` takes, and what it does something that the
    /// program can live with.
    unsafe sys prctl(
        option: Prctl,
        argument: Word,
        third: Word,
        fourth: Word,
        fifth: Word
    ) -> Result<u32>;

    /// Does what only x86 knows, and only x86_64 most of it: arch_prctl(2). Returns what
    /// the code returns.
    ///
    /// # Errors
    ///
    /// `ENOSYS` on an architecture that does not have it; `EINVAL` for a code that the
    /// kernel does not know; `EPERM` if the base is no address of a program's, `EFAULT`,
    /// `ENODEV`.
    ///
    /// # Safety
    ///
    /// `argument` must be what `code` takes, and nothing may rely on the base that it
    /// changes.
    unsafe wrap arch_prctl(code: ArchPrctl, argument: Word) -> Result<u32> {
        match arch::NR_ARCH_PRCTL {
            // SAFETY: passed on to the caller. It does not block, and so needs no hooks.
            Some(number) => unsafe { syscall!(number, code, argument) },
            None => Err(Errno::ENOSYS),
        }
    }

    /// Gives the calling thread what `flags` say for its own: unshare(2). With `NEWPID`
    /// and `NEWTIME`, its next children.
    ///
    /// # Errors
    ///
    /// `EINVAL` for flags that cannot be parted or that want a single thread; `EPERM`
    /// without `CAP_SYS_ADMIN`, which `NEWUSER` gives; `ENOSPC` or `EUSERS` for too many
    /// namespaces, `ENOMEM`.
    ///
    /// # Safety
    ///
    /// With `FILES`, the descriptors that the thread opens from now on are not other
    /// threads', nor theirs its own: none may go from one to the other.
    unsafe sys unshare(flags: CloneFlags) -> Result<()>;

    /// Moves the calling thread to the namespace that `fd` is a descriptor of, a file in
    /// `/proc/pid/ns`, if that is what `kind` says; or to all that `kind` says of the
    /// process that `fd` is a descriptor of: setns(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is another kind, or the thread may not change that; `EPERM`,
    /// `EBADF`; `ESRCH` if the process has ended, `ENOMEM`.
    sys setns(fd: BorrowedFd<'_>, kind: CloneFlags) -> Result<()>;

    /// [`reboot`] with the numbers that keep it from happening by mistake.
    ///
    /// # Errors
    ///
    /// As for [`reboot`].
    part sys reboot_magic(magic: u32, magic2: u32, command: Reboot, argument: Option<&CStr>)
        -> Result<()> = nr::reboot;

    /// Restarts or ends the machine: reboot(2). At once: nothing is written to disks
    /// before. In another namespace of processes than the first, `RESTART` and `RESTART2`
    /// end its init by SIGHUP, `HALT` and `POWER_OFF` by SIGINT.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_BOOT`, `EINVAL` for a command that there is not, or not
    /// there.
    wrap reboot(command: Reboot, argument: Option<&CStr>) -> Result<()> {
        reboot_magic(
            general::LINUX_REBOOT_MAGIC1,
            general::LINUX_REBOOT_MAGIC2,
            command,
            argument,
        )
    }

    /// Sets the thread's habits, unless it is `None`, and returns what they were:
    /// personality(2). Those for addresses take effect with execve.
    sysnb personality(persona: Option<Personality>) -> Personality;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_happened() {
        let stopped = |signal, event| Change::Stopped {
            signal: Signal(signal),
            event,
        };
        let signaled = |signal, dumped_core| Change::Signaled {
            signal: Signal(signal),
            dumped_core,
        };
        for (status, change) in [
            (0x0000, Change::Exited(0)),
            (0xff00, Change::Exited(255)),
            (0x0009, signaled(9, false)),
            (0x0086, signaled(6, true)),
            (0x137f, stopped(19, 0)),
            (0x4_057f, stopped(5, 4)),
            (0x80_137f, stopped(19, 128)),
            (0xffff, Change::Continued),
        ] {
            assert_eq!(WaitStatus(status).change(), change, "{status:#x}");
        }
    }

    #[test]
    fn a_clone_has_flags_and_a_signal_in_one_word() {
        let flags = CloneFlags::VM | CloneFlags::IO;
        assert_eq!(clone_word(flags, Some(Signal(17))), Ok(0x8000_0111));
        assert_eq!(clone_word(flags, None), Ok(0x8000_0100));
        for signal in [-1, 256] {
            assert_eq!(clone_word(flags, Some(Signal(signal))), Err(Errno::EINVAL));
        }
        assert_eq!(clone_word(CloneFlags::NEWTIME, None), Err(Errno::EINVAL));
    }
}
