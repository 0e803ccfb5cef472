//! Signals that are read from a descriptor.

use crate::sys::{
    self, AsFd, BorrowedFd, Errno, OwnedFd, Result, SfdFlags, SigInfo, SigSet, SignalfdSiginfo,
};

/// A descriptor from which signals are read instead of handled: signalfd(2). It polls
/// readable when one has come.
///
/// Each thread must hold these signals back ([`block`](super::block)), or they are handled
/// all the same; threads begin with the mask of who makes them. A read takes those of the
/// process and of the reading thread.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// One for the signals of `set`. It does not survive execve. Async-signal-safe.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` if there are too many descriptors, `ENODEV`, `ENOMEM`.
    pub fn new(set: SigSet) -> Result<SignalFd> {
        sys::signalfd4(&set, SfdFlags::CLOEXEC).map(SignalFd)
    }

    /// Has it be for the signals of `set` instead. Async-signal-safe.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it was made of a descriptor of something else.
    pub fn set_signals(&self, set: SigSet) -> Result<()> {
        sys::signalfd4_set_mask(self.as_fd(), &set)
    }

    /// Has reads fail with `EAGAIN` instead of waiting, or not. Async-signal-safe.
    ///
    /// # Errors
    ///
    /// None.
    pub fn set_nonblocking(&self, nonblocking: bool) -> Result<()> {
        let mut flags = sys::fcntl_getfl(self.as_fd())?;
        flags.set(sys::OFlags::NONBLOCK, nonblocking);
        sys::fcntl_setfl(self.as_fd(), flags)
    }

    /// Takes the next signal, and waits for it: read(2). With several there, real-time
    /// signals come last, the lower number first. Async-signal-safe.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if it does not wait, and there is none; `EINTR` if a handler of another
    /// signal ran that was not asked to `RESTART`.
    pub fn read(&self) -> Result<SigInfo> {
        let mut bytes = [0; size_of::<SignalfdSiginfo>()];
        match sys::read(self.as_fd(), &mut bytes)? {
            read if read == bytes.len() => Ok(SignalfdSiginfo::from_bytes(bytes).into()),
            // It is a descriptor of something else: a signalfd has whole ones.
            _ => Err(Errno::EIO),
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A descriptor of [`sys::signalfd4`].
impl From<OwnedFd> for SignalFd {
    fn from(fd: OwnedFd) -> SignalFd {
        SignalFd(fd)
    }
}

impl From<SignalFd> for OwnedFd {
    fn from(fd: SignalFd) -> OwnedFd {
        fd.0
    }
}
