//! What `freestand::signal` does, in the scene that the argument names.

#![no_std]
#![no_main]

use core::arch::{asm, global_asm};
use core::hint::black_box;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use core::time::Duration;

use freestand::env::Args;
use freestand::fs::File;
use freestand::io::Read;
use freestand::println;
use freestand::signal::{
    self, Action, AltStack, SaFlags, SiCode, SigEvent, SigInfo, SigSet, SigVal, Signal, SignalFd,
    UContext,
};
use freestand::sys::{
    self, Address, AsFd, ChildCode, Errno, Itimerspec, MapFlags, PollFd, PollFlags, Prot,
    TimerFlags, Timespec, WaitOptions, nr,
};
use freestand::thread::Builder;

freestand::entry!(main);

fn main(mut args: Args) {
    let scene = args.nth(1).expect("an argument says which scene");
    match scene.to_bytes() {
        b"handlers" => handlers(Signal::RTMAX),
        // qemu-user 7.2 has no place for the guest's last two: the host's C library took
        // the first two.
        b"handlers_but_the_last" => handlers(Signal(Signal::RTMAX.0 - 2)),
        b"masks" => masks(),
        b"waiting" => waiting(),
        b"descriptors" => descriptors(),
        b"causes" => causes(),
        b"alternate_stacks" => alternate_stacks(),
        b"context" => context(),
        b"registers" => registers(),
        b"report_fails" => report_fails(),
        b"overflow" => {
            signal::report_stack_overflow().expect("it can be reported");
            overflow();
        }
        b"overflow_in_thread" => {
            signal::report_stack_overflow().expect("it can be reported");
            in_thread("deep", overflow);
        }
        b"fault" => {
            signal::report_stack_overflow().expect("it can be reported");
            fault();
        }
        b"fault_in_thread" => {
            signal::report_stack_overflow().expect("it can be reported");
            in_thread("", fault);
        }
        b"sent" => {
            signal::report_stack_overflow().expect("it can be reported");
            let _ = signal::raise(Signal::SEGV);
        }
        b"other_stack" => {
            // Of a stack that the report knows nothing of, nothing is said.
            signal::report_stack_overflow().expect("it can be reported");
            let _stack = AltStack::new(0).and_then(AltStack::install);
            overflow();
        }
        b"unreported" => overflow(),
        other => panic!("there is no scene {}", other.escape_ascii()),
    }
    println!("done");
}

/// How often a handler has run, and for which signal the last time.
static RUNS: AtomicU32 = AtomicU32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);
/// What it was told then: the value, and what it found.
static VALUE: AtomicUsize = AtomicUsize::new(0);
static MASK: AtomicU64 = AtomicU64::new(0);
static STACK: AtomicUsize = AtomicUsize::new(0);

extern "C" fn plain(signal: Signal) {
    let runs = RUNS.fetch_add(1, Relaxed);
    SIGNAL.store(signal.0, Relaxed);
    MASK.store(signal::mask().expect("there is one").0, Relaxed);
    STACK.store((&raw const runs).addr(), Relaxed);
}

extern "C" fn with_value(signal: Signal, info: &SigInfo, _: &mut UContext) {
    assert_eq!(info.signal(), signal);
    // What came before, and this.
    let value = info.value().map_or(0, SigVal::number);
    VALUE.store(VALUE.load(Relaxed) * 10 + value, Relaxed);
    plain(signal);
}

fn handle(signal: Signal, action: Action) -> Action {
    // SAFETY: the handlers do nothing that they might interrupt.
    unsafe { signal::sigaction(signal, Some(&action)) }.expect("the signal can be handled")
}

fn runs() -> u32 {
    RUNS.swap(0, Relaxed)
}

fn send(signal: Signal) {
    signal::raise(signal).expect("there is such a signal");
}

fn queue(signal: Signal, number: usize) {
    signal::queue(sys::getpid(), signal, SigVal::new(number)).expect("the queue is not full");
}

const RT: Signal = Signal(Signal::RTMIN.0 + 3);

