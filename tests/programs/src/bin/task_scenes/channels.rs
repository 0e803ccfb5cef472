//! Channels, and waiting for one of several.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use freestand::println;
use freestand::task::channel::{
    self, Case, Receiver, RecvError, RecvTimeoutError, Select, SendError, SendTimeoutError, Sender,
    TryRecvError, TrySendError,
};
use freestand::task::select;
use freestand::time::{Duration, Instant};

use super::crew;

const SHORT: Duration = Duration::from_millis(3);

static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// A value of a sender's, of which it is counted how many there are.
struct Counted {
    from: usize,
    number: usize,
    /// It has an address of its own, that nobody may free twice.
    _own: Box<usize>,
}

impl Counted {
    fn new(from: usize, number: usize) -> Counted {
        ALIVE.fetch_add(1, Relaxed);
        Counted {
            from,
            number,
            _own: Box::new(number),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Relaxed);
    }
}

fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    match capacity {
        Some(capacity) => channel::bounded(capacity),
        None => channel::unbounded(),
    }
}

/// One that holds each kind, from hand to hand to without bound.
const CAPACITIES: [Option<usize>; 4] = [Some(0), Some(1), Some(7), None];

/// Many send and many receive, in every way there is: each value comes once, and those of one
/// sender in order to each receiver.
pub fn values(rounds: usize) {
    const ENDS: usize = 4;
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let senders: [_; ENDS] = core::array::from_fn(|_| sender.clone());
        let receivers: [_; ENDS] = core::array::from_fn(|_| receiver.clone());
        drop((sender, receiver));
        let ends: [_; ENDS] = core::array::from_fn(|_| core::sync::atomic::AtomicBool::new(false));
        let (count, sum) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let senders = senders.map(|sender| freestand::sync::Mutex::new(Some(sender)));
        crew::all(2 * ENDS, |index| {
            if let Some(index) = index.checked_sub(ENDS) {
                let sender = senders[index].lock().take().expect("it is there");
                for number in 1..=rounds {
                    send(&sender, Counted::new(index, number), number);
                }
                return;
            }
            let mut last = [0; ENDS];
            while let Some(value) = receive(&receivers[index], count.load(Relaxed)) {
                assert!(last[value.from] < value.number, "out of order");
                last[value.from] = value.number;
                count.fetch_add(1, Relaxed);
                sum.fetch_add(value.number, Relaxed);
            }
            ends[index].store(true, Relaxed);
        });
        assert_eq!(count.load(Relaxed), ENDS * rounds);
        assert_eq!(sum.load(Relaxed), ENDS * rounds * (rounds + 1) / 2);
        assert!(ends.iter().all(|end| end.load(Relaxed)));
        assert_eq!(ALIVE.load(Relaxed), 0);
    }
}

/// Sends the value, sooner or later: not all may try and none wait.
fn send(sender: &Sender<Counted>, mut value: Counted, mut way: usize) {
    loop {
        let given_back = match way % 4 {
            0 => match sender.try_send(value) {
                Err(TrySendError::Full(value)) => value,
                sent => return sent.expect("there are receivers"),
            },
            1 => match sender.send_timeout(value, Duration::from_micros(20)) {
                Err(SendTimeoutError::Timeout(value)) => value,
                sent => return sent.expect("there are receivers"),
            },
            _ => return sender.send(value).expect("there are receivers"),
        };
        value = given_back;
        way += 1;
        crew::yield_now();
    }
}

/// The next value, until there will be none.
fn receive(receiver: &Receiver<Counted>, mut way: usize) -> Option<Counted> {
    loop {
        match way % 4 {
            0 => match receiver.try_recv() {
                Err(TryRecvError::Empty) => crew::yield_now(),
                received => return received.ok(),
            },
            1 => match receiver.recv_timeout(Duration::from_micros(20)) {
                Err(RecvTimeoutError::Timeout) => {}
                received => return received.ok(),
            },
            _ => return receiver.recv().ok(),
        }
        way += 1;
    }
}

