//! Signals: sending them, handling them, holding them back, waiting for them.

#![no_std]
#![no_main]

use core::arch::naked_asm;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use freestand::sys::{
    self, ItimerWhich, Itimerval, MaskHow, Pid, STDOUT, SaFlags, SfdFlags, SiCode, SigAction,
    SigHandler, SigInfo, SigSet, SigStack, SigVal, Signal, SignalfdSiginfo, SsFlags, Tid, Timespec,
    Timeval, UContext,
};
use test_programs::{err, ok, seen};

freestand::entry!(main);

/// No process has it: ids end at 2²² (proc(5), pid_max).
const NOBODY: i32 = i32::MAX;
/// No signal has it.
const NO_SIGNAL: Signal = Signal(Signal::RTMAX.0 + 1);

fn main() {
    sets();
    actions();
    sending();
    returning();
    holding_back();
    waiting();
    waiting_for_ever();
    another_stack();
    descriptors();
}

/// How often [`handler`] has run, and what it was told the last time.
static HANDLED: AtomicU32 = AtomicU32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static CODE: AtomicI32 = AtomicI32::new(0);
static SENDER: AtomicI32 = AtomicI32::new(0);
static VALUE: AtomicUsize = AtomicUsize::new(0);
/// Where its stack was, and what was held back while it ran.
static STACK: AtomicUsize = AtomicUsize::new(0);
static MASK: AtomicU64 = AtomicU64::new(0);

extern "C" fn handler(signal: Signal, info: &SigInfo, context: &mut UContext) {
    assert_eq!(signal, info.signal());
    assert_ne!(context.pc(), 0);
    HANDLED.fetch_add(1, Relaxed);
    SIGNAL.store(signal.0, Relaxed);
    CODE.store(info.code().0, Relaxed);
    SENDER.store(info.sender().map_or(0, |(process, _)| process.0), Relaxed);
    VALUE.store(info.value().map_or(0, SigVal::number), Relaxed);
    STACK.store((&raw const signal).addr(), Relaxed);
    MASK.store(mask().0, Relaxed);
}

const HANDLER: SigAction = SigAction {
    sa_handler: SigHandler::Function(handler),
    sa_flags: SaFlags::empty(),
    sa_mask: SigSet::empty(),
};

fn handle(signal: Signal, action: SigAction) {
    // SAFETY: the handler does nothing that it might interrupt.
    unsafe { sys::rt_sigaction(signal, Some(&action)) }.expect("the signal can be handled");
}

/// How often the handler has run since it was last asked, and with which signal and code
/// the last time.
fn handled() -> (u32, Signal, SiCode) {
    (
        HANDLED.swap(0, Relaxed),
        Signal(SIGNAL.load(Relaxed)),
        SiCode(CODE.load(Relaxed)),
    )
}

fn mask() -> SigSet {
    sys::rt_sigprocmask(MaskHow::BLOCK, None).expect("there is one")
}

fn queue(signal: Signal, number: usize) {
    let info = SigInfo::queue(sys::getpid(), sys::getuid(), SigVal::new(number));
    sys::rt_sigqueueinfo(sys::getpid(), signal, &info).expect("the queue is not full");
}

fn sets() {
    let mut set = SigSet::empty();
    assert!(!set.contains(Signal::HUP));
    set.add(Signal::HUP);
    set.add(Signal::RTMAX);
    assert_eq!(set, SigSet(1 << 63 | 1));
    assert_eq!(set, SigSet::of(&[Signal::RTMAX, Signal::HUP]));
    set.remove(Signal::HUP);
    assert!(set.contains(Signal::RTMAX) && !set.contains(Signal::HUP));
    assert!(SigSet::all().contains(Signal::RTMAX));
    for none in [Signal::NONE, NO_SIGNAL, Signal(-1)] {
        set.add(none);
        assert!(!SigSet::all().contains(none));
    }
    assert_eq!(set, SigSet::of(&[Signal::RTMAX]));
}

