//! The mem family.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{ExitCode, Output};
use std::ptr;

use anyhow::{Result, bail, ensure};
use freestand_tests::accesses::access;
use freestand_tests::references::{Function, MEM_FAMILY, Program};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Event, Launch, Register, Streams, Tracee};
use freestand_tests::{cases, harness};
use object::ObjectSymbol;
use xtask::arch::Arch;
use xtask::program::{self, Options};

cases![
    the_mem_family_does_what_a_byte_at_a_time_does,
    the_mem_family_does_so_before_it_knows_the_processor,
    no_function_of_the_mem_family_calls_one,
    the_small_mem_family_does_so_in_256_bytes,
    no_access_of_the_mem_family_is_misaligned,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// All pairs of sizes and places where the machine runs the program itself, optimized; else
/// a choice of them, of which the program tells.
fn the_mem_family_does_what_a_byte_at_a_time_does(target: Target) -> Result<()> {
    let mut command = target.command("mem_family")?;
    if target.is_native() && target.is_release() {
        command.arg("product");
    }
    expect_output(&command.output()?, "ok\n")
}

/// On x86_64 the family looks at the processor when it has gone through many bytes, and is
/// another one then. It is assembly, and no other in debug.
fn the_mem_family_does_so_before_it_knows_the_processor(target: Target) -> Result<()> {
    if target.arch != Arch::X86_64 || !target.is_release() {
        return Ok(());
    }
    let mut command = target.command("mem_family")?;
    expect_output(&command.arg("fresh").output()?, "ok\n")
}

/// A compiler may put a call to memcpy in place of a loop that copies, also in memcpy.
fn no_function_of_the_mem_family_calls_one(target: Target) -> Result<()> {
    // As what relocation.rs builds: the library has been compiled so.
    let options = Options {
        pie: true,
        relocations: true,
        ..Options::new(target.profile)
    };
    let image = fs::read(build(target, "mem_family", options)?)?;
    calls_none_of_the_family(&Program::parse(target.arch, &image)?)
}

/// The feature `small-mem`, in a program built for size, which is never built for debugging.
fn the_small_mem_family_does_so_in_256_bytes(target: Target) -> Result<()> {
    if !target.is_release() {
        return Ok(());
    }
    let options = Options {
        relocations: true,
        small: true,
        ..Options::release()
    };
    let path = build(target, "mem_family", options)?;
    let image = fs::read(&path)?;
    let program = Program::parse(target.arch, &image)?;
    let functions = family(&program)?;
    // Of two names of a function, the code is one.
    let sizes: BTreeMap<u64, u64> = functions
        .iter()
        .map(|function| (function.begin, function.end - function.begin))
        .collect();
    let size: u64 = sizes.values().sum();
    ensure!(size <= 256, "{size} bytes: {functions:?}");
    calls_none_of_the_family(&program)?;
    expect_output(&target.command_for(&path)?.output()?, "ok\n")
}

/// riscv64 may do a misaligned access slowly, or not at all (unprivileged specification,
/// "Load and Store Instructions"). Each instruction of the family is looked at.
fn no_access_of_the_mem_family_is_misaligned(target: Target) -> Result<()> {
    if target.arch != Arch::Riscv64 || !target.is_release() {
        return Ok(());
    }
    let options = Options {
        relocations: true,
        pie: true,
        ..Options::release()
    };
    let path = build(target, "mem_aligned", options)?;
    let image = fs::read(&path)?;
    let functions = family(&Program::parse(target.arch, &image)?)?;

    let launch = Launch::new(path, target.arch, target.how());
    let mut tracee = Tracee::start(&launch, Streams::default())?;
    let mut accesses = vec![0_u32; functions.len()];
    let base = tracee.base();
    let end = loop {
        let pc = tracee.register(Register::Pc)? - base;
        let inside = |function: &Function| (function.begin..function.end).contains(&pc);
        if let Some(index) = functions.iter().position(inside)
            && let Some((address, size)) = access(&mut tracee)?
        {
            let name = &functions[index].name;
            ensure!(
                address % size == 0,
                "{name} accesses {size} bytes at {address:#x}"
            );
            accesses[index] += 1;
        }
        match tracee.step()? {
            Event::Stopped => {}
            end => break end,
        }
    };
    ensure!(end == Event::Exited(0), "{end:?}");
    // Of two names, the first one is found.
    for (function, accesses) in functions.iter().zip(accesses) {
        let is_first = functions.iter().find(|other| other.begin == function.begin);
        ensure!(
            accesses > 100 || is_first.is_some_and(|first| !ptr::eq(first, function)),
            "{} has not been looked at: {accesses}",
            function.name
        );
    }
    Ok(())
}

/// The functions of the family, in a program.
fn family(program: &Program) -> Result<Vec<Function>> {
    let functions = MEM_FAMILY.iter().map(|name| program.function(name));
    functions.collect()
}

fn build(target: Target, name: &str, options: Options) -> Result<PathBuf> {
    let programs = program::select(&[name.to_string()], target.arch)?;
    program::build(target.tools()?, &programs[0], options)
}

/// Reads the machine code of the mem family, and of whatever it calls: none of that may
/// refer to a function of the family.
fn calls_none_of_the_family(program: &Program) -> Result<()> {
    let mut next = family(program)?;
    let family: BTreeMap<u64, &str> = next
        .iter()
        .zip(MEM_FAMILY)
        .map(|(function, name)| (function.begin, name))
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(function) = next.pop() {
        if !seen.insert(function.begin) {
            continue;
        }
        for reference in program.references(&function)? {
            let called = program.called(&function, &reference)?;
            let meant = program.symbol(&reference)?.address();
            let meant = called.as_ref().map_or(meant, |called| called.begin);
            if let Some(other) = family.get(&meant) {
                bail!("{} calls {other} at {:#x}", function.name, reference.place);
            }
            next.extend(called);
        }
    }
    Ok(())
}

fn expect_output(output: &Output, expected: &str) -> Result<()> {
    let printed = String::from_utf8_lossy(expect_status(output, 0)?);
    ensure!(printed == expected, "{printed:?}, not {expected:?}");
    Ok(())
}
