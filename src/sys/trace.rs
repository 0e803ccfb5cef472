//! Watching and confining processes: ptrace(2), seccomp(2).

use linux_raw_sys::ptrace as kernel;

use super::kinds::{flags, named};
use super::{Address, Pid, Result, Word};
use crate::syscalls;

/// One instruction of a filter: linux/filter.h.
pub use linux_raw_sys::ptrace::sock_filter as SockFilter;
/// A filter: how many instructions, and where.
pub use linux_raw_sys::ptrace::sock_fprog as SockFprog;

named! {
    /// What [`ptrace`] is to do: ptrace(2). `address` and `data` are its arguments.
    PtraceRequest: u32 {
        /// The caller's parent traces it.
        TRACEME = kernel::PTRACE_TRACEME;
        /// Reads the word at `address` of the child, and writes it to where `data` points.
        PEEKTEXT = kernel::PTRACE_PEEKTEXT;
        /// The same.
        PEEKDATA = kernel::PTRACE_PEEKDATA;
        /// The same from what the kernel keeps of the child: its registers.
        PEEKUSER = kernel::PTRACE_PEEKUSR;
        /// Writes `data` to the word at `address` of the child.
        POKETEXT = kernel::PTRACE_POKETEXT;
        /// The same.
        POKEDATA = kernel::PTRACE_POKEDATA;
        /// The same to what the kernel keeps of the child.
        POKEUSER = kernel::PTRACE_POKEUSR;
        /// Lets the child go on, with the signal `data` or none.
        CONT = kernel::PTRACE_CONT;
        /// The child goes on to its next or out of its current system call.
        SYSCALL = kernel::PTRACE_SYSCALL;
        /// The child goes on for one instruction.
        SINGLESTEP = kernel::PTRACE_SINGLESTEP;
        /// Ends the child by SIGKILL, if it has stopped.
        KILL = kernel::PTRACE_KILL;
        /// Traces a process that is no child, and stops it.
        ATTACH = kernel::PTRACE_ATTACH;
        /// Traces a process, with the options `data`, and does not stop it.
        SEIZE = kernel::PTRACE_SEIZE;
        /// Stops one that was seized.
        INTERRUPT = kernel::PTRACE_INTERRUPT;
        /// One that was seized and has stopped goes on waiting.
        LISTEN = kernel::PTRACE_LISTEN;
        /// Traces the child no more, and lets it go on with the signal `data` or none.
        DETACH = kernel::PTRACE_DETACH;
        /// Sets the options `data` ([`PtraceOptions`]).
        SETOPTIONS = kernel::PTRACE_SETOPTIONS;
        /// What there is to know of the event, as a new child's id: fills a word.
        GETEVENTMSG = kernel::PTRACE_GETEVENTMSG;
        /// The signal that has stopped the child: fills a `siginfo_t`.
        GETSIGINFO = kernel::PTRACE_GETSIGINFO;
        /// Sets it.
        SETSIGINFO = kernel::PTRACE_SETSIGINFO;
        /// Signals that wait for the child; returns how many.
        PEEKSIGINFO = kernel::PTRACE_PEEKSIGINFO;
        /// Registers of the kind `address`: fills where the `iovec` at `data` says.
        GETREGSET = kernel::PTRACE_GETREGSET;
        /// Sets them.
        SETREGSET = kernel::PTRACE_SETREGSET;
        /// Which signals the child holds back.
        GETSIGMASK = kernel::PTRACE_GETSIGMASK;
        /// Sets which.
        SETSIGMASK = kernel::PTRACE_SETSIGMASK;
        /// A filter of the child, as it was set; returns its length.
        SECCOMP_GET_FILTER = kernel::PTRACE_SECCOMP_GET_FILTER;
        /// What there is to know of a filter.
        SECCOMP_GET_METADATA = kernel::PTRACE_SECCOMP_GET_METADATA;
        /// Which system call the child is in: fills `address` bytes at most.
        GET_SYSCALL_INFO = kernel::PTRACE_GET_SYSCALL_INFO;
        /// Makes it another; since Linux 6.16.
        SET_SYSCALL_INFO = kernel::PTRACE_SET_SYSCALL_INFO;
        /// What the child has said of rseq.
        GET_RSEQ_CONFIGURATION = kernel::PTRACE_GET_RSEQ_CONFIGURATION;
    }

    /// What a child has stopped for besides a signal:
    /// [`Change::Stopped`](super::Change::Stopped).
    PtraceEvent: u32 {
        /// It has a child by fork.
        FORK = kernel::PTRACE_EVENT_FORK;
        /// It has one by vfork.
        VFORK = kernel::PTRACE_EVENT_VFORK;
        /// It has one by clone.
        CLONE = kernel::PTRACE_EVENT_CLONE;
        /// It is another program.
        EXEC = kernel::PTRACE_EVENT_EXEC;
        /// Its child by vfork needs its memory no more.
        VFORK_DONE = kernel::PTRACE_EVENT_VFORK_DONE;
        /// It is about to end.
        EXIT = kernel::PTRACE_EVENT_EXIT;
        /// A filter wants the tracer to know of a call.
        SECCOMP = kernel::PTRACE_EVENT_SECCOMP;
        /// It was seized, and has stopped.
        STOP = kernel::PTRACE_EVENT_STOP;
    }

    /// What [`seccomp`] is to do.
    SeccompOperation: u32 {
        /// read, write, exit and rt_sigreturn are all that is left.
        SET_MODE_STRICT = kernel::SECCOMP_SET_MODE_STRICT;
        /// Adds a filter: reads a [`SockFprog`].
        SET_MODE_FILTER = kernel::SECCOMP_SET_MODE_FILTER;
        /// Whether the kernel knows an action: reads a [`SeccompAction`].
        GET_ACTION_AVAIL = kernel::SECCOMP_GET_ACTION_AVAIL;
        /// How large its notifications are: fills a `seccomp_notif_sizes`.
        GET_NOTIF_SIZES = kernel::SECCOMP_GET_NOTIF_SIZES;
    }

    /// What a filter has done about a call: what it returns, with 16 bits of data below.
    SeccompAction: u32 {
        /// Ends the process by SIGSYS.
        KILL_PROCESS = kernel::SECCOMP_RET_KILL_PROCESS;
        /// Ends the thread by SIGSYS.
        KILL_THREAD = kernel::SECCOMP_RET_KILL_THREAD;
        /// Sends SIGSYS, with the data.
        TRAP = kernel::SECCOMP_RET_TRAP;
        /// The call fails with the data as its error.
        ERRNO = kernel::SECCOMP_RET_ERRNO;
        /// Another process decides.
        USER_NOTIF = kernel::SECCOMP_RET_USER_NOTIF;
        /// The tracer decides, and is told the data.
        TRACE = kernel::SECCOMP_RET_TRACE;
        /// The call is made, and noted down.
        LOG = kernel::SECCOMP_RET_LOG;
        /// The call is made.
        ALLOW = kernel::SECCOMP_RET_ALLOW;
    }
}

