//! The scheduler: the program sched_scenes plays, on one processor, two and 64, and what it says
//! when it must end.

use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::{cases, harness};

cases![
    calls_give_their_processor_up,
    no_more_run_than_there_are_processors,
    many_may_wait_in_the_kernel,
    the_world_stops,
    processors_come_and_go,
    everybody_has_a_turn,
    tasks_that_compute_are_turned_out,
    signals_come_in_between,
    locked_tasks_stay,
    a_deadlock_is_reported,
    who_waits_for_something_is_in_no_deadlock,
    sigquit_shows_all_tasks,
    what_ends_a_task_names_it,
    children_have_no_scheduler,
    limits_are_kept,
    tasks_leave_nothing,
    a_storm_passes,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How long a scene may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Has the scene played on so many processors, and says how it ended.
fn play(target: Target, processors: &str, scene: &[&str]) -> Result<Output> {
    let mut command = target.command("sched_scenes")?;
    command.args(scene).env("FREESTAND_PROCS", processors);
    output(command).with_context(|| format!("{scene:?} on {processors} processors"))
}

/// Some scenes use the one timer that a process could set for itself.
fn output(mut command: Command) -> Result<Output> {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    let process = libc::pid_t::try_from(child.id())?;
    let (over, is_over) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if is_over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // SAFETY: it sends a signal to the child, for which nobody has waited yet.
            unsafe { libc::kill(process, libc::SIGKILL) };
        }
    });
    let output = child.wait_with_output();
    drop(over);
    watch.join().expect("it does not panic");
    Ok(output?)
}

/// The scene goes well on each number of processors.
fn plays(target: Target, processors: &[usize], scene: &[&str]) -> Result<()> {
    for count in processors {
        let output = play(target, &count.to_string(), scene)?;
        let printed = expect_status(&output, 0)
            .with_context(|| format!("{scene:?} on {count} processors"))?;
        ensure!(printed.ends_with(b"ok\n"), "{output:?}");
    }
    Ok(())
}

