//! Sockets: the internet's, and those of this machine, with std's names, shapes and
//! meaning.
//!
//! | | std's module |
//! |---|---|
//! | [`TcpListener`], [`TcpStream`], [`UdpSocket`], [`ToSocketAddrs`], [`Shutdown`], [`Incoming`] | `net` |
//! | [`UnixListener`], [`UnixStream`], [`UnixDatagram`], [`UnixAddr`], [`UnixIncoming`] | `os::unix::net`, where the address is called `SocketAddr` |
//! | [`Socket`]: one whose options are to be set before it is bound | none; the crate socket2's |
//!
//! Addresses of the internet are core's ([`SocketAddr`]). Whoever waits for several
//! sockets at once does it with [`io::poll`](crate::io::poll()) or
//! [`io::Epoll`](crate::io::Epoll).
//!
//! What differs from std:
//!
//! * An error is an [`Errno`]. Where std has an error of its own, it is the one that the
//!   kernel has for the like: `EINVAL` for a timeout of zero or an address that is none,
//!   `ETIMEDOUT` from [`TcpStream::connect_timeout`].
//! * Names are not looked up: an address is numbers ([`ToSocketAddrs`]).
//! * A queue of connections to be accepted is as long as the machine allows
//!   (`/proc/sys/net/core/somaxconn`), a [`TcpListener`]'s too, where std has 128.
//! * `UnixStream` and the others send and receive descriptors and credentials
//!   ([`UnixStream::sendmsg`], [`UnixStream::recvmsg`]).
//!
//! # Signals
//!
//! Sending to a connection whose other side has gone is an `EPIPE` and nothing else: each
//! call here is told not to make SIGPIPE of it (`MSG_NOSIGNAL`, send(2)), and
//! [`io::copy`](crate::io::copy()) into a socket holds the signal back. What goes past
//! these types, [`sys::write`](fn@crate::sys::write) to a socket's descriptor or
//! [`stdout`](crate::io::stdout) where that is one, is as it is to any descriptor.
//!
//! A signal that is handled ends a wait with `EINTR`, whether or not the handler has
//! `SA_RESTART` where the socket has a timeout (signal(7)). `accept` then goes on, and so
//! does `connect` to an address of the internet, as std's do. All else returns it, `read`,
//! `write`, `send` and `recv` among them; `read_exact` and `write_all` go on.
//!
//! # Tasks
//!
//! A task ([`task`](crate::task)) that waits here does not keep its thread: it waits in the
//! scheduler's epoll, and the thread does something else. Timeouts and
//! [`set_nonblocking`](TcpStream::set_nonblocking) hold as ever; nobody's `O_NONBLOCK` is
//! changed for it. What differs:
//!
//! * A signal does not end the wait: there is no `EINTR`.
//! * A write to a connection may take less of a large buffer than one that waits would have.
//!   `SO_RCVLOWAT` does not hold a read back.
//! * [`Socket::connect`] and [`UnixStream::connect`] wait in the call, and so does what is
//!   sent to an address and not to where the socket is connected to.
//!
//! # Descriptors
//!
//! Each is closed by execve (`SOCK_CLOEXEC`, `MSG_CMSG_CLOEXEC`). Every type is made of an
//! [`OwnedFd`](crate::sys::OwnedFd) and becomes one; what the descriptor is, nobody
//! checks, but the kernel at each call.

mod addr;
mod option;
mod socket;
mod tcp;
mod udp;
mod unix;

pub use core::net::{
    AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
};

pub use addr::ToSocketAddrs;
pub use socket::{Shutdown, Socket};
pub use tcp::{Incoming, TcpListener, TcpStream};
pub use udp::UdpSocket;
pub use unix::{UnixDatagram, UnixIncoming, UnixListener, UnixStream};

#[cfg(doc)]
use crate::sys::Errno;
#[doc(inline)]
pub use crate::sys::SocketAddrUnix as UnixAddr;
pub use crate::sys::{
    ControlMessage, ControlMessages, Credentials, ReceivedFds, RecvMessage, SendControl,
    SendMessage, control_space,
};
