//! Signals: what handlers see and change, what calls do that they interrupt, and what is
//! said of a stack that overflows.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::{cases, harness};

cases![
    handlers_run_with_their_mask_and_in_order,
    a_mask_lasts_as_long_as_its_guard,
    signals_are_waited_for,
    signals_are_read_from_a_descriptor,
    what_comes_with_a_signal_is_what_it_is_about,
    handlers_run_on_their_own_stack,
    a_handler_sees_and_changes_what_it_interrupts,
    a_handlers_return_restores_all_registers,
    calls_that_wait_end_or_begin_again,
    bytes_are_passed_on_whole_while_signals_come,
    a_stack_overflow_is_reported_where_asked,
    other_faults_kill_as_ever,
    the_initial_stack_ends_where_the_limit_says,
    the_report_is_asked_for_once_and_not_beside_another_handler,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How many seconds a program may take.
const LIMIT: u32 = 60;
/// How long the initial stack may become, in bytes. Under qemu-user it is never shorter.
const STACK: u64 = 8 << 20;

/// The command that runs a program in this scene; SIGALRM ends it if it hangs.
fn scene(target: Target, program: &str, scene: &str, stack: u64) -> Result<Command> {
    let mut command = target.command(program)?;
    command.arg(scene);
    // SAFETY: both calls are async-signal-safe. The alarm survives execve, and neither
    // qemu nor the programs handle it before it is due.
    unsafe {
        command.pre_exec(move || {
            libc::alarm(LIMIT);
            let limit = libc::rlimit {
                rlim_cur: stack,
                rlim_max: libc::RLIM_INFINITY,
            };
            let no_core = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            match libc::setrlimit(libc::RLIMIT_STACK, &limit) {
                0 => {
                    libc::setrlimit(libc::RLIMIT_CORE, &no_core);
                    Ok(())
                }
                _ => Err(io::Error::last_os_error()),
            }
        });
    }
    Ok(command)
}

fn plays(target: Target, name: &str) -> Result<()> {
    let output = scene(target, "signals", name, STACK)?.output()?;
    ensure!(expect_status(&output, 0)? == b"done\n", "{name}");
    Ok(())
}

fn handlers_run_with_their_mask_and_in_order(target: Target) -> Result<()> {
    plays(
        target,
        match target.is_native() {
            true => "handlers",
            false => "handlers_but_the_last",
        },
    )
}

fn a_mask_lasts_as_long_as_its_guard(target: Target) -> Result<()> {
    plays(target, "masks")
}

fn signals_are_waited_for(target: Target) -> Result<()> {
    plays(target, "waiting")
}

fn signals_are_read_from_a_descriptor(target: Target) -> Result<()> {
    plays(target, "descriptors")
}

fn what_comes_with_a_signal_is_what_it_is_about(target: Target) -> Result<()> {
    plays(target, "causes")
}

fn handlers_run_on_their_own_stack(target: Target) -> Result<()> {
    plays(target, "alternate_stacks")
}

fn a_handler_sees_and_changes_what_it_interrupts(target: Target) -> Result<()> {
    plays(target, "context")
}

fn a_handlers_return_restores_all_registers(target: Target) -> Result<()> {
    plays(target, "registers")
}

fn the_report_is_asked_for_once_and_not_beside_another_handler(target: Target) -> Result<()> {
    plays(target, "report_fails")
}

fn calls_that_wait_end_or_begin_again(target: Target) -> Result<()> {
    let folder = TempDir::new()?;
    let mut command = scene(target, "signal_storm", "calls", STACK)?;
    let output = command.current_dir(folder.path()).output()?;
    let names = String::from_utf8(expect_status(&output, 0)?.to_vec())?;
    ensure!(names.lines().count() == 34, "{names}");
    Ok(())
}

fn bytes_are_passed_on_whole_while_signals_come(target: Target) -> Result<()> {
    let output = scene(target, "signal_storm", "bytes", STACK)?.output()?;
    expect_status(&output, 0).map(drop)
}

/// Checks that the signal ended the program, and what it had said: on standard output, and
/// of its own on standard error.
fn expect_death(output: &Output, signal: i32, said: &str) -> Result<String> {
    let errors = String::from_utf8(output.stderr.clone())?;
    // qemu dies as its guest does.
    ensure!(
        output.status.signal() == Some(signal),
        "{}: {errors}",
        output.status
    );
    let printed = String::from_utf8(output.stdout.clone())?;
    ensure!(printed == said, "{printed:?}, not {said:?}");
    // qemu has a line of its own.
    let own = errors.lines().filter(|line| !line.starts_with("qemu: "));
    Ok(own.collect::<Vec<_>>().join("\n"))
}

fn a_stack_overflow_is_reported_where_asked(target: Target) -> Result<()> {
    for (name, thread) in [("overflow", "main"), ("overflow_in_thread", "deep")] {
        let output = scene(target, "signals", name, STACK)?.output()?;
        let report = expect_death(&output, libc::SIGABRT, "overflowing\n")?;
        let tid = report
            .strip_prefix(&format!("thread {thread} (tid "))
            .and_then(|rest| rest.strip_suffix(") has overflowed its stack"))
            .with_context(|| format!("{name}: {report:?}"))?;
        ensure!(tid.parse::<u32>()? > 0);
    }
    Ok(())
}

fn other_faults_kill_as_ever(target: Target) -> Result<()> {
    for (name, said) in [
        ("fault", ""),
        ("fault_in_thread", ""),
        ("sent", ""),
        ("other_stack", "overflowing\n"),
        ("unreported", "overflowing\n"),
    ] {
        let output = scene(target, "signals", name, STACK)?.output()?;
        let report = expect_death(&output, libc::SIGSEGV, said).context(name)?;
        ensure!(report.is_empty(), "{name}: {report:?}");
    }
    Ok(())
}

fn the_initial_stack_ends_where_the_limit_says(target: Target) -> Result<()> {
    // qemu-user 7.2 makes the stack no smaller than this.
    let smallest = if target.is_native() { 200_000 } else { STACK };
    for stack in [smallest, 3 * STACK] {
        let output = scene(target, "signals", "overflow", stack)?.output()?;
        let report = expect_death(&output, libc::SIGABRT, "overflowing\n")?;
        ensure!(report.contains("has overflowed"), "{stack}: {report:?}");
    }
    Ok(())
}
