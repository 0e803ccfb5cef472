//! How a process with tasks ends.

use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};

use freestand::io::EventFd;
use freestand::process;
use freestand::sys::{
    self, AsFd, EventFdFlags, ItimerWhich, Itimerval, SaFlags, SigHandler, SigInfo, Signal,
    Timeval, UContext,
};
use freestand::task::{self, Builder, channel};
use freestand::{print, signal, thread};

use crate::support::{MS, Pipe, Random, call, compute_for, handle, until};

/// Tasks that wait for one another.
fn wait_for_ever() {
    let (sender, receiver) = channel::bounded::<u8>(0);
    let mutex = alloc::sync::Arc::new(task::Mutex::new(()));
    let held = mutex.lock();
    let theirs = alloc::sync::Arc::clone(&mutex);
    let locker = Builder::new().name("locker");
    drop(locker.spawn(move || drop(theirs.lock())).unwrap());
    let sleeper = Builder::new().name("receiver");
    let handle = sleeper.spawn(move || receiver.recv()).unwrap();
    let _ = handle.join();
    drop((sender, held));
}

pub fn deadlock() {
    print!("before ");
    wait_for_ever();
}

/// The last thread that could do anything ends, with its task.
pub fn deadlock_after_locked() {
    let (_sender, receiver) = channel::bounded::<u8>(0);
    task::spawn(|| {
        core::mem::forget(task::lock_thread());
        task::sleep(20 * MS);
    });
    let _ = receiver.recv();
}

/// All tasks wait, but for a time, or for a descriptor.
pub fn no_deadlock() {
    static EVENT: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: it is open as long as the process lives.
        let event = unsafe { sys::BorrowedFd::borrow_raw(EVENT.load(Relaxed) as i32) };
        let _ = sys::raw::write(event, &one);
    }

    let (_sender, receiver) = channel::bounded::<u8>(0);
    assert!(receiver.recv_timeout(50 * MS).is_err());
    task::sleep(50 * MS);

    let event = EventFd::new(0, EventFdFlags::CLOEXEC).expect("there are descriptors");
    EVENT.store(event.as_fd().as_raw_fd() as usize, Relaxed);
    handle(
        Signal::ALRM,
        SigHandler::Function(handler),
        SaFlags::RESTART,
    );
    let once = Itimerval {
        it_interval: Timeval::default(),
        it_value: Timeval {
            tv_sec: 0,
            tv_usec: 100_000,
        },
    };
    sys::setitimer(ItimerWhich::REAL, &once).expect("the time is one");
    assert_eq!(event.read(), Ok(1));
}

/// All tasks wait, but a thread of the program's own does not.
pub fn no_deadlock_thread() {
    let (sender, receiver) = channel::bounded::<u8>(0);
    let thread = thread::spawn(move || {
        thread::sleep(100 * MS);
        sender.send(7)
    });
    assert_eq!(receiver.recv(), Ok(7));
    thread.join().unwrap().unwrap();
}

#[inline(never)]
fn await_nothing(receiver: &channel::Receiver<u8>) -> bool {
    black_box(receiver.recv().is_err())
}

/// SIGQUIT comes while tasks do what they can: wait, run (`count` of them), call.
pub fn quit(count: usize) {
    let (_sender, receiver) = channel::bounded::<u8>(0);
    let waiter = Builder::new().name("waiter");
    drop(waiter.spawn(move || await_nothing(&receiver)).unwrap());
    let caller = Builder::new().name("caller");
    drop(caller.spawn(|| Pipe::new().take()).unwrap());
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    for _ in 0..count {
        let runner = Builder::new().name("runner");
        let run = || {
            BEGUN.fetch_add(1, Relaxed);
            while BEGUN.load(Relaxed) > 0 {
                core::hint::spin_loop();
            }
        };
        drop(runner.spawn(run).unwrap());
    }
    while BEGUN.load(Relaxed) < count {
        task::sleep(MS);
    }
    // Those above wait by now; and nothing but this wakes sysmon.
    task::sleep(300 * MS);
    signal::raise(Signal::QUIT).expect("it can be sent");
    task::sleep(20_000 * MS);
}

pub fn panics() {
    let task = Builder::new().name("careless");
    let careless = task.spawn(|| assert!(black_box(false), "oh"));
    let _ = careless.unwrap().join();
}

#[inline(never)]
#[allow(unconditional_recursion, reason = "it ends where the stack does")]
fn recurse(depth: usize) -> usize {
    let frame = black_box([depth; 64]);
    black_box(recurse(depth + 1)) + frame[0]
}

/// 0: in a task, unreported. 1: in a task, reported. 2: in `main`, after it went on elsewhere.
pub fn overflow(how: usize) {
    if how > 0 {
        signal::report_stack_overflow().expect("nobody else handles SIGSEGV");
    }
    if how < 2 {
        let task = Builder::new().name("deep");
        let _ = task.spawn(|| recurse(0)).unwrap().join();
        return;
    }
    // It yields until it goes on on another thread than the initial one.
    for _ in 0..4 {
        task::spawn(|| {
            loop {
                call();
                compute_for(MS / 10);
                task::yield_now();
            }
        });
    }
    until(|| sys::gettid().0 != sys::getpid().0);
    let locked = task::lock_thread();
    recurse(0);
    drop(locked);
}

/// Children are made while tasks allocate, print and call; in a child they are no more.
pub fn fork(rounds: usize) {
    let is_over = AtomicBool::new(false);
    task::scope(|scope| {
        for index in 0..6 {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut random = Random(index);
                while !is_over.load(Relaxed) {
                    let text: String = (0..random.below(200)).map(|_| 'x').collect();
                    black_box(&text);
                    match random.below(4) {
                        0 => call(),
                        1 => drop(task::spawn(|| Vec::<u8>::with_capacity(300)).join()),
                        2 => task::yield_now(),
                        _ => compute_for(MS / 20),
                    }
                }
            });
        }
        for _ in 0..rounds {
            let pipe = Pipe::new();
            // SAFETY: the world is stopped while it forks, and the tasks hold no lock that the
            // child takes.
            match unsafe { process::fork() }.expect("there may be a child") {
                Some(mut child) => {
                    assert!(child.wait().expect("it is ours").success());
                }
                None => {
                    // It allocates, and calls by the hooks that are no more.
                    let many: Vec<String> = (0..100).map(|_| String::from("text")).collect();
                    black_box(&many);
                    call();
                    pipe.put(1);
                    pipe.take();
                    // What does not need the scheduler works.
                    task::yield_now();
                    task::checkpoint();
                    process::_exit(0);
                }
            }
        }
        is_over.store(true, Relaxed);
    });
    // What there is in a child of the scheduler panics.
    // SAFETY: as above.
    match unsafe { process::fork() }.expect("there may be a child") {
        Some(mut child) => assert_eq!(child.wait().expect("it is ours").code(), None),
        None => drop(task::spawn(|| ())),
    }
}