fn actions() {
    let action = SigAction {
        sa_flags: SaFlags::RESETHAND | SaFlags::RESTART,
        sa_mask: SigSet::of(&[Signal::USR2, Signal::RTMIN]),
        ..HANDLER
    };
    let before = ok!(unsafe rt_sigaction(Signal::USR1, Some(&action)));
    assert!(matches!(before.sa_handler, SigHandler::Default));
    let now = ok!(unsafe rt_sigaction(Signal::USR1, None));
    let SigHandler::Function(function) = now.sa_handler else {
        panic!("{now:?}");
    };
    assert_eq!(function as usize, handler as *const () as usize);
    assert_eq!(now.sa_flags, action.sa_flags);
    assert_eq!(now.sa_mask, action.sa_mask);

    // It runs with its mask, once.
    sys::kill(sys::getpid(), Signal::USR1).expect("it is there");
    assert_eq!(handled(), (1, Signal::USR1, SiCode::USER));
    let held_back = SigSet::of(&[Signal::USR1, Signal::USR2, Signal::RTMIN]);
    assert_eq!(SigSet(MASK.load(Relaxed)), held_back);
    assert_eq!(mask(), SigSet::empty());
    let reset = ok!(unsafe rt_sigaction(Signal::USR1, Some(&SigAction {
        sa_handler: SigHandler::Ignore,
        ..SigAction::default()
    })));
    assert!(matches!(reset.sa_handler, SigHandler::Default));

    // What is ignored does nothing.
    sys::kill(sys::getpid(), Signal::USR1).expect("it is there");
    assert_eq!(handled().0, 0);
    let ignored = ok!(unsafe rt_sigaction(Signal::USR1, Some(&HANDLER)));
    assert!(matches!(ignored.sa_handler, SigHandler::Ignore));

    err!(EINVAL, unsafe rt_sigaction(Signal::KILL, Some(&HANDLER)));
    err!(EINVAL, unsafe rt_sigaction(NO_SIGNAL, None));
}

fn sending() {
    let (process, thread) = (sys::getpid(), sys::gettid());
    handle(Signal::RTMIN, HANDLER);

    ok!(kill(process, Signal::NONE));
    assert_eq!(handled().0, 0);
    ok!(kill(process, Signal::USR1));
    assert_eq!(handled(), (1, Signal::USR1, SiCode::USER));
    assert_eq!(Pid(SENDER.load(Relaxed)), process);
    err!(ESRCH, kill(Pid(NOBODY), Signal::NONE));
    err!(EINVAL, kill(process, NO_SIGNAL));

    ok!(tkill(thread, Signal::USR1));
    assert_eq!(handled(), (1, Signal::USR1, SiCode::TKILL));
    err!(ESRCH, tkill(Tid(NOBODY), Signal::USR1));
    err!(EINVAL, tkill(Tid(0), Signal::USR1));

    ok!(tgkill(process, thread, Signal::USR1));
    assert_eq!(handled(), (1, Signal::USR1, SiCode::TKILL));
    assert_eq!(Pid(SENDER.load(Relaxed)), process);
    err!(ESRCH, tgkill(process, Tid(NOBODY), Signal::USR1));

    let info = SigInfo::queue(Pid(123), sys::getuid(), SigVal::new(0x1234_5678));
    ok!(rt_sigqueueinfo(process, Signal::RTMIN, &info));
    assert_eq!(handled(), (1, Signal::RTMIN, SiCode::QUEUE));
    assert_eq!(SENDER.load(Relaxed), 123);
    assert_eq!(VALUE.load(Relaxed), 0x1234_5678);
    err!(ESRCH, rt_sigqueueinfo(Pid(NOBODY), Signal::RTMIN, &info));
    err!(EINVAL, rt_sigqueueinfo(process, NO_SIGNAL, &info));
}

/// A handler that is nothing but the way back: the first instruction finds the stack as
/// the kernel has left it.
#[unsafe(naked)]
unsafe extern "C" fn goes_back(_: Signal, _: &SigInfo, _: &mut UContext) {
    // The return address is the restorer's, below the frame.
    #[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
    naked_asm!("ret");
    #[cfg(target_arch = "aarch64")]
    naked_asm!("b {}", sym sys::rt_sigreturn);
    #[cfg(target_arch = "riscv64")]
    naked_asm!("tail {}", sym sys::rt_sigreturn);
}

