//! Clocks, timers and sleeping.
//!
//! Times have 64 bits everywhere. i386 got calls for them with Linux 5.1; on an older
//! kernel those fail with `ENOSYS`, and the ones that count seconds in 32 bits are
//! made instead ([`or_old`]).

use core::time::Duration;

use linux_raw_sys::general;

use super::kinds::{flags, named};
use super::{BorrowedFd, Errno, Filled, OwnedFd, Result, SigEvent};
use crate::arch::{nr, widest};
use crate::syscalls;

/// A time or a duration in seconds and nanoseconds: timespec(3), the kernel's
/// `__kernel_timespec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct Timespec {
    /// Seconds.
    pub tv_sec: i64,
    /// Nanoseconds: 0 to 999 999 999.
    pub tv_nsec: i64,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Timespec {}

/// A timespec of words, which on a 32-bit machine ends in 2038: the kernel's
/// `__kernel_old_timespec`. Elsewhere it is the same as [`Timespec`].
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct OldTimespec {
    pub(super) tv_sec: isize,
    pub(super) tv_nsec: isize,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for OldTimespec {}

impl From<OldTimespec> for Timespec {
    fn from(old: OldTimespec) -> Timespec {
        Timespec {
            tv_sec: old.tv_sec as i64,
            tv_nsec: old.tv_nsec as i64,
        }
    }
}

impl TryFrom<Timespec> for OldTimespec {
    type Error = Errno;

    /// `EOVERFLOW` if the seconds are too many.
    fn try_from(time: Timespec) -> Result<OldTimespec> {
        Ok(OldTimespec {
            tv_sec: time.tv_sec.try_into().map_err(|_| Errno::EOVERFLOW)?,
            tv_nsec: time.tv_nsec.try_into().map_err(|_| Errno::EINVAL)?,
        })
    }
}

impl OldTimespec {
    /// The timeout, if there is one.
    ///
    /// # Errors
    ///
    /// `EOVERFLOW` if the seconds are too many.
    pub(super) fn from_timeout(timeout: Option<&Timespec>) -> Result<Option<OldTimespec>> {
        timeout.copied().map(OldTimespec::try_from).transpose()
    }
}

/// When a timer expires next, and how often from then on: timer_settime(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Itimerspec {
    /// The time between two expirations; zero if it expires only once.
    pub it_interval: Timespec,
    /// The time until it expires, or the time at which; zero if it does not.
    pub it_value: Timespec,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Itimerspec {}

/// An itimerspec of [`OldTimespec`]s.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct OldItimerspec {
    it_interval: OldTimespec,
    it_value: OldTimespec,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for OldItimerspec {}

impl From<OldItimerspec> for Itimerspec {
    fn from(old: OldItimerspec) -> Itimerspec {
        Itimerspec {
            it_interval: old.it_interval.into(),
            it_value: old.it_value.into(),
        }
    }
}

impl TryFrom<Itimerspec> for OldItimerspec {
    type Error = Errno;

    /// `EOVERFLOW` if the seconds are too many.
    fn try_from(times: Itimerspec) -> Result<OldItimerspec> {
        Ok(OldItimerspec {
            it_interval: times.it_interval.try_into()?,
            it_value: times.it_value.try_into()?,
        })
    }
}

/// A time or a duration in seconds and microseconds: timeval(3), the kernel's
/// `__kernel_sock_timeval`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(C)]
pub struct Timeval {
    /// Seconds.
    pub tv_sec: i64,
    /// Microseconds: 0 to 999 999.
    pub tv_usec: i64,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Timeval {}

/// A duration of more seconds than fit is as many as do.
impl From<Duration> for Timespec {
    fn from(duration: Duration) -> Timespec {
        Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(duration.subsec_nanos()),
        }
    }
}

/// Microseconds that are none become nanoseconds that are none.
impl From<Timeval> for Timespec {
    fn from(time: Timeval) -> Timespec {
        Timespec {
            tv_sec: time.tv_sec,
            tv_nsec: time.tv_usec.saturating_mul(1000),
        }
    }
}

/// The rest of a microsecond is dropped.
impl From<Timespec> for Timeval {
    fn from(time: Timespec) -> Timeval {
        Timeval {
            tv_sec: time.tv_sec,
            tv_usec: time.tv_nsec / 1000,
        }
    }
}

/// When an interval timer expires next, and how often from then on: setitimer(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Itimerval {
    /// The time between two expirations; zero if it expires only once.
    pub it_interval: Timeval,
    /// The time until it expires; zero if it does not.
    pub it_value: Timeval,
}

