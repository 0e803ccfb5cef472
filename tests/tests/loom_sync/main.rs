//! Locks and channels in every order in which threads can come to them: src/sync itself, on
//! loom's atomics and a futex of loom's threads. No wake-up is lost (loom tells of threads
//! that wait for ever), and no two threads hold what one may (loom tells of data that two
//! touch).

#![allow(
    dead_code,
    reason = "the locks have more functions than are tried here"
)]

extern crate alloc;

#[path = "../loom_support/mod.rs"]
mod support;
mod sync;

use std::sync::Arc;

use loom::thread;
use support::{Bug, Data, SOON, finds_planted, model, together};
use sync::mpsc::{self, RecvTimeoutError, TrySendError};
use sync::prim::{AtomicU32, Ordering};
use sync::{
    Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, Parker, RwLock, RwLockWriteGuard, Semaphore,
};

#[test]
fn mutex() {
    model(2, || {
        let mutex = Arc::new(Mutex::new(Data::new()));
        let body = |mutex: &Mutex<Data>| mutex.lock().touch();
        together(&mutex, body, Some(body), body);
        assert_eq!(mutex.lock().look(), 3);
    });
}

#[test]
fn mutex_given_up() {
    model(2, || {
        let mutex = Arc::new(Mutex::new(Data::new()));
        let patient = |mutex: &Mutex<Data>| mutex.lock().touch();
        let impatient = |mutex: &Mutex<Data>| {
            if let Some(data) = mutex.try_lock_for(SOON) {
                data.touch();
            }
        };
        together(&mutex, impatient, Some(patient), patient);
        assert!(mutex.lock().look() >= 2);
    });
}

#[test]
fn rwlock() {
    model(2, || {
        let lock = Arc::new(RwLock::new(Data::new()));
        let write = |lock: &RwLock<Data>| lock.write().touch();
        let read = |lock: &RwLock<Data>| assert!(lock.read().look() < 3);
        together(&lock, write, Some(read), write);
        assert_eq!(lock.read().look(), 2);
    });
}

#[test]
fn rwlock_readers_meet_a_writer() {
    model(2, || {
        let lock = Arc::new(RwLock::new(Data::new()));
        let read = |lock: &RwLock<Data>| assert!(lock.read().look() < 3);
        let becomes_reader = |lock: &RwLock<Data>| {
            let data = lock.write();
            data.touch();
            RwLockWriteGuard::downgrade(data).look();
        };
        together(&lock, read, Some(read), becomes_reader);
        assert_eq!(lock.read().look(), 1);
    });
}

#[test]
fn rwlock_given_up() {
    model(2, || {
        let lock = Arc::new(RwLock::new(Data::new()));
        let read = |lock: &RwLock<Data>| assert!(lock.read().look() < 3);
        let write = |lock: &RwLock<Data>| lock.write().touch();
        let impatient = |lock: &RwLock<Data>| {
            if let Some(data) = lock.try_write_for(SOON) {
                data.touch();
            }
        };
        together(&lock, impatient, Some(read), write);
        assert!(lock.read().look() >= 1);
    });
}

#[test]
fn condvar() {
    model(2, || {
        let both = Arc::new((Mutex::new(0), Condvar::new(), Data::new()));
        type Both = (Mutex<u32>, Condvar, Data);
        let wait = |(mutex, condvar, data): &Both| {
            let mut ready = mutex.lock();
            condvar.wait_while(&mut ready, |ready| *ready == 0);
            *ready -= 1;
            data.touch();
        };
        let notify = |(mutex, condvar, data): &Both| {
            for _ in 0..2 {
                let mut ready = mutex.lock();
                data.touch();
                *ready += 1;
                drop(ready);
                condvar.notify_one();
            }
        };
        together(&both, wait, Some(wait), notify);
        assert_eq!(both.2.look(), 4);
    });
}

