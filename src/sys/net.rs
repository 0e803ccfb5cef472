//! Sockets: socket(7).

mod address;
mod message;
mod option;

pub use address::{SockAddr, SocketAddrUnix};
pub use message::{
    ControlMessage, ControlMessages, Credentials, ReceivedFds, RecvMessage, SendControl,
    SendMessage, control_space,
};
pub(crate) use option::raw_socket_option;
pub use option::{IpMreq, Ipv6Mreq, Linger, SocketOption, set_socket_option, socket_option};

use core::ops::BitOr;

use linux_raw_sys::{general, net};

use super::kinds::{flags, named};
use super::time::{OldTimespec, or_old, with_old};
use super::{Address, BorrowedFd, OwnedFd, Result, Timespec};
use crate::arch::{nr, widest};
use crate::syscalls;
use address::SockAddrBytes;

named! {
    /// In which kind of world a socket's addresses are: socket(2).
    AddressFamily: u32 {
        /// In none.
        UNSPEC = net::AF_UNSPEC;
        /// This machine: unix(7).
        UNIX = net::AF_UNIX;
        /// The internet, with addresses of 32 bits: ip(7).
        INET = net::AF_INET;
        /// The internet, with addresses of 128 bits: ipv6(7).
        INET6 = net::AF_INET6;
        /// The kernel's own parts: netlink(7).
        NETLINK = net::AF_NETLINK;
        /// A network device: packet(7).
        PACKET = net::AF_PACKET;
        /// The kernel's ciphers and hashes.
        ALG = net::AF_ALG;
        /// A virtual machine and its host: vsock(7).
        VSOCK = net::AF_VSOCK;
    }
    /// How a socket carries what is written to it: socket(2). Flags may be added:
    /// `SocketType::STREAM | SocketFlags::CLOEXEC`.
    SocketType: u32 {
        /// Bytes, all of them and in order, over a connection.
        STREAM = net::SOCK_STREAM;
        /// Messages, each by itself; they may get lost.
        DGRAM = net::SOCK_DGRAM;
        /// The network's own packets.
        RAW = net::SOCK_RAW;
        /// Messages that do not get lost, in no order.
        RDM = net::SOCK_RDM;
        /// Messages, all of them and in order, over a connection.
        SEQPACKET = net::SOCK_SEQPACKET;
    }
    /// Which protocol of its family a socket speaks: protocols(5).
    Protocol: u32 {
        /// The one that its type suggests.
        DEFAULT = 0;
        /// Messages about the network itself.
        ICMP = net::IPPROTO_ICMP;
        /// TCP: tcp(7).
        TCP = net::IPPROTO_TCP;
        /// UDP: udp(7).
        UDP = net::IPPROTO_UDP;
        /// As `ICMP`, for `INET6`.
        ICMPV6 = net::IPPROTO_ICMPV6;
        /// SCTP.
        SCTP = net::IPPROTO_SCTP;
        /// UDP with checksums over a part.
        UDPLITE = net::IPPROTO_UDPLITE;
        /// What the program says in each packet's header: raw(7).
        RAW = net::IPPROTO_RAW;
        /// TCP over several paths.
        MPTCP = net::IPPROTO_MPTCP;
    }
    /// Whose an option or a control message is: getsockopt(2), cmsg(3).
    SocketLevel: u32 {
        /// Every socket's: socket(7).
        SOCKET = net::SOL_SOCKET;
        /// That of `INET`: ip(7).
        IP = net::SOL_IP;
        /// TCP's: tcp(7).
        TCP = net::SOL_TCP;
        /// UDP's: udp(7).
        UDP = net::SOL_UDP;
        /// That of `INET6`: ipv6(7).
        IPV6 = net::SOL_IPV6;
        /// That of `PACKET`: packet(7).
        PACKET = net::SOL_PACKET;
        /// That of `NETLINK`: netlink(7).
        NETLINK = net::SOL_NETLINK;
    }
    /// What [`shutdown`] ends.
    Shutdown: u32 {
        /// Receiving.
        RD = net::SHUT_RD;
        /// Sending.
        WR = net::SHUT_WR;
        /// Both.
        RDWR = net::SHUT_RDWR;
    }
}