/// The scene ends so, and says all that.
fn says(
    target: Target,
    processors: &str,
    scene: &[&str],
    status: Status,
    says: &[&str],
) -> Result<()> {
    let output = play(target, processors, scene)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let is_so = match status {
        Status::Exited(status) => output.status.code() == Some(status),
        Status::Killed => output.status.code().is_none_or(|code| code > 128),
    };
    ensure!(is_so, "{scene:?} on {processors}: {output:?}");
    for text in says {
        ensure!(
            said.contains(text),
            "{scene:?} on {processors}, without {text:?}: {said}"
        );
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Status {
    Exited(i32),
    Killed,
}
use Status::{Exited, Killed};

/// Fewer under qemu-user.
fn rounds(target: Target, rounds: usize) -> String {
    let rounds = if target.is_native() {
        rounds
    } else {
        rounds.div_ceil(10)
    };
    rounds.to_string()
}

fn calls_give_their_processor_up(target: Target) -> Result<()> {
    plays(target, &[1], &["blocking_read", "2"])?;
    plays(target, &[1], &["raw_read"])?;
    plays(target, &[2], &["found_idle"])?;
    plays(target, &[1], &["after_quiet"])?;
    plays(target, &[1, 2], &["blocking_section"])
}

fn no_more_run_than_there_are_processors(target: Target) -> Result<()> {
    plays(target, &[1, 2], &["gauge", &rounds(target, 200)])
}

fn many_may_wait_in_the_kernel(target: Target) -> Result<()> {
    // The spare ones end after five seconds.
    if target.is_native() && target.is_release() {
        return plays(target, &[2], &["readers_leave", "1000"]);
    }
    plays(target, &[2], &["readers", &rounds(target, 1000)])
}

fn the_world_stops(target: Target) -> Result<()> {
    plays(target, &[1, 2], &["stops", &rounds(target, 20)])?;
    plays(target, &[64], &["stops", "2"])?;
    plays(target, &[1, 2], &["stop_reader"])?;
    plays(target, &[2, 7], &["stop_in_vain", &rounds(target, 300)])
}

fn processors_come_and_go(target: Target) -> Result<()> {
    plays(target, &[2], &["processors", &rounds(target, 60)])?;
    plays(target, &[2], &["timers_stay"])
}

fn everybody_has_a_turn(target: Target) -> Result<()> {
    plays(target, &[1], &["global_queue", &rounds(target, 50)])?;
    plays(target, &[1], &["next_slot"])
}

fn tasks_that_compute_are_turned_out(target: Target) -> Result<()> {
    plays(target, &[1, 2], &["compute", &rounds(target, 40)])
}

fn signals_come_in_between(target: Target) -> Result<()> {
    plays(target, &[1, 2], &["handlers"])?;
    plays(target, &[1, 2], &["handler_calls", &rounds(target, 30)])
}

fn locked_tasks_stay(target: Target) -> Result<()> {
    plays(target, &[1, 2], &["locked", &rounds(target, 1000)])?;
    plays(target, &[1, 2], &["locked_end"])?;
    plays(target, &[1], &["locked_is_not_copied"])?;
    plays(target, &[1, 2], &["scope_moves"])?;
    plays(target, &[1, 2], &["sections", &rounds(target, 50)])
}

fn a_deadlock_is_reported(target: Target) -> Result<()> {
    for processors in ["1", "64"] {
        let lines = [
            "freestand: deadlock: all tasks wait for one another\n",
            "'main' waits to join a task, at tests/programs/src/bin/sched_scenes/ends.rs:",
            "'locker' waits to lock a mutex, at tests/programs/src/bin/sched_scenes/ends.rs:",
            "'receiver' waits to receive, at tests/programs/src/bin/sched_scenes/ends.rs:",
        ];
        says(target, processors, &["deadlock"], Exited(2), &lines)?;
        let output = play(target, processors, &["deadlock"])?;
        ensure!(output.stdout == b"before ", "{output:?}");
    }
    let lines = ["'main' waits to receive, at "];
    says(target, "1", &["deadlock_after_locked"], Exited(2), &lines)?;
    says(target, "2", &["deadlock_after_locked"], Exited(2), &lines)
}

fn who_waits_for_something_is_in_no_deadlock(target: Target) -> Result<()> {
    plays(target, &[1, 64], &["no_deadlock"])?;
    plays(target, &[1, 64], &["no_deadlock_thread"])
}

fn sigquit_shows_all_tasks(target: Target) -> Result<()> {
    let all = [
        "SIGQUIT: 1 processors, ",
        "'main' ",
        "'waiter' waits to receive, at ",
        "'caller' is in a system call\n",
    ];
    says(target, "1", &["quit", "0"], Exited(2), &all)?;
    let one_runs = [
        "SIGQUIT: 3 processors, ",
        "'waiter' waits to receive, at ",
        "'runner' ",
    ];
    says(target, "3", &["quit", "1"], Exited(2), &one_runs)
}

fn what_ends_a_task_names_it(target: Target) -> Result<()> {
    says(
        target,
        "2",
        &["panics"],
        Killed,
        &["task 1 'careless' panicked at ", "\noh\n"],
    )?;
    says(target, "2", &["overflow", "0"], Killed, &[])?;
    let deep = ["'deep' has overflowed its stack\n"];
    says(target, "2", &["overflow", "1"], Killed, &deep)?;
    let main = ["'main' has overflowed its stack\n"];
    says(target, "2", &["overflow", "2"], Killed, &main)
}

fn children_have_no_scheduler(target: Target) -> Result<()> {
    for processors in ["1", "3"] {
        let message = ["the child of a fork has no scheduler\n"];
        says(
            target,
            processors,
            &["fork", &rounds(target, 40)],
            Exited(0),
            &message,
        )?;
    }
    Ok(())
}

fn limits_are_kept(target: Target) -> Result<()> {
    let message = "freestand: 20 threads are in system calls or belong to tasks, and one more is \
                   needed; `task::sched::set_max_threads` allows more\n";
    says(target, "1", &["limit"], Exited(2), &[message])?;
    for wrong in ["", "0", "1025", "two"] {
        let message = format!(
            "freestand: FREESTAND_PROCS is {wrong:?}; it must be a number from 1 to 1024\n"
        );
        says(target, wrong, &["limit"], Exited(2), &[&message])?;
    }
    // qemu-user has the memory that it takes itself counted as the program's, and so heeds no
    // RLIMIT_AS.
    if target.is_native() {
        plays(target, &[1], &["no_threads"])?;
        plays(target, &[1, 2], &["no_stacks"])?;
    }
    Ok(())
}

fn tasks_leave_nothing(target: Target) -> Result<()> {
    let count = if target.is_native() && target.is_release() {
        1_000_000
    } else {
        100_000
    };
    plays(target, &[2], &["million", &rounds(target, count)])
}

fn a_storm_passes(target: Target) -> Result<()> {
    for processors in [1, 2, 64] {
        plays(target, &[processors], &["storm", "700"])?;
    }
    Ok(())
}
