//! Threads.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, Output};

use anyhow::{Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Capture, Event, Streams, Tracee};
use freestand_tests::{cases, harness};
use xtask::arch::Arch;

cases![
    results_are_what_closures_return,
    threads_have_names_and_ids,
    parked_threads_wait_for_their_token,
    scoped_threads_borrow,
    each_thread_has_its_own_values,
    the_values_of_the_thread_that_exits_are_dropped,
    a_stack_that_is_used_again_shows_nothing,
    the_guard_stops_what_needs_too_much_stack,
    the_process_ends_with_mains_status,
    a_panic_in_a_thread_ends_the_process,
    a_thousand_threads_live_at_once,
    joined_threads_leave_nothing,
    detached_threads_leave_nothing,
    scopes_leave_nothing,
    threads_that_are_known_leave_nothing,
    what_the_kernel_refuses_is_an_error,
    one_thread_costs_little,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// Plays the scene with so many rounds.
fn play(target: Target, scene: &str, rounds: usize) -> Result<Output> {
    let mut command = target.command("threads")?;
    command.arg(scene).env("ROUNDS", rounds.to_string());
    Ok(command.output()?)
}

/// Plays the scene, which goes well.
fn ok(target: Target, scene: &str, rounds: usize) -> Result<()> {
    let output = play(target, scene, rounds)?;
    let printed = String::from_utf8_lossy(expect_status(&output, 0)?);
    ensure!(printed == "ok\n", "{printed}");
    Ok(())
}

/// `rounds` of them on this processor, a twentieth under qemu-user, where a thread takes
/// about twenty times as long.
fn rounds(target: Target, rounds: usize) -> usize {
    if target.is_native() {
        rounds
    } else {
        rounds / 20
    }
}

fn results_are_what_closures_return(target: Target) -> Result<()> {
    ok(target, "results", 0)
}

fn threads_have_names_and_ids(target: Target) -> Result<()> {
    ok(target, "names", 0)
}

fn parked_threads_wait_for_their_token(target: Target) -> Result<()> {
    ok(target, "parking", rounds(target, 10_000))
}

fn scoped_threads_borrow(target: Target) -> Result<()> {
    ok(target, "scopes", 0)
}

fn each_thread_has_its_own_values(target: Target) -> Result<()> {
    ok(target, "locals", 0)
}

fn the_values_of_the_thread_that_exits_are_dropped(target: Target) -> Result<()> {
    let output = play(target, "exit locals", 0)?;
    let printed = String::from_utf8_lossy(expect_status(&output, 3)?);
    let expected = "another's\nreturns\nmain's\nhandler\n";
    ensure!(printed == expected, "{printed}");
    Ok(())
}

fn a_stack_that_is_used_again_shows_nothing(target: Target) -> Result<()> {
    ok(target, "spares", rounds(target, 1000))
}

fn the_guard_stops_what_needs_too_much_stack(target: Target) -> Result<()> {
    let output = play(target, "overflow", 0)?;
    ensure!(
        output.status.signal() == Some(libc::SIGSEGV) && output.stdout.is_empty(),
        "{output:?}"
    );
    Ok(())
}

fn the_process_ends_with_mains_status(target: Target) -> Result<()> {
    let output = play(target, "main returns", 0)?;
    expect_status(&output, 7)?;
    Ok(())
}

fn a_panic_in_a_thread_ends_the_process(target: Target) -> Result<()> {
    let output = play(target, "panic", 1)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.signal() == Some(libc::SIGABRT) && output.stdout.is_empty(),
        "{output:?}"
    );
    ensure!(
        said.starts_with("thread 'unlucky' (")
            && said.contains(") panicked at tests/programs/src/bin/threads.rs:")
            && said.contains(":\nall is lost\n"),
        "{said}"
    );
    Ok(())
}

fn a_thousand_threads_live_at_once(target: Target) -> Result<()> {
    ok(target, "many", 1000)
}

fn joined_threads_leave_nothing(target: Target) -> Result<()> {
    ok(target, "joined", rounds(target, 10_000))
}

fn detached_threads_leave_nothing(target: Target) -> Result<()> {
    ok(target, "detached", rounds(target, 10_000))
}

fn scopes_leave_nothing(target: Target) -> Result<()> {
    ok(target, "scoped", rounds(target, 10_000))
}

fn threads_that_are_known_leave_nothing(target: Target) -> Result<()> {
    ok(target, "kept", rounds(target, 10_000))
}

/// The numbers of mmap (mmap2 on i386), mprotect, clone and futex.
fn numbers(arch: Arch) -> [u64; 4] {
    match arch {
        Arch::X86_64 => [9, 10, 56, 202],
        Arch::I386 => [192, 125, 120, 240],
        Arch::Aarch64 | Arch::Riscv64 => [222, 226, 220, 98],
    }
}

fn what_the_kernel_refuses_is_an_error(target: Target) -> Result<()> {
    let [mmap, mprotect, clone, futex] = numbers(target.arch);
    // The errno's name, and how many values the closure has left behind.
    for (call, errno, expected) in [
        (mmap, libc::ENOMEM, "ENOMEM 1\n"),
        (mprotect, libc::ENOMEM, "ENOMEM 1\n"),
        (clone, libc::EAGAIN, "EAGAIN 1\n"),
        // A wait that is interrupted goes on.
        (futex, libc::EINTR, "made 0\n"),
    ] {
        // qemu's debugger holds all threads where one makes a call.
        if call == futex && !target.is_native() {
            continue;
        }
        let mut launch = target.launch("threads")?;
        let scene = if call == futex { "waits" } else { "refused" };
        launch.args = vec![scene.into()];
        let capture = Capture::new(b"")?;
        let mut tracee = Tracee::start(&launch, capture.streams()?)?;
        let mut refused = false;
        let end = loop {
            match tracee.next_syscall()? {
                Event::Syscall(made) if made.number == call && !refused => {
                    tracee.skip_syscall(-i64::from(errno))?;
                    refused = true;
                }
                Event::Syscall(_) => {}
                end => break end,
            }
        };
        let printed = String::from_utf8(capture.stdout()?)?;
        ensure!(
            refused && end == Event::Exited(0) && printed.starts_with(expected),
            "{call}: {end:?}, {printed}"
        );
    }
    Ok(())
}

/// A program that makes a thread and joins it: how large it is, and which system calls its
/// initial thread makes. The other makes one, exit.
fn one_thread_costs_little(target: Target) -> Result<()> {
    if target.is_release() {
        let size = std::fs::metadata(target.program("thread_once")?)?.len();
        let most = match target.arch {
            Arch::X86_64 | Arch::Riscv64 => 3000,
            Arch::I386 | Arch::Aarch64 => 3500,
        };
        ensure!(size <= most, "{size} bytes");
    }
    if !target.is_native() {
        return expect_status(&target.command("thread_once")?.output()?, 0).map(drop);
    }
    let mut tracee = Tracee::start(&target.launch("thread_once")?, Streams::default())?;
    let mut calls = Vec::new();
    let end = loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) => calls.push(call.number),
            end => break end,
        }
    };
    ensure!(end == Event::Exited(0) && calls.len() < 10, "{calls:?}");
    let [mmap, mprotect, clone, _] = numbers(target.arch);
    for call in [mmap, mprotect, clone] {
        ensure!(
            calls.iter().filter(|&&made| made == call).count() == 1,
            "{calls:?}"
        );
    }
    Ok(())
}
