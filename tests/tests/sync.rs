//! Locks and channels among threads.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Capture, Event, Streams, Tracee};
use freestand_tests::{cases, harness};
use xtask::arch::Arch;

cases![
    locks_keep_others_out,
    no_notification_is_lost,
    values_are_made_once,
    values_arrive_once_and_in_order,
    deadlines_pass,
    waits_go_on_after_signals,
    waits_go_on_after_whatever_interrupts_them,
    who_waits_for_itself_traps,
    who_waits_for_nobody_makes_no_system_call,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How many seconds a scene may take.
const LIMIT: u32 = 60;

/// The command that plays a scene; SIGALRM ends it if it hangs. (A scene with signals
/// handles that: whoever runs the tests has a limit of its own.)
fn scene(target: Target, args: &[&str]) -> Result<Command> {
    let mut command = target.command("sync_scenes")?;
    command.args(args);
    // SAFETY: alarm is async-signal-safe, and survives execve.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(LIMIT);
            Ok(())
        });
    }
    Ok(command)
}

fn plays(target: Target, args: &[&str]) -> Result<()> {
    let output = scene(target, args)?.output()?;
    let printed = expect_status(&output, 0)?;
    ensure!(printed == b"ok\n", "{output:?}");
    Ok(())
}

fn locks_keep_others_out(target: Target) -> Result<()> {
    plays(target, &["counters"])
}

fn no_notification_is_lost(target: Target) -> Result<()> {
    plays(target, &["notify"])
}

fn values_are_made_once(target: Target) -> Result<()> {
    plays(target, &["once"])
}

fn values_arrive_once_and_in_order(target: Target) -> Result<()> {
    plays(target, &["channels"])
}

fn deadlines_pass(target: Target) -> Result<()> {
    plays(target, &["deadlines"])
}

fn waits_go_on_after_signals(target: Target) -> Result<()> {
    for scene in ["counters", "notify", "channels", "deadlines"] {
        plays(target, &[scene, "signals"])?;
    }
    Ok(())
}

/// What is particular to an architecture.
struct Numbers {
    /// futex and, where that is another, futex_time64.
    futex: [u64; 2],
    getppid: u64,
}

fn numbers(arch: Arch) -> Numbers {
    let (futex, getppid) = match arch {
        Arch::X86_64 => ([202; 2], 110),
        Arch::I386 => ([240, 422], 64),
        Arch::Aarch64 | Arch::Riscv64 => ([98; 2], 173),
    };
    Numbers { futex, getppid }
}

/// Each wait fails a few times, as the kernel may have it fail, before it happens.
fn waits_go_on_after_whatever_interrupts_them(target: Target) -> Result<()> {
    /// futex(2): what is done, without what says among whom.
    const OPERATION: u64 = 0x7f;
    const FUTEX_WAIT: u64 = 0;
    const FUTEX_WAIT_BITSET: u64 = 9;
    /// One is 0, as if somebody had woken the thread.
    const RESULTS: [i64; 4] = [-(libc::EINTR as i64), -(libc::EAGAIN as i64), 0, 0];

    let mut launch = target.launch("sync_scenes")?;
    launch.args = vec!["deadlines".into()];
    // A debug build under qemu's debugger takes its time.
    launch.deadline = Duration::from_secs(120);
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(&launch, capture.streams()?)?;
    let (mut failures, mut waits) = (0, 0);
    let end = loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if numbers(target.arch).futex.contains(&call.number) => {
                let operation = call.args[1] & OPERATION;
                if ![FUTEX_WAIT, FUTEX_WAIT_BITSET].contains(&operation) {
                    continue;
                }
                match RESULTS.get(failures % (RESULTS.len() + 1)) {
                    Some(&result) => tracee.skip_syscall(result)?,
                    None => waits += 1,
                }
                failures += 1;
            }
            Event::Syscall(_) => {}
            end => break end,
        }
    };
    let errors = capture.stderr()?;
    ensure!(
        end == Event::Exited(0) && capture.stdout()? == b"ok\n",
        "{end:?}: {}",
        String::from_utf8_lossy(&errors)
    );
    ensure!(waits >= 9, "only {waits} waits");
    Ok(())
}

/// A process of one thread, in which nobody will ever wake who waits.
fn who_waits_for_itself_traps(target: Target) -> Result<()> {
    for way in [
        "mutex",
        "rwlock",
        "condvar",
        "once_again",
        "semaphore",
        "channel",
    ] {
        let output = scene(target, &[way])?.output()?;
        let signal = output.status.signal();
        let traps = [libc::SIGILL, libc::SIGTRAP];
        ensure!(
            signal.is_some_and(|signal| traps.contains(&signal)),
            "{way}: {output:?}"
        );
    }
    Ok(())
}

fn who_waits_for_nobody_makes_no_system_call(target: Target) -> Result<()> {
    let mut launch = target.launch("sync_scenes")?;
    launch.args = vec!["free".into()];
    let mut tracee = Tracee::start(&launch, Streams::default())?;
    let getppid = numbers(target.arch).getppid;
    let (mut marks, mut between) = (0, Vec::new());
    let end = loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == getppid => marks += 1,
            Event::Syscall(call) if marks == 1 => between.push(call.number),
            Event::Syscall(_) => {}
            end => break end,
        }
    };
    ensure!(end == Event::Exited(0) && marks == 2, "{end:?}, {marks}");
    ensure!(between.is_empty(), "made the calls {between:?}");
    Ok(())
}