/// Ends go while others wait, and while values are on their way.
pub fn closing(rounds: usize) {
    for _ in 0..rounds {
        for capacity in CAPACITIES {
            let (sender, receiver) = channel(capacity);
            let ends = freestand::sync::Mutex::new((Some(sender), Some(receiver)));
            let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
            crew::all(4, |index| {
                let ends = {
                    let mut ends = ends.lock();
                    if index == 3 {
                        (ends.0.take(), ends.1.take())
                    } else {
                        (ends.0.clone(), ends.1.clone())
                    }
                };
                match (index, ends) {
                    // Who comes late finds none.
                    (0, (Some(sender), receiver)) => {
                        drop(receiver);
                        (1..=3).for_each(|number| {
                            if sender.send(Counted::new(0, number)).is_ok() {
                                sent.fetch_add(1, Relaxed);
                            }
                        });
                    }
                    (1, (sender, Some(receiver))) => {
                        drop(sender);
                        received.fetch_add(receiver.iter().count(), Relaxed);
                    }
                    (2, (sender, Some(receiver))) => {
                        drop(sender);
                        let value = receiver.recv_timeout(SHORT);
                        received.fetch_add(usize::from(value.is_ok()), Relaxed);
                    }
                    (_, ends) => drop(ends),
                }
            });
            assert!(received.load(Relaxed) <= sent.load(Relaxed));
            assert_eq!(ALIVE.load(Relaxed), 0);
        }
    }
}

/// Everything that can be said at once, by one.
pub fn errors() {
    let (sender, receiver) = channel::bounded(2);
    assert_eq!((sender.capacity(), sender.len()), (Some(2), 0));
    assert!(receiver.is_empty() && !receiver.is_full());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((sender.send(1), sender.try_send(2)), (Ok(()), Ok(())));
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    assert!(sender.is_full() && receiver.len() == 2);
    let begin = Instant::now();
    assert_eq!(
        sender.send_timeout(3, SHORT),
        Err(SendTimeoutError::Timeout(3))
    );
    assert!(begin.elapsed() >= SHORT);
    let deadline = Instant::now() + SHORT;
    assert_eq!(
        sender.send_deadline(3, deadline),
        Err(SendTimeoutError::Timeout(3))
    );
    assert!(Instant::now() >= deadline);
    assert!(receiver.try_iter().eq([1, 2]));
    let deadline = Instant::now() + SHORT;
    assert_eq!(
        receiver.recv_deadline(deadline),
        Err(RecvTimeoutError::Timeout)
    );
    assert!(Instant::now() >= deadline);
    sender.send(4).expect("there is a receiver");
    drop(sender);
    assert_eq!(receiver.recv(), Ok(4));
    assert_eq!(receiver.recv(), Err(RecvError));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(
        receiver.recv_timeout(SHORT),
        Err(RecvTimeoutError::Disconnected)
    );
    assert!(receiver.into_iter().next().is_none());

    let (sender, receiver) = channel::unbounded();
    assert_eq!((sender.capacity(), sender.is_full()), (None, false));
    // Several blocks, of which some are used again.
    for round in 0..5 {
        (0..100).for_each(|number| sender.send(Counted::new(round, number)).expect("it fits"));
        assert_eq!(receiver.len(), 100);
        let numbers = receiver
            .try_iter()
            .take(70 + round)
            .map(|value| value.number);
        assert!(numbers.eq(0..70 + round));
        let rest = receiver.try_iter().count();
        assert_eq!(rest, 30 - round);
    }
    (0..100).for_each(|number| sender.send(Counted::new(9, number)).expect("it fits"));
    drop(receiver);
    assert_eq!(ALIVE.load(Relaxed), 0);
    let SendError(value) = sender
        .send(Counted::new(0, 7))
        .expect_err("nobody is there");
    assert_eq!(value.number, 7);

    let (sender, receiver) = channel::bounded(0);
    assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
    drop(receiver);
    assert_eq!(sender.try_send(1), Err(TrySendError::Disconnected(1)));
    assert_eq!(
        sender.send_timeout(1, SHORT),
        Err(SendTimeoutError::Disconnected(1))
    );

    // Values of no size are values.
    let (sender, receiver) = channel::unbounded();
    (0..100).for_each(|_| sender.send(()).expect("there is a receiver"));
    drop(sender);
    assert_eq!(receiver.iter().count(), 100);
}

