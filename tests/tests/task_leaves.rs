//! What the scheduler is made of: switching stacks, and the stacks.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, Output};

use anyhow::{Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::faults::{Class, Sweep};
use freestand_tests::{cases, harness};

cases![
    a_switch_keeps_what_a_call_keeps,
    a_stack_begins_as_the_abi_says,
    stacks_are_as_large_as_asked,
    guards_stay_guards,
    an_overflow_is_a_fault_in_a_guard,
    a_cache_loses_nothing,
    a_hundred_thousand_stacks_are_a_page_each,
    threads_do_not_share_a_stack,
    without_memory_there_is_no_stack,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// Plays the scene with so many rounds.
fn play(target: Target, scene: &str, rounds: usize) -> Result<Output> {
    let mut command = target.command("task_leaves")?;
    command.arg(scene).env("ROUNDS", rounds.to_string());
    Ok(command.output()?)
}

/// Plays the scene, which goes well.
fn ok(target: Target, scene: &str, rounds: usize) -> Result<()> {
    let output = play(target, scene, rounds)?;
    let printed = String::from_utf8_lossy(expect_status(&output, 0)?);
    ensure!(printed.ends_with("ok\n"), "{printed}");
    Ok(())
}

/// `rounds` of them on this processor, a tenth under qemu-user.
fn rounds(target: Target, rounds: usize) -> usize {
    if target.is_native() {
        rounds
    } else {
        rounds / 10
    }
}

/// A million switches, of which each round has four.
fn a_switch_keeps_what_a_call_keeps(target: Target) -> Result<()> {
    ok(target, "switch", rounds(target, 250_000))
}

fn a_stack_begins_as_the_abi_says(target: Target) -> Result<()> {
    ok(target, "begin", 0)
}

fn stacks_are_as_large_as_asked(target: Target) -> Result<()> {
    ok(target, "sizes", 0)
}

/// More of them than keep their pages when they are free, on either size of address space.
fn guards_stay_guards(target: Target) -> Result<()> {
    ok(target, "guards", 3000)
}

fn an_overflow_is_a_fault_in_a_guard(target: Target) -> Result<()> {
    const SIGSEGV: i32 = 11;
    let output = play(target, "overflow", 0)?;
    ensure!(output.stdout == b"true\n", "{output:?}");
    ensure!(output.status.signal() == Some(SIGSEGV), "{output:?}");
    Ok(())
}

fn a_cache_loses_nothing(target: Target) -> Result<()> {
    ok(target, "cache", rounds(target, 5000).max(300))
}

/// qemu-user has guards by mprotect alone, and takes its time for each.
fn a_hundred_thousand_stacks_are_a_page_each(target: Target) -> Result<()> {
    let count = match (target.is_native(), target.is_release()) {
        (true, true) => 100_000,
        (true, false) => 10_000,
        (false, _) => 1000,
    };
    ok(target, "many", count)
}

fn threads_do_not_share_a_stack(target: Target) -> Result<()> {
    ok(target, "storm", rounds(target, 5000))
}

/// Whichever call fails: then a guard is made in another way, or there is no stack.
fn without_memory_there_is_no_stack(target: Target) -> Result<()> {
    if !target.is_native() {
        // What is traced there are qemu's own system calls.
        return Ok(());
    }
    const ENOMEM: i64 = 12;
    const EINVAL: i64 = 22;
    let mut launch = target.launch("task_leaves")?;
    launch.args = vec!["faults".into()];
    let mut lacked = false;
    for persistent in [false, true] {
        let sweep = Sweep {
            launch: &launch,
            stdin: b"",
            results: &[-ENOMEM, -EINVAL],
            persistent,
        };
        for finding in sweep.run()? {
            // 127 is of the start-up, without a thread pointer.
            ensure!(
                matches!(finding.class, Class::Ok | Class::Reported(1 | 127)),
                "{finding:?}"
            );
            lacked |= finding.class == Class::Reported(1);
        }
    }
    ensure!(lacked, "there always was memory");
    Ok(())
}
