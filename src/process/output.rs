//! What a child has written.

use alloc::vec::Vec;

use super::{Child, ExitStatus};
use crate::io;
use crate::sys::{self, BorrowedFd, Errno, OFlags, OwnedFd, PollFd, PollFlags, Result};

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// What became of a child, and what it has written: std's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// What became of it.
    pub status: ExitStatus,
    /// What it has written to standard output, if that was a pipe.
    pub stdout: Vec<u8>,
    /// What it has written to standard error, if that was one.
    pub stderr: Vec<u8>,
}

impl Child {
    /// Closes the child's input, reads all that it writes, waits until it has ended, and
    /// hands that over. Both pipes are read as something comes: a child that fills one
    /// does not wait for ever.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Child::wait); `ENOMEM` if there is no memory for all of it. Then
    /// nobody can read the rest or wait for the child any more: it is ended, by SIGKILL.
    pub fn wait_with_output(self) -> Result<Output> {
        self.communicate(&[])
    }

    /// As [`wait_with_output`](Child::wait_with_output), but writes `input` to the child's
    /// before closing it, as the child takes it. A child that does not want all of it is no
    /// error, and raises no SIGPIPE.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn communicate(mut self, input: &[u8]) -> Result<Output> {
        let talked = self.talk(input);
        if talked.is_err() {
            // If these fail, it has ended and was waited for.
            let _ = self.kill();
            let _ = self.wait();
        }
        let (stdout, stderr) = talked?;
        Ok(Output {
            status: self.wait()?,
            stdout,
            stderr,
        })
    }

    /// Writes and reads until all pipes are closed. Hands over what was read.
    fn talk(&mut self, mut input: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let stdin = self.stdin.take().map(OwnedFd::from);
        let mut writer = stdin.filter(|_| !input.is_empty());
        if let Some(writer) = &writer {
            // The pipe's other end has flags of its own.
            let flags = sys::fcntl_getfl(writer.as_fd())?;
            sys::fcntl_setfl(writer.as_fd(), flags | OFlags::NONBLOCK)?;
        }
        let mut out = self.stdout.take().map(OwnedFd::from);
        let mut err = self.stderr.take().map(OwnedFd::from);
        while let Some([can_out, can_err, can_write]) = ready([&out, &err, &writer])? {
            if let Some(fd) = out.as_ref().filter(|_| can_out)
                && is_end(fd.as_fd(), &mut stdout)?
            {
                out = None;
            }
            if let Some(fd) = err.as_ref().filter(|_| can_err)
                && is_end(fd.as_fd(), &mut stderr)?
            {
                err = None;
            }
            if let Some(fd) = writer.as_ref().filter(|_| can_write) {
                input = write_some(fd.as_fd(), input)?;
                if input.is_empty() {
                    writer = None;
                }
            }
        }
        Ok((stdout, stderr))
    }
}

/// Waits until something can be done with one of the pipes, the last of which is written,
/// and says with which. `None` if there are none.
fn ready(pipes: [&Option<OwnedFd>; 3]) -> Result<Option<[bool; 3]>> {
    let events = [PollFlags::IN, PollFlags::IN, PollFlags::OUT];
    let mut fds = heapless::Vec::<PollFd<'_>, 3>::new();
    let pipes = pipes.map(Option::as_ref);
    let there = pipes.into_iter().zip(events);
    fds.extend(there.filter_map(|(pipe, events)| Some(PollFd::new(pipe?.as_fd(), events))));
    if fds.is_empty() {
        return Ok(None);
    }
    io::retry(|| sys::poll(&mut fds, -1))?;
    let mut seen = fds.iter().map(|fd| !fd.revents.is_empty());
    Ok(Some(
        pipes.map(|pipe| pipe.is_some() && seen.next() == Some(true)),
    ))
}

/// Reads what is there to `bytes`, and says whether it was the end.
fn is_end(fd: BorrowedFd<'_>, bytes: &mut Vec<u8>) -> Result<bool> {
    let end = bytes.len();
    bytes.try_reserve(CHUNK).map_err(|_| Errno::ENOMEM)?;
    // A reader sees no bytes that nobody has written.
    bytes.resize(end + CHUNK, 0);
    let read = sys::read(fd, bytes.get_mut(end..).unwrap_or_default());
    bytes.truncate(end + read.unwrap_or(0));
    match read {
        Ok(read) => Ok(read == 0),
        Err(Errno::EINTR | Errno::EAGAIN) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Writes what the pipe takes, and hands over the rest: nothing if nobody reads it.
fn write_some<'a>(fd: BorrowedFd<'_>, input: &'a [u8]) -> Result<&'a [u8]> {
    match io::without_sigpipe(|| sys::write(fd, input)) {
        Ok(written) => Ok(input.get(written..).unwrap_or_default()),
        Err(Errno::EINTR | Errno::EAGAIN) => Ok(input),
        Err(Errno::EPIPE) => Ok(&[]),
        Err(errno) => Err(errno),
    }
}
