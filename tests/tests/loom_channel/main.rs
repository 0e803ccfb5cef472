//! Channels, select and the locks of tasks in every order in which two or three can come to
//! them: src/task itself, on loom's atomics and a futex of loom's threads. No wake-up is lost,
//! and no value is lost or comes twice.

#![allow(
    dead_code,
    unused_imports,
    reason = "what is tried here has more functions than are tried"
)]

extern crate alloc;

#[path = "../loom_support/mod.rs"]
mod support;
#[path = "../loom_sync/sync.rs"]
mod sync;
mod task;

/// Where times are of no account.
mod time {
    pub struct Instant;

    impl From<Instant> for crate::support::prim::Timespec {
        fn from(_: Instant) -> crate::support::prim::Timespec {
            crate::support::prim::Timespec
        }
    }
}

use std::sync::Arc;

use loom::thread;
use support::{Bug, Data, SOON, finds_planted, model, together};
use task::channel::{
    self, Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, TrySendError,
};
use task::sync::{Barrier, Condvar, Mutex, RwLock, RwLockWriteGuard, Semaphore, WaitGroup};

/// Values from two senders, of whom the last one's end is the last.
fn two_send(capacity: Option<usize>) {
    let (sender, receiver) = match capacity {
        Some(capacity) => channel::bounded(capacity),
        None => channel::unbounded(),
    };
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
}

#[test]
fn rendezvous() {
    model(1, || two_send(Some(0)));
}

#[test]
fn bounded() {
    model(1, || two_send(Some(1)));
}

#[test]
fn unbounded() {
    model(1, || two_send(None));
}

/// What a sender did before is there for who receives.
#[test]
fn values_bring_what_was_done() {
    model(3, || {
        let data = Arc::new(Data::new());
        let (sender, receiver) = channel::bounded(0);
        let thread = thread::spawn({
            let data = Arc::clone(&data);
            move || {
                data.touch();
                sender.send(()).unwrap();
            }
        });
        receiver.recv().unwrap();
        assert_eq!(data.look(), 1);
        thread.join().unwrap();
    });
}

/// Values come in order through a channel that is full most of the time.
#[test]
fn in_order() {
    model(1, || {
        let (sender, receiver) = channel::bounded(1);
        let thread = thread::spawn(move || (1..=3).for_each(|value| sender.send(value).unwrap()));
        assert!(receiver.iter().eq(1..=3));
        thread.join().unwrap();
    });
}

/// Each value comes to one receiver, and both hear of the end.
#[test]
fn two_receive() {
    model(1, || {
        let (sender, receiver) = channel::bounded(1);
        let another = receiver.clone();
        let thread = thread::spawn(move || another.iter().sum::<i32>());
        let last = thread::spawn(move || receiver.iter().sum::<i32>());
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        drop(sender);
        assert_eq!(thread.join().unwrap() + last.join().unwrap(), 3);
    });
}

/// Senders that wait hear of the last receiver's end, and have their values.
#[test]
fn receivers_go() {
    model(1, || {
        let (sender, receiver) = channel::bounded(0);
        let another = sender.clone();
        let thread = thread::spawn(move || another.send(Box::new(1)).is_ok());
        let last = thread::spawn(move || sender.send(Box::new(1)).is_ok());
        let received = receiver.recv().is_ok();
        assert!(received);
        drop(receiver);
        let sent = [thread.join().unwrap(), last.join().unwrap()];
        assert_eq!(sent.iter().filter(|sent| **sent).count(), 1);
    });
}

/// A value whose sender and receiver give up is either's.
#[test]
fn given_up() {
    model(3, || {
        let (sender, receiver) = channel::bounded(0);
        let thread = thread::spawn(move || sender.send_timeout(Box::new(1), SOON));
        let received = receiver.recv_timeout(SOON);
        let sent = thread.join().unwrap();
        match received {
            Ok(value) => assert_eq!((*value, sent), (1, Ok(()))),
            Err(RecvTimeoutError::Timeout) => {
                assert_eq!(sent, Err(SendTimeoutError::Timeout(Box::new(1))));
            }
            Err(RecvTimeoutError::Disconnected) => {
                assert_eq!(sent, Err(SendTimeoutError::Timeout(Box::new(1))));
            }
        }
    });
}

