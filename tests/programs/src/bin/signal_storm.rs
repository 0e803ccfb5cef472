//! Signals by the thousand, while the program waits in each call of the table in
//! `freestand::signal`, and while it passes on bytes.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU32,
    Ordering::{Relaxed, SeqCst},
};

use freestand::env::Args;
use freestand::io::{PipeReader, PipeWriter, Read, Write, pipe};
use freestand::signal::{self, Action, SaFlags, SigSet, SigVal, Signal, SignalFd};
use freestand::sys::{
    self, AddressFamily, BorrowedFd, Clock, Dev, EpollCreateFlags, EpollEvent, EpollFlags, EpollOp,
    Errno, EventFdFlags, FileMode, FileType, Flock, FlockFlags, FutexOp, InotifyFlags, InotifyMask,
    IoSlice, IoSliceMut, Itimerspec, LockType, Mode, MsgFlags, OFlags, OwnedFd, Pid, PipeFlags,
    PollFd, PollFlags, Protocol, RecvMessage, Result, SendMessage, SocketAddrUnix, SocketFlags,
    SocketOption, SocketType, TfdFlags, TfdTimerFlags, Tid, TimerFlags, Timespec, Timeval, WaitId,
    WaitOptions, set_socket_option,
};
use freestand::{println, thread};

freestand::entry!(main);

fn main(mut args: Args) {
    let scene = args.nth(1).expect("the first argument says which scene");
    match scene.to_bytes() {
        b"calls" => calls(),
        b"bytes" => bytes(),
        other => panic!("there is no scene {}", other.escape_ascii()),
    }
    println!("done");
}

/// How many signals come during each call at least.
const STORM: u32 = 300;
/// A duration or a timeout that never ends.
const LONG: Timespec = Timespec {
    tv_sec: 1000,
    tv_nsec: 0,
};
const RT: Signal = Signal(Signal::RTMIN.0 + 3);

/// How many signals have been handled.
static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: Signal) {
    // Of everything that the interrupted code may be using.
    black_box(black_box(1.5_f64) * 2.5);
    HANDLED.fetch_add(1, Relaxed);
}

fn handle(flags: SaFlags) {
    for signal in [Signal::USR1, RT] {
        // SAFETY: the handler changes an atomic.
        unsafe { signal::sigaction(signal, Some(&Action::handler(count).flags(flags))) }
            .expect("the signal can be handled");
    }
}

/// What a call does that is interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Interrupted {
    /// With `RESTART` it begins again.
    BeginsAgain,
    /// It fails with `EINTR` in any case.
    Fails,
}
use Interrupted::{BeginsAgain, Fails};

/// Makes `call` while signals come, without `RESTART` and with it. What ends the wait, if
/// anything, is `end`.
fn storm(name: &str, expected: Interrupted, call: impl Fn() -> Result<()>, end: impl Fn() + Sync) {
    for flags in [SaFlags::empty(), SaFlags::RESTART] {
        handle(flags);
        let begins_again = expected == BeginsAgain && flags == SaFlags::RESTART;
        let returned = AtomicBool::new(false);
        let (process, thread) = (sys::getpid(), sys::gettid());
        let before = HANDLED.load(SeqCst);
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                // The others are the main thread's.
                let _held_back = signal::block(SigSet::all()).expect("the set is one");
                let mut sent = 0;
                while !returned.load(SeqCst) {
                    if begins_again && sent == STORM {
                        end();
                        while !returned.load(SeqCst) {
                            thread::yield_now();
                        }
                        break;
                    }
                    sys::tgkill(process, thread, Signal::USR1).expect("it is there");
                    sent += 1;
                    // One that waits is not sent again.
                    while HANDLED.load(SeqCst) < before + sent {
                        thread::yield_now();
                    }
                }
            });
            let result = call();
            returned.store(true, SeqCst);
            result
        });
        let handled = HANDLED.load(SeqCst) - before;
        let expected = match begins_again {
            true => Ok(()),
            false => Err(Errno::EINTR),
        };
        assert_eq!(
            result, expected,
            "{name}, {flags:?}, after {handled} signals"
        );
        assert!(handled > 0);
        assert!(!begins_again || handled == STORM, "{name}: {handled}");
    }
    println!("{name}");
}

