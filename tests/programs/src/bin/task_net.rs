//! Plays a scene with tasks that wait for descriptors: `task_net SCENE [COUNT]`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering::*};

use freestand::env::Args;
use freestand::io::{self, EventFd, Read, Write};
use freestand::net::{
    ControlMessage, RecvMessage, SendControl, SendMessage, Shutdown, Socket, TcpListener,
    TcpStream, UdpSocket, UnixDatagram, UnixStream, control_space,
};
use freestand::sys::{
    self, AddressFamily, AsFd, Clock, Errno, EventFdFlags, IoSlice, IoSliceMut, MsgFlags, OwnedFd,
    Resource, Result, Rlimit, SaFlags, SigAction, SigHandler, SigSet, Signal, SocketType, TfdFlags,
};
use freestand::time::{Duration, Expiration, Instant, TimerFd};
use freestand::{fs, println, task};

freestand::entry!(main);

fn main(mut args: Args) {
    let mut text = || args.next().and_then(|arg| arg.to_str().ok());
    text();
    let (scene, count) = (text(), text());
    let count = || {
        count
            .and_then(|count| count.parse().ok())
            .expect("how many?")
    };
    match scene {
        Some("serve") => serve(),
        Some("echo") => echo(count()),
        Some("idle") => idle(count()),
        Some("ends") => ends(),
        Some("numbers") => numbers(count()),
        Some("timeouts") => timeouts(),
        Some("listener") => listener(count()),
        Some("pipes") => pipes(),
        Some("counters") => counters(),
        Some("datagrams") => datagrams(),
        Some("descriptors") => descriptors(),
        Some("urgent") => urgent(),
        Some("exhausted") => exhausted(),
        _ => panic!("no such scene"),
    }
    println!("ok");
}

/// Fewer than so many threads are there for the processors, and for those in calls that took
/// long for once; the scenes have many more tasks that wait.
const FEW: usize = 32;

/// How many threads the process has.
fn threads() -> usize {
    fs::read_dir("/proc/self/task")
        .expect("there is one")
        .count()
}

/// Two ends of a connection.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (here, listener.accept().unwrap().0)
}

/// Sends back what comes until the end does.
fn answer(mut stream: impl Read<Error = Errno> + Write<Error = Errno>) {
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).expect("it can be read") {
            0 => return,
            read => stream
                .write_all(&buffer[..read])
                .expect("it can be written"),
        }
    }
}

/// An echo server, for who counts its system calls: `serve`. It prints its address.
fn serve() -> ! {
    task::yield_now();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    io::stdout().flush().unwrap();
    loop {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        drop(task::spawn(move || {
            let (mut stream, mut buffer) = (stream, [0; 4096]);
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
        }));
    }
}