#[test]
fn condvar_all() {
    model(2, || {
        type Both = (Mutex<bool>, Condvar);
        let both: Arc<Both> = Arc::new((Mutex::new(false), Condvar::new()));
        let wait = |(mutex, condvar): &Both| {
            condvar.wait_while(&mut mutex.lock(), |ready| !*ready);
        };
        let notify = |(mutex, condvar): &Both| {
            *mutex.lock() = true;
            condvar.notify_all();
        };
        together(&both, wait, Some(wait), notify);
    });
}

#[test]
fn condvar_given_up() {
    model(2, || {
        type Both = (Mutex<bool>, Condvar);
        let both: Arc<Both> = Arc::new((Mutex::new(false), Condvar::new()));
        let wait = |(mutex, condvar): &Both| {
            condvar.wait_while(&mut mutex.lock(), |ready| !*ready);
        };
        let impatient = |(mutex, condvar): &Both| {
            condvar.wait_for(&mut mutex.lock(), SOON);
            // What it may have taken from the other it passes on.
            condvar.notify_one();
        };
        let notify = |(mutex, condvar): &Both| {
            *mutex.lock() = true;
            condvar.notify_one();
        };
        together(&both, wait, Some(impatient), notify);
    });
}

#[test]
fn once() {
    model(2, || {
        let both = Arc::new((Once::new(), Data::new()));
        let call = |(once, data): &(Once, Data)| {
            once.call_once(|| data.touch());
            assert_eq!(data.look(), 1);
        };
        let wait = |(once, data): &(Once, Data)| {
            once.wait();
            assert_eq!(data.look(), 1);
        };
        together(&both, call, Some(wait), call);
    });
}

#[test]
fn once_lock() {
    model(3, || {
        type Both = (OnceLock<Box<u32>>, LazyLock<Box<u32>>);
        let both: Arc<Both> = Arc::new((OnceLock::new(), LazyLock::new(|| Box::new(7))));
        let set = |(lock, lazy): &Both| {
            let _ = lock.set(Box::new(1));
            assert_eq!(**lazy, Box::new(7));
        };
        let get = |(lock, lazy): &Both| {
            assert!([None, Some(1)].contains(&lock.get().map(|value| **value)));
            assert_eq!(**lazy, Box::new(7));
        };
        together(&both, set, None, get);
    });
}

#[test]
fn semaphore() {
    model(2, || {
        let both = Arc::new((Semaphore::new(1), Data::new()));
        let body = |(semaphore, data): &(Semaphore, Data)| {
            let _permit = semaphore.access();
            data.touch();
        };
        together(&both, body, Some(body), body);
        assert!(both.0.try_acquire());
        assert_eq!(both.1.look(), 3);
    });
}

#[test]
fn semaphore_given_up() {
    model(2, || {
        let both = Arc::new((Semaphore::new(1), Data::new()));
        let patient = |(semaphore, data): &(Semaphore, Data)| {
            let _permit = semaphore.access();
            data.touch();
        };
        let impatient = |(semaphore, data): &(Semaphore, Data)| {
            if semaphore.acquire_timeout(SOON) {
                data.touch();
                semaphore.release();
            }
        };
        together(&both, patient, Some(impatient), patient);
        assert_eq!(both.0.available(), 1);
    });
}

#[test]
fn parker() {
    model(3, || {
        let both = Arc::new((Parker::new(), Data::new(), AtomicU32::new(0)));
        type Both = (Parker, Data, AtomicU32);
        let wake = |(parker, data, ready): &Both| {
            data.touch();
            ready.fetch_add(1, Ordering::Release);
            parker.unpark();
        };
        let wait = |(parker, data, ready): &Both| {
            while ready.load(Ordering::Acquire) == 0 {
                parker.park();
            }
            assert_eq!(data.look(), 1);
        };
        together(&both, wake, None, wait);
    });
}

#[test]
fn parker_given_up() {
    model(3, || {
        let both = Arc::new((Parker::new(), Data::new()));
        type Both = (Parker, Data);
        let wake = |(parker, data): &Both| {
            data.touch();
            parker.unpark();
        };
        let wait = |(parker, _): &Both| parker.park_timeout(SOON);
        together(&both, wake, None, wait);
        // Whether or not the token was taken: another time does not wait for ever.
        both.0.unpark();
        both.0.park();
        assert_eq!(both.1.look(), 1);
    });
}

