//! What all sockets have in common.

use core::net::SocketAddr;
use core::time::Duration;

use crate::io::{BESIDE_STANDARD, retry, wait_until};
use crate::sync::prim;
use crate::sys::hook::{self, Attempt, Interest, Waited};
use crate::sys::{
    self, AddressFamily, AsFd, BorrowedFd, Errno, IoSlice, IoSliceMut, MsgFlags, OFlags, OwnedFd,
    PollFd, PollFlags, Protocol, RecvMessage, Result, SendMessage, SockAddr, SocketAddrUnix,
    SocketFlags, SocketType,
};
use crate::time::Instant;

/// A socket whose type says nothing yet, with socket2's names: to set what must be set
/// before it is bound or connected. Then it becomes what it is.
///
/// ```ignore
/// let socket = Socket::new(AddressFamily::INET6, SocketType::STREAM)?;
/// socket.set_only_v6(true)?;
/// socket.set_reuse_port(true)?;
/// socket.bind(address)?;
/// socket.listen(128)?;
/// let listener = TcpListener::from(socket);
/// ```
#[derive(Debug)]
pub struct Socket(OwnedFd);

/// How many connections a listener keeps until they are accepted: more than any machine
/// allows. The kernel takes the number without its sign (net/socket.c, `__sys_listen`).
pub(super) const BACKLOG: i32 = -1;

/// How many buffers one call takes at most: `UIO_MAXIOV`, readv(2).
const MOST_BUFFERS: usize = 1024;

impl Socket {
    /// A new socket. It does not survive execve.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors, and those of
    /// [`sys::socket`].
    pub fn new(family: AddressFamily, kind: SocketType) -> Result<Socket> {
        sys::socket(family, kind | SocketFlags::CLOEXEC, Protocol::DEFAULT).map(Socket)
    }

