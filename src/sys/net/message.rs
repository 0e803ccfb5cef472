//! Messages for [`sendmsg`](super::sendmsg) and [`recvmsg`](super::recvmsg): several
//! buffers, an address, and control messages beside them.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ptr;
use core::slice;

use linux_raw_sys::net::{self, cmsghdr, mmsghdr, msghdr};

use super::address::SockAddrBytes;
use super::{MsgFlags, SockAddr, SocketLevel};
use crate::sys::{BorrowedFd, Errno, Filled, Gid, IoSlice, IoSliceMut, OwnedFd, Pid, Result, Uid};

/// Of which process a socket's peer is: `SCM_CREDENTIALS`, the kernel's `ucred`;
/// unix(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Credentials {
    /// The process.
    pub pid: Pid,
    /// Its user.
    pub uid: Uid,
    /// Its group.
    pub gid: Gid,
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Credentials {}

/// A message to send, the kernel's `mmsghdr`: [`sendmsg`](super::sendmsg) takes one,
/// [`sendmmsg`](super::sendmmsg) several.
#[repr(transparent)]
pub struct SendMessage<'a> {
    header: mmsghdr,
    lent: PhantomData<&'a [u8]>,
}

impl<'a> SendMessage<'a> {
    /// The bytes of `parts`, one after the other.
    pub const fn new(parts: &'a [IoSlice<'_>]) -> SendMessage<'a> {
        SendMessage {
            header: header(parts.as_ptr().cast_mut().cast(), parts.len()),
            lent: PhantomData,
        }
    }

    /// To this address, for a socket that is not connected.
    #[must_use]
    pub fn to(mut self, address: &'a SockAddr) -> SendMessage<'a> {
        let (bytes, len) = address.parts();
        self.header.msg_hdr.msg_name = ptr::from_ref(bytes).cast_mut().cast();
        self.header.msg_hdr.msg_namelen = len as i32;
        self
    }

    /// Whether it is for a socket that is not connected.
    #[inline]
    pub(crate) fn has_address(&self) -> bool {
        !self.header.msg_hdr.msg_name.is_null()
    }

    /// With these control messages.
    #[must_use]
    pub fn with_control(mut self, control: &'a SendControl<'_>) -> SendMessage<'a> {
        let control = control.as_bytes();
        self.header.msg_hdr.msg_control = control.as_ptr().cast_mut().cast();
        self.header.msg_hdr.msg_controllen = control.len();
        self
    }

    /// How many bytes [`sendmmsg`](super::sendmmsg) has sent of it.
    pub const fn sent(&self) -> usize {
        self.header.msg_len as usize
    }
}

impl fmt::Debug for SendMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMessage")
            .field("sent", &self.sent())
            .finish_non_exhaustive()
    }
}

/// Room for a message to receive, the kernel's `mmsghdr`:
/// [`recvmsg`](super::recvmsg) takes one, [`recvmmsg`](super::recvmmsg) several.
///
/// It is good for one message: the kernel writes over how much room there was.
/// Descriptors that came and that nobody took ([`RecvMessage::control_messages`]) are
/// closed with it.
#[repr(transparent)]
pub struct RecvMessage<'a> {
    header: mmsghdr,
    lent: PhantomData<&'a mut [u8]>,
}