/// What one thread wrote before it puts the token there, the other sees when it has it.
#[test]
fn parker_hands_over() {
    model(3, || {
        let both = Arc::new((Parker::new(), Data::new()));
        type Both = (Parker, Data);
        let wake = |(parker, data): &Both| {
            data.touch();
            parker.unpark();
        };
        let wait = |(parker, data): &Both| {
            parker.park();
            assert_eq!(data.look(), 1);
        };
        together(&both, wake, None, wait);
    });
}

#[test]
fn barrier() {
    model(1, || {
        let all = Arc::new((Barrier::new(3), Semaphore::new(0), Semaphore::new(0)));
        let body = |(barrier, came, leaders): &(Barrier, Semaphore, Semaphore)| {
            came.release();
            if barrier.wait().is_leader() {
                leaders.release();
            }
            assert_eq!(came.available(), 3);
        };
        together(&all, body, Some(body), body);
        assert_eq!(all.2.available(), 1);
    });
}

#[test]
fn barrier_again() {
    model(2, || {
        let barrier = Arc::new(Barrier::new(2));
        let body = |barrier: &Barrier| {
            barrier.wait();
            barrier.wait();
        };
        together(&barrier, body, None, body);
    });
}

#[test]
fn channel() {
    model(1, || {
        let (sender, receiver) = mpsc::channel();
        let threads = [1, 2].map(|value| {
            let sender = sender.clone();
            thread::spawn(move || sender.send(Box::new(value)).unwrap())
        });
        drop(sender);
        let sum: i32 = receiver.iter().map(|value| *value).sum();
        assert_eq!(sum, 3);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn sync_channel() {
    model(1, || {
        let (sender, receiver) = mpsc::sync_channel(1);
        let thread = thread::spawn(move || (1..=3).for_each(|value| sender.send(value).unwrap()));
        assert!(receiver.iter().eq(1..=3));
        thread.join().unwrap();
    });
}

#[test]
fn rendezvous() {
    model(1, || {
        let (sender, receiver) = mpsc::sync_channel(0);
        let thread = thread::spawn(move || {
            match sender.try_send(1) {
                Ok(()) => {}
                Err(TrySendError::Full(value)) => sender.send(value).unwrap(),
                Err(error) => panic!("{error}"),
            }
            sender.send(2).unwrap();
        });
        assert!(receiver.iter().eq(1..=2));
        thread.join().unwrap();
    });
}

#[test]
fn rendezvous_with_nobody() {
    model(2, || {
        let (sender, receiver) = mpsc::sync_channel(0);
        let thread = thread::spawn(move || sender.send(1));
        let received = receiver.recv_timeout(SOON);
        drop(receiver);
        let sent = thread.join().unwrap();
        match received {
            Ok(value) => assert_eq!((value, sent), (1, Ok(()))),
            Err(RecvTimeoutError::Timeout) => assert_eq!(sent.unwrap_err().0, 1),
            Err(error) => panic!("{error}"),
        }
    });
}

/// loom ends the process when it finds something.
#[test]
fn planted_bugs_are_found() {
    use Bug::{Relaxed, Single, Sleepy, Torn};
    let planted: [(&str, &[Bug]); 11] = [
        ("mutex", &[Torn, Relaxed, Sleepy]),
        ("rwlock", &[Torn, Relaxed, Sleepy]),
        ("rwlock_readers_meet_a_writer", &[Relaxed, Single]),
        ("condvar", &[Sleepy]),
        ("condvar_all", &[Sleepy, Single]),
        ("once", &[Torn, Relaxed, Sleepy, Single]),
        ("semaphore", &[Torn, Relaxed, Sleepy]),
        ("parker", &[Torn, Relaxed, Sleepy]),
        ("parker_hands_over", &[Torn, Relaxed, Sleepy]),
        ("barrier", &[Sleepy, Single]),
        ("sync_channel", &[Torn, Relaxed, Sleepy]),
    ];
    finds_planted(&planted);
}
