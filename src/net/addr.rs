//! What is an address in the internet, or several.

#[cfg(feature = "alloc")]
use alloc::string::String;
use core::iter::Copied;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::{option, slice};

use crate::sys::{Errno, Result};

/// What is an address, or several of them, as std has it: a [`SocketAddr`], an IP address
/// with a port, the text of either (`"127.0.0.1:80"`, `"[::1]:80"`), or a slice of
/// addresses.
///
/// Names are not looked up: a text has the address in numbers.
pub trait ToSocketAddrs {
    /// The addresses, one after the other.
    type Iter: Iterator<Item = SocketAddr>;

    /// The addresses.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is a text, and no address.
    fn to_socket_addrs(&self) -> Result<Self::Iter>;
}

/// What is one address.
macro_rules! one {
    ($($type:ty, $self:ident => $address:expr;)*) => {$(
        impl ToSocketAddrs for $type {
            type Iter = option::IntoIter<SocketAddr>;

            fn to_socket_addrs(&$self) -> Result<Self::Iter> {
                Ok(Some(SocketAddr::from($address)).into_iter())
            }
        }
    )*};
}

one! {
    SocketAddr, self => *self;
    SocketAddrV4, self => *self;
    SocketAddrV6, self => *self;
    (IpAddr, u16), self => *self;
    (Ipv4Addr, u16), self => *self;
    (Ipv6Addr, u16), self => *self;
    str, self => self.parse::<SocketAddr>().map_err(|_| Errno::EINVAL)?;
    (&str, u16), self => (self.0.parse::<IpAddr>().map_err(|_| Errno::EINVAL)?, self.1);
}

#[cfg(feature = "alloc")]
one! {
    String, self => self.parse::<SocketAddr>().map_err(|_| Errno::EINVAL)?;
}

impl<'addresses> ToSocketAddrs for &'addresses [SocketAddr] {
    type Iter = Copied<slice::Iter<'addresses, SocketAddr>>;

    fn to_socket_addrs(&self) -> Result<Self::Iter> {
        Ok(self.iter().copied())
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    type Iter = T::Iter;

    fn to_socket_addrs(&self) -> Result<Self::Iter> {
        (**self).to_socket_addrs()
    }
}

/// What `attempt` makes of the first address that it can do with, or its error with the
/// last.
///
/// # Errors
///
/// `EINVAL` if there is none.
pub(super) fn first<T>(
    addresses: impl ToSocketAddrs,
    attempt: impl FnMut(SocketAddr) -> Result<T>,
) -> Result<T> {
    let mut result = Err(Errno::EINVAL);
    for attempted in addresses.to_socket_addrs()?.map(attempt) {
        result = attempted;
        if result.is_ok() {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::net;
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    fn all(addresses: impl ToSocketAddrs) -> Result<Vec<SocketAddr>> {
        Ok(addresses.to_socket_addrs()?.collect())
    }

    /// Ours and std's, of the same address.
    fn both(address: impl ToSocketAddrs + net::ToSocketAddrs) {
        let stds = net::ToSocketAddrs::to_socket_addrs(&address);
        assert_eq!(all(address), Ok(stds.unwrap().collect()));
    }

    #[test]
    fn addresses_are_as_stds() {
        both("127.0.0.1:80");
        both("[::1]:80");
        both("[fe80::1%7]:80");
        both("1.2.3.4:0".to_string());
        both(("::1", 65535));
        both(("127.0.0.1", 80));
        both((Ipv4Addr::LOCALHOST, 80));
        both((Ipv6Addr::LOCALHOST, 80));
        both((IpAddr::from([1, 2, 3, 4]), 80));
        both(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80));
        both(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 3, 4));
        both(
            &[
                SocketAddr::from(([1, 2, 3, 4], 1)),
                SocketAddr::from(([0; 16], 2)),
            ][..],
        );
        both(&[][..]);
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        for text in [
            "",
            ":80",
            "1.2.3.4",
            "1.2.3.4:",
            "1.2.3.4:65536",
            "1.2.3:80",
            "::1:80",
            "localhost:80",
        ] {
            assert_eq!(all(text), Err(Errno::EINVAL), "{text}");
        }
        assert_eq!(all(("localhost", 80)), Err(Errno::EINVAL));
        assert_eq!(all(("", 80)), Err(Errno::EINVAL));
    }

    #[test]
    fn the_first_that_will_do_is_taken() {
        let addresses = [1, 2, 3].map(|port| SocketAddr::from(([1, 2, 3, 4], port)));
        let attempt = |wanted| {
            first(&addresses[..], |address| match address.port() {
                port if port >= wanted => Ok(port),
                3 => Err(Errno::EIO),
                _ => Err(Errno::EPERM),
            })
        };
        assert_eq!([1, 2, 3].map(attempt), [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(attempt(4), Err(Errno::EIO));
        assert_eq!(first(&[][..], |_| Ok(())), Err(Errno::EINVAL));
    }
}
