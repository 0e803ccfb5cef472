//! What a program executes: instructions and system calls, counted exactly.
//!
//! Natively by ptrace(2), in all of a program's threads. Under qemu by its log, when
//! each of its blocks of translated code is one instruction.

use std::{
    collections::HashSet,
    fmt,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    errno::Errno,
    sys::{
        ptrace::{self, Options},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::launch::Machine;
use crate::path::output;

/// How far instructions are counted: a single step takes a microsecond or, on a
/// virtual machine, fifty.
const LIMIT: u64 = 50_000;

/// How many instructions a program executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// This many, the last system call's included.
    Exactly(u64),
    /// Too many to go on counting: more than this.
    MoreThan(u64),
}

impl Instructions {
    fn new(count: u64) -> Instructions {
        if count > LIMIT {
            Instructions::MoreThan(LIMIT)
        } else {
            Instructions::Exactly(count)
        }
    }

    /// The number, or the least that it can be.
    pub fn at_least(self) -> u64 {
        match self {
            Instructions::Exactly(count) | Instructions::MoreThan(count) => count,
        }
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Instructions::Exactly(count) => write!(f, "{count}"),
            Instructions::MoreThan(count) => write!(f, "> {count}"),
        }
    }
}

/// Counts the instructions of the program at `path`, from its first to its end.
pub fn instructions(machine: &Machine, path: &Path) -> Result<Instructions> {
    let count = match machine {
        Machine::Native => Tracee::start(path)?.count_steps()?,
        Machine::Qemu(qemu) => {
            let one_by_one = one_instruction_option(qemu)?;
            let options = [one_by_one, "-d", "exec,nochain"];
            count_lines(machine.command(path, &options), |line| {
                line.starts_with("Trace ")
            })?
        }
    };
    ensure!(count > 0, "no instruction was counted");
    Ok(Instructions::new(count))
}

/// Counts the system calls of the program at `path`, the one that ends it included.
pub fn system_calls(machine: &Machine, path: &Path) -> Result<u64> {
    let count = match machine {
        Machine::Native => Tracee::start(path)?.count_system_calls()?,
        Machine::Qemu(_) => count_lines(machine.command(path, &["-strace"]), is_system_call)?,
    };
    ensure!(count > 0, "no system call was counted");
    Ok(count)
}

/// Runs the program at `path`, which has symbols, under qemu, and counts the instructions
/// from the return of each call of its function `mark` to the next call. Says as well what
/// the program printed, of which there is not more than a pipe takes: 64 KiB.
pub fn between_marks(
    qemu: &Path,
    options: &[&str],
    path: &Path,
    mark: &str,
) -> Result<(String, Vec<u64>)> {
    let mut child = Command::new(qemu)
        .args(options)
        .args([one_instruction_option(qemu)?, "-d", "exec,nochain"])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run qemu")?;
    let log = child.stderr.take().context("qemu has no log")?;
    let counts = intervals(BufReader::new(log), mark)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "qemu ended with {}", output.status);
    Ok((String::from_utf8(output.stdout)?, counts))
}

/// The numbers of lines between those of `mark` in qemu's log. The function's name is the
/// last word of a line: `Trace 0: 0x7f2a8 [00000/400538/00001/00201] main`.
fn intervals(log: impl BufRead, mark: &str) -> Result<Vec<u64>> {
    let mut counts = Vec::new();
    let mut current = None;
    for line in log.split(b'\n') {
        let line = line?;
        if !line.starts_with(b"Trace ") {
            continue;
        }
        let is_mark = line
            .strip_suffix(mark.as_bytes())
            .is_some_and(|rest| rest.ends_with(b" "));
        if is_mark {
            // Its other instructions find nothing counted.
            counts.extend(current.replace(0).filter(|&count| count > 0));
        } else if let Some(current) = &mut current {
            *current += 1;
        }
    }
    Ok(counts)
}

/// A program that this thread traces.
struct Tracee {
    main: Pid,
    /// The threads that have made their first stop.
    started: HashSet<Pid>,
}

