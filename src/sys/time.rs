//! Clocks, timers and sleeping.
//!
//! Times have 64 bits everywhere. i386 got calls for them with Linux 5.1; on an older
//! kernel those fail with `ENOSYS`, and the ones that count seconds in 32 bits are
//! made instead ([`or_old`]).

use linux_raw_sys::general;

use super::kinds::named;
use super::{Errno, Filled, Result};
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
pub(super) struct OldTimespec {
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
    /// A clock: clock_gettime(2).
    Clock: i32 {
        /// The time of day, since 1970; it may be set.
        REALTIME = general::CLOCK_REALTIME;
        /// Time that only goes forward, from some point on.
        MONOTONIC = general::CLOCK_MONOTONIC;
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
}