/// A timeval of words, the kernel's `__kernel_old_timeval`. The calls that use it have
/// no wider successor: durations fit.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct OldTimeval {
    tv_sec: isize,
    tv_usec: isize,
}

impl From<OldTimeval> for Timeval {
    fn from(old: OldTimeval) -> Timeval {
        Timeval {
            tv_sec: old.tv_sec as i64,
            tv_usec: old.tv_usec as i64,
        }
    }
}

impl TryFrom<Timeval> for OldTimeval {
    type Error = Errno;

    /// `EOVERFLOW` if the seconds are too many.
    fn try_from(time: Timeval) -> Result<OldTimeval> {
        Ok(OldTimeval {
            tv_sec: time.tv_sec.try_into().map_err(|_| Errno::EOVERFLOW)?,
            tv_usec: time.tv_usec.try_into().map_err(|_| Errno::EINVAL)?,
        })
    }
}

/// An itimerval of [`OldTimeval`]s.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct OldItimerval {
    it_interval: OldTimeval,
    it_value: OldTimeval,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for OldItimerval {}

impl From<OldItimerval> for Itimerval {
    fn from(old: OldItimerval) -> Itimerval {
        Itimerval {
            it_interval: old.it_interval.into(),
            it_value: old.it_value.into(),
        }
    }
}

impl TryFrom<Itimerval> for OldItimerval {
    type Error = Errno;

    /// `EOVERFLOW` if the seconds are too many.
    fn try_from(times: Itimerval) -> Result<OldItimerval> {
        Ok(OldItimerval {
            it_interval: times.it_interval.try_into()?,
            it_value: times.it_value.try_into()?,
        })
    }
}

/// Whether calls with times have an older form with narrower ones.
pub(super) const TIMES_GREW: bool = nr::clock_gettime != widest::clock_gettime;

/// `result` of the call with 64-bit times, or that of `old` if the kernel does not
/// have it yet.
#[inline(always)]
pub(super) fn or_old<T>(result: Result<T>, old: impl FnOnce() -> Result<T>) -> Result<T> {
    match result {
        Err(Errno::ENOSYS) if TIMES_GREW => old(),
        result => result,
    }
}

/// Makes `call`, one with narrower times, with `time`, and widens what it leaves there.
#[inline]
pub(super) fn with_old<T>(
    time: Option<&mut Timespec>,
    call: impl FnOnce(Option<&mut OldTimespec>) -> Result<T>,
) -> Result<T> {
    let Some(time) = time else {
        return call(None);
    };
    let mut old = OldTimespec::try_from(*time)?;
    let result = call(Some(&mut old));
    *time = old.into();
    result
}

