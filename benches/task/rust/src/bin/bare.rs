//! No scheduler but the kernel's: what there is to be gained and to be lost.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::{AsRawFd, RawFd},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::*},
    },
    thread,
    time::{Duration, Instant},
};

use corosensei::{Coroutine, CoroutineResult};
use task_peers::{epoll::Epoll, *};

fn main() {
    match work().as_str() {
        "switch" => switch(count(3_000_000)),
        "clock" => clock(count(2_000_000)),
        "echo" => echo(&address()).expect("it has descriptors"),
        "block_nanosleep" => block_nanosleep(count(1000)),
        "block_pipe" => block_pipe(count(1000)),
        "thread" => spawn_threads(count(2000)),
        "timers" => timers(count(300)),
        _ => fail("bare: no such work"),
    }
}

/// corosensei's switch, which is inlined.
fn switch(count: usize) {
    let mut coroutine = Coroutine::new(|yielder, ()| {
        loop {
            yielder.suspend(());
        }
    });
    let mut round = Slices::of(count);
    for count in &mut round {
        for _ in 0..count {
            match coroutine.resume(()) {
                CoroutineResult::Yield(()) => {}
                CoroutineResult::Return(()) => unreachable!("it loops"),
            }
        }
    }
    result("switch_ns", round.nanos() / 2.0);
    // It cannot be ended but by unwinding, which this program does not.
    std::mem::forget(coroutine);
}

/// glibc's clock_gettime, by the vDSO.
fn clock(count: usize) {
    let base = Instant::now();
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            std::hint::black_box(base.elapsed());
        }
    }
    result("clock_ns", time.nanos());
}

/// One thread with an epoll.
fn echo(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    println!("LISTENING {}", listener.local_addr()?);
    let epoll = Epoll::new()?;
    epoll.add(listener.as_raw_fd())?;
    let mut clients: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        for fd in epoll.wait()? {
            if fd == listener.as_raw_fd() {
                accept(&listener, &epoll, &mut clients)?;
                continue;
            }
            let slot = &mut clients[fd as usize];
            let echoed = slot.as_mut().map(|client| {
                let count = client.read(&mut buffer)?;
                // It has room, for the other side waits for it.
                client.write_all(&buffer[..count])?;
                io::Result::Ok(count)
            });
            match echoed {
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
                Some(Ok(1..)) => {}
                _ => *slot = None,
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    epoll: &Epoll,
    clients: &mut Vec<Option<TcpStream>>,
) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((client, _)) => {
                client.set_nonblocking(true)?;
                let fd: RawFd = client.as_raw_fd();
                epoll.add(fd)?;
                if clients.len() <= fd as usize {
                    clients.resize_with(fd as usize + 1, || None);
                }
                clients[fd as usize] = Some(client);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> thread::JoinHandle<T> {
    let builder = thread::Builder::new().stack_size(64 << 10);
    builder.spawn(run).expect("there is memory for a thread")
}

fn block_nanosleep(count: usize) {
    let begin = Instant::now();
    let sleep = || thread::sleep(Duration::from_millis(50));
    let threads: Vec<_> = (0..count).map(|_| spawn(sleep)).collect();
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    result("block_nanosleep_ms", micros(begin.elapsed()) / 1e3);
}

fn block_pipe(count: usize) {
    let pipes: Vec<_> = (0..count)
        .map(|_| io::pipe().expect("there are descriptors"))
        .collect();
    let entered = Arc::new(AtomicUsize::new(0));
    let mut threads = Vec::new();
    let mut writers = Vec::new();
    let begin = Instant::now();
    for (mut reader, writer) in pipes {
        let entered = entered.clone();
        writers.push(writer);
        threads.push(spawn(move || {
            entered.fetch_add(1, Release);
            reader.read_exact(&mut [0]).expect("a byte is written");
        }));
    }
    while entered.load(Acquire) < count {
        thread::yield_now();
    }
    result("block_pipe_ms", micros(begin.elapsed()) / 1e3);
    result("block_pipe_threads", status("Threads"));
    let begin = Instant::now();
    for writer in &mut writers {
        writer.write_all(&[1]).expect("it is read");
    }
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    result("block_pipe_drain_ms", micros(begin.elapsed()) / 1e3);
}

fn spawn_threads(count: usize) {
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            spawn(|| {}).join().expect("it does not panic");
        }
    }
    result("thread_us", time.nanos() / 1e3);
}

fn timers(count: usize) {
    let mut times = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        thread::sleep(Duration::from_micros(200));
        times.push(micros(begin.elapsed()));
    }
    result("sleep_us", median(&mut times));
}
