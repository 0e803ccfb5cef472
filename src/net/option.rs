//! Options of sockets: their values as std has them.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::Socket;
use crate::sys::{
    self, AsFd, Credentials, Errno, Filled, IpMreq, Ipv6Mreq, Linger, Result, SocketOption, Timeval,
};

impl Socket {
    /// Whether the address may be one that was in use a moment ago: `SO_REUSEADDR`,
    /// socket(7).
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn set_reuse_address(&self, reuse: bool) -> Result<()> {
        self.set(SocketOption::REUSEADDR, i32::from(reuse))
    }

    /// Whether the address may be one that was in use a moment ago.
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn reuse_address(&self) -> Result<bool> {
        self.is_on(SocketOption::REUSEADDR)
    }

    /// Whether several sockets of the same user may have the address, and share what
    /// comes: `SO_REUSEPORT`, socket(7). All of them must want it.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` for sockets that are none of the internet.
    pub fn set_reuse_port(&self, reuse: bool) -> Result<()> {
        self.set(SocketOption::REUSEPORT, i32::from(reuse))
    }

    /// Whether several sockets may have the address.
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn reuse_port(&self) -> Result<bool> {
        self.is_on(SocketOption::REUSEPORT)
    }

    /// Whether a socket with addresses of 128 bits does without those of 32:
    /// `IPV6_V6ONLY`, ipv6(7).
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is bound already, `ENOPROTOOPT` or `EOPNOTSUPP` for sockets of
    /// other families.
    pub fn set_only_v6(&self, only: bool) -> Result<()> {
        self.set(SocketOption::IPV6_V6ONLY, i32::from(only))
    }

    /// Whether it does without addresses of 32 bits.
    ///
    /// # Errors
    ///
    /// `ENOPROTOOPT` or `EOPNOTSUPP` for sockets of other families.
    pub fn only_v6(&self) -> Result<bool> {
        self.is_on(SocketOption::IPV6_V6ONLY)
    }

    pub(super) fn set<T: Filled>(&self, option: SocketOption<T>, value: T) -> Result<()> {
        sys::set_socket_option(self.as_fd(), option, &value)
    }

    pub(super) fn get<T: Filled>(&self, option: SocketOption<T>) -> Result<T> {
        sys::socket_option(self.as_fd(), option)
    }

    fn is_on(&self, option: SocketOption<i32>) -> Result<bool> {
        self.get(option).map(|value| value != 0)
    }

    pub(super) fn take_error(&self) -> Result<Option<Errno>> {
        let code = self.get(SocketOption::ERROR)?;
        Ok(u16::try_from(code).ok().and_then(Errno::new))
    }

    // ---- Times

    pub(super) fn set_read_timeout(&self, timeout: Option<Duration>) -> Result<()> {
        self.set(SocketOption::RCVTIMEO, timeval(timeout)?)
    }

    pub(super) fn set_write_timeout(&self, timeout: Option<Duration>) -> Result<()> {
        self.set(SocketOption::SNDTIMEO, timeval(timeout)?)
    }

    pub(super) fn read_timeout(&self) -> Result<Option<Duration>> {
        self.get(SocketOption::RCVTIMEO).map(duration)
    }

    pub(super) fn write_timeout(&self) -> Result<Option<Duration>> {
        self.get(SocketOption::SNDTIMEO).map(duration)
    }

    // ---- The internet's

    pub(super) fn set_ttl(&self, ttl: u32) -> Result<()> {
        self.set(SocketOption::IP_TTL, number(ttl))
    }

    pub(super) fn ttl(&self) -> Result<u32> {
        self.get(SocketOption::IP_TTL).map(i32::cast_unsigned)
    }

    // ---- TCP's

    pub(super) fn set_nodelay(&self, nodelay: bool) -> Result<()> {
        self.set(SocketOption::TCP_NODELAY, i32::from(nodelay))
    }

    pub(super) fn nodelay(&self) -> Result<bool> {
        self.is_on(SocketOption::TCP_NODELAY)
    }

    pub(super) fn set_quickack(&self, quickack: bool) -> Result<()> {
        self.set(SocketOption::TCP_QUICKACK, i32::from(quickack))
    }

    pub(super) fn quickack(&self) -> Result<bool> {
        self.is_on(SocketOption::TCP_QUICKACK)
    }

    pub(super) fn set_linger(&self, linger: Option<Duration>) -> Result<()> {
        let l_linger = linger.map_or(0, seconds);
        let l_onoff = i32::from(linger.is_some());
        self.set(SocketOption::LINGER, Linger { l_onoff, l_linger })
    }

    pub(super) fn linger(&self) -> Result<Option<Duration>> {
        let Linger { l_onoff, l_linger } = self.get(SocketOption::LINGER)?;
        let duration = Duration::from_secs(u64::from(l_linger.cast_unsigned()));
        Ok((l_onoff != 0).then_some(duration))
    }