named! {
    /// A clock: clock_gettime(2). The numbers below zero are the processor time of one
    /// process or thread (clock_getcpuclockid(3)), or a device's clock.
    Clock: i32 {
        /// The time of day, since 1970; it may be set.
        REALTIME = general::CLOCK_REALTIME;
        /// Time that only goes forward, from some point on; not while the machine
        /// sleeps.
        MONOTONIC = general::CLOCK_MONOTONIC;
        /// The processor time that the process has used.
        PROCESS_CPUTIME_ID = general::CLOCK_PROCESS_CPUTIME_ID;
        /// The processor time that the thread has used.
        THREAD_CPUTIME_ID = general::CLOCK_THREAD_CPUTIME_ID;
        /// `MONOTONIC`, as the hardware counts, which nobody corrects.
        MONOTONIC_RAW = general::CLOCK_MONOTONIC_RAW;
        /// `REALTIME` as of the last tick: faster, and less exact.
        REALTIME_COARSE = general::CLOCK_REALTIME_COARSE;
        /// `MONOTONIC` as of the last tick: faster, and less exact.
        MONOTONIC_COARSE = general::CLOCK_MONOTONIC_COARSE;
        /// `MONOTONIC` that goes on while the machine sleeps.
        BOOTTIME = general::CLOCK_BOOTTIME;
        /// `REALTIME`, whose timers wake the machine.
        REALTIME_ALARM = general::CLOCK_REALTIME_ALARM;
        /// `BOOTTIME`, whose timers wake the machine.
        BOOTTIME_ALARM = general::CLOCK_BOOTTIME_ALARM;
        /// International atomic time: `REALTIME` without leap seconds.
        TAI = general::CLOCK_TAI;
    }
    /// A timer of [`timer_create`].
    TimerId: i32 {}
    /// One of the process's interval timers: setitimer(2).
    ItimerWhich: i32 {
        /// Counts time, and sends SIGALRM.
        REAL = general::ITIMER_REAL;
        /// Counts the process's own processor time, and sends SIGVTALRM.
        VIRTUAL = general::ITIMER_VIRTUAL;
        /// Counts the process's processor time, the kernel's for it too, and sends
        /// SIGPROF.
        PROF = general::ITIMER_PROF;
    }
}

flags! {
    /// How a time is meant: clock_nanosleep(2), timer_settime(2).
    TimerFlags: u32 {
        /// It is a time of the clock, not a duration from now on.
        ABSTIME = general::TIMER_ABSTIME;
    }
    /// How a timer's descriptor is made: timerfd_create(2).
    TfdFlags: u32 {
        /// It does not survive execve.
        CLOEXEC = general::TFD_CLOEXEC;
        /// No read waits.
        NONBLOCK = general::TFD_NONBLOCK;
    }
    /// How a timer's time is meant: timerfd_settime(2).
    TfdTimerFlags: u32 {
        /// It is a time of the clock, not a duration from now on.
        ABSTIME = general::TFD_TIMER_ABSTIME;
        /// With `ABSTIME` and a clock that may be set: if somebody does, a read fails
        /// with `ECANCELED`.
        CANCEL_ON_SET = general::TFD_TIMER_CANCEL_ON_SET;
    }
}

