//! What the locks are on this machine's own threads; tests/tests/sync.rs has them in programs
//! without a C library, and tests/tests/loom_sync in every order.

use core::time::Duration;
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::vec::Vec;
use std::{format, thread};

use super::mpsc::{self, RecvTimeoutError, TryRecvError, TrySendError};
use super::*;

/// Runs `body` in so many threads at once.
fn in_threads(count: usize, body: impl Fn(usize) + Sync) {
    expect_threads();
    thread::scope(|scope| {
        for index in 0..count {
            let body = &body;
            scope.spawn(move || body(index));
        }
    });
}

const SHORT: Duration = Duration::from_millis(5);

#[test]
fn counts_every_increment_of_eight_threads() {
    static COUNT: Mutex<u64> = Mutex::new(0);
    in_threads(8, |_| (0..20_000).for_each(|_| *COUNT.lock() += 1));
    assert_eq!(*COUNT.lock(), 160_000);
}

#[test]
fn try_lock_fails_while_held() {
    let mutex = Mutex::new(());
    let guard = mutex.lock();
    assert!(mutex.try_lock().is_none());
    drop(guard);
    assert!(mutex.try_lock().is_some());
}

#[test]
fn what_is_waited_for_with_a_deadline_is_waited_for_so_long() {
    expect_threads();
    let (mutex, rwlock, semaphore) = (Mutex::new(()), RwLock::new(()), Semaphore::new(0));
    let (_held, _read) = (mutex.lock(), rwlock.read());
    let (_sender, receiver) = mpsc::channel::<()>();
    let waits: [&dyn Fn() -> bool; 5] = [
        &|| mutex.try_lock_for(SHORT).is_none(),
        &|| rwlock.try_write_for(SHORT).is_none(),
        &|| !semaphore.acquire_timeout(SHORT),
        &|| receiver.recv_timeout(SHORT) == Err(RecvTimeoutError::Timeout),
        &|| {
            let other = Mutex::new(());
            Condvar::new()
                .wait_while_for(&mut other.lock(), |_| true, SHORT)
                .timed_out()
        },
    ];
    for wait in waits {
        let begin = Instant::now();
        assert!(wait());
        assert!(begin.elapsed() >= SHORT);
    }
    // A writer that has given up keeps no reader out for longer than the lock is held.
    drop(_read);
    assert!(rwlock.try_read().is_some());
}

#[test]
fn any_time_is_a_deadline() {
    let mutex = Mutex::new(());
    let _held = mutex.lock();
    for (tv_sec, tv_nsec) in [
        (0, 0),
        (-1, 0),
        (i64::MIN, -1),
        (0, 2_000_000_000),
        (i64::MIN, i64::MAX),
    ] {
        let deadline = crate::sys::Timespec { tv_sec, tv_nsec };
        assert!(mutex.try_lock_until(deadline).is_none());
    }
    assert!(Mutex::new(()).try_lock_for(Duration::MAX).is_some());
    assert!(Semaphore::new(1).acquire_timeout(Duration::MAX));
}

#[test]
fn readers_share_and_writers_do_not() {
    let lock = RwLock::new(1);
    {
        let (one, two) = (lock.read(), lock.read());
        assert_eq!(*one + *two, 2);
        assert!(lock.try_write().is_none() && lock.try_read().is_some());
        assert!(lock.is_locked() && !lock.is_locked_exclusive());
    }
    let guard = lock.write();
    assert!(lock.try_write().is_none() && lock.try_read().is_none());
    let guard = RwLockWriteGuard::downgrade(guard);
    assert!(lock.try_write().is_none() && lock.try_read().is_some());
    drop(guard);
    assert!(lock.try_write().is_some());
}

#[test]
fn writers_and_readers_never_meet() {
    let lock = RwLock::new((0_u64, 0_u64));
    in_threads(8, |index| {
        for round in 0..5_000 {
            if (round + index) % 4 == 0 {
                let mut both = lock.write();
                both.0 += 1;
                both.1 += 1;
                if round % 8 == 0 {
                    let both = RwLockWriteGuard::downgrade(both);
                    assert_eq!(both.0, both.1);
                }
            } else {
                let both = lock.read();
                assert_eq!(both.0, both.1);
            }
        }
    });
    assert_eq!(*lock.read(), (10_000, 10_000));
}

