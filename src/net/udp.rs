//! UDP: messages over the internet; udp(7).

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::addr::first;
use super::socket::{self, internet_methods, messages, methods, socket, timeouts};
use super::{Socket, ToSocketAddrs};
use crate::sys::{Errno, Result, SocketType};

/// What sends and receives messages, each by itself. They may get lost, come twice or in
/// another order.
///
/// A message that is longer than the buffer it is received into is cut, and the rest is
/// lost.
#[derive(Debug)]
pub struct UdpSocket(Socket);

impl UdpSocket {
    /// Has the first of the addresses that can be had. The port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// That of the last address: `EADDRINUSE` if another has it, `EADDRNOTAVAIL` if it is
    /// none of this machine, `EACCES`, `EMFILE`, …; `EINVAL` if there is no address.
    pub fn bind(addresses: impl ToSocketAddrs) -> Result<UdpSocket> {
        first(addresses, |address| {
            let socket = Socket::for_address(address, SocketType::DGRAM)?;
            socket.bind(address)?;
            Ok(UdpSocket(socket))
        })
    }

    /// Sends to the first of the addresses that takes it, and receives from there only,
    /// from now on. Nobody is asked.
    ///
    /// # Errors
    ///
    /// That of the last address: `ENETUNREACH`, `EACCES`, …; `EINVAL` if there is none.
    pub fn connect(&self, addresses: impl ToSocketAddrs) -> Result<()> {
        first(addresses, |address| self.0.connect(address))
    }

    /// Waits for a message; with it, where it came from. Returns how long it is, as far as
    /// there was room.
    ///
    /// # Errors
    ///
    /// `EINTR` if a signal came first, `EAGAIN` if the socket does not wait or its timeout
    /// is over, `ECONNREFUSED` if what was sent before found nobody.
    #[track_caller]
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        let (received, from) = self.0.recv_from(buffer)?;
        Ok((received, socket::internet(from)?))
    }

    /// As [`recv_from`](UdpSocket::recv_from), but the message stays there to be received
    /// again.
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn peek_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr)> {
        let (received, from) = self.0.peek_from(buffer)?;
        Ok((received, socket::internet(from)?))
    }

    /// Sends a message to the first of the addresses. Returns how many bytes went: all.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no address, `EMSGSIZE` if the message is too long,
    /// `EAFNOSUPPORT` for an address of the other family, `ENETUNREACH`, `EACCES` for one
    /// of a whole network without [`set_broadcast`](UdpSocket::set_broadcast), `EINTR`,
    /// `EAGAIN`, …
    pub fn send_to(&self, bytes: &[u8], addresses: impl ToSocketAddrs) -> Result<usize> {
        let to = addresses.to_socket_addrs()?.next().ok_or(Errno::EINVAL)?;
        self.0.send_to(bytes, to)
    }

    /// Where it is connected to.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if it is not.
    pub fn peer_addr(&self) -> Result<SocketAddr> {
        self.0.peer_addr().and_then(socket::internet)
    }
}

socket!(UdpSocket);
internet_methods!(UdpSocket);
timeouts!(UdpSocket);
messages!(UdpSocket);

methods! { UdpSocket:
    /// Sends a message to where it is connected to. Returns how many bytes went: all.
    ///
    /// # Errors
    ///
    /// `EDESTADDRREQ` if it is not connected, `ECONNREFUSED` if what was sent before found
    /// nobody, and as for [`send_to`](UdpSocket::send_to).
    fn send(&self, bytes: &[u8]) -> Result<usize>;

    /// Waits for a message. Returns how long it is, as far as there was room.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](UdpSocket::recv_from).
    fn recv(&self, buffer: &mut [u8]) -> Result<usize>;

    /// As [`recv`](UdpSocket::recv), but the message stays there to be received again.
    ///
    /// # Errors
    ///
    /// As there.
    fn peek(&self, buffer: &mut [u8]) -> Result<usize>;

    /// Whether it may send to all machines of a network: `SO_BROADCAST`, socket(7).
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn set_broadcast(&self, broadcast: bool) -> Result<()>;

    /// Whether it may send to all machines of a network.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn broadcast(&self) -> Result<bool>;

    /// Whether messages to a group come back to the machine itself: `IP_MULTICAST_LOOP`,
    /// ip(7).
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn set_multicast_loop_v4(&self, on: bool) -> Result<()>;

    /// Whether messages to a group come back to the machine itself.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn multicast_loop_v4(&self) -> Result<bool>;

    /// How many routers messages to a group may pass: `IP_MULTICAST_TTL`, ip(7).
    ///
    /// # Errors
    ///
    /// `EINVAL` for more than 255.
    fn set_multicast_ttl_v4(&self, ttl: u32) -> Result<()>;

    /// How many routers messages to a group may pass.
    ///
    /// # Errors
    ///
    /// None that is known of.
    fn multicast_ttl_v4(&self) -> Result<u32>;

    /// Whether messages to a group come back to the machine itself:
    /// `IPV6_MULTICAST_LOOP`, ipv6(7).
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` or `ENOPROTOOPT` for sockets with addresses of 32 bits.
    fn set_multicast_loop_v6(&self, on: bool) -> Result<()>;

    /// Whether messages to a group come back to the machine itself.
    ///
    /// # Errors
    ///
    /// As for [`set_multicast_loop_v6`](UdpSocket::set_multicast_loop_v6).
    fn multicast_loop_v6(&self) -> Result<bool>;

    /// Receives messages to the group too, on the interface that has this address, or with
    /// [`Ipv4Addr::UNSPECIFIED`] on one that fits: `IP_ADD_MEMBERSHIP`, ip(7).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is no group's address, `EADDRINUSE` if it does already, `ENODEV` if
    /// there is no such interface, `ENOBUFS` for too many groups.
    fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> Result<()>;

    /// Receives messages to the group no more: `IP_DROP_MEMBERSHIP`, ip(7).
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` if it did not.
    fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> Result<()>;

    /// Receives messages to the group too, on the interface with this number, or with 0 on
    /// one that fits: `IPV6_ADD_MEMBERSHIP`, ipv6(7).
    ///
    /// # Errors
    ///
    /// As for [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> Result<()>;

    /// Receives messages to the group no more: `IPV6_DROP_MEMBERSHIP`, ipv6(7).
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` if it did not.
    fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> Result<()>;
}