/// Connections that talk all at once.
fn echo(connections: usize) {
    const ROUNDS: usize = 200;
    let tasks = (0..connections).map(|i| {
        task::spawn(move || {
            let (mut here, there) = connection();
            let echo = task::spawn(move || answer(there));
            let mut back = [0; 64];
            for round in 0..ROUNDS {
                let length = 1 + (round * 7 + i) % 64;
                let sent = [(round + i) as u8; 64];
                here.write_all(&sent[..length]).unwrap();
                here.read_exact(&mut back[..length]).unwrap();
                assert_eq!(back[..length], sent[..length]);
            }
            here.shutdown(Shutdown::Write).unwrap();
            assert_eq!(here.read(&mut back), Ok(0));
            echo.join().unwrap();
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.join().unwrap();
    }
}

/// Connections on which nothing happens cost no thread.
fn idle(connections: usize) {
    let limit = sys::getrlimit(Resource::NOFILE).unwrap();
    let raised = Rlimit {
        rlim_cur: limit.rlim_max,
        ..limit
    };
    sys::setrlimit(Resource::NOFILE, &raised).unwrap();
    // Two descriptors each, and a few for the program itself.
    let room = (limit.rlim_max.saturating_sub(64) / 2).min(1 << 20) as usize;
    let connections = connections.min(room);
    task::yield_now();
    let before = threads();
    static WAIT: AtomicUsize = AtomicUsize::new(0);
    let mut ours = Vec::new();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (here, there) = UnixStream::pair().expect("there are descriptors for it");
            ours.push(here);
            task::spawn(move || {
                WAIT.fetch_add(1, Relaxed);
                answer(there);
            })
        })
        .collect();
    while WAIT.load(Relaxed) < connections {
        task::yield_now();
    }
    task::sleep(Duration::from_millis(20));
    let more = threads() - before;
    assert!(more < FEW, "{more} threads more");
    for (i, stream) in ours.iter_mut().enumerate() {
        stream.write_all(&i.to_ne_bytes()).unwrap();
    }
    for (i, stream) in ours.iter_mut().enumerate() {
        let mut bytes = [0; size_of::<usize>()];
        stream.read_exact(&mut bytes).unwrap();
        assert_eq!(usize::from_ne_bytes(bytes), i);
    }
    drop(ours);
    for task in tasks {
        task.join().unwrap();
    }
}

/// A connection ends while somebody waits for it, and in each way.
fn ends() {
    let expect = |wait: fn(TcpStream) -> Result<usize>, end: fn(TcpStream), result| {
        let (here, there) = connection();
        let task = task::spawn(move || wait(here));
        task::sleep(Duration::from_millis(2));
        end(there);
        assert_eq!(task.join().unwrap(), result);
    };
    expect(|mut stream| stream.read(&mut [0; 8]), drop, Ok(0));
    expect(
        |mut stream| stream.read(&mut [0; 8]),
        |stream| stream.shutdown(Shutdown::Write).unwrap(),
        Ok(0),
    );
    // It is not closed but cut.
    expect(
        |mut stream| stream.read(&mut [0; 8]),
        |stream| stream.set_linger(Some(Duration::ZERO)).unwrap(),
        Err(Errno::ECONNRESET),
    );
    expect(
        |mut stream| {
            loop {
                stream.write(&[0; 64 << 10])?;
            }
        },
        |stream| stream.set_linger(Some(Duration::ZERO)).unwrap(),
        Err(Errno::ECONNRESET),
    );
    // The last bytes and the end come at once: the bytes are fewer than there is room for, and
    // no more is told.
    for round in 0..200 {
        let (mut here, mut there) = connection();
        let task = task::spawn(move || {
            let mut buffer = [0; 64];
            assert_eq!(here.read(&mut buffer), Ok(1));
            here.write_all(b"1").unwrap();
            if round % 2 == 0 {
                task::sleep(Duration::from_micros(round * 3));
            }
            assert_eq!(here.read(&mut buffer), Ok(3));
            assert_eq!(here.read(&mut buffer), Ok(0));
            assert_eq!(here.read(&mut buffer), Ok(0));
            // One direction ended.
            here.write_all(b"end").unwrap();
        });
        there.write_all(b"1").unwrap();
        there.read_exact(&mut [0]).unwrap();
        there.write_all(b"234").unwrap();
        there.shutdown(Shutdown::Write).unwrap();
        let mut end = [0; 3];
        there.read_exact(&mut end).unwrap();
        assert_eq!(&end, b"end");
        task.join().unwrap();
    }
    // Its own task ends what another reads.
    let (here, there) = connection();
    task::scope(|scope| {
        let reader = scope.spawn(|| (&here).read(&mut [0; 8]));
        task::sleep(Duration::from_millis(2));
        here.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap(), Ok(0));
    });
    drop(there);
}

