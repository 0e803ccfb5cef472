//! What the kernel tells of by descriptors: eventfd, timerfd, memfd, inotify and io_uring.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::trace::{Capture, Event, Tracee};
use freestand_tests::{cases, harness};
use xtask::arch::Arch;

cases![
    eventfd_counts_and_wakes,
    timerfd_expires_and_is_cancelled,
    memfd_is_sealed_and_mapped,
    inotify_tells_what_happens,
    inotify_tells_that_it_has_lost_events,
    a_ring_does_what_it_is_asked,
    a_ring_owns_what_is_in_flight,
    uring_cat_copies,
    uring_cat_says_what_is_wrong,
    uring_cat_says_why_there_is_no_io_uring,
    each_failing_call_of_a_ring_is_reported,
    watch_tells_what_happens,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// Whether there is io_uring, which qemu-user 7.2 does not have.
fn has_io_uring(target: Target) -> bool {
    target.is_native()
}

/// How many seconds a program may take.
const LIMIT: u32 = 120;

/// The command that runs the program `name`; SIGALRM ends it if it hangs.
fn program(target: Target, name: &str) -> Result<Command> {
    let mut command = target.command(name)?;
    // SAFETY: alarm is async-signal-safe. The alarm survives execve, and neither qemu nor
    // these programs handle it without setting one of their own.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(LIMIT);
            Ok(())
        });
    }
    Ok(command)
}

/// Runs a scene of the program `events`, in a directory that it leaves empty. What it says.
fn scene(target: Target, name: &str) -> Result<String> {
    let directory = TempDir::new()?;
    let mut command = program(target, "events")?;
    let output = command.arg(name).arg(directory.path()).output()?;
    let said = String::from_utf8(expect_status(&output, 0)?.to_vec())?;
    ensure!(
        directory.path().read_dir()?.next().is_none(),
        "{name} leaves something"
    );
    Ok(said)
}

/// Runs a scene that says nothing.
fn silent_scene(target: Target, name: &str) -> Result<()> {
    let said = scene(target, name)?;
    ensure!(said.is_empty(), "{name} says {said:?}");
    Ok(())
}

fn eventfd_counts_and_wakes(target: Target) -> Result<()> {
    silent_scene(target, "eventfd")
}

fn timerfd_expires_and_is_cancelled(target: Target) -> Result<()> {
    silent_scene(target, "timerfd")
}

fn memfd_is_sealed_and_mapped(target: Target) -> Result<()> {
    silent_scene(target, "memfd")
}

fn inotify_tells_what_happens(target: Target) -> Result<()> {
    silent_scene(target, "inotify")
}

fn inotify_tells_that_it_has_lost_events(target: Target) -> Result<()> {
    silent_scene(target, "inotify_overflow")
}

/// Runs a scene with rings, or sees that it finds none.
fn ring_scene(target: Target, name: &str) -> Result<()> {
    let said = scene(target, name)?;
    let expected = match has_io_uring(target) {
        true => "",
        false => "no io_uring: ENOSYS\n",
    };
    ensure!(said == expected, "{name} says {said:?}, not {expected:?}");
    Ok(())
}

fn a_ring_does_what_it_is_asked(target: Target) -> Result<()> {
    ring_scene(target, "uring")
}

fn a_ring_owns_what_is_in_flight(target: Target) -> Result<()> {
    ring_scene(target, "uring_in_flight")
}

