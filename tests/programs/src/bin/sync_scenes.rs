//! Plays a scene with locks and channels: `sync_scenes SCENE`. With `signals` after it, a
//! signal comes each millisecond and interrupts whoever waits.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use freestand::env::Args;
use freestand::println;
use freestand::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError};
use freestand::sync::{
    self, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, RwLockWriteGuard, Semaphore,
};
use freestand::sys::{
    self, ItimerWhich, Itimerval, SaFlags, SigAction, SigHandler, SigInfo, SigSet, Signal, Timeval,
    UContext,
};
use freestand::thread;
use freestand::time::{Duration, Instant};

freestand::entry!(main);

const THREADS: usize = 8;
const ROUNDS: usize = 1500;

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {
    SIGNALS.fetch_add(1, Relaxed);
}

/// Has a signal come each millisecond, without `SA_RESTART`.
fn storm() {
    let action = SigAction {
        sa_handler: SigHandler::Function(handler),
        sa_flags: SaFlags::empty(),
        sa_mask: SigSet::empty(),
    };
    // SAFETY: the handler counts, and no more.
    unsafe { sys::rt_sigaction(Signal::ALRM, Some(&action)) }.expect("it can be handled");
    let tick = Timeval {
        tv_sec: 0,
        tv_usec: 1000,
    };
    let ticks = Itimerval {
        it_interval: tick,
        it_value: tick,
    };
    sys::setitimer(ItimerWhich::REAL, &ticks).expect("the time is one");
}

fn main(mut args: Args) {
    let scene = args.nth(1).and_then(|arg| arg.to_str().ok());
    let signals = args.next().is_some();
    if signals {
        storm();
    }
    match scene.expect("there is a scene") {
        "counters" => counters(),
        "notify" => notify(),
        "once" => once(),
        "channels" => channels(),
        "deadlines" => deadlines(),
        "free" => free(),
        "mutex" => {
            let _held = COUNT.lock();
            drop(COUNT.lock());
        }
        "rwlock" => {
            let _held = BOTH.read();
            drop(BOTH.write());
        }
        "condvar" => Condvar::new().wait(&mut COUNT.lock()),
        "once_again" => {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| ONCE.call_once(|| ()));
        }
        "semaphore" => Semaphore::new(0).acquire(),
        "channel" => {
            let (_sender, receiver) = mpsc::channel::<()>();
            let _ = receiver.recv();
        }
        scene => panic!("there is no scene {scene}"),
    }
    assert!(!signals || SIGNALS.load(Relaxed) > 1, "no storm");
    println!("ok");
}

static COUNT: Mutex<usize> = Mutex::new(0);
static BOTH: RwLock<(usize, usize)> = RwLock::new((0, 0));
static PERMITS: Semaphore = Semaphore::new(1);

/// A number that whoever is alone may change.
struct Alone(UnsafeCell<usize>);

// SAFETY: it is changed by one thread at a time, if what is tried here works.
unsafe impl Sync for Alone {}

impl Alone {
    fn add(&self) {
        // SAFETY: the thread is alone, if what is tried here works.
        unsafe { *self.0.get() += 1 };
    }

    fn get(&self) -> usize {
        // SAFETY: as above.
        unsafe { *self.0.get() }
    }
}

static BY_PERMIT: Alone = Alone(UnsafeCell::new(0));
static IN_SECTION: Alone = Alone(UnsafeCell::new(0));

/// Each lock keeps others out.
fn counters() {
    in_each_thread(|index| {
        for round in 0..ROUNDS {
            *COUNT.lock() += 1;
            if (round + index) % 4 == 0 {
                let mut both = BOTH.write();
                both.0 += 1;
                both.1 += 1;
                let both = RwLockWriteGuard::downgrade(both);
                assert_eq!(both.0, both.1);
            } else {
                let both = BOTH.read();
                assert_eq!(both.0, both.1);
            }
            {
                let _permit = PERMITS.access();
                BY_PERMIT.add();
            }
            critical_section::with(|_| {
                critical_section::with(|_| IN_SECTION.add());
                IN_SECTION.add();
            });
            // Whoever gives up leaves nobody waiting.
            let patience = Duration::from_micros(round as u64 % 3 * 10);
            if let Some(mut count) = COUNT.try_lock_for(patience) {
                *count += 1;
                *count -= 1;
            }
            drop(BOTH.try_write_for(patience));
        }
    });
    const ALL: usize = THREADS * ROUNDS;
    assert_eq!(*COUNT.lock(), ALL);
    assert_eq!(*BOTH.read(), (ALL / 4, ALL / 4));
    assert_eq!((BY_PERMIT.get(), PERMITS.available()), (ALL, 1));
    assert_eq!(IN_SECTION.get(), 2 * ALL);
}