fn nothing() {}

fn byte_to(fd: BorrowedFd<'_>) {
    assert_eq!(sys::write(fd, b"x"), Ok(1));
}

/// One byte from `fd`, or the bytes of one event.
fn one(fd: BorrowedFd<'_>) -> Result<()> {
    sys::read(fd, &mut [0; 128]).map(|read| assert!(read > 0))
}

fn pair(kind: SocketType) -> [OwnedFd; 2] {
    sys::socketpair(AddressFamily::UNIX, kind, Protocol::DEFAULT).expect("there may be two more")
}

/// In an empty directory.
fn calls() {
    descriptors();
    files();
    sockets();
    children();
    words();
    waits();
}

fn descriptors() {
    let [reader, writer] = sys::pipe().expect("there may be two more");
    let (reader, writer) = (reader.as_fd(), writer.as_fd());
    storm("read", BeginsAgain, || one(reader), || byte_to(writer));
    storm(
        "readv",
        BeginsAgain,
        || {
            let mut byte = [0];
            let read = sys::readv(reader, &mut [IoSliceMut::new(&mut byte)]);
            read.map(|read| assert_eq!((read, byte), (1, *b"x")))
        },
        || byte_to(writer),
    );

    let [reader, writer] = sys::pipe2(PipeFlags::NONBLOCK).expect("there may be two more");
    let (reader, writer) = (reader.as_fd(), writer.as_fd());
    while sys::write(writer, &[0; 4096]).is_ok() {}
    sys::fcntl_setfl(writer, OFlags::empty()).expect("it is a descriptor");
    storm(
        "write",
        BeginsAgain,
        || sys::write(writer, &[0; 4096]).map(|written| assert_eq!(written, 4096)),
        || {
            assert_eq!(sys::read(reader, &mut [0; 4096]), Ok(4096));
        },
    );
    storm(
        "writev",
        BeginsAgain,
        || {
            let written = sys::writev(writer, &[IoSlice::new(&[0; 4096])]);
            written.map(|written| assert_eq!(written, 4096))
        },
        || {
            assert_eq!(sys::read(reader, &mut [0; 4096]), Ok(4096));
        },
    );

    let counter = sys::eventfd2(0, EventFdFlags::empty()).expect("there may be one more");
    let counter = counter.as_fd();
    storm(
        "read of an eventfd",
        BeginsAgain,
        || sys::read(counter, &mut [0; 8]).map(drop),
        || {
            assert_eq!(sys::write(counter, &1_u64.to_ne_bytes()), Ok(8));
        },
    );

    let _held_back = signal::block(SigSet::of(&[Signal::USR2])).expect("the set is one");
    let signals = SignalFd::new(SigSet::of(&[Signal::USR2])).expect("there may be one more");
    storm(
        "read of a signalfd",
        BeginsAgain,
        || {
            signals
                .read()
                .map(|info| assert_eq!(info.value(), Some(SigVal::new(5))))
        },
        || signal::queue(sys::getpid(), Signal::USR2, SigVal::new(5)).expect("it is there"),
    );

    let timer = sys::timerfd_create(Clock::MONOTONIC, TfdFlags::empty());
    let timer = timer.expect("there may be one more");
    let timer = timer.as_fd();
    let soon = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec {
            tv_sec: 0,
            tv_nsec: 1,
        },
    };
    storm(
        "read of a timerfd",
        BeginsAgain,
        || sys::read(timer, &mut [0; 8]).map(drop),
        || {
            sys::timerfd_settime(timer, TfdTimerFlags::empty(), &soon).expect("it is a time");
        },
    );
}