fn handlers(last: Signal) {
    let before = handle(Signal::USR1, Action::handler(plain).mask(SigSet::of(&[RT])));
    assert!(matches!(before.sa_handler, signal::SigHandler::Default));
    send(Signal::USR1);
    assert_eq!((runs(), SIGNAL.load(Relaxed)), (1, Signal::USR1.0));
    assert_eq!(SigSet(MASK.load(Relaxed)), SigSet::of(&[Signal::USR1, RT]));
    // Real-time signals wait in their order, the lower numbers first.
    for signal in [Signal::RTMIN, RT, last] {
        handle(signal, Action::siginfo(with_value).mask(SigSet::all()));
    }
    let held_back = signal::block(SigSet::all()).expect("the set is one");
    for number in 3..6 {
        queue(RT, number);
    }
    queue(last, 6);
    queue(Signal::RTMIN, 1);
    queue(Signal::RTMIN, 2);
    assert_eq!(
        signal::pending(),
        Ok(SigSet::of(&[RT, Signal::RTMIN, last]))
    );
    drop(held_back);
    // Of those that can be handled, the kernel interrupts with the lowest first; each
    // handler is interrupted in its turn unless it holds back the others, as these do.
    assert_eq!((runs(), VALUE.load(Relaxed)), (6, 12_3456));

    handle(Signal::USR1, Action::IGNORE);
    send(Signal::USR1);
    let before = handle(Signal::USR1, Action::DEFAULT);
    assert!(matches!(before.sa_handler, signal::SigHandler::Ignore));
    assert_eq!(runs(), 0);
    let none = Signal(Signal::RTMAX.0 + 1);
    assert_eq!(signal::raise(none), Err(Errno::EINVAL));
    let nobody = sys::Pid(i32::MAX);
    let value = SigVal::new(0);
    assert_eq!(signal::queue(nobody, RT, value), Err(Errno::ESRCH));
    assert_eq!(signal::kill(sys::getpid(), Signal::NONE), Ok(()));
}

fn masks() {
    let mask = || signal::mask().expect("there is one");
    let [one, two] = [Signal::USR1, Signal::USR2].map(|signal| SigSet::of(&[signal]));
    let both = SigSet::of(&[Signal::USR1, Signal::USR2]);
    handle(Signal::USR1, Action::handler(plain));
    {
        let outer = signal::block(one).expect("the set is one");
        assert_eq!((outer.before(), mask()), (SigSet::empty(), one));
        send(Signal::USR1);
        assert_eq!(runs(), 0);
        {
            let _inner = signal::set_mask(two).expect("the set is one");
            assert_eq!((runs(), mask()), (1, two));
        }
        assert_eq!(mask(), one);
        {
            let _inner = signal::block(two).expect("the set is one");
            assert_eq!(mask(), both);
            let _innermost = signal::unblock(one).expect("the set is one");
            assert_eq!(mask(), two);
        }
        assert_eq!(mask(), one);
        send(Signal::USR1);
    }
    assert_eq!((runs(), mask()), (1, SigSet::empty()));
    signal::block(both).expect("the set is one").keep();
    assert_eq!(mask(), both);
    // What a handler's thread held back comes back with its return.
    signal::unblock(both).expect("the set is one").keep();
    handle(Signal::USR1, Action::siginfo(changes_the_mask));
    send(Signal::USR1);
    assert_eq!(mask(), two);
}

extern "C" fn changes_the_mask(_: Signal, _: &SigInfo, context: &mut UContext) {
    // This lasts as long as the handler.
    signal::block(SigSet::all()).expect("the set is one").keep();
    // This is what it returns to.
    assert_eq!(context.mask(), SigSet::empty());
    context.set_mask(SigSet::of(&[Signal::USR2]));
}

