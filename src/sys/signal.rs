//! Signals.

mod context;
mod info;

use core::convert::Infallible;
use core::mem::{self, MaybeUninit};

use linux_raw_sys::general;

use super::kinds::{flags, named};
use super::time::{OldTimespec, or_old};
use super::{
    Address, BorrowedFd, Call, Filled, Kind, OwnedFd, Pid, RawFd, Result, Shown, Tid, Timespec,
};
use crate::arch::{self, nr, widest};
use crate::syscalls;

pub use context::UContext;
pub use info::{SigInfo, SigVal, SignalfdSiginfo};

#[doc(inline)]
pub use crate::arch::rt_sigreturn;

named! {
    /// A signal: signal(7). From `RTMIN` to `RTMAX` they are the program's own.
    Signal: i32 {
        /// None: [`kill`] and its like only check whether they could send one.
        NONE = 0;
        /// The terminal is gone, or who leads its session.
        HUP = general::SIGHUP;
        /// The terminal's user interrupts.
        INT = general::SIGINT;
        /// The terminal's user quits, and wants a core dump.
        QUIT = general::SIGQUIT;
        /// An instruction that is none.
        ILL = general::SIGILL;
        /// A breakpoint, for a debugger.
        TRAP = general::SIGTRAP;
        /// The process gave up: abort(3).
        ABRT = general::SIGABRT;
        /// An access to memory that has nothing behind it.
        BUS = general::SIGBUS;
        /// A wrong calculation, such as a division by zero.
        FPE = general::SIGFPE;
        /// Ends the process; nothing holds it back.
        KILL = general::SIGKILL;
        /// The program's own.
        USR1 = general::SIGUSR1;
        /// An access to memory that is not the process's to make.
        SEGV = general::SIGSEGV;
        /// The program's own.
        USR2 = general::SIGUSR2;
        /// A write to a pipe or socket that nobody reads.
        PIPE = general::SIGPIPE;
        /// The time is up: [`alarm`](super::alarm).
        ALRM = general::SIGALRM;
        /// Asks the process to end.
        TERM = general::SIGTERM;
        /// Unused; once a fault of the coprocessor's stack.
        STKFLT = general::SIGSTKFLT;
        /// A child ended, stopped or went on.
        CHLD = general::SIGCHLD;
        /// Goes on after a stop.
        CONT = general::SIGCONT;
        /// Stops the process; nothing holds it back.
        STOP = general::SIGSTOP;
        /// The terminal's user stops.
        TSTP = general::SIGTSTP;
        /// A read from the terminal, in the background.
        TTIN = general::SIGTTIN;
        /// A write to the terminal, in the background.
        TTOU = general::SIGTTOU;
        /// Urgent data on a socket.
        URG = general::SIGURG;
        /// More processor time than the limit.
        XCPU = general::SIGXCPU;
        /// A file longer than the limit.
        XFSZ = general::SIGXFSZ;
        /// The process's own processor time is up: [`setitimer`](super::setitimer).
        VTALRM = general::SIGVTALRM;
        /// The process's processor time is up: [`setitimer`](super::setitimer).
        PROF = general::SIGPROF;
        /// The terminal's window has another size.
        WINCH = general::SIGWINCH;
        /// A descriptor is ready, for who asked to be told: fcntl(2), `F_SETOWN`.
        IO = general::SIGIO;
        /// Power is failing.
        PWR = general::SIGPWR;
        /// A system call that a filter forbids: seccomp(2).
        SYS = general::SIGSYS;
        /// The first real-time signal. A libc keeps the first two or three for itself.
        RTMIN = general::SIGRTMIN;
        /// The last real-time signal.
        RTMAX = general::_NSIG;
    }
    /// What [`rt_sigprocmask`] does with the set.
    MaskHow: u32 {
        /// Holds its signals back too.
        BLOCK = general::SIG_BLOCK;
        /// Holds them back no more.
        UNBLOCK = general::SIG_UNBLOCK;
        /// Holds back these and no others.
        SETMASK = general::SIG_SETMASK;
    }
    /// Why a signal came: sigaction(2), "The si_code field". These are the ones that any
    /// signal can have; those above zero say more of one signal.
    SiCode: i32 {
        /// [`kill`].
        USER = general::SI_USER;
        /// The kernel, which says no more.
        KERNEL = general::SI_KERNEL;
        /// [`rt_sigqueueinfo`], as sigqueue(3) makes it.
        QUEUE = general::SI_QUEUE;
        /// A timer: [`timer_create`](super::timer_create).
        TIMER = general::SI_TIMER;
        /// A message in a queue that was empty: mq_notify(2).
        MESGQ = general::SI_MESGQ;
        /// Asynchronous input or output is done.
        ASYNCIO = general::SI_ASYNCIO;
        /// A descriptor is ready: SIGIO of old kernels.
        SIGIO = general::SI_SIGIO;
        /// [`tkill`] or [`tgkill`].
        TKILL = general::SI_TKILL;
    }
    /// What becomes of an event: sigevent(3type).
    SigEventNotify: i32 {
        /// A signal to the process.
        SIGNAL = general::SIGEV_SIGNAL;
        /// Nothing.
        NONE = general::SIGEV_NONE;
        /// A signal to one thread.
        THREAD_ID = general::SIGEV_THREAD_ID;
    }
}

