//! Signals that come while a call waits, and one that must not come.

use alloc::vec;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use core::time::Duration;

use freestand::io::{self, Epoll, EpollEvent, EpollFlags, PollFd, PollFlags, Read, Write};
use freestand::net::{
    Shutdown, Socket, TcpStream, UdpSocket, UnixAddr, UnixDatagram, UnixListener, UnixStream,
};
use freestand::sys::{
    self, AddressFamily, AsFd, Errno, ItimerWhich, Itimerval, MaskHow, Result, SaFlags, SigAction,
    SigHandler, SigInfo, SigSet, Signal, SocketType, Timeval, UContext,
};
use freestand::time::{Instant, sleep};
use test_programs::child;

use crate::alone::{connection, full_queue, listener};

/// How often the handler has run.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// How many signals are more than a minute's: something hangs.
const TOO_MANY: u32 = 60_000 / 5;

extern "C" fn count(_: Signal, _: &SigInfo, _: &mut UContext) {
    if COUNT.fetch_add(1, Relaxed) > TOO_MANY {
        // Nothing is left to lose. The test's own alarm is this timer.
        let _ = sys::kill(sys::getpid(), Signal::KILL);
    }
}

/// Has a signal come every 5 milliseconds.
fn storm() -> Result<()> {
    let action = SigAction {
        sa_handler: SigHandler::Function(count),
        sa_flags: SaFlags::empty(),
        sa_mask: SigSet::empty(),
    };
    // SAFETY: the handler only counts.
    unsafe { sys::rt_sigaction(Signal::ALRM, Some(&action)) }?;
    let interval = Timeval {
        tv_sec: 0,
        tv_usec: 5_000,
    };
    let timer = Itimerval {
        it_interval: interval,
        it_value: interval,
    };
    sys::setitimer(ItimerWhich::REAL, &timer).map(drop)
}

/// Does `work`, during which at least one signal comes.
fn stormy<T>(work: impl FnOnce() -> T) -> T {
    let before = COUNT.load(Relaxed);
    let result = work();
    assert!(COUNT.load(Relaxed) > before, "no signal came");
    result
}

/// Does `later` in a child, after more than one signal, and `now` meanwhile.
fn meanwhile<T>(later: impl FnOnce(), now: impl FnOnce() -> T) -> T {
    // SAFETY: there is one thread, and nothing has been printed.
    let child = unsafe { sys::fork() }.expect("there is room for one more process");
    if child.is_none() {
        // Timers are not inherited.
        sleep(Duration::from_millis(40));
        later();
        freestand::process::exit(0);
    }
    now()
}

pub fn interruptions() -> Result<()> {
    storm()?;

    // These go on.
    let (listener, address) = listener()?;
    let accepted = meanwhile(
        || drop(TcpStream::connect(address)),
        || stormy(|| listener.accept()),
    );
    assert!(accepted.is_ok(), "{accepted:?}");
    let unix = UnixListener::bind_addr(&UnixAddr::UNNAMED)?;
    let name = unix.local_addr()?;
    let accepted = meanwhile(
        || drop(UnixStream::connect_addr(&name)),
        || stormy(|| unix.accept()),
    );
    assert!(accepted.is_ok(), "{accepted:?}");
    let (full, address, _queued) = full_queue()?;
    let connected = meanwhile(
        || drop(full.accept()),
        || stormy(|| TcpStream::connect(address)),
    );
    assert_eq!(connected?.peer_addr(), Ok(address));
    let (_full, address, _queued) = full_queue()?;
    let begin = Instant::now();
    let late = stormy(|| TcpStream::connect_timeout(&address, Duration::from_millis(60)));
    assert_eq!(late.map(drop), Err(Errno::ETIMEDOUT));
    assert!(begin.elapsed() >= Duration::from_millis(60));
    let (mut here, there) = connection()?;
    let mut bytes = [0; 2];
    let read = meanwhile(
        || {
            for byte in [b"o", b"k"] {
                (&there).write_all(byte).expect("there is room");
                sleep(Duration::from_millis(10));
            }
        },
        || stormy(|| here.read_exact(&mut bytes)),
    );
    assert!(read.is_ok() && &bytes == b"ok", "{read:?}");
    let all = vec![7; 1 << 23];
    let written = meanwhile(
        || {
            let mut read = vec![0; 1 << 23];
            (&there).read_exact(&mut read).expect("all of it comes");
            assert!(read == all);
        },
        || stormy(|| here.write_all(&all)),
    );
    assert_eq!(written, Ok(()));

    // These do not, as std's do not.
    assert_eq!(stormy(|| here.read(&mut bytes)), Err(Errno::EINTR));
    assert_eq!(stormy(|| here.peek(&mut bytes)), Err(Errno::EINTR));
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    assert_eq!(stormy(|| udp.recv_from(&mut bytes)), Err(Errno::EINTR));
    let (datagrams, other) = UnixDatagram::pair()?;
    assert_eq!(stormy(|| datagrams.recv(&mut bytes)), Err(Errno::EINTR));
    let full = stormy(|| {
        loop {
            if let Err(errno) = other.send(b"x") {
                break errno;
            }
        }
    });
    assert_eq!(full, Errno::EINTR);
    let mut fds = [PollFd::new(udp.as_fd(), PollFlags::IN)];
    assert_eq!(stormy(|| io::poll(&mut fds, None)), Err(Errno::EINTR));
    let epoll = Epoll::new()?;
    epoll.add(&udp, EpollFlags::IN, 0)?;
    let mut events = [EpollEvent::default()];
    assert_eq!(stormy(|| epoll.wait(&mut events, None)), Err(Errno::EINTR));
    let full = Socket::new(AddressFamily::UNIX, SocketType::STREAM)?;
    full.bind(UnixAddr::UNNAMED)?;
    full.listen(0)?;
    let name = UnixListener::from(full);
    let name = (name.local_addr()?, name);
    let _queued = UnixStream::connect_addr(&name.0)?;
    assert_eq!(
        stormy(|| UnixStream::connect_addr(&name.0)).map(drop),
        Err(Errno::EINTR)
    );
    Ok(())
}