static TURN: Mutex<usize> = Mutex::new(0);
static CHANGED: Condvar = Condvar::new();
static TOGETHER: Barrier = Barrier::new(THREADS);
static LEADERS: AtomicUsize = AtomicUsize::new(0);

/// Each waits for its turn, and they wait for each other.
fn notify() {
    const TURNS: usize = 100;
    in_each_thread(|index| {
        for turn in 0..TURNS {
            let mut now = TURN.lock();
            CHANGED.wait_while(&mut now, |now| *now % THREADS != index);
            assert_eq!(*now, turn * THREADS + index);
            *now += 1;
            drop(now);
            CHANGED.notify_all();
        }
        for round in 1..=TURNS {
            if TOGETHER.wait().is_leader() {
                LEADERS.fetch_add(1, Relaxed);
            }
            TOGETHER.wait();
            assert_eq!(LEADERS.load(Relaxed), round);
            TOGETHER.wait();
        }
        // One notification, one thread: the first half waits for what the other gives.
        for _ in 0..TURNS {
            let mut now = TURN.lock();
            if index < THREADS / 2 {
                CHANGED.wait_while(&mut now, |now| *now == TURNS * THREADS);
                *now -= 1;
            } else {
                *now += 1;
                drop(now);
                CHANGED.notify_one();
            }
        }
    });
    assert_eq!(*TURN.lock(), TURNS * THREADS);
}

/// Runs `body` in all threads at once, with the number of each.
fn in_each_thread(body: fn(usize)) {
    thread::scope(|scope| {
        for index in 0..THREADS {
            scope.spawn(move || body(index));
        }
    });
}

/// All threads come to each of many values at once.
fn once() {
    const VALUES: usize = 200;
    static CELLS: [OnceLock<Box<usize>>; VALUES] = [const { OnceLock::new() }; VALUES];
    static LAZY: LazyLock<Box<usize>> = LazyLock::new(|| Box::new(make(VALUES)));
    static MADE: AtomicUsize = AtomicUsize::new(0);

    fn make(value: usize) -> usize {
        MADE.fetch_add(1, Relaxed);
        // Others come meanwhile.
        sys::sched_yield();
        value
    }

    in_each_thread(|index| {
        for (number, cell) in CELLS.iter().enumerate() {
            if (number + index) % THREADS == 0 {
                assert_eq!(**cell.wait(), number);
            }
            let value = cell.get_or_init(|| Box::new(make(number)));
            assert_eq!(**value, number);
        }
        assert_eq!(**LAZY, VALUES);
    });
    assert_eq!(MADE.load(Relaxed), VALUES + 1);
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// A value that counts how many of it there are.
struct Counted(usize, usize);

impl Counted {
    fn new(from: usize, number: usize) -> Counted {
        ALIVE.fetch_add(1, Relaxed);
        Counted(from, number)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Relaxed);
    }
}

/// An end that sends.
#[derive(Clone)]
enum Sends {
    Unbounded(Sender<Counted>),
    Bounded(SyncSender<Counted>),
}

impl Sends {
    fn send(&self, value: Counted) -> bool {
        match self {
            Sends::Unbounded(sender) => sender.send(value).is_ok(),
            Sends::Bounded(sender) => sender.send(value).is_ok(),
        }
    }
}