fn waiting() {
    let set = SigSet::of(&[Signal::USR1, RT]);
    let _held_back = signal::block(set).expect("the set is one");
    let (me, user) = (sys::getpid(), sys::getuid());
    assert!(matches!(
        signal::wait_timeout(set, Duration::ZERO),
        Ok(None)
    ));
    let short = Duration::from_millis(5);
    assert!(matches!(signal::wait_timeout(set, short), Ok(None)));
    queue(RT, 42);
    send(Signal::USR1);
    let first = signal::wait(set).expect("it has come");
    assert_eq!(
        (first.signal(), first.code()),
        (Signal::USR1, SiCode::TKILL)
    );
    assert_eq!((first.sender(), first.value()), (Some((me, user)), None));
    let second = signal::wait_timeout(set, Duration::MAX)
        .expect("it has come")
        .expect("it has come");
    assert_eq!((second.signal(), second.code()), (RT, SiCode::QUEUE));
    assert_eq!(second.sender(), Some((me, user)));
    assert_eq!(second.value(), Some(SigVal::new(42)));

    // Another's handler ends the wait, also one that was asked to restart.
    handle(Signal::ALRM, Action::handler(plain).flags(SaFlags::RESTART));
    let ticks = Ticks::begin(SigEvent::signal(Signal::ALRM, SigVal::new(0)));
    assert!(matches!(signal::wait(set), Err(Errno::EINTR)));
    let long = Duration::from_secs(1000);
    assert!(matches!(signal::wait_timeout(set, long), Err(Errno::EINTR)));
    signal::suspend(set);
    drop(ticks);
    assert!(runs() >= 3);
    // What came before is handled within.
    handle(Signal::USR1, Action::handler(plain));
    send(Signal::USR1);
    assert_eq!(runs(), 0);
    signal::suspend(SigSet::empty());
    assert_eq!(runs(), 1);
    assert_eq!(signal::mask(), Ok(set));
}

/// A timer that goes off every 2 ms.
struct Ticks(sys::TimerId);

impl Ticks {
    fn begin(event: SigEvent) -> Ticks {
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: 2_000_000,
        };
        let timer = sys::timer_create(sys::Clock::MONOTONIC, Some(&event));
        let timer = timer.expect("there may be one more");
        let times = Itimerspec {
            it_interval: time,
            it_value: time,
        };
        sys::timer_settime(timer, TimerFlags::empty(), &times).expect("the times are some");
        Ticks(timer)
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        sys::timer_delete(self.0).expect("it is there");
    }
}

/// Runs a child that ends with status 3.
fn child() -> sys::Pid {
    // SAFETY: there is one thread, and the child ends.
    match unsafe { sys::fork() }.expect("there may be one more") {
        Some(child) => child,
        None => sys::exit_group(3),
    }
}

fn bury(child: sys::Pid) {
    let buried = sys::wait4(child, None, WaitOptions::empty(), None);
    assert_eq!(buried, Ok(Some(child)));
}

fn descriptors() {
    let set = SigSet::of(&[Signal::USR1, RT, Signal::CHLD]);
    let _held_back = signal::block(set).expect("the set is one");
    let fd = SignalFd::new(SigSet::of(&[RT])).expect("there may be one more");
    fd.set_nonblocking(true).expect("it is a descriptor");
    assert!(matches!(fd.read(), Err(Errno::EAGAIN)));
    send(Signal::USR1);
    assert!(matches!(fd.read(), Err(Errno::EAGAIN)));
    queue(RT, 42);
    let mut ready = [PollFd::new(fd.as_fd(), PollFlags::IN)];
    assert_eq!(sys::poll(&mut ready, -1), Ok(1));
    let info = fd.read().expect("it has come");
    let me = Some((sys::getpid(), sys::getuid()));
    assert_eq!((info.signal(), info.code()), (RT, SiCode::QUEUE));
    assert_eq!((info.sender(), info.value()), (me, Some(SigVal::new(42))));
    assert!(info.child().is_none() && info.address().is_none() && info.timer().is_none());

    fd.set_nonblocking(false).expect("it is a descriptor");
    fd.set_signals(set).expect("the set is one");
    let info = fd.read().expect("it has come before");
    assert_eq!((info.signal(), info.code()), (Signal::USR1, SiCode::TKILL));
    assert_eq!((info.sender(), info.value()), (me, None));
    let pid = child();
    let info = fd.read().expect("the child ends");
    assert_child(&info, pid);
    bury(pid);
    let ticks = Ticks::begin(SigEvent::signal(RT, SigVal::new(7)));
    let info = fd.read().expect("the time comes");
    assert_timer(&info, &ticks);
}