/// Who gives up takes no value from who does not.
#[test]
fn given_up_beside_another() {
    model(1, || {
        let (sender, receiver) = channel::bounded(0);
        let impatient = receiver.clone();
        let impatient = thread::spawn(move || impatient.recv_timeout(SOON).unwrap_or(0));
        let patient = thread::spawn(move || receiver.recv().unwrap_or(0));
        let sent: i32 = [1, 2]
            .into_iter()
            .filter(|value| sender.send_timeout(*value, SOON).is_ok())
            .sum();
        drop(sender);
        assert_eq!(impatient.join().unwrap() + patient.join().unwrap(), sent);
    });
}

/// Two channels, and who sends to both.
fn selects(capacity: usize) {
    let (first_sender, first) = channel::bounded(capacity);
    let (second_sender, second) = channel::bounded(capacity);
    let threads = [
        thread::spawn(move || first_sender.send(Box::new(1)).unwrap()),
        thread::spawn(move || second_sender.send(Box::new(2)).unwrap()),
    ];
    let mut sum = 0;
    let (mut first_open, mut second_open) = (true, true);
    while first_open && second_open {
        select! {
            recv(first) -> value => match value {
                Ok(value) => sum += *value,
                Err(_) => first_open = false,
            },
            recv(second) -> value => match value {
                Ok(value) => sum += *value,
                Err(_) => second_open = false,
            },
        }
    }
    sum += first
        .iter()
        .chain(second.iter())
        .map(|value| *value)
        .sum::<i32>();
    assert_eq!(sum, 3);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn select_of_two() {
    model(1, || selects(0));
}

#[test]
fn select_of_two_with_room() {
    model(1, || selects(1));
}

/// Two that select among the same two channels, one to send and the other to receive.
#[test]
fn select_against_select() {
    model(3, || {
        let (first_sender, first) = channel::bounded(0);
        let (second_sender, second) = channel::bounded(0);
        let thread = thread::spawn(move || {
            select! {
                send(first_sender, Box::new(1)) -> sent => sent.map(|()| 1).unwrap(),
                send(second_sender, Box::new(2)) -> sent => sent.map(|()| 2).unwrap(),
            }
        });
        let received = select! {
            recv(first) -> value => *value.unwrap(),
            recv(second) -> value => *value.unwrap(),
        };
        assert_eq!(thread.join().unwrap(), received);
    });
}

/// Both send and receive on one channel, whoever of them comes first, and never with
/// themselves.
#[test]
fn select_both_ways() {
    model(2, || {
        let (sender, receiver) = channel::bounded::<Box<u32>>(0);
        let body = |sender: Sender<Box<u32>>, receiver: Receiver<Box<u32>>, mine: u32| {
            select! {
                send(sender, Box::new(mine)) -> sent => {
                    sent.unwrap();
                    0
                }
                recv(receiver) -> value => *value.unwrap(),
            }
        };
        let thread = {
            let (sender, receiver) = (sender.clone(), receiver.clone());
            thread::spawn(move || body(sender, receiver, 1))
        };
        let here = body(sender.clone(), receiver.clone(), 2);
        let there = thread.join().unwrap();
        assert!([(0, 2), (1, 0)].contains(&(here, there)), "{here} {there}");
    });
}

/// Three that select, of which two can meet: the third goes on with who comes to it.
#[test]
fn select_is_missed() {
    model(1, || {
        let (first_sender, first) = channel::bounded::<u32>(0);
        let (second_sender, second) = channel::bounded::<u32>(0);
        let sends = thread::spawn(move || {
            select! {
                send(first_sender, 1) -> sent => u32::from(sent.is_ok()),
                send(second_sender, 2) -> sent => 2 * u32::from(sent.is_ok()),
            }
        });
        let receives = thread::spawn(move || {
            select! {
                recv(second) -> value => value.unwrap_or(0),
                default(SOON) => 0,
            }
        });
        let here = first.recv_timeout(SOON).unwrap_or(0);
        drop(first);
        assert_eq!(here + receives.join().unwrap(), sends.join().unwrap());
    });
}

#[test]
fn select_given_up() {
    model(2, || {
        let (sender, receiver) = channel::bounded(0);
        let (_other_sender, other) = channel::bounded::<()>(0);
        let thread = thread::spawn(move || sender.send_timeout(Box::new(1), SOON).is_ok());
        let received = select! {
            recv(other) -> _ => unreachable!(),
            recv(receiver) -> value => value.is_ok(),
            default(SOON) => false,
        };
        drop(receiver);
        assert_eq!(received, thread.join().unwrap());
    });
}

#[test]
fn mutex() {
    model(2, || {
        let mutex = Arc::new(Mutex::new(Data::new()));
        let body = |mutex: &Mutex<Data>| mutex.lock().touch();
        together(&mutex, body, Some(body), body);
        assert_eq!(mutex.lock().look(), 3);
    });
}

/// One comes so often that the other finds the lock taken when it is woken.
#[test]
fn mutex_handed_over() {
    model(3, || {
        let mutex = Arc::new(Mutex::new(Data::new()));
        let often = |mutex: &Mutex<Data>| (0..3).for_each(|_| mutex.lock().touch());
        together(&mutex, |mutex| mutex.lock().touch(), None, often);
        assert_eq!(mutex.lock().look(), 4);
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
fn condvar() {
    model(1, || {
        type Both = (Mutex<u32>, Condvar, Data);
        let both: Arc<Both> = Arc::new((Mutex::new(0), Condvar::new(), Data::new()));
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
fn semaphore() {
    model(1, || {
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

/// One that wants many and gives up holds up those behind it no longer.
#[test]
fn semaphore_given_up() {
    model(1, || {
        let both = Arc::new((Semaphore::new(1), Data::new()));
        let patient = |(semaphore, data): &(Semaphore, Data)| {
            let _permit = semaphore.access();
            data.touch();
        };
        let impatient = |(semaphore, _): &(Semaphore, Data)| {
            if semaphore.acquire_timeout(SOON) {
                semaphore.release();
            }
        };
        together(&both, patient, Some(impatient), patient);
        assert_eq!((both.0.available(), both.1.look()), (1, 2));
    });
}

#[test]
fn rwlock() {
    model(1, || {
        let lock = Arc::new(RwLock::new(Data::new()));
        let write = |lock: &RwLock<Data>| lock.write().touch();
        let read = |lock: &RwLock<Data>| assert!(lock.read().look() < 3);
        together(&lock, write, Some(read), write);
        assert_eq!(lock.read().look(), 2);
    });
}

/// A writer that gives up lets the readers behind it in.
#[test]
fn rwlock_given_up() {
    model(1, || {
        let lock = Arc::new(RwLock::new(Data::new()));
        let impatient = |lock: &RwLock<Data>| {
            if let Some(data) = lock.try_write_for(SOON) {
                data.touch();
            }
        };
        let becomes_reader = |lock: &RwLock<Data>| {
            let data = lock.write();
            data.touch();
            RwLockWriteGuard::downgrade(data).look();
        };
        let read = |lock: &RwLock<Data>| assert!(lock.read().look() < 3);
        together(&lock, impatient, Some(read), becomes_reader);
        assert!(lock.read().look() >= 1);
    });
}

#[test]
fn wait_group() {
    model(3, || {
        let both = Arc::new((WaitGroup::new(), Data::new(), Data::new()));
        both.0.add(2);
        type Both = (WaitGroup, Data, Data);
        let first = |(group, data, _): &Both| {
            data.touch();
            group.done();
        };
        let second = |(group, _, data): &Both| {
            data.touch();
            group.done();
        };
        let wait = |(group, first, second): &Both| {
            group.wait();
            assert_eq!((first.look(), second.look()), (1, 1));
        };
        together(&both, first, Some(second), wait);
    });
}

/// Somebody gives up, somebody does not, and the one that is done begins anew.
#[test]
fn wait_group_again() {
    model(1, || {
        let group = Arc::new(WaitGroup::new());
        group.add(1);
        let wait = |group: &WaitGroup| group.wait();
        let impatient = |group: &WaitGroup| {
            group.wait_timeout(SOON);
        };
        let work = |group: &WaitGroup| {
            group.done();
            group.add(1);
            group.done();
        };
        together(&group, wait, Some(impatient), work);
        assert_eq!(group.count(), 0);
        group.wait();
    });
}

#[test]
fn barrier() {
    model(2, || {
        let barrier = Arc::new(Barrier::new(2));
        let body = |barrier: &Barrier| {
            let leads = [barrier.wait(), barrier.wait()].map(|result| result.is_leader());
            std::hint::black_box(leads);
        };
        together(&barrier, body, None, body);
    });
}

#[test]
fn planted_bugs_are_found() {
    use Bug::{Relaxed, Sleepy, Torn, Unclaimed};
    finds_planted(&[
        ("rendezvous", &[Torn, Sleepy]),
        ("bounded", &[Torn, Sleepy]),
        ("unbounded", &[Torn, Sleepy]),
        ("values_bring_what_was_done", &[Relaxed]),
        ("select_of_two", &[Unclaimed]),
        ("mutex", &[Torn, Relaxed, Sleepy]),
        ("condvar_all", &[Sleepy]),
        ("semaphore", &[Torn, Relaxed]),
        ("wait_group", &[Torn, Relaxed, Sleepy]),
    ]);
}
