//! tokio's runtime of several threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::*},
    },
    thread,
    time::{Duration, Instant},
};

use task_peers::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Builder,
    sync::{Notify, Semaphore, mpsc},
    task,
};

fn main() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .expect("there are threads");
    // The works are tasks, as all else: what block_on runs is none.
    let main = runtime.spawn(run(work()));
    runtime.block_on(main).expect("it does not panic");
    runtime.shutdown_background();
}

async fn run(work: String) {
    match work.as_str() {
        "spawn_join" => spawn_join(count(1_000_000)).await,
        "spawn_seq" => spawn_seq(count(300_000)).await,
        "parked" => parked_tasks(count(100_000)).await,
        "pingpong" => pingpong(count(1_000_000)).await,
        "yield" => yield_now(count(1_000_000)).await,
        "echo" => echo(&address()).await,
        "block_nanosleep" => block_nanosleep(count(1000)).await,
        "block_pipe" => block_pipe(count(1000)).await,
        "timers" => timers(count(300)).await,
        _ => fail("tokio: no such work"),
    }
}

/// As with Go's WaitGroup: who makes them learns that all are done.
async fn spawn_join(count: usize) {
    struct Group {
        left: AtomicUsize,
        done: Notify,
    }
    let begin = Instant::now();
    let group = Arc::new(Group {
        left: AtomicUsize::new(count),
        done: Notify::new(),
    });
    for _ in 0..count {
        let group = group.clone();
        task::spawn(async move {
            if group.left.fetch_sub(1, AcqRel) == 1 {
                group.done.notify_one();
            }
        });
    }
    group.done.notified().await;
    result("spawn_join_ns", nanos(begin.elapsed()) / count as f64);
}

async fn spawn_seq(count: usize) {
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            task::spawn(async {}).await.expect("it does not panic");
        }
    }
    result("spawn_seq_ns", time.nanos());
}

async fn parked_tasks(count: usize) {
    let start = Arc::new(Semaphore::new(0));
    let ready = Arc::new(AtomicUsize::new(0));
    let before = status("VmRSS");
    let begin = Instant::now();
    for _ in 0..count {
        let (start, ready) = (start.clone(), ready.clone());
        task::spawn(async move {
            ready.fetch_add(1, Release);
            start.acquire().await.expect("it is open").forget();
        });
    }
    while ready.load(Acquire) < count {
        task::yield_now().await;
    }
    parked(count, before, begin.elapsed());
}

async fn pingpong(count: usize) {
    let (there, mut arrived) = mpsc::channel(1);
    let (back, mut returned) = mpsc::channel(1);
    task::spawn(async move {
        while let Some(value) = arrived.recv().await {
            if back.send(value).await.is_err() {
                break;
            }
        }
    });
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
async fn yield_now(count: usize) {
    let yields = move || {
        task::spawn(async move {
            let mut time = Slices::of(count);
            for count in &mut time {
                for _ in 0..count {
                    task::yield_now().await;
                }
            }
            time.nanos()
        })
    };
    let (one, other) = tokio::join!(yields(), yields());
    let sum = one.expect("it does not panic") + other.expect("it does not panic");
    result("yield_ns", sum / 4.0);
}

async fn echo(address: &str) {
    let listener = TcpListener::bind(address)
        .await
        .expect("the address is free");
    println!("LISTENING {}", listener.local_addr().expect("it has one"));
    loop {
        let (mut client, _) = listener.accept().await.expect("there are descriptors");
        task::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = client.read(&mut buffer).await {
                if client.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// By threads of tokio's own, of which there are 512 at most.
async fn block_nanosleep(count: usize) {
    let begin = Instant::now();
    let sleep = || thread::sleep(Duration::from_millis(50));
    let tasks: Vec<_> = (0..count).map(|_| task::spawn_blocking(sleep)).collect();
    for task in tasks {
        task.await.expect("it does not panic");
    }
    result("block_nanosleep_ms", micros(begin.elapsed()) / 1e3);
    result("block_nanosleep_threads", status("Threads"));
}

/// The same: as many as there are threads for are under way.
async fn block_pipe(count: usize) {
    let pipes: Vec<_> = (0..count)
        .map(|_| std::io::pipe().expect("there are descriptors"))
        .collect();
    let entered = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    let mut writers = Vec::new();
    for (mut reader, writer) in pipes {
        let entered = entered.clone();
        writers.push(writer);
        tasks.push(task::spawn_blocking(move || {
            entered.fetch_add(1, Release);
            std::io::Read::read_exact(&mut reader, &mut [0]).expect("a byte is written");
        }));
    }
    while entered.load(Acquire) < count.min(512) {
        task::yield_now().await;
    }
    result("block_pipe_ms", micros(begin.elapsed()) / 1e3);
    result("block_pipe_threads", status("Threads"));
    let begin = Instant::now();
    for writer in &mut writers {
        std::io::Write::write_all(writer, &[1]).expect("it is read");
    }
    for task in tasks {
        task.await.expect("it does not panic");
    }
    result("block_pipe_drain_ms", micros(begin.elapsed()) / 1e3);
}

async fn timers(count: usize) {
    let mut times = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        tokio::time::sleep(Duration::from_micros(200)).await;
        times.push(micros(begin.elapsed()));
    }
    result("sleep_us", median(&mut times));
}