impl<'a> RecvMessage<'a> {
    /// Room for bytes in `parts`, one after the other.
    pub const fn new(parts: &'a mut [IoSliceMut<'_>]) -> RecvMessage<'a> {
        RecvMessage {
            header: header(parts.as_mut_ptr().cast(), parts.len()),
            lent: PhantomData,
        }
    }

    /// Room for the sender's address.
    #[must_use]
    pub fn with_address(mut self, room: &'a mut SockAddr) -> RecvMessage<'a> {
        self.header.msg_hdr.msg_name = ptr::from_mut(room.bytes_mut()).cast();
        self.header.msg_hdr.msg_namelen = SockAddr::CAPACITY as i32;
        self
    }

    /// Room for control messages: as many as fit into `room` ([`control_space`]).
    #[must_use]
    pub fn with_control(mut self, room: &'a mut [u8]) -> RecvMessage<'a> {
        // Whatever will look like a descriptor there is one.
        room.fill(0);
        self.header.msg_hdr.msg_control = room.as_mut_ptr().cast();
        self.header.msg_hdr.msg_controllen = room.len();
        self
    }

    /// How many bytes [`recvmmsg`](super::recvmmsg) has received.
    pub const fn received(&self) -> usize {
        self.header.msg_len as usize
    }

    /// Where it came from: [`SockAddr::EMPTY`] if that is not known, or there was no
    /// room to say.
    pub fn address(&self) -> SockAddr {
        let mut address = SockAddr::EMPTY;
        // SAFETY: it is null, or what `with_address` borrowed, and written only by the
        // kernel.
        if let Some(bytes) = unsafe {
            self.header
                .msg_hdr
                .msg_name
                .cast::<SockAddrBytes>()
                .as_ref()
        } {
            *address.bytes_mut() = *bytes;
            address.set_len(self.header.msg_hdr.msg_namelen as u32);
        }
        address
    }

    /// What the kernel says of it: `TRUNC` if the message was longer than the room,
    /// `CTRUNC` if the control messages were, …
    pub const fn flags(&self) -> MsgFlags {
        MsgFlags::from_bits_retain(self.header.msg_hdr.msg_flags)
    }

    /// The control messages that came, each once. Descriptors among them that are not
    /// taken are closed.
    pub fn control_messages(&mut self) -> ControlMessages<'_> {
        let header = &mut self.header.msg_hdr;
        let len = mem::take(&mut header.msg_controllen);
        if header.msg_control.is_null() {
            return ControlMessages { left: &[] };
        }
        // SAFETY: `with_control` borrowed it and made it zeros, and the kernel says how
        // much of it it has written. It is borrowed on for as long as what is returned.
        let left = unsafe { slice::from_raw_parts(header.msg_control.cast(), len) };
        ControlMessages { left }
    }
}

impl Drop for RecvMessage<'_> {
    fn drop(&mut self) {
        drop(self.control_messages());
    }
}

impl fmt::Debug for RecvMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvMessage")
            .field("received", &self.received())
            .field("flags", &self.flags())
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// A header with these buffers and nothing else.
const fn header(parts: *mut net::iovec, len: usize) -> mmsghdr {
    mmsghdr {
        msg_hdr: msghdr {
            msg_name: ptr::null_mut(),
            msg_namelen: 0,
            msg_iov: parts,
            msg_iovlen: len,
            msg_control: ptr::null_mut(),
            msg_controllen: 0,
            msg_flags: 0,
        },
        msg_len: 0,
    }
}

// ---- Control messages: a header, data, and zeros to the next word.

/// How long the header is, and with it the distance to the data.
const HEADER: usize = size_of::<cmsghdr>();
/// Where its fields are: the length, with the header; the level; the kind.
const LEVEL: usize = mem::offset_of!(cmsghdr, cmsg_level);
const KIND: usize = mem::offset_of!(cmsghdr, cmsg_type);
/// Of what each message's distance from the first is a multiple.
const ALIGN: usize = size_of::<usize>();

/// How many bytes a control message with `len` bytes of data takes: `CMSG_SPACE`,
/// cmsg(3). It is rounded up to words, so that room for one descriptor may be room for two.
pub const fn control_space(len: usize) -> usize {
    (HEADER + len).next_multiple_of(ALIGN)
}

/// Control messages to send along with a message: cmsg(3).
pub struct SendControl<'a> {
    buffer: &'a mut [u8],
    len: usize,
    descriptors: PhantomData<BorrowedFd<'a>>,
}

