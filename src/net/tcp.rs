//! TCP: connections over the internet; tcp(7).

use core::net::SocketAddr;
use core::time::Duration;

use super::addr::first;
use super::socket::{self, BACKLOG, incoming, internet_methods, methods, socket, stream, timeouts};
use super::{Socket, ToSocketAddrs};
use crate::sys::{Errno, Result, SocketType};

/// One side of a connection, which ends when this and all its clones are dropped.
///
/// It is read and written by embedded-io's traits, also through a `&TcpStream`; neither
/// goes through a buffer. Each is one call, which like std's does not go on after `EINTR`;
/// `read_exact` and `write_all` do.
#[derive(Debug)]
pub struct TcpStream(Socket);

impl TcpStream {
    /// Connects to the first of the addresses that takes it. It goes on after `EINTR`.
    ///
    /// # Errors
    ///
    /// That of the last address: `ECONNREFUSED` if nobody listens there, `ETIMEDOUT` if
    /// nobody answers, `ENETUNREACH`, `EHOSTUNREACH`, `EADDRNOTAVAIL` if no port is free,
    /// `EACCES`, `EMFILE`, …; `EINVAL` if there is no address.
    #[track_caller]
    pub fn connect(addresses: impl ToSocketAddrs) -> Result<TcpStream> {
        first(addresses, |address| {
            let socket = Socket::for_address(address, SocketType::STREAM)?;
            socket.connect_new(address)?;
            Ok(TcpStream(socket))
        })
    }

    /// Connects to the address within `timeout`, however many signals come.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` if that is over, `EINVAL` if it is zero, and as for
    /// [`connect`](TcpStream::connect).
    ///
    /// # Panics
    ///
    /// As [`Instant::now`](crate::time::Instant::now).
    #[track_caller]
    pub fn connect_timeout(address: &SocketAddr, timeout: Duration) -> Result<TcpStream> {
        let socket = Socket::for_address(*address, SocketType::STREAM)?;
        socket.connect_timeout(*address, timeout)?;
        Ok(TcpStream(socket))
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if it has gone.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        self.0.peer_addr().and_then(socket::internet)
    }
}

socket!(TcpStream);
internet_methods!(TcpStream);
timeouts!(TcpStream);
stream!(TcpStream);

methods! { TcpStream:
    /// Whether small pieces are sent at once, and not held back until what was sent before
    /// has arrived: `TCP_NODELAY`, tcp(7).
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn set_nodelay(&self, nodelay: bool) -> Result<()>;

    /// Whether small pieces are sent at once.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn nodelay(&self) -> Result<bool>;

    /// Whether the other side is told at once that bytes have come: `TCP_QUICKACK`, tcp(7).
    /// The kernel goes back to its own ways when it likes.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn set_quickack(&self, quickack: bool) -> Result<()>;

    /// Whether the other side is told at once that bytes have come.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn quickack(&self) -> Result<bool>;

    /// For how many whole seconds close waits until what was written has arrived; `None`:
    /// not at all, but it is sent nevertheless. After zero seconds what has not been sent
    /// is lost, and the other side sees `ECONNRESET`. `SO_LINGER`, socket(7).
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn set_linger(&self, linger: Option<Duration>) -> Result<()>;

    /// How long close waits.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn linger(&self) -> Result<Option<Duration>>;

    /// After how many silent seconds, whole ones, the other side is asked whether it is
    /// still there, so that a connection ends that is none any more; `None`: never.
    /// `SO_KEEPALIVE`, `TCP_KEEPIDLE`, tcp(7). How often, and how often in vain, say
    /// [`SocketOption::TCP_KEEPINTVL`](crate::sys::SocketOption::TCP_KEEPINTVL) and
    /// [`TCP_KEEPCNT`](crate::sys::SocketOption::TCP_KEEPCNT).
    ///
    /// # Errors
    ///
    /// `EINVAL` for less than a second and more than 32 767.
    fn set_keepalive(&self, keepalive: Option<Duration>) -> Result<()>;

    /// After how long the other side is asked whether it is still there.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn keepalive(&self) -> Result<Option<Duration>>;
}

/// What takes connections.
#[derive(Debug)]
pub struct TcpListener(Socket);

impl TcpListener {
    /// Listens at the first of the addresses that can be had. The port 0 is any that is
    /// free. An address that was in use a moment ago can be had (`SO_REUSEADDR`).
    ///
    /// # Errors
    ///
    /// That of the last address: `EADDRINUSE` if another listens there, `EADDRNOTAVAIL` if
    /// it is none of this machine, `EACCES` for a port that the program may not have,
    /// `EMFILE`, …; `EINVAL` if there is no address.
    pub fn bind(addresses: impl ToSocketAddrs) -> Result<TcpListener> {
        first(addresses, |address| {
            let socket = Socket::for_address(address, SocketType::STREAM)?;
            socket.set_reuse_address(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)?;
            Ok(TcpListener(socket))
        })
    }

    /// Waits for a connection, and takes it; with it, the address of the other side. It
    /// goes on after `EINTR`.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors: the connection stays there,
    /// to be accepted when there is room. `ECONNABORTED` if it has gone in the meantime,
    /// `EAGAIN` if the listener does not wait, and errors of the network.
    #[track_caller]
    pub fn accept(&self) -> Result<(TcpStream, SocketAddr)> {
        let (socket, address) = self.0.accept()?;
        Ok((TcpStream(socket), socket::internet(address)?))
    }
}

socket!(TcpListener);
internet_methods!(TcpListener);
incoming!(Incoming of TcpListener: TcpStream);
