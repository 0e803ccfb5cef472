//! Addresses of sockets: core's for the internet, [`SocketAddrUnix`] for the machine
//! itself, and [`SockAddr`], what all of them are to the kernel.

use core::fmt;
use core::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use super::AddressFamily;
use crate::sys::{Errno, Result};

/// An address as the kernel has it, of whatever family: `sockaddr_storage`, with its
/// length; sockaddr(3type).
///
/// Made of core's [`SocketAddrV4`], [`SocketAddrV6`] and [`SocketAddr`], and of
/// [`SocketAddrUnix`], which calls take in its place; [`ip`](SockAddr::ip) and
/// [`unix`](SockAddr::unix) are the ways back.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SockAddr {
    /// The bytes behind the first `len` are zeros.
    bytes: SockAddrBytes,
    len: u32,
}

/// Room for the longest address.
pub(super) type SockAddrBytes = [u8; SockAddr::CAPACITY];

/// How long the kernel's structs are that do not vary: `sockaddr_in`, `sockaddr_in6`,
/// and `sockaddr_un` with the longest path.
const IN_LEN: usize = 16;
const IN6_LEN: usize = 28;
const UN_LEN: usize = SockAddr::FAMILY_LEN + SocketAddrUnix::CAPACITY;

impl SockAddr {
    /// How long an address can be, in bytes.
    pub const CAPACITY: usize = 128;

    /// How long the family's number is, with which each address begins.
    const FAMILY_LEN: usize = 2;

    /// No address, of no bytes: what the kernel says where there is none.
    pub const EMPTY: SockAddr = SockAddr {
        bytes: [0; SockAddr::CAPACITY],
        len: 0,
    };

    /// The address that is none: who connects a datagram socket to it unties it from
    /// where it was connected to.
    pub const UNSPEC: SockAddr = SockAddr {
        len: SockAddr::FAMILY_LEN as u32,
        ..SockAddr::EMPTY
    };

    /// An address of a family that has no type here: the kernel's struct, byte by byte.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is longer than [`SockAddr::CAPACITY`].
    pub fn from_bytes(bytes: &[u8]) -> Result<SockAddr> {
        let mut address = SockAddr::EMPTY;
        address
            .bytes
            .get_mut(..bytes.len())
            .ok_or(Errno::EINVAL)?
            .copy_from_slice(bytes);
        address.len = bytes.len() as u32;
        Ok(address)
    }

    /// The kernel's struct, byte by byte.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }

    /// The family; `UNSPEC` for no address.
    pub fn family(&self) -> AddressFamily {
        AddressFamily(u32::from(u16::from_ne_bytes(self.field(0))))
    }

