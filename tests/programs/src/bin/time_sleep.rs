//! Sleeps while signals come again and again. With an argument, sleeps for ever: the
//! tenth signal ends it with status 0. With two, on a kernel that has only calls with
//! narrow times.

#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use freestand::arch::{nr, widest};
use freestand::env::Args;
use freestand::process::_exit;
use freestand::sys::{
    self, ItimerWhich, Itimerval, SaFlags, SigAction, SigHandler, SigInfo, SigSet, Signal, Timeval,
    UContext,
};
use freestand::time::{Duration, Instant, SystemTime, sleep};
use freestand::{random, thread};
use test_programs::child::without_calls;

freestand::entry!(main);

static SIGNALS: AtomicU32 = AtomicU32::new(0);
/// How many signals end the program.
static LAST: AtomicU32 = AtomicU32::new(u32::MAX);

/// Asks for all that the vDSO tells, whatever it interrupts.
extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {
    let _ = (Instant::now(), SystemTime::now(), thread::getcpu());
    let _ = random::fill(&mut [0; 8]);
    if SIGNALS.fetch_add(1, Relaxed) + 1 == LAST.load(Relaxed) {
        _exit(0);
    }
}

/// Has a signal come each millisecond.
fn storm() {
    let action = SigAction {
        sa_handler: SigHandler::Function(handler),
        sa_flags: SaFlags::empty(),
        sa_mask: SigSet::empty(),
    };
    // SAFETY: the handler calls nothing that a handler may not.
    unsafe { sys::rt_sigaction(Signal::ALRM, Some(&action)) }.expect("it can be handled");
    let tick = Timeval {
        tv_sec: 0,
        tv_usec: 1000,
    };
    let ticks = Itimerval {
        it_interval: tick,
        it_value: tick,
    };
    sys::setitimer(ItimerWhich::REAL, &ticks).expect("the time is one");
}

fn main(args: Args) -> i32 {
    match args.len() {
        0 | 1 => through_signals(),
        2 => for_ever(),
        _ => {
            let calls = [widest::clock_nanosleep, widest::clock_gettime];
            assert!(calls != [nr::clock_nanosleep, nr::clock_gettime]);
            without_calls(&calls, || {
                for_ever();
                _exit(1);
            });
            0
        }
    }
}

fn through_signals() -> i32 {
    storm();
    for milliseconds in [0, 1, 30, 50] {
        let duration = Duration::from_millis(milliseconds);
        let begin = Instant::now();
        sleep(duration);
        assert!(begin.elapsed() >= duration);
    }
    assert!(SIGNALS.load(Relaxed) > 1, "no storm");
    // Handlers interrupt the vDSO's functions too, and call them.
    let begin = SIGNALS.load(Relaxed);
    while SIGNALS.load(Relaxed) < begin + 10 {
        let mut bytes = [0; 512];
        random::fill(&mut bytes).expect("every kernel has it");
        assert!(bytes[256..] != bytes[..256]);
        let _ = Instant::now();
    }
    0
}

fn for_ever() -> i32 {
    LAST.store(10, Relaxed);
    storm();
    sleep(Duration::MAX);
    1
}
