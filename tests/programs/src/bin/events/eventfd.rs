//! eventfd.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use freestand::io::EventFd;
use freestand::sync::Mutex;
use freestand::sys::{self, AsFd, Errno, EventFdFlags, FdFlags};

use crate::{end_of_storm, in_two_threads, something_else, storm};

const NONE: EventFdFlags = EventFdFlags::empty();

pub fn all() {
    counts();
    is_a_semaphore();
    is_full();
    is_interrupted();
    is_something_else();
    wakes_a_thread();
}

fn counts() {
    let counter = EventFd::new(3, NONE).unwrap();
    assert_eq!(sys::fcntl_getfd(counter.as_fd()), Ok(FdFlags::CLOEXEC));
    assert_eq!(counter.write(4), Ok(()));
    let clone = counter.try_clone().unwrap();
    assert_eq!(clone.write(1 << 40), Ok(()));
    assert_eq!(counter.read(), Ok((1 << 40) + 7));
    assert_eq!(clone.write(0), Ok(()));
    drop(counter);
    assert_eq!(clone.write(5), Ok(()));
    assert_eq!(clone.read(), Ok(5));

    let counter = EventFd::new(0, EventFdFlags::NONBLOCK).unwrap();
    assert_eq!(counter.read(), Err(Errno::EAGAIN));
    assert_eq!(
        EventFd::new(0, EventFdFlags::from_bits_retain(2)).err(),
        Some(Errno::EINVAL)
    );
}

fn is_a_semaphore() {
    let flags = EventFdFlags::SEMAPHORE | EventFdFlags::NONBLOCK;
    let semaphore = EventFd::new(2, flags).unwrap();
    assert_eq!(semaphore.write(1), Ok(()));
    for _ in 0..3 {
        assert_eq!(semaphore.read(), Ok(1));
    }
    assert_eq!(semaphore.read(), Err(Errno::EAGAIN));
}

fn is_full() {
    let counter = EventFd::new(1, EventFdFlags::NONBLOCK).unwrap();
    assert_eq!(counter.write(u64::MAX), Err(Errno::EINVAL));
    assert_eq!(counter.write(EventFd::MAX), Err(Errno::EAGAIN));
    assert_eq!(counter.write(EventFd::MAX - 1), Ok(()));
    assert_eq!(counter.write(1), Err(Errno::EAGAIN));
    assert_eq!(counter.read(), Ok(EventFd::MAX));
    assert_eq!(counter.write(1), Ok(()));
}

fn is_interrupted() {
    let counter = EventFd::new(0, NONE).unwrap();
    storm();
    assert_eq!(counter.read(), Err(Errno::EINTR));
    assert_eq!(counter.write(EventFd::MAX), Ok(()));
    assert_eq!(counter.write(1), Err(Errno::EINTR));
    end_of_storm();
    assert_eq!(counter.read(), Ok(EventFd::MAX));
}

fn is_something_else() {
    let (reader, writer) = freestand::io::pipe().unwrap();
    sys::write(writer.as_fd(), b"short").unwrap();
    let reader = EventFd::from(freestand::sys::OwnedFd::from(reader));
    assert_eq!(reader.read(), Err(Errno::EINVAL));
    assert_eq!(EventFd::from(something_else()).write(1), Err(Errno::EBADF));
}

/// Two counters go to and fro between two threads: no wake-up is lost.
fn wakes_a_thread() {
    const ROUNDS: u64 = 5_000;
    static COUNTERS: Mutex<Option<[EventFd; 2]>> = Mutex::new(None);
    static SUM: AtomicU64 = AtomicU64::new(0);

    fn thread(index: usize) {
        let [mine, other] = {
            let counters = COUNTERS.lock();
            let counters = counters.as_ref().expect("they are there");
            [index, 1 - index].map(|index| counters[index].try_clone().unwrap())
        };
        for round in 1..=ROUNDS {
            if index == 0 {
                other.write(round).unwrap();
            }
            let came = mine.read().unwrap();
            assert_eq!(came, round);
            SUM.fetch_add(came, Relaxed);
            if index == 1 {
                other.write(round).unwrap();
            }
        }
    }

    *COUNTERS.lock() = Some([(); 2].map(|()| EventFd::new(0, NONE).unwrap()));
    in_two_threads(thread);
    assert_eq!(SUM.load(Relaxed), ROUNDS * (ROUNDS + 1));
}