fn assert_child(info: &SigInfo, pid: sys::Pid) {
    assert_eq!(info.signal(), Signal::CHLD);
    let child = info.child().expect("it is a child's");
    assert_eq!((child.pid, child.uid), (pid, sys::getuid()));
    assert_eq!((child.code, child.status), (ChildCode::EXITED, 3));
    assert!(info.sender().is_none() && info.value().is_none());
}

fn assert_timer(info: &SigInfo, ticks: &Ticks) {
    assert_eq!((info.signal(), info.code()), (RT, SiCode::TIMER));
    assert_eq!(info.value(), Some(SigVal::new(7)));
    let (timer, overrun) = info.timer().expect("it is a timer's");
    // qemu-user counts the timers of its own, for the one that it passes on.
    assert!(timer == ticks.0 || cfg!(not(any(target_arch = "x86", target_arch = "x86_64"))));
    assert!(overrun >= 0);
    assert!(info.sender().is_none() && info.child().is_none());
}

fn causes() {
    let set = SigSet::of(&[RT, Signal::CHLD]);
    let held_back = signal::block(set).expect("the set is one");
    let pid = child();
    assert_child(&signal::wait(set).expect("the child ends"), pid);
    bury(pid);
    let ticks = Ticks::begin(SigEvent::signal(RT, SigVal::new(7)));
    assert_timer(&signal::wait(set).expect("the time comes"), &ticks);
    drop(ticks);
    drop(held_back);

    // A fault's address, and where it was.
    let page = map(4096, Prot::READ);
    handle(Signal::SEGV, Action::siginfo(makes_writable));
    // SAFETY: the handler sees to it that it can be written.
    unsafe { page.cast::<u8>().add(123).write_volatile(1) };
    assert_eq!((runs(), VALUE.load(Relaxed)), (1, page.addr() + 123));
}

fn map(len: usize, prot: Prot) -> Address {
    let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
    // SAFETY: a new mapping takes the place of none.
    unsafe { sys::mmap(ptr::null_mut(), len, prot, flags, None, 0) }.expect("there is memory")
}

extern "C" fn makes_writable(signal: Signal, info: &SigInfo, _: &mut UContext) {
    let address = info.address().expect("it is a fault's");
    assert!(info.sender().is_none() && info.child().is_none() && info.value().is_none());
    let page = address.map_addr(|address| address & !4095);
    // SAFETY: the program's only page that cannot be written is the test's.
    unsafe { sys::mprotect(page, 4096, Prot::READ | Prot::WRITE) }.expect("it is mapped");
    VALUE.store(address.addr(), Relaxed);
    plain(signal);
}

fn alternate_stacks() {
    let on_stack = Action::handler(plain).flags(SaFlags::ONSTACK);
    handle(Signal::USR1, on_stack);
    // SAFETY: asking changes nothing.
    let stack = || unsafe { sys::sigaltstack(None) }.expect("it can be asked");
    let runs_on = || {
        send(Signal::USR1);
        assert_eq!(runs(), 1);
        STACK.load(Relaxed)
    };
    let own = runs_on();
    assert!(own.abs_diff((&raw const own).addr()) < 64 << 10);

    let first = AltStack::new(1000).and_then(AltStack::install);
    let first = first.expect("there is memory");
    let range = |stack: sys::SigStack| {
        let begin = stack.ss_sp.addr();
        begin..begin + stack.ss_size
    };
    let first_range = range(stack());
    assert!(first_range.len() >= 6120);
    assert!(first_range.contains(&runs_on()));
    {
        let second = AltStack::new(100_000).and_then(AltStack::install);
        let _second = second.expect("there is memory");
        assert!(range(stack()).len() > 100_000 && range(stack()).contains(&runs_on()));
    }
    assert_eq!(range(stack()), first_range);
    // Below it is the guard.
    assert!(!is_mapped_to_write(first_range.start - 1));
    assert!(is_mapped_to_write(first_range.start));
    drop(first);
    assert!(runs_on().abs_diff(own) < 64 << 10);
    assert!(!is_mapped_to_write(first_range.start));
    assert!(matches!(AltStack::new(usize::MAX), Err(Errno::ENOMEM)));
    let nearly_all = usize::MAX - (1 << 20);
    assert!(matches!(AltStack::new(nearly_all), Err(Errno::ENOMEM)));

    // In the wrong order, none goes that is still wanted.
    let first = AltStack::new(0).and_then(AltStack::install);
    let first_range = range(stack());
    let second = AltStack::new(0).and_then(AltStack::install);
    drop(first);
    assert!(range(stack()).contains(&runs_on()));
    drop(second);
    assert_eq!(range(stack()), first_range);
    assert!(first_range.contains(&runs_on()));
}

