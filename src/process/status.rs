//! What became of a child.

use core::fmt;

use crate::sys::{Change, ChildCode, ChildInfo, Signal, WaitStatus};

/// What became of a child: std's, with wait(2)'s words behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExitStatus(WaitStatus);

impl ExitStatus {
    /// The status that wait4(2) and waitpid(2) tell.
    pub const fn from_raw(raw: i32) -> ExitStatus {
        ExitStatus(WaitStatus(raw))
    }

    /// The same, back.
    pub const fn into_raw(self) -> i32 {
        self.0.0
    }

    /// Whether the child has ended by itself, with status 0.
    pub const fn success(&self) -> bool {
        matches!(self.0.change(), Change::Exited(0))
    }

    /// The status that the child has ended itself with; `None` if it has not.
    pub const fn code(&self) -> Option<i32> {
        match self.0.change() {
            Change::Exited(code) => Some(code as i32),
            _ => None,
        }
    }

    /// The signal that has ended the child; `None` if none has.
    pub const fn signal(&self) -> Option<Signal> {
        match self.0.change() {
            Change::Signaled { signal, .. } => Some(signal),
            _ => None,
        }
    }

    /// Whether a signal has ended the child and it has left a core dump.
    pub const fn core_dumped(&self) -> bool {
        matches!(
            self.0.change(),
            Change::Signaled {
                dumped_core: true,
                ..
            }
        )
    }

    /// The signal that has stopped the child; `None` if none has. Only a wait that asks
    /// for it tells: [`sys::wait4`](crate::sys::wait4) with `UNTRACED`.
    pub const fn stopped_signal(&self) -> Option<Signal> {
        match self.0.change() {
            Change::Stopped { signal, .. } => Some(signal),
            _ => None,
        }
    }

    /// Whether SIGCONT has set the child going again. Only a wait that asks for it tells:
    /// [`sys::wait4`](crate::sys::wait4) with `CONTINUED`.
    pub const fn continued(&self) -> bool {
        matches!(self.0.change(), Change::Continued)
    }
}

impl From<WaitStatus> for ExitStatus {
    fn from(status: WaitStatus) -> ExitStatus {
        ExitStatus(status)
    }
}

/// What waitid(2) tells, in wait4(2)'s word: what was the status is its second byte, what
/// was the signal its first, or its second if the child has only stopped.
impl From<ChildInfo> for ExitStatus {
    fn from(info: ChildInfo) -> ExitStatus {
        /// A core dump.
        const WCOREFLAG: i32 = 0x80;
        /// The child has stopped.
        const STOPPED: i32 = 0x7f;
        /// It goes on.
        const CONTINUED: i32 = 0xffff;

        ExitStatus::from_raw(match info.code {
            ChildCode::EXITED => (info.status & 0xff) << 8,
            ChildCode::KILLED => info.status,
            ChildCode::DUMPED => info.status | WCOREFLAG,
            ChildCode::CONTINUED => CONTINUED,
            // STOPPED or TRAPPED.
            _ => info.status << 8 | STOPPED,
        })
    }
}

/// As std says it: `exit status: 1`, `signal: 9 (SIGKILL)`.
impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.change() {
            Change::Exited(code) => write!(f, "exit status: {code}"),
            Change::Signaled {
                signal,
                dumped_core,
            } => {
                let core = if dumped_core { " (core dumped)" } else { "" };
                write!(f, "signal: {}{core}", Named(signal))
            }
            Change::Stopped { signal, .. } => {
                write!(f, "stopped (not terminated) by signal: {}", Named(signal))
            }
            Change::Continued => f.write_str("continued (WIFCONTINUED)"),
        }
    }
}

/// The signal's number, with its name if it has one.
struct Named(Signal);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            Some(name) => write!(f, "{} ({name})", self.0.0),
            None => write!(f, "{}", self.0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{Pid, Uid};
    use std::os::unix::process::ExitStatusExt;
    use std::string::ToString;

    /// Every status that there can be says the same as std's.
    #[test]
    fn a_status_is_as_stds() {
        let signals = 1..=Signal::RTMAX.0;
        let exited = (0..=255).map(|code| code << 8);
        let signaled = signals.clone().flat_map(|signal| [signal, signal | 0x80]);
        let stopped = signals.map(|signal| signal << 8 | 0x7f);
        let others = [0xffff, 0x4_057f, 0x80_137f];
        for raw in exited.chain(signaled).chain(stopped).chain(others) {
            let ours = ExitStatus::from_raw(raw);
            let stds = std::process::ExitStatus::from_raw(raw);
            assert_eq!(ours.into_raw(), raw);
            assert_eq!(ours.success(), stds.success(), "{raw:#x}");
            assert_eq!(ours.code(), stds.code(), "{raw:#x}");
            assert_eq!(ours.signal().map(|signal| signal.0), stds.signal());
            assert_eq!(ours.core_dumped(), stds.core_dumped(), "{raw:#x}");
            let stopped = ours.stopped_signal().map(|signal| signal.0);
            assert_eq!(stopped, stds.stopped_signal(), "{raw:#x}");
            assert_eq!(ours.continued(), stds.continued(), "{raw:#x}");
            assert_eq!(ours.to_string(), stds.to_string(), "{raw:#x}");
        }
    }

    #[test]
    fn waitid_tells_the_same() {
        for (code, status, raw) in [
            (ChildCode::EXITED, 0, 0),
            (ChildCode::EXITED, 255, 0xff00),
            (ChildCode::KILLED, 9, 0x09),
            (ChildCode::DUMPED, 6, 0x86),
            (ChildCode::STOPPED, 19, 0x137f),
            (ChildCode::TRAPPED, 5 | 4 << 8, 0x4_057f),
            (ChildCode::CONTINUED, 18, 0xffff),
        ] {
            let info = ChildInfo {
                pid: Pid(1),
                uid: Uid(0),
                code,
                status,
            };
            assert_eq!(ExitStatus::from(info).into_raw(), raw, "{info:?}");
        }
    }
}