flags! {
    /// What a new socket's descriptor is like: socket(2), accept4(2).
    SocketFlags: u32 {
        /// It does not survive execve: `SOCK_CLOEXEC`.
        CLOEXEC = general::O_CLOEXEC;
        /// No call waits: `SOCK_NONBLOCK`.
        NONBLOCK = general::O_NONBLOCK;
    }
    /// How to send or to receive, and what came: send(2), recv(2).
    MsgFlags: u32 {
        /// What is urgent.
        OOB = net::MSG_OOB;
        /// What is received stays there to be received again.
        PEEK = net::MSG_PEEK;
        /// Not beyond the machines that are directly reached.
        DONTROUTE = net::MSG_DONTROUTE;
        /// Came: there were more control messages than room.
        CTRUNC = net::MSG_CTRUNC;
        /// Came: the message was longer than the room. To receive: counts all of it.
        TRUNC = net::MSG_TRUNC;
        /// Without waiting.
        DONTWAIT = net::MSG_DONTWAIT;
        /// Ends a record.
        EOR = net::MSG_EOR;
        /// Waits until all the room is full.
        WAITALL = net::MSG_WAITALL;
        /// The other side has answered: the neighbour is still there.
        CONFIRM = net::MSG_CONFIRM;
        /// An error that came, with what it came from.
        ERRQUEUE = net::MSG_ERRQUEUE;
        /// Without SIGPIPE if the other side has gone: only `EPIPE`.
        NOSIGNAL = net::MSG_NOSIGNAL;
        /// More is to come.
        MORE = net::MSG_MORE;
        /// To receive several: waits for the first only. The kernel does not say it in
        /// the headers for programs (include/linux/socket.h).
        WAITFORONE = 0x10000;
        /// Descriptors that come do not survive execve.
        CMSG_CLOEXEC = net::MSG_CMSG_CLOEXEC;
    }
}

/// The kernel takes both in one word.
impl BitOr<SocketFlags> for SocketType {
    type Output = SocketType;

    fn bitor(self, flags: SocketFlags) -> SocketType {
        SocketType(self.0 | flags.bits())
    }
}

