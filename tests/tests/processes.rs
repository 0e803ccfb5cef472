//! Programs that start others.

use std::path::Path;
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::{cases, harness};
use xtask::path::find_in_path;

fn main() -> ExitCode {
    harness::run(CASES)
}

cases![
    children_get_what_they_are_given,
    what_is_wrong_is_told_and_leaves_nothing,
    pipes_survive_closed_streams,
    users_and_groups_change,
    signals_are_the_childs_own,
    children_are_waited_for,
    output_does_not_deadlock,
    functions_run_before_the_program,
    a_command_becomes_the_program,
    a_heap_is_not_needed,
    several_threads_start_programs,
    a_threaded_program_forks,
    nothing_is_left_after_many_rounds,
    old_kernels_do_the_same,
    failing_calls_are_told,
];

/// The program with this scene, in a directory of its own.
fn scene(target: Target, scene: &[&str], directory: &Path) -> Result<Command> {
    let mut command = target.command("processes")?;
    command
        .args(scene)
        .env("A", "1")
        .env("B", "2")
        .env("DIRECTORY", directory);
    Ok(command)
}

fn run(target: Target, arguments: &[&str]) -> Result<Output> {
    let directory = TempDir::new()?;
    let output = scene(target, arguments, directory.path())?.output()?;
    Ok(output)
}

/// Runs the scenes, each of which checks what it sees.
fn check(target: Target, scenes: &[&[&str]]) -> Result<()> {
    for arguments in scenes {
        let output = run(target, arguments)?;
        expect_status(&output, 0).with_context(|| arguments.join(" "))?;
    }
    Ok(())
}

/// So many rounds natively; under qemu, where each takes many times as long, fewer.
fn rounds(target: Target, native: usize, emulated: usize) -> String {
    let rounds = if target.is_native() { native } else { emulated };
    rounds.to_string()
}

fn children_get_what_they_are_given(target: Target) -> Result<()> {
    check(
        target,
        &[
            &["arguments"],
            &["environment"],
            &["streams"],
            &["descriptors"],
        ],
    )
}

fn what_is_wrong_is_told_and_leaves_nothing(target: Target) -> Result<()> {
    check(target, &[&["wrong"], &["search"]])
}

fn pipes_survive_closed_streams(target: Target) -> Result<()> {
    check(target, &[&["closed"]])
}

fn users_and_groups_change(target: Target) -> Result<()> {
    check(target, &[&["users"], &["groups"]])
}

fn signals_are_the_childs_own(target: Target) -> Result<()> {
    check(
        target,
        &[&["signals"], &["storm", &rounds(target, 300, 40)]],
    )
}

fn children_are_waited_for(target: Target) -> Result<()> {
    check(target, &[&["waiting"]])
}

fn output_does_not_deadlock(target: Target) -> Result<()> {
    check(target, &[&["output"]])
}

fn functions_run_before_the_program(target: Target) -> Result<()> {
    check(target, &[&["pre_exec"]])
}

fn a_command_becomes_the_program(target: Target) -> Result<()> {
    let output = run(target, &["exec"])?;
    let printed = String::from_utf8_lossy(expect_status(&output, 9)?).into_owned();
    // The same process before and after.
    let lines: Vec<&str> = printed.lines().collect();
    let [before, process, after] = lines[..] else {
        anyhow::bail!("it prints {printed:?}");
    };
    ensure!(
        before == "before" && after == format!("input {process} a"),
        "{printed:?}"
    );
    Ok(())
}

fn a_heap_is_not_needed(target: Target) -> Result<()> {
    check(target, &[&["lean"]])
}

fn several_threads_start_programs(target: Target) -> Result<()> {
    check(target, &[&["threaded", &rounds(target, 60, 6)]])
}

fn a_threaded_program_forks(target: Target) -> Result<()> {
    check(target, &[&["forking", &rounds(target, 500, 20)]])
}

/// Natively ten thousand in one of the profiles, of a program that ends at once.
fn nothing_is_left_after_many_rounds(target: Target) -> Result<()> {
    let native = if target.is_release() { 10_000 } else { 1_000 };
    // qemu starts this machine's programs only.
    let child = match target.is_native() {
        true => target.program("env_var")?,
        false => "/bin/true".into(),
    };
    let child = child.to_str().context("a path that is no text")?;
    check(target, &[&["rounds", &rounds(target, native, 60), child]])
}

/// Without clone3, as before Linux 5.3. qemu's is such a kernel, and all of the other cases
/// are this one there.
fn old_kernels_do_the_same(target: Target) -> Result<()> {
    if !target.is_native() {
        return Ok(());
    }
    check(target, &[&["older"]])
}

/// Each call that goes into a child's making fails: it is told, the program goes on, and
/// nothing is left. strace has them fail, so only natively.
fn failing_calls_are_told(target: Target) -> Result<()> {
    if !target.is_native() {
        return Ok(());
    }
    let Some(strace) = find_in_path("strace") else {
        ensure!(!harness::everything_is_required(), "strace is missing");
        eprintln!("strace is missing: not run");
        return Ok(());
    };
    for (inject, expected) in [
        // The parent's: the stack's memory, which is kept later, and its guard.
        ("mmap,mmap2:error=ENOMEM:when=1", "ENOMEM\nok\nok\n"),
        ("mprotect:error=ENOMEM:when=1", "ENOMEM\nok\nok\n"),
        ("clone3:error=EAGAIN:when=1", "EAGAIN\nok\nok\n"),
        ("clone3:error=EMFILE:when=2+", "ok\nEMFILE\nEMFILE\n"),
        ("clone3:error=ENOSYS", "ok\nok\nok\n"),
        ("clone3:error=EINVAL", "ok\nok\nok\n"),
        ("pipe2:error=EMFILE:when=1", "EMFILE\nok\nok\n"),
        ("pipe2:error=ENFILE:when=2", "ENFILE\nok\nok\n"),
        ("waitid:error=EINTR:when=1..5", "ok\nok\nok\n"),
        ("read:error=EINTR:when=1", "ok\nok\nok\n"),
        (
            "poll,ppoll,ppoll_time64:error=EINTR:when=1..3",
            "ok\nok\nok\n",
        ),
        (
            "poll,ppoll,ppoll_time64:error=ENOMEM:when=1",
            "ENOMEM\nok\nok\n",
        ),
        // The child's, and so each child's first.
        ("dup2,dup3:error=EBUSY:when=1", "EBUSY\nEBUSY\nEBUSY\n"),
        ("dup2,dup3:error=EBADF:when=3", "EBADF\nEBADF\nEBADF\n"),
        ("execve:error=ENOMEM:when=1", "ENOMEM\nENOMEM\nENOMEM\n"),
        ("execve:error=EIO:when=1", "EIO\nEIO\nEIO\n"),
    ] {
        let directory = TempDir::new()?;
        let mut program = scene(target, &["fault"], directory.path())?;
        // It makes two calls of its own.
        program.arg(target.program("hello")?);
        let output = Command::new(&strace)
            .args(["-f", "-o", "/dev/null", "-e"])
            .arg(format!("inject={inject}"))
            .arg(program.get_program())
            .args(program.get_args())
            .output()?;
        let said = expect_status(&output, 0).with_context(|| inject.to_owned())?;
        let said = String::from_utf8_lossy(said);
        ensure!(said == expected, "{inject}: {said:?}, not {expected:?}");
    }
    Ok(())
}
