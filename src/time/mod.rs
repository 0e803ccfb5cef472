//! Clocks and sleeping.
//!
//! [`Instant`] and [`SystemTime`] are std's, by name and meaning; so is [`sleep`], which
//! std has in its module `thread`. Clocks are read through the vDSO
//! ([`startup::vdso`](crate::startup::vdso)), without a system call where there is one.
//! Times have 64 bits everywhere, on i386 too.

mod timespec;

use core::error::Error;
use core::fmt;
use core::mem::MaybeUninit;
use core::ops::{Add, AddAssign, Sub, SubAssign};

pub use core::time::Duration;

use crate::startup::vdso;
use crate::sys::{self, Clock, Errno, OldTimespec, Result, TimerFlags, Timespec, Timeval};

/// What the clock says: clock_gettime(2), by the vDSO where it has that clock.
///
/// # Errors
///
/// `EINVAL` if there is no such clock.
#[inline]
pub fn clock_gettime(clock: Clock) -> Result<Timespec> {
    let mut time = MaybeUninit::uninit();
    // SAFETY: the function fills a timespec, and there is room for one.
    if unsafe { vdso::clock_gettime(clock.0, time.as_mut_ptr()) } == 0 {
        // SAFETY: the function succeeded.
        return Ok(unsafe { time.assume_init() });
    }
    sys::clock_gettime(clock)
}

/// The clock's resolution: clock_getres(2), by the vDSO where it has that clock.
///
/// # Errors
///
/// `EINVAL` if there is no such clock.
pub fn clock_getres(clock: Clock) -> Result<Timespec> {
    let mut resolution = OldTimespec::default();
    // SAFETY: the function fills a timespec of words, and there is one.
    if unsafe { vdso::clock_getres(clock.0, &raw mut resolution) } == 0 {
        return Ok(resolution.into());
    }
    sys::clock_getres(clock)
}

/// The time of day: gettimeofday(2), by [`clock_gettime`].
///
/// # Errors
///
/// None.
pub fn gettimeofday() -> Result<Timeval> {
    clock_gettime(Clock::REALTIME).map(Timeval::from)
}

/// What a clock says that each kernel has.
///
/// # Panics
///
/// If it cannot be read, as under a seccomp filter that allows no clock.
#[inline]
fn now(clock: Clock) -> Timespec {
    match clock_gettime(clock) {
        Ok(time) => time,
        Err(_) => panic!("the clock cannot be read"),
    }
}

/// A point in time of a clock that only goes forward: `CLOCK_MONOTONIC`, which does not
/// count while the machine sleeps. It is good for measuring how long something takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Timespec);

impl Instant {
    /// Now.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read, as under a seccomp filter that allows no clock.
    #[inline]
    pub fn now() -> Instant {
        Instant(now(Clock::MONOTONIC))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// How long after `earlier` this is; `None` if it is before.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        timespec::since(self.0, earlier.0).ok()
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.checked_duration_since(earlier).unwrap_or_default()
    }

    /// How long ago this was; zero if it is to come.
    ///
    /// # Panics
    ///
    /// As [`Instant::now`].
    pub fn elapsed(&self) -> Duration {
        Instant::now() - *self
    }

    /// The point in time that is `duration` later; `None` if it has no number.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        timespec::checked_add(self.0, duration).map(Instant)
    }

    /// The point in time that is `duration` earlier; `None` if it has no number.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        timespec::checked_sub(self.0, duration).map(Instant)
    }
}

/// How long after the other this is; zero if it is not.
impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

/// A point in time of the clock on the wall: `CLOCK_REALTIME`. It may be set, forward and
/// back; of two points in time the second may be the earlier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(Timespec);

/// The beginning of 1970, in UTC, from which the clock on the wall counts.
pub const UNIX_EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