fn files() {
    let watch = sys::inotify_init1(InotifyFlags::empty()).expect("there may be one more");
    let watch = watch.as_fd();
    let fifo = "fifo";
    let kind = FileMode::new(FileType::FIFO, Mode::RUSR | Mode::WUSR);
    sys::mknod(fifo, kind, Dev(0)).expect("there is none yet");
    sys::inotify_add_watch(watch, fifo, InotifyMask::OPEN).expect("it is there");
    let open = |flags| sys::open(fifo, flags, Mode::empty());
    storm(
        "read of an inotify",
        BeginsAgain,
        || one(watch),
        || drop(open(OFlags::RDWR).expect("it is there")),
    );
    storm(
        "open of a FIFO",
        BeginsAgain,
        || open(OFlags::RDONLY).map(drop),
        || drop(open(OFlags::WRONLY).expect("somebody reads")),
    );

    let lock = |flags| sys::open("lock", OFlags::RDWR | flags, Mode::RUSR | Mode::WUSR);
    let file = lock(OFlags::CREAT | OFlags::EXCL).expect("there is none yet");
    let other = lock(OFlags::empty()).expect("it is there");
    let (file, other) = (file.as_fd(), other.as_fd());
    sys::flock(other, FlockFlags::EX).expect("it is free");
    storm(
        "flock",
        BeginsAgain,
        || sys::flock(file, FlockFlags::EX),
        || sys::flock(other, FlockFlags::UN).expect("it is locked"),
    );
    let lock = |kind| Flock::new(kind, 0, 0);
    sys::fcntl_ofd_setlk(other, &lock(LockType::WRLCK)).expect("it is free");
    storm(
        "fcntl_ofd_setlkw",
        BeginsAgain,
        || sys::fcntl_ofd_setlkw(file, &lock(LockType::WRLCK)),
        || sys::fcntl_ofd_setlk(other, &lock(LockType::UNLCK)).expect("it is locked"),
    );
    sys::fcntl_ofd_setlk(file, &lock(LockType::UNLCK)).expect("it is locked");

    // Such a lock is a process's: a child has it until it ends.
    let [told, tell] = sys::pipe().expect("there may be two more");
    let (holder, writer) = child(|| {
        sys::raw::fcntl_setlk(file, &lock(LockType::WRLCK)).is_ok()
            && sys::raw::write(tell.as_fd(), b"x") == Ok(1)
    });
    one(told.as_fd()).expect("it has the lock");
    storm(
        "fcntl_setlkw",
        BeginsAgain,
        || sys::fcntl_setlkw(file, &lock(LockType::WRLCK)),
        || byte_to(writer.as_fd()),
    );
    let ended = sys::wait4(holder, None, WaitOptions::empty(), None);
    assert_eq!(ended, Ok(Some(holder)));
}

fn sockets() {
    let address = SocketAddrUnix::from_pathname("socket").expect("it is short");
    let new = |flags: SocketFlags| {
        sys::socket(
            AddressFamily::UNIX,
            SocketType::STREAM | flags,
            Protocol::DEFAULT,
        )
        .expect("there may be one more")
    };
    let listener = new(SocketFlags::empty());
    let listener = listener.as_fd();
    sys::bind(listener, address).expect("there is none yet");
    sys::listen(listener, 0).expect("it is bound");
    let client = new(SocketFlags::empty());
    storm(
        "accept4",
        BeginsAgain,
        || sys::accept4(listener, SocketFlags::empty()).map(drop),
        || sys::connect(client.as_fd(), address).expect("it listens"),
    );
    let waits = || {
        // What is interrupted before anybody accepted has connected to nothing.
        let socket = new(SocketFlags::empty());
        sys::connect(socket.as_fd(), address)
    };
    loop {
        let socket = new(SocketFlags::NONBLOCK);
        match sys::connect(socket.as_fd(), address) {
            // It stays connected with nobody to hold it on this side.
            Ok(()) => {}
            Err(Errno::EAGAIN) => break,
            Err(errno) => panic!("{errno:?}"),
        }
    }
    storm("connect", BeginsAgain, waits, || {
        drop(sys::accept4(listener, SocketFlags::empty()).expect("many wait"));
    });

    let [one, other] = pair(SocketType::STREAM);
    let (one, other) = (one.as_fd(), other.as_fd());
    let flags = MsgFlags::empty();
    storm(
        "recvfrom",
        BeginsAgain,
        || sys::recv(one, &mut [0; 8], flags).map(|received| assert_eq!(received, 2)),
        || {
            assert_eq!(sys::send(other, b"ok", flags), Ok(2));
        },
    );
    storm(
        "recvmsg",
        BeginsAgain,
        || {
            let mut bytes = [0; 8];
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let received = sys::recvmsg(one, &mut RecvMessage::new(&mut parts), flags);
            received.map(|received| assert_eq!(received, 2))
        },
        || {
            assert_eq!(sys::send(other, b"ok", flags), Ok(2));
        },
    );
    while sys::send(other, &[0; 4096], MsgFlags::DONTWAIT).is_ok() {}
    storm(
        "sendto",
        BeginsAgain,
        || sys::send(other, &[0; 4096], flags).map(|sent| assert_eq!(sent, 4096)),
        || while sys::recv(one, &mut [0; 4096], MsgFlags::DONTWAIT).is_ok() {},
    );
    while sys::send(other, &[0; 4096], MsgFlags::DONTWAIT).is_ok() {}
    storm(
        "sendmsg",
        BeginsAgain,
        || {
            let parts = [IoSlice::new(&[0; 4096])];
            let sent = sys::sendmsg(other, &SendMessage::new(&parts), flags);
            sent.map(|sent| assert_eq!(sent, 4096))
        },
        || while sys::recv(one, &mut [0; 4096], MsgFlags::DONTWAIT).is_ok() {},
    );
    let [one, _other] = pair(SocketType::STREAM);
    let timeout = Timeval {
        tv_sec: LONG.tv_sec,
        tv_usec: 0,
    };
    set_socket_option(one.as_fd(), SocketOption::RCVTIMEO, &timeout).expect("it is a time");
    storm(
        "recvfrom with a timeout",
        Fails,
        || sys::recv(one.as_fd(), &mut [0], flags).map(drop),
        nothing,
    );
}

