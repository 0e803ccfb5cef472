//! The programs that show what tasks are: they print what they are to print.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::{cases, harness};

cases![
    primes_are_sieved,
    a_number_goes_round,
    a_task_that_blocks_is_drawn,
    bad_arguments_are_refused,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How many seconds a program may take.
const LIMIT: u32 = 60;

/// The command that runs the program `name`; SIGALRM ends it if it hangs.
fn program(target: Target, name: &str) -> Result<Command> {
    let mut command = target.command(name)?;
    // SAFETY: alarm is async-signal-safe. The alarm survives execve, and nobody handles it.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(LIMIT);
            Ok(())
        });
    }
    Ok(command)
}

fn said(target: Target, name: &str, arguments: &[&str]) -> Result<String> {
    let output = program(target, name)?.args(arguments).output()?;
    Ok(String::from_utf8(expect_status(&output, 0)?.to_vec())?)
}

fn primes_are_sieved(target: Target) -> Result<()> {
    ensure!(said(target, "primes", &["0"])?.is_empty());
    let said = said(target, "primes", &["60"])?;
    let primes: Vec<u32> = said
        .lines()
        .map(|line| line.parse().context("this is no number"))
        .collect::<Result<_>>()?;
    let is_prime = |&n: &u32| (2..n).all(|m| n % m != 0);
    let expected: Vec<u32> = (2..).filter(is_prime).take(60).collect();
    ensure!(primes == expected, "{primes:?}");
    Ok(())
}

fn a_number_goes_round(target: Target) -> Result<()> {
    for (tasks, rounds) in [("1", "20"), ("100", "20")] {
        let said = said(target, "pingpong", &[tasks, rounds])?;
        let begin = format!("{tasks} tasks, {rounds} rounds: ");
        let time = said.strip_prefix(&begin).with_context(|| said.clone())?;
        let time = time.strip_suffix(" ns from task to task\n");
        let time: Option<u64> = time.and_then(|time| time.parse().ok());
        ensure!(time.is_some_and(|time| time > 0), "{said}");
    }
    Ok(())
}

/// A row's name and its columns.
type Row<'a> = (&'a str, &'a [u8]);

/// The rows of one picture: the lines of processors and threads.
fn rows(picture: &str) -> Vec<Row<'_>> {
    let rows = picture.lines().filter_map(|line| {
        let (label, columns) = line.split_at_checked(16)?;
        let label = label.trim_end();
        let is_row = ["processor ", "thread "]
            .iter()
            .any(|of| label.starts_with(of));
        is_row.then_some((label, columns.as_bytes()))
    });
    rows.collect()
}

/// The columns in which a task is in the system call, but the first and the last, which are
/// partly of others.
fn in_call<'a>(columns: &'a [u8]) -> impl Iterator<Item = usize> + use<'a> {
    let first = columns.iter().position(|&mark| mark == b'-');
    let last = columns.iter().rposition(|&mark| mark == b'-');
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    first + 1..last
}

fn a_task_that_blocks_is_drawn(target: Target) -> Result<()> {
    let said = said(target, "blocked", &[])?;
    ensure!(said.lines().all(|line| line.len() <= 80), "{said}");
    let (told, untold) = said
        .split_once("\na reads by sys::raw::read")
        .with_context(|| said.clone())?;
    for picture in [told, untold] {
        let rows = rows(picture);
        let is_processor = |row: &&Row<'_>| row.0 == "processor 0";
        ensure!(rows.iter().filter(is_processor).count() == 1, "{said}");
        ensure!(
            rows.iter().all(|(_, columns)| columns.len() == 56),
            "{said}"
        );
    }

    // A thread is in the call, and its processor goes on with the others.
    let told = rows(told);
    let (_, processor) = told[0];
    let of_a = told[1..]
        .iter()
        .find(|(_, columns)| columns.contains(&b'-'));
    let (_, of_a) = of_a.with_context(|| said.clone())?;
    ensure!(!processor.contains(&b'-'), "{said}");
    let goes_on = in_call(of_a).any(|column| matches!(processor[column], b'b' | b'c'));
    ensure!(goes_on, "{said}");

    // The processor waits, and so do the others.
    let untold = rows(untold);
    let (_, processor) = untold[0];
    ensure!(in_call(processor).count() > 0, "{said}");
    for column in in_call(processor) {
        let others = untold.iter().filter(|(_, columns)| columns[column] != b'.');
        ensure!(
            others
                .into_iter()
                .all(|(_, columns)| columns[column] == b'-'),
            "{said}"
        );
    }
    Ok(())
}

fn bad_arguments_are_refused(target: Target) -> Result<()> {
    let calls: [(&str, &[&str]); 8] = [
        ("primes", &[]),
        ("primes", &["many"]),
        ("primes", &["1", "2"]),
        ("pingpong", &["0"]),
        ("pingpong", &["1", "-1"]),
        ("pingpong", &["1", "1", "1"]),
        ("pingpong", &["1e3"]),
        ("blocked", &["1"]),
    ];
    for (name, arguments) in calls {
        let output = program(target, name)?.args(arguments).output()?;
        ensure!(expect_status(&output, 1)?.is_empty());
        let complaint = String::from_utf8(output.stderr)?;
        ensure!(
            complaint.starts_with(&format!("usage: {name}")),
            "{complaint}"
        );
    }
    Ok(())
}
