//! Standard streams that are closed, full, or that nobody reads: a program never
//! claims success when text was lost, and says what is wrong where it can.

use std::io::pipe;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::Target;
use freestand_tests::temp::TempDir;

use crate::support::{close_at_start, full_device, ignore_sigpipe, input, program, steps};

cases![
    a_full_device_is_reported,
    a_failed_flush_is_no_success_whatever_main_says,
    a_closed_standard_output_is_reported,
    a_closed_standard_input_is_reported,
    a_closed_standard_error_changes_nothing_else,
    all_streams_closed_is_no_success,
    a_file_opened_in_place_of_a_closed_stream_is_copied,
    a_full_standard_error_is_no_success,
    a_pipe_that_nobody_reads_kills,
    a_pipe_that_nobody_reads_is_reported_if_sigpipe_is_ignored,
];

const PRINT_FAILED: &str = "failed to write standard output\n";

/// What becomes of each program if standard output takes nothing. `text` is what
/// the error is called.
fn outcomes(text: &str) -> [(&'static str, i32, String); 4] {
    [
        // It is too small to report anything but its status.
        ("hello", 1, String::new()),
        ("greet", 1, PRINT_FAILED.into()),
        ("args", 1, PRINT_FAILED.into()),
        ("cat", 1, format!("cat: write error: {text}\n")),
    ]
}

/// Checks a program's status and what it said on standard error.
fn expect(what: &str, output: &Output, status: i32, stderr: &str) -> Result<()> {
    ensure!(
        output.status.code() == Some(status) && output.stderr == stderr.as_bytes(),
        "{what}: {} and {:?}, not {status} and {stderr:?}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The command that runs `name`; `cat` gets "text" to copy.
fn fed(target: Target, name: &str) -> Result<Command> {
    let mut command = program(target, name)?;
    command.stdin(input(b"text")?);
    Ok(command)
}

fn a_full_device_is_reported(target: Target) -> Result<()> {
    for (name, status, stderr) in outcomes("No space left on device") {
        let output = fed(target, name)?
            .stdout(full_device()?)
            .stderr(Stdio::piped())
            .output()?;
        expect(name, &output, status, &stderr)?;
    }
    Ok(())
}

fn a_failed_flush_is_no_success_whatever_main_says(target: Target) -> Result<()> {
    for end in ["flush", "exit=0", "exit=7"] {
        let output = steps(target, &["print=a", end])?
            .stdout(full_device()?)
            .stderr(Stdio::piped())
            .output()?;
        ensure!(
            output.status.code() == Some(1) && output.stderr.ends_with(PRINT_FAILED.as_bytes()),
            "{end}: {output:?}"
        );
    }
    Ok(())
}

fn a_closed_standard_output_is_reported(target: Target) -> Result<()> {
    for (name, status, stderr) in outcomes("Bad file descriptor") {
        let mut command = fed(target, name)?;
        close_at_start(&mut command, &[1]);
        expect(name, &command.output()?, status, &stderr)?;
    }
    Ok(())
}

fn a_closed_standard_input_is_reported(target: Target) -> Result<()> {
    let cases = [
        ("hello", 0, "Hello, world!\n", ""),
        ("greet", 0, "Hello, world!\n", ""),
        ("cat", 1, "", "cat: -: Bad file descriptor\n"),
    ];
    for (name, status, stdout, stderr) in cases {
        let mut command = program(target, name)?;
        close_at_start(&mut command, &[0]);
        let output = command.output()?;
        expect(name, &output, status, stderr)?;
        ensure!(output.stdout == stdout.as_bytes(), "{name}: {output:?}");
    }
    let mut command = steps(target, &["read=1"])?;
    close_at_start(&mut command, &[0]);
    expect("read", &command.output()?, 0, "read=1: Err(EBADF)\n")
}

fn a_closed_standard_error_changes_nothing_else(target: Target) -> Result<()> {
    for (name, expected) in [
        ("hello", "Hello, world!\n"),
        ("greet", "Hello, world!\n"),
        ("cat", "text"),
    ] {
        let mut command = fed(target, name)?;
        close_at_start(&mut command, &[2]);
        let output = command.output()?;
        ensure!(
            output.status.success() && output.stdout == expected.as_bytes(),
            "{name}: {output:?}"
        );
    }
    // A failure that cannot be reported is still a failure.
    let mut command = program(target, "cat")?;
    command.arg("/nowhere").stdin(Stdio::null());
    close_at_start(&mut command, &[2]);
    let output = command.output()?;
    ensure!(output.status.code() == Some(1), "cat /nowhere: {output:?}");
    let mut command = steps(target, &["eprint=lost", "print=text"])?;
    close_at_start(&mut command, &[2]);
    let output = command.output()?;
    ensure!(
        output.status.code() == Some(1) && output.stdout == b"text",
        "eprint: {output:?}"
    );
    Ok(())
}

fn all_streams_closed_is_no_success(target: Target) -> Result<()> {
    for name in ["hello", "greet", "args", "cat"] {
        let mut command = program(target, name)?;
        close_at_start(&mut command, &[0, 1, 2]);
        let status = command.output()?.status;
        ensure!(
            status.code().is_some_and(|code| code != 0),
            "{name}: {status}"
        );
    }
    Ok(())
}

/// The file that `cat` opens gets the number of the closed stream.
fn a_file_opened_in_place_of_a_closed_stream_is_copied(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    let path = directory.path().join("file");
    std::fs::write(&path, "text")?;
    let cat = |closed| {
        let mut command = program(target, "cat")?;
        command.arg(&path).stdin(Stdio::null());
        close_at_start(&mut command, closed);
        command.output().context("running cat")
    };
    for closed in [&[0_i32][..], &[2], &[0, 2]] {
        let output = cat(closed)?;
        ensure!(
            output.status.success() && output.stdout == b"text",
            "{closed:?} closed: {output:?}"
        );
    }
    // As standard output the file is open for reading only.
    let output = cat(&[1])?;
    expect(
        "1 closed",
        &output,
        1,
        "cat: write error: Bad file descriptor\n",
    )
}

fn a_full_standard_error_is_no_success(target: Target) -> Result<()> {
    // The program goes on, and its status tells.
    for step in ["eprint=a", "eprintln=@600", "stderr_write=a"] {
        let output = steps(target, &["print=a", step, "print=b"])?
            .stdout(Stdio::piped())
            .stderr(full_device()?)
            .output()?;
        ensure!(
            output.status.code() == Some(1) && output.stdout == b"ab",
            "{step}: {output:?}"
        );
    }
    Ok(())
}

/// The end of a pipe whose other end is closed.
fn broken_pipe() -> Result<Stdio> {
    let (_, writer) = pipe()?;
    Ok(writer.into())
}

fn a_pipe_that_nobody_reads_kills(target: Target) -> Result<()> {
    for name in ["hello", "greet", "args", "cat"] {
        let output = fed(target, name)?
            .stdout(broken_pipe()?)
            .stderr(Stdio::piped())
            .output()?;
        ensure!(
            output.status.signal() == Some(libc::SIGPIPE) && output.stderr.is_empty(),
            "{name}: {output:?}"
        );
    }
    Ok(())
}

fn a_pipe_that_nobody_reads_is_reported_if_sigpipe_is_ignored(target: Target) -> Result<()> {
    for (name, status, stderr) in outcomes("Broken pipe") {
        let mut command = fed(target, name)?;
        command.stdout(broken_pipe()?).stderr(Stdio::piped());
        ignore_sigpipe(&mut command);
        expect(name, &command.output()?, status, &stderr)?;
    }
    Ok(())
}