/// Whether the byte at `address` can be written: read(2) says so, of no bytes that come.
fn is_mapped_to_write(address: usize) -> bool {
    let [reader, writer] = sys::pipe().expect("there may be one more");
    sys::write(writer.as_fd(), b"x").expect("there is room");
    // SAFETY: whatever is there, what is written is what is there: nothing is relied on.
    let byte = unsafe { core::slice::from_raw_parts_mut(ptr::without_provenance_mut(address), 1) };
    sys::read(reader.as_fd(), byte) == Ok(1)
}

// probe(values): puts values[0..6] where a system call has its arguments, values[6] into
// the frame pointer, and does an instruction that is none; returns the result register.
#[cfg(target_arch = "x86_64")]
global_asm!(
    // Arguments and registers to be kept: psABI 3.2.1, 3.2.3.
    ".globl probe, probe_trap, probe_end",
    "probe:",
    "push rbp",
    "mov rax, rdi",
    "mov rdi, [rax]",
    "mov rsi, [rax + 8]",
    "mov rdx, [rax + 16]",
    "mov r10, [rax + 24]",
    "mov r8, [rax + 32]",
    "mov r9, [rax + 40]",
    "mov rbp, [rax + 48]",
    "probe_trap: ud2",
    "probe_end: pop rbp",
    "ret",
);
#[cfg(target_arch = "x86")]
global_asm!(
    // The argument is on the stack; ebx, esi, edi, ebp are kept (i386 psABI, 2.2).
    ".globl probe, probe_trap, probe_end",
    "probe:",
    "mov eax, [esp + 4]",
    "push ebx",
    "push esi",
    "push edi",
    "push ebp",
    "mov ebx, [eax]",
    "mov ecx, [eax + 4]",
    "mov edx, [eax + 8]",
    "mov esi, [eax + 12]",
    "mov edi, [eax + 16]",
    // A call's sixth argument is in the frame pointer's register.
    "mov ebp, [eax + 20]",
    "probe_trap: ud2",
    "probe_end: pop ebp",
    "pop edi",
    "pop esi",
    "pop ebx",
    "ret",
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    // x29 is kept (AAPCS64, "General-purpose Registers").
    ".globl probe, probe_trap, probe_end",
    "probe:",
    "str x29, [sp, #-16]!",
    "mov x9, x0",
    "ldp x0, x1, [x9]",
    "ldp x2, x3, [x9, #16]",
    "ldp x4, x5, [x9, #32]",
    "ldr x29, [x9, #48]",
    "probe_trap: .inst 0",
    "probe_end: ldr x29, [sp], #16",
    "ret",
);
#[cfg(target_arch = "riscv64")]
global_asm!(
    // s0 is kept (RISC-V psABI, "Integer Register Convention").
    ".globl probe, probe_trap, probe_end",
    "probe:",
    "addi sp, sp, -16",
    "sd s0, 0(sp)",
    "mv t0, a0",
    "ld a0, 0(t0)",
    "ld a1, 8(t0)",
    "ld a2, 16(t0)",
    "ld a3, 24(t0)",
    "ld a4, 32(t0)",
    "ld a5, 40(t0)",
    "ld s0, 48(t0)",
    "probe_trap: unimp",
    "probe_end: ld s0, 0(sp)",
    "addi sp, sp, 16",
    "ret",
);

unsafe extern "C" {
    unsafe fn probe(values: *const [usize; 7]) -> usize;
    safe static probe_trap: u8;
    safe static probe_end: u8;
}

/// Six arguments, of which the last is the frame pointer too.
const VALUES: [usize; 7] = [
    0x1111_0000,
    0x2222_0000,
    0x3333_0000,
    0x4444_0000,
    0x5555_0000,
    0x6666_0000,
    0x6666_0000,
];
const RESULT: usize = 0x7777_0000;