    /// A new socket for addresses like this one.
    pub(super) fn for_address(address: SocketAddr, kind: SocketType) -> Result<Socket> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        Socket::new(family, kind)
    }

    /// Two new Unix sockets, connected with one another.
    pub(super) fn pair(kind: SocketType) -> Result<(Socket, Socket)> {
        let kind = kind | SocketFlags::CLOEXEC;
        let [one, other] = sys::socketpair(AddressFamily::UNIX, kind, Protocol::DEFAULT)?;
        Ok((Socket(one), Socket(other)))
    }

    /// Gives the socket the address: bind(2). The port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// Those of [`sys::bind`].
    pub fn bind(&self, address: impl Into<SockAddr>) -> Result<()> {
        sys::bind(self.as_fd(), address)
    }

    /// Has the socket wait for connections, of which it keeps about `backlog` at most
    /// until they are accepted: listen(2).
    ///
    /// # Errors
    ///
    /// Those of [`sys::listen`].
    pub fn listen(&self, backlog: i32) -> Result<()> {
        sys::listen(self.as_fd(), backlog)
    }

    /// Connects the socket: connect(2). It goes on after `EINTR`: the connection is still
    /// being made, and the next call waits for it.
    ///
    /// # Errors
    ///
    /// Those of [`sys::connect`] but `EINTR`.
    pub fn connect(&self, address: impl Into<SockAddr>) -> Result<()> {
        let address = address.into();
        retry(|| sys::connect(self.as_fd(), address))
    }

    /// Connects the socket, which nobody else has yet: [`connect`](Socket::connect), for
    /// which a task's thread does not wait.
    #[track_caller]
    pub(super) fn connect_new(&self, address: SocketAddr) -> Result<()> {
        if !hook::waits() {
            return self.connect(address);
        }
        if self.begin_connecting(address)? {
            return Ok(());
        }
        if wait_until(self.as_fd(), Interest::Write, None)? {
            return self.take_error()?.map_or(Ok(()), Err);
        }
        // It goes on to wait for what has begun.
        match self.connect(address) {
            Err(Errno::EISCONN) => Ok(()),
            result => result,
        }
    }

    /// Begins to connect the socket, which nobody else has yet, without waiting. Whether it is
    /// connected.
    fn begin_connecting(&self, address: SocketAddr) -> Result<bool> {
        self.set_nonblocking(true)?;
        let result = sys::connect(self.as_fd(), address);
        self.set_nonblocking(false)?;
        match result {
            // Interrupted or not, it is being made.
            Err(Errno::EINPROGRESS | Errno::EINTR) => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Connects the socket, which nobody else has yet, within `timeout`.
    #[track_caller]
    pub(super) fn connect_timeout(&self, address: SocketAddr, timeout: Duration) -> Result<()> {
        if timeout.is_zero() {
            return Err(Errno::EINVAL);
        }
        let begin = Instant::now();
        if self.begin_connecting(address)? {
            return Ok(());
        }
        if hook::waits() && wait_until(self.as_fd(), Interest::Write, prim::after(timeout))? {
            return self.take_error()?.map_or(Ok(()), Err);
        }
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::OUT)];
        loop {
            let left = timeout.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Errno::ETIMEDOUT);
            }
            match sys::ppoll(&mut fds, Some(&mut left.into()), None) {
                Ok(0) | Err(Errno::EINTR) => {}
                // It is connected, or there is an error that says why not.
                Ok(_) => return self.take_error()?.map_or(Ok(()), Err),
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Takes a connection, after `EINTR` too.
    #[track_caller]
    pub(super) fn accept(&self) -> Result<(Socket, SockAddr)> {
        wait_until(self.as_fd(), Interest::Read, None)?;
        let (fd, address) = retry(|| sys::accept4(self.as_fd(), SocketFlags::CLOEXEC))?;
        Ok((Socket(fd), address))
    }

    pub(super) fn try_clone(&self) -> Result<Socket> {
        sys::fcntl_dupfd_cloexec(self.as_fd(), BESIDE_STANDARD).map(Socket)
    }

    pub(super) fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        let mut flags = sys::fcntl_getfl(self.as_fd())?;
        flags.set(OFlags::NONBLOCK, nonblocking);
        sys::fcntl_setfl(self.as_fd(), flags)
    }

    pub(super) fn shutdown(&self, how: Shutdown) -> Result<()> {
        let how = match how {
            Shutdown::Read => sys::Shutdown::RD,
            Shutdown::Write => sys::Shutdown::WR,
            Shutdown::Both => sys::Shutdown::RDWR,
        };
        sys::shutdown(self.as_fd(), how)
    }

    #[track_caller]
    pub(super) fn send(&self, bytes: &[u8]) -> Result<usize> {
        let flags = MsgFlags::NOSIGNAL;
        self.transfer(Interest::Write, |dont_wait| {
            sys::send(self.as_fd(), bytes, flags | dont_wait)
        })
    }

    /// The call itself waits, a task's thread too: when a Unix socket that has no address of
    /// its own to send to has room again, nothing tells (net/unix/af_unix.c,
    /// `unix_dgram_poll`).
    pub(super) fn send_to(&self, bytes: &[u8], to: impl Into<SockAddr>) -> Result<usize> {
        sys::sendto(self.as_fd(), bytes, MsgFlags::NOSIGNAL, to)
    }

    #[track_caller]
    pub(super) fn sendmsg(&self, message: &SendMessage<'_>) -> Result<usize> {
        let flags = MsgFlags::NOSIGNAL;
        if hook::waits() && message.has_address() {
            // As in `send_to`.
            return sys::sendmsg(self.as_fd(), message, flags);
        }
        self.transfer(Interest::Write, |dont_wait| {
            sys::sendmsg(self.as_fd(), message, flags | dont_wait)
        })
    }

    #[track_caller]
    pub(super) fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> Result<usize> {
        let buffers = buffers.get(..MOST_BUFFERS).unwrap_or(buffers);
        self.sendmsg(&SendMessage::new(buffers))
    }

    #[track_caller]
    pub(super) fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        let room = buffer.len();
        self.transfer_or_less(
            Interest::Read,
            |dont_wait| sys::recv(self.as_fd(), buffer, dont_wait),
            |&received| 0 < received && received < room,
        )
    }

    #[track_caller]
    pub(super) fn peek(&self, buffer: &mut [u8]) -> Result<usize> {
        self.transfer(Interest::Read, |dont_wait| {
            sys::recv(self.as_fd(), buffer, MsgFlags::PEEK | dont_wait)
        })
    }

    #[track_caller]
    pub(super) fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SockAddr)> {
        self.transfer(Interest::Read, |dont_wait| {
            sys::recvfrom(self.as_fd(), buffer, dont_wait)
        })
    }

    #[track_caller]
    pub(super) fn peek_from(&self, buffer: &mut [u8]) -> Result<(usize, SockAddr)> {
        self.transfer(Interest::Read, |dont_wait| {
            sys::recvfrom(self.as_fd(), buffer, MsgFlags::PEEK | dont_wait)
        })
    }

    #[track_caller]
    pub(super) fn recvmsg(&self, message: &mut RecvMessage<'_>) -> Result<usize> {
        let flags = MsgFlags::CMSG_CLOEXEC;
        self.transfer(Interest::Read, |dont_wait| {
            sys::recvmsg(self.as_fd(), message, flags | dont_wait)
        })
    }

    #[track_caller]
    pub(super) fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize> {
        let most = buffers.len().min(MOST_BUFFERS);
        wait_until(self.as_fd(), Interest::Read, None)?;
        sys::readv(self.as_fd(), buffers.get_mut(..most).unwrap_or_default())
    }

    /// Makes a call that takes flags, with these in addition. A task makes it without waiting
    /// (`DONTWAIT`), and waits by itself, without its thread, until that is worth it.
    #[inline(always)]
    #[track_caller]
    fn transfer<T>(
        &self,
        interest: Interest,
        call: impl FnMut(MsgFlags) -> Result<T>,
    ) -> Result<T> {
        self.transfer_or_less(interest, call, |_| false)
    }

    /// As [`transfer`](Socket::transfer), if of a result can be said that it is less than it
    /// might have been.
    #[inline(always)]
    #[track_caller]
    fn transfer_or_less<T>(
        &self,
        interest: Interest,
        mut call: impl FnMut(MsgFlags) -> Result<T>,
        is_less: impl Fn(&T) -> bool,
    ) -> Result<T> {
        match hook::waits() {
            true => self.transfer_polled(interest, call, is_less),
            false => call(MsgFlags::empty()),
        }
    }

    #[inline(never)]
    #[track_caller]
    fn transfer_polled<T>(
        &self,
        interest: Interest,
        mut call: impl FnMut(MsgFlags) -> Result<T>,
        is_less: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let mut result = Err(Errno::EAGAIN);
        let waited = hook::wait(self.as_fd(), interest, None, &mut || {
            result = call(MsgFlags::DONTWAIT);
            match &result {
                Err(Errno::EAGAIN) => Attempt::Again,
                Ok(transferred) if is_less(transferred) => Attempt::Short,
                _ => Attempt::Done,
            }
        });
        match waited {
            Waited::Done => result,
            Waited::Call => call(MsgFlags::empty()),
            Waited::Failed(errno) => Err(errno),
        }
    }

    pub(super) fn local_addr(&self) -> Result<SockAddr> {
        sys::getsockname(self.as_fd())
    }

    pub(super) fn peer_addr(&self) -> Result<SockAddr> {
        sys::getpeername(self.as_fd())
    }
}