    /// The address in the internet, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        let port = u16::from_be_bytes(self.field(2));
        match (self.family(), self.len as usize) {
            (AddressFamily::INET, IN_LEN..) => {
                let ip = self.field::<4>(4).into();
                Some(SocketAddrV4::new(ip, port).into())
            }
            (AddressFamily::INET6, IN6_LEN..) => {
                let flowinfo = u32::from_ne_bytes(self.field(4));
                let ip = self.field::<16>(8).into();
                let scope_id = u32::from_ne_bytes(self.field(24));
                Some(SocketAddrV6::new(ip, port, flowinfo, scope_id).into())
            }
            _ => None,
        }
    }

    /// The address of a Unix socket, if it is one.
    pub fn unix(&self) -> Option<SocketAddrUnix> {
        let name = self.as_bytes().get(SockAddr::FAMILY_LEN..)?;
        if self.family() != AddressFamily::UNIX {
            return None;
        }
        let name = match name {
            [0, ..] => name,
            // The kernel counts the NUL that ends a path, which may even be the 109th.
            _ => name.split(|&byte| byte == 0).next().unwrap_or_default(),
        };
        SocketAddrUnix::new(&[name]).ok()
    }

    /// What a call has filled in that takes the bytes and their length, how many fit and
    /// then how many there are; and what else it returned.
    #[inline]
    pub(super) fn filled<T>(
        call: impl FnOnce(&mut SockAddrBytes, &mut u32) -> Result<T>,
    ) -> Result<(T, SockAddr)> {
        let mut address = SockAddr::EMPTY;
        let mut len = SockAddr::CAPACITY as u32;
        let value = call(&mut address.bytes, &mut len)?;
        address.set_len(len);
        Ok((value, address))
    }

    /// The bytes for a call to read, and how many count.
    #[inline]
    pub(super) fn parts(&self) -> (&SockAddrBytes, u32) {
        (&self.bytes, self.len)
    }

    /// The bytes for a call to write.
    pub(super) fn bytes_mut(&mut self) -> &mut SockAddrBytes {
        self.bytes = [0; SockAddr::CAPACITY];
        &mut self.bytes
    }

    /// Says how many of the bytes a call has written. The kernel counts also what found
    /// no room, which no family needs.
    pub(super) fn set_len(&mut self, len: u32) {
        self.len = len.min(SockAddr::CAPACITY as u32);
    }

    /// The bytes from `at` on, zeros where there are none.
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.bytes[at..at + N]);
        field
    }

    /// An address of this family and length, with these fields.
    fn new(family: AddressFamily, len: usize, fields: &[(usize, &[u8])]) -> SockAddr {
        let mut address = SockAddr {
            len: len as u32,
            ..SockAddr::EMPTY
        };
        let family = (family.0 as u16).to_ne_bytes();
        for &(at, bytes) in [(0, family.as_slice())].iter().chain(fields) {
            address.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        }
        address
    }
}

/// `sockaddr_in`: ip(7). Port and address are big-endian.
impl From<SocketAddrV4> for SockAddr {
    fn from(address: SocketAddrV4) -> SockAddr {
        SockAddr::new(
            AddressFamily::INET,
            IN_LEN,
            &[
                (2, &address.port().to_be_bytes()),
                (4, &address.ip().octets()),
            ],
        )
    }
}

/// `sockaddr_in6`: ipv6(7). The flow's number is passed as it is, as std does.
impl From<SocketAddrV6> for SockAddr {
    fn from(address: SocketAddrV6) -> SockAddr {
        SockAddr::new(
            AddressFamily::INET6,
            IN6_LEN,
            &[
                (2, &address.port().to_be_bytes()),
                (4, &address.flowinfo().to_ne_bytes()),
                (8, &address.ip().octets()),
                (24, &address.scope_id().to_ne_bytes()),
            ],
        )
    }
}

impl From<SocketAddr> for SockAddr {
    fn from(address: SocketAddr) -> SockAddr {
        match address {
            SocketAddr::V4(address) => address.into(),
            SocketAddr::V6(address) => address.into(),
        }
    }
}

/// `sockaddr_un`: unix(7). A path has its NUL, unless it fills the whole room.
impl From<SocketAddrUnix> for SockAddr {
    fn from(address: SocketAddrUnix) -> SockAddr {
        let nul = usize::from(address.as_pathname().is_some());
        let len = SockAddr::FAMILY_LEN + address.name().len() + nul;
        SockAddr::new(
            AddressFamily::UNIX,
            len.min(UN_LEN),
            &[(SockAddr::FAMILY_LEN, address.name())],
        )
    }
}

impl fmt::Debug for SockAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ip) = self.ip() {
            ip.fmt(f)
        } else if let Some(unix) = self.unix() {
            unix.fmt(f)
        } else {
            write!(f, "{:?} {:02x?}", self.family(), self.as_bytes())
        }
    }
}

/// The address of a Unix socket: unix(7). It is a path, a name that is no file's, or
/// none at all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SocketAddrUnix {
    /// A path without its NUL, or a name with the NUL that it begins with, and zeros
    /// behind it.
    bytes: [u8; SocketAddrUnix::CAPACITY],
    len: u8,
}

impl SocketAddrUnix {
    /// How long a path can be, or a name and the NUL before it, in bytes.
    pub const CAPACITY: usize = 108;

