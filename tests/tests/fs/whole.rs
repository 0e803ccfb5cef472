//! Programs that test themselves.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;

cases![
    files_are_read_written_and_told_of,
    trees_are_removed_however_deep_and_with_few_descriptors,
];

fn files_are_read_written_and_told_of(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    let mut command = target.command("fs_files")?;
    let (input, _writer) = std::io::pipe()?;
    command.current_dir(directory.path()).stdin(input);
    expect_ok(&mut command)?;
    let left = directory.path().read_dir()?.count();
    ensure!(left == 0, "{left} files are left");
    Ok(())
}

fn trees_are_removed_however_deep_and_with_few_descriptors(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    let mut command = target.command("fs_tree")?;
    command.current_dir(directory.path());
    limit_descriptors(&mut command, 64);
    expect_ok(&mut command)?;
    let left = directory.path().read_dir()?.count();
    ensure!(left == 0, "{left} files are left");
    Ok(())
}

fn expect_ok(command: &mut Command) -> Result<()> {
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    let said = String::from_utf8_lossy(expect_status(&output, 0)?);
    ensure!(said == "ok\n", "{said:?}");
    Ok(())
}

fn limit_descriptors(command: &mut Command, most: libc::rlim_t) {
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: `limit` is there to be read.
    let set = move || match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    };
    // SAFETY: between fork and exec this makes a system call, and no more.
    unsafe { command.pre_exec(set) };
}
