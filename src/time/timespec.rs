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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;
    use std::vec::Vec;

    const NANOS: [i64; 5] = [0, 1, 500_000_000, 999_999_998, 999_999_999];
    const EDGES: [i64; 10] = [
        i64::MIN,
        i64::MIN + 1,
        -1 << 31,
        -2,
        -1,
        0,
        1,
        1 << 31,
        i64::MAX - 1,
        i64::MAX,
    ];

    fn times() -> Vec<Timespec> {
        let time = |tv_sec| NANOS.map(|tv_nsec| Timespec { tv_sec, tv_nsec });
        EDGES.into_iter().flat_map(time).collect()
    }

    fn durations() -> Vec<Duration> {
        let seconds = [
            0,
            1,
            2,
            1 << 31,
            1 << 63,
            (1 << 63) - 1,
            u64::MAX - 1,
            u64::MAX,
        ];
        let duration = |seconds| NANOS.map(|nanos| Duration::new(seconds, nanos as u32));
        seconds.into_iter().flat_map(duration).collect()
    }

    /// The same as std has it.
    fn stds(time: Timespec) -> SystemTime {
        let seconds = Duration::from_secs(time.tv_sec.unsigned_abs());
        let whole = if time.tv_sec < 0 {
            SystemTime::UNIX_EPOCH - seconds
        } else {
            SystemTime::UNIX_EPOCH + seconds
        };
        whole + Duration::from_nanos(time.tv_nsec.cast_unsigned())
    }

    #[test]
    fn sums_and_differences_are_stds() {
        for time in times() {
            for duration in durations() {
                assert_eq!(
                    checked_add(time, duration).map(stds),
                    stds(time).checked_add(duration),
                    "{time:?} + {duration:?}"
                );
                assert_eq!(
                    checked_sub(time, duration).map(stds),
                    stds(time).checked_sub(duration),
                    "{time:?} - {duration:?}"
                );
            }
        }
    }

    #[test]
    fn distances_and_order_are_stds() {
        for a in times() {
            for b in times() {
                let expected = stds(a)
                    .duration_since(stds(b))
                    .map_err(|error| error.duration());
                assert_eq!(since(a, b), expected, "{a:?} since {b:?}");
                assert_eq!(a.cmp(&b), stds(a).cmp(&stds(b)), "{a:?}, {b:?}");
            }
        }
    }

    #[test]
    fn nanoseconds_that_are_none_become_seconds() {
        let normal = |tv_sec, tv_nsec| {
            let Timespec { tv_sec, tv_nsec } = normal(Timespec { tv_sec, tv_nsec });
            (tv_sec, tv_nsec)
        };
        assert_eq!(normal(5, 999_999_999), (5, 999_999_999));
        assert_eq!(normal(5, 1_000_000_000), (6, 0));
        assert_eq!(normal(5, -1), (4, 999_999_999));
        assert_eq!(normal(-5, -1_000_000_001), (-7, 999_999_999));
        assert_eq!(normal(i64::MAX, 1_000_000_000), (i64::MAX, 999_999_999));
        assert_eq!(normal(i64::MIN, -1), (i64::MIN, 0));
    }
}
