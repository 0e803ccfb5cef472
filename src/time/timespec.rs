//! Arithmetic with times and durations.
//!
//! A time is seconds, which may be negative, and from 0 to 999 999 999 nanoseconds on top
//! of them: half a second before 0 is -1 second and 500 000 000 nanoseconds. So times
//! compare as their fields do, the seconds first.

use core::time::Duration;

use crate::sys::Timespec;

const NANOS_PER_SEC: i64 = 1_000_000_000;

/// The last time that there is.
pub const LAST: Timespec = Timespec {
    tv_sec: i64::MAX,
    tv_nsec: NANOS_PER_SEC - 1,
};

/// How long after `earlier` the time `later` is; if it is before, how long before.
pub fn since(later: Timespec, earlier: Timespec) -> Result<Duration, Duration> {
    if later < earlier {
        return Err(distance(later, earlier));
    }
    Ok(distance(earlier, later))
}

/// How long it takes from `from` to `to`, which is no earlier.
fn distance(from: Timespec, to: Timespec) -> Duration {
    // It may be more than an i64 holds, but never more than a u64.
    let seconds = to.tv_sec.wrapping_sub(from.tv_sec).cast_unsigned();
    if from.tv_nsec <= to.tv_nsec {
        return Duration::new(seconds, (to.tv_nsec - from.tv_nsec) as u32);
    }
    // There is a second to borrow from, or it would not be later.
    Duration::new(
        seconds - 1,
        (to.tv_nsec + NANOS_PER_SEC - from.tv_nsec) as u32,
    )
}

/// The time `duration` after `time`; `None` beyond the last one.
pub fn checked_add(time: Timespec, duration: Duration) -> Option<Timespec> {
    let tv_sec = time.tv_sec.checked_add_unsigned(duration.as_secs())?;
    let tv_nsec = time.tv_nsec + i64::from(duration.subsec_nanos());
    if tv_nsec < NANOS_PER_SEC {
        return Some(Timespec { tv_sec, tv_nsec });
    }
    Some(Timespec {
        tv_sec: tv_sec.checked_add(1)?,
        tv_nsec: tv_nsec - NANOS_PER_SEC,
    })
}

/// The time `duration` before `time`; `None` before the first one.
pub fn checked_sub(time: Timespec, duration: Duration) -> Option<Timespec> {
    let tv_sec = time.tv_sec.checked_sub_unsigned(duration.as_secs())?;
    let tv_nsec = time.tv_nsec - i64::from(duration.subsec_nanos());
    if tv_nsec >= 0 {
        return Some(Timespec { tv_sec, tv_nsec });
    }
    Some(Timespec {
        tv_sec: tv_sec.checked_sub(1)?,
        tv_nsec: tv_nsec + NANOS_PER_SEC,
    })
}

/// The same time, with nanoseconds from 0 to 999 999 999; the first or the last time if
/// it is beyond these.
pub fn normal(time: Timespec) -> Timespec {
    let carry = time.tv_nsec.div_euclid(NANOS_PER_SEC);
    match time.tv_sec.checked_add(carry) {
        Some(tv_sec) => Timespec {
            tv_sec,
            tv_nsec: time.tv_nsec.rem_euclid(NANOS_PER_SEC),
        },
        None if carry < 0 => Timespec {
            tv_sec: i64::MIN,
            tv_nsec: 0,
        },
        None => LAST,
    }
}
