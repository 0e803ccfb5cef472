//! Every declared system call: that it does what it should, and fails as it should.
//!
//! The programs `calls_*` make the calls, each in an empty directory, and print what
//! they have seen of each (`tests/programs/src/lib.rs`). The program `calls` prints
//! what is declared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex, OnceLock};

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::{cases, harness};

cases![
    directory_calls_work_and_fail,
    event_calls_work_and_fail,
    file_calls_work_and_fail,
    memory_calls_work_and_fail,
    net_calls_work_and_fail,
    process_calls_work_and_fail,
    resource_calls_work_and_fail,
    signal_calls_work_and_fail,
    stat_calls_work_and_fail,
    thread_calls_work_and_fail,
    time_calls_work_and_fail,
    every_declared_call_is_seen_to_work_and_to_fail,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// The programs that make calls.
const PROGRAMS: &[&str] = &[
    "calls_directory",
    "calls_event",
    "calls_file",
    "calls_memory",
    "calls_net",
    "calls_process",
    "calls_resource",
    "calls_signal",
    "calls_stat",
    "calls_thread",
    "calls_time",
];

/// Calls that qemu-user 7.2 does not have: a newer one may. They are proved where the
/// kernel is real, which is on x86_64 and i386.
const LACKING_UNDER_QEMU: &[&str] = &["mlock2"];

/// Calls that cannot fail: all that they take is acceptable.
const NEVER_FAILS: &[&str] = &[];

fn directory_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_directory").map(drop)
}

fn event_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_event").map(drop)
}

fn file_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_file").map(drop)
}

fn memory_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_memory").map(drop)
}

fn net_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_net").map(drop)
}

fn process_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_process").map(drop)
}

fn resource_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_resource").map(drop)
}

fn signal_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_signal").map(drop)
}

fn stat_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_stat").map(drop)
}

fn thread_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_thread").map(drop)
}

fn time_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_time").map(drop)
}

/// What a program has seen of the calls: for each name, `ok`, errors and `lacking`.
type Seen = BTreeMap<String, BTreeSet<String>>;

/// Runs the program, once for all cases that want to know.
fn seen(target: Target, program: &'static str) -> Result<&'static Seen> {
    type Run = OnceLock<Result<Seen, String>>;
    static RUN: LazyLock<Mutex<HashMap<(Target, &str), &'static Run>>> =
        LazyLock::new(Mutex::default);

    let run: &'static Run = RUN
        .lock()
        .expect("no thread panics with it")
        .entry((target, program))
        .or_insert_with(|| Box::leak(Box::default()));
    run.get_or_init(|| look(target, program).map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow::anyhow!("{program}: {error}"))
}

fn look(target: Target, program: &str) -> Result<Seen> {
    let folder = TempDir::new()?;
    let output = target
        .command(program)?
        .current_dir(folder.path())
        .output()?;
    let text = std::str::from_utf8(expect_status(&output, 0)?)?;
    let mut seen = Seen::new();
    for line in text.lines() {
        let (name, what) = line.split_once(' ').context("a line without a space")?;
        ensure!(
            what != "lacking" || (!target.is_native() && LACKING_UNDER_QEMU.contains(&name)),
            "there is no {name} here"
        );
        seen.entry(name.to_owned())
            .or_default()
            .insert(what.to_owned());
    }
    Ok(seen)
}

fn every_declared_call_is_seen_to_work_and_to_fail(target: Target) -> Result<()> {
    let output = target.command("calls")?.output()?;
    let table = std::str::from_utf8(expect_status(&output, 0)?)?;

    let mut all = Seen::new();
    for program in PROGRAMS {
        for (name, what) in seen(target, program)? {
            all.entry(name.clone()).or_default().extend(what.clone());
        }
    }
    let mut missing = Vec::new();
    for line in table.lines() {
        let (name, declared) = line.split_once(' ').context("a line without a space")?;
        let none = BTreeSet::new();
        let what = all.get(name).unwrap_or(&none);
        if what.contains("lacking") {
            continue;
        }
        if !what.contains("ok") && !declared.ends_with("-> !") {
            missing.push(format!("{name} is not seen to work"));
        }
        let fails = declared.contains("-> Result") && !NEVER_FAILS.contains(&name);
        if fails && !what.iter().any(|what| what.starts_with('E')) {
            missing.push(format!("{name} is not seen to fail"));
        }
    }
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}