/// Whatever a handler does to registers and mask is undone.
fn returning() {
    handle(
        Signal::USR2,
        SigAction {
            sa_handler: SigHandler::Function(goes_back),
            sa_mask: SigSet::all(),
            ..HANDLER
        },
    );
    let process = sys::getpid();
    let mut sum = 0_u64;
    let mut product = 1.0_f64;
    for i in 1..=20_u32 {
        sys::kill(process, Signal::USR2).expect("it is there");
        sys::kill(process, Signal::USR1).expect("it is there");
        sum += u64::from(i);
        product *= f64::from(i);
    }
    assert_eq!(sum, 210);
    assert_eq!(product, 2_432_902_008_176_640_000.0);
    assert_eq!(handled().0, 20);
    assert_eq!(mask(), SigSet::empty());
    seen!(rt_sigreturn);
}

fn holding_back() {
    let process = sys::getpid();
    let usr1 = SigSet::of(&[Signal::USR1]);
    let both = SigSet::of(&[Signal::USR1, Signal::RTMIN]);
    assert_eq!(ok!(rt_sigpending()), SigSet::empty());
    assert_eq!(
        ok!(rt_sigprocmask(MaskHow::BLOCK, Some(&both))),
        SigSet::empty()
    );
    sys::kill(process, Signal::USR1).expect("it is there");
    assert_eq!(handled().0, 0);
    assert_eq!(ok!(rt_sigpending()), usr1);
    assert_eq!(ok!(rt_sigprocmask(MaskHow::UNBLOCK, Some(&usr1))), both);
    assert_eq!(handled(), (1, Signal::USR1, SiCode::USER));
    assert_eq!(ok!(rt_sigpending()), SigSet::empty());
    let rtmin = SigSet::of(&[Signal::RTMIN]);
    assert_eq!(ok!(rt_sigprocmask(MaskHow::SETMASK, Some(&usr1))), rtmin);
    assert_eq!(ok!(rt_sigprocmask(MaskHow::BLOCK, None)), usr1);
    err!(EINVAL, rt_sigprocmask(MaskHow(3), Some(&usr1)));
    sys::rt_sigprocmask(MaskHow::SETMASK, Some(&SigSet::empty())).expect("it is a set");
}

fn waiting() {
    let set = SigSet::of(&[Signal::USR1, Signal::RTMIN]);
    sys::rt_sigprocmask(MaskHow::BLOCK, Some(&set)).expect("it is a set");

    let now = Timespec::default();
    err!(EAGAIN, rt_sigtimedwait(&set, None, Some(&now)));
    err!(
        EINVAL,
        rt_sigtimedwait(
            &set,
            None,
            Some(&Timespec {
                tv_sec: 0,
                tv_nsec: 1_000_000_000
            })
        )
    );
    queue(Signal::RTMIN, 42);
    let mut info = SigInfo::zeroed();
    let second = Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    assert_eq!(
        ok!(rt_sigtimedwait(&set, Some(&mut info), Some(&second))),
        Signal::RTMIN
    );
    assert_eq!(info.signal(), Signal::RTMIN);
    assert_eq!(info.code(), SiCode::QUEUE);
    assert_eq!(info.sender(), Some((sys::getpid(), sys::getuid())));
    assert_eq!(info.value(), Some(SigVal::new(42)));
    sys::kill(sys::getpid(), Signal::USR1).expect("it is there");
    assert_eq!(ok!(rt_sigtimedwait(&set, None, None)), Signal::USR1);
    assert_eq!(handled().0, 0);

    // It is there already, and handled as soon as it is not held back.
    sys::kill(sys::getpid(), Signal::USR1).expect("it is there");
    err!(EINTR, rt_sigsuspend(&SigSet::of(&[Signal::RTMIN])));
    assert_eq!(handled(), (1, Signal::USR1, SiCode::USER));
    assert_eq!(SigSet(MASK.load(Relaxed)), set);
    assert_eq!(mask(), set);
    seen!(rt_sigsuspend);
    sys::rt_sigprocmask(MaskHow::UNBLOCK, Some(&set)).expect("it is a set");
}

fn waiting_for_ever() {
    handle(Signal::ALRM, HANDLER);
    // Again and again: the first may come before the pause.
    let tick = Timeval {
        tv_sec: 0,
        tv_usec: 10_000,
    };
    let ticking = Itimerval {
        it_interval: tick,
        it_value: tick,
    };
    sys::setitimer(ItimerWhich::REAL, &ticking).expect("the time is one");
    err!(EINTR, pause());
    sys::setitimer(ItimerWhich::REAL, &Itimerval::default()).expect("the time is one");
    let (times, signal, code) = handled();
    assert!(times > 0);
    assert_eq!((signal, code), (Signal::ALRM, SiCode::KERNEL));
    assert_eq!(mask(), SigSet::empty());
    seen!(pause);
}

