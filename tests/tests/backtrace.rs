//! From a panic back to `_start`: the chain of frames, whole and broken, what
//! `cargo xtask run --backtrace` makes of it, and what gdb sees without it.

use std::collections::HashMap;
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use freestand_tests::once::OncePer;
use freestand_tests::target::Target;
use freestand_tests::temp::TempDir;
use freestand_tests::{cases, harness};
use xtask::backtrace::Translator;
use xtask::program::{self, Options};
use xtask::run;

cases![
    a_panic_shows_the_calls_that_led_to_it,
    of_many_calls_the_last_are_shown,
    a_new_thread_begins_where_its_backtrace_ends,
    a_dump_shows_where_tasks_wait,
    a_broken_chain_ends_the_walk,
    c_without_frame_pointers_ends_the_walk_at_worst,
    gdb_sees_from_main_to_the_start,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// The program `name`, built with frame pointers and symbols. The first call builds all
/// that these tests panic in.
fn program(target: Target, name: &str) -> Result<PathBuf> {
    static BUILT: OncePer<Target, HashMap<String, PathBuf>> = OncePer::new();

    let programs = BUILT.get(target, || build(target))?;
    let path = programs.get(name).cloned();
    path.with_context(|| format!("{name} is not built"))
}

fn build(target: Target) -> Result<HashMap<String, PathBuf>> {
    let names = ["backtrace", "panic_in_thread", "sched_scenes"].map(String::from);
    let programs = program::select(&names, target.arch)?;
    let options = Options {
        backtrace: true,
        ..Options::new(target.profile)
    };
    let paths = program::build_all(target.tools()?, &programs, options)?;
    Ok(names.into_iter().zip(paths).collect())
}

/// A line of a backtrace and what was added to it.
#[derive(Debug)]
struct Frame {
    address: u64,
    /// What was called there: functions, and where each is in the source. The last one
    /// has all others inlined.
    calls: Vec<(String, String)>,
}

impl Frame {
    fn name(&self) -> &str {
        self.calls.last().map_or("", |(name, _)| name)
    }
}

/// Runs a program to its death by a panic, and returns its backtrace, and whether it was
/// the whole.
fn panic(target: Target, name: &str, args: &[&str]) -> Result<(Vec<Frame>, bool)> {
    let path = program(target, name)?;
    let output = target.command_for(&path)?.args(args).output()?;
    let mut text = Vec::new();
    Translator::new(&path)?.copy(&output.stderr[..], &mut text)?;
    let text = String::from_utf8(text)?;
    ensure!(
        output.status.signal() == Some(libc::SIGABRT),
        "{}, not SIGABRT: {text}",
        output.status
    );
    let (_, lines) = text
        .split_once("\nbacktrace, image at 0x400000:\n")
        .with_context(|| format!("no backtrace: {text}"))?;
    let mut frames: Vec<Frame> = Vec::new();
    for line in lines.lines() {
        let (address, call) = match line.strip_prefix("  0x") {
            Some(rest) => match rest.split_once(' ') {
                Some((address, call)) => (Some(address), call),
                None => (Some(rest), ""),
            },
            None if line.starts_with("       ") => (None, line.trim_start()),
            None if line == "  and more" => return Ok((frames, false)),
            None => break,
        };
        if let Some(address) = address {
            let address = u64::from_str_radix(address, 16)?;
            let calls = Vec::new();
            frames.push(Frame { address, calls });
        }
        if let (Some(frame), false) = (frames.last_mut(), call.is_empty()) {
            let (name, place) = call.split_once(" at ").unwrap_or((call, ""));
            frame.calls.push((name.to_owned(), place.to_owned()));
        }
    }
    Ok((frames, true))
}

/// Where the only line with `code` is in the source of `backtrace`.
fn place(code: &str) -> Result<String> {
    const SOURCE: &str = include_str!("../programs/src/bin/backtrace.rs");
    let (before, after) = SOURCE
        .split_once(code)
        .with_context(|| format!("no {code} in the source"))?;
    ensure!(!after.contains(code), "{code} is in the source twice");
    let line = before.lines().count() + usize::from(before.ends_with('\n'));
    Ok(format!("tests/programs/src/bin/backtrace.rs:{line}"))
}

fn a_panic_shows_the_calls_that_led_to_it(target: Target) -> Result<()> {
    let (frames, whole) = panic(target, "backtrace", &["chain"])?;
    ensure!(whole);
    // Of what is inlined, the line tables have less of the name.
    let calls: Vec<(&str, &str)> = frames
        .iter()
        .flat_map(|frame| &frame.calls)
        .map(|(name, place)| (name.trim_start_matches("backtrace::"), place.as_str()))
        .collect();
    let chain = [
        ("inlined", place("panic!(\"as asked\")")?),
        ("inner", place("        inlined();")?),
        ("middle", place("inner();\n    black_box")?),
        ("outer", place("middle();\n")?),
    ];
    let expected: Vec<(&str, &str)> = chain
        .iter()
        .map(|(name, place)| (*name, place.as_str()))
        .collect();
    let begin = calls
        .windows(expected.len())
        .position(|window| window == expected)
        .with_context(|| format!("no {expected:?} in {calls:?}"))?;
    // Before it are core's functions, which are compiled elsewhere.
    ensure!(
        calls[..begin].iter().any(|(name, place)| {
            *name == "core::panicking::panic_fmt" && place.contains("library/core/src/panicking.rs")
        }),
        "{calls:?}"
    );
    // Behind it are the program's main and C's, and that is called by `_start`.
    let mut rest = calls[begin + expected.len()..].iter();
    let is_main = |(name, place): &&(&str, &str)| *name == "main" && place.contains("backtrace.rs");
    ensure!(rest.next().as_ref().is_some_and(is_main), "{calls:?}");
    ensure!(rest.any(|(name, _)| *name == "main"), "{calls:?}");
    let (last, place) = rest.next().context("nobody calls main")?;
    ensure!(
        *last == "start_main" && place.starts_with(&format!("start/{}.S:", target.arch)),
        "{calls:?}"
    );
    ensure!(rest.next().is_none(), "{calls:?}");
    Ok(())
}

fn of_many_calls_the_last_are_shown(target: Target) -> Result<()> {
    let (frames, whole) = panic(target, "backtrace", &["deep"])?;
    ensure!(!whole && frames.len() == 64, "{frames:?}");
    let deep = |frame: &&Frame| frame.name() == "backtrace::deep";
    let count = frames.iter().rev().take_while(deep).count();
    // The others are inner, panic_fmt and the panic handler.
    ensure!((60..64).contains(&count), "{frames:?}");
    Ok(())
}

fn a_new_thread_begins_where_its_backtrace_ends(target: Target) -> Result<()> {
    let (frames, whole) = panic(target, "panic_in_thread", &[])?;
    let last = frames.last().map(Frame::name);
    ensure!(
        whole && last == Some("freestand::thread::spawn::enter"),
        "{frames:?}"
    );
    Ok(())
}

fn a_dump_shows_where_tasks_wait(target: Target) -> Result<()> {
    let path = program(target, "sched_scenes")?;
    let mut command = target.command_for(&path)?;
    command.args(["quit", "0"]).env("FREESTAND_PROCS", "1");
    let output = command.output()?;
    let mut text = Vec::new();
    Translator::new(&path)?.copy(&output.stderr[..], &mut text)?;
    let text = String::from_utf8(text)?;
    ensure!(output.status.code() == Some(2), "{output:?}: {text}");
    let (_, waiter) = text
        .split_once("'waiter' waits to receive, at ")
        .with_context(|| format!("nobody waits: {text}"))?;
    let lines = waiter.lines().skip(1);
    let frames: Vec<&str> = lines
        .take_while(|line| !line.starts_with("task "))
        .collect();
    let has = |name: &str| frames.iter().any(|line| line.contains(name));
    ensure!(
        has("await_nothing") && has("freestand::task::spawn::begin"),
        "{text}"
    );
    Ok(())
}

fn a_broken_chain_ends_the_walk(target: Target) -> Result<()> {
    for (way, beyond) in [
        // As it should be, to begin with.
        ("whole", &[0x1111, 0x2222][..]),
        ("nowhere", &[0x1111]),
        ("circle", &[0x1111, 0x2222]),
        ("itself", &[0x1111]),
        ("below", &[]),
        ("misaligned", &[]),
        ("unreadable", &[]),
        ("half unreadable", &[]),
        ("number", &[]),
        ("kernel's", &[]),
    ] {
        let (frames, whole) = panic(target, "backtrace", &[way]).context(way)?;
        let leave = frames
            .iter()
            .position(|frame| frame.name() == "backtrace::leave")
            .with_context(|| format!("{way}: {frames:?}"))?;
        let addresses: Vec<u64> = frames[leave + 1..]
            .iter()
            .map(|frame| frame.address)
            .collect();
        ensure!(whole && addresses == beyond, "{way}: {frames:?}");
    }
    Ok(())
}

fn c_without_frame_pointers_ends_the_walk_at_worst(target: Target) -> Result<()> {
    let (frames, _) = panic(target, "backtrace", &["c"])?;
    let by_c = frames
        .iter()
        .position(|frame| frame.name() == "backtrace::called_by_c")
        .with_context(|| format!("{frames:?}"))?;
    let c = frames.get(by_c + 1).map(Frame::name);
    ensure!(c == Some("through_c"), "{frames:?}");
    Ok(())
}

fn gdb_sees_from_main_to_the_start(target: Target) -> Result<()> {
    if target.is_release() {
        // There is nothing in it for a debugger.
        return Ok(());
    }
    let Some(gdb) = run::find_gdb(target.arch) else {
        ensure!(!harness::everything_is_required(), "gdb is missing");
        eprintln!("gdb is missing: not run");
        return Ok(());
    };
    // In Rust, C and assembly.
    for name in ["hello", "echo_env", "readchar"] {
        let path = target.program(name)?;
        if target.is_native() {
            let text = gdb_natively(&gdb, &path).with_context(|| format!("{name} natively"))?;
            check_gdb(&text).with_context(|| format!("{name} natively: {text}"))?;
        }
        if let Some(qemu) = run::find_qemu(target.arch) {
            let text =
                gdb_with_qemu(&gdb, &qemu, &path).with_context(|| format!("{name} under qemu"))?;
            check_gdb(&text).with_context(|| format!("{name} under qemu: {text}"))?;
        }
    }
    Ok(())
}

/// How many instructions into `main` gdb is asked for the frames.
const STEPS: usize = 4;

/// What gdb says of the frames at the beginning of `main`, to which `go` brings it.
fn gdb(gdb: &Path, program: &Path, go: &[&str]) -> Result<String> {
    let mut script = String::new();
    // Else gdb itself leaves out what called main.
    for command in ["set backtrace past-main on", "set backtrace past-entry on"] {
        writeln!(script, "{command}")?;
    }
    for command in go {
        writeln!(script, "{command}")?;
    }
    writeln!(script, "backtrace")?;
    for _ in 0..STEPS {
        writeln!(script, "stepi\nbacktrace")?;
    }
    writeln!(script, "kill")?;
    let folder = TempDir::new()?;
    let path = folder.path().join("script");
    std::fs::write(&path, script)?;
    let output = Command::new(gdb)
        .args(["-nx", "-batch", "-x"])
        .arg(&path)
        .arg(program)
        .env_remove("DEBUGINFOD_URLS")
        .stdin(Stdio::null())
        .output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn gdb_natively(path: &Path, program: &Path) -> Result<String> {
    let go = ["set startup-with-shell off", "break *main", "run"];
    gdb(path, program, &go)
}

fn gdb_with_qemu(path: &Path, qemu: &Path, program: &Path) -> Result<String> {
    /// Killed in the end.
    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            // It has ended by itself if this fails.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    let folder = TempDir::new()?;
    let socket = folder.path().join("gdb");
    let mut qemu = Command::new(qemu);
    qemu.arg("-g").arg(&socket).arg(program);
    let streams = qemu.stdin(Stdio::null()).stdout(Stdio::null());
    let mut qemu = Killed(streams.stderr(Stdio::null()).spawn()?);
    while !socket.exists() {
        if let Some(status) = qemu.0.try_wait()? {
            bail!("qemu ended early: {status}");
        }
        thread::sleep(Duration::from_millis(1));
    }
    let target = format!("target remote {}", socket.display());
    gdb(path, program, &[&target, "break *main", "continue"])
}

/// Checks that each of gdb's backtraces ends with `_start`'s frame, with main's below.
fn check_gdb(text: &str) -> Result<()> {
    // `#1  0x0000000000400158 in start_main () at start/x86_64.S:74`
    let frames = text.lines().filter_map(|line| {
        let (number, frame) = line.strip_prefix('#')?.split_once(' ')?;
        let (name, _) = frame.split_once('(')?;
        let name = name.rsplit(" in ").next()?.trim();
        Some((number.parse::<usize>().ok()?, name))
    });
    let mut backtraces: Vec<Vec<&str>> = Vec::new();
    for (number, name) in frames {
        if number == 0 {
            backtraces.push(Vec::new());
        }
        backtraces
            .last_mut()
            .context("a frame of no backtrace")?
            .push(name);
    }
    ensure!(
        backtraces.len() == 1 + STEPS,
        "{} backtraces",
        backtraces.len()
    );
    for frames in &backtraces {
        let [.., main, start] = frames[..] else {
            bail!("only {frames:?}");
        };
        ensure!(
            main.ends_with("main") && start == "start_main",
            "{frames:?}"
        );
    }
    // It says so if it was not the end that it came to.
    ensure!(
        !text.contains("Backtrace stopped"),
        "the frames have no end"
    );
    Ok(())
}