impl<'a> SendControl<'a> {
    /// None yet, and room for as many as fit into `buffer` ([`control_space`]).
    pub const fn new(buffer: &'a mut [u8]) -> SendControl<'a> {
        SendControl {
            buffer,
            len: 0,
            descriptors: PhantomData,
        }
    }

    /// Adds descriptors, of which the receiver gets copies: `SCM_RIGHTS`, unix(7). Each
    /// takes 4 bytes.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` if there is no room.
    pub fn rights(&mut self, fds: &[BorrowedFd<'a>]) -> Result<()> {
        const SIZE: usize = size_of::<BorrowedFd<'_>>();
        let data = self.add(SocketLevel::SOCKET, net::SCM_RIGHTS, SIZE * fds.len())?;
        for (bytes, fd) in data.chunks_exact_mut(SIZE).zip(fds) {
            bytes.copy_from_slice(&fd.as_raw_fd().to_ne_bytes());
        }
        Ok(())
    }

    /// Adds who sends it: `SCM_CREDENTIALS`, unix(7). It takes 12 bytes. The kernel
    /// believes only the superuser whatever he says.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` if there is no room.
    pub fn credentials(&mut self, of: Credentials) -> Result<()> {
        let len = size_of::<Credentials>();
        let data = self.add(SocketLevel::SOCKET, net::SCM_CREDENTIALS, len)?;
        let numbers = [of.pid.0.cast_unsigned(), of.uid.0, of.gid.0];
        for (bytes, number) in data.chunks_exact_mut(size_of::<u32>()).zip(numbers) {
            bytes.copy_from_slice(&number.to_ne_bytes());
        }
        Ok(())
    }

    /// Adds a message of any kind that the level knows.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` if there is no room.
    ///
    /// # Safety
    ///
    /// Descriptors in `data` must stay open until the message is sent.
    pub unsafe fn other(&mut self, level: SocketLevel, kind: u32, data: &[u8]) -> Result<()> {
        self.add(level, kind, data.len())?.copy_from_slice(data);
        Ok(())
    }

    /// Adds a header, and returns the place for the data.
    fn add(&mut self, level: SocketLevel, kind: u32, len: usize) -> Result<&mut [u8]> {
        let space = control_space(len);
        let message = self.buffer[self.len..]
            .get_mut(..space)
            .ok_or(Errno::ENOBUFS)?;
        self.len += space;
        message[..ALIGN].copy_from_slice(&(HEADER + len).to_ne_bytes());
        message[LEVEL..KIND].copy_from_slice(&level.0.to_ne_bytes());
        message[KIND..HEADER].copy_from_slice(&kind.to_ne_bytes());
        message[HEADER + len..].fill(0);
        Ok(&mut message[HEADER..HEADER + len])
    }

    fn as_bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl fmt::Debug for SendControl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendControl")
            .field("len", &self.len)
            .field("room", &(self.buffer.len() - self.len))
            .finish()
    }
}

/// A control message that came.
#[derive(Debug)]
#[non_exhaustive]
pub enum ControlMessage<'a> {
    /// Descriptors: `SCM_RIGHTS`.
    Rights(ReceivedFds<'a>),
    /// Who sent it: `SCM_CREDENTIALS`.
    Credentials(Credentials),
    /// Something else.
    Other {
        /// Whose message it is.
        level: SocketLevel,
        /// Which one of the level's.
        kind: u32,
        /// What it says.
        data: &'a [u8],
    },
}

/// The control messages that came with a message, one by one.
#[derive(Debug)]
pub struct ControlMessages<'a> {
    /// Those that have not been looked at. Messages of descriptors among them are the
    /// kernel's, and nobody else's.
    left: &'a [u8],
}

impl<'a> Iterator for ControlMessages<'a> {
    type Item = ControlMessage<'a>;

    fn next(&mut self) -> Option<ControlMessage<'a>> {
        let message = mem::take(&mut self.left);
        let len = usize::from_ne_bytes(field(message, 0)?);
        let level = SocketLevel(u32::from_ne_bytes(field(message, LEVEL)?));
        let kind = u32::from_ne_bytes(field(message, KIND)?);
        // No message, not even a header, or more than there is: the end.
        let data = message.get(HEADER..len)?;
        self.left = message.get(len.next_multiple_of(ALIGN)..).unwrap_or(&[]);
        Some(match (level, kind) {
            (SocketLevel::SOCKET, net::SCM_RIGHTS) => ControlMessage::Rights(ReceivedFds {
                fds: data.chunks_exact(size_of::<OwnedFd>()),
            }),
            (SocketLevel::SOCKET, net::SCM_CREDENTIALS) if let Some(of) = credentials(data) => {
                ControlMessage::Credentials(of)
            }
            _ => ControlMessage::Other { level, kind, data },
        })
    }
}

/// Closes the descriptors among those that have not been looked at.
impl Drop for ControlMessages<'_> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

/// What stands at `at`, if it does.
fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The credentials in a message's data, unless that is too short.
fn credentials(data: &[u8]) -> Option<Credentials> {
    Some(Credentials {
        pid: Pid(i32::from_ne_bytes(field(data, 0)?)),
        uid: Uid(u32::from_ne_bytes(field(data, 4)?)),
        gid: Gid(u32::from_ne_bytes(field(data, 8)?)),
    })
}

/// Descriptors that came with a message. Those that are not taken are closed.
#[derive(Debug)]
pub struct ReceivedFds<'a> {
    fds: slice::ChunksExact<'a, u8>,
}

