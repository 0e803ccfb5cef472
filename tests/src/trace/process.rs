//! A child process with a deadline.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Event;

/// The error of a program that was not done by its deadline, and was killed.
/// To be found with [`anyhow::Error::is`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hung {
    /// The deadline it had.
    pub deadline: Duration,
}

impl fmt::Display for Hung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hung: killed after {:?}", self.deadline)
    }
}

impl std::error::Error for Hung {}

/// What waiting for a process has found.
pub(super) enum Waited {
    /// A tracee's stop: the status of `waitpid`.
    Stopped(i32),
    /// The process's end.
    Ended(Event),
}

/// A child process, which a watchdog kills at its deadline: no wait for it, nor
/// for what it should send, lasts longer. Dropping it kills it at once.
pub(super) struct Process {
    pid: libc::pid_t,
    /// Unlike the pid, it never comes to mean another process.
    pidfd: Arc<OwnedFd>,
    end: Option<Event>,
    deadline: Duration,
    hung: Arc<AtomicBool>,
    /// The watchdog goes when this does.
    _watched: Sender<()>,
}

impl Process {
    pub fn spawn(command: &mut Command, deadline: Duration) -> Result<Process> {
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let pid = child.id() as libc::pid_t;
        // SAFETY: the call takes no pointers. The child has not been waited for,
        // so that the pid is its own.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error()).context("pidfd_open");
        }
        // SAFETY: the kernel has just opened it for us.
        let pidfd = Arc::new(unsafe { OwnedFd::from_raw_fd(fd as i32) });
        let hung = Arc::new(AtomicBool::new(false));
        let (watched, watch) = mpsc::channel::<()>();
        thread::spawn({
            let (pidfd, hung) = (Arc::clone(&pidfd), Arc::clone(&hung));
            move || {
                if watch.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout) {
                    hung.store(true, Ordering::SeqCst);
                    kill(&pidfd);
                }
            }
        });
        Ok(Process {
            pid,
            pidfd,
            end: None,
            deadline,
            hung,
            _watched: watched,
        })
    }

    pub fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Waits for the process to stop or to end.
    pub fn wait(&mut self) -> Result<Waited> {
        let waited = self.wait_with(0)?;
        waited.context("waitpid returned nothing")
    }

    /// Whether the process has ended already.
    pub fn has_ended(&mut self) -> Result<bool> {
        let waited = self.wait_with(libc::WNOHANG)?;
        Ok(matches!(waited, Some(Waited::Ended(_))))
    }

    fn wait_with(&mut self, options: i32) -> Result<Option<Waited>> {
        if self.end.is_none() {
            let mut status = 0;
            // SAFETY: `status` is there to be written.
            match unsafe { libc::waitpid(self.pid, &mut status, options) } {
                0 => return Ok(None),
                -1 => return Err(io::Error::last_os_error()).context("waitpid"),
                _ if libc::WIFSTOPPED(status) => return Ok(Some(Waited::Stopped(status))),
                _ if libc::WIFEXITED(status) => {
                    self.end = Some(Event::Exited(libc::WEXITSTATUS(status)));
                }
                _ => self.end = Some(Event::Killed(libc::WTERMSIG(status))),
            }
        }
        if self.end == Some(Event::Killed(libc::SIGKILL)) && self.hung.load(Ordering::SeqCst) {
            bail!(Hung {
                deadline: self.deadline
            });
        }
        Ok(self.end.map(Waited::Ended))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        kill(&self.pidfd);
        while let Ok(Waited::Stopped(_)) = self.wait() {}
    }
}

fn kill(pidfd: &OwnedFd) {
    // SAFETY: the null pointer stands for the information that kill would send.
    // The only possible failure is that the process is gone.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            libc::SIGKILL,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        );
    }
}