flags! {
    /// What makes a traced child stop, and what becomes of it: ptrace(2),
    /// `PTRACE_SETOPTIONS`.
    PtraceOptions: u32 {
        /// A stop for a system call has bit 7 of the signal set.
        TRACESYSGOOD = kernel::PTRACE_O_TRACESYSGOOD;
        /// It stops at fork, and its child is traced too.
        TRACEFORK = kernel::PTRACE_O_TRACEFORK;
        /// It stops at vfork, and its child is traced too.
        TRACEVFORK = kernel::PTRACE_O_TRACEVFORK;
        /// It stops at clone, and its child is traced too.
        TRACECLONE = kernel::PTRACE_O_TRACECLONE;
        /// It stops at execve.
        TRACEEXEC = kernel::PTRACE_O_TRACEEXEC;
        /// It stops when a vfork is over.
        TRACEVFORKDONE = kernel::PTRACE_O_TRACEVFORKDONE;
        /// It stops before its end.
        TRACEEXIT = kernel::PTRACE_O_TRACEEXIT;
        /// It stops when a filter says so.
        TRACESECCOMP = kernel::PTRACE_O_TRACESECCOMP;
        /// It ends with its tracer.
        EXITKILL = kernel::PTRACE_O_EXITKILL;
        /// Its filters do nothing; with `CAP_SYS_ADMIN` only.
        SUSPEND_SECCOMP = kernel::PTRACE_O_SUSPEND_SECCOMP;
    }

    /// How [`seccomp`] adds a filter.
    SeccompFlags: u32 {
        /// To all threads, or none: the id of one that cannot have it is returned.
        TSYNC = kernel::SECCOMP_FILTER_FLAG_TSYNC;
        /// With `TSYNC`: if one cannot have it, that is `ESRCH`.
        TSYNC_ESRCH = kernel::SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
        /// What it does but `ALLOW` is noted down.
        LOG = kernel::SECCOMP_FILTER_FLAG_LOG;
        /// Nothing is done against speculation that leaks.
        SPEC_ALLOW = kernel::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        /// A descriptor is returned, by which another process decides.
        NEW_LISTENER = kernel::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        /// With `NEW_LISTENER`: once the other has heard, only a deadly signal
        /// interrupts the call.
        WAIT_KILLABLE_RECV = kernel::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    }
}

syscalls! {
    /// Does to the traced process or thread `child` what `request` says: ptrace(2).
    /// Mostly, `child` must have stopped.
    ///
    /// This is the system call: the `PEEK…` requests write the word to where `data`
    /// points, where C's function returns it.
    ///
    /// # Errors
    ///
    /// `ESRCH` if it does not exist, is not traced by the caller or has not stopped;
    /// `EPERM` if it may not be traced or is already; `EIO` for an unknown request or an
    /// address where there is nothing, `EINVAL`, `EFAULT`, `EBUSY`.
    ///
    /// # Safety
    ///
    /// `address` and `data` must be what `request` takes. A child that has the caller's
    /// memory must not get to do what this program may not.
    unsafe sys ptrace(request: PtraceRequest, child: Pid, address: Word, data: Word)
        -> Result<usize>;

    /// Confines the calling thread and the children that it will have to some system
    /// calls, for good: seccomp(2). Returns 0, or what a flag says.
    ///
    /// # Errors
    ///
    /// `EACCES` for a filter without `CAP_SYS_ADMIN` or the thread's promise of
    /// [`Prctl::SET_NO_NEW_PRIVS`](super::Prctl::SET_NO_NEW_PRIVS); `EINVAL` for an
    /// unknown operation, unknown flags, a filter that is none or a mode that cannot
    /// follow the current one; `EFAULT`, `ENOMEM`, `ESRCH`; `EOPNOTSUPP` for an action
    /// that the kernel does not know, `EBUSY` for a second listener.
    ///
    /// # Safety
    ///
    /// `arguments` must be what `operation` takes. No call that the program relies on
    /// may do something else than it says.
    unsafe sys seccomp(operation: SeccompOperation, flags: SeccompFlags, arguments: Address)
        -> Result<u32>;
}