impl Iterator for ReceivedFds<'_> {
    type Item = OwnedFd;

    fn next(&mut self) -> Option<OwnedFd> {
        let fd = i32::from_ne_bytes(field(self.fds.next()?, 0)?);
        // SAFETY: the kernel has just made it, and each is taken from the message once.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl Drop for ReceivedFds<'_> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    const CREDENTIALS: Credentials = Credentials {
        pid: Pid(1),
        uid: Uid(2),
        gid: Gid(u32::MAX),
    };

    /// The messages in `bytes`, in which there are no descriptors.
    fn read(bytes: &[u8]) -> Vec<ControlMessage<'_>> {
        ControlMessages { left: bytes }.collect()
    }

    #[test]
    fn the_header_is_the_kernels() {
        let mut room = [0xff; 64];
        let mut control = SendControl::new(&mut room);
        // SAFETY: a level without descriptors.
        unsafe { control.other(SocketLevel::IP, 8, b"data!") }.unwrap();
        let bytes = control.as_bytes();
        assert_eq!(bytes.len(), control_space(5));
        // SAFETY: there are as many bytes, of numbers.
        let header: cmsghdr = unsafe { bytes.as_ptr().cast::<cmsghdr>().read_unaligned() };
        assert_eq!(header.cmsg_len, HEADER + 5);
        assert_eq!((header.cmsg_level, header.cmsg_type), (0, 8));
        assert_eq!(&bytes[HEADER..][..5], b"data!");
        assert!(bytes[HEADER + 5..].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn the_space_is_the_kernels() {
        for len in [0, 1, 4, 7, 8, 9, 12, 100] {
            // SAFETY: arithmetic.
            let kernels = unsafe { linux_raw_sys::cmsg_macros::CMSG_SPACE(len) };
            assert_eq!(control_space(len as usize), kernels as usize, "{len}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut room = [0xff; 2 * control_space(12) + control_space(3)];
        let mut control = SendControl::new(&mut room);
        // SAFETY: a level without descriptors.
        unsafe { control.other(SocketLevel::IPV6, 50, b"odd") }.unwrap();
        control.credentials(CREDENTIALS).unwrap();
        control.credentials(CREDENTIALS).unwrap();
        assert_eq!(control.rights(&[]), Err(Errno::ENOBUFS));
        let messages = read(control.as_bytes());
        let [
            ControlMessage::Other { level, kind, data },
            ControlMessage::Credentials(first),
            ControlMessage::Credentials(second),
        ] = messages.as_slice()
        else {
            panic!("{messages:?}");
        };
        assert_eq!((*level, *kind, *data), (SocketLevel::IPV6, 50, &b"odd"[..]));
        assert_eq!((*first, *second), (CREDENTIALS, CREDENTIALS));
    }

    #[test]
    fn descriptors_take_four_bytes_each() {
        let mut room = [0; control_space(12)];
        let mut control = SendControl::new(&mut room);
        // SAFETY: nothing is done with it.
        let fd = unsafe { BorrowedFd::borrow_raw(0x0102_0304) };
        assert_eq!(control.rights(&[fd; 5]), Err(Errno::ENOBUFS));
        control.rights(&[fd; 3]).unwrap();
        let bytes = control.as_bytes();
        assert_eq!(usize::from_ne_bytes(field(bytes, 0).unwrap()), HEADER + 12);
        for at in [0, 4, 8] {
            let number: [u8; 4] = field(bytes, HEADER + at).unwrap();
            assert_eq!(i32::from_ne_bytes(number), 0x0102_0304);
        }
    }

    #[test]
    fn a_buffer_cut_short_ends_with_its_last_whole_message() {
        let mut room = [0; 2 * control_space(12)];
        let mut control = SendControl::new(&mut room);
        control.credentials(CREDENTIALS).unwrap();
        control.credentials(CREDENTIALS).unwrap();
        for len in 0..=room.len() {
            let whole = match len {
                _ if len < HEADER + 12 => 0,
                _ if len < control_space(12) + HEADER + 12 => 1,
                _ => 2,
            };
            // A copy of its own: a look beyond the end would be seen.
            let cut = room[..len].to_vec();
            assert_eq!(read(&cut).len(), whole, "{len}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_end_it() {
        for len in [0, 1, HEADER - 1, HEADER + 49, usize::MAX - 1, usize::MAX] {
            let mut room = [0xff; HEADER + 48];
            room[..ALIGN].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(read(&room).len(), 0, "{len}");
        }
        // A message whose end is not a word's is the last, if nothing follows it.
        let mut room = [0xff; HEADER + 3];
        room[..ALIGN].copy_from_slice(&(HEADER + 3).to_ne_bytes());
        assert_eq!(read(&room).len(), 1);
    }

    #[test]
    fn credentials_that_are_too_short_are_something_else() {
        let mut room = [0; control_space(11)];
        let mut control = SendControl::new(&mut room);
        // SAFETY: there are no descriptors.
        unsafe { control.other(SocketLevel::SOCKET, net::SCM_CREDENTIALS, &[0; 11]) }.unwrap();
        assert!(matches!(
            read(&room)[..],
            [ControlMessage::Other { kind: 2, .. }]
        ));
    }
}