/// Numbers of descriptors are given out again, and what was known of them is not.
fn numbers(rounds: usize) {
    for round in 0..rounds {
        // Each is waited for, and closed while the other side still sends.
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let task = task::spawn(move || {
            let mut buffer = [0; 4];
            here.read_exact(&mut buffer).unwrap();
            here
        });
        if round % 3 == 0 {
            task::yield_now();
        }
        there.write_all(b"four").unwrap();
        let here = task.join().unwrap();
        let clone = here.try_clone().unwrap();
        let number = here.as_fd().as_raw_fd();
        drop(here);
        // The file goes on to live, and to tell.
        there.write_all(b"more").unwrap();
        let (mut next, mut far) = UnixStream::pair().unwrap();
        assert_eq!(next.as_fd().as_raw_fd(), number);
        let task = task::spawn(move || next.read(&mut [0; 8]));
        task::yield_now();
        there.write_all(b"more").unwrap();
        far.write_all(b"six").unwrap();
        assert_eq!(task.join().unwrap(), Ok(3));
        drop(clone);
    }
    // Closed while somebody waits, who has only its number.
    let (here, there) = UnixStream::pair().unwrap();
    let number = here.as_fd().as_raw_fd();
    let waiting = task::spawn(move || {
        // SAFETY: this closes it no more, and that somebody else does is what this is about.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        ManuallyDrop::new(UnixStream::from(fd)).read(&mut [0; 8])
    });
    task::sleep(Duration::from_millis(5));
    drop(here);
    let (next, _far) = UnixStream::pair().unwrap();
    assert_eq!(next.as_fd().as_raw_fd(), number);
    assert_eq!(waiting.join().unwrap(), Err(Errno::EBADF));
    drop(there);
    // Replaced by another file.
    let (one, mut other) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
    let mut reader = one.0;
    let mut far = one.1;
    let task = task::spawn(move || {
        assert_eq!(reader.read(&mut [0; 8]), Ok(1));
        OwnedFd::from(reader)
    });
    task::sleep(Duration::from_millis(2));
    far.write_all(b"1").unwrap();
    let mut fd = task.join().unwrap();
    sys::dup2(other.0.as_fd(), &mut fd).unwrap();
    let mut reader = UnixStream::from(fd);
    let task = task::spawn(move || reader.read(&mut [0; 8]));
    task::sleep(Duration::from_millis(2));
    other.1.write_all(b"22").unwrap();
    assert_eq!(task.join().unwrap(), Ok(2));
}

/// Deadlines hold, and what nobody waits for is not waited for.
fn timeouts() {
    const SHORT: Duration = Duration::from_millis(20);
    task::yield_now();
    let timed = |expected: Errno, call: &mut dyn FnMut() -> Result<usize>| {
        let begin = Instant::now();
        assert_eq!(call(), Err(expected));
        let took = begin.elapsed();
        assert!(took >= SHORT && took < SHORT * 100, "{took:?}");
    };
    let (mut here, mut there) = connection();
    // Before it is known, and afterwards.
    for _ in 0..3 {
        here.set_read_timeout(Some(SHORT)).unwrap();
        timed(Errno::EAGAIN, &mut || here.read(&mut [0; 8]));
        here.set_read_timeout(None).unwrap();
        let task = {
            let mut here = here.try_clone().unwrap();
            task::spawn(move || here.read(&mut [0; 8]))
        };
        task::sleep(SHORT * 2);
        there.write_all(b"late").unwrap();
        assert_eq!(task.join().unwrap(), Ok(4));
        // By a clone.
        here.try_clone()
            .unwrap()
            .set_read_timeout(Some(SHORT))
            .unwrap();
        timed(Errno::EAGAIN, &mut || here.read(&mut [0; 8]));
        here.set_read_timeout(None).unwrap();
        // Likewise for not waiting at all.
        there.set_nonblocking(true).unwrap();
        assert_eq!(there.read(&mut [0; 8]), Err(Errno::EAGAIN));
        there.set_nonblocking(false).unwrap();
        there.set_read_timeout(Some(SHORT)).unwrap();
        timed(Errno::EAGAIN, &mut || there.read(&mut [0; 8]));
        there.set_read_timeout(None).unwrap();
    }
    here.set_write_timeout(Some(SHORT)).unwrap();
    timed(Errno::EAGAIN, &mut || {
        loop {
            here.write(&[0; 64 << 10])?;
        }
    });
    let (mut reader, _writer) = io::pipe().unwrap();
    let flags = sys::fcntl_getfl(reader.as_fd()).unwrap();
    sys::fcntl_setfl(reader.as_fd(), flags | sys::OFlags::NONBLOCK).unwrap();
    assert_eq!(reader.read(&mut [0; 8]), Err(Errno::EAGAIN));
    // Nobody answers there: the queue is full.
    let full = Socket::new(AddressFamily::INET, SocketType::STREAM).unwrap();
    full.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    full.listen(0).unwrap();
    let full = TcpListener::from(full);
    let address = full.local_addr().unwrap();
    let queued = TcpStream::connect(address).unwrap();
    let begin = Instant::now();
    assert_eq!(
        TcpStream::connect_timeout(&address, SHORT).unwrap_err(),
        Errno::ETIMEDOUT
    );
    assert!(begin.elapsed() >= SHORT);
    drop((queued, full));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    TcpStream::connect_timeout(&address, SHORT * 100).unwrap();
    drop(listener);
    assert_eq!(
        TcpStream::connect(address).unwrap_err(),
        Errno::ECONNREFUSED
    );
    assert_eq!(
        TcpStream::connect_timeout(&address, SHORT * 100).unwrap_err(),
        Errno::ECONNREFUSED
    );
}