    /// No name: a socket's that has not been bound. Who binds one to it gets a name that
    /// the kernel makes up.
    pub const UNNAMED: SocketAddrUnix = SocketAddrUnix {
        bytes: [0; SocketAddrUnix::CAPACITY],
        len: 0,
    };

    /// The address of the socket that is in the file system at `path`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for no path, or if there is a NUL among the bytes, `ENAMETOOLONG` if they
    /// are more than [`SocketAddrUnix::CAPACITY`].
    pub fn from_pathname(path: impl AsRef<[u8]>) -> Result<SocketAddrUnix> {
        let path = path.as_ref();
        if path.is_empty() || path.contains(&0) {
            return Err(Errno::EINVAL);
        }
        SocketAddrUnix::new(&[path])
    }

    /// The address of the socket with a name that is no file's, and goes when it does.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG` if there are [`SocketAddrUnix::CAPACITY`] bytes or more.
    pub fn from_abstract_name(name: impl AsRef<[u8]>) -> Result<SocketAddrUnix> {
        SocketAddrUnix::new(&[&[0], name.as_ref()])
    }

    /// The path, if it is one.
    pub fn as_pathname(&self) -> Option<&[u8]> {
        match self.name() {
            [] | [0, ..] => None,
            path => Some(path),
        }
    }

    /// The name that is no file's, if it is one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        match self.name() {
            [0, name @ ..] => Some(name),
            _ => None,
        }
    }

    /// Whether it is no name.
    pub const fn is_unnamed(&self) -> bool {
        self.len == 0
    }

    /// All the bytes.
    fn name(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The address of these bytes, one part behind the other.
    fn new(parts: &[&[u8]]) -> Result<SocketAddrUnix> {
        let mut address = SocketAddrUnix::UNNAMED;
        for part in parts {
            let at = usize::from(address.len);
            address
                .bytes
                .get_mut(at..at + part.len())
                .ok_or(Errno::ENAMETOOLONG)?
                .copy_from_slice(part);
            address.len += part.len() as u8;
        }
        Ok(address)
    }
}

