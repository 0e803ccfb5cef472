//! What to run, how, and with which standard streams.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use xtask::arch::Arch;

/// What executes a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// The kernel, for x86_64 and i386 programs on an x86_64 machine.
    Native,
    /// This qemu-user binary, for its architecture's programs.
    Qemu(PathBuf),
}

/// A program to run under control, as often as needed.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The executable, which is static, or static-PIE.
    pub program: PathBuf,
    /// Its architecture.
    pub arch: Arch,
    /// What executes it.
    pub how: How,
    /// Its arguments after the first, which is its path.
    pub args: Vec<OsString>,
    /// Its whole environment, which comes to it sorted by name natively, and the
    /// other way round under qemu.
    pub env: Vec<(OsString, OsString)>,
    /// How long it may live, stopped or running.
    pub deadline: Duration,
}

impl Launch {
    /// A program with no arguments, no environment, and 20 seconds to live.
    pub fn new(program: impl Into<PathBuf>, arch: Arch, how: How) -> Launch {
        Launch {
            program: program.into(),
            arch,
            how,
            args: Vec::new(),
            env: Vec::new(),
            deadline: Duration::from_secs(20),
        }
    }

    /// The command that runs the program, or that has `runner` run it.
    pub(super) fn command(
        &self,
        runner: Option<(&Path, &[OsString])>,
        streams: Streams,
    ) -> Command {
        let mut command = match runner {
            None => Command::new(&self.program),
            Some((runner, options)) => {
                let mut command = Command::new(runner);
                command.args(options).arg(&self.program);
                command
            }
        };
        command
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(streams.stdin)
            .stdout(streams.stdout)
            .stderr(streams.stderr);
        command
    }
}

/// A program's standard streams; by default all are `/dev/null`.
///
/// [`Stdio::piped`] is of no use here, because nobody holds the other end: pass
/// an end of [`std::io::pipe`] instead.
#[derive(Debug)]
pub struct Streams {
    /// Standard input.
    pub stdin: Stdio,
    /// Standard output.
    pub stdout: Stdio,
    /// Standard error. qemu's own messages go here too.
    pub stderr: Stdio,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams {
            stdin: Stdio::null(),
            stdout: Stdio::null(),
            stderr: Stdio::null(),
        }
    }
}

/// Standard streams that are temporary files: nothing that a program writes can
/// block it.
#[derive(Debug)]
pub struct Capture {
    stdin: File,
    stdout: File,
    stderr: File,
}

impl Capture {
    /// New files, with `stdin` to read in the first.
    pub fn new(stdin: &[u8]) -> Result<Capture> {
        let file = || crate::temp::file().context("creating a temporary file");
        let mut input = file()?;
        input.write_all(stdin)?;
        input.rewind()?;
        Ok(Capture {
            stdin: input,
            stdout: file()?,
            stderr: file()?,
        })
    }

    /// The streams to start one program with.
    pub fn streams(&self) -> Result<Streams> {
        Ok(Streams {
            stdin: self.stdin.try_clone()?.into(),
            stdout: self.stdout.try_clone()?.into(),
            stderr: self.stderr.try_clone()?.into(),
        })
    }

    /// What the program has written to standard output; for after its end.
    pub fn stdout(&self) -> Result<Vec<u8>> {
        contents(&self.stdout)
    }

    /// What the program has written to standard error; for after its end.
    pub fn stderr(&self) -> Result<Vec<u8>> {
        contents(&self.stderr)
    }
}

fn contents(mut file: &File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