/// Several tasks take connections from one listener; each gets some, none is lost.
fn listener(connections: usize) {
    const TASKS: usize = 4;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let taken = AtomicUsize::new(0);
    task::scope(|scope| {
        for _ in 0..TASKS {
            scope.spawn(|| {
                loop {
                    let mut byte = [0];
                    let (mut stream, _) = listener.accept().unwrap();
                    stream.read_exact(&mut byte).unwrap();
                    if byte == [0] {
                        return;
                    }
                    taken.fetch_add(1, Relaxed);
                    stream.write_all(&byte).unwrap();
                }
            });
        }
        let talk = |byte: u8| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&[byte]).unwrap();
            let mut back = [0];
            stream.read(&mut back).unwrap();
            assert_eq!(back, [byte]);
        };
        let clients: Vec<_> = (0..TASKS)
            .map(|_| scope.spawn(move || (0..connections / TASKS).for_each(|_| talk(1))))
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        (0..TASKS).for_each(|_| talk(0));
    });
    assert_eq!(taken.into_inner(), connections / TASKS * TASKS);
}

/// Pipes in both directions, with less room than there is to write.
fn pipes() {
    const BYTES: usize = 1 << 20;
    let (mut reader, mut writer) = io::pipe().unwrap();
    let task = task::spawn(move || {
        let bytes: Vec<u8> = (0..BYTES).map(|i| (i / 7) as u8).collect();
        for chunk in bytes.chunks(10_000) {
            writer.write_all(chunk).unwrap();
        }
        // One call's is no more than there is room for.
        assert!(writer.write(&[0; 8192]).unwrap() <= 4096);
    });
    task::yield_now();
    let before = threads();
    let mut bytes = vec![0; BYTES];
    for chunk in bytes.chunks_mut(3000) {
        reader.read_exact(chunk).unwrap();
    }
    assert!(
        bytes
            .iter()
            .enumerate()
            .all(|(i, &byte)| byte == (i / 7) as u8)
    );
    assert_eq!(reader.read(&mut bytes), Ok(4096));
    assert_eq!(reader.read(&mut bytes), Ok(0));
    task.join().unwrap();
    // A few hundred readers at once are a few hundred tasks.
    let (tasks, writers): (Vec<_>, Vec<_>) = (0..200)
        .map(|_| {
            let (mut reader, writer) = io::pipe().unwrap();
            (task::spawn(move || reader.read(&mut [0; 8])), writer)
        })
        .unzip();
    task::sleep(Duration::from_millis(20));
    let more = threads() - before;
    assert!(more < FEW, "{more} threads more");
    drop(writers);
    for task in tasks {
        assert_eq!(task.join().unwrap(), Ok(0));
    }
    // Nobody reads any more.
    let ignore = SigAction {
        sa_handler: SigHandler::Ignore,
        sa_flags: SaFlags::empty(),
        sa_mask: SigSet::empty(),
    };
    // SAFETY: nothing is handled.
    unsafe { sys::rt_sigaction(Signal::PIPE, Some(&ignore)) }.unwrap();
    let (reader, mut writer) = io::pipe().unwrap();
    let task = task::spawn(move || {
        loop {
            if let Err(errno) = writer.write(&[0; 4096]) {
                return errno;
            }
        }
    });
    task::sleep(Duration::from_millis(5));
    drop(reader);
    assert_eq!(task.join().unwrap(), Errno::EPIPE);
}