impl fmt::Debug for SocketAddrUnix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.as_pathname() {
            write!(f, "\"{}\" (pathname)", path.escape_ascii())
        } else if let Some(name) = self.as_abstract_name() {
            write!(f, "\"{}\" (abstract)", name.escape_ascii())
        } else {
            f.write_str("(unnamed)")
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};
    use std::format;
    use std::vec::Vec;

    use linux_raw_sys::net;

    use super::*;

    #[test]
    fn the_lengths_are_the_kernels() {
        assert_eq!(IN_LEN, size_of::<net::sockaddr_in>());
        assert_eq!(IN6_LEN, size_of::<net::sockaddr_in6>());
        assert_eq!(UN_LEN, size_of::<net::sockaddr_un>());
        assert_eq!(SockAddr::CAPACITY, size_of::<net::sockaddr>());
    }

    #[test]
    fn internet_addresses_are_the_kernels_bytes() {
        let v4 = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 1), 0x1234);
        let address = SockAddr::from(v4);
        assert_eq!(
            address.as_bytes(),
            [2, 0, 0x12, 0x34, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(address.ip(), Some(v4.into()));
        assert_eq!(address.unix(), None);

        let v6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0x1234, 0x0102_0304, 5);
        let address = SockAddr::from(v6);
        let mut bytes = [0; 28];
        bytes[..8].copy_from_slice(&[10, 0, 0x12, 0x34, 4, 3, 2, 1]);
        bytes[23..25].copy_from_slice(&[1, 5]);
        assert_eq!(address.as_bytes(), bytes);
        assert_eq!(address.ip(), Some(v6.into()));
    }

    #[test]
    fn an_address_cut_short_is_none() {
        let v4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
        let v6 = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 0);
        for address in [SockAddr::from(v4), SockAddr::from(v6)] {
            let bytes = address.as_bytes();
            for len in 0..bytes.len() {
                let cut = SockAddr::from_bytes(&bytes[..len]).unwrap();
                assert_eq!(cut.ip(), None, "{len}");
                assert_eq!(cut.unix(), None, "{len}");
            }
        }
        assert_eq!(SockAddr::EMPTY.family(), AddressFamily::UNSPEC);
        assert_eq!(SockAddr::from_bytes(&[0; 129]), Err(Errno::EINVAL));
    }

    #[test]
    fn unix_addresses_are_the_kernels_bytes() {
        let path = SocketAddrUnix::from_pathname("a/b").unwrap();
        let name = SocketAddrUnix::from_abstract_name(b"a\0b").unwrap();
        for (address, bytes) in [
            (path, &b"\x01\0a/b\0"[..]),
            (name, b"\x01\0\0a\0b"),
            (SocketAddrUnix::from_abstract_name("").unwrap(), b"\x01\0\0"),
            (SocketAddrUnix::UNNAMED, b"\x01\0"),
        ] {
            assert_eq!(SockAddr::from(address).as_bytes(), bytes);
            assert_eq!(SockAddr::from(address).unix(), Some(address));
        }
        assert_eq!(path.as_pathname(), Some(&b"a/b"[..]));
        assert_eq!(path.as_abstract_name(), None);
        assert_eq!(name.as_abstract_name(), Some(&b"a\0b"[..]));
        assert_eq!(name.as_pathname(), None);
        assert!(SocketAddrUnix::UNNAMED.is_unnamed());
    }

    #[test]
    fn the_longest_names_fit_and_longer_ones_do_not() {
        let longest = [b'a'; 109];
        let address = SocketAddrUnix::from_pathname(&longest[..108]).unwrap();
        assert_eq!(SockAddr::from(address).as_bytes().len(), 110);
        assert_eq!(SockAddr::from(address).unix(), Some(address));
        // What the kernel says of a socket with such a path.
        let kernels = [&b"\x01\0"[..], &longest[..108], &[0]].concat();
        let kernels = SockAddr::from_bytes(&kernels).unwrap();
        assert_eq!(kernels.unix(), Some(address));

        let address = SocketAddrUnix::from_abstract_name(&longest[..107]).unwrap();
        assert_eq!(SockAddr::from(address).as_bytes().len(), 110);
        assert_eq!(SockAddr::from(address).unix(), Some(address));

        for address in [
            SocketAddrUnix::from_pathname(longest),
            SocketAddrUnix::from_abstract_name(&longest[..108]),
            SocketAddrUnix::from_pathname([b'a'; 1000]),
        ] {
            assert_eq!(address, Err(Errno::ENAMETOOLONG));
        }
        for path in ["", "\0", "a\0", "a\0b"] {
            assert_eq!(SocketAddrUnix::from_pathname(path), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn what_a_call_fills_is_no_longer_than_the_room() {
        let (value, address) = SockAddr::filled(|bytes, len| {
            assert_eq!(*len, 128);
            bytes[..2].copy_from_slice(&[16, 0]);
            *len = 1000;
            Ok(7)
        })
        .unwrap();
        assert_eq!(value, 7);
        assert_eq!(address.as_bytes().len(), 128);
        assert_eq!(address.family(), AddressFamily::NETLINK);
    }

    #[test]
    fn debug_shows_what_it_is() {
        let shown: Vec<_> = [
            SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80).into(),
            SocketAddrUnix::from_pathname("a\n").unwrap().into(),
            SocketAddrUnix::from_abstract_name("a").unwrap().into(),
            SocketAddrUnix::UNNAMED.into(),
            SockAddr::EMPTY,
        ]
        .map(|address: SockAddr| format!("{address:?}"))
        .into();
        assert_eq!(
            shown,
            [
                "127.0.0.1:80",
                r#""a\n" (pathname)"#,
                r#""a" (abstract)"#,
                "(unnamed)",
                "AddressFamily(0) []",
            ]
        );
    }
}