#[test]
fn what_is_given_up_and_what_is_not_leave_the_lock_whole() {
    let lock = RwLock::new(0_u64);
    let mutex = Mutex::new(0_u64);
    let taken = AtomicUsize::new(0);
    in_threads(6, |index| {
        for round in 0..3_000 {
            let patience = Duration::from_micros((round % 3) * 20);
            match index % 3 {
                0 => *lock.write() += 1,
                1 => drop(lock.try_read_for(patience)),
                _ => {
                    if let Some(mut value) = lock.try_write_for(patience) {
                        *value += 1;
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                    if let Some(mut value) = mutex.try_lock_for(patience) {
                        *value += 1;
                    }
                }
            }
        }
    });
    assert_eq!(*lock.read(), 6_000 + taken.load(Ordering::Relaxed) as u64);
    assert!(mutex.try_lock().is_some());
}

#[test]
fn one_makes_the_value_and_all_see_it() {
    for _ in 0..200 {
        let (lock, made) = (OnceLock::new(), AtomicUsize::new(0));
        in_threads(4, |index| {
            if index == 0 {
                assert_eq!(lock.wait(), "made");
            }
            let value = lock.get_or_init(|| {
                made.fetch_add(1, Ordering::Relaxed);
                String::from("made")
            });
            assert_eq!(value, "made");
        });
        assert_eq!(made.into_inner(), 1);
        assert_eq!(lock.into_inner().as_deref(), Some("made"));
    }
}

#[test]
fn a_once_lock_is_stds() {
    let mut lock = OnceLock::new();
    assert_eq!(lock.get(), None);
    assert_eq!(lock.take(), None);
    assert_eq!(format!("{lock:?}"), "OnceLock(<uninit>)");
    assert_eq!(lock.set(1), Ok(()));
    assert_eq!(lock.set(2), Err(2));
    *lock.get_mut().unwrap() += 2;
    assert_eq!(lock.clone(), OnceLock::from(3));
    assert_eq!(format!("{lock:?}"), "OnceLock(3)");
    assert_eq!(lock.take(), Some(3));
    assert_eq!(lock.get(), None);
    assert_eq!(lock.set(4), Ok(()));

    let shared = Arc::new(());
    drop(OnceLock::from(Arc::clone(&shared)));
    assert_eq!(Arc::strong_count(&shared), 1);

    let lazy: LazyLock<Arc<()>, _> = LazyLock::new(|| Arc::clone(&shared));
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    assert_eq!((Arc::strong_count(&lazy), Arc::strong_count(&lazy)), (2, 2));
    drop(lazy);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn as_many_as_have_permits_are_in() {
    let (semaphore, inside) = (Semaphore::new(3), AtomicUsize::new(0));
    in_threads(8, |_| {
        for _ in 0..5_000 {
            let _permit = semaphore.access();
            assert!(inside.fetch_add(1, Ordering::Relaxed) < 3);
            inside.fetch_sub(1, Ordering::Relaxed);
        }
    });
    assert_eq!(semaphore.available(), 3);
    assert!(semaphore.try_acquire());
    assert_eq!(semaphore.available(), 2);
}

#[test]
#[should_panic(expected = "too many permits")]
fn permits_do_not_overflow() {
    Semaphore::new(Semaphore::MAX_PERMITS).release();
}

#[test]
fn a_barrier_has_one_leader_each_time() {
    let (barrier, leaders) = (Barrier::new(4), AtomicUsize::new(0));
    in_threads(4, |_| {
        for round in 1..=500 {
            if barrier.wait().is_leader() {
                leaders.fetch_add(1, Ordering::Relaxed);
            }
            barrier.wait();
            assert_eq!(leaders.load(Ordering::Relaxed), round);
            barrier.wait();
        }
    });
    assert!(Barrier::new(0).wait().is_leader());
}

#[test]
fn values_come_in_order_through_every_channel() {
    const EACH: usize = 2_000;
    expect_threads();
    for bound in [None, Some(0), Some(1), Some(7)] {
        let mut last = [0; 4];
        thread::scope(|scope| {
            let receiver = match bound {
                None => {
                    let (sender, receiver) = mpsc::channel();
                    for index in 0..4 {
                        let sender = sender.clone();
                        scope.spawn(move || {
                            (1..=EACH).for_each(|n| sender.send((index, n)).unwrap());
                        });
                    }
                    receiver
                }
                Some(bound) => {
                    let (sender, receiver) = mpsc::sync_channel(bound);
                    for index in 0..4 {
                        let sender = sender.clone();
                        scope.spawn(move || {
                            for n in 1..=EACH {
                                let value = (index, n);
                                // One tries only.
                                while index == 1
                                    && let Err(error) = sender.try_send(value)
                                {
                                    assert_eq!(error, TrySendError::Full(value));
                                    thread::yield_now();
                                }
                                if index != 1 {
                                    sender.send(value).unwrap();
                                }
                            }
                        });
                    }
                    receiver
                }
            };
            for (index, n) in &receiver {
                assert_eq!(n, last[index] + 1, "{bound:?}");
                last[index] = n;
            }
        });
        assert_eq!(last, [EACH; 4]);
    }
}

#[test]
fn both_ends_tell_when_the_other_is_gone() {
    let shared = Arc::new(());
    let (sender, receiver) = mpsc::channel();
    sender.send(Arc::clone(&shared)).unwrap();
    sender.send(Arc::clone(&shared)).unwrap();
    let other = sender.clone();
    drop(sender);
    assert!(receiver.recv().is_ok());
    drop(receiver);
    assert_eq!(Arc::strong_count(&shared), 1, "what was on its way is gone");
    assert!(other.send(Arc::clone(&shared)).is_err());

    let (sender, receiver) = mpsc::sync_channel(1);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    drop(sender);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(
        receiver.recv_timeout(SHORT),
        Err(RecvTimeoutError::Disconnected)
    );
    assert_eq!(receiver.into_iter().next(), None);

    let (sender, receiver) = mpsc::sync_channel(0);
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    drop(receiver);
    assert_eq!(sender.try_send(1), Err(TrySendError::Disconnected(1)));
    assert_eq!(sender.send(1).unwrap_err().0, 1);
}

#[test]
fn who_waits_for_the_other_end_learns_that_it_is_gone() {
    expect_threads();
    for bound in [0, 1] {
        let (sender, receiver) = mpsc::sync_channel(bound);
        (0..bound).for_each(|_| sender.send(0).unwrap());
        thread::scope(|scope| {
            let sending = scope.spawn(move || sender.send(7));
            thread::sleep(SHORT);
            drop(receiver);
            assert_eq!(sending.join().unwrap().unwrap_err().0, 7);
        });
    }
    let (sender, receiver) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let receiving = scope.spawn(move || receiver.recv());
        thread::sleep(SHORT);
        drop(sender);
        assert!(receiving.join().unwrap().is_err());
    });
}

