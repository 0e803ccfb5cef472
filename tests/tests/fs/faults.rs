//! System calls that fail, are interrupted, or move less than was asked for.

use std::collections::BTreeSet;
use std::fs::File;
use std::time::Duration;

use anyhow::{Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::Target;
use freestand_tests::temp::TempDir;
use freestand_tests::trace::{Capture, Event, Syscall, Tracee};
use xtask::arch::Arch;

use crate::support::{Numbers, expect_error, finish};

cases![
    short_transfers_lose_nothing,
    interruptions_are_not_noticed,
    each_failing_call_is_reported,
    each_descriptor_is_closed_once,
    memory_that_there_is_not_is_an_error,
];

/// What a system call of the scene does in place of what it should.
enum Fault {
    /// It fails with this error.
    Fails(i32),
    /// Its argument with this number is at most this.
    Cut(usize, u64),
}

/// How the program `fs_scene` fared.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    calls: Vec<u64>,
    end: Event,
    stdout: String,
    stderr: String,
    /// Whether it has left anything.
    is_clean: bool,
}

/// Runs the scene in a directory of its own, with the faults that `fault` says for a
/// call and its ordinal.
fn scene(target: Target, mut fault: impl FnMut(usize, &Syscall) -> Option<Fault>) -> Result<Run> {
    let directory = TempDir::new()?;
    let mut launch = target.launch("fs_scene")?;
    launch.args = vec![directory.path().into()];
    launch.deadline = Duration::from_secs(60);
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(&launch, capture.streams()?)?;
    let mut calls = Vec::new();
    let end = loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) => {
                let fault = fault(calls.len(), &call);
                calls.push(call.number);
                match fault {
                    Some(Fault::Fails(errno)) => tracee.skip_syscall(-i64::from(errno))?,
                    Some(Fault::Cut(argument, most)) if call.args[argument] > most => {
                        tracee.set_argument(argument, most)?;
                    }
                    Some(Fault::Cut(..)) | None => {}
                }
            }
            end => break end,
        }
    };
    let is_clean = directory.path().read_dir()?.next().is_none();
    Ok(Run {
        calls,
        end,
        stdout: String::from_utf8(capture.stdout()?)?,
        stderr: String::from_utf8(capture.stderr()?)?,
        is_clean,
    })
}

/// The scene as it is.
fn clean(target: Target) -> Result<Run> {
    let run = scene(target, |_, _| None)?;
    ensure!(run.end == Event::Exited(0) && run.is_clean, "{run:?}");
    ensure!(run.stdout.ends_with("false\n"), "{run:?}");
    Ok(run)
}

fn short_transfers_lose_nothing(target: Target) -> Result<()> {
    let numbers = Numbers::of(target.arch);
    let expected = clean(target)?;
    for most in [1, 7] {
        let run = scene(target, |_, call| {
            let transfers = [
                (numbers.read, 2),
                (numbers.write, 2),
                (numbers.pread64, 2),
                (numbers.pwrite64, 2),
                (numbers.copy_file_range, 4),
            ];
            let transfer = transfers
                .into_iter()
                .find(|(number, _)| *number == call.number);
            transfer.map(|(_, argument)| Fault::Cut(argument, most))
        })?;
        ensure!(
            run.end == Event::Exited(0) && run.is_clean,
            "by {most}: {run:?}"
        );
        ensure!(run.stdout == expected.stdout, "by {most}: {run:?}");
        ensure!(
            run.calls.len() > expected.calls.len() + 10,
            "by {most}: {run:?}"
        );
    }
    Ok(())
}

/// Calls that are made again after `EINTR`, each several times in a row.
fn interruptions_are_not_noticed(target: Target) -> Result<()> {
    let Numbers {
        read,
        write,
        openat,
        pread64,
        pwrite64,
        fsync,
        fdatasync,
        ftruncate,
        fchmod,
        fchmodat,
        copy_file_range,
        close,
        ..
    } = Numbers::of(target.arch);
    let again = [
        read,
        write,
        openat,
        pread64,
        pwrite64,
        fsync,
        fdatasync,
        ftruncate,
        fchmod,
        fchmodat,
        copy_file_range,
    ];
    let expected = clean(target)?;
    for number in again {
        ensure!(
            expected.calls.contains(&number),
            "there is no call {number}"
        );
    }
    let mut in_a_row = 0;
    let run = scene(target, |_, call| {
        in_a_row = match again.contains(&call.number) && in_a_row < 3 {
            true => in_a_row + 1,
            false => 0,
        };
        (in_a_row > 0).then_some(Fault::Fails(libc::EINTR))
    })?;
    ensure!(run.end == Event::Exited(0) && run.is_clean, "{run:?}");
    ensure!(run.stdout == expected.stdout, "{run:?}");

    // And close, which is not: the file is closed. File::close says so; whoever has
    // not asked does not hear of it.
    let explicit = 2;
    let closes = expected.calls.iter().filter(|&&call| call == close).count();
    let mut reported = 0;
    for index in 0..closes {
        let mut seen = 0;
        let run = scene(target, |_, call| {
            seen += usize::from(call.number == close);
            (call.number == close && seen == index + 1).then_some(Fault::Fails(libc::EINTR))
        })?;
        match run.end {
            Event::Exited(0) => ensure!(run.stdout == expected.stdout, "{run:?}"),
            _ => reported += 1,
        }
    }
    ensure!(reported == explicit, "{reported} of {closes} are reported");
    Ok(())
}