fn another_stack() {
    static mut MEMORY: [u128; 4096] = [0; 4096];

    let stack = SigStack {
        ss_sp: (&raw mut MEMORY).cast(),
        ss_flags: SsFlags::empty(),
        ss_size: size_of::<[u128; 4096]>(),
    };
    let before = ok!(unsafe sigaltstack(Some(&stack)));
    assert_eq!(before.ss_flags, SsFlags::DISABLE);
    assert_eq!(ok!(unsafe sigaltstack(None)), stack);
    let is_on_it = || {
        let place = STACK.load(Relaxed);
        place >= stack.ss_sp.addr() && place < stack.ss_sp.addr() + stack.ss_size
    };
    handle(
        Signal::USR2,
        SigAction {
            sa_flags: SaFlags::ONSTACK,
            ..HANDLER
        },
    );
    sys::kill(sys::getpid(), Signal::USR2).expect("it is there");
    assert_eq!(handled().0, 1);
    assert!(is_on_it());
    sys::kill(sys::getpid(), Signal::USR1).expect("it is there");
    assert_eq!(handled().0, 1);
    assert!(!is_on_it());

    err!(EINVAL, unsafe sigaltstack(Some(&SigStack { ss_flags: SsFlags::from_bits_retain(8), ..stack })));
    err!(ENOMEM, unsafe sigaltstack(Some(&SigStack { ss_size: 16, ..stack })));
    let none = SigStack {
        ss_sp: ptr::null_mut(),
        ss_flags: SsFlags::DISABLE,
        ss_size: 0,
    };
    assert_eq!(ok!(unsafe sigaltstack(Some(&none))), stack);
    sys::kill(sys::getpid(), Signal::USR2).expect("it is there");
    assert_eq!(handled().0, 1);
    assert!(!is_on_it());
}

fn descriptors() {
    let both = SigSet::of(&[Signal::USR1, Signal::RTMIN]);
    sys::rt_sigprocmask(MaskHow::BLOCK, Some(&both)).expect("it is a set");
    let rtmin = SigSet::of(&[Signal::RTMIN]);
    let fd = ok!(signalfd4(&rtmin, SfdFlags::CLOEXEC | SfdFlags::NONBLOCK));
    let next = || {
        let mut bytes = [0; size_of::<SignalfdSiginfo>()];
        sys::read(fd.as_fd(), &mut bytes).map(|length| {
            assert_eq!(length, bytes.len());
            SignalfdSiginfo::from_bytes(bytes)
        })
    };
    sys::kill(sys::getpid(), Signal::USR1).expect("it is there");
    assert_eq!(next(), Err(sys::Errno::EAGAIN));
    queue(Signal::RTMIN, 0x1234_5678);
    let info = next().expect("it has come");
    assert_eq!(Signal(info.ssi_signo.cast_signed()), Signal::RTMIN);
    assert_eq!(SiCode(info.ssi_code), SiCode::QUEUE);
    assert_eq!(Pid(info.ssi_pid.cast_signed()), sys::getpid());
    assert_eq!(sys::Uid(info.ssi_uid), sys::getuid());
    assert_eq!(info.ssi_int, 0x1234_5678);
    assert_eq!(info.ssi_ptr, 0x1234_5678);
    assert_eq!(next(), Err(sys::Errno::EAGAIN));

    ok!(signalfd4_set_mask(fd.as_fd(), &SigSet::of(&[Signal::USR1])));
    let info = next().expect("it has come before");
    assert_eq!(Signal(info.ssi_signo.cast_signed()), Signal::USR1);
    assert_eq!(SiCode(info.ssi_code), SiCode::USER);
    assert_eq!(handled().0, 0);

    err!(EINVAL, signalfd4(&rtmin, SfdFlags::from_bits_retain(1)));
    err!(EINVAL, signalfd4_set_mask(STDOUT, &rtmin));
    sys::rt_sigprocmask(MaskHow::UNBLOCK, Some(&both)).expect("it is a set");
}