/// A child that does `first`, which makes system calls without hooks, and ends when it gets a
/// byte: with status 0 if all went well.
fn child(first: impl Fn() -> bool) -> (Pid, OwnedFd) {
    let [reader, writer] = sys::pipe().expect("there may be two more");
    // SAFETY: the child makes system calls only.
    match unsafe { sys::fork() }.expect("there may be one more") {
        Some(child) => (child, writer),
        None => {
            let is_well = first() && sys::raw::read(reader.as_fd(), &mut [0]) == Ok(1);
            sys::exit_group(i32::from(!is_well))
        }
    }
}

fn children() {
    let (pid, writer) = child(|| true);
    storm(
        "wait4",
        BeginsAgain,
        || {
            let ended = sys::wait4(pid, None, WaitOptions::empty(), None);
            ended.map(|ended| assert_eq!(ended, Some(pid)))
        },
        || byte_to(writer.as_fd()),
    );
    let (pid, writer) = child(|| true);
    storm(
        "waitid",
        BeginsAgain,
        || {
            let ended = sys::waitid(WaitId::Pid(pid), WaitOptions::EXITED, None)?;
            assert_eq!(ended.map(|child| (child.pid, child.status)), Some((pid, 0)));
            Ok(())
        },
        || byte_to(writer.as_fd()),
    );
}

fn words() {
    static WORD: AtomicU32 = AtomicU32::new(0);

    storm(
        "futex_wait",
        BeginsAgain,
        || sys::futex_wait(&WORD, 0),
        // It may not be back from a handler yet.
        || while sys::futex_wake(&WORD, 1) == Ok(0) {},
    );
    let operation = FutexOp::WAIT.private();
    storm(
        "futex with a timeout",
        Fails,
        || sys::futex(&WORD, operation, 0, Some(&LONG), None, 0).map(drop),
        nothing,
    );
}

