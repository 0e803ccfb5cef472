//! may's coroutines, which have stacks. Each is two mappings, and so there are less than
//! 32 750 of them.

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::*},
    },
    time::Instant,
};

use may::{
    config,
    coroutine::yield_now,
    go,
    net::TcpListener,
    sync::{Semphore, mpsc},
};
use task_peers::*;

fn main() {
    config().set_workers(workers());
    let work = work();
    // The works are coroutines, as all else.
    go!(move || match work.as_str() {
        "spawn_join" => spawn_join(count(30_000)),
        "spawn_seq" => spawn_seq(count(20_000)),
        "parked" => parked_coroutines(count(20_000)),
        "pingpong" => pingpong(count(300_000)),
        "yield" => yields(count(300_000)),
        "echo" => echo(&address()),
        _ => fail("may: no such work"),
    })
    .join()
    .expect("it does not panic");
}

fn spawn_join(count: usize) {
    let begin = Instant::now();
    let left = Arc::new(AtomicUsize::new(count));
    let done = Arc::new(Semphore::new(0));
    for _ in 0..count {
        let (left, done) = (left.clone(), done.clone());
        go!(move || if left.fetch_sub(1, AcqRel) == 1 {
            done.post();
        });
    }
    done.wait();
    result("spawn_join_ns", nanos(begin.elapsed()) / count as f64);
}

fn spawn_seq(count: usize) {
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            go!(|| {}).join().expect("it does not panic");
        }
    }
    result("spawn_seq_ns", time.nanos());
}

fn parked_coroutines(count: usize) {
    let start = Arc::new(Semphore::new(0));
    let ready = Arc::new(AtomicUsize::new(0));
    let before = status("VmRSS");
    let begin = Instant::now();
    for _ in 0..count {
        let (start, ready) = (start.clone(), ready.clone());
        go!(move || {
            ready.fetch_add(1, Release);
            start.wait();
        });
    }
    while ready.load(Acquire) < count {
        yield_now();
    }
    parked(count, before, begin.elapsed());
}

/// Its channels are unbounded.
fn pingpong(count: usize) {
    let (there, arrived) = mpsc::channel();
    let (back, returned) = mpsc::channel();
    go!(move || {
        for value in arrived {
            if back.send(value).is_err() {
                break;
            }
        }
    });
    let mut round = Slices::of(count);
    for count in &mut round {
        for value in 0..count {
            there.send(value).expect("it is open");
            returned.recv().expect("it is open");
        }
    }
    result("pingpong_ns", round.nanos() / 2.0);
}

/// Two tasks yield to each other. In one's slice the other yields as often.
fn yields(count: usize) {
    let yields = move || {
        go!(move || {
            let mut time = Slices::of(count);
            for count in &mut time {
                for _ in 0..count {
                    yield_now();
                }
            }
            time.nanos()
        })
    };
    let (one, other) = (yields(), yields());
    let sum = one.join().expect("it does not panic") + other.join().expect("it does not panic");
    result("yield_ns", sum / 4.0);
}

fn echo(address: &str) {
    let listener = TcpListener::bind(address).expect("the address is free");
    println!("LISTENING {}", listener.local_addr().expect("it has one"));
    loop {
        let (mut client, _) = listener.accept().expect("there are descriptors");
        go!(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = client.read(&mut buffer) {
                if client.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        });
    }
}
