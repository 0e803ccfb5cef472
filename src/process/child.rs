//! Children: to talk with, to wait for and to end.

use embedded_io::ErrorType;

use super::ExitStatus;
use super::spawn::Spawned;
use crate::io::{self, PipeReader, PipeWriter};
use crate::sys::{
    self, AsFd, BorrowedFd, Errno, OwnedFd, Pid, PidfdFlags, PidfdSignalFlags, PollFd, PollFlags,
    Result, Signal, Timespec, WaitId, WaitOptions,
};
use crate::time::{Duration, Instant};

/// A child process.
///
/// Dropping it neither ends the child nor waits for it: one that has ended stays a zombie
/// until the program has, or is waited for.
#[derive(Debug)]
pub struct Child {
    /// The pipe to its standard input, if there is one: `Stdio::piped`.
    pub stdin: Option<ChildStdin>,
    /// The pipe from its standard output.
    pub stdout: Option<ChildStdout>,
    /// The pipe from its standard error.
    pub stderr: Option<ChildStderr>,
    pid: Pid,
    /// `None` where the kernel makes none.
    pidfd: Option<PidFd>,
    /// What became of it, once it was waited for.
    status: Option<ExitStatus>,
}

impl Child {
    pub(super) fn new(spawned: Spawned) -> Child {
        Child {
            stdin: None,
            stdout: None,
            stderr: None,
            pid: spawned.pid,
            pidfd: spawned.pidfd,
            status: None,
        }
    }

    /// Its id. Once it was waited for, that may be another process's.
    pub fn id(&self) -> u32 {
        self.pid.0.cast_unsigned()
    }

    /// The descriptor of it; `None` before Linux 5.2, which makes none.
    pub fn pidfd(&self) -> Option<&PidFd> {
        self.pidfd.as_ref()
    }

    /// The same, for the caller to keep.
    pub fn into_pidfd(self) -> Option<PidFd> {
        self.pidfd
    }

    /// Ends it, by SIGKILL. Does nothing if it was waited for.
    ///
    /// # Errors
    ///
    /// `EPERM` if it is somebody else by now who may not be ended.
    pub fn kill(&mut self) -> Result<()> {
        self.send_signal(Signal::KILL)
    }

    /// Sends it `signal`. Does nothing if it was waited for.
    ///
    /// # Errors
    ///
    /// `EPERM` if it is somebody else by now, `EINVAL` if there is no such signal.
    pub fn send_signal(&self, signal: Signal) -> Result<()> {
        match (self.status, &self.pidfd) {
            (Some(_), _) => Ok(()),
            (None, Some(pidfd)) => pidfd.send_signal(signal),
            // Nobody has waited for it, so no other process has its id.
            (None, None) => sys::kill(self.pid, signal),
        }
    }

    /// Waits until it has ended, and says what became of it. Its standard input is closed
    /// before, so that it does not wait for what will not come.
    ///
    /// # Errors
    ///
    /// `ECHILD` if somebody else has waited for it, or nobody can because the program
    /// ignores SIGCHLD.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.stdin = None;
        match self.look(WaitOptions::EXITED)? {
            Some(status) => Ok(status),
            // It is only asked whether it has ended with NOHANG.
            None => Err(Errno::ECHILD),
        }
    }

    /// What became of it; `None` if it has not ended.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Child::wait).
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.look(WaitOptions::EXITED | WaitOptions::NOHANG)
    }

    /// Waits until it has ended, as [`wait`](Child::wait) does, but no longer than
    /// `timeout`; `None` if that is over.
    ///
    /// # Errors
    ///
    /// As there, and `ENOSYS` before Linux 5.3, which has no descriptors to wait for.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<ExitStatus>> {
        self.stdin = None;
        if self.status.is_none() {
            match &self.pidfd {
                Some(pidfd) => pidfd.poll(timeout)?,
                None => PidFd::open(self.pid)?.poll(timeout)?,
            }
        }
        self.try_wait()
    }

    fn look(&mut self, options: WaitOptions) -> Result<Option<ExitStatus>> {
        if self.status.is_none() {
            let id = match &self.pidfd {
                Some(pidfd) => WaitId::Pidfd(pidfd.as_fd()),
                None => WaitId::Pid(self.pid),
            };
            self.status = wait(id, options)?;
        }
        Ok(self.status)
    }
}

