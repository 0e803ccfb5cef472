//! Clocks and sleeping.
//!
//! [`Instant`] and [`SystemTime`] are std's, by name and meaning; so is [`sleep`], which
//! std has in its module `thread`. Clocks are read through the vDSO
//! ([`startup::vdso`](crate::startup::vdso)), without a system call where there is one.
//! Times have 64 bits everywhere, on i386 too. [`TimerFd`] is a timer that a descriptor
//! tells of.
//!
//! All of this is async-signal-safe ([`signal`](crate::signal)), but for what panics where
//! it says so.

mod timerfd;

use core::error::Error;
use core::fmt;
use core::mem::MaybeUninit;
use core::ops::{Add, AddAssign, Sub, SubAssign};

pub use core::time::Duration;

pub use timerfd::{Expiration, TimerFd};

use crate::startup::vdso;
use crate::sys::{
    self, Clock, Errno, OldTimespec, Result, TimerFlags, Timespec, Timeval, timespec,
};

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

/// The time of `CLOCK_MONOTONIC`, as locks with a deadline take it
/// ([`Mutex::try_lock_until`](lock_api::Mutex::try_lock_until)).
impl From<Instant> for Timespec {
    fn from(instant: Instant) -> Timespec {
        instant.0
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

/// As clock_gettime(2) has it: a time of `CLOCK_REALTIME`.
impl From<SystemTime> for Timespec {
    fn from(time: SystemTime) -> Timespec {
        time.0
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::time as std_time;

    /// The same instant of ours and of std, some time from now.
    fn at(seconds: i64, nanoseconds: i64) -> SystemTime {
        SystemTime::from(Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds,
        })
    }

    #[test]
    fn a_time_is_shown_as_std_shows_it() {
        let duration = Duration::new(1_700_000_000, 42);
        let stds = std_time::UNIX_EPOCH + duration;
        assert_eq!(format!("{:?}", UNIX_EPOCH + duration), format!("{stds:?}"));
        assert_eq!(
            format!("{:?}", Instant(at(7, 5).0)),
            "Instant { tv_sec: 7, tv_nsec: 5 }"
        );
    }

    #[test]
    fn an_earlier_time_is_an_error_with_how_much_earlier() {
        let error = at(3, 0).duration_since(at(5, 1)).unwrap_err();
        assert_eq!(error.duration(), Duration::new(2, 1));
        let stds = std_time::UNIX_EPOCH
            .duration_since(std_time::UNIX_EPOCH + error.duration())
            .unwrap_err();
        assert_eq!(format!("{error}, {error:?}"), format!("{stds}, {stds:?}"));
        assert_eq!(at(5, 1).duration_since(at(3, 0)).unwrap(), error.duration());
    }

    #[test]
    fn an_earlier_instant_is_no_time_later() {
        let (early, late) = (Instant(at(3, 0).0), Instant(at(5, 1).0));
        assert_eq!(late - early, Duration::new(2, 1));
        assert_eq!(early - late, Duration::ZERO);
        assert_eq!(early.duration_since(late), Duration::ZERO);
        assert_eq!(early.checked_duration_since(late), None);
        assert_eq!(early + Duration::new(2, 1), late);
        assert_eq!(late - Duration::new(2, 1), early);
        assert_eq!(late.checked_add(Duration::MAX), None);
        assert_eq!(early.checked_sub(Duration::MAX), None);
    }

    #[test]
    #[should_panic(expected = "overflow when adding")]
    fn a_sum_without_a_number_panics() {
        let _ = UNIX_EPOCH + Duration::MAX;
    }

    /// This program's `_start` is the C library's, so that nobody has kept argv: the
    /// system calls serve.
    #[test]
    fn without_a_vdso_the_clocks_are_the_same() {
        let clock = || std_time::SystemTime::now().duration_since(std_time::UNIX_EPOCH);
        let before = clock().unwrap();
        let ours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(before <= ours && ours <= clock().unwrap());

        let begin = Instant::now();
        sleep(Duration::from_millis(2));
        assert!(begin.elapsed() >= Duration::from_millis(2));
        assert_eq!(
            clock_gettime(Clock(15)).map(drop),
            Err(Errno::EINVAL),
            "between the clocks that there are and the auxiliary ones of new kernels"
        );
        assert_eq!(
            clock_getres(Clock::MONOTONIC),
            sys::clock_getres(Clock::MONOTONIC)
        );
        assert!(crate::startup::vdso::function("__vdso_clock_gettime").is_none());
        let (cpu, _) = crate::thread::getcpu().unwrap();
        assert!(cpu < 1 << 16);
        let mut bytes = [[0; 32]; 2];
        for bytes in &mut bytes {
            crate::random::fill(bytes).unwrap();
        }
        assert!(bytes[0] != bytes[1] && bytes[0] != [0; 32]);
    }
}
