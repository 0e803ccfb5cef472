//! Building what is measured, where several suites do it alike.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{
    arch::Arch,
    program::{root, target_dir},
    run::is_native,
};

/// Where the builds of a suite go, and its plot.
pub fn folder(suite: &str) -> PathBuf {
    target_dir().join("bench").join(suite)
}

/// Runs a compiler. What it says is shown only if it fails, as the reason.
pub fn execute(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{name} failed ({}): {}",
        output.status,
        said.trim()
    );
    Ok(())
}

/// The C compiler that links programs for `arch` with glibc, found out by having it do
/// so.
pub fn glibc_cc(arch: Arch) -> Option<Command> {
    let cc = |name: &str| {
        let mut cc = Command::new(name);
        cc.args(arch.cc_flags());
        cc
    };
    let links = |name: &&str| {
        cc(name)
            .args(["-static", "-o", "/dev/null"])
            .arg(root().join("benches/startup/c/hello.c"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let cross = format!("{}-gcc", arch.gnu());
    let host = is_native(arch).then_some("cc");
    let name = host.into_iter().chain([cross.as_str()]).find(links)?;
    Some(cc(name))
}