/// The texts and forms are std's.
#[test]
fn errors_say_what_stds_say() {
    use std::sync::mpsc as std_mpsc;

    macro_rules! same {
        ($($error:expr),*) => {$({
            let ours = { use super::mpsc::*; $error };
            let stds = { use std_mpsc::*; $error };
            assert_eq!(format!("{ours} {ours:?}"), format!("{stds} {stds:?}"));
        })*};
    }
    same!(
        SendError(1),
        TrySendError::Full(1),
        TrySendError::Disconnected(1),
        RecvError,
        TryRecvError::Empty,
        TryRecvError::Disconnected,
        RecvTimeoutError::Timeout,
        RecvTimeoutError::Disconnected
    );
    let barrier = (Barrier::new(1).wait(), std::sync::Barrier::new(1).wait());
    assert_eq!(format!("{:?}", barrier.0), format!("{:?}", barrier.1));
}

/// The crate's own functions come to this module.
#[cfg(feature = "critical-section")]
#[test]
fn critical_sections_nest_and_keep_others_out() {
    static mut COUNT: u64 = 0;
    let next = || {
        ::critical_section::with(|_| {
            ::critical_section::with(|_| {
                // SAFETY: in a section this thread is the only one.
                unsafe { COUNT += 1 };
            });
            // SAFETY: as above; the inner section's end is not the outer's.
            unsafe {
                COUNT += 1;
                COUNT
            }
        })
    };
    in_threads(8, |_| {
        for _ in 0..5_000 {
            next();
        }
    });
    assert_eq!(next(), 80_002);
}