flags! {
    /// How a handler runs, and what else a signal does: sigaction(2).
    SaFlags: u32 {
        /// SIGCHLD: not when a child stops or goes on.
        NOCLDSTOP = general::SA_NOCLDSTOP;
        /// SIGCHLD: children that end leave no zombie.
        NOCLDWAIT = general::SA_NOCLDWAIT;
        /// The handler runs on the thread's other stack: [`sigaltstack`].
        ONSTACK = general::SA_ONSTACK;
        /// Calls that the signal interrupts begin again, where they can, instead of
        /// failing with `EINTR`: signal(7).
        RESTART = general::SA_RESTART;
        /// The signal itself is not held back while the handler runs.
        NODEFER = general::SA_NODEFER;
        /// Before the handler runs, the signal's action becomes the default one.
        RESETHAND = general::SA_RESETHAND;
    }
    /// What a thread's other stack is: sigaltstack(2).
    SsFlags: i32 {
        /// A handler is running on it; never to be set.
        ONSTACK = general::SS_ONSTACK;
        /// There is none.
        DISABLE = general::SS_DISABLE;
        /// There is none while a handler runs on it, so that one may leave it for good.
        AUTODISARM = general::SS_AUTODISARM;
    }
    /// How a descriptor of signals is made: signalfd4(2).
    SfdFlags: u32 {
        /// It does not survive execve.
        CLOEXEC = general::O_CLOEXEC;
        /// No read waits.
        NONBLOCK = general::O_NONBLOCK;
    }
}

/// A set of signals, as the kernel has it: bit n − 1 is signal n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct SigSet(
    /// The bits.
    pub u64,
);

// SAFETY: any bytes are bits.
unsafe impl Filled for SigSet {}

impl SigSet {
    /// How long the kernel's set is, in bytes: several calls want to be told.
    pub(super) const SIZE: usize = size_of::<SigSet>();

    /// No signal.
    pub const fn empty() -> SigSet {
        SigSet(0)
    }

    /// All signals.
    pub const fn all() -> SigSet {
        SigSet(!0)
    }

    /// These signals.
    pub const fn of(signals: &[Signal]) -> SigSet {
        let mut set = SigSet::empty();
        let mut i = 0;
        while i < signals.len() {
            set.add(signals[i]);
            i += 1;
        }
        set
    }

    /// Adds `signal`.
    pub const fn add(&mut self, signal: Signal) {
        self.0 |= SigSet::bit(signal);
    }

    /// Takes `signal` out.
    pub const fn remove(&mut self, signal: Signal) {
        self.0 &= !SigSet::bit(signal);
    }

    /// Whether `signal` is in it.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & SigSet::bit(signal) != 0
    }

    /// The signal's bit; none for a number that is no signal's.
    const fn bit(signal: Signal) -> u64 {
        if 1 <= signal.0 && signal.0 <= Signal::RTMAX.0 {
            1 << (signal.0 - 1)
        } else {
            0
        }
    }
}

/// What a program does at a signal: it is told the signal, what comes with it, and what it
/// interrupts, as the kernel will restore it when the function returns.
pub type SigHandlerFn = unsafe extern "C" fn(Signal, &SigInfo, &mut UContext);

/// What happens at a signal.
#[derive(Clone, Copy, Debug, Default)]
pub enum SigHandler {
    /// What the kernel does by itself (`SIG_DFL`): signal(7), "Standard signals".
    #[default]
    Default,
    /// Nothing (`SIG_IGN`).
    Ignore,
    /// The function runs, in the thread that the signal interrupts.
    Function(SigHandlerFn),
}