/// The address in the internet that it is.
pub(super) fn internet(address: SockAddr) -> Result<SocketAddr> {
    address.ip().ok_or(Errno::EINVAL)
}

/// The Unix address that it is. Of a sender without a name the kernel says nothing.
pub(super) fn unix(address: SockAddr) -> Result<SocketAddrUnix> {
    if address == SockAddr::EMPTY {
        return Ok(SocketAddrUnix::UNNAMED);
    }
    address.unix().ok_or(Errno::EINVAL)
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Socket {
        Socket(fd)
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> OwnedFd {
        socket.0
    }
}

/// Which direction of a connection ends: std's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Nothing is received any more: who reads is at the end.
    Read,
    /// Nothing is sent any more: the other side is at the end when it has read all.
    Write,
    /// Both.
    Both,
}

/// From each signature a method of the type, by the socket's of the same name.
macro_rules! methods {
    ($type:ident: $(
        $(#[$meta:meta])*
        fn $name:ident(&self $(, $arg:ident: $arg_type:ty)*) -> $result:ty;
    )*) => {
        impl $type {$(
            $(#[$meta])*
            #[track_caller]
            pub fn $name(&self $(, $arg: $arg_type)*) -> $result {
                self.0.$name($($arg),*)
            }
        )*}
    };
}

/// What every type around a [`Socket`] is.
macro_rules! socket {
    ($type:ident) => {
        impl $type {
            /// Another descriptor of the same socket.
            ///
            /// # Errors
            ///
            /// `EMFILE` if there are too many descriptors.
            pub fn try_clone(&self) -> Result<$type> {
                self.0.try_clone().map($type)
            }
        }

        $crate::net::socket::methods! { $type:
            /// Whether calls fail with `EAGAIN` where they would have to wait. It is so
            /// for all clones.
            ///
            /// # Errors
            ///
            /// None that is known of.
            fn set_nonblocking(&self, nonblocking: bool) -> Result<()>;

            /// The error that has come since this was last asked, if one has: `SO_ERROR`,
            /// socket(7).
            ///
            /// # Errors
            ///
            /// `ENOTSOCK`.
            fn take_error(&self) -> Result<Option<Errno>>;
        }

        impl $crate::sys::AsFd for $type {
            fn as_fd(&self) -> $crate::sys::BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl From<$crate::sys::OwnedFd> for $type {
            fn from(fd: $crate::sys::OwnedFd) -> $type {
                $type(fd.into())
            }
        }

        impl From<$type> for $crate::sys::OwnedFd {
            fn from(socket: $type) -> $crate::sys::OwnedFd {
                socket.0.into()
            }
        }

        /// The same, and what the socket is, nobody checks.
        impl From<$crate::net::Socket> for $type {
            fn from(socket: $crate::net::Socket) -> $type {
                $type(socket)
            }
        }
    };
}

/// The methods of what has timeouts.
macro_rules! timeouts {
    ($type:ident) => {
        $crate::net::socket::methods! { $type:
            /// How long a call waits to receive before it fails with `EAGAIN`; `None` for
            /// ever. `SO_RCVTIMEO`, socket(7): microseconds count, and the kernel's
            /// clock may be coarser.
            ///
            /// # Errors
            ///
            /// `EINVAL` for zero; `ENOPROTOOPT` on i386 before Linux 5.1.
            fn set_read_timeout(&self, timeout: Option<core::time::Duration>) -> Result<()>;

            /// How long a call waits to send before it fails with `EAGAIN`; `None` for
            /// ever. `SO_SNDTIMEO`, socket(7).
            ///
            /// # Errors
            ///
            /// `EINVAL` for zero; `ENOPROTOOPT` on i386 before Linux 5.1.
            fn set_write_timeout(&self, timeout: Option<core::time::Duration>) -> Result<()>;

            /// How long a call waits to receive: what was set, in the kernel's ticks.
            ///
            /// # Errors
            ///
            /// None that is known of.
            fn read_timeout(&self) -> Result<Option<core::time::Duration>>;

            /// How long a call waits to send: what was set, in the kernel's ticks.
            ///
            /// # Errors
            ///
            /// None that is known of.
            fn write_timeout(&self) -> Result<Option<core::time::Duration>>;
        }
    };
}

/// The methods of a socket of the internet.
macro_rules! internet_methods {
    ($type:ident) => {
        impl $type {
            /// The socket's own address.
            ///
            /// # Errors
            ///
            /// `EINVAL` if the socket is no such one, `ENOBUFS`.
            pub fn local_addr(&self) -> Result<core::net::SocketAddr> {
                self.0.local_addr().and_then($crate::net::socket::internet)
            }
        }

        $crate::net::socket::methods! { $type:
            /// How many routers its packets may pass: `IP_TTL`, ip(7).
            ///
            /// # Errors
            ///
            /// `EINVAL` for 0 and for more than 255.
            fn set_ttl(&self, ttl: u32) -> Result<()>;

            /// How many routers its packets may pass.
            ///
            /// # Errors
            ///
            /// None that is known of.
            fn ttl(&self) -> Result<u32>;
        }
    };
}

/// The methods of a socket that messages with more than bytes pass through.
macro_rules! messages {
    ($type:ident) => {
        $crate::net::socket::methods! { $type:
            /// Sends bytes of several buffers and what goes beside them, such as
            /// descriptors: sendmsg(2). Returns how many bytes went.
            ///
            /// # Errors
            ///
            /// Those of [`sys::sendmsg`](crate::sys::sendmsg), `EINTR` too.
            fn sendmsg(&self, message: &$crate::sys::SendMessage<'_>) -> Result<usize>;

            /// Receives bytes into several buffers, and what comes beside them: recvmsg(2).
            /// Returns how many bytes came.
            ///
            /// Descriptors that come are the message's until they are taken from it
            /// ([`RecvMessage::control_messages`](crate::sys::RecvMessage::control_messages)),
            /// and closed with it if they are not. Those for which there was no room do
            /// not come: [`flags`](crate::sys::RecvMessage::flags) then has `CTRUNC`.
            /// None survives execve.
            ///
            /// # Errors
            ///
            /// Those of [`sys::recvmsg`](crate::sys::recvmsg), `EINTR` too.
            fn recvmsg(&self, message: &mut $crate::sys::RecvMessage<'_>) -> Result<usize>;
        }
    };
}

/// The methods and traits of a connection that carries bytes.
macro_rules! stream {
    ($type:ident) => {
        $crate::net::socket::methods! { $type:
            /// Ends one direction of the connection, or both, for all clones.
            ///
            /// # Errors
            ///
            /// `ENOTCONN` if the other side has gone already.
            fn shutdown(&self, how: $crate::net::Shutdown) -> Result<()>;

            /// As a read, but what is read stays there to be read again.
            ///
            /// # Errors
            ///
            /// Those of [`sys::recv`](crate::sys::recv), `EINTR` too.
            fn peek(&self, buffer: &mut [u8]) -> Result<usize>;

            /// As a read, into one buffer after the other; of more than 1024 into those:
            /// readv(2).
            ///
            /// # Errors
            ///
            /// Those of [`sys::recv`](crate::sys::recv), `EINTR` too.
            fn read_vectored(&self, buffers: &mut [$crate::sys::IoSliceMut<'_>])
                -> Result<usize>;

            /// As a write, of one buffer after the other; of more than 1024 those:
            /// sendmsg(2).
            ///
            /// # Errors
            ///
            /// Those of [`sys::send`](crate::sys::send), `EINTR` too.
            fn write_vectored(&self, buffers: &[$crate::sys::IoSlice<'_>]) -> Result<usize>;
        }

        $crate::net::socket::stream_io! { [] $type }
        $crate::net::socket::stream_io! { ['socket] &'socket $type }
    };
}

/// Makes a stream, or a reference to one, a reader and a writer.
macro_rules! stream_io {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> embedded_io::ErrorType for $type {
            type Error = Errno;
        }

        impl<$($generics)*> embedded_io::Read for $type {
            /// Reads what is there, at most `buf.len()` bytes; 0 at the end: see
            /// [`sys::recv`](crate::sys::recv).
            #[inline]
            #[track_caller]
            fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
                self.0.recv(buf)
            }

            fn read_exact(
                &mut self,
                buf: &mut [u8],
            ) -> core::result::Result<(), embedded_io::ReadExactError<Errno>> {
                $crate::io::read_exact(self, buf)
            }
        }

        impl<$($generics)*> embedded_io::Write for $type {
            /// Writes some of `buf`, at least one byte: see
            /// [`sys::send`](crate::sys::send). If the other side has gone it is an
            /// `EPIPE`, and no SIGPIPE.
            #[inline]
            #[track_caller]
            fn write(&mut self, buf: &[u8]) -> Result<usize> {
                match self.0.send(buf) {
                    Ok(0) if !buf.is_empty() => Err(Errno::EIO),
                    result => result,
                }
            }

            fn write_all(&mut self, mut buf: &[u8]) -> Result<()> {
                while !buf.is_empty() {
                    let written = $crate::io::retry(|| self.write(buf))?;
                    // The kernel takes no more than it is given.
                    buf = buf.get(written..).unwrap_or_default();
                }
                Ok(())
            }

            /// Nothing to do: nothing is held back.
            fn flush(&mut self) -> Result<()> {
                Ok(())
            }
        }
    };
}

/// What a listener's `incoming` returns.
macro_rules! incoming {
    ($name:ident of $listener:ident: $stream:ident) => {
        impl $listener {
            /// The connections, as they come: [`accept`](Self::accept) again and again. It
            /// never ends.
            pub fn incoming(&self) -> $name<'_> {
                $name { listener: self }
            }
        }

        /// The connections that come to a listener, one after the other, without end.
        #[derive(Debug)]
        pub struct $name<'listener> {
            listener: &'listener $listener,
        }

        impl Iterator for $name<'_> {
            type Item = Result<$stream>;

            #[track_caller]
            fn next(&mut self) -> Option<Result<$stream>> {
                Some(self.listener.accept().map(|(stream, _)| stream))
            }
        }

        impl<'listener> IntoIterator for &'listener $listener {
            type Item = Result<$stream>;
            type IntoIter = $name<'listener>;

            fn into_iter(self) -> $name<'listener> {
                self.incoming()
            }
        }
    };
}

pub(super) use {
    incoming, internet_methods, messages, methods, socket, stream, stream_io, timeouts,
};