/// Bytes of every value, more than go through `uring_cat` at a time.
fn bytes() -> Vec<u8> {
    (0..300_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// Runs the command with standard input from a pipe.
fn run_with_input(command: &mut Command, input: &[u8]) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("it is piped")?;
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    // Whoever ends early does not read it all.
    let _ = writer.join().expect("it does not panic");
    Ok(output)
}

/// Sees that `uring_cat` says so.
fn there_is_none(target: Target) -> Result<()> {
    let output = program(target, "uring_cat")?.output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let says = "uring_cat: there is no io_uring here: Function not implemented\n";
    ensure!(
        output.status.code() == Some(1) && stderr.starts_with(says),
        "{output:?}"
    );
    Ok(())
}

fn uring_cat_copies(target: Target) -> Result<()> {
    if !has_io_uring(target) {
        return there_is_none(target);
    }
    let directory = TempDir::new()?;
    let (file, empty) = (
        directory.path().join("file"),
        directory.path().join("empty"),
    );
    let bytes = bytes();
    fs::write(&file, &bytes)?;
    fs::write(&empty, "")?;
    let mut command = program(target, "uring_cat")?;
    let files = [file.as_os_str(), "-".as_ref(), empty.as_os_str()];
    let output = run_with_input(command.args(files).arg(&file), &bytes)?;
    ensure!(
        expect_status(&output, 0)? == bytes.repeat(3),
        "something else is copied"
    );
    let output = run_with_input(&mut program(target, "uring_cat")?, b"text")?;
    ensure!(expect_status(&output, 0)? == b"text", "{output:?}");
    Ok(())
}

fn uring_cat_says_what_is_wrong(target: Target) -> Result<()> {
    if !has_io_uring(target) {
        return there_is_none(target);
    }
    let run = |arg: &str, stdout: Stdio| -> Result<(Option<i32>, String)> {
        let mut command = program(target, "uring_cat")?;
        let output = command
            .arg(arg)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()?
            .wait_with_output()?;
        Ok((output.status.code(), String::from_utf8(output.stderr)?))
    };
    let full = fs::File::options().write(true).open("/dev/full")?;
    for (arg, stdout, text) in [
        ("/nowhere", Stdio::null(), "No such file or directory"),
        ("/", Stdio::null(), "Is a directory"),
        ("/proc/self/auxv", full.into(), "No space left on device"),
    ] {
        let (status, stderr) = run(arg, stdout)?;
        ensure!(
            status == Some(1) && stderr == format!("uring_cat: {arg}: {text}\n"),
            "{arg}: {status:?}, {stderr:?}"
        );
    }
    Ok(())
}

/// The number of io_uring_setup, on every architecture.
const IO_URING_SETUP: u64 = 425;
/// The number of io_uring_enter.
const IO_URING_ENTER: u64 = 426;

/// The errors that a machine without has, and one for want of something.
fn uring_cat_says_why_there_is_no_io_uring(target: Target) -> Result<()> {
    let answers = [
        (libc::ENOSYS, "Function not implemented", "qemu-user"),
        (libc::EPERM, "Operation not permitted", "io_uring_disabled"),
        (libc::ENOMEM, "Cannot allocate memory", "want of memory"),
    ];
    for (errno, text, remedy) in answers {
        let launch = target.launch("uring_cat")?;
        let capture = Capture::new(b"text")?;
        let mut tracee = Tracee::start(&launch, capture.streams()?)?;
        let mut asked = 0;
        let end = loop {
            match tracee.next_syscall()? {
                Event::Syscall(call) if call.number == IO_URING_SETUP => {
                    asked += 1;
                    tracee.skip_syscall(-i64::from(errno))?;
                }
                Event::Syscall(_) => {}
                end => break end,
            }
        };
        let stderr = String::from_utf8(capture.stderr()?)?;
        let says = format!("uring_cat: there is no io_uring here: {text}\n");
        ensure!(
            end == Event::Exited(1)
                && asked == 1
                && stderr.starts_with(&says)
                && stderr.contains(remedy),
            "{end:?} after {asked}: {stderr:?}"
        );
    }
    if !has_io_uring(target) {
        there_is_none(target)?;
    }
    Ok(())
}

/// It never hangs and never claims success with less output. The program's own errors are
/// the smaller part of it: a ring is dropped each time while the kernel has no memory for
/// cancellations, say, and then frees nothing.
fn each_failing_call_of_a_ring_is_reported(target: Target) -> Result<()> {
    if !has_io_uring(target) {
        return there_is_none(target);
    }
    // mmap2 on i386.
    let mmap = match target.arch {
        Arch::X86_64 => 9,
        Arch::I386 => 192,
        Arch::Aarch64 | Arch::Riscv64 => 222,
    };
    // The rings' own mappings, and those of the heap.
    for ordinal in 0..5 {
        fail(target, mmap, ordinal, libc::ENOMEM, false)?;
    }
    for errno in [libc::EIO, libc::ENOMEM, libc::EAGAIN, libc::EBUSY] {
        for ordinal in 0..4 {
            for persistent in [false, true] {
                fail(target, IO_URING_ENTER, ordinal, errno, persistent)?;
            }
        }
    }
    // To wait is to wait again.
    for ordinal in 0..4 {
        let end = fail(target, IO_URING_ENTER, ordinal, libc::EINTR, false)?;
        ensure!(end == Event::Exited(0), "EINTR in call {ordinal}: {end:?}");
    }
    Ok(())
}

/// Runs `uring_cat` with its call `ordinal` of this number failing, and all later ones if
/// that is `persistent`, and checks that it does what it should or says that it does not.
fn fail(
    target: Target,
    number: u64,
    ordinal: usize,
    errno: i32,
    persistent: bool,
) -> Result<Event> {
    let directory = TempDir::new()?;
    let file = directory.path().join("file");
    fs::write(&file, "a text")?;
    let mut launch = target.launch("uring_cat")?;
    launch.args = vec![file.into()];
    launch.deadline = Duration::from_secs(20);
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(&launch, capture.streams()?)?;
    let mut calls = 0;
    let what = format!("call {number}, {ordinal}, error {errno}, persistent: {persistent}");
    let end = loop {
        match tracee.next_syscall().with_context(|| what.clone())? {
            Event::Syscall(call) if call.number == number => {
                if calls == ordinal || persistent && calls > ordinal {
                    tracee.skip_syscall(-i64::from(errno))?;
                }
                calls += 1;
            }
            Event::Syscall(_) => {}
            end => break end,
        }
    };
    let (stdout, stderr) = (capture.stdout()?, capture.stderr()?);
    let is_honest = match end {
        Event::Exited(0) => stdout == b"a text" && stderr.is_empty(),
        Event::Exited(_) => !stderr.is_empty(),
        _ => false,
    };
    ensure!(
        is_honest && calls > 0,
        "{what}: {end:?} after {calls}, {:?}",
        String::from_utf8_lossy(&stderr)
    );
    Ok(end)
}

fn watch_tells_what_happens(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    let at = |name: &str| directory.path().join(name);
    let watch = |args: &[&str]| -> Result<Command> {
        let mut command = program(target, "watch")?;
        command.arg(directory.path()).args(args);
        Ok(command)
    };
    let mut child = watch(&[])?.stdout(Stdio::piped()).spawn()?;
    let mut stdout = child.stdout.take().context("it is piped")?;
    let mut expect = |expected: &str| {
        let mut bytes = vec![0; expected.len()];
        stdout.read_exact(&mut bytes)?;
        let said = String::from_utf8_lossy(&bytes);
        ensure!(said == expected, "{said:?}, not {expected:?}");
        Ok(())
    };
    expect("watching\n")?;
    fs::write(at("one"), "text")?;
    expect("created: one\nwritten: one\n")?;
    fs::rename(at("one"), at("an other"))?;
    expect("moved away: one\nmoved here: an other\n")?;
    fs::remove_file(at("an other"))?;
    expect("deleted: an other\n")?;
    // SAFETY: the child has not been waited for, so the number is its own.
    unsafe { libc::kill(child.id().cast_signed(), libc::SIGTERM) };
    let status = child.wait()?;
    ensure!(status.signal() == Some(libc::SIGTERM), "{status}");

    // A time ends it, too.
    let output = watch(&["0"])?.output()?;
    ensure!(expect_status(&output, 0)? == b"watching\n", "{output:?}");
    let output = watch(&["soon"])?.output()?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    let output = program(target, "watch")?.arg("/nowhere").output()?;
    ensure!(
        output.status.code() == Some(1)
            && output.stderr == b"watch: /nowhere: No such file or directory\n",
        "{output:?}"
    );
    Ok(())
}