syscalls! {
    part sys clock_gettime_new(clock: Clock, time: out Timespec) -> Result<Timespec>
        = widest::clock_gettime;
    part sys clock_gettime_old(clock: Clock, time: out OldTimespec) -> Result<OldTimespec>
        = nr::clock_gettime;
    /// What the clock says: clock_gettime(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such clock.
    wrap clock_gettime(clock: Clock) -> Result<Timespec> {
        or_old(clock_gettime_new(clock), || clock_gettime_old(clock).map(Timespec::from))
    }

    part sys clock_settime_new(clock: Clock, time: &Timespec) -> Result<()>
        = widest::clock_settime;
    part sys clock_settime_old(clock: Clock, time: &OldTimespec) -> Result<()>
        = nr::clock_settime;
    /// Sets the clock: clock_settime(2).
    ///
    /// # Errors
    ///
    /// `EPERM` without the capability to, `EINVAL` if there is no such clock, it cannot
    /// be set, or `time` is none.
    wrap clock_settime(clock: Clock, time: &Timespec) -> Result<()> {
        or_old(clock_settime_new(clock, time), || {
            clock_settime_old(clock, &OldTimespec::try_from(*time)?)
        })
    }

    part sys clock_getres_new(clock: Clock, resolution: out Timespec) -> Result<Timespec>
        = widest::clock_getres;
    part sys clock_getres_old(clock: Clock, resolution: out OldTimespec) -> Result<OldTimespec>
        = nr::clock_getres;
    /// The clock's resolution: clock_getres(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such clock.
    wrap clock_getres(clock: Clock) -> Result<Timespec> {
        or_old(clock_getres_new(clock), || clock_getres_old(clock).map(Timespec::from))
    }

    part sysblk clock_nanosleep_new(
        clock: Clock,
        flags: TimerFlags,
        request: &Timespec,
        remain: Option<&mut Timespec>
    ) -> Result<()> = widest::clock_nanosleep;
    part sysblk clock_nanosleep_old(
        clock: Clock,
        flags: TimerFlags,
        request: &OldTimespec,
        remain: &mut OldTimespec
    ) -> Result<()> = nr::clock_nanosleep;
    /// Sleeps for the time `request`, or until then (`ABSTIME`): clock_nanosleep(2).
    /// If a signal ends the sleep, what is left of a duration goes to `remain`.
    ///
    /// # Errors
    ///
    /// `EINTR` if a handler ran, `EINVAL` if there is no such clock, it cannot be slept
    /// by, or `request` is no time.
    wrap clock_nanosleep(
        clock: Clock,
        flags: TimerFlags,
        request: &Timespec,
        remain: Option<&mut Timespec>,
    ) -> Result<()> {
        let mut remain = remain;
        or_old(clock_nanosleep_new(clock, flags, request, remain.as_deref_mut()), || {
            let mut left = OldTimespec::default();
            let slept =
                clock_nanosleep_old(clock, flags, &OldTimespec::try_from(*request)?, &mut left);
            if slept == Err(Errno::EINTR)
                && !flags.contains(TimerFlags::ABSTIME)
                && let Some(remain) = remain
            {
                *remain = left.into();
            }
            slept
        })
    }

    /// Sleeps for the time `request`: nanosleep(2), by [`clock_nanosleep`]. If a signal
    /// ends the sleep, what is left goes to `remain`.
    ///
    /// # Errors
    ///
    /// `EINTR` if a handler ran, `EINVAL` if `request` is no time.
    wrap nanosleep(request: &Timespec, remain: Option<&mut Timespec>) -> Result<()> {
        // The one that nanosleep(2) counts by.
        clock_nanosleep(Clock::MONOTONIC, TimerFlags::empty(), request, remain)
    }

    /// The time of day: gettimeofday(2), by [`clock_gettime`].
    ///
    /// # Errors
    ///
    /// None.
    wrap gettimeofday() -> Result<Timeval> {
        clock_gettime(Clock::REALTIME).map(|time| Timeval {
            tv_sec: time.tv_sec,
            tv_usec: time.tv_nsec / 1000,
        })
    }

    /// Makes a timer that counts by `clock` and does `event` when it expires; without
    /// one it sends SIGALRM: timer_create(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such clock or `event` is none, `EAGAIN`, `ENOMEM`,
    /// `EOPNOTSUPP` if the clock has no timers, `EPERM` for the clocks that wake the
    /// machine.
    sys timer_create(clock: Clock, event: Option<&SigEvent>, timer: out TimerId) -> Result<TimerId>;

    part sys timer_settime_new(
        timer: TimerId,
        flags: TimerFlags,
        new: &Itimerspec,
        old: out Itimerspec
    ) -> Result<Itimerspec> = widest::timer_settime;
    part sys timer_settime_old(
        timer: TimerId,
        flags: TimerFlags,
        new: &OldItimerspec,
        old: out OldItimerspec
    ) -> Result<OldItimerspec> = nr::timer_settime;
    /// Says when the timer expires, and returns when it would have: timer_settime(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such timer, or the times are none.
    wrap timer_settime(timer: TimerId, flags: TimerFlags, new: &Itimerspec) -> Result<Itimerspec> {
        or_old(timer_settime_new(timer, flags, new), || {
            timer_settime_old(timer, flags, &OldItimerspec::try_from(*new)?).map(Itimerspec::from)
        })
    }

    part sys timer_gettime_new(timer: TimerId, times: out Itimerspec) -> Result<Itimerspec>
        = widest::timer_gettime;
    part sys timer_gettime_old(timer: TimerId, times: out OldItimerspec) -> Result<OldItimerspec>
        = nr::timer_gettime;
    /// In which time the timer expires: timer_gettime(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such timer.
    wrap timer_gettime(timer: TimerId) -> Result<Itimerspec> {
        or_old(timer_gettime_new(timer), || timer_gettime_old(timer).map(Itimerspec::from))
    }

    /// How often the timer had expired again by the time its last signal came:
    /// timer_getoverrun(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such timer.
    sys timer_getoverrun(timer: TimerId) -> Result<u32>;

    /// Takes the timer away: timer_delete(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such timer.
    sys timer_delete(timer: TimerId) -> Result<()>;

    /// Makes a timer whose expirations are read from a descriptor, as a `u64` that
    /// counts them: timerfd_create(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such clock or flag, `EMFILE`, `ENFILE`, `ENOMEM`, `EPERM`
    /// for the clocks that wake the machine.
    sys timerfd_create(clock: Clock, flags: TfdFlags) -> Result<OwnedFd>;

    part sys timerfd_settime_new(
        fd: BorrowedFd<'_>,
        flags: TfdTimerFlags,
        new: &Itimerspec,
        old: out Itimerspec
    ) -> Result<Itimerspec> = widest::timerfd_settime;
    part sys timerfd_settime_old(
        fd: BorrowedFd<'_>,
        flags: TfdTimerFlags,
        new: &OldItimerspec,
        old: out OldItimerspec
    ) -> Result<OldItimerspec> = nr::timerfd_settime;
    /// Says when the timer expires, and returns when it would have: timerfd_settime(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if `fd` is no timer, or the times or the flags are none, `EBADF`,
    /// `ECANCELED`.
    wrap timerfd_settime(
        fd: BorrowedFd<'_>,
        flags: TfdTimerFlags,
        new: &Itimerspec,
    ) -> Result<Itimerspec> {
        or_old(timerfd_settime_new(fd, flags, new), || {
            timerfd_settime_old(fd, flags, &OldItimerspec::try_from(*new)?).map(Itimerspec::from)
        })
    }

    part sys timerfd_gettime_new(fd: BorrowedFd<'_>, times: out Itimerspec) -> Result<Itimerspec>
        = widest::timerfd_gettime;
    part sys timerfd_gettime_old(fd: BorrowedFd<'_>, times: out OldItimerspec)
        -> Result<OldItimerspec> = nr::timerfd_gettime;
    /// In which time the timer expires: timerfd_gettime(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if `fd` is no timer, `EBADF`.
    wrap timerfd_gettime(fd: BorrowedFd<'_>) -> Result<Itimerspec> {
        or_old(timerfd_gettime_new(fd), || timerfd_gettime_old(fd).map(Itimerspec::from))
    }

    part sysnb getitimer_words(which: ItimerWhich, times: out OldItimerval) -> Result<OldItimerval>
        = nr::getitimer;
    /// In which time the interval timer expires: getitimer(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such timer.
    wrap getitimer(which: ItimerWhich) -> Result<Itimerval> {
        getitimer_words(which).map(Itimerval::from)
    }

    part sysnb setitimer_words(which: ItimerWhich, new: &OldItimerval, old: out OldItimerval)
        -> Result<OldItimerval> = nr::setitimer;
    /// Says when the interval timer expires, and returns when it would have:
    /// setitimer(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such timer, or the times are none; `EOVERFLOW` if their
    /// seconds are more than a word.
    wrap setitimer(which: ItimerWhich, new: &Itimerval) -> Result<Itimerval> {
        setitimer_words(which, &OldItimerval::try_from(*new)?).map(Itimerval::from)
    }

    /// Sends the process SIGALRM in so many seconds, or not if 0: alarm(2), by
    /// [`setitimer`]. Returns how many were left of an earlier alarm; 0 if there was
    /// none.
    wrap alarm(seconds: u32) -> u32 {
        let word = isize::try_from(seconds).unwrap_or(isize::MAX);
        let new = Itimerval {
            it_value: Timeval { tv_sec: word as i64, tv_usec: 0 },
            ..Itimerval::default()
        };
        // It exists, and the time is one.
        let old = setitimer(ItimerWhich::REAL, &new).unwrap_or_default().it_value;
        // The nearest number, but not 0 while there is an alarm: as alarm(2) does.
        let rounds_up = old.tv_usec >= 500_000 || (old.tv_sec == 0 && old.tv_usec > 0);
        old.tv_sec as u32 + u32::from(rounds_up)
    }
}