fn waits() {
    let [reader, _writer] = sys::pipe().expect("there may be two more");
    let reader = reader.as_fd();
    let new = || [PollFd::new(reader, PollFlags::IN)];
    storm(
        "poll",
        Fails,
        || sys::poll(&mut new(), -1).map(drop),
        nothing,
    );
    storm(
        "ppoll",
        Fails,
        || sys::ppoll(&mut new(), Some(&mut LONG.clone()), None).map(drop),
        nothing,
    );
    storm(
        "pselect6",
        Fails,
        || sys::pselect6(0, None, None, None, Some(&mut LONG.clone()), None).map(drop),
        nothing,
    );
    storm(
        "select",
        Fails,
        || sys::select(0, None, None, None, None).map(drop),
        nothing,
    );
    let epoll = sys::epoll_create1(EpollCreateFlags::CLOEXEC).expect("there may be one more");
    let epoll = epoll.as_fd();
    let event = EpollEvent::new(EpollFlags::IN, 0);
    sys::epoll_ctl(epoll, EpollOp::ADD, reader, Some(&event)).expect("it is there");
    let wait = || sys::epoll_wait(epoll, &mut [EpollEvent::new(EpollFlags::empty(), 0)], -1);
    storm("epoll_wait", Fails, || wait().map(drop), nothing);
    storm("nanosleep", Fails, || sys::nanosleep(&LONG, None), nothing);
    let sleep = || sys::clock_nanosleep(Clock::MONOTONIC, TimerFlags::empty(), &LONG, None);
    storm("clock_nanosleep", Fails, sleep, nothing);
    let set = SigSet::of(&[Signal::USR2]);
    let _held_back = signal::block(set).expect("the set is one");
    storm(
        "rt_sigtimedwait",
        Fails,
        || signal::wait(set).map(drop),
        nothing,
    );
    storm(
        "rt_sigtimedwait with a timeout",
        Fails,
        || sys::rt_sigtimedwait(&set, None, Some(&LONG)).map(drop),
        nothing,
    );
    storm("pause", Fails, || sys::pause().map(drop), nothing);
}

/// How many bytes each call is asked to pass on.
const PIECE: usize = 9999;
/// How many signals each of two threads gets meanwhile.
const SIGNALS: u32 = 1000;
/// How many of them may wait to be handled: with more, little else would be done.
const WAITING: u32 = 8;

fn byte_at(place: usize) -> u8 {
    (place ^ place >> 7 ^ place >> 15) as u8
}

/// Bytes go through a pipe, written and read by two threads to which signals come all the
/// time: none is lost, of either.
fn bytes() {
    handle(SaFlags::empty());
    let (reader, writer) = pipe().expect("there may be two more");
    let reading = sys::gettid();
    let writing = AtomicI32::new(0);
    let stormed = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let written = scope.spawn(|| {
            writing.store(sys::gettid().0, SeqCst);
            write(writer, &stormed)
        });
        scope.spawn(|| {
            let _held_back = signal::block(SigSet::all()).expect("the set is one");
            while writing.load(SeqCst) == 0 {
                thread::yield_now();
            }
            let writing = Tid(writing.load(SeqCst));
            for sent in 0..SIGNALS {
                for thread in [reading, writing] {
                    sys::tgkill(sys::getpid(), thread, RT).expect("it is there");
                }
                while HANDLED.load(SeqCst) + WAITING < 2 * sent {
                    thread::yield_now();
                }
            }
            // Neither thread ends before it has had all of its own.
            while HANDLED.load(SeqCst) < 2 * SIGNALS {
                thread::yield_now();
            }
            stormed.store(true, SeqCst);
        });
        let read = read(reader);
        let Ok(written) = written.join();
        assert_eq!(read, written);
        written
    });
    assert_eq!(HANDLED.load(SeqCst), 2 * SIGNALS);
    println!("{written} bytes");
}

/// Writes pieces until the storm is over; how many bytes that is.
fn write(mut writer: PipeWriter, stormed: &AtomicBool) -> usize {
    let mut place = 0;
    while !stormed.load(SeqCst) {
        let piece: [u8; PIECE] = core::array::from_fn(|i| byte_at(place + i));
        writer.write_all(&piece).expect("somebody reads");
        place += PIECE;
    }
    place
}

/// Reads to the end; how many bytes that is.
fn read(mut reader: PipeReader) -> usize {
    let mut place = 0;
    let mut piece = [0; PIECE];
    while reader.read_exact(&mut piece).is_ok() {
        for (i, &byte) in piece.iter().enumerate() {
            assert_eq!(byte, byte_at(place + i), "at {}", place + i);
        }
        place += PIECE;
    }
    assert_eq!(reader.read(&mut piece), Ok(0));
    place
}