/// A call that fails makes the program fail, or do without it.
fn each_failing_call_is_reported(target: Target) -> Result<()> {
    let Numbers {
        close, exit_group, ..
    } = Numbers::of(target.arch);
    let expected = clean(target)?;
    for (ordinal, &number) in expected.calls.iter().enumerate() {
        if number == exit_group {
            continue;
        }
        let run = scene(target, |index, _| {
            (index == ordinal).then_some(Fault::Fails(libc::EIO))
        })?;
        let what = format!("call {ordinal} ({number}): {run:?}");
        ensure!(
            run.calls[..=ordinal] == expected.calls[..=ordinal],
            "{what}"
        );
        match run.end {
            Event::Exited(0) => {
                ensure!(run.stdout == expected.stdout, "{what}");
                // That of a descriptor which cannot have anything to write is ignored.
                ensure!(run.is_clean || number == close, "{what}");
            }
            Event::Exited(1) => ensure!(!run.stderr.is_empty(), "{what}"),
            _ => ensure!(false, "{what}"),
        }
    }
    Ok(())
}

/// And has `O_CLOEXEC` from the beginning.
fn each_descriptor_is_closed_once(target: Target) -> Result<()> {
    let Numbers {
        openat,
        fcntl,
        close,
        ..
    } = Numbers::of(target.arch);
    let directory = TempDir::new()?;
    let mut launch = target.launch("fs_scene")?;
    launch.args = vec![directory.path().into()];
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(&launch, capture.streams()?)?;
    let mut open = BTreeSet::new();
    let mut opened = 0;
    loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == openat => {
                ensure!(call.args[2] & libc::O_CLOEXEC as u64 != 0, "{call:x?}");
                let fd = finish(&mut tracee)?;
                ensure!(open.insert(fd), "{fd} is open already");
                opened += 1;
            }
            Event::Syscall(call) if call.number == fcntl => {
                ensure!(call.args[1] == libc::F_DUPFD_CLOEXEC as u64, "{call:x?}");
                let fd = finish(&mut tracee)?;
                ensure!(open.insert(fd), "{fd} is open already");
            }
            Event::Syscall(call) if call.number == close => {
                let fd = i64::from(call.args[0] as i32);
                ensure!(open.remove(&fd), "{fd} is not open");
                let result = finish(&mut tracee)?;
                ensure!(result == 0, "closing {fd} is {result}");
            }
            Event::Syscall(_) => {}
            end => {
                ensure!(end == Event::Exited(0), "{end:?}");
                break;
            }
        }
    }
    ensure!(open.is_empty(), "{open:?} are still open");
    ensure!(opened > 10, "only {opened} were opened");
    Ok(())
}

/// Memory for the whole file is asked for at once, and is refused.
fn memory_that_there_is_not_is_an_error(target: Target) -> Result<()> {
    const LARGE: u64 = 64 << 20;
    let Numbers { brk, mmap, .. } = Numbers::of(target.arch);
    let directory = TempDir::new()?;
    let path = directory.path().join("large");
    File::create(&path)?.set_len(LARGE)?;
    for verb in ["read", "read_to_string"] {
        let mut launch = target.launch("fs_steps")?;
        launch.args = vec![format!("{verb},{}", path.display()).into()];
        let capture = Capture::new(b"")?;
        let mut tracee = Tracee::start(&launch, capture.streams()?)?;
        let mut refused = 0;
        let end = loop {
            match tracee.next_syscall()? {
                // The kernel does not take 0 for a break, and says where it is.
                Event::Syscall(call) if call.number == brk => tracee.set_argument(0, 0)?,
                Event::Syscall(call) if call.number == mmap && call.args[1] >= LARGE => {
                    tracee.skip_syscall(-i64::from(libc::ENOMEM))?;
                    refused += 1;
                }
                Event::Syscall(_) => {}
                end => break end,
            }
        };
        let said = String::from_utf8(capture.stdout()?)?;
        ensure!(end == Event::Exited(0) && refused > 0, "{end:?}: {said}");
        ensure!(said == format!("error {}\n", libc::ENOMEM), "{said}");
    }
    // More than 32 bits count: there is nobody to be asked for that.
    if target.arch == Arch::I386 {
        File::create(&path)?.set_len(5 << 30)?;
        expect_error(target, &format!("read,{}", path.display()), libc::ENOMEM)?;
    }
    Ok(())
}
