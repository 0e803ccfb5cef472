//! Tasks: the program task_scenes plays, by tasks and by threads, on one processor and more.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::{cases, harness};

cases![
    values_arrive_once_and_in_order,
    ends_go_while_others_wait,
    channels_say_what_is_wrong,
    select_moves_one_value,
    select_says_what_came_to_pass,
    locks_keep_others_out,
    no_notification_is_lost,
    deadlines_pass,
    each_task_has_its_own_values,
    futures_are_tasks,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How many seconds a scene may take.
const LIMIT: u32 = 60;

/// Plays the scene on so many processors; SIGALRM ends it if it hangs.
fn play(target: Target, scene: &str, rounds: usize, processors: usize) -> Result<()> {
    let mut command = target.command("task_scenes")?;
    command.args([scene, &rounds.to_string()]);
    command.env("FREESTAND_PROCS", processors.to_string());
    // SAFETY: alarm is async-signal-safe, and survives execve.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(LIMIT);
            Ok(())
        });
    }
    let output = command.output()?;
    let printed =
        expect_status(&output, 0).with_context(|| format!("{scene} on {processors} processors"))?;
    ensure!(printed.ends_with(b"ok\n"), "{output:?}");
    Ok(())
}

/// One, two and more than there are; fewer ways under qemu-user, where each takes its time.
fn processors(target: Target) -> &'static [usize] {
    if target.is_native() {
        &[1, 2, 7]
    } else {
        &[1, 3]
    }
}

/// Fewer under qemu-user.
fn rounds(target: Target, rounds: usize) -> usize {
    if target.is_native() {
        rounds
    } else {
        rounds.div_ceil(20)
    }
}

/// Plays the scene by tasks, and by threads.
fn plays(target: Target, scene: &str, all: usize) -> Result<()> {
    let all = rounds(target, all);
    for processors in processors(target) {
        play(target, scene, all, *processors)?;
    }
    // A switch of threads takes the kernel.
    play(target, &format!("threads_{scene}"), all.div_ceil(5), 1)
}

fn values_arrive_once_and_in_order(target: Target) -> Result<()> {
    plays(target, "values", 10_000)
}

fn ends_go_while_others_wait(target: Target) -> Result<()> {
    plays(target, "closing", 2000)
}

fn channels_say_what_is_wrong(target: Target) -> Result<()> {
    plays(target, "errors", 1)
}

fn select_moves_one_value(target: Target) -> Result<()> {
    plays(target, "selects", 2000)?;
    plays(target, "fair", 1)
}

fn select_says_what_came_to_pass(target: Target) -> Result<()> {
    plays(target, "select_cases", 1)
}

fn locks_keep_others_out(target: Target) -> Result<()> {
    plays(target, "counters", 4000)
}

fn no_notification_is_lost(target: Target) -> Result<()> {
    plays(target, "notify", 2000)?;
    plays(target, "groups", 4000)
}

fn deadlines_pass(target: Target) -> Result<()> {
    plays(target, "deadlines", 1)
}

fn each_task_has_its_own_values(target: Target) -> Result<()> {
    for processors in processors(target) {
        play(target, "locals", rounds(target, 1000), *processors)?;
    }
    Ok(())
}

/// Futures return, wake and wait for one another, sleep, wait for descriptors, block, and are
/// dropped before they end.
fn futures_are_tasks(target: Target) -> Result<()> {
    for &processors in processors(target) {
        play(target, "futures", rounds(target, 1000), processors)?;
    }
    Ok(())
}