/// What happened to a tracee.
enum Event {
    /// A thread has made a single step.
    Step(Pid),
    /// A thread goes into the kernel or comes out.
    SystemCall(Pid),
    /// A thread stopped for another reason, and goes on with this signal.
    Other(Pid, Option<Signal>),
    /// The program has ended.
    End,
}

impl Tracee {
    /// Starts the program at `path` and stops it before its first instruction.
    fn start(path: &Path) -> Result<Tracee> {
        let mut command = Machine::Native.command(path, &[]);
        command.stdout(Stdio::null());
        // SAFETY: what runs between fork and exec is one system call.
        unsafe {
            command.pre_exec(|| Ok(ptrace::traceme()?));
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", path.display()))?;
        let main = Pid::from_raw(child.id().try_into()?);
        let stopped = waitpid(main, None)?;
        ensure!(
            stopped == WaitStatus::Stopped(main, Signal::SIGTRAP),
            "the program does not stop at its exec: {stopped:?}"
        );
        let options = Options::PTRACE_O_EXITKILL
            | Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE;
        ptrace::setoptions(main, options)?;
        Ok(Tracee {
            main,
            started: HashSet::from([main]),
        })
    }

    /// Steps through all threads to the end, or until it is too much.
    fn count_steps(mut self) -> Result<u64> {
        let mut count = 0;
        let mut event = Event::Other(self.main, None);
        loop {
            match event {
                Event::Step(thread) | Event::SystemCall(thread) => step(thread, None)?,
                Event::Other(thread, signal) => step(thread, signal)?,
                Event::End => return Ok(count),
            }
            event = self.wait()?;
            // The instruction that ends the program ends in no stop.
            count += u64::from(matches!(event, Event::Step(_) | Event::End));
            if count > LIMIT {
                self.kill()?;
                return Ok(count);
            }
        }
    }

    /// Counts how often a thread goes into the kernel.
    fn count_system_calls(mut self) -> Result<u64> {
        let mut count = 0;
        let mut inside = HashSet::new();
        let mut event = Event::Other(self.main, None);
        loop {
            match event {
                Event::SystemCall(thread) => {
                    // The stops on the way in and on the way out take turns.
                    if !inside.remove(&thread) {
                        inside.insert(thread);
                        count += 1;
                    }
                    to_system_call(thread, None)?;
                }
                Event::Step(thread) => to_system_call(thread, None)?,
                Event::Other(thread, signal) => to_system_call(thread, signal)?,
                Event::End => return Ok(count),
            }
            event = self.wait()?;
        }
    }

    /// Waits for what happens next.
    fn wait(&mut self) -> Result<Event> {
        // Only for this thread's children: other threads have theirs.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            return Ok(match waitpid(None, Some(flags))? {
                WaitStatus::Exited(thread, status) if thread == self.main => {
                    ensure!(status == 0, "it ended with status {status}");
                    Event::End
                }
                WaitStatus::Signaled(thread, signal, _) if thread == self.main => {
                    bail!("{signal} ended it")
                }
                WaitStatus::PtraceSyscall(thread) => Event::SystemCall(thread),
                WaitStatus::PtraceEvent(thread, ..) => Event::Other(thread, None),
                WaitStatus::Stopped(thread, Signal::SIGTRAP) => Event::Step(thread),
                // A new thread begins with a SIGSTOP that is none of the program's.
                WaitStatus::Stopped(thread, Signal::SIGSTOP) if self.started.insert(thread) => {
                    Event::Other(thread, None)
                }
                WaitStatus::Stopped(thread, signal) => Event::Other(thread, Some(signal)),
                // The end of a thread.
                _ => continue,
            });
        }
    }

    fn kill(mut self) -> Result<()> {
        kill(self.main, Signal::SIGKILL)?;
        // The main thread's end is told when all others' have been taken note of.
        while self.wait().is_ok() {}
        Ok(())
    }
}

