//! Clocks, sleeping, timers.

#![no_std]
#![no_main]

use freestand::sys::{
    self, Clock, Errno, ItimerWhich, Itimerspec, Itimerval, MaskHow, STDOUT, SaFlags, SiCode,
    SigAction, SigEvent, SigHandler, SigInfo, SigSet, SigVal, Signal, TfdFlags, TfdTimerFlags,
    TimerFlags, TimerId, Timespec, Timeval, UContext,
};
use test_programs::{err, ok, seen};

freestand::entry!(main);

/// Between the clocks that there are and the auxiliary ones of new kernels.
const NO_CLOCK: Clock = Clock(15);
/// Too many nanoseconds.
const NO_TIME: Timespec = nanoseconds(1_000_000_000);
const HOUR: Timespec = Timespec {
    tv_sec: 3600,
    tv_nsec: 0,
};
const NEVER: Itimerspec = Itimerspec {
    it_interval: nanoseconds(0),
    it_value: nanoseconds(0),
};
const MILLISECOND: Timespec = nanoseconds(1_000_000);
/// Once a millisecond, from the next one on.
const TICKS: Itimerspec = Itimerspec {
    it_interval: MILLISECOND,
    it_value: MILLISECOND,
};
/// In an hour, and then no more.
const LATE: Itimerspec = Itimerspec {
    it_interval: nanoseconds(0),
    it_value: HOUR,
};

fn main() {
    clocks();
    setting_a_clock();
    sleeping();
    being_woken();
    timers();
    timers_with_descriptors();
    interval_timers();
}

const fn nanoseconds(tv_nsec: i64) -> Timespec {
    Timespec { tv_sec: 0, tv_nsec }
}

fn monotonic() -> Timespec {
    sys::clock_gettime(Clock::MONOTONIC).expect("every kernel has it")
}

fn after(time: Timespec, duration: Timespec) -> Timespec {
    let nanoseconds = time.tv_nsec + duration.tv_nsec;
    Timespec {
        tv_sec: time.tv_sec + duration.tv_sec + nanoseconds / 1_000_000_000,
        tv_nsec: nanoseconds % 1_000_000_000,
    }
}

/// Whether it is what is left of an hour that has just begun.
fn is_nearly_an_hour(time: Timespec) -> bool {
    time <= HOUR && time.tv_sec >= 3000
}

