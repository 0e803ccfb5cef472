//! Unix sockets: between processes of this machine; unix(7).

use super::socket::{self, BACKLOG, incoming, messages, methods, socket, stream, timeouts};
use super::{Shutdown, Socket, UnixAddr};
use crate::path::Path;
use crate::sys::{self, AddressFamily, AsFd, Credentials, Errno, Result, SocketType};

/// The address that the path is.
fn at(path: impl AsRef<Path>) -> Result<UnixAddr> {
    UnixAddr::from_pathname(path.as_ref().as_bytes())
}

fn new(kind: SocketType) -> Result<Socket> {
    Socket::new(AddressFamily::UNIX, kind)
}

/// What Unix sockets of all kinds have.
macro_rules! unix {
    ($type:ident) => {
        impl $type {
            /// The socket's own address.
            ///
            /// # Errors
            ///
            /// `EINVAL` if the socket is no such one.
            pub fn local_addr(&self) -> Result<UnixAddr> {
                self.0.local_addr().and_then(socket::unix)
            }
        }
    };
}

/// What those have that send and receive.
macro_rules! peer {
    ($type:ident) => {
        impl $type {
            /// The address of the other side.
            ///
            /// # Errors
            ///
            /// `ENOTCONN` if there is none.
            pub fn peer_addr(&self) -> Result<UnixAddr> {
                self.0.peer_addr().and_then(socket::unix)
            }
        }

        methods! { $type:
            /// Whether each message that comes says who sent it
            /// ([`ControlMessage::Credentials`](crate::net::ControlMessage::Credentials)):
            /// `SO_PASSCRED`, unix(7).
            ///
            /// # Errors
            ///
            /// None that is known of.
            fn set_passcred(&self, passcred: bool) -> Result<()>;

            /// Whether each message that comes says who sent it.
            ///
            /// # Errors
            ///
            /// None that is known of.
            fn passcred(&self) -> Result<bool>;
        }
    };
}

/// One side of a connection, which ends when this and all its clones are dropped.
///
/// It is read and written by embedded-io's traits, also through a `&UnixStream`; neither
/// goes through a buffer. Each is one call, which like std's does not go on after `EINTR`;
/// `read_exact` and `write_all` do.
///
/// Descriptors go through it beside the bytes:
///
/// ```ignore
/// let mut room = [0; control_space(4)];
/// let mut control = SendControl::new(&mut room);
/// control.rights(&[file.as_fd()])?;
/// here.sendmsg(&SendMessage::new(&[IoSlice::new(b"a file")]).with_control(&control))?;
///
/// let (mut text, mut room) = ([0; 6], [0; control_space(4)]);
/// let mut parts = [IoSliceMut::new(&mut text)];
/// let mut message = RecvMessage::new(&mut parts).with_control(&mut room);
/// there.recvmsg(&mut message)?;
/// for control in message.control_messages() {
///     if let ControlMessage::Rights(fds) = control {
///         fds.for_each(|fd| use_file(File::from(fd)));
///     }
/// }
/// ```
#[derive(Debug)]
pub struct UnixStream(Socket);

impl UnixStream {
    /// Connects to the socket that is at `path`.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is nothing, `ECONNREFUSED` if nobody listens there, `EPROTOTYPE`
    /// if it is of another kind, `EACCES`, `ENOTDIR`, `ELOOP`, `EINVAL` or `ENAMETOOLONG`
    /// if it is no such path ([`UnixAddr::from_pathname`]), `EMFILE`; `EINTR` if a signal
    /// came while the queue there was full, as std has it.
    pub fn connect(path: impl AsRef<Path>) -> Result<UnixStream> {
        UnixStream::connect_addr(&at(path)?)
    }

    /// Connects to the socket with this address, which may be no path.
    ///
    /// # Errors
    ///
    /// As for [`connect`](UnixStream::connect).
    pub fn connect_addr(address: &UnixAddr) -> Result<UnixStream> {
        let socket = new(SocketType::STREAM)?;
        sys::connect(socket.as_fd(), *address)?;
        Ok(UnixStream(socket))
    }

    /// Two sockets without a name, connected with one another.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors.
    pub fn pair() -> Result<(UnixStream, UnixStream)> {
        let (one, other) = Socket::pair(SocketType::STREAM)?;
        Ok((UnixStream(one), UnixStream(other)))
    }
}

socket!(UnixStream);
unix!(UnixStream);
peer!(UnixStream);
timeouts!(UnixStream);
stream!(UnixStream);
messages!(UnixStream);

methods! { UnixStream:
    /// Whose the other side was when they were connected: `SO_PEERCRED`, unix(7).
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn peer_cred(&self) -> Result<Credentials>;
}

/// What takes connections.
///
/// The name in the file system stays when this is dropped: who made it removes it
/// ([`fs::remove_file`](crate::fs::remove_file)).
#[derive(Debug)]
pub struct UnixListener(Socket);

impl UnixListener {
    /// Makes `path` and listens there.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE` if there is something already, `ENOENT`, `ENOTDIR`, `EACCES`, `EROFS`,
    /// `EINVAL` or `ENAMETOOLONG` if it is no such path ([`UnixAddr::from_pathname`]),
    /// `EMFILE`.
    pub fn bind(path: impl AsRef<Path>) -> Result<UnixListener> {
        UnixListener::bind_addr(&at(path)?)
    }

