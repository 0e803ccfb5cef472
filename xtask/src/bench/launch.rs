//! How a measured program is started: each with the same arguments and environment,
//! so that each has the same to do.

use std::{
    ffi::CStr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    arch::Arch,
    install::Need,
    run::{find_qemu, is_native},
};

/// `argv`. Its first is not the program's path, for paths differ in length.
pub const ARGUMENTS: [&CStr; 3] = [c"startup", c"one", c"another argument"];

/// `envp`.
pub const ENVIRONMENT: [&CStr; 2] = [c"A=1", c"BB=two"];

/// By what a program is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Machine {
    /// This machine's processor.
    Native,
    /// qemu's user-mode emulator, at this path.
    Qemu(PathBuf),
}

impl Machine {
    /// What runs programs of `arch` here.
    pub fn of(arch: Arch) -> Result<Machine> {
        if is_native(arch) {
            return Ok(Machine::Native);
        }
        find_qemu(arch).map(Machine::Qemu).with_context(|| {
            let need = Need::Qemu(arch);
            format!("{need}, is missing: {}", need.remedy())
        })
    }

    /// The command that runs the program at `path` with the arguments and the
    /// environment, and with `options` for the emulator if there is one. It reads
    /// nothing.
    pub fn command(&self, path: &Path, options: &[&str]) -> Command {
        let [name, arguments @ ..] = ARGUMENTS.map(text);
        let mut command = match self {
            Machine::Native => {
                let mut command = Command::new(path);
                command.arg0(name);
                command
            }
            Machine::Qemu(qemu) => {
                let mut command = Command::new(qemu);
                command.args(options).args(["-0", name]).arg(path);
                command
            }
        };
        let variables = ENVIRONMENT.iter().filter_map(|v| text(v).split_once('='));
        command
            .args(arguments)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null());
        command
    }

    /// What the program at `path` prints, having ended with status 0.
    pub fn output(&self, path: &Path) -> Result<Vec<u8>> {
        printed(&mut self.command(path, &[]))
    }
}

/// What a program prints, having ended with status 0. What it complains of is shown.
pub fn printed(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(output.status.success(), "it ended with {}", output.status);
    Ok(output.stdout)
}

/// What is above, as a `str`.
pub fn text(string: &'static CStr) -> &'static str {
    string.to_str().expect("it is ASCII")
}