/// What happens at a signal, and how: sigaction(2).
#[derive(Clone, Copy, Debug, Default)]
pub struct SigAction {
    /// What happens.
    pub sa_handler: SigHandler,
    /// How.
    pub sa_flags: SaFlags,
    /// Which signals are held back while the function runs, besides the one itself.
    pub sa_mask: SigSet,
}

impl SigAction {
    /// What the kernel does by itself.
    pub const DEFAULT: SigAction = SigAction::of(SigHandler::Default);
    /// Nothing.
    pub const IGNORE: SigAction = SigAction::of(SigHandler::Ignore);

    /// `function` runs, and is told the signal.
    pub const fn handler(function: extern "C" fn(Signal)) -> SigAction {
        // SAFETY: who calls it passes three arguments, by the C calling convention, of
        // which a function that takes one ignores the others: they are in registers or
        // above the first on the stack, and the caller's to remove.
        let function = unsafe { mem::transmute::<extern "C" fn(Signal), SigHandlerFn>(function) };
        SigAction::of(SigHandler::Function(function))
    }

    /// `function` runs, and is told the signal, what comes with it, and what it interrupts.
    pub const fn siginfo(function: extern "C" fn(Signal, &SigInfo, &mut UContext)) -> SigAction {
        SigAction::of(SigHandler::Function(function))
    }

    /// The same, with these flags.
    pub const fn flags(self, sa_flags: SaFlags) -> SigAction {
        SigAction { sa_flags, ..self }
    }

    /// The same, with these signals held back while the function runs.
    pub const fn mask(self, sa_mask: SigSet) -> SigAction {
        SigAction { sa_mask, ..self }
    }

    const fn of(sa_handler: SigHandler) -> SigAction {
        SigAction {
            sa_handler,
            sa_flags: SaFlags::empty(),
            sa_mask: SigSet::empty(),
        }
    }
}

/// The action as rt_sigaction(2) has it.
#[derive(Clone, Copy)]
#[repr(C)]
struct KernelSigAction {
    sa_handler: Address,
    sa_flags: usize,
    sa_restorer: arch::Restorer,
    sa_mask: SigSet,
    /// Not the kernel's, but qemu-user's (7.2) for riscv64: it believes that there is a
    /// restorer, and so reads the mask, and writes it, a word further on.
    sa_mask_of_qemu: MaybeUninit<SigSet>,
}

// SAFETY: addresses and numbers; the restorer is optional if it is anything, and what is
// not written may be anything.
unsafe impl Filled for KernelSigAction {}

/// What each action has: a handler gets all its arguments, and returns by a way of ours
/// where the kernel lets it.
///
/// On i386 the first also chooses the frame that [`rt_sigreturn`] can return from, not
/// the older, smaller one.
const SA_ALWAYS: usize = general::SA_SIGINFO as usize | arch::SA_RESTORER;

impl From<SigAction> for KernelSigAction {
    #[inline]
    fn from(action: SigAction) -> KernelSigAction {
        KernelSigAction {
            // linux/signal.h: SIG_DFL is 0, SIG_IGN is 1.
            sa_handler: match action.sa_handler {
                SigHandler::Default => core::ptr::null_mut(),
                SigHandler::Ignore => core::ptr::without_provenance_mut(1),
                SigHandler::Function(function) => function as Address,
            },
            sa_flags: action.sa_flags.bits() as usize | SA_ALWAYS,
            sa_restorer: arch::RESTORER,
            sa_mask: action.sa_mask,
            sa_mask_of_qemu: MaybeUninit::new(action.sa_mask),
        }
    }
}

impl From<KernelSigAction> for SigAction {
    #[inline]
    fn from(action: KernelSigAction) -> SigAction {
        SigAction {
            sa_handler: match action.sa_handler.addr() {
                0 => SigHandler::Default,
                1 => SigHandler::Ignore,
                // SAFETY: whoever installed it promised a handler, and one that takes
                // fewer arguments ignores the others.
                _ => SigHandler::Function(unsafe {
                    mem::transmute::<Address, SigHandlerFn>(action.sa_handler)
                }),
            },
            sa_flags: SaFlags::from_bits_retain((action.sa_flags & !SA_ALWAYS) as u32),
            sa_mask: action.sa_mask,
        }
    }
}

