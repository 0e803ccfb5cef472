//! A timer behind a descriptor: timerfd_create(2).

use core::time::Duration;

use super::timespec;
use crate::io::{owner, read_u64};
use crate::sys::{
    self, AsFd, Clock, Itimerspec, OwnedFd, Result, TfdFlags, TfdTimerFlags, Timespec,
};

/// A timer that a descriptor tells of: timerfd_create(2). In [`sys::poll`] and the like it
/// can be read when it has expired.
///
/// ```ignore
/// let ticks = TimerFd::new(Clock::MONOTONIC, TfdFlags::empty())?;
/// let second = Duration::from_secs(1);
/// ticks.set(Expiration::After(second), Some(second))?;
/// for _ in 0..10 {
///     println!("{} more", ticks.read()?);
/// }
/// ```
#[derive(Debug)]
pub struct TimerFd(OwnedFd);

/// When a timer expires: [`TimerFd::set`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiration {
    /// So long from now on, of the timer's clock. No time at all is now.
    After(Duration),
    /// At this time of the timer's clock, which may be over: `TFD_TIMER_ABSTIME`. An
    /// [`Instant`](super::Instant) becomes one for `CLOCK_MONOTONIC`, a
    /// [`SystemTime`](super::SystemTime) for `CLOCK_REALTIME`.
    At(Timespec),
    /// As `At`, unless somebody sets the clock: then a read fails with `ECANCELED`, and
    /// the timer still expires at this time. `TFD_TIMER_CANCEL_ON_SET`, which is for
    /// `CLOCK_REALTIME`: no other clock is set.
    AtUnlessSet(Timespec),
}

/// No time, which to the kernel is none to expire at.
const NEVER: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The shortest time.
const SHORTEST: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1,
};

impl TimerFd {
    /// A timer of this clock, which does not run yet. With
    /// [`NONBLOCK`](TfdFlags::NONBLOCK) no read waits. It does not survive execve,
    /// whatever `flags` says.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there are no such timers or flags, `EPERM` for the clocks that wake the
    /// machine, `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new(clock: Clock, flags: TfdFlags) -> Result<TimerFd> {
        sys::timerfd_create(clock, flags | TfdFlags::CLOEXEC).map(TimerFd)
    }

    /// Sets the timer, in place of what it was set to; with an `interval` that is not zero
    /// it expires again and again. What had expired and was not read is forgotten.
    ///
    /// Durations that are longer than the clock can count are as long as it can.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a time before the clock's 0 or with nanoseconds that make a second;
    /// `ECANCELED` for `AtUnlessSet`, if the clock was set since the last one of these was:
    /// the timer is set nevertheless. `EOVERFLOW` for i386 before Linux 5.1, if the seconds
    /// are more than 32 bits hold.
    pub fn set(&self, first: Expiration, interval: Option<Duration>) -> Result<()> {
        let (flags, time) = match first {
            Expiration::After(duration) => (TfdTimerFlags::empty(), duration.into()),
            Expiration::At(time) => (TfdTimerFlags::ABSTIME, time),
            Expiration::AtUnlessSet(time) => {
                let flags = TfdTimerFlags::ABSTIME | TfdTimerFlags::CANCEL_ON_SET;
                (flags, time)
            }
        };
        let times = Itimerspec {
            it_interval: interval.map_or(NEVER, Timespec::from),
            it_value: if time == NEVER { SHORTEST } else { time },
        };
        sys::timerfd_settime(self.as_fd(), flags, &times).map(drop)
    }

    /// Stops the timer: it does not expire any more, and what had expired is forgotten.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it was made of a descriptor that is no timer.
    pub fn stop(&self) -> Result<()> {
        let times = Itimerspec::default();
        sys::timerfd_settime(self.as_fd(), TfdTimerFlags::empty(), &times).map(drop)
    }

    /// In which time it expires next; `None` if it does not run.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it was made of a descriptor that is no timer.
    pub fn remaining(&self) -> Result<Option<Duration>> {
        let left = sys::timerfd_gettime(self.as_fd())?.it_value;
        Ok(timespec::since(left, NEVER)
            .ok()
            .filter(|left| !left.is_zero()))
    }

    /// Waits until it has expired, and returns how often it has since it was set or last
    /// read. A timer that does not run is waited for until another thread sets it.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if it has not and nothing waits (`NONBLOCK`); `ECANCELED` if somebody has
    /// set the clock ([`Expiration::AtUnlessSet`]), which is told once; `EINTR` if a
    /// signal came first.
    #[track_caller]
    pub fn read(&self) -> Result<u64> {
        read_u64(self.as_fd())
    }
}

owner!(TimerFd);