/// Every thread but the first sends to it, through each kind of channel: first all that
/// there is, then until it has enough.
fn channels() {
    const EACH: usize = 300;
    static ENDS: Mutex<[Option<Sends>; 8]> = Mutex::new([const { None }; 8]);
    static RECEIVERS: Mutex<[Option<Receiver<Counted>>; 8]> = Mutex::new([const { None }; 8]);

    let (mut ends, mut receivers) = (ENDS.lock(), RECEIVERS.lock());
    for pair in 0..2 {
        let (sender, receiver) = mpsc::channel();
        ends[pair] = Some(Sends::Unbounded(sender));
        receivers[pair] = Some(receiver);
        for (place, bound) in [(2, 0), (4, 1), (6, 5)] {
            let (sender, receiver) = mpsc::sync_channel(bound);
            ends[place + pair] = Some(Sends::Bounded(sender));
            receivers[place + pair] = Some(receiver);
        }
    }
    drop((ends, receivers));

    fn receive(place: usize) {
        let receiver = RECEIVERS.lock()[place].take().expect("it is there");
        let is_to_the_end = place.is_multiple_of(2);
        let mut last = [0; THREADS];
        let mut count = 0;
        for value in &receiver {
            assert_eq!(
                value.1,
                last[value.0] + 1,
                "in the order in which it was sent"
            );
            last[value.0] = value.1;
            count += 1;
            if !is_to_the_end && count == EACH {
                return;
            }
        }
        assert!(is_to_the_end);
        assert_eq!(count, (THREADS - 1) * EACH);
        assert!(matches!(
            receiver.try_recv(),
            Err(TryRecvError::Disconnected)
        ));
    }

    in_each_thread(|index| {
        for place in 0..8 {
            // All have an end before the one in the list goes.
            let sender = ENDS.lock()[place].clone().expect("it is there");
            if TOGETHER.wait().is_leader() {
                ENDS.lock()[place] = None;
            }
            TOGETHER.wait();
            if index == 0 {
                drop(sender);
                receive(place);
            } else {
                let sent = (1..=EACH).all(|number| sender.send(Counted::new(index, number)));
                assert!(sent || place % 2 == 1);
                drop(sender);
            }
            TOGETHER.wait();
        }
    });
    assert_eq!(ALIVE.load(Relaxed), 0);
}

/// Every wait that has a deadline, which passes. There is one thread.
fn deadlines() {
    const PATIENCE: Duration = Duration::from_millis(4);
    let begin = Instant::now();
    let (mutex, read, written) = (Mutex::new(()), RwLock::new(()), RwLock::new(()));
    let _held = (mutex.lock(), read.read(), written.write());
    let (_sender, receiver) = mpsc::channel::<()>();
    let (permits, other, condvar) = (Semaphore::new(0), Mutex::new(()), Condvar::new());
    let waits: [&dyn Fn() -> bool; 9] = [
        &|| mutex.try_lock_for(PATIENCE).is_none(),
        &|| {
            let deadline = Instant::now() + PATIENCE;
            mutex.try_lock_until(deadline.into()).is_none()
        },
        &|| read.try_write_for(PATIENCE).is_none(),
        &|| written.try_read_for(PATIENCE).is_none(),
        &|| written.try_write_for(PATIENCE).is_none(),
        &|| !permits.acquire_timeout(PATIENCE),
        &|| receiver.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout),
        &|| {
            let mut guard = other.lock();
            condvar
                .wait_while_for(&mut guard, |()| true, PATIENCE)
                .timed_out()
        },
        &|| {
            let deadline = Instant::now() + PATIENCE;
            let mut guard = other.lock();
            condvar
                .wait_while_until(&mut guard, |()| true, deadline.into())
                .timed_out()
        },
    ];
    for wait in waits {
        let begin = Instant::now();
        assert!(wait());
        assert!(begin.elapsed() >= PATIENCE);
    }
    // What was waited for in vain is as it was.
    drop(_held);
    assert!(mutex.try_lock().is_some() && read.try_write().is_some());
    assert!(written.try_read().is_some());
    permits.release();
    assert!(permits.try_acquire() && !permits.try_acquire());
    assert!(begin.elapsed() < Duration::from_secs(60));
}

/// Everything that waits for nobody, between two system calls.
fn free() {
    sync::expect_threads();
    let (mutex, lock, semaphore) = (Mutex::new(0), RwLock::new(0), Semaphore::new(1));
    let (condvar, once) = (Condvar::new(), OnceLock::new());
    let (sender, receiver) = mpsc::sync_channel(2);
    // Its queue gets its memory.
    sender.send(0).expect("there is a receiver");
    assert_eq!(receiver.recv(), Ok(0));
    sys::getppid();
    for round in 0..10 {
        *mutex.lock() += 1;
        *lock.write() += 1;
        let _ = (*lock.read(), mutex.try_lock().is_some());
        drop(RwLockWriteGuard::downgrade(lock.write()));
        drop(mutex.try_lock_for(Duration::from_secs(1)));
        drop(lock.try_read_for(Duration::from_secs(1)));
        assert!(semaphore.acquire_timeout(Duration::from_secs(1)));
        semaphore.release();
        drop(semaphore.access());
        condvar.notify_one();
        condvar.notify_all();
        assert_eq!(*once.get_or_init(|| 7), 7);
        assert!(Barrier::new(1).wait().is_leader());
        sender.send(round).expect("there is a receiver");
        assert_eq!(receiver.recv_timeout(Duration::from_secs(1)), Ok(round));
    }
    sys::getppid();
    assert_eq!((*mutex.lock(), *lock.read()), (10, 10));
}
