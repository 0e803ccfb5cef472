//! What comes with a signal.

use core::fmt;
use core::mem;

use linux_raw_sys::general::{self, siginfo_t};

use super::{SiCode, Signal};
use crate::sys::{Address, ChildCode, ChildInfo, Pid, RawFd, TimerId, Uid};

/// A word that travels with a signal: sigval(3type). Its maker knows whether it is a
/// number or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct SigVal(
    /// The address.
    pub Address,
);

impl SigVal {
    /// A number.
    pub const fn new(number: usize) -> SigVal {
        SigVal(core::ptr::without_provenance_mut(number))
    }

    /// The number.
    pub fn number(self) -> usize {
        self.0.addr()
    }
}

/// What comes with a signal: sigaction(2), "The siginfo_t argument to a SA_SIGINFO
/// handler". Which parts it has depends on the signal and on
/// [`SigInfo::code`]. Its methods are async-signal-safe.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct SigInfo(
    /// The kernel's structure, all bytes of it initialized.
    siginfo_t,
);

/// Reads what each has.
macro_rules! head {
    ($info:expr, $field:ident) => {
        // SAFETY: all bytes are initialized, and any are a number.
        unsafe { $info.0.__bindgen_anon_1.__bindgen_anon_1.$field }
    };
}

/// Reads a part that only some have: some number or address, in the others.
macro_rules! part {
    ($info:expr, $($field:ident).+) => {
        // SAFETY: all bytes are initialized, and any are a number or an address.
        unsafe { $info.0.__bindgen_anon_1.__bindgen_anon_1._sifields.$($field).+ }
    };
}

impl SigInfo {
    /// Nothing but zeros, for the kernel to fill.
    pub const fn zeroed() -> SigInfo {
        // SAFETY: it is numbers and addresses.
        unsafe { mem::zeroed() }
    }

    /// What sigqueue(3) sends: who sends it, and a value.
    pub fn queue(pid: Pid, uid: Uid, value: SigVal) -> SigInfo {
        let mut info = SigInfo::zeroed();
        let head = &mut info.0.__bindgen_anon_1;
        head.__bindgen_anon_1.si_code = SiCode::QUEUE.0;
        head.__bindgen_anon_1._sifields._rt = general::__sifields__bindgen_ty_3 {
            _pid: pid.0,
            _uid: uid.0,
            _sigval: general::sigval_t { sival_ptr: value.0 },
        };
        info
    }

    /// The signal.
    pub fn signal(&self) -> Signal {
        Signal(head!(self, si_signo))
    }

    /// Why it came.
    pub fn code(&self) -> SiCode {
        SiCode(head!(self, si_code))
    }

    /// An error's number, rarely set.
    pub fn errno(&self) -> i32 {
        head!(self, si_errno)
    }

    /// Who sent it: the process, and its user. Nobody did if the kernel made it, as it
    /// makes a fault's.
    pub fn sender(&self) -> Option<(Pid, Uid)> {
        let parts = (part!(self, _kill._pid), part!(self, _kill._uid));
        (self.layout() == Layout::Sent).then_some((Pid(parts.0), Uid(parts.1)))
    }

    /// The value of who sent it ([`rt_sigqueueinfo`](super::rt_sigqueueinfo)), or of the
    /// [`SigEvent`](super::SigEvent).
    pub fn value(&self) -> Option<SigVal> {
        let value = SigVal(part!(self, _rt._sigval.sival_ptr));
        let has_one = match self.layout() {
            Layout::Sent => !matches!(self.code(), SiCode::USER | SiCode::TKILL),
            Layout::Timer => true,
            _ => false,
        };
        has_one.then_some(value)
    }

    /// A timer's signal: which timer, and how often it had expired again.
    pub fn timer(&self) -> Option<(TimerId, i32)> {
        let parts = (part!(self, _timer._tid), part!(self, _timer._overrun));
        (self.layout() == Layout::Timer).then_some((TimerId(parts.0), parts.1))
    }

    /// SIGCHLD: what has happened to which child.
    pub fn child(&self) -> Option<ChildInfo> {
        let child = ChildInfo {
            pid: Pid(part!(self, _sigchld._pid)),
            uid: Uid(part!(self, _sigchld._uid)),
            code: ChildCode(self.code().0),
            status: part!(self, _sigchld._status),
        };
        (self.layout() == Layout::Child).then_some(child)
    }

    /// SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP of the processor: the address, of the
    /// memory or of the instruction. There is none if somebody sent the signal, nor where
    /// the processor does not tell: x86_64's does not for an address that is none.
    pub fn address(&self) -> Option<Address> {
        let address = part!(self, _sigfault._addr);
        (self.layout() == Layout::Fault).then_some(address)
    }

    /// SIGIO, or what fcntl(2), `F_SETSIG`, has in its place: which descriptor is ready,
    /// and for what, as poll(2) has it.
    pub fn ready(&self) -> Option<(RawFd, isize)> {
        let parts = (part!(self, _sigpoll._fd), part!(self, _sigpoll._band));
        (self.layout() == Layout::Poll).then_some((parts.0, parts.1 as isize))
    }

    /// SIGSYS: the number of the call that a filter forbids.
    pub fn syscall(&self) -> Option<i32> {
        let number = part!(self, _sigsys._syscall);
        (self.layout() == Layout::Sys).then_some(number)
    }

    fn layout(&self) -> Layout {
        Layout::of(self.signal(), self.code())
    }
}