/// Counters and timers behind descriptors.
fn counters() {
    task::yield_now();
    let (there, back) = (
        EventFd::new(0, EventFdFlags::empty()).unwrap(),
        EventFd::new(0, EventFdFlags::SEMAPHORE).unwrap(),
    );
    let before = threads();
    task::scope(|scope| {
        scope.spawn(|| {
            for i in 1..=1000 {
                assert_eq!(there.read(), Ok(i));
                back.write(2).unwrap();
            }
        });
        for i in 1..=1000 {
            there.write(i).unwrap();
            assert_eq!(back.read(), Ok(1));
            assert_eq!(back.read(), Ok(1));
        }
        // It is full, until somebody reads.
        there.write(EventFd::MAX).unwrap();
        scope.spawn(|| there.write(5).unwrap());
        task::sleep(Duration::from_millis(2));
        assert_eq!(there.read(), Ok(EventFd::MAX));
        assert_eq!(there.read(), Ok(5));
    });
    let ticks: Vec<_> = (1..=50)
        .map(|i| {
            task::spawn(move || {
                let timer = TimerFd::new(Clock::MONOTONIC, TfdFlags::empty()).unwrap();
                let period = Duration::from_millis(i);
                let begin = Instant::now();
                timer.set(Expiration::After(period), Some(period)).unwrap();
                let mut expired = 0;
                while expired < 3 {
                    expired += timer.read().unwrap();
                }
                assert!(begin.elapsed() >= period * 3);
            })
        })
        .collect();
    task::sleep(Duration::from_millis(10));
    let more = threads() - before;
    assert!(more < FEW, "{more} threads more");
    for task in ticks {
        task.join().unwrap();
    }
}

/// Messages, each by itself.
fn datagrams() {
    const COUNT: usize = 500;
    task::yield_now();
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let echo = task::spawn(move || {
        let mut buffer = [0; 16];
        loop {
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            assert_eq!(server.send_to(&buffer[..length], from), Ok(length));
            if length == 0 {
                return;
            }
        }
    });
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(address).unwrap();
    let mut buffer = [0; 16];
    for i in 0..COUNT {
        let length = 1 + i % 8;
        client.send(&[i as u8; 8][..length]).unwrap();
        assert_eq!(client.recv(&mut buffer), Ok(length));
        assert_eq!(buffer[0], i as u8);
    }
    // Two at once are two: that the first was short says nothing.
    client.send(b"1").unwrap();
    client.send(b"22").unwrap();
    assert_eq!(client.recv(&mut buffer), Ok(1));
    assert_eq!(client.recv(&mut buffer), Ok(2));
    client.send(b"").unwrap();
    assert_eq!(client.recv(&mut buffer), Ok(0));
    echo.join().unwrap();

    // A queue that is full, connected and not.
    for connected in [true, false] {
        let name = alloc::format!("\0task_net {} {connected}", sys::getpid().0);
        let to = freestand::net::UnixAddr::from_abstract_name(&name.as_bytes()[1..]).unwrap();
        let receiver = UnixDatagram::bind_addr(&to).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        if connected {
            sender.connect_addr(&to).unwrap();
        }
        let task = task::spawn(move || {
            for i in 0..COUNT {
                let bytes = [i as u8; 4];
                let sent = match connected {
                    true => sender.send(&bytes),
                    false => sender.send_to_addr(&bytes, &to),
                };
                assert_eq!(sent, Ok(4));
            }
        });
        task::sleep(Duration::from_millis(5));
        for i in 0..COUNT {
            assert_eq!(receiver.recv(&mut buffer), Ok(4));
            assert_eq!(buffer[0], i as u8);
        }
        task.join().unwrap();
    }
}