impl SystemTime {
    /// The beginning of 1970, in UTC, from which the clock counts.
    pub const UNIX_EPOCH: SystemTime = SystemTime(Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    });

    /// Now.
    ///
    /// # Panics
    ///
    /// If the clock cannot be read, as under a seccomp filter that allows no clock.
    #[inline]
    pub fn now() -> SystemTime {
        SystemTime(now(Clock::REALTIME))
    }

    /// How long after `earlier` this is.
    ///
    /// # Errors
    ///
    /// If it is before, with how long before.
    pub fn duration_since(
        &self,
        earlier: SystemTime,
    ) -> core::result::Result<Duration, SystemTimeError> {
        timespec::since(self.0, earlier.0).map_err(SystemTimeError)
    }

    /// How long ago this was.
    ///
    /// # Errors
    ///
    /// If it is to come, with in which time.
    ///
    /// # Panics
    ///
    /// As [`SystemTime::now`].
    pub fn elapsed(&self) -> core::result::Result<Duration, SystemTimeError> {
        SystemTime::now().duration_since(*self)
    }

    /// The point in time that is `duration` later; `None` if it has no number.
    pub fn checked_add(&self, duration: Duration) -> Option<SystemTime> {
        timespec::checked_add(self.0, duration).map(SystemTime)
    }

    /// The point in time that is `duration` earlier; `None` if it has no number.
    pub fn checked_sub(&self, duration: Duration) -> Option<SystemTime> {
        timespec::checked_sub(self.0, duration).map(SystemTime)
    }
}

/// A file's time, as [`fs::Metadata`](crate::fs::Metadata) has it. Nanoseconds that are
/// none count all the same.
impl From<Timespec> for SystemTime {
    fn from(time: Timespec) -> SystemTime {
        SystemTime(timespec::normal(time))
    }
}

/// What both points in time have in common: durations are added and taken away.
macro_rules! moves {
    ($($time:ident)*) => {$(
        /// # Panics
        ///
        /// If the sum has no number.
        impl Add<Duration> for $time {
            type Output = $time;

            fn add(self, duration: Duration) -> $time {
                self.checked_add(duration)
                    .expect("overflow when adding a duration to a time")
            }
        }

        /// # Panics
        ///
        /// If the sum has no number.
        impl AddAssign<Duration> for $time {
            fn add_assign(&mut self, duration: Duration) {
                *self = *self + duration;
            }
        }

        /// # Panics
        ///
        /// If the difference has no number.
        impl Sub<Duration> for $time {
            type Output = $time;

            fn sub(self, duration: Duration) -> $time {
                self.checked_sub(duration)
                    .expect("overflow when subtracting a duration from a time")
            }
        }

        /// # Panics
        ///
        /// If the difference has no number.
        impl SubAssign<Duration> for $time {
            fn sub_assign(&mut self, duration: Duration) {
                *self = *self - duration;
            }
        }

        /// By the clock's seconds and nanoseconds.
        impl fmt::Debug for $time {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($time))
                    .field("tv_sec", &self.0.tv_sec)
                    .field("tv_nsec", &self.0.tv_nsec)
                    .finish()
            }
        }
    )*};
}

moves! { Instant SystemTime }

/// The error of [`SystemTime::duration_since`] and [`SystemTime::elapsed`]: the second
/// point in time is later than the first.
#[derive(Clone, Debug)]
pub struct SystemTimeError(Duration);

impl SystemTimeError {
    /// How much later.
    pub fn duration(&self) -> Duration {
        self.0
    }
}

impl fmt::Display for SystemTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("second time provided was later than self")
    }
}

impl Error for SystemTimeError {}

/// Sleeps for `duration` at least, however many signals come: until a time of
/// `CLOCK_MONOTONIC`, by clock_nanosleep(2), so that interruptions do not add up to a
/// later end. A duration that leads beyond the clock's last time ends there, in 292
/// thousand million years.
///
/// # Panics
///
/// As [`Instant::now`]; and if a seccomp filter lets nobody sleep.
pub fn sleep(duration: Duration) {
    let now = now(Clock::MONOTONIC);
    let end = timespec::checked_add(now, duration).unwrap_or(timespec::LAST);
    loop {
        match sys::clock_nanosleep(Clock::MONOTONIC, TimerFlags::ABSTIME, &end, None) {
            Ok(()) => return,
            Err(Errno::EINTR) => {}
            // A kernel for i386 that counts seconds in 32 bits: 68 years is all it knows,
            // of which one passes here.
            Err(Errno::EOVERFLOW) => {
                let year = Timespec {
                    tv_sec: 365 * 86_400,
                    tv_nsec: 0,
                };
                let _ = sys::nanosleep(&year, None);
            }
            Err(_) => panic!("the clock cannot be slept by"),
        }
    }
}
