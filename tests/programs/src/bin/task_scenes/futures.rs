//! Tasks without a stack.

use alloc::vec::Vec;
use core::future::poll_fn;
use core::sync::atomic::{AtomicUsize, Ordering::*};
use core::task::{Poll, Waker};
use core::time::Duration;

use freestand::io::{self, Read, Write};
use freestand::sync::Mutex;
use freestand::sys::{self, AsFd, Errno, MsgFlags};
use freestand::task::future::{self, Interest, block_on, join, spawn, transfer};
use freestand::task::{self, spawn_future};
use freestand::time::Instant;

/// Futures that wake one another, wait for one another, for time and for descriptors.
pub fn futures(rounds: usize) {
    results(rounds);
    wakers(rounds);
    sleeps();
    sockets(rounds);
    blocking();
    dropped();
}

/// What a future returns gets to who joins it, whichever way; what nobody wants is dropped.
fn results(rounds: usize) {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }
    for round in 0..rounds {
        let one = spawn_future(async move { round });
        let two = spawn(async move { join(one).await + 1 });
        let three = task::spawn(move || block_on(join(two)) + 1);
        assert_eq!(three.join(), Ok(round + 2));
        drop(spawn(async { Counted }));
        drop(spawn(async { Counted }).join());
    }
    while DROPPED.load(Relaxed) < 2 * rounds {
        task::yield_now();
    }
}

/// Two futures go on by turns: each is polled as often as it was woken, and no more at once.
fn wakers(rounds: usize) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    static SLEEPERS: [Mutex<Option<Waker>>; 2] = [const { Mutex::new(None) }; 2];
    TURN.store(0, Relaxed);
    let player = |own: usize| {
        poll_fn(move |context| {
            loop {
                *SLEEPERS[own].lock() = Some(context.waker().clone());
                let turn = TURN.load(Acquire);
                if turn >= rounds {
                    break;
                }
                if turn % 2 != own {
                    return Poll::Pending;
                }
                TURN.store(turn + 1, Release);
                if let Some(other) = SLEEPERS[1 - own].lock().take() {
                    other.wake();
                }
            }
            if let Some(other) = SLEEPERS[1 - own].lock().take() {
                other.wake();
            }
            Poll::Ready(())
        })
    };
    let players = [spawn(player(0)), spawn(player(1))];
    for player in players {
        let Ok(()) = player.join();
    }
    assert!(TURN.load(Relaxed) >= rounds);
}

fn sleeps() {
    let begin = Instant::now();
    let sleepers: Vec<_> = (0..1000)
        .map(|i| {
            let duration = Duration::from_millis(10 + i % 10);
            spawn(async move {
                let begin = Instant::now();
                future::sleep(duration).await;
                assert!(begin.elapsed() >= duration);
            })
        })
        .collect();
    for sleeper in sleepers {
        let Ok(()) = sleeper.join();
    }
    assert!(begin.elapsed() >= Duration::from_millis(19));
    block_on(future::sleep(Duration::from_millis(1)));
}

/// Each of a hundred sends what the one before has sent.
fn sockets(rounds: usize) {
    let (mut first, mut before) = freestand::net::UnixStream::pair().expect("a pair");
    let mut relays = Vec::new();
    for _ in 0..100 {
        let (input, output) = freestand::net::UnixStream::pair().expect("a pair");
        let from = core::mem::replace(&mut before, output);
        relays.push(spawn(async move {
            let mut byte = [0];
            loop {
                let received = transfer(from.as_fd(), Interest::Read, || {
                    sys::recv(from.as_fd(), &mut byte, MsgFlags::DONTWAIT)
                });
                if received.await.expect("the socket is there") == 0 {
                    return;
                }
                let sent = transfer(input.as_fd(), Interest::Write, || {
                    sys::send(
                        input.as_fd(),
                        &byte,
                        MsgFlags::DONTWAIT | MsgFlags::NOSIGNAL,
                    )
                });
                sent.await.expect("the socket is there");
            }
        }));
    }
    for round in 0..rounds.min(100) {
        first.write_all(&[round as u8]).expect("it takes a byte");
        let mut byte = [0];
        before.read_exact(&mut byte).expect("it comes through");
        assert_eq!(byte, [round as u8]);
    }
    drop(first);
    for relay in relays {
        let Ok(()) = relay.join();
    }
    assert_eq!(before.read(&mut [0]), Ok(0));
    // A regular file cannot be watched, nor what is closed.
    let file = freestand::fs::File::open("/proc/self/exe").expect("it is this program");
    let mut attempts = 0;
    let result: sys::Result<()> = block_on(transfer(file.as_fd(), Interest::Read, || {
        attempts += 1;
        Err(Errno::EAGAIN)
    }));
    assert_eq!((result, attempts), (Err(Errno::EPERM), 1));
}

/// A future that blocks holds its thread, not its processor.
fn blocking() {
    let (mut reader, mut writer) = io::pipe().expect("a pipe");
    let blocked = spawn(async move {
        let mut byte = [0];
        reader.read_exact(&mut byte).expect("it is written");
        task::sleep(Duration::from_millis(5));
        byte
    });
    // On one processor, this runs only if that one gives it up.
    let other = task::spawn(move || {
        task::sleep(Duration::from_millis(5));
        writer.write_all(b"x").expect("it is read");
    });
    assert_eq!(blocked.join(), Ok(*b"x"));
    let Ok(()) = other.join();
}

/// What waits may be dropped, polled once or not at all.
fn dropped() {
    let (socket, other) = freestand::net::UnixStream::pair().expect("a pair");
    for polls in [0, 1] {
        let mut sleep = alloc::boxed::Box::pin(future::sleep(Duration::from_millis(1)));
        let mut read = alloc::boxed::Box::pin(transfer(socket.as_fd(), Interest::Read, || {
            sys::recv(socket.as_fd(), &mut [0], MsgFlags::DONTWAIT)
        }));
        let never = spawn(core::future::pending::<()>());
        let mut never = alloc::boxed::Box::pin(join(never));
        block_on(poll_fn(|context| {
            for _ in 0..polls {
                // On a slow machine it is over.
                let _ = sleep.as_mut().poll(context);
                assert!(read.as_mut().poll(context).is_pending());
                assert!(never.as_mut().poll(context).is_pending());
            }
            Poll::Ready(())
        }));
        drop((sleep, read, never));
        (&other).write_all(b"x").expect("it takes a byte");
        assert_eq!((&socket).read(&mut [0]), Ok(1));
        task::sleep(Duration::from_millis(2));
    }
}