syscalls! {
    /// Makes a socket: socket(2).
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` if there is no such family, `EPROTONOSUPPORT` and
    /// `ESOCKTNOSUPPORT` if it has no such protocol or type, `EINVAL` for flags that
    /// there are not, `EACCES` and `EPERM` if the program may not, `EMFILE`, `ENFILE`,
    /// `ENOBUFS`, `ENOMEM`.
    sys socket(family: AddressFamily, kind: SocketType, protocol: Protocol) -> Result<OwnedFd>;

    /// Makes two sockets, connected with one another: socketpair(2).
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if the family has no pairs, and as for [`socket`].
    sys socketpair(
        family: AddressFamily,
        kind: SocketType,
        protocol: Protocol,
        pair: out [OwnedFd; 2]
    ) -> Result<[OwnedFd; 2]>;

    part sys bind_to(
        socket: BorrowedFd<'_>,
        address: &SockAddrBytes,
        length: u32
    ) -> Result<()> = nr::bind;

    /// Gives `socket` the address `address`: bind(2). The port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE` if another has it, `EADDRNOTAVAIL` if it is no address of this
    /// machine, `EACCES` for a port or a path that the program may not have,
    /// `EINVAL` if it has one already or for an address of another family
    /// (`EAFNOSUPPORT`), `ENOTSOCK`, `EBADF`; and for a path `ENOENT`, `ENOTDIR`,
    /// `ELOOP`, `EROFS`, …
    wrap bind(socket: BorrowedFd<'_>, address: impl Into<SockAddr>) -> Result<()> {
        let address = address.into();
        let (bytes, length) = address.parts();
        bind_to(socket, bytes, length)
    }

    /// Has `socket` wait for connections, of which it keeps at most about `backlog`
    /// until they are accepted: listen(2).
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` if it has no connections, `EADDRINUSE` if another listens there,
    /// `EINVAL` if it is connected, or a Unix socket without an address, `ENOTSOCK`,
    /// `EBADF`.
    sys listen(socket: BorrowedFd<'_>, backlog: i32) -> Result<()>;

    part sys accept4_from(
        socket: BorrowedFd<'_>,
        address: &mut SockAddrBytes,
        length: &mut u32,
        flags: SocketFlags
    ) -> Result<OwnedFd> = nr::accept4;

    /// Takes a connection that `socket` has waited for, or waits for one: accept4(2).
    /// Returns a socket for it, and the address of the other side.
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EAGAIN` if the socket does not wait and there is none, `EINTR` if a signal
    /// came first, `EINVAL` if it does not listen or for flags that there are not,
    /// `EOPNOTSUPP` if it has no connections, `ECONNABORTED`, `EMFILE`, `ENFILE`,
    /// `EPERM`, `ENOTSOCK`, `EBADF`, and errors of the network.
    wrap accept4(socket: BorrowedFd<'_>, flags: SocketFlags) -> Result<(OwnedFd, SockAddr)> {
        SockAddr::filled(|bytes, length| accept4_from(socket, bytes, length, flags))
    }

    /// Takes a connection that `socket` has waited for: accept(2), by [`accept4`].
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`accept4`].
    wrap accept(socket: BorrowedFd<'_>) -> Result<(OwnedFd, SockAddr)> {
        accept4(socket, SocketFlags::empty())
    }

    part sys connect_to(
        socket: BorrowedFd<'_>,
        address: &SockAddrBytes,
        length: u32
    ) -> Result<()> = nr::connect;

    /// Connects `socket` to `address`: connect(2). A datagram socket then sends there
    /// and receives from there only, until it is connected to another or to
    /// [`SockAddr::UNSPEC`].
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `ECONNREFUSED` if nobody listens there, `ETIMEDOUT` if nobody answers,
    /// `ENETUNREACH`, `EINPROGRESS` if the socket does not wait (for a Unix socket
    /// `EAGAIN`), `EALREADY`, `EINTR` if a signal came first; it is connected
    /// nevertheless, some time. `EISCONN` if it is already, `EAFNOSUPPORT`, `EACCES`,
    /// `EADDRNOTAVAIL` if no port is free, `EPROTOTYPE` for a Unix socket of another
    /// type, `ENOENT`, `EINVAL`, `ENOTSOCK`, `EBADF`.
    wrap connect(socket: BorrowedFd<'_>, address: impl Into<SockAddr>) -> Result<()> {
        let address = address.into();
        let (bytes, length) = address.parts();
        connect_to(socket, bytes, length)
    }

    part sys getsockname_to(
        socket: BorrowedFd<'_>,
        address: &mut SockAddrBytes,
        length: &mut u32
    ) -> Result<()> = nr::getsockname;

    /// The socket's own address: getsockname(2).
    ///
    /// # Errors
    ///
    /// `ENOTSOCK`, `EBADF`, `ENOBUFS`.
    wrap getsockname(socket: BorrowedFd<'_>) -> Result<SockAddr> {
        SockAddr::filled(|bytes, length| getsockname_to(socket, bytes, length))
            .map(|((), address)| address)
    }

    part sys getpeername_to(
        socket: BorrowedFd<'_>,
        address: &mut SockAddrBytes,
        length: &mut u32
    ) -> Result<()> = nr::getpeername;

    /// The address of the socket's other side: getpeername(2).
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if there is none, `ENOTSOCK`, `EBADF`, `ENOBUFS`.
    wrap getpeername(socket: BorrowedFd<'_>) -> Result<SockAddr> {
        SockAddr::filled(|bytes, length| getpeername_to(socket, bytes, length))
            .map(|((), address)| address)
    }

    /// Sets the option `name` of the level `level` to the `length` bytes at `value`:
    /// setsockopt(2). [`set_socket_option`] is safe.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT` if there is no such option, `EOPNOTSUPP` if there is no such
    /// level, `EINVAL` and `EDOM` for a value that it does not take, `EPERM` and
    /// `EACCES` if the program may not, `EFAULT`, `ENOTSOCK`, `EBADF`, …
    ///
    /// # Safety
    ///
    /// `value` must be what the option takes: some take addresses and descriptors.
    unsafe sys setsockopt(
        socket: BorrowedFd<'_>,
        level: SocketLevel,
        name: u32,
        value: Address,
        length: u32
    ) -> Result<()>;

    /// Writes the option `name` of the level `level` to `value`, where there is room
    /// for `length` bytes, and to `length` how many they are: getsockopt(2).
    /// [`socket_option`] is safe.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT` if there is no such option, `EOPNOTSUPP` if there is no such
    /// level, `EINVAL` for too little room, `EFAULT`, `ENOTSOCK`, `EBADF`, …
    ///
    /// # Safety
    ///
    /// `value` must be the address of `length` bytes that may be written, and what
    /// the option takes: some take addresses.
    unsafe sys getsockopt(
        socket: BorrowedFd<'_>,
        level: SocketLevel,
        name: u32,
        value: Address,
        length: &mut u32
    ) -> Result<()>;

    part sys sendto_or_connected(
        socket: BorrowedFd<'_>,
        buf: &[u8],
        flags: MsgFlags,
        address: Option<&SockAddrBytes>,
        length: u32
    ) -> Result<usize> = nr::sendto;

    /// Sends `buf` to `address`: sendto(2). Returns how many bytes went.
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EAGAIN` if the socket does not wait and has no room, `EMSGSIZE` if a message
    /// is too long, `EISCONN` if it is connected, `ECONNREFUSED` if nobody receives
    /// there, `EDESTADDRREQ`, `ENOTCONN`, `EPIPE`, `EINTR` if a signal came first,
    /// `ENOTSOCK`, `EBADF`, `ENOBUFS`, and as for [`connect`].
    wrap sendto(
        socket: BorrowedFd<'_>,
        buf: &[u8],
        flags: MsgFlags,
        address: impl Into<SockAddr>,
    ) -> Result<usize> {
        let address = address.into();
        let (bytes, length) = address.parts();
        sendto_or_connected(socket, buf, flags, Some(bytes), length)
    }

    /// Sends `buf` to where the socket is connected: send(2), by sendto(2). Returns how
    /// many bytes went.
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `ENOTCONN` and `EDESTADDRREQ` if it is not connected, `EPIPE` if the other side
    /// has gone (and SIGPIPE is ignored, or `NOSIGNAL` given), `ECONNRESET`, and as for
    /// [`sendto`].
    wrap send(socket: BorrowedFd<'_>, buf: &[u8], flags: MsgFlags) -> Result<usize> {
        sendto_or_connected(socket, buf, flags, None, 0)
    }

    part sys recvfrom_anyone(
        socket: BorrowedFd<'_>,
        buf: &mut [u8],
        flags: MsgFlags,
        address: Option<&mut SockAddrBytes>,
        length: Option<&mut u32>
    ) -> Result<usize> = nr::recvfrom;

    /// Receives up to `buf.len()` bytes, and says where they came from
    /// ([`SockAddr::EMPTY`] if that is not known): recvfrom(2). 0 bytes are an empty
    /// message, or the end of a connection. With `TRUNC` they may be more than went into
    /// `buf`.
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EAGAIN` if the socket does not wait and nothing is there, `ECONNREFUSED` if
    /// what was sent before found nobody, `ENOTCONN` if it is not connected and must
    /// be, `EINTR` if a signal came first, `ENOTSOCK`, `EBADF`, `ENOMEM`.
    wrap recvfrom(
        socket: BorrowedFd<'_>,
        buf: &mut [u8],
        flags: MsgFlags,
    ) -> Result<(usize, SockAddr)> {
        SockAddr::filled(|bytes, length| {
            recvfrom_anyone(socket, buf, flags, Some(bytes), Some(length))
        })
    }

    /// Receives up to `buf.len()` bytes: recv(2), by recvfrom(2).
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// As for [`recvfrom`].
    wrap recv(socket: BorrowedFd<'_>, buf: &mut [u8], flags: MsgFlags) -> Result<usize> {
        recvfrom_anyone(socket, buf, flags, None, None)
    }

    /// Sends a message of several parts, and what goes beside it: sendmsg(2). Returns
    /// how many bytes went.
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EINVAL` for control messages that there are not, `EPERM` for credentials that
    /// are another's, `ETOOMANYREFS` if too many descriptors are on their way,
    /// `EMSGSIZE` also for more than 1024 parts, and as for [`sendto`].
    sys sendmsg(
        socket: BorrowedFd<'_>,
        message: &SendMessage<'_>,
        flags: MsgFlags
    ) -> Result<usize>;

    /// Receives a message into several parts, and what comes beside it: recvmsg(2).
    /// Returns how many bytes came.
    ///
    /// After a handler with `RESTART` it begins again, unless the socket has a timeout:
    /// [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` for more than 1024 parts, and as for [`recvfrom`].
    sys recvmsg(
        socket: BorrowedFd<'_>,
        message: &mut RecvMessage<'_>,
        flags: MsgFlags
    ) -> Result<usize>;

    /// Sends several messages: sendmmsg(2). Returns how many went, from the first on
    /// ([`SendMessage::sent`] says how much of each).
    ///
    /// # Errors
    ///
    /// As for [`sendmsg`], if not even the first went.
    sys sendmmsg(
        socket: BorrowedFd<'_>,
        messages: &mut [SendMessage<'_>],
        flags: MsgFlags
    ) -> Result<usize>;

    part sys recvmmsg_new(
        socket: BorrowedFd<'_>,
        messages: &mut [RecvMessage<'_>],
        flags: MsgFlags,
        timeout: Option<&mut Timespec>
    ) -> Result<usize> = widest::recvmmsg;

    part sys recvmmsg_old(
        socket: BorrowedFd<'_>,
        messages: &mut [RecvMessage<'_>],
        flags: MsgFlags,
        timeout: Option<&mut OldTimespec>
    ) -> Result<usize> = nr::recvmmsg;

    /// Receives several messages: recvmmsg(2). Returns how many came, from the first on
    /// ([`RecvMessage::received`] says how much of each).
    ///
    /// The kernel looks at `timeout` only when a message has come, and writes there
    /// what is left of it: it does not end the wait for the next.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a `timeout` that is none, `EOVERFLOW` for one of more than 68 years
    /// on i386 before Linux 5.1, and as for [`recvmsg`], if not even one came.
    wrap recvmmsg(
        socket: BorrowedFd<'_>,
        messages: &mut [RecvMessage<'_>],
        flags: MsgFlags,
        timeout: Option<&mut Timespec>,
    ) -> Result<usize> {
        let mut timeout = timeout;
        let result = recvmmsg_new(socket, messages, flags, timeout.as_deref_mut());
        or_old(result, || {
            with_old(timeout, |timeout| recvmmsg_old(socket, messages, flags, timeout))
        })
    }

    /// Ends one direction of a connection, or both: shutdown(2).
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if it is not connected, `EINVAL` for a `how` that there is not,
    /// `ENOTSOCK`, `EBADF`.
    sys shutdown(socket: BorrowedFd<'_>, how: Shutdown) -> Result<()>;
}