/// A thread's other stack, for handlers: sigaltstack(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SigStack {
    /// Its lowest address.
    pub ss_sp: Address,
    /// What it is.
    pub ss_flags: SsFlags,
    /// How long it is, in bytes. How much the kernel asks for depends on the processor:
    /// the auxiliary vector's `AT_MINSIGSTKSZ`.
    pub ss_size: usize,
}

// SAFETY: any bytes are an address, bits and a number.
unsafe impl Filled for SigStack {}

/// What becomes of an event, such as a timer's expiration: sigevent(3type).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SigEvent {
    /// What travels with the signal.
    pub sigev_value: SigVal,
    /// The signal.
    pub sigev_signo: Signal,
    /// What becomes of it.
    pub sigev_notify: SigEventNotify,
    /// With `THREAD_ID`: the thread, one of the process's own.
    pub sigev_notify_thread_id: Tid,
    /// The kernel's structure is longer than what it uses.
    pub unused: [i32; SigEvent::UNUSED],
}

impl SigEvent {
    /// How many numbers it takes to make it as long as the kernel's.
    const UNUSED: usize =
        (general::SIGEV_MAX_SIZE as usize - size_of::<SigVal>()) / size_of::<i32>() - 3;

    /// Nothing.
    pub const NONE: SigEvent = SigEvent {
        sigev_value: SigVal::new(0),
        sigev_signo: Signal::NONE,
        sigev_notify: SigEventNotify::NONE,
        sigev_notify_thread_id: Tid(0),
        unused: [0; SigEvent::UNUSED],
    };

    /// The signal `signal` to the process, with `value`.
    pub const fn signal(signal: Signal, value: SigVal) -> SigEvent {
        SigEvent {
            sigev_value: value,
            sigev_signo: signal,
            sigev_notify: SigEventNotify::SIGNAL,
            ..SigEvent::NONE
        }
    }

    /// The signal `signal` to the thread `thread`, with `value`.
    pub const fn thread(thread: Tid, signal: Signal, value: SigVal) -> SigEvent {
        SigEvent {
            sigev_notify: SigEventNotify::THREAD_ID,
            sigev_notify_thread_id: thread,
            ..SigEvent::signal(signal, value)
        }
    }
}

const _: () = assert!(size_of::<SigEvent>() == general::SIGEV_MAX_SIZE as usize);

/// [`rt_sigreturn`]'s row. It cannot be declared as the others are: see there.
pub(super) const RT_SIGRETURN: &[Call] = &[Call {
    name: "rt_sigreturn",
    kind: Kind::SysNb,
    number: Some(nr::rt_sigreturn),
    is_public: true,
    parameters: &[],
    result: "!",
    shown: Shown::Nothing,
}];