/// The other side is gone, and nothing says so but `EPIPE`.
pub fn gone() -> Result<()> {
    // It would end the process, if it came.
    // SAFETY: it is only asked.
    let action = unsafe { sys::rt_sigaction(Signal::PIPE, None) }?;
    assert!(matches!(action.sa_handler, SigHandler::Default));
    let mask = sys::rt_sigprocmask(MaskHow::BLOCK, None)?;
    assert!(!mask.contains(Signal::PIPE));

    let (tcp, other) = connection()?;
    tcp.shutdown(Shutdown::Write)?;
    every_way_fails(tcp)?;
    drop(other);
    let (unix, other) = UnixStream::pair()?;
    drop(other);
    every_way_fails(unix)?;
    let (here, there) = UnixDatagram::pair()?;
    there.shutdown(Shutdown::Read)?;
    assert_eq!(here.send(b"x"), Err(Errno::EPIPE));

    // What was held back before stays.
    let sigpipe = SigSet::of(&[Signal::PIPE]);
    sys::rt_sigprocmask(MaskHow::BLOCK, Some(&sigpipe))?;
    copy_fails(&closed()?)?;
    assert!(!sys::rt_sigpending()?.contains(Signal::PIPE));
    sys::kill(sys::getpid(), Signal::PIPE)?;
    copy_fails(&closed()?)?;
    assert!(sys::rt_sigpending()?.contains(Signal::PIPE));
    assert!(sys::rt_sigprocmask(MaskHow::BLOCK, None)?.contains(Signal::PIPE));
    // One or two: signals of this kind do not count.
    let now = Some(&sys::Timespec::default());
    while sys::rt_sigtimedwait(&sigpipe, None, now).is_ok() {}
    sys::rt_sigprocmask(MaskHow::UNBLOCK, Some(&sigpipe))?;

    // That this scene can fail: a write that is not the socket's own.
    // SAFETY: there is one thread, and nothing has been printed.
    let Some(child) = unsafe { sys::fork() }? else {
        let _ = sys::write(closed()?.as_fd(), b"x");
        freestand::process::exit(0);
    };
    let mut status = sys::WaitStatus(0);
    sys::wait4(child, Some(&mut status), sys::WaitOptions::empty(), None)?;
    assert_eq!(status.0 & 0x7f, Signal::PIPE.0, "{status:?}");
    child::in_child(|| copy_fails(&closed().expect("a pair")).expect("it fails as it should"));
    Ok(())
}

/// A stream whose other side is gone.
fn closed() -> Result<UnixStream> {
    UnixStream::pair().map(|(here, _)| here)
}

fn every_way_fails<S: AsFd + Write<Error = Errno>>(mut socket: S) -> Result<()> {
    assert_eq!(socket.write(b"x"), Err(Errno::EPIPE));
    assert_eq!(socket.write_all(b"x"), Err(Errno::EPIPE));
    copy_fails(&socket)?;
    let mut reader = &b"text"[..];
    let copied = io::copy_buffered(&mut reader, &mut socket);
    assert_eq!(copied.map_err(Errno::from), Err(Errno::EPIPE));
    let mut buffered = io::BufWriter::<_, 16>::with_capacity(socket);
    buffered.write_all(b"x")?;
    assert_eq!(buffered.flush(), Err(Errno::EPIPE));
    drop(buffered.abandon());
    Ok(())
}

/// From a pipe, by splice, and from a file and a socket, by write.
fn copy_fails(socket: &impl AsFd) -> Result<()> {
    let (pipe, mut writer) = io::pipe()?;
    writer.write_all(b"text")?;
    assert_eq!(io::copy(&pipe, socket), Err(Errno::EPIPE));
    let file = freestand::fs::File::open("/proc/self/stat")?;
    assert_eq!(io::copy(&file, socket), Err(Errno::EPIPE));
    let (reader, mut writer) = UnixStream::pair()?;
    writer.write_all(b"text")?;
    assert_eq!(io::copy(&reader, socket), Err(Errno::EPIPE));
    Ok(())
}
