//! System calls that fail, are interrupted, or move less than was asked for.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use freestand_tests::target::Target;
use freestand_tests::temp::TempDir;
use freestand_tests::trace::faults::{Class, Finding, Sweep};
use freestand_tests::trace::shortio::short_io;
use freestand_tests::trace::{Capture, Event, Launch, Tracee};
use freestand_tests::{cases, harness};
use xtask::arch::Arch;
use xtask::path::find_in_path;

use crate::support::{binary, ensure_same, pattern};

cases![
    interruptions_are_not_noticed,
    interruptions_by_strace_are_not_noticed,
    short_transfers_lose_nothing,
    each_failing_call_of_greet_is_reported,
    each_failing_call_of_cat_is_reported,
    an_unknown_error_is_no_success,
];

/// The numbers of system calls.
pub struct Numbers {
    pub read: u64,
    pub write: u64,
    pub exit_group: u64,
}

pub fn numbers(arch: Arch) -> Numbers {
    let (read, write, exit_group) = match arch {
        Arch::X86_64 => (0, 1, 231),
        Arch::I386 => (3, 4, 252),
        Arch::Aarch64 | Arch::Riscv64 => (63, 64, 94),
    };
    Numbers {
        read,
        write,
        exit_group,
    }
}

/// A program, what it reads, and what it then prints.
struct Scene {
    launch: Launch,
    stdin: Vec<u8>,
    stdout: Vec<u8>,
    _directory: TempDir,
}

fn greet(target: Target) -> Result<Scene> {
    Ok(Scene {
        launch: target.launch("greet")?,
        stdin: Vec::new(),
        stdout: b"Hello, world!\n".to_vec(),
        _directory: TempDir::new()?,
    })
}

/// `cat ONE - TWO`, each of which is `len` bytes.
fn cat(target: Target, len: usize) -> Result<Scene> {
    let directory = TempDir::new()?;
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    fs::write(&one, pattern(len))?;
    fs::write(&two, binary(len))?;
    let stdin = vec![b'-'; len];
    let mut launch = target.launch("cat")?;
    launch.args = vec![one.into(), OsString::from("-"), two.into()];
    Ok(Scene {
        launch,
        stdout: [pattern(len), stdin.clone(), binary(len)].concat(),
        stdin,
        _directory: directory,
    })
}

/// Each call is interrupted several times in a row before it happens.
fn interruptions_are_not_noticed(target: Target) -> Result<()> {
    const TIMES: usize = 3;
    let exit_group = numbers(target.arch).exit_group;
    for scene in [greet(target)?, cat(target, 1000)?] {
        let program = scene.launch.program.display();
        let capture = Capture::new(&scene.stdin)?;
        let mut tracee = Tracee::start(&scene.launch, capture.streams()?)?;
        let (mut in_a_row, mut interruptions) = (0, 0);
        let end = loop {
            match tracee.next_syscall()? {
                Event::Syscall(call) if call.number != exit_group && in_a_row < TIMES => {
                    tracee.skip_syscall(-i64::from(libc::EINTR))?;
                    in_a_row += 1;
                    interruptions += 1;
                }
                Event::Syscall(_) => in_a_row = 0,
                end => break end,
            }
        };
        ensure!(end == Event::Exited(0), "{program}: {end:?}");
        ensure!(
            interruptions >= TIMES,
            "{program} was interrupted only {interruptions} times"
        );
        ensure_same(&program.to_string(), &capture.stdout()?, &scene.stdout)?;
    }
    Ok(())
}

/// The same by strace. Under qemu it sees the host's calls, of which only the
/// writes are the program's alone.
fn interruptions_by_strace_are_not_noticed(target: Target) -> Result<()> {
    let Some(strace) = find_in_path("strace") else {
        ensure!(!harness::everything_is_required(), "strace is missing");
        eprintln!("strace is missing: not run");
        return Ok(());
    };
    let calls: &[&str] = match target.is_native() {
        true => &["read", "write", "openat"],
        false => &["write"],
    };
    for scene in [greet(target)?, cat(target, 1000)?] {
        let program = target.command_for(&scene.launch.program)?;
        for call in calls {
            let capture = Capture::new(&scene.stdin)?;
            let streams = capture.streams()?;
            let status = Command::new(&strace)
                .args(["-f", "-o", "/dev/null", "-e"])
                .arg(format!("inject={call}:error=EINTR:when=1..5"))
                .arg(program.get_program())
                .args(program.get_args())
                .args(&scene.launch.args)
                .stdin(streams.stdin)
                .stdout(streams.stdout)
                .stderr(streams.stderr)
                .status()?;
            let what = format!("{} and {call}", scene.launch.program.display());
            ensure!(status.success(), "{what}: {status}");
            ensure_same(&what, &capture.stdout()?, &scene.stdout)?;
        }
    }
    Ok(())
}