/// A handler is shown what it interrupted, and can change it.
fn context() {
    handle(Signal::ILL, Action::siginfo(looks));
    let held_back = SigSet::of(&[Signal::USR2, RT]);
    let _held_back = signal::block(held_back).expect("the set is one");
    let here = (&raw const held_back).addr();
    STACK.store(here, Relaxed);
    for round in 1..=3 {
        // SAFETY: it reads seven words, and the handler has it return.
        assert_eq!(unsafe { probe(&VALUES) }, RESULT);
        assert_eq!(RUNS.load(Relaxed), round);
    }
    assert_eq!(signal::mask(), Ok(held_back));
}

extern "C" fn looks(signal: Signal, info: &SigInfo, context: &mut UContext) {
    let trap = (&raw const probe_trap).addr();
    assert_eq!(signal, Signal::ILL);
    assert_eq!(info.address().map(|address| address.addr()), Some(trap));
    assert_eq!(context.pc(), trap);
    for (index, value) in VALUES[..6].iter().enumerate() {
        assert_eq!(context.argument(index), Some(*value), "argument {index}");
    }
    assert_eq!(context.argument(6), None);
    assert_eq!(context.frame_pointer(), VALUES[6]);
    assert_eq!(context.mask(), SigSet::of(&[Signal::USR2, RT]));
    // Below what called, above what the handler has.
    let (above, below) = (STACK.load(Relaxed), (&raw const trap).addr());
    assert!((below..above).contains(&context.sp()));
    assert_eq!(context.alternate_stack().ss_size, 0);
    // SAFETY: behind the instruction, the function goes on with its stack as it is, and
    // returns the result.
    unsafe {
        context.set_result(RESULT);
        assert_eq!(context.result(), RESULT);
        context.set_sp(context.sp());
        context.set_pc((&raw const probe_end).addr());
    }
    RUNS.fetch_add(1, Relaxed);
}

/// Spoils all registers that a called function may change.
extern "C" fn spoils_registers(_: Signal) {
    let bytes = black_box([0xee_u8; 64]);
    let sum: f64 = bytes.iter().map(|&byte| f64::from(byte) * 1.5).sum();
    let mut none = [u64::MAX; VALUES_IN_REGISTERS];
    through_registers(-1, &[0x5a5a_5a5a_5a5a_5a5a; VALUES_IN_REGISTERS], &mut none);
    assert_eq!(none, [0x5a5a_5a5a_5a5a_5a5a; VALUES_IN_REGISTERS]);
    assert_eq!(black_box(sum), 238.0 * 1.5 * 64.0);
    RUNS.fetch_add(1, Relaxed);
}

/// A signal that comes while all floating-point and vector registers that a function may
/// change hold something leaves it there, whatever its handler does to them.
fn registers() {
    handle(Signal::USR1, Action::handler(spoils_registers));
    for round in 1..=100 {
        let values = core::array::from_fn(|i| (i as u64 + round) * 0x0123_4567_89ab_cdef);
        let mut after = [0; VALUES_IN_REGISTERS];
        through_registers(Signal::USR1.0, &values, &mut after);
        assert_eq!(after, values);
        assert_eq!(u64::from(RUNS.load(Relaxed)), round);
    }
}

/// How many words of 8 bytes [`through_registers`] takes through registers.
const VALUES_IN_REGISTERS: usize = if cfg!(target_arch = "x86_64") {
    2 * 16
} else if cfg!(target_arch = "x86") {
    2 * 8
} else if cfg!(target_arch = "aarch64") {
    2 * 24
} else {
    20
};

