//! Tasks that wait for sockets, pipes, counters and timers.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::{cases, harness};

cases![
    connections_talk_at_once,
    idle_connections_cost_no_thread,
    connections_end_while_somebody_waits,
    numbers_are_given_out_again,
    timeouts_hold,
    several_accept_from_one_listener,
    pipes_hold_writers_back,
    counters_and_timers_wake,
    messages_stay_apart,
    descriptors_come_with_bytes,
    urgent_bytes_hide_nothing,
    threads_wait_where_there_is_no_poller,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How many seconds a scene may take.
const LIMIT: u32 = 60;

fn plays(target: Target, args: &[&str]) -> Result<()> {
    plays_on(None, target, args)
}

/// Plays the scene on so many processors; SIGALRM ends it if it hangs.
fn plays_on(processors: Option<u32>, target: Target, args: &[&str]) -> Result<()> {
    let mut command = target.command("task_net")?;
    command.args(args);
    command.envs(processors.map(|count| ("FREESTAND_PROCS", count.to_string())));
    // SAFETY: alarm is async-signal-safe, and survives execve.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(LIMIT);
            Ok(())
        });
    }
    let output = command.output()?;
    let printed = expect_status(&output, 0)?;
    ensure!(printed == b"ok\n", "{output:?}");
    Ok(())
}

fn connections_talk_at_once(target: Target) -> Result<()> {
    plays(
        target,
        &["echo", if target.is_native() { "32" } else { "8" }],
    )
}

fn idle_connections_cost_no_thread(target: Target) -> Result<()> {
    plays(
        target,
        &["idle", if target.is_native() { "10000" } else { "500" }],
    )
}

fn connections_end_while_somebody_waits(target: Target) -> Result<()> {
    plays(target, &["ends"])
}

fn numbers_are_given_out_again(target: Target) -> Result<()> {
    plays(target, &["numbers", "100"])
}

fn timeouts_hold(target: Target) -> Result<()> {
    plays(target, &["timeouts"])
}

fn several_accept_from_one_listener(target: Target) -> Result<()> {
    plays(target, &["listener", "400"])
}

fn pipes_hold_writers_back(target: Target) -> Result<()> {
    plays(target, &["pipes"])
}

fn counters_and_timers_wake(target: Target) -> Result<()> {
    plays(target, &["counters"])
}

fn messages_stay_apart(target: Target) -> Result<()> {
    plays(target, &["datagrams"])
}

fn descriptors_come_with_bytes(target: Target) -> Result<()> {
    plays(target, &["descriptors"])?;
    // So that all has been sent when the receiver goes on.
    plays_on(Some(1), target, &["descriptors"])
}

fn urgent_bytes_hide_nothing(target: Target) -> Result<()> {
    plays(target, &["urgent"])
}

fn threads_wait_where_there_is_no_poller(target: Target) -> Result<()> {
    plays(target, &["exhausted"])
}
