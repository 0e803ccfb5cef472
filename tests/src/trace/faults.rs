//! What becomes of a program when its system calls fail, one by one.

use anyhow::{Context, Result, ensure};

use super::registers::Machine;
use super::{Capture, Event, Hung, Launch, Tracee};

/// A series of runs, in each of which another system call fails.
#[derive(Clone, Debug)]
pub struct Sweep<'a> {
    /// The program. Its deadline is each run's.
    pub launch: &'a Launch,
    /// What it reads from standard input.
    pub stdin: &'a [u8],
    /// What the call returns in place of happening: each in a run of its own.
    /// `-errno` is a failure, and 0 is a write that never gets anywhere.
    pub results: &'a [i64],
    /// Whether all later calls with the same number fail as well. A program that
    /// tries again then tries forever, as it may after EINTR.
    pub persistent: bool,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which system call failed, counted from 0.
    pub ordinal: usize,
    /// The call's number.
    pub number: u64,
    /// What it returned.
    pub result: i64,
    /// What became of the program.
    pub class: Class,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// What becomes of a program one of whose system calls has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It succeeded, with the output that it always has.
    Ok,
    /// It exited with this status, which is not 0.
    Reported(i32),
    /// It aborted.
    Aborted,
    /// It claims success, but its output is not what it always is.
    SilentLoss,
    /// This signal, which is not SIGABRT, killed it.
    Killed(i32),
    /// It was not done by its deadline.
    Hung,
}

/// A run that has ended.
struct Run {
    /// None if it hung.
    end: Option<Event>,
    /// The numbers of the system calls it made or was about to make; if one was to fail and
    /// no other, down to that.
    calls: Vec<u64>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Sweep<'_> {
    /// Runs the program once as it is, and then once for each result and each
    /// system call it made, but for `exit_group`.
    pub fn run(&self) -> Result<Vec<Finding>> {
        let clean = self.one(|_, _| None)?;
        ensure!(
            clean.end == Some(Event::Exited(0)),
            "{} fails even when no system call does: {:?}: {}",
            self.launch.program.display(),
            clean.end,
            String::from_utf8_lossy(&clean.stderr)
        );
        let exit_group = Machine::of(self.launch.arch).exit_group;
        let mut findings = Vec::new();
        for (ordinal, &number) in clean.calls.iter().enumerate() {
            if number == exit_group {
                continue;
            }
            for &result in self.results {
                let run = self
                    .one(|n, call| {
                        let later = self.persistent && n > ordinal && call == number;
                        (n == ordinal || later).then_some(result)
                    })
                    .with_context(|| format!("call {ordinal} ({number}) returning {result}"))?;
                ensure!(
                    run.calls.get(ordinal) == Some(&number),
                    "call {ordinal} was {number} at first, and then {:?}",
                    run.calls.get(ordinal)
                );
                findings.push(Finding {
                    ordinal,
                    number,
                    result,
                    class: run.class(&clean.stdout),
                    stderr: String::from_utf8_lossy(&run.stderr).into_owned(),
                });
            }
        }
        Ok(findings)
    }

    /// Runs the program, where `fault` says for a call's ordinal and number what
    /// it returns in place of happening.
    fn one(&self, fault: impl Fn(usize, u64) -> Option<i64>) -> Result<Run> {
        let capture = Capture::new(self.stdin)?;
        let mut tracee = Tracee::start(self.launch, capture.streams()?)?;
        let mut calls = Vec::new();
        let end = match trace(&mut tracee, &mut calls, fault, self.persistent) {
            Ok(end) => Some(end),
            Err(error) if error.is::<Hung>() => None,
            Err(error) => return Err(error),
        };
        Ok(Run {
            end,
            calls,
            stdout: capture.stdout()?,
            stderr: capture.stderr()?,
        })
    }
}

fn trace(
    tracee: &mut Tracee,
    calls: &mut Vec<u64>,
    fault: impl Fn(usize, u64) -> Option<i64>,
    persistent: bool,
) -> Result<Event> {
    loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) => {
                let ordinal = calls.len();
                calls.push(call.number);
                if let Some(result) = fault(ordinal, call.number) {
                    tracee.skip_syscall(result)?;
                    // Nobody asks which calls follow: stops at each would take most of the time.
                    if !persistent {
                        return tracee.resume_to_end();
                    }
                }
            }
            end => return Ok(end),
        }
    }
}

impl Run {
    fn class(&self, expected: &[u8]) -> Class {
        match self.end {
            Some(Event::Exited(0)) if self.stdout == expected => Class::Ok,
            Some(Event::Exited(0)) => Class::SilentLoss,
            Some(Event::Exited(status)) => Class::Reported(status),
            Some(Event::Killed(libc::SIGABRT)) => Class::Aborted,
            Some(Event::Killed(signal)) => Class::Killed(signal),
            Some(Event::Syscall(_) | Event::Stopped) | None => Class::Hung,
        }
    }
}