fn short_transfers_lose_nothing(target: Target) -> Result<()> {
    // A stop at each byte takes its time, so the least goes with the fewest.
    for (most, len) in [(1, 100), (7, 1000), (4096, 100 << 10)] {
        for scene in [greet(target)?, cat(target, len)?] {
            let what = format!("{} by {most} bytes", scene.launch.program.display());
            let (stdout, shortened) = run_short(&scene.launch, &scene.stdin, most)?;
            ensure_same(&what, &stdout, &scene.stdout)?;
            // greet's one write is 14 bytes long.
            ensure!(shortened > 0 || most > 14, "{what}: nothing was shortened");
        }

        let mut launch = target.launch("args")?;
        launch.args = vec!["argument".into(); 5];
        let (whole, _) = run_short(&launch, b"", u64::MAX)?;
        let (short, shortened) = run_short(&launch, b"", most)?;
        ensure_same(
            "args",
            &without_addresses(&short),
            &without_addresses(&whole),
        )?;
        ensure!(shortened > 0 || most > 100, "args: nothing was shortened");
    }
    Ok(())
}

/// Runs a program whose transfers move at most `most` bytes each. Returns what it
/// printed and how many transfers would have been longer.
fn run_short(launch: &Launch, stdin: &[u8], most: u64) -> Result<(Vec<u8>, usize)> {
    let capture = Capture::new(stdin)?;
    let mut tracee = Tracee::start(launch, capture.streams()?)?;
    let outcome = short_io(&mut tracee, most)?;
    ensure!(
        outcome.end == Event::Exited(0),
        "{} by {most} bytes: {:?}",
        launch.program.display(),
        outcome.end
    );
    Ok((capture.stdout()?, outcome.shortened))
}

/// What `args` prints, with the names alone of the auxiliary vector's entries:
/// some of the values are addresses, which differ from run to run.
fn without_addresses(output: &[u8]) -> Vec<u8> {
    let lines = output.split(|&byte| byte == b'\n');
    let lines: Vec<_> = lines
        .map(|line| match line.iter().position(|&byte| byte == b'=') {
            Some(at) if line.starts_with(b"auxv") => &line[..at],
            _ => line,
        })
        .collect();
    lines.join(&b'\n')
}

fn each_failing_call_of_greet_is_reported(target: Target) -> Result<()> {
    sweep(target, &greet(target)?)
}

fn each_failing_call_of_cat_is_reported(target: Target) -> Result<()> {
    sweep(target, &cat(target, 100)?)
}

/// Fails each system call of the program: once, and from then on.
fn sweep(target: Target, scene: &Scene) -> Result<()> {
    const ERRORS: [i32; 6] = [
        libc::EIO,
        libc::ENOMEM,
        libc::EBADF,
        libc::EAGAIN,
        libc::ENOSPC,
        libc::ENOSYS,
    ];
    let always = ERRORS.map(|errno| -i64::from(errno));
    // Whoever tries again after EINTR does so forever if it is forever.
    let once = [&always[..], &[0, -i64::from(libc::EINTR)]].concat();
    let always = [&always[..], &[0]].concat();
    for (results, persistent) in [(once, false), (always, true)] {
        let sweep = Sweep {
            launch: &scene.launch,
            stdin: &scene.stdin,
            results: &results,
            persistent,
        };
        let numbers = numbers(target.arch);
        let wrong: Vec<_> = sweep
            .run()?
            .into_iter()
            .filter(|finding| !is_honest(finding, persistent, &numbers))
            .collect();
        ensure!(wrong.is_empty(), "persistent: {persistent}, {wrong:#?}");
    }
    Ok(())
}

/// Whether the program did what it should when one of its calls failed: it prints
/// all that it has to, or fails and says so.
fn is_honest(finding: &Finding, persistent: bool, numbers: &Numbers) -> bool {
    match finding.class {
        Class::Ok => true,
        // An interruption is nothing to fail for. And whoever can never write again
        // cannot say so either: standard error is written by the same call.
        Class::Reported(_) => {
            finding.result != -i64::from(libc::EINTR)
                && (!finding.stderr.is_empty() || persistent && finding.number == numbers.write)
        }
        // 0 is no failure but another answer: of read the end of the file, of
        // openat the number of standard input. What follows then is other output,
        // and rightly so. Only a write that takes nothing loses something.
        Class::SilentLoss => finding.result == 0 && finding.number != numbers.write,
        Class::Aborted | Class::Killed(_) | Class::Hung => false,
    }
}

/// Linux's own errors end at 133, but a file system in user space may answer with
/// any number below 512; of an exit status only 8 bits count.
fn an_unknown_error_is_no_success(target: Target) -> Result<()> {
    for scene in [greet(target)?, cat(target, 10)?] {
        let sweep = Sweep {
            launch: &scene.launch,
            stdin: &scene.stdin,
            results: &[-256],
            persistent: false,
        };
        let findings = sweep.run()?;
        let lost = findings
            .iter()
            .find(|finding| finding.class == Class::SilentLoss);
        ensure!(
            lost.is_none(),
            "{} has lost text and claims success: {lost:?}",
            scene.launch.program.display()
        );
    }
    Ok(())
}