/// Puts the values into registers, sends the calling thread the signal, and takes them out
/// again. A signal of -1 is refused by the kernel: nothing comes.
fn through_registers(
    signal: i32,
    values: &[u64; VALUES_IN_REGISTERS],
    after: &mut [u64; VALUES_IN_REGISTERS],
) {
    let (process, thread) = (sys::getpid().0, sys::gettid().0);
    let (from, to) = (values.as_ptr(), after.as_mut_ptr());
    // SAFETY: it reads as many values as there are, and writes as many; the registers are
    // those that a called function may change, as `clobber_abi` declares.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
            "movups xmm\\n, [r8 + 16 * \\n]",
            ".endr",
            "syscall",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
            "movups [r9 + 16 * \\n], xmm\\n",
            ".endr",
            inlateout("rax") nr::tgkill as u64 => _,
            in("rdi") process, in("rsi") thread, in("rdx") signal,
            in("r8") from, in("r9") to,
            clobber_abi("C"),
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "x86")]
    unsafe {
        asm!(
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7",
            "movups xmm\\n, [{from} + 16 * \\n]",
            ".endr",
            "push ebx",
            "mov ebx, [{process}]",
            "int 0x80",
            "pop ebx",
            "mov edi, [{process} + 4]",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7",
            "movups [edi + 16 * \\n], xmm\\n",
            ".endr",
            from = in(reg) from,
            process = in(reg) &[process, to.expose_provenance() as i32],
            inlateout("eax") nr::tgkill => _,
            in("ecx") thread, in("edx") signal,
            out("edi") _,
            clobber_abi("C"),
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "mov x11, x9",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
            "ldr q\\n, [x9], #16",
            ".endr",
            "svc #0",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
            "str q\\n, [x10], #16",
            ".endr",
            inlateout("x9") from => _,
            inlateout("x10") to => _,
            in("x8") nr::tgkill as u64,
            inlateout("x0") u64::from(process as u32) => _,
            in("x1") thread, in("x2") signal,
            clobber_abi("C"),
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "riscv64")]
    unsafe {
        asm!(
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31",
            "fld f\\n, 0(t3)",
            "addi t3, t3, 8",
            ".endr",
            "ecall",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31",
            "fsd f\\n, 0(t4)",
            "addi t4, t4, 8",
            ".endr",
            inlateout("t3") from => _,
            inlateout("t4") to => _,
            in("a7") nr::tgkill as u64,
            inlateout("a0") process as u64 => _,
            in("a1") thread, in("a2") signal,
            clobber_abi("C"),
        );
    }
}

fn report_fails() {
    // A program that handles such faults itself keeps its handler.
    let default = handle(Signal::BUS, Action::handler(plain));
    assert_eq!(signal::report_stack_overflow(), Err(Errno::EBUSY));
    handle(Signal::BUS, default);
    in_thread("", || {
        assert_eq!(signal::report_stack_overflow(), Err(Errno::EPERM))
    });
    assert_eq!(signal::report_stack_overflow(), Ok(()));
    // A thread's stack for the report goes with it.
    in_thread("", || {});
    let before = mappings();
    for _ in 0..100 {
        in_thread("", || {});
    }
    assert_eq!(mappings(), before);
    assert_eq!(signal::report_stack_overflow(), Err(Errno::EBUSY));
}

/// How many lines `/proc/self/maps` has.
fn mappings() -> usize {
    let mut file = File::open("/proc/self/maps").expect("/proc is there");
    let mut lines = 0;
    let mut buffer = [0; 4096];
    loop {
        match file.read(&mut buffer).expect("it can be read") {
            0 => return lines,
            read => lines += buffer[..read].iter().filter(|&&byte| byte == b'\n').count(),
        }
    }
}

/// Calls itself until the stack is full.
fn overflow() {
    #[inline(never)]
    fn deeper(depth: usize) -> usize {
        let frame = black_box([depth; 100]);
        match black_box(true) {
            true => deeper(depth + 1) + frame[depth % 100],
            false => 0,
        }
    }
    println!("overflowing");
    let _ = freestand::io::Write::flush(&mut freestand::io::stdout());
    black_box(deeper(0));
}

/// Reads where nothing is.
fn fault() {
    let nothing = black_box(ptr::without_provenance::<u8>(0x10));
    // SAFETY: none: that it faults is what is wanted.
    black_box(unsafe { nothing.read_volatile() });
}

/// Does `body` in a thread of this name, and waits for it.
fn in_thread(name: &str, body: fn()) {
    let thread = Builder::new().name(name).stack_size(128 << 10).spawn(body);
    let Ok(()) = thread.expect("there may be one more").join();
}
