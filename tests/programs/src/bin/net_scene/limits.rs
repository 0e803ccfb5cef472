//! Descriptors: too few of them, none that is lost, and calls that fail.

use alloc::vec::Vec;
use core::time::Duration;

use freestand::io::{Epoll, EpollEvent, EpollFlags, Read, Write};
use freestand::net::{
    Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket, UnixAddr, UnixDatagram, UnixListener,
    UnixStream,
};
use freestand::println;
use freestand::sys::{self, Errno, OwnedFd, Resource, Result};

use crate::alone::listener;
use crate::descriptors;

pub fn limits() -> Result<()> {
    let (listener, address) = listener()?;
    let mut client = TcpStream::connect(address)?;
    // Everything that there is room for.
    let limit = sys::getrlimit(Resource::NOFILE)?;
    let few = sys::Rlimit {
        rlim_cur: 64,
        ..limit
    };
    sys::setrlimit(Resource::NOFILE, &few)?;
    let mut all = Vec::new();
    let full = loop {
        match sys::fcntl_dupfd_cloexec(sys::STDIN, 3) {
            Ok(fd) => all.push(fd),
            Err(errno) => break errno,
        }
    };
    // The kernel says EMFILE where there is no number left below the limit, or EINVAL
    // where the first that may be is above it.
    assert_eq!(full, Errno::EMFILE);

    assert_eq!(listener.accept().map(drop), Err(Errno::EMFILE));
    assert_eq!(listener.try_clone().map(drop), Err(Errno::EMFILE));
    assert_eq!(TcpStream::connect(address).map(drop), Err(Errno::EMFILE));
    assert_eq!(
        TcpListener::bind("127.0.0.1:0").map(drop),
        Err(Errno::EMFILE)
    );
    assert_eq!(UdpSocket::bind("127.0.0.1:0").map(drop), Err(Errno::EMFILE));
    assert_eq!(UnixStream::pair().map(drop), Err(Errno::EMFILE));
    assert_eq!(UnixDatagram::unbound().map(drop), Err(Errno::EMFILE));
    assert_eq!(Epoll::new().map(drop), Err(Errno::EMFILE));
    // One is not enough for two, and is not lost.
    drop(all.pop());
    assert_eq!(UnixStream::pair().map(drop), Err(Errno::EMFILE));
    // The connection has waited.
    let (mut accepted, _) = listener.accept()?;
    client.write_all(b"x")?;
    accepted.read_exact(&mut [0])?;
    Ok(())
}

/// Connections that come and go.
pub fn rounds(rounds: usize) -> Result<()> {
    let (listener, address) = listener()?;
    let unix = UnixListener::bind_addr(&UnixAddr::UNNAMED)?;
    let name = unix.local_addr()?;
    let epoll = Epoll::new()?;
    let refused = {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        gone.local_addr()?
    };
    let before = descriptors();
    for round in 0..rounds {
        let here = TcpStream::connect(address)?;
        let (there, _) = listener.accept()?;
        // The port is free again at once.
        here.set_linger(Some(Duration::ZERO))?;
        epoll.add(&there, EpollFlags::IN, round as u64)?;
        let clone = there.try_clone()?;
        drop(here);
        let mut events = [EpollEvent::default()];
        assert_eq!(epoll.wait(&mut events, None), Ok(1));
        assert_eq!(events[0].data(), round as u64);
        drop((there, clone));

        let here = UnixStream::connect_addr(&name)?;
        let there = OwnedFd::from(unix.accept()?.0);
        drop((UnixStream::from(there), here));
        // What fails keeps nothing.
        if round % 16 == 0 {
            let connected = TcpStream::connect(refused).map(drop);
            assert_eq!(connected, Err(Errno::ECONNREFUSED));
            let timeout = Duration::from_secs(1);
            let connected = TcpStream::connect_timeout(&refused, timeout).map(drop);
            assert_eq!(connected, Err(Errno::ECONNREFUSED));
            let bound = TcpListener::bind(address).map(drop);
            assert_eq!(bound, Err(Errno::EADDRINUSE));
        }
    }
    assert_eq!(descriptors(), before);
    Ok(())
}

/// A little of everything, for tests in which system calls fail.
pub fn faults() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut here = TcpStream::connect(address)?;
    let (mut there, from) = listener.accept()?;
    println!("{}", from == here.local_addr()?);
    here.set_nodelay(true)?;
    here.set_read_timeout(Some(Duration::from_secs(5)))?;
    there.set_read_timeout(Some(Duration::from_secs(5)))?;
    here.write_all(b"text")?;
    here.shutdown(Shutdown::Write)?;
    let mut bytes = [0; 4];
    there.read_exact(&mut bytes).map_err(Errno::from)?;
    println!("{} {:?}", bytes.escape_ascii(), there.take_error()?);
    let clone = there.try_clone()?;
    let epoll = Epoll::new()?;
    epoll.add(&clone, EpollFlags::IN, 7)?;
    let mut events = [EpollEvent::default()];
    let happened = epoll.wait(&mut events, Some(Duration::from_secs(5)))?;
    println!("{happened} {}", events[0].data());
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    println!("{}", stream.peer_addr()? == address);
    let (one, other) = UnixDatagram::pair()?;
    other.set_read_timeout(Some(Duration::from_secs(5)))?;
    one.send(b"x")?;
    println!("{}", other.recv(&mut bytes)?);
    Ok(())
}