/// What the kernel has a signal's information mean: kernel/signal.c, siginfo_layout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// No more than that it comes from the kernel.
    Kernel,
    /// A process sent it, perhaps with a value.
    Sent,
    /// A timer did.
    Timer,
    /// A child ended, stopped or went on.
    Child,
    /// An instruction could not be done.
    Fault,
    /// A descriptor is ready.
    Poll,
    /// A filter forbids a call.
    Sys,
}

impl Layout {
    const fn of(signal: Signal, code: SiCode) -> Layout {
        match code {
            SiCode::USER => Layout::Sent,
            SiCode::TIMER => Layout::Timer,
            SiCode::SIGIO => Layout::Poll,
            // As USB devices report that they are done, the only ones that do: the address
            // of what is done.
            SiCode::ASYNCIO => Layout::Fault,
            _ if code.0 < 0 => Layout::Sent,
            _ if code.0 >= SiCode::KERNEL.0 => Layout::Kernel,
            _ => match signal {
                Signal::ILL | Signal::FPE | Signal::SEGV | Signal::BUS | Signal::TRAP => {
                    Layout::Fault
                }
                Signal::CHLD => Layout::Child,
                Signal::SYS => Layout::Sys,
                _ => Layout::Poll,
            },
        }
    }
}

impl fmt::Debug for SigInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigInfo")
            .field("signal", &self.signal())
            .field("code", &self.code())
            .finish_non_exhaustive()
    }
}

/// A signal as it is read from a descriptor of [`signalfd4`](super::signalfd4). Which fields mean
/// something depends on the signal, as for [`SigInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SignalfdSiginfo {
    /// The signal.
    pub ssi_signo: u32,
    /// An error's number, rarely set.
    pub ssi_errno: i32,
    /// Why it came.
    pub ssi_code: i32,
    /// The process that sent it, or the child.
    pub ssi_pid: u32,
    /// That process's user.
    pub ssi_uid: u32,
    /// SIGIO: which descriptor.
    pub ssi_fd: i32,
    /// A timer's signal: the timer, as the kernel counts them.
    pub ssi_tid: u32,
    /// SIGIO: what is ready.
    pub ssi_band: u32,
    /// A timer's signal: how often it had expired again.
    pub ssi_overrun: u32,
    /// The processor's number for what went wrong.
    pub ssi_trapno: u32,
    /// SIGCHLD: the child's exit status, or the signal that ended or stopped it.
    pub ssi_status: i32,
    /// The value, as a number.
    pub ssi_int: i32,
    /// The value, as an address.
    pub ssi_ptr: u64,
    /// SIGCHLD: the child's processor time, in ticks.
    pub ssi_utime: u64,
    /// SIGCHLD: the kernel's for it.
    pub ssi_stime: u64,
    /// SIGSEGV and its like: the address.
    pub ssi_addr: u64,
    /// SIGBUS: the lowest bit of the address that counts.
    pub ssi_addr_lsb: u16,
    /// Nothing.
    pub __pad2: u16,
    /// SIGSYS: the forbidden call's number.
    pub ssi_syscall: i32,
    /// SIGSYS: where it was made.
    pub ssi_call_addr: u64,
    /// SIGSYS: the architecture that the number is of.
    pub ssi_arch: u32,
    /// Nothing.
    pub __pad: [u8; 28],
}

impl SignalfdSiginfo {
    /// The bytes of one, as read(2) delivers them.
    pub const fn from_bytes(bytes: [u8; 128]) -> SignalfdSiginfo {
        // SAFETY: they are as many, and any are numbers.
        unsafe { mem::transmute(bytes) }
    }
}

/// The same, as a handler would get it: [`SigInfo`]'s methods say which parts there are.
impl From<SignalfdSiginfo> for SigInfo {
    fn from(read: SignalfdSiginfo) -> SigInfo {
        let signal = Signal(read.ssi_signo.cast_signed());
        let code = SiCode(read.ssi_code);
        let pid = read.ssi_pid.cast_signed();
        let uid = read.ssi_uid;
        let value = general::sigval_t {
            sival_ptr: core::ptr::without_provenance_mut(read.ssi_ptr as usize),
        };
        let address = core::ptr::without_provenance_mut(read.ssi_addr as usize);

        let mut info = SigInfo::zeroed();
        // SAFETY: any bytes are one of the union's structures.
        let head = unsafe { &mut info.0.__bindgen_anon_1.__bindgen_anon_1 };
        head.si_signo = signal.0;
        head.si_errno = read.ssi_errno;
        head.si_code = code.0;
        let parts = &mut head._sifields;
        // fs/signalfd.c, signalfd_copyinfo: the parts that it has filled.
        match Layout::of(signal, code) {
            Layout::Kernel => {}
            Layout::Sent => {
                parts._rt._pid = pid;
                parts._rt._uid = uid;
                parts._rt._sigval = value;
            }
            Layout::Timer => {
                parts._timer._tid = read.ssi_tid.cast_signed();
                parts._timer._overrun = read.ssi_overrun.cast_signed();
                parts._timer._sigval = value;
            }
            Layout::Child => {
                parts._sigchld._pid = pid;
                parts._sigchld._uid = uid;
                parts._sigchld._status = read.ssi_status;
            }
            Layout::Fault => parts._sigfault._addr = address,
            Layout::Poll => {
                parts._sigpoll._band = read.ssi_band as _;
                parts._sigpoll._fd = read.ssi_fd;
            }
            Layout::Sys => parts._sigsys._syscall = read.ssi_syscall,
        }
        info
    }
}