syscalls! {
    /// Sends `signal` to the process `process`; to those of the group −`process` if it
    /// is negative, of the own group if it is 0, to all but init if it is −1: kill(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process, `EPERM`, `EINVAL` if there is no such signal.
    sys kill(process: Pid, signal: Signal) -> Result<()>;

    /// Sends `signal` to the thread `thread`, whosever it is: tkill(2). A thread that
    /// ends may leave its id to another process's: [`tgkill`] is safer.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such thread, `EPERM`, `EINVAL`, `EAGAIN`.
    sys tkill(thread: Tid, signal: Signal) -> Result<()>;

    /// Sends `signal` to the thread `thread` of the process `process`: tgkill(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such thread, `EPERM`, `EINVAL`, `EAGAIN`.
    sys tgkill(process: Pid, thread: Tid, signal: Signal) -> Result<()>;

    /// Sends `signal` to the process `process`, and `info` with it:
    /// rt_sigqueueinfo(2). To another process only with a code below zero other than
    /// `TKILL`.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process, `EPERM`, `EINVAL` if there is no such signal,
    /// `EAGAIN` if too many are waiting.
    sys rt_sigqueueinfo(process: Pid, signal: Signal, info: &SigInfo) -> Result<()>;

    part unsafe sysnb rt_sigaction_words(
        signal: Signal,
        new: Option<&KernelSigAction>,
        old: out KernelSigAction,
        size: usize = SigSet::SIZE
    ) -> Result<KernelSigAction> = nr::rt_sigaction;
    /// Says what happens at `signal`, if there is a `new` action, and returns what
    /// happened before: rt_sigaction(2). `SA_SIGINFO` and, where the kernel has it,
    /// `SA_RESTORER` are always set and never shown.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such signal, or nothing can change it (`KILL`, `STOP`).
    ///
    /// # Safety
    ///
    /// A function must be code that may run between any two instructions. What is the
    /// program's business must allow for the action: without `CHLD`'s default one its
    /// children may be gone, for instance.
    unsafe wrap rt_sigaction(signal: Signal, new: Option<&SigAction>) -> Result<SigAction> {
        let new = new.copied().map(KernelSigAction::from);
        // SAFETY: passed on to the caller.
        unsafe { rt_sigaction_words(signal, new.as_ref()) }.map(SigAction::from)
    }

    /// Changes which signals the calling thread holds back, if there is a `new` set, and
    /// returns which it did before: rt_sigprocmask(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for a wrong `how`.
    sysnb rt_sigprocmask(
        how: MaskHow,
        new: Option<&SigSet>,
        old: out SigSet,
        size: usize = SigSet::SIZE
    ) -> Result<SigSet>;

    /// Which signals have come for the calling thread or its process and are held back:
    /// rt_sigpending(2).
    ///
    /// # Errors
    ///
    /// None.
    sysnb rt_sigpending(set: out SigSet, size: usize = SigSet::SIZE) -> Result<SigSet>;

    /// Waits for a signal while `mask` is what is held back, and returns after its
    /// handler has: rt_sigsuspend(2).
    ///
    /// # Errors
    ///
    /// `EINTR`, always.
    sysblk rt_sigsuspend(mask: &SigSet, size: usize = SigSet::SIZE) -> Result<Infallible>;

    /// Waits for a signal, and returns after its handler has: pause(2), by
    /// [`rt_sigsuspend`] with the mask as it is.
    ///
    /// # Errors
    ///
    /// `EINTR`, always.
    wrap pause() -> Result<Infallible> {
        rt_sigsuspend(&rt_sigprocmask(MaskHow::BLOCK, None)?)
    }

    part sysblk rt_sigtimedwait_new(
        set: &SigSet,
        info: Option<&mut SigInfo>,
        timeout: Option<&Timespec>,
        size: usize = SigSet::SIZE
    ) -> Result<Signal> = widest::rt_sigtimedwait;
    part sysblk rt_sigtimedwait_old(
        set: &SigSet,
        info: Option<&mut SigInfo>,
        timeout: Option<&OldTimespec>,
        size: usize = SigSet::SIZE
    ) -> Result<Signal> = nr::rt_sigtimedwait;
    /// Takes a signal of `set`, which the thread holds back, and what came with it; waits
    /// for one, but no longer than `timeout`: rt_sigtimedwait(2).
    ///
    /// A handler ends it, also one with `RESTART`: [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EAGAIN` if the time is up, `EINTR` if a handler of another signal ran, `EINVAL` if
    /// `timeout` is no time.
    wrap rt_sigtimedwait(
        set: &SigSet,
        info: Option<&mut SigInfo>,
        timeout: Option<&Timespec>,
    ) -> Result<Signal> {
        let mut info = info;
        or_old(rt_sigtimedwait_new(set, info.as_deref_mut(), timeout), || {
            let timeout = OldTimespec::from_timeout(timeout)?;
            rt_sigtimedwait_old(set, info, timeout.as_ref())
        })
    }

    /// Says which stack the calling thread's handlers with `ONSTACK` run on, if there is
    /// a `new` one, and returns which they did before: sigaltstack(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for wrong flags, `ENOMEM` if it is too small, `EPERM` if the thread is
    /// just running on the old one.
    ///
    /// # Safety
    ///
    /// The stack is the handlers' alone, for as long as it is the thread's.
    unsafe sysnb sigaltstack(new: Option<&SigStack>, old: out SigStack) -> Result<SigStack>;

    /// Makes a descriptor from which the signals of `mask`, which should be held back,
    /// are read as [`SignalfdSiginfo`]: signalfd4(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such flag, `EMFILE`, `ENFILE`, `ENODEV`, `ENOMEM`.
    sys signalfd4(
        fd: RawFd = -1,
        mask: &SigSet,
        size: usize = SigSet::SIZE,
        flags: SfdFlags
    ) -> Result<OwnedFd>;

    /// Changes which signals are read from `fd`: signalfd4(2) with a descriptor.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `fd` is none of [`signalfd4`], `EBADF`.
    sys signalfd4_set_mask(
        fd: BorrowedFd<'_>,
        mask: &SigSet,
        size: usize = SigSet::SIZE,
        flags: SfdFlags = SfdFlags::empty()
    ) -> Result<()> = nr::signalfd4;
}