fn clocks() {
    let first = ok!(clock_gettime(Clock::MONOTONIC));
    let second = ok!(clock_gettime(Clock::MONOTONIC));
    assert!(first <= second && second.tv_nsec < 1_000_000_000);
    err!(EINVAL, clock_gettime(NO_CLOCK));

    let resolution = ok!(clock_getres(Clock::MONOTONIC_COARSE));
    assert!(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    err!(EINVAL, clock_getres(NO_CLOCK));

    // Somebody may set it in between.
    let now = ok!(gettimeofday());
    let then = sys::clock_gettime(Clock::REALTIME).expect("every kernel has it");
    assert!((then.tv_sec - now.tv_sec).abs() <= 60 && (0..1_000_000).contains(&now.tv_usec));
    assert!(
        now.tv_sec > 1_700_000_000,
        "{now:?} is before this was written"
    );
}

/// Nothing sets a clock that everybody uses without being noticed, but to what it shows
/// is next to nothing. Most processes may not.
fn setting_a_clock() {
    err!(EINVAL, clock_settime(Clock::REALTIME, &NO_TIME));
    err!(EINVAL, clock_settime(Clock::MONOTONIC, &monotonic()));
    let now = sys::clock_gettime(Clock::REALTIME).expect("every kernel has it");
    match sys::clock_settime(Clock::REALTIME, &now) {
        Err(Errno::EPERM) => err!(EPERM, clock_settime(Clock::REALTIME, &now)),
        set => {
            set.expect("the time is one");
            seen!(clock_settime);
        }
    }
}

fn sleeping() {
    let begin = monotonic();
    ok!(nanosleep(&MILLISECOND, None));
    assert!(monotonic() >= after(begin, MILLISECOND));
    err!(EINVAL, nanosleep(&NO_TIME, None));

    let begin = monotonic();
    ok!(clock_nanosleep(
        Clock::MONOTONIC,
        TimerFlags::empty(),
        &MILLISECOND,
        None
    ));
    let end = after(monotonic(), MILLISECOND);
    assert!(end >= after(begin, MILLISECOND));
    ok!(clock_nanosleep(
        Clock::MONOTONIC,
        TimerFlags::ABSTIME,
        &end,
        None
    ));
    assert!(monotonic() >= end);
    err!(
        EINVAL,
        clock_nanosleep(NO_CLOCK, TimerFlags::empty(), &MILLISECOND, None)
    );
}

extern "C" fn nothing(_: Signal, _: &SigInfo, _: &mut UContext) {}

/// Does `sleep` while SIGALRM comes again and again: the first may come too early.
fn ticking<T>(sleep: impl FnOnce() -> T) -> T {
    let action = SigAction {
        sa_handler: SigHandler::Function(nothing),
        sa_flags: SaFlags::empty(),
        sa_mask: SigSet::empty(),
    };
    // SAFETY: the handler does nothing.
    unsafe { sys::rt_sigaction(Signal::ALRM, Some(&action)) }.expect("it can be handled");
    let tick = Timeval {
        tv_sec: 0,
        tv_usec: 5000,
    };
    let ticks = Itimerval {
        it_interval: tick,
        it_value: tick,
    };
    sys::setitimer(ItimerWhich::REAL, &ticks).expect("the time is one");
    let slept = sleep();
    sys::setitimer(ItimerWhich::REAL, &Itimerval::default()).expect("the time is one");
    slept
}

fn being_woken() {
    let mut left = Timespec::default();
    ticking(|| err!(EINTR, nanosleep(&HOUR, Some(&mut left))));
    assert!(is_nearly_an_hour(left), "{left:?}");

    let mut left = Timespec::default();
    let clock = Clock::BOOTTIME;
    ticking(|| {
        err!(
            EINTR,
            clock_nanosleep(clock, TimerFlags::empty(), &HOUR, Some(&mut left))
        )
    });
    assert!(is_nearly_an_hour(left), "{left:?}");

    // Of a time there is nothing left.
    let late = after(monotonic(), HOUR);
    let mut left = MILLISECOND;
    let clock = Clock::MONOTONIC;
    ticking(|| {
        err!(
            EINTR,
            clock_nanosleep(clock, TimerFlags::ABSTIME, &late, Some(&mut left))
        )
    });
    assert_eq!(left, MILLISECOND);
}

fn timers() {
    let set = SigSet::of(&[Signal::RTMIN]);
    sys::rt_sigprocmask(MaskHow::BLOCK, Some(&set)).expect("it is a set");
    let event = SigEvent::signal(Signal::RTMIN, SigVal::new(0x1234_5678));
    let timer = ok!(timer_create(Clock::MONOTONIC, Some(&event)));
    let silent = ok!(timer_create(Clock::REALTIME, Some(&SigEvent::NONE)));
    let own = SigEvent::thread(sys::gettid(), Signal::RTMIN, SigVal::new(2));
    let own = ok!(timer_create(Clock::MONOTONIC, Some(&own)));
    assert!(timer != silent && silent != own);
    err!(EINVAL, timer_create(NO_CLOCK, None));
    let wrong = SigEvent::signal(Signal(Signal::RTMAX.0 + 1), SigVal::new(0));
    err!(EINVAL, timer_create(Clock::MONOTONIC, Some(&wrong)));

    assert_eq!(
        ok!(timer_settime(silent, TimerFlags::empty(), &LATE)),
        NEVER
    );
    assert!(is_nearly_an_hour(ok!(timer_gettime(silent)).it_value));
    let tomorrow = Timespec {
        tv_sec: 86_400,
        tv_nsec: 0,
    };
    let now = sys::clock_gettime(Clock::REALTIME).expect("every kernel has it");
    let at = Itimerspec {
        it_value: after(now, tomorrow),
        ..LATE
    };
    let before = ok!(timer_settime(silent, TimerFlags::ABSTIME, &at));
    assert!(is_nearly_an_hour(before.it_value) && before.it_interval == nanoseconds(0));
    assert!((80_000..90_000).contains(&ok!(timer_gettime(silent)).it_value.tv_sec));

    // Ticks that nobody takes are counted.
    assert_eq!(
        ok!(timer_settime(timer, TimerFlags::empty(), &TICKS)),
        NEVER
    );
    sys::nanosleep(&nanoseconds(10_000_000), None).expect("nothing interrupts it");
    let mut info = SigInfo::zeroed();
    let signal = sys::rt_sigtimedwait(&set, Some(&mut info), None);
    assert_eq!(signal, Ok(Signal::RTMIN));
    assert_eq!(info.code(), SiCode::TIMER);
    assert_eq!(info.value(), Some(SigVal::new(0x1234_5678)));
    let overrun = ok!(timer_getoverrun(timer));
    assert!(overrun > 0);
    let (_, told) = info.timer().expect("it is a timer's");
    assert_eq!(overrun, told.cast_unsigned());
    assert_eq!(
        ok!(timer_settime(timer, TimerFlags::empty(), &NEVER)).it_interval,
        MILLISECOND
    );
    assert_eq!(ok!(timer_gettime(timer)), NEVER);
    while sys::rt_sigtimedwait(&set, None, Some(&nanoseconds(0))).is_ok() {}

    sys::timer_settime(own, TimerFlags::empty(), &TICKS).expect("the time is one");
    let signal = sys::rt_sigtimedwait(&set, Some(&mut info), None);
    assert_eq!(signal, Ok(Signal::RTMIN));
    assert_eq!(info.value(), Some(SigVal::new(2)));

    let wrong = Itimerspec {
        it_value: NO_TIME,
        ..NEVER
    };
    err!(EINVAL, timer_settime(timer, TimerFlags::empty(), &wrong));
    for timer in [timer, silent, own] {
        ok!(timer_delete(timer));
    }
    for none in [timer, TimerId(-1)] {
        err!(EINVAL, timer_gettime(none));
        err!(EINVAL, timer_settime(none, TimerFlags::empty(), &NEVER));
        err!(EINVAL, timer_getoverrun(none));
        err!(EINVAL, timer_delete(none));
    }
    // The last one's signal may have come.
    while sys::rt_sigtimedwait(&set, None, Some(&nanoseconds(0))).is_ok() {}
    sys::rt_sigprocmask(MaskHow::UNBLOCK, Some(&set)).expect("it is a set");
}

fn timers_with_descriptors() {
    let timer = ok!(timerfd_create(Clock::MONOTONIC, TfdFlags::CLOEXEC));
    let timer = timer.as_fd();
    let patient = ok!(timerfd_create(Clock::REALTIME, TfdFlags::NONBLOCK));
    let patient = patient.as_fd();
    err!(EINVAL, timerfd_create(NO_CLOCK, TfdFlags::empty()));
    err!(
        EINVAL,
        timerfd_create(Clock::MONOTONIC, TfdFlags::from_bits_retain(1))
    );
    let mut count = [0; 8];

    assert_eq!(ok!(timerfd_gettime(patient)), NEVER);
    assert_eq!(
        ok!(timerfd_settime(patient, TfdTimerFlags::empty(), &LATE)),
        NEVER
    );
    assert!(is_nearly_an_hour(ok!(timerfd_gettime(patient)).it_value));
    assert_eq!(sys::read(patient, &mut count), Err(Errno::EAGAIN));
    let past = Itimerspec {
        it_value: MILLISECOND,
        ..NEVER
    };
    let before = ok!(timerfd_settime(patient, TfdTimerFlags::ABSTIME, &past));
    assert!(is_nearly_an_hour(before.it_value));
    assert_eq!(sys::read(patient, &mut count), Ok(8));
    assert_eq!(u64::from_ne_bytes(count), 1);

    ok!(timerfd_settime(timer, TfdTimerFlags::empty(), &TICKS));
    sys::nanosleep(&nanoseconds(5_000_000), None).expect("nothing interrupts it");
    assert_eq!(sys::read(timer, &mut count), Ok(8));
    assert!(u64::from_ne_bytes(count) > 1);
    assert_eq!(ok!(timerfd_gettime(timer)).it_interval, MILLISECOND);

    let wrong = Itimerspec {
        it_value: NO_TIME,
        ..NEVER
    };
    err!(
        EINVAL,
        timerfd_settime(timer, TfdTimerFlags::empty(), &wrong)
    );
    err!(
        EINVAL,
        timerfd_settime(STDOUT, TfdTimerFlags::empty(), &LATE)
    );
    err!(EINVAL, timerfd_gettime(STDOUT));
}

fn interval_timers() {
    let hour = Timeval {
        tv_sec: 3600,
        tv_usec: 0,
    };
    // Processor time is rounded up.
    let nearly_an_hour = |time: Timeval| (3000..=3600).contains(&time.tv_sec);
    let new = Itimerval {
        it_interval: Timeval {
            tv_sec: 7,
            tv_usec: 500_000,
        },
        it_value: hour,
    };
    for which in [ItimerWhich::REAL, ItimerWhich::VIRTUAL, ItimerWhich::PROF] {
        assert_eq!(ok!(setitimer(which, &new)), Itimerval::default());
        let now = ok!(getitimer(which));
        assert_eq!(now.it_interval, new.it_interval);
        assert!(nearly_an_hour(now.it_value));
        let before = ok!(setitimer(which, &Itimerval::default()));
        assert_eq!(before.it_interval, new.it_interval);
        assert!(nearly_an_hour(before.it_value));
        assert_eq!(ok!(getitimer(which)), Itimerval::default());
    }
    err!(EINVAL, getitimer(ItimerWhich(3)));
    err!(EINVAL, setitimer(ItimerWhich(3), &new));
    let wrong = Itimerval {
        it_value: Timeval {
            tv_sec: 0,
            tv_usec: 1_000_000,
        },
        ..new
    };
    err!(EINVAL, setitimer(ItimerWhich::REAL, &wrong));

    assert_eq!(sys::alarm(3600), 0);
    assert!(nearly_an_hour(
        sys::getitimer(ItimerWhich::REAL)
            .expect("it is there")
            .it_value
    ));
    assert!((3000..=3600).contains(&sys::alarm(u32::MAX)));
    assert!(sys::alarm(0) > u32::MAX / 2 - 600);
    assert_eq!(sys::alarm(0), 0);
    assert_eq!(sys::getitimer(ItimerWhich::REAL), Ok(Itimerval::default()));
    // Less than a second is one; it may pass before anybody asks.
    let soon = Itimerval {
        it_value: Timeval {
            tv_sec: 0,
            tv_usec: 400_000,
        },
        ..Itimerval::default()
    };
    assert!((0..10).any(|_| {
        sys::setitimer(ItimerWhich::REAL, &soon).expect("the time is one");
        sys::alarm(0) == 1
    }));
    seen!(alarm);
}
