//! The drawing that `initstack` makes of its initial stack, held against what the tracer
//! finds there before the program's first instruction, however odd.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use freestand_tests::target::Target;
use freestand_tests::trace::stack::InitialStack;
use freestand_tests::trace::{Capture, Event, Launch, Register, Tracee};
use freestand_tests::{cases, harness};

cases![
    a_usual_stack_is_drawn,
    strings_are_escaped_and_cut,
    of_many_strings_the_first_and_the_last_are_drawn,
    no_argument_is_drawn,
    no_variable_is_drawn,
    an_empty_auxiliary_vector_is_drawn,
    unknown_entries_are_drawn,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How to run `initstack` with these arguments and variables.
fn launch(target: Target, args: &[&[u8]], env: &[(&str, &str)]) -> Result<Launch> {
    let mut launch = target.launch("initstack")?;
    launch.args = args
        .iter()
        .map(|arg| OsStr::from_bytes(arg).to_owned())
        .collect();
    launch.env = env
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect();
    Ok(launch)
}

/// A row of the drawing: its three columns.
#[derive(Debug)]
struct Row {
    address: String,
    cell: String,
    meaning: String,
}

/// Runs the program after `forge` has changed its stack, and checks each row from AT_NULL
/// down. Returns the drawing, and the rows above.
fn check(launch: &Launch, forge: impl FnOnce(&mut InitialStack)) -> Result<(String, Vec<Row>)> {
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(launch, capture.streams()?)?;
    let mut stack = InitialStack::read(&mut tracee)?;
    let unchanged = stack.clone();
    forge(&mut stack);
    if stack != unchanged {
        stack.install(&mut tracee, 0)?;
    }
    let expected = rows(&mut tracee, &stack)?;
    let end = tracee.resume_to_end()?;
    let drawing = String::from_utf8(capture.stdout()?)?;
    ensure!(end == Event::Exited(0), "{end:?}: {drawing}");

    for line in drawing.lines() {
        let columns = line.chars().count();
        ensure!(columns <= 80, "{columns} columns: {line}");
    }
    let drawn: Vec<Row> = drawing.lines().filter_map(split).collect();
    let above = drawn.len().checked_sub(expected.len());
    let above = above.with_context(|| format!("{} rows: {drawing}", drawn.len()))?;
    for (row, expected) in drawn[above..].iter().zip(&expected) {
        let meaning = match row.meaning.strip_suffix('…') {
            Some(begin) => expected.meaning.starts_with(begin) && begin.len() > 20,
            None => row.meaning == expected.meaning,
        };
        ensure!(
            meaning && row.address == expected.address && row.cell == expected.cell,
            "{row:?}, not {expected:?}: {drawing}"
        );
    }
    Ok((drawing, drawn.into_iter().take(above).collect()))
}

/// What is in a line of the drawing, unless it is a rule.
fn split(line: &str) -> Option<Row> {
    let mut columns = line.splitn(3, '│').map(|column| column.trim().to_owned());
    Some(Row {
        address: columns.next()?,
        cell: columns.next()?,
        meaning: columns.next()?,
    })
}

/// The rows of the drawing, from AT_NULL down to argc.
fn rows(tracee: &mut Tracee, stack: &InitialStack) -> Result<Vec<Row>> {
    let word = tracee.arch().word() as u64;
    let sp = tracee.register(Register::Sp)?;
    let mut rows = Vec::new();
    let mut add = |address: String, cell: String, meaning: String| {
        rows.push(Row {
            address,
            cell,
            meaning,
        });
    };
    let argv = sp + word;
    let envp = argv + word * (stack.args.len() as u64 + 1);
    let auxv = envp + word * (stack.env.len() as u64 + 1);

    let at = |i: usize| format!("{:#x}", auxv + 2 * word * i as u64);
    add(at(stack.auxv.len()), "0, 0".into(), "AT_NULL".into());
    for (i, &(kind, value)) in stack.auxv.iter().enumerate().rev() {
        let meaning = meaning(tracee, kind, value)?;
        add(at(i), format!("{kind}, {value:#x}"), meaning);
    }
    for (name, begin, strings) in [("envp", envp, &stack.env), ("argv", argv, &stack.args)] {
        let at = |i: usize| format!("{:#x}", begin + word * i as u64);
        let count = strings.len();
        add(at(count), "0".into(), format!("{name}[{count}]"));
        for (i, &string) in strings.iter().enumerate().rev() {
            if count <= 16 || i < 8 || i >= count - 8 {
                let text = quoted(tracee, string)?;
                add(at(i), format!("{string:#x}"), format!("{name}[{i}] {text}"));
            } else if i == 8 {
                let left_out = format!("{name}[8] to {name}[{}]", count - 9);
                add("⋮".into(), "⋮".into(), left_out);
            }
        }
    }
    let argc = stack.args.len().to_string();
    add(format!("sp ─► {sp:#x}"), argc, "argc".into());
    Ok(rows)
}

/// What an entry of the auxiliary vector is said to mean.
fn meaning(tracee: &mut Tracee, kind: u64, value: u64) -> Result<String> {
    const DECIMAL: [(u64, &str); 16] = [
        (libc::AT_PHENT, "AT_PHENT"),
        (libc::AT_PHNUM, "AT_PHNUM"),
        (libc::AT_PAGESZ, "AT_PAGESZ"),
        (libc::AT_UID, "AT_UID"),
        (libc::AT_EUID, "AT_EUID"),
        (libc::AT_GID, "AT_GID"),
        (libc::AT_EGID, "AT_EGID"),
        (libc::AT_CLKTCK, "AT_CLKTCK"),
        (27, "AT_RSEQ_FEATURE_SIZE"),
        (28, "AT_RSEQ_ALIGN"),
        (40, "AT_L1I_CACHESIZE"),
        (42, "AT_L1D_CACHESIZE"),
        (44, "AT_L2_CACHESIZE"),
        (46, "AT_L3_CACHESIZE"),
        (51, "AT_MINSIGSTKSZ"),
        (libc::AT_EXECFD, "AT_EXECFD"),
    ];
    // What is shown in hexadecimal is not shown twice.
    const HEXADECIMAL: [(u64, &str); 14] = [
        (libc::AT_PHDR, "AT_PHDR"),
        (libc::AT_BASE, "AT_BASE"),
        (libc::AT_FLAGS, "AT_FLAGS"),
        (libc::AT_ENTRY, "AT_ENTRY"),
        (libc::AT_HWCAP, "AT_HWCAP"),
        (libc::AT_HWCAP2, "AT_HWCAP2"),
        (29, "AT_HWCAP3"),
        (30, "AT_HWCAP4"),
        (32, "AT_SYSINFO"),
        (33, "AT_SYSINFO_EHDR"),
        (41, "AT_L1I_CACHEGEOMETRY"),
        (43, "AT_L1D_CACHEGEOMETRY"),
        (45, "AT_L2_CACHEGEOMETRY"),
        (47, "AT_L3_CACHEGEOMETRY"),
    ];
    let name = |table: &[(u64, &'static str)]| {
        let row = table.iter().find(|row| row.0 == kind)?;
        Some(row.1)
    };
    if let Some(name) = name(&DECIMAL) {
        return Ok(format!("{name}: {value}"));
    }
    if let Some(name) = name(&HEXADECIMAL) {
        return Ok(name.into());
    }
    Ok(match kind {
        libc::AT_SECURE => format!("AT_SECURE: {}", value != 0),
        libc::AT_RANDOM => {
            let bytes = tracee.read(value, 16)?;
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("AT_RANDOM: {digits}")
        }
        libc::AT_PLATFORM | libc::AT_EXECFN => {
            let name = match kind {
                libc::AT_PLATFORM => "AT_PLATFORM",
                _ => "AT_EXECFN",
            };
            format!("{name}: {}", quoted(tracee, value)?.trim_matches('"'))
        }
        _ => "unknown".into(),
    })
}

/// The beginning of a string of the program's, escaped and in quotation marks.
fn quoted(tracee: &mut Tracee, address: u64) -> Result<String> {
    let mut bytes = Vec::new();
    // More than a line shows, if there is more.
    while bytes.len() < 100 {
        match tracee.read(address + bytes.len() as u64, 1)?[0] {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    Ok(format!("\"{}\"", bytes.escape_ascii()))
}

fn a_usual_stack_is_drawn(target: Target) -> Result<()> {
    let launch = launch(target, &[b"one", b""], &[("A", "1"), ("B", "2")])?;
    let mut top = Vec::new();
    let (drawing, above) = check(&launch, |stack| {
        top.extend(stack.args.first());
        top.extend(stack.env.first());
        let strings = [libc::AT_EXECFN, libc::AT_PLATFORM, libc::AT_RANDOM];
        let in_auxv = stack.auxv.iter().filter(|entry| strings.contains(&entry.0));
        top.extend(in_auxv.map(|entry| entry.1));
    })?;
    let expected = format!("{}, words of {} bytes\n", target.arch, target.arch.word());
    ensure!(drawing.starts_with(&expected), "{drawing}");
    // The strings, the highest first, and what is between them and the vector.
    top.sort_unstable();
    let top: Vec<String> = top.iter().rev().map(|at| format!("{at:#x}")).collect();
    let addresses = above.iter().map(|row| row.address.as_str());
    let addresses: Vec<&str> = addresses.filter(|address| !address.is_empty()).collect();
    ensure!(addresses == top, "{top:?}: {drawing}");
    for (meaning, cell) in [
        ("◄── AT_RANDOM", "16 bytes"),
        (
            "◄── envp[0] …",
            if target.is_native() {
                "\"A=1\""
            } else {
                "\"B=2\""
            },
        ),
    ] {
        let row = above.iter().find(|row| row.meaning == meaning);
        ensure!(row.is_some_and(|row| row.cell == cell), "{drawing}");
    }
    Ok(())
}

fn strings_are_escaped_and_cut(target: Target) -> Result<()> {
    let high = [0xff; 5000];
    let all: Vec<u8> = (1..=255).collect();
    let args: [&[u8]; 5] = [&high, &all, b"\x80", "│├─ ◄──".as_bytes(), b"\x1b[2J\n"];
    let launch = launch(target, &args, &[("LONG", &"x".repeat(200))])?;
    let (drawing, _) = check(&launch, |_| {})?;
    ensure!(drawing.contains(r#"argv[5] "\x1b[2J\n""#), "{drawing}");
    Ok(())
}

fn of_many_strings_the_first_and_the_last_are_drawn(target: Target) -> Result<()> {
    for count in [15, 16, 17, 999] {
        let args: Vec<String> = (1..=count).map(|i| i.to_string()).collect();
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        let names: Vec<String> = (0..count).map(|i| format!("V{i}")).collect();
        let env: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let (drawing, _) = check(&launch(target, &args, &env)?, |_| {})?;
        let lines = drawing.lines().count();
        ensure!(lines < 100, "{lines} lines");
    }
    Ok(())
}

fn no_argument_is_drawn(target: Target) -> Result<()> {
    let launch = launch(target, &[], &[("A", "1")])?;
    check(&launch, |stack| stack.args.clear())?;
    Ok(())
}

fn no_variable_is_drawn(target: Target) -> Result<()> {
    check(&launch(target, &[], &[])?, |_| {})?;
    Ok(())
}

fn an_empty_auxiliary_vector_is_drawn(target: Target) -> Result<()> {
    check(&launch(target, &[], &[])?, |stack| stack.auxv.clear())?;
    let everything = |stack: &mut InitialStack| *stack = InitialStack::default();
    let (drawing, above) = check(&launch(target, &[], &[])?, everything)?;
    ensure!(above.is_empty(), "{drawing}");
    Ok(())
}

fn unknown_entries_are_drawn(target: Target) -> Result<()> {
    let (large, kind) = match target.arch.word() {
        4 => (u32::MAX.into(), 0xffff_fff0),
        _ => (u64::MAX, 0xffff_ffff_ffff_fff0),
    };
    let forge = |stack: &mut InitialStack| {
        stack.set_aux(777, 7);
        stack.set_aux(778, large);
    };
    check(&launch(target, &[], &[])?, forge)?;
    // As wide as it can be, a row is still a line.
    let forge = |stack: &mut InitialStack| stack.auxv = vec![(kind, large)];
    check(&launch(target, &[], &[])?, forge)?;
    Ok(())
}
