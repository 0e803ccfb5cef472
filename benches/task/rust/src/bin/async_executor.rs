//! smol's executor, run by threads of std's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::*},
    },
    thread,
    time::Instant,
};

use async_channel::bounded;
use async_executor::Executor;
use futures_lite::future::{block_on, pending, yield_now, zip};
use task_peers::*;

static EXECUTOR: Executor<'static> = Executor::new();

fn main() {
    for _ in 0..workers() {
        thread::spawn(|| block_on(EXECUTOR.run(pending::<()>())));
    }
    block_on(EXECUTOR.spawn(run(work())));
}

async fn run(work: String) {
    match work.as_str() {
        "spawn_join" => spawn_join(count(1_000_000)).await,
        "spawn_seq" => spawn_seq(count(300_000)).await,
        "parked" => parked_tasks(count(100_000)).await,
        "pingpong" => pingpong(count(1_000_000)).await,
        "yield" => yields(count(1_000_000)).await,
        _ => fail("async_executor: no such work"),
    }
}

async fn spawn_join(count: usize) {
    let begin = Instant::now();
    let left = Arc::new(AtomicUsize::new(count));
    let (done, all_done) = bounded(1);
    for _ in 0..count {
        let (left, done) = (left.clone(), done.clone());
        let task = EXECUTOR.spawn(async move {
            if left.fetch_sub(1, AcqRel) == 1 {
                done.send(()).await.expect("it is open");
            }
        });
        task.detach();
    }
    all_done.recv().await.expect("it is open");
    result("spawn_join_ns", nanos(begin.elapsed()) / count as f64);
}

async fn spawn_seq(count: usize) {
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            EXECUTOR.spawn(async {}).await;
        }
    }
    result("spawn_seq_ns", time.nanos());
}

async fn parked_tasks(count: usize) {
    let (start, started) = bounded::<()>(1);
    let ready = Arc::new(AtomicUsize::new(0));
    let before = status("VmRSS");
    let begin = Instant::now();
    for _ in 0..count {
        let (started, ready) = (started.clone(), ready.clone());
        let task = EXECUTOR.spawn(async move {
            ready.fetch_add(1, Release);
            // Until it is closed.
            let _ = started.recv().await;
        });
        task.detach();
    }
    while ready.load(Acquire) < count {
        yield_now().await;
    }
    parked(count, before, begin.elapsed());
    drop(start);
}

async fn pingpong(count: usize) {
    let (there, arrived) = bounded(1);
    let (back, returned) = bounded(1);
    let task = EXECUTOR.spawn(async move {
        while let Ok(value) = arrived.recv().await {
            if back.send(value).await.is_err() {
                break;
            }
        }
    });
    task.detach();
    let mut round = Slices::of(count);
    for count in &mut round {
        for value in 0..count {
            there.send(value).await.expect("it is open");
            returned.recv().await.expect("it is open");
        }
    }
    result("pingpong_ns", round.nanos() / 2.0);
}

/// Two tasks yield to each other. In one's slice the other yields as often.
async fn yields(count: usize) {
    let yields = move || {
        EXECUTOR.spawn(async move {
            let mut time = Slices::of(count);
            for count in &mut time {
                for _ in 0..count {
                    yield_now().await;
                }
            }
            time.nanos()
        })
    };
    let (one, other) = zip(yields(), yields()).await;
    result("yield_ns", (one + other) / 4.0);
}