/// Lets `thread` execute one instruction.
fn step(thread: Pid, signal: Option<Signal>) -> Result<()> {
    unless_gone(ptrace::step(thread, signal))
}

/// Lets `thread` go on to its next system call, or out of one.
fn to_system_call(thread: Pid, signal: Option<Signal>) -> Result<()> {
    unless_gone(ptrace::syscall(thread, signal))
}

/// A thread may be gone by the time that it is told to go on: another ended the
/// program.
fn unless_gone(result: nix::Result<()>) -> Result<()> {
    match result {
        Err(Errno::ESRCH) => Ok(()),
        result => Ok(result?),
    }
}

/// Counts the lines of qemu's log that `counts` says count, until it is too much.
fn count_lines(mut command: Command, counts: impl Fn(&str) -> bool) -> Result<u64> {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run qemu")?;
    let log = child.stderr.take().context("qemu has no log")?;
    let mut count = 0;
    for line in BufReader::new(log).split(b'\n') {
        count += u64::from(counts(&String::from_utf8_lossy(&line?)));
        if count > LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(count);
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "qemu ended with {status}");
    Ok(count)
}

/// How this qemu is told to translate one instruction at a time: it was renamed in
/// version 8.1.
fn one_instruction_option(qemu: &Path) -> Result<&'static str> {
    let help = output(Command::new(qemu).arg("-h")).unwrap_or_default();
    ["-one-insn-per-tb", "-singlestep"]
        .into_iter()
        .find(|option| help.contains(option))
        .with_context(|| format!("{} has no option for single steps", qemu.display()))
}

/// Whether a line of qemu's -strace is a system call: `1234 write(1,0x2000e8,14) = 14`.
fn is_system_call(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(process, call)| {
        let name = call.split('(').next().unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        process.parse::<u32>().is_ok() && call.len() > name.len() && name.chars().all(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arch::Arch, path::write_program, run::I386_EXIT};
    use std::{env, fs, os::unix::fs::PermissionsExt, process};

    /// A program that is three instructions: two to prepare a system call, and that.
    fn count(machine: &Machine) {
        let path = env::temp_dir().join(format!("freestand-steps-{}", process::id()));
        write_program(&path, &I386_EXIT, fs::Permissions::from_mode(0o700)).unwrap();
        let counts = (instructions(machine, &path), system_calls(machine, &path));
        fs::remove_file(&path).unwrap();
        assert_eq!(counts.0.unwrap(), Instructions::Exactly(3));
        assert_eq!(counts.1.unwrap(), 1);
    }

    #[test]
    fn three_instructions_are_three() {
        match Machine::of(Arch::I386) {
            Ok(machine) => count(&machine),
            Err(error) => eprintln!("not run: {error}"),
        }
    }

    #[test]
    fn calls_are_told_from_other_lines_of_the_log() {
        assert!(is_system_call("12838 write(1,0x2000e8,14) = 14"));
        assert!(is_system_call("12838 exit_group(0)"));
        assert!(!is_system_call("--- SIGURG {si_signo=SIGURG} ---"));
        assert!(!is_system_call("Trace 0: 0x7fe26c000100 [0000/00f8]"));
        assert!(!is_system_call(""));
    }

    #[test]
    fn intervals_lie_between_marks() {
        let line = |function| format!("Trace 0: 0x7f2a8 [00/400538/01/201] {function}\n");
        let log: String = [
            "main", "mark", "mark", "main", "f", "f", "mark", "mark", "remark", "mark", "main",
        ]
        .map(line)
        .concat();
        let log = format!("qemu: a warning\n{log}");
        assert_eq!(intervals(log.as_bytes(), "mark").unwrap(), [3, 1]);
        assert_eq!(intervals("".as_bytes(), "mark").unwrap(), [0_u64; 0]);
    }

    #[test]
    fn what_is_too_much_is_said_to_be_more() {
        assert_eq!(Instructions::new(LIMIT).to_string(), "50000");
        assert_eq!(Instructions::new(LIMIT + 1).to_string(), "> 50000");
    }
}
