//! Options of sockets, each with the type of its value.

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ptr;

use linux_raw_sys::net;

use super::{
    AddressFamily, Credentials, Protocol, SocketLevel, SocketType, getsockopt, setsockopt,
};
use crate::sys::hook;
use crate::sys::{Address, BorrowedFd, Errno, Filled, Result, Timeval};

/// An option of a socket that is a `T`: socket(7), ip(7), ipv6(7), tcp(7). Where `T` is
/// `i32` and the option is on or off, 0 is off.
pub struct SocketOption<T> {
    level: SocketLevel,
    name: u32,
    value: PhantomData<fn(&T) -> T>,
}

impl<T: Filled> SocketOption<T> {
    /// The option `name` of the level `level`.
    ///
    /// # Safety
    ///
    /// Its value must be a `T`, to set as well as to read.
    pub const unsafe fn new(level: SocketLevel, name: u32) -> SocketOption<T> {
        SocketOption {
            level,
            name,
            value: PhantomData,
        }
    }
}

impl<T> Clone for SocketOption<T> {
    fn clone(&self) -> SocketOption<T> {
        *self
    }
}

impl<T> Copy for SocketOption<T> {}

impl<T> fmt::Debug for SocketOption<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketOption({:?}, {})", self.level, self.name)
    }
}

/// What a socket still does with unsent bytes after close: `SO_LINGER`, socket(7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Linger {
    /// Whether close waits until they have gone, if not 0.
    pub l_onoff: i32,
    /// How long, in seconds.
    pub l_linger: i32,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Linger {}

/// Membership in a group, on the interface that has an address: `ip_mreq`, ip(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct IpMreq {
    group: [u8; 4],
    interface: [u8; 4],
}

impl IpMreq {
    /// In `group`; on any interface that fits if `interface` is unspecified.
    pub const fn new(group: Ipv4Addr, interface: Ipv4Addr) -> IpMreq {
        IpMreq {
            group: group.octets(),
            interface: interface.octets(),
        }
    }
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for IpMreq {}

/// Membership in a group, on the interface that has a number: `ipv6_mreq`, ipv6(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Ipv6Mreq {
    group: [u8; 16],
    interface: u32,
}