/// Everybody selects, to send or to receive, among all channels: what was sent is received.
pub fn selects(rounds: usize) {
    const CREW: usize = 6;
    for capacity in [0, 1, 3] {
        let channels: [_; 3] = core::array::from_fn(|_| channel::bounded::<Counted>(capacity));
        let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let sums = [AtomicUsize::new(0), AtomicUsize::new(0)];
        crew::all(CREW, |index| {
            let [(s0, r0), (s1, r1), (s2, r2)] = &channels;
            let got = |value: Result<Counted, RecvError>| {
                let value = value.expect("there are senders");
                received.fetch_add(1, Relaxed);
                sums[1].fetch_add(value.number, Relaxed);
            };
            for number in 0..rounds {
                let mine = || Counted::new(index, number + 1);
                let was_sent = match (index + number) % 3 {
                    0 => select! {
                        send(s0, mine()) -> sent => sent.is_ok(),
                        send(s1, mine()) -> sent => sent.is_ok(),
                        recv(r2) -> value => {
                            got(value);
                            false
                        }
                        default(SHORT) => false,
                    },
                    1 => select! {
                        recv(r0) -> value => { got(value); false }
                        recv(r1) -> value => { got(value); false }
                        recv(r2) -> value => { got(value); false }
                        default(SHORT) => false,
                    },
                    _ => select! {
                        send(s2, mine()) -> sent => sent.is_ok(),
                        recv(r2) -> value => { got(value); false }
                        send(s0, mine()) -> sent => sent.is_ok(),
                        default => { crew::yield_now(); false }
                    },
                };
                if was_sent {
                    sent.fetch_add(1, Relaxed);
                    sums[0].fetch_add(number + 1, Relaxed);
                }
            }
        });
        let left = channels.map(|(_, receiver)| {
            let values = receiver.try_iter().map(|value| value.number);
            values.fold((0, 0), |(count, sum), number| (count + 1, sum + number))
        });
        let (count, sum) = left.into_iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        assert!(received.load(Relaxed) > 0);
        assert_eq!(received.load(Relaxed) + count, sent.load(Relaxed));
        assert_eq!(sums[1].load(Relaxed) + sum, sums[0].load(Relaxed));
        assert_eq!(ALIVE.load(Relaxed), 0);
    }
}