    pub(super) fn set_keepalive(&self, keepalive: Option<Duration>) -> Result<()> {
        if let Some(idle) = keepalive {
            self.set(SocketOption::TCP_KEEPIDLE, seconds(idle))?;
        }
        self.set(SocketOption::KEEPALIVE, i32::from(keepalive.is_some()))
    }

    pub(super) fn keepalive(&self) -> Result<Option<Duration>> {
        if !self.is_on(SocketOption::KEEPALIVE)? {
            return Ok(None);
        }
        let idle = self.get(SocketOption::TCP_KEEPIDLE)?;
        Ok(Some(Duration::from_secs(u64::from(idle.cast_unsigned()))))
    }

    // ---- UDP's

    pub(super) fn set_broadcast(&self, broadcast: bool) -> Result<()> {
        self.set(SocketOption::BROADCAST, i32::from(broadcast))
    }

    pub(super) fn broadcast(&self) -> Result<bool> {
        self.is_on(SocketOption::BROADCAST)
    }

    pub(super) fn set_multicast_loop_v4(&self, on: bool) -> Result<()> {
        self.set(SocketOption::IP_MULTICAST_LOOP, i32::from(on))
    }

    pub(super) fn multicast_loop_v4(&self) -> Result<bool> {
        self.is_on(SocketOption::IP_MULTICAST_LOOP)
    }

    pub(super) fn set_multicast_ttl_v4(&self, ttl: u32) -> Result<()> {
        self.set(SocketOption::IP_MULTICAST_TTL, number(ttl))
    }

    pub(super) fn multicast_ttl_v4(&self) -> Result<u32> {
        self.get(SocketOption::IP_MULTICAST_TTL)
            .map(i32::cast_unsigned)
    }

    pub(super) fn set_multicast_loop_v6(&self, on: bool) -> Result<()> {
        self.set(SocketOption::IPV6_MULTICAST_LOOP, i32::from(on))
    }

    pub(super) fn multicast_loop_v6(&self) -> Result<bool> {
        self.is_on(SocketOption::IPV6_MULTICAST_LOOP)
    }

    pub(super) fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> Result<()> {
        let membership = IpMreq::new(*group, *interface);
        self.set(SocketOption::IP_ADD_MEMBERSHIP, membership)
    }

    pub(super) fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> Result<()> {
        let membership = IpMreq::new(*group, *interface);
        self.set(SocketOption::IP_DROP_MEMBERSHIP, membership)
    }

    pub(super) fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> Result<()> {
        let membership = Ipv6Mreq::new(*group, interface);
        self.set(SocketOption::IPV6_ADD_MEMBERSHIP, membership)
    }

    pub(super) fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> Result<()> {
        let membership = Ipv6Mreq::new(*group, interface);
        self.set(SocketOption::IPV6_DROP_MEMBERSHIP, membership)
    }

    // ---- Unix sockets'

    pub(super) fn peer_cred(&self) -> Result<Credentials> {
        self.get(SocketOption::PEERCRED)
    }

    pub(super) fn set_passcred(&self, passcred: bool) -> Result<()> {
        self.set(SocketOption::PASSCRED, i32::from(passcred))
    }

    pub(super) fn passcred(&self) -> Result<bool> {
        self.is_on(SocketOption::PASSCRED)
    }
}

/// The number as the kernel takes it, which refuses one that is negative then.
fn number(number: u32) -> i32 {
    number.cast_signed()
}

/// Whole seconds, of which no option takes so many as not to fit.
fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

/// A timeout as the kernel has it, zero for none. What is less than a microsecond is one.
fn timeval(timeout: Option<Duration>) -> Result<Timeval> {
    match timeout {
        None => Ok(Timeval::default()),
        Some(Duration::ZERO) => Err(Errno::EINVAL),
        Some(timeout) => Ok(Timeval {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_usec: match timeout.subsec_micros() {
                0 if timeout.as_secs() == 0 => 1,
                micros => i64::from(micros),
            },
        }),
    }
}

/// The other way round.
fn duration(time: Timeval) -> Option<Duration> {
    let seconds = time.tv_sec.cast_unsigned();
    // The kernel's microseconds make no second.
    let duration = Duration::new(seconds, (time.tv_usec * 1000) as u32);
    (!duration.is_zero()).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_never_none_by_being_short() {
        let time = |tv_sec, tv_usec| Ok(Timeval { tv_sec, tv_usec });
        assert_eq!(timeval(None), time(0, 0));
        assert_eq!(timeval(Some(Duration::ZERO)), Err(Errno::EINVAL));
        assert_eq!(timeval(Some(Duration::from_nanos(1))), time(0, 1));
        assert_eq!(timeval(Some(Duration::from_nanos(1_999))), time(0, 1));
        assert_eq!(timeval(Some(Duration::new(3, 999))), time(3, 0));
        assert_eq!(timeval(Some(Duration::MAX)), time(i64::MAX, 999_999));
        let back = |tv_sec, tv_usec| duration(Timeval { tv_sec, tv_usec });
        assert_eq!(back(0, 0), None);
        assert_eq!(back(3, 4), Some(Duration::new(3, 4000)));
    }
}