impl Ipv6Mreq {
    /// In `group`; on any interface that fits if `interface` is 0.
    pub const fn new(group: Ipv6Addr, interface: u32) -> Ipv6Mreq {
        Ipv6Mreq {
            group: group.octets(),
            interface,
        }
    }
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Ipv6Mreq {}

/// The value of the option: getsockopt(2).
///
/// # Errors
///
/// `EINVAL` if the kernel's value has another length, and as for [`getsockopt`].
#[inline]
pub fn socket_option<T: Filled>(socket: BorrowedFd<'_>, option: SocketOption<T>) -> Result<T> {
    // SAFETY: passed on.
    value_by(option, |level, name, value, length| unsafe {
        getsockopt(socket, level, name, value, length)
    })
}

/// [`socket_option`] without hooks.
pub(crate) fn raw_socket_option<T: Filled>(
    socket: BorrowedFd<'_>,
    option: SocketOption<T>,
) -> Result<T> {
    // SAFETY: passed on.
    value_by(option, |level, name, value, length| unsafe {
        super::raw::getsockopt(socket, level, name, value, length)
    })
}

/// The value that the call writes, which is getsockopt for some socket.
#[inline(always)]
fn value_by<T: Filled>(
    option: SocketOption<T>,
    getsockopt: impl FnOnce(SocketLevel, u32, Address, &mut u32) -> Result<()>,
) -> Result<T> {
    let mut value = MaybeUninit::<T>::uninit();
    let size = size_of::<T>() as u32;
    let mut length = size;
    // The option's value is a `T`, as `SocketOption::new` was promised, for which there is
    // room.
    getsockopt(
        option.level,
        option.name,
        value.as_mut_ptr().cast(),
        &mut length,
    )?;
    if length != size {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the kernel has filled all of it, and what it writes is a `T`: `Filled`.
    Ok(unsafe { value.assume_init() })
}

/// Sets the option to `value`: setsockopt(2).
///
/// # Errors
///
/// As for [`setsockopt`].
#[inline]
pub fn set_socket_option<T: Filled>(
    socket: BorrowedFd<'_>,
    option: SocketOption<T>,
    value: &T,
) -> Result<()> {
    let SocketOption { level, name, .. } = option;
    let size = size_of::<T>() as u32;
    let value = ptr::from_ref(value).cast_mut().cast();
    // SAFETY: the option takes a `T`: `SocketOption::new`. The kernel only reads it.
    unsafe { setsockopt(socket, level, name, value, size) }?;
    if level == SocketLevel::SOCKET && TIMEOUTS.contains(&name) {
        hook::changed();
    }
    Ok(())
}

/// The number of an option that is a time: the newer one has 64 bits everywhere, the
/// older one, which older kernels have too, where words do (asm-generic/socket.h).
const fn timeout(old: u32, new: u32) -> u32 {
    if size_of::<usize>() == size_of::<i64>() {
        old
    } else {
        new
    }
}

/// Those that say how long calls wait.
const TIMEOUTS: [u32; 2] = [SocketOption::RCVTIMEO.name, SocketOption::SNDTIMEO.name];

/// From each row an option's constant.
macro_rules! options {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $level:ident, $kernel:expr;)*) => {$(
        impl SocketOption<$type> {
            $(#[$meta])*
            // SAFETY: that is its value, in the manual that the level names.
            pub const $name: SocketOption<$type> =
                unsafe { SocketOption::new(SocketLevel::$level, $kernel) };
        }
    )*};
}

options! {
    /// Whether it records debugging information.
    DEBUG: i32 = SOCKET, net::SO_DEBUG;
    /// Whether [`bind`](super::bind) may take an address that was in use a moment ago.
    REUSEADDR: i32 = SOCKET, net::SO_REUSEADDR;
    /// Its type; not to set.
    TYPE: SocketType = SOCKET, net::SO_TYPE;
    /// The number of the error that has come since it was last asked, 0 for none; not to
    /// set.
    ERROR: i32 = SOCKET, net::SO_ERROR;
    /// Whether it sends only to machines that are directly reached.
    DONTROUTE: i32 = SOCKET, net::SO_DONTROUTE;
    /// Whether it may send to all machines of a network.
    BROADCAST: i32 = SOCKET, net::SO_BROADCAST;
    /// How many bytes may wait to be sent. The kernel doubles what is set.
    SNDBUF: i32 = SOCKET, net::SO_SNDBUF;
    /// How many bytes may wait to be received. The kernel doubles what is set.
    RCVBUF: i32 = SOCKET, net::SO_RCVBUF;
    /// Whether it asks now and then if the other side is still there.
    KEEPALIVE: i32 = SOCKET, net::SO_KEEPALIVE;
    /// Whether urgent bytes are received among the others.
    OOBINLINE: i32 = SOCKET, net::SO_OOBINLINE;
    /// The priority of its packets.
    PRIORITY: i32 = SOCKET, net::SO_PRIORITY;
    /// What close does with unsent bytes.
    LINGER: Linger = SOCKET, net::SO_LINGER;
    /// Whether several sockets may have its address, and share what comes.
    REUSEPORT: i32 = SOCKET, net::SO_REUSEPORT;
    /// Whether each message comes with its sender's credentials.
    PASSCRED: i32 = SOCKET, net::SO_PASSCRED;
    /// Whose its other side was when they were connected; not to set.
    PEERCRED: Credentials = SOCKET, net::SO_PEERCRED;
    /// How many bytes there must be for it to count as readable.
    RCVLOWAT: i32 = SOCKET, net::SO_RCVLOWAT;
    /// How long it waits to receive, zero for ever. On i386 since Linux 5.1.
    RCVTIMEO: Timeval = SOCKET, timeout(net::SO_RCVTIMEO_OLD, net::SO_RCVTIMEO_NEW);
    /// How long it waits to send, zero for ever. On i386 since Linux 5.1.
    SNDTIMEO: Timeval = SOCKET, timeout(net::SO_SNDTIMEO_OLD, net::SO_SNDTIMEO_NEW);
    /// Whether it listens; not to set.
    ACCEPTCONN: i32 = SOCKET, net::SO_ACCEPTCONN;
    /// The mark of its packets, for filters and routes.
    MARK: u32 = SOCKET, net::SO_MARK;
    /// Its protocol; not to set.
    PROTOCOL: Protocol = SOCKET, net::SO_PROTOCOL;
    /// Its family; not to set.
    DOMAIN: AddressFamily = SOCKET, net::SO_DOMAIN;
    /// From which byte on `PEEK` looks; -1 for always the first.
    PEEK_OFF: i32 = SOCKET, net::SO_PEEK_OFF;
    /// The processor on which it is handled.
    INCOMING_CPU: i32 = SOCKET, net::SO_INCOMING_CPU;
    /// A number that no other socket has; not to set.
    COOKIE: u64 = SOCKET, net::SO_COOKIE;

    /// The type of service in its packets.
    IP_TOS: i32 = IP, net::IP_TOS;
    /// How many routers its packets may pass.
    IP_TTL: i32 = IP, net::IP_TTL;
    /// The same for packets to a group.
    IP_MULTICAST_TTL: i32 = IP, net::IP_MULTICAST_TTL;
    /// Whether packets to a group come back to the machine itself.
    IP_MULTICAST_LOOP: i32 = IP, net::IP_MULTICAST_LOOP;
    /// Makes it a member of a group; not to read.
    IP_ADD_MEMBERSHIP: IpMreq = IP, net::IP_ADD_MEMBERSHIP;
    /// Ends that; not to read.
    IP_DROP_MEMBERSHIP: IpMreq = IP, net::IP_DROP_MEMBERSHIP;
    /// The longest packet on the way to where it is connected; not to set.
    IP_MTU: i32 = IP, net::IP_MTU;
    /// Whether it may be bound to an address that is not there yet.
    IP_FREEBIND: i32 = IP, net::IP_FREEBIND;
    /// Whether errors wait to be received with `ERRQUEUE`.
    IP_RECVERR: i32 = IP, net::IP_RECVERR;

    /// Whether it does without `INET`'s addresses.
    IPV6_V6ONLY: i32 = IPV6, net::IPV6_V6ONLY;
    /// How many routers its packets may pass.
    IPV6_UNICAST_HOPS: i32 = IPV6, net::IPV6_UNICAST_HOPS;
    /// The same for packets to a group.
    IPV6_MULTICAST_HOPS: i32 = IPV6, net::IPV6_MULTICAST_HOPS;
    /// Whether packets to a group come back to the machine itself.
    IPV6_MULTICAST_LOOP: i32 = IPV6, net::IPV6_MULTICAST_LOOP;
    /// Makes it a member of a group; not to read.
    IPV6_ADD_MEMBERSHIP: Ipv6Mreq = IPV6, net::IPV6_ADD_MEMBERSHIP;
    /// Ends that; not to read.
    IPV6_DROP_MEMBERSHIP: Ipv6Mreq = IPV6, net::IPV6_DROP_MEMBERSHIP;
    /// Whether errors wait to be received with `ERRQUEUE`.
    IPV6_RECVERR: i32 = IPV6, net::IPV6_RECVERR;

    /// Whether it sends small pieces at once.
    TCP_NODELAY: i32 = TCP, net::TCP_NODELAY;
    /// The longest segment.
    TCP_MAXSEG: i32 = TCP, net::TCP_MAXSEG;
    /// Whether it holds small pieces back until they fill a segment.
    TCP_CORK: i32 = TCP, net::TCP_CORK;
    /// After how many silent seconds `KEEPALIVE` asks.
    TCP_KEEPIDLE: i32 = TCP, net::TCP_KEEPIDLE;
    /// How many seconds later it asks again.
    TCP_KEEPINTVL: i32 = TCP, net::TCP_KEEPINTVL;
    /// How often it asks in vain before the connection is given up.
    TCP_KEEPCNT: i32 = TCP, net::TCP_KEEPCNT;
    /// How often it tries to connect.
    TCP_SYNCNT: i32 = TCP, net::TCP_SYNCNT;
    /// For how many seconds it waits for bytes before it is accepted.
    TCP_DEFER_ACCEPT: i32 = TCP, net::TCP_DEFER_ACCEPT;
    /// Whether it says at once that bytes have come.
    TCP_QUICKACK: i32 = TCP, net::TCP_QUICKACK;
    /// After how many milliseconds without an answer it gives up.
    TCP_USER_TIMEOUT: u32 = TCP, net::TCP_USER_TIMEOUT;
    /// How many connections may bring bytes with their first packet.
    TCP_FASTOPEN: i32 = TCP, net::TCP_FASTOPEN;
}