/// Descriptors through a socket, and bytes after them, which a read does not reach.
fn descriptors() {
    let (here, mut there) = UnixStream::pair().unwrap();
    let (mut reader, writer) = io::pipe().unwrap();
    let task = task::spawn(move || {
        let mut received: Vec<OwnedFd> = Vec::new();
        let (mut text, mut room) = ([0; 64], [0; control_space(4)]);
        let mut bytes = 0;
        while bytes < 8 {
            let mut parts = [IoSliceMut::new(&mut text)];
            let mut message = RecvMessage::new(&mut parts).with_control(&mut room);
            bytes += here.recvmsg(&mut message).unwrap();
            assert!(!message.flags().contains(MsgFlags::CTRUNC));
            for control in message.control_messages() {
                if let ControlMessage::Rights(fds) = control {
                    received.extend(fds);
                }
            }
        }
        assert_eq!(received.len(), 2);
        let mut plain = here;
        // A read stops at a descriptor too, and the bytes behind it are there already.
        assert_eq!(plain.read(&mut text), Ok(2));
        assert_eq!(plain.read(&mut text), Ok(2));
        for fd in received {
            io::PipeWriter::from(fd).write_all(b"through").unwrap();
        }
    });
    task::sleep(Duration::from_millis(2));
    for _ in 0..2 {
        let mut room = [0; control_space(1)];
        let mut control = SendControl::new(&mut room);
        control.rights(&[writer.as_fd()]).unwrap();
        let parts = [IoSlice::new(b"file")];
        let message = SendMessage::new(&parts).with_control(&control);
        assert_eq!(there.sendmsg(&message), Ok(4));
    }
    let mut room = [0; control_space(1)];
    let mut control = SendControl::new(&mut room);
    control.rights(&[writer.as_fd()]).unwrap();
    let parts = [IoSlice::new(b"12")];
    there
        .sendmsg(&SendMessage::new(&parts).with_control(&control))
        .unwrap();
    there.write_all(b"34").unwrap();
    drop(writer);
    let mut text = [0; 14];
    reader.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"throughthrough");
    task.join().unwrap();
}

/// A read stops at urgent bytes, and what is behind them is there already.
fn urgent() {
    for round in 0..50 {
        let (mut here, mut there) = connection();
        let task = task::spawn(move || {
            let (mut buffer, mut bytes) = ([0; 64], 0);
            // The urgent one is not among them.
            while bytes < 8 {
                bytes += here.read(&mut buffer).unwrap();
            }
            assert_eq!(bytes, 8);
        });
        if round % 2 == 0 {
            task::sleep(Duration::from_micros(500));
        }
        there.write_all(b"four").unwrap();
        sys::send(there.as_fd(), b"!", MsgFlags::OOB).unwrap();
        there.write_all(b"more").unwrap();
        task.join().unwrap();
    }
}

/// Without descriptors for the poller, threads wait.
fn exhausted() {
    let (mut here, mut there) = connection();
    task::yield_now();
    let limit = sys::getrlimit(Resource::NOFILE).unwrap();
    let used = there.as_fd().as_raw_fd().max(here.as_fd().as_raw_fd()) + 1;
    let none = Rlimit {
        rlim_cur: used as u64,
        ..limit
    };
    sys::setrlimit(Resource::NOFILE, &none).unwrap();
    let task = task::spawn(move || {
        let mut buffer = [0; 8];
        assert_eq!(here.read(&mut buffer), Ok(1));
        assert_eq!(here.read(&mut buffer), Ok(2));
    });
    task::sleep(Duration::from_millis(10));
    there.write_all(b"1").unwrap();
    task::sleep(Duration::from_millis(10));
    assert!(task::sched::stats().unpolled > 0);
    // From now on there are.
    sys::setrlimit(Resource::NOFILE, &limit).unwrap();
    there.write_all(b"22").unwrap();
    task.join().unwrap();
}