    /// Listens at this address, which may be no path. With none it gets a name that the
    /// kernel makes up.
    ///
    /// # Errors
    ///
    /// As for [`bind`](UnixListener::bind).
    pub fn bind_addr(address: &UnixAddr) -> Result<UnixListener> {
        let socket = new(SocketType::STREAM)?;
        socket.bind(*address)?;
        socket.listen(BACKLOG)?;
        Ok(UnixListener(socket))
    }

    /// Waits for a connection, and takes it; with it, the address of the other side. It
    /// goes on after `EINTR`.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors: the connection stays there,
    /// to be accepted when there is room. `EAGAIN` if the listener does not wait.
    #[track_caller]
    pub fn accept(&self) -> Result<(UnixStream, UnixAddr)> {
        let (socket, address) = self.0.accept()?;
        Ok((UnixStream(socket), socket::unix(address)?))
    }
}

socket!(UnixListener);
unix!(UnixListener);
incoming!(UnixIncoming of UnixListener: UnixStream);

/// What sends and receives messages, each by itself. None gets lost, and they come in
/// order.
///
/// A message that is longer than the buffer it is received into is cut, and the rest is
/// lost.
#[derive(Debug)]
pub struct UnixDatagram(Socket);

impl UnixDatagram {
    /// Makes `path` and receives what is sent there.
    ///
    /// # Errors
    ///
    /// As for [`UnixListener::bind`].
    pub fn bind(path: impl AsRef<Path>) -> Result<UnixDatagram> {
        UnixDatagram::bind_addr(&at(path)?)
    }

    /// Receives what is sent to this address, which may be no path. With none it gets a
    /// name that the kernel makes up.
    ///
    /// # Errors
    ///
    /// As for [`UnixListener::bind`].
    pub fn bind_addr(address: &UnixAddr) -> Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.0.bind(*address)?;
        Ok(socket)
    }

    /// A socket without a name, to which nobody can send unless it is connected.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors.
    pub fn unbound() -> Result<UnixDatagram> {
        new(SocketType::DGRAM).map(UnixDatagram)
    }

    /// Two sockets without a name, connected with one another.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors.
    pub fn pair() -> Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = Socket::pair(SocketType::DGRAM)?;
        Ok((UnixDatagram(one), UnixDatagram(other)))
    }

    /// Sends to the socket at `path`, and receives from there only, from now on.
    ///
    /// # Errors
    ///
    /// As for [`UnixStream::connect`].
    pub fn connect(&self, path: impl AsRef<Path>) -> Result<()> {
        self.connect_addr(&at(path)?)
    }

    /// Sends to the socket with this address, and receives from there only, from now on.
    ///
    /// # Errors
    ///
    /// As for [`UnixStream::connect`].
    pub fn connect_addr(&self, address: &UnixAddr) -> Result<()> {
        sys::connect(self.as_fd(), *address)
    }

    /// Waits for a message; with it, where it came from. Returns how long it is, as far as
    /// there was room.
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `EAGAIN` if the socket does not wait or its timeout
    /// is over.
    #[track_caller]
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, UnixAddr)> {
        let (received, from) = self.0.recv_from(buffer)?;
        Ok((received, socket::unix(from)?))
    }

    /// As [`recv_from`](UnixDatagram::recv_from), but the message stays there to be
    /// received again.
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn peek_from(&self, buffer: &mut [u8]) -> Result<(usize, UnixAddr)> {
        let (received, from) = self.0.peek_from(buffer)?;
        Ok((received, socket::unix(from)?))
    }

    /// Sends a message to the socket at `path`. Returns how many bytes went: all.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` if the message is too long, `EAGAIN` if the socket does not wait and the
    /// other's queue is full, `EINTR`, and as for [`UnixStream::connect`].
    pub fn send_to(&self, bytes: &[u8], path: impl AsRef<Path>) -> Result<usize> {
        self.send_to_addr(bytes, &at(path)?)
    }

    /// Sends a message to the socket with this address. Returns how many bytes went: all.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](UnixDatagram::send_to).
    pub fn send_to_addr(&self, bytes: &[u8], address: &UnixAddr) -> Result<usize> {
        self.0.send_to(bytes, *address)
    }
}

socket!(UnixDatagram);
unix!(UnixDatagram);
peer!(UnixDatagram);
timeouts!(UnixDatagram);
messages!(UnixDatagram);

methods! { UnixDatagram:
    /// Sends a message to where it is connected to. Returns how many bytes went: all.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if it is not connected, `ECONNREFUSED` if the other side has gone, and as
    /// for [`send_to`](UnixDatagram::send_to).
    fn send(&self, bytes: &[u8]) -> Result<usize>;

    /// Waits for a message. Returns how long it is, as far as there was room.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](UnixDatagram::recv_from).
    fn recv(&self, buffer: &mut [u8]) -> Result<usize>;

    /// As [`recv`](UnixDatagram::recv), but the message stays there to be received again.
    ///
    /// # Errors
    ///
    /// As there.
    fn peek(&self, buffer: &mut [u8]) -> Result<usize>;

    /// Ends one direction, or both.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if it is not connected.
    fn shutdown(&self, how: Shutdown) -> Result<()>;
}
