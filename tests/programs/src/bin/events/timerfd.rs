//! timerfd.

use freestand::sys::{self, AsFd, Clock, Errno, FdFlags, TfdFlags, Timespec};
use freestand::time::{Duration, Expiration, Instant, SystemTime, TimerFd, sleep};

use crate::{end_of_storm, something_else, storm};

const WAITS: TfdFlags = TfdFlags::empty();
const SHORT: Duration = Duration::from_millis(3);
const HOUR: Duration = Duration::from_secs(3600);

pub fn all() {
    expires_once();
    expires_at_a_time();
    expires_again_and_again();
    is_stopped();
    takes_no_wrong_time();
    is_interrupted();
    is_something_else();
    is_cancelled_when_the_clock_is_set();
}

fn expires_once() {
    let timer = TimerFd::new(Clock::MONOTONIC, WAITS).unwrap();
    assert_eq!(sys::fcntl_getfd(timer.as_fd()), Ok(FdFlags::CLOEXEC));
    let begin = Instant::now();
    timer.set(Expiration::After(SHORT), None).unwrap();
    assert_eq!(timer.read(), Ok(1));
    assert!(begin.elapsed() >= SHORT);
    assert_eq!(timer.remaining(), Ok(None));
    // At once is not never.
    for interval in [None, Some(Duration::ZERO)] {
        timer
            .set(Expiration::After(Duration::ZERO), interval)
            .unwrap();
        assert_eq!(timer.read(), Ok(1));
    }

    let timer = TimerFd::new(Clock::BOOTTIME, TfdFlags::NONBLOCK).unwrap();
    assert_eq!(timer.read(), Err(Errno::EAGAIN));
    timer.set(Expiration::After(HOUR), None).unwrap();
    assert_eq!(timer.read(), Err(Errno::EAGAIN));
    let clone = timer.try_clone().unwrap();
    clone.set(Expiration::After(SHORT), None).unwrap();
    sleep(2 * SHORT);
    assert_eq!(timer.read(), Ok(1));
    assert_eq!(clone.read(), Err(Errno::EAGAIN));
}

fn expires_at_a_time() {
    let timer = TimerFd::new(Clock::MONOTONIC, WAITS).unwrap();
    let end = Instant::now() + SHORT;
    timer.set(Expiration::At(end.into()), None).unwrap();
    assert_eq!(timer.read(), Ok(1));
    assert!(Instant::now() >= end);
    for over in [end.into(), Timespec::default()] {
        timer.set(Expiration::At(over), None).unwrap();
        assert_eq!(timer.read(), Ok(1));
    }

    let timer = TimerFd::new(Clock::REALTIME, WAITS).unwrap();
    let end = SystemTime::now() + SHORT;
    timer.set(Expiration::At(end.into()), None).unwrap();
    assert_eq!(timer.read(), Ok(1));
}

fn expires_again_and_again() {
    let timer = TimerFd::new(Clock::MONOTONIC, WAITS).unwrap();
    let begin = Instant::now();
    let interval = Duration::from_millis(1);
    timer.set(Expiration::After(SHORT), Some(interval)).unwrap();
    assert!(timer.read().unwrap() >= 1);
    sleep(5 * interval);
    let mut expirations = 1 + timer.read().unwrap();
    assert!(expirations >= 5);
    while expirations < 20 {
        expirations += timer.read().unwrap();
    }
    assert!(begin.elapsed() >= SHORT + 19 * interval);
    timer.stop().unwrap();
}

fn is_stopped() {
    let timer = TimerFd::new(Clock::MONOTONIC, TfdFlags::NONBLOCK).unwrap();
    assert_eq!(timer.remaining(), Ok(None));
    timer.set(Expiration::After(HOUR), None).unwrap();
    let left = timer.remaining().unwrap().unwrap();
    assert!(
        HOUR - Duration::from_secs(60) < left && left <= HOUR,
        "{left:?}"
    );
    timer.stop().unwrap();
    assert_eq!(timer.remaining(), Ok(None));

    timer
        .set(Expiration::After(Duration::ZERO), Some(SHORT))
        .unwrap();
    sleep(SHORT);
    timer.stop().unwrap();
    assert_eq!(timer.read(), Err(Errno::EAGAIN));

    // As long as the clock counts.
    timer
        .set(Expiration::After(Duration::MAX), Some(Duration::MAX))
        .unwrap();
    assert!(timer.remaining().unwrap().unwrap() > 1000 * HOUR);
}

fn takes_no_wrong_time() {
    let timer = TimerFd::new(Clock::REALTIME, TfdFlags::NONBLOCK).unwrap();
    for (tv_sec, tv_nsec) in [(-1, 0), (0, -1), (0, 1_000_000_000)] {
        let time = Timespec { tv_sec, tv_nsec };
        for first in [Expiration::At(time), Expiration::AtUnlessSet(time)] {
            assert_eq!(timer.set(first, None), Err(Errno::EINVAL));
        }
    }
    for (clock, flags) in [
        (Clock::THREAD_CPUTIME_ID, WAITS),
        (Clock::MONOTONIC, TfdFlags::from_bits_retain(2)),
    ] {
        assert_eq!(TimerFd::new(clock, flags).err(), Some(Errno::EINVAL));
    }
}

fn is_interrupted() {
    let timer = TimerFd::new(Clock::MONOTONIC, WAITS).unwrap();
    storm();
    assert_eq!(timer.read(), Err(Errno::EINTR));
    end_of_storm();
}

fn is_something_else() {
    let other = TimerFd::from(something_else());
    let first = Expiration::After(SHORT);
    assert_eq!(other.set(first, None), Err(Errno::EINVAL));
    assert_eq!(other.stop(), Err(Errno::EINVAL));
    assert_eq!(other.remaining(), Err(Errno::EINVAL));
}

/// Only the superuser sets the clock, to what it is.
fn is_cancelled_when_the_clock_is_set() {
    let set = || sys::clock_settime(Clock::REALTIME, &SystemTime::now().into());
    let timer = TimerFd::new(Clock::REALTIME, TfdFlags::NONBLOCK).unwrap();
    let first = Expiration::AtUnlessSet((SystemTime::now() + HOUR).into());
    timer.set(first, None).unwrap();
    assert_eq!(timer.read(), Err(Errno::EAGAIN));
    match set() {
        Ok(()) => {
            assert_eq!(timer.read(), Err(Errno::ECANCELED));
            assert_eq!(timer.read(), Err(Errno::EAGAIN));
            assert!(timer.remaining().unwrap().is_some());
            timer
                .set(Expiration::At((SystemTime::now() + HOUR).into()), None)
                .unwrap();
            set().unwrap();
            assert_eq!(timer.read(), Err(Errno::EAGAIN));
        }
        refused => assert_eq!(refused, Err(Errno::EPERM)),
    }
}