/// What the macro and the type can say.
pub fn select_cases() {
    let (sender, receiver) = channel::bounded(1);
    let (other_sender, other) = channel::bounded::<Counted>(0);
    let nothing = select! {
        recv(receiver) -> _ => false,
        recv(&other) -> _value => false,
        send(other_sender, Counted::new(0, 0)) -> _ => false,
        default => true,
    };
    assert!(nothing);
    // What was not sent dropped.
    assert_eq!(ALIVE.load(Relaxed), 0);
    let begin = Instant::now();
    let late = select! {
        default(SHORT) => true,
        recv(other) -> _ => false,
    };
    assert!(late && begin.elapsed() >= SHORT);
    select! {
        send(sender, 5) -> sent => assert_eq!(sent, Ok(())),
        recv(other) -> _ => unreachable!(),
    }
    // A body may leave the loop that it is in.
    let mut received = 0;
    loop {
        select! {
            recv(receiver) -> value => {
                received += value.expect("there is a sender");
            }
            default => break,
        }
    }
    assert_eq!(received, 5);
    // The end of a channel is chosen.
    drop(other_sender);
    select! {
        recv(receiver) -> _ => unreachable!(),
        recv(other) -> end => assert!(end.is_err()),
    }

    // As many as there are.
    let channels: Vec<_> = (0..5).map(|_| channel::bounded::<usize>(1)).collect();
    for (index, (sender, _)) in channels.iter().enumerate() {
        let mut cases: Vec<_> = channels.iter().map(|(_, end)| end.receiving()).collect();
        let mut send = sender.sending(index);
        let mut all: Vec<&mut dyn Case> = Vec::new();
        assert_eq!(Select::new(&mut all).try_select(), None);
        all.extend(cases.iter_mut().map(|case| case as &mut dyn Case));
        assert_eq!(Select::new(&mut all).try_select(), None);
        let deadline = Instant::now() + SHORT;
        assert_eq!(Select::new(&mut all).select_deadline(deadline), None);
        assert_eq!(Select::new(&mut all).select_timeout(SHORT), None);
        assert!(Instant::now() >= deadline + SHORT);
        all.push(&mut send);
        assert_eq!(Select::new(&mut all).select(), 5);
        all.pop();
        assert_eq!(Select::new(&mut all).select(), index);
        // What has come to pass does not do so again.
        assert_eq!(Select::new(&mut all).select(), index);
        assert_eq!(send.finish(), Ok(()));
        assert_eq!(cases.swap_remove(index).finish(), Ok(index));
        assert_eq!(
            cases.pop().expect("more").finish(),
            Err(TryRecvError::Empty)
        );
    }
    // A value that was not sent comes back.
    let (sender, receiver) = channel::bounded(0);
    let mut send = sender.sending(Counted::new(0, 3));
    assert_eq!(Select::new(&mut [&mut send]).try_select(), None);
    match send.finish() {
        Err(TrySendError::Full(value)) => assert_eq!(value.number, 3),
        other => panic!("{other:?}"),
    }
    drop(receiver);
    let mut send = sender.sending(Counted::new(0, 4));
    assert_eq!(Select::new(&mut [&mut send]).select(), 0);
    assert!(matches!(send.finish(), Err(TrySendError::Disconnected(_))));
    assert_eq!(ALIVE.load(Relaxed), 0);
}

/// Of several channels that always have a value, each gets its share.
pub fn fair() {
    const ROUNDS: usize = 3000;
    let [a, b, c] = core::array::from_fn(|_| channel::unbounded());
    let mut counts = [0; 3];
    for _ in 0..ROUNDS {
        for sender in [&a.0, &b.0, &c.0] {
            sender.send(()).expect("there is a receiver");
        }
        let chosen = select! {
            recv(a.1) -> _ => 0,
            recv(b.1) -> _ => 1,
            recv(c.1) -> _ => 2,
        };
        counts[chosen] += 1;
    }
    // It would take a thousand deviations to get there by chance.
    assert!(counts.iter().all(|count| *count > ROUNDS / 5), "{counts:?}");
}

/// Two pass a value to and fro. Prints how long a switch takes, for whoever wants to know.
pub fn pingpong(rounds: usize) {
    for capacity in [0, 1] {
        let (ping, pings) = channel::bounded(capacity);
        let (pong, pongs) = channel::bounded(capacity);
        let begin = Instant::now();
        crew::all(2, |index| {
            for round in 0..rounds {
                if index == 0 {
                    ping.send(round).expect("there is a receiver");
                    assert_eq!(pongs.recv(), Ok(round));
                } else {
                    assert_eq!(pings.recv(), Ok(round));
                    pong.send(round).expect("there is a receiver");
                }
            }
        });
        let each = begin.elapsed().as_nanos() / (2 * rounds as u128);
        println!("capacity {capacity}: {each} ns a switch");
    }
}
