//! The works of `cargo xtask bench task` with freestand's tasks: `task-bench WORK [N]`.
//! Each figure is a line: `RESULT metric value`.

#![no_std]
#![no_main]

extern crate alloc;

mod figures;

use alloc::vec::Vec;
use core::hint::black_box;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::*};

use freestand::env::Args;
use freestand::io::{self, PipeReader, PipeWriter, Read, Write};
use freestand::net::{TcpListener, TcpStream};
use freestand::process::ExitCode;
use freestand::sys::{self, AsFd, Clock, Pid, TimerFlags, Timespec, nr};
use freestand::task::channel::bounded;
use freestand::task::{self, WaitGroup, sched};
use freestand::time::{Duration, Instant};
use freestand::{arch, eprintln, println};

use figures::*;

freestand::entry!(main);

freestand::syscalls! {
    /// getpid(2), as a call that the scheduler hears of.
    sys hooked_getpid() -> Pid = nr::getpid;
}

fn main(mut args: Args) -> ExitCode {
    let Some(work) = args.nth(1) else {
        return fail("usage: task-bench WORK [N]");
    };
    let argument = args.next().map(|argument| argument.to_str());
    let (address, count) = match argument.transpose() {
        Ok(argument) => (
            argument,
            argument.and_then(|argument| argument.parse().ok()),
        ),
        Err(_) => (None, None),
    };
    let count = |otherwise| count.unwrap_or(otherwise);
    match work.to_bytes() {
        b"spawn_join" => spawn_join(count(1_000_000)),
        b"spawn_seq" => spawn_seq(count(300_000)),
        b"parked" => parked(count(100_000)),
        b"pingpong" => pingpong(count(1_000_000)),
        b"yield" => yields(count(1_000_000)),
        b"switch" => switch(count(3_000_000)),
        b"getpid" => {
            let count = count(2_000_000);
            let Ok(()) = task::spawn(move || getpid(count)).join();
        }
        b"clock" => clock(count(2_000_000)),
        b"echo" => match address {
            Some(address) => echo(address),
            None => return fail("usage: task-bench echo ADDRESS"),
        },
        b"block_nanosleep" => block_nanosleep(count(1000)),
        b"block_pipe" => block_pipe(count(1000)),
        b"threads_left" => threads_left(count(1000)),
        b"handoff" => handoff(count(200)),
        b"handoff_busy" => handoff_busy(count(8)),
        b"thread" => thread(count(2000)),
        b"timers" => timers(count(300)),
        b"stop_the_world" => stop_the_world(count(300)),
        _ => return fail("task-bench: no such work"),
    }
    ExitCode::SUCCESS
}

fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(2)
}

fn spawn_join(count: u32) {
    static DONE: WaitGroup = WaitGroup::new();
    let begin = Instant::now();
    DONE.add(count);
    for _ in 0..count {
        task::spawn(|| DONE.done());
    }
    DONE.wait();
    result("spawn_join_ns", nanos(begin.elapsed()) / f64::from(count));
}

fn spawn_seq(count: u32) {
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            let Ok(()) = task::spawn(|| {}).join();
        }
    }
    result("spawn_seq_ns", time.nanos());
}

fn parked(count: u32) {
    let (start, started) = bounded::<()>(1);
    static READY: WaitGroup = WaitGroup::new();
    let before = status("VmRSS");
    READY.add(count);
    let begin = Instant::now();
    for _ in 0..count {
        let started = started.clone();
        task::spawn(move || {
            READY.done();
            // Until it is closed.
            let _ = started.recv();
        });
    }
    READY.wait();
    let took = begin.elapsed();
    result(
        "parked_bytes",
        (status("VmRSS") - before) * 1024.0 / f64::from(count),
    );
    result("parked_maps", mappings());
    result("parked_spawn_ns", nanos(took) / f64::from(count));
    drop(start);
}