fn wait(id: WaitId<'_>, options: WaitOptions) -> Result<Option<ExitStatus>> {
    let info = io::retry(|| sys::waitid(id, options, None))?;
    Ok(info.map(ExitStatus::from))
}

/// A descriptor of a process, which stays that process's even when its id is another's:
/// pidfd_open(2). It polls readable when the process has ended.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// That of the process `process`, which must not have been waited for, or it may be
    /// another one by now.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process, `ENOSYS` before Linux 5.3, `EMFILE`, `ENFILE`.
    pub fn open(process: Pid) -> Result<PidFd> {
        sys::pidfd_open(process, PidfdFlags::empty()).map(PidFd)
    }

    /// Ends the process, by SIGKILL.
    ///
    /// # Errors
    ///
    /// As for [`send_signal`](PidFd::send_signal).
    pub fn kill(&self) -> Result<()> {
        self.send_signal(Signal::KILL)
    }

    /// Sends the process `signal`.
    ///
    /// # Errors
    ///
    /// `ESRCH` if it has ended and was waited for, `EPERM`, `EINVAL` if there is no such
    /// signal.
    pub fn send_signal(&self, signal: Signal) -> Result<()> {
        sys::pidfd_send_signal(self.as_fd(), signal, None, PidfdSignalFlags::empty())
    }

    /// Waits until the process, a child, has ended, and says what became of it.
    ///
    /// # Errors
    ///
    /// `ECHILD` if it is no child, or was waited for.
    pub fn wait(&self) -> Result<ExitStatus> {
        let status = wait(WaitId::Pidfd(self.as_fd()), WaitOptions::EXITED)?;
        status.ok_or(Errno::ECHILD)
    }

    /// What became of the process, a child; `None` if it has not ended.
    ///
    /// # Errors
    ///
    /// As for [`wait`](PidFd::wait).
    pub fn try_wait(&self) -> Result<Option<ExitStatus>> {
        let options = WaitOptions::EXITED | WaitOptions::NOHANG;
        wait(WaitId::Pidfd(self.as_fd()), options)
    }

    /// Waits until it has ended or `timeout` is over.
    fn poll(&self, timeout: Duration) -> Result<()> {
        // None: later than there is a time.
        let end = Instant::now().checked_add(timeout);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let mut left = left.map(Timespec::from);
            let mut fds = [PollFd::new(self.as_fd(), PollFlags::IN)];
            match sys::ppoll(&mut fds, left.as_mut(), None) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for PidFd {
    fn from(fd: OwnedFd) -> PidFd {
        PidFd(fd)
    }
}

impl From<PidFd> for OwnedFd {
    fn from(pidfd: PidFd) -> OwnedFd {
        pidfd.0
    }
}

/// An end of a pipe, with the name that std has for it.
macro_rules! end {
    ($(#[$meta:meta])* $type:ident, $end:ident, $embedded:ident) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $type($end);

        impl AsFd for $type {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl From<OwnedFd> for $type {
            fn from(fd: OwnedFd) -> $type {
                $type(fd.into())
            }
        }

        impl From<$type> for OwnedFd {
            fn from(end: $type) -> OwnedFd {
                end.0.into()
            }
        }

        impl From<$end> for $type {
            fn from(end: $end) -> $type {
                $type(end)
            }
        }

        impl From<$type> for $end {
            fn from(end: $type) -> $end {
                end.0
            }
        }

        impl ErrorType for $type {
            type Error = Errno;
        }

        $embedded!([] $type);
    };
}

use crate::io::{reader, writer};

end!(
    /// What a child reads.
    ///
    /// A write when the child reads no more raises SIGPIPE, of which the program dies
    /// unless it ignores it; then it is `EPIPE`.
    ChildStdin, PipeWriter, writer
);
end!(
    /// What a child writes.
    ChildStdout, PipeReader, reader
);
end!(
    /// What a child says of errors.
    ChildStderr, PipeReader, reader
);