/// A switch is what lies between a value's sending and its being received.
fn pingpong(count: u32) {
    let (there, arrived) = bounded(1);
    let (back, returned) = bounded(1);
    task::spawn(move || {
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
fn yields(count: u32) {
    let yields = || {
        task::spawn(move || {
            let mut time = Slices::of(count);
            for count in &mut time {
                for _ in 0..count {
                    task::yield_now();
                }
            }
            time.nanos()
        })
    };
    let (one, other) = (yields(), yields());
    let (Ok(one), Ok(other)) = (one.join(), other.join());
    result("yield_ns", (one + other) / 4.0);
}

/// There and back between this stack and another.
fn switch(count: u32) {
    /// Where each of the two has left its stack.
    static LEFT: [AtomicPtr<u8>; 2] = [const { AtomicPtr::new(ptr::null_mut()) }; 2];

    extern "C" fn other() -> ! {
        loop {
            // SAFETY: the first stack was left there.
            unsafe { arch::switch(LEFT[1].as_ptr(), LEFT[0].load(Relaxed)) };
        }
    }

    let mut stack = Vec::<u128>::with_capacity(1024);
    let top = stack.spare_capacity_mut().as_mut_ptr_range().end;
    // SAFETY: the stack is this function's, and aligned to 16 bytes.
    LEFT[1].store(unsafe { arch::prepare(top.cast(), other) }, Relaxed);
    let mut round = Slices::of(count);
    for count in &mut round {
        for _ in 0..count {
            // SAFETY: the other stack was left there.
            unsafe { arch::switch(LEFT[0].as_ptr(), LEFT[1].load(Relaxed)) };
        }
    }
    result("switch_ns", round.nanos() / 2.0);
}

/// The instruction by itself, and what the scheduler's part in a call takes: slices of both
/// by turns.
fn getpid(count: u32) {
    let count = (count / SLICES).max(1);
    let (mut bare, mut hook) = (Vec::new(), Vec::new());
    for _ in 0..SLICES {
        let begin = Instant::now();
        for _ in 0..count {
            // SAFETY: the call has no arguments and no effect.
            black_box(unsafe { arch::syscall0(nr::getpid as usize) });
        }
        let middle = Instant::now();
        for _ in 0..count {
            black_box(hooked_getpid());
        }
        let hooked = nanos(middle.elapsed());
        let alone = nanos(middle - begin);
        bare.push(alone / f64::from(count));
        hook.push((hooked - alone) / f64::from(count));
    }
    result("getpid_ns", median(&mut bare));
    result("getpid_hook_ns", median(&mut hook));
}

/// The vDSO's clock_gettime, found without a C library.
fn clock(count: u32) {
    let base = Instant::now();
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            black_box(base.elapsed());
        }
    }
    result("clock_ns", time.nanos());
}

/// A task a connection.
fn echo(address: &str) {
    let listener = TcpListener::bind(address).expect("the address is free");
    println!("LISTENING {}", listener.local_addr().expect("it has one"));
    io::stdout().flush().expect("somebody reads it");
    loop {
        let (client, _) = listener.accept().expect("there are descriptors");
        task::spawn(move || serve(client));
    }
}

fn serve(mut client: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        if client.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

/// Each of `count` sleeps in the kernel for 50 ms.
fn block_nanosleep(count: u32) {
    static DONE: WaitGroup = WaitGroup::new();
    DONE.add(count);
    let begin = Instant::now();
    for _ in 0..count {
        task::spawn(|| {
            let time = Timespec {
                tv_sec: 0,
                tv_nsec: 50_000_000,
            };
            let slept = sys::clock_nanosleep(Clock::MONOTONIC, TimerFlags::empty(), &time, None);
            slept.expect("no signal comes");
            DONE.done();
        });
    }
    DONE.wait();
    result("block_nanosleep_ms", micros(begin.elapsed()) / 1e3);
    result("block_nanosleep_threads", status("Threads"));
}

/// Reads a byte in the kernel, with the thread.
fn read_byte(reader: &PipeReader) {
    let read = sys::read(reader.as_fd(), &mut [0]);
    assert_eq!(read, Ok(1));
}

fn write_byte(writer: &PipeWriter) {
    let written = sys::write(writer.as_fd(), &[1]);
    assert_eq!(written, Ok(1));
}

/// `count` blocking reads of empty pipes at once. Until all are under way, and from the
/// first byte that is written until all have returned; and the threads there were.
fn readers(count: u32) -> (Duration, Duration, f64) {
    static ENTERED: AtomicU32 = AtomicU32::new(0);
    static DONE: WaitGroup = WaitGroup::new();
    let pipes = (0..count).map(|_| io::pipe().expect("there are descriptors"));
    let pipes: Vec<_> = pipes.collect();
    DONE.add(count);
    let begin = Instant::now();
    let mut writers = Vec::with_capacity(count as usize);
    for (reader, writer) in pipes {
        writers.push(writer);
        task::spawn(move || {
            ENTERED.fetch_add(1, Release);
            read_byte(&reader);
            DONE.done();
        });
    }
    while ENTERED.load(Acquire) < count {
        task::yield_now();
    }
    let entering = begin.elapsed();
    let threads = status("Threads");
    let begin = Instant::now();
    writers.iter().for_each(write_byte);
    DONE.wait();
    (entering, begin.elapsed(), threads)
}

fn block_pipe(count: u32) {
    let (entering, leaving, threads) = readers(count);
    result("block_pipe_ms", micros(entering) / 1e3);
    result("block_pipe_drain_ms", micros(leaving) / 1e3);
    result("block_pipe_threads", threads);
}

/// The threads that are left ten seconds later.
fn threads_left(count: u32) {
    readers(count);
    task::sleep(Duration::from_secs(10));
    result("threads_left", status("Threads"));
}

/// How long another task waits for the processor after this one's call, in microseconds.
fn handoff_once() -> f64 {
    static ENTERED: AtomicU64 = AtomicU64::new(0);
    let (reader, writer) = io::pipe().expect("there are descriptors");
    let base = Instant::now();
    let since_base = move || base.elapsed().as_nanos() as u64;
    let other = task::spawn(move || {
        let ran = since_base();
        write_byte(&writer);
        ran - ENTERED.load(Acquire)
    });
    ENTERED.store(since_base(), Release);
    read_byte(&reader);
    let Ok(waited) = other.join();
    waited as f64 / 1e3
}

fn handoff(count: u32) {
    let mut waits = Vec::with_capacity(count as usize);
    for _ in 0..count {
        waits.push(handoff_once());
        task::sleep(Duration::from_millis(2));
    }
    result("handoff_us", median(&mut waits));
    result("handoff_p90_us", quantile(&mut waits, 0.9));
}

/// The same after 120 ms of work without a call.
fn handoff_busy(count: u32) {
    let mut waits = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(120) {}
        waits.push(handoff_once());
    }
    result("handoff_busy_us", median(&mut waits));
}

/// A task with a thread of its own, which ends with it.
fn thread(count: u32) {
    let mut time = Slices::of(count);
    for count in &mut time {
        for _ in 0..count {
            let locked = task::spawn(|| core::mem::forget(task::lock_thread()));
            let Ok(()) = locked.join();
        }
    }
    result("thread_us", time.nanos() / 1e3);
}

fn timers(count: u32) {
    let mut times = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let begin = Instant::now();
        task::sleep(Duration::from_micros(200));
        times.push(micros(begin.elapsed()));
    }
    result("sleep_us", median(&mut times));
}

fn stop_the_world(count: u32) {
    static STOP: AtomicBool = AtomicBool::new(false);
    let stops = || {
        let mut times = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let begin = Instant::now();
            drop(sched::stop_the_world());
            times.push(micros(begin.elapsed()));
        }
        median(&mut times)
    };
    result("stop_idle_us", stops());
    for _ in 0..4 {
        task::spawn(|| {
            while !STOP.load(Relaxed) {
                task::checkpoint();
            }
        });
    }
    task::sleep(Duration::from_millis(20));
    result("stop_busy_us", stops());
    STOP.store(true, Relaxed);
}
