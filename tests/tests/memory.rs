//! The mem family and the heap.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};
use std::ptr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use freestand_tests::accesses::access;
use freestand_tests::references::{Function, MEM_FAMILY, Program};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Capture, Event, Launch, Register, Streams, Tracee};
use freestand_tests::{cases, harness};
use object::ObjectSymbol;
use xtask::arch::Arch;
use xtask::install::Install;
use xtask::program::{self, Options};
use xtask::toolchain::Tools;

cases![
    the_mem_family_does_what_a_byte_at_a_time_does,
    the_mem_family_does_so_before_it_knows_the_processor,
    no_function_of_the_mem_family_calls_one,
    the_small_mem_family_does_so_in_256_bytes,
    no_access_of_the_mem_family_is_misaligned,
    collections_live_on_the_heap,
    the_heap_lives_on_mappings_if_the_break_stays,
    the_heap_leaves_alone_what_others_take_by_moving_the_break,
    a_refused_reservation_is_an_error,
    a_refused_box_is_a_panic_with_its_size,
    a_vector_grows_to_the_limit_and_panics,
    the_heap_is_usable_after_a_refusal,
    what_no_address_space_holds_is_refused,
    what_needs_no_heap_makes_no_call_for_one,
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
    let functions: Vec<Function> = MEM_FAMILY
        .iter()
        .map(|name| program.function(name))
        .collect::<Result<_>>()?;
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
    let program = Program::parse(target.arch, &image)?;
    let functions: Vec<Function> = MEM_FAMILY
        .iter()
        .map(|name| program.function(name))
        .collect::<Result<_>>()?;

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

fn build(target: Target, name: &str, options: Options) -> Result<PathBuf> {
    let tools = Tools::get(target.arch, Install::No)?;
    let programs = program::select(&[name.to_string()], target.arch)?;
    program::build(&tools, &programs[0], options)
}

/// Reads the machine code of the mem family, and of whatever it calls: none of that may
/// refer to a function of the family.
fn calls_none_of_the_family(program: &Program) -> Result<()> {
    let mut next = Vec::new();
    for name in MEM_FAMILY {
        next.push(program.function(name)?);
    }
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

fn collections_live_on_the_heap(target: Target) -> Result<()> {
    expect_output(&target.command("heap")?.output()?, "ok\n")
}

fn the_heap_lives_on_mappings_if_the_break_stays(target: Target) -> Result<()> {
    let mut launch = target.launch("heap")?;
    // A debug build under qemu's debugger takes some seconds even if nothing else
    // keeps the machine busy.
    launch.deadline = Duration::from_secs(120);
    let run = refuse(&launch, Refuse::Break)?;
    ensure!(
        run.end == Event::Exited(0) && run.stdout == "ok\n",
        "{run:?}"
    );
    Ok(())
}

fn the_heap_leaves_alone_what_others_take_by_moving_the_break(target: Target) -> Result<()> {
    expect_output(&target.command("heap_shares_break")?.output()?, "ok\n")
}

fn a_refused_reservation_is_an_error(target: Target) -> Result<()> {
    let run = refuse(&limits(target, "reserve")?, Refuse::Everything)?;
    ensure!(run.end == Event::Exited(0), "{run:?}");
    ensure!(run.stdout.contains("memory allocation failed"), "{run:?}");
    Ok(())
}

fn a_refused_box_is_a_panic_with_its_size(target: Target) -> Result<()> {
    let run = refuse(&limits(target, "box")?, Refuse::Everything)?;
    ensure!(run.end == Event::Killed(libc::SIGABRT), "{run:?}");
    ensure!(
        run.stderr
            .contains("memory allocation of 4321 bytes failed"),
        "{run:?}"
    );
    ensure!(run.stdout.is_empty(), "{run:?}");
    Ok(())
}

fn a_vector_grows_to_the_limit_and_panics(target: Target) -> Result<()> {
    let (aborted, message) = match limited(target, "grow")? {
        Some(output) => (
            output.status.signal() == Some(libc::SIGABRT),
            String::from_utf8(output.stderr)?,
        ),
        None => {
            let run = refuse(&limits(target, "grow")?, Refuse::Large)?;
            (run.end == Event::Killed(libc::SIGABRT), run.stderr)
        }
    };
    ensure!(aborted, "{message}");
    // How large the last request is depends on what the heap makes of its holes.
    let size = message
        .split_once("memory allocation of ")
        .and_then(|(_, rest)| rest.split_once(" bytes failed"));
    let size: u64 = size.context(message.clone())?.0.parse()?;
    ensure!(size.is_power_of_two() && size > 1 << 20, "{message}");
    Ok(())
}

fn the_heap_is_usable_after_a_refusal(target: Target) -> Result<()> {
    if let Some(output) = limited(target, "recover")? {
        expect_output(&output, "recovered\n")?;
    }
    let run = refuse(&limits(target, "recover")?, Refuse::Large)?;
    ensure!(
        run.end == Event::Exited(0) && run.stdout == "recovered\n",
        "{run:?}"
    );
    Ok(())
}

fn what_no_address_space_holds_is_refused(target: Target) -> Result<()> {
    let mut command = target.command("heap_limits")?;
    expect_output(&command.arg("impossible").output()?, "impossible\n")
}

fn what_needs_no_heap_makes_no_call_for_one(target: Target) -> Result<()> {
    let Calls {
        write,
        ioctl,
        exit_group,
        ..
    } = Calls::of(target.arch);
    for (program, expected) in [
        ("hello", &[write, exit_group][..]),
        // Whether standard output is a terminal decides how it is buffered.
        ("greet", &[ioctl, write, exit_group]),
    ] {
        let mut tracee = Tracee::start(&target.launch(program)?, Streams::default())?;
        let mut calls = Vec::new();
        let end = loop {
            match tracee.next_syscall()? {
                Event::Syscall(call) => calls.push(call.number),
                end => break end,
            }
        };
        ensure!(end == Event::Exited(0), "{program}: {end:?}");
        ensure!(
            calls == expected,
            "{program} calls {calls:?}, not {expected:?}"
        );
    }
    Ok(())
}

fn expect_output(output: &Output, expected: &str) -> Result<()> {
    let printed = String::from_utf8_lossy(expect_status(output, 0)?);
    ensure!(printed == expected, "{printed:?}, not {expected:?}");
    Ok(())
}

/// The numbers of system calls.
struct Calls {
    brk: u64,
    /// mmap2 on i386.
    mmap: u64,
    write: u64,
    ioctl: u64,
    exit_group: u64,
}

impl Calls {
    fn of(arch: Arch) -> Calls {
        let [brk, mmap, write, ioctl, exit_group] = match arch {
            Arch::X86_64 => [12, 9, 1, 16, 231],
            Arch::I386 => [45, 192, 4, 54, 252],
            Arch::Aarch64 | Arch::Riscv64 => [214, 222, 64, 29, 94],
        };
        Calls {
            brk,
            mmap,
            write,
            ioctl,
            exit_group,
        }
    }
}

/// The program that asks for too much, in this way.
fn limits(target: Target, way: &str) -> Result<Launch> {
    let mut launch = target.launch("heap_limits")?;
    launch.args = vec![way.into()];
    Ok(launch)
}

/// What a kernel refuses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refuse {
    /// To move the break.
    Break,
    /// That, and every mapping.
    Everything,
    /// That, and large mappings.
    Large,
}

/// How a program fared.
#[derive(Debug)]
struct Run {
    end: Event,
    stdout: String,
    stderr: String,
}

/// Runs a program under a kernel that refuses it memory.
fn refuse(launch: &Launch, what: Refuse) -> Result<Run> {
    const LARGE: u64 = 16 << 20;
    let Calls { brk, mmap, .. } = Calls::of(launch.arch);
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(launch, capture.streams()?)?;
    let end = loop {
        match tracee.next_syscall()? {
            // The kernel does not take 0 for a break, and says where it is.
            Event::Syscall(call) if call.number == brk => tracee.set_argument(0, 0)?,
            Event::Syscall(call) if call.number == mmap => {
                let refused = match what {
                    Refuse::Break => false,
                    Refuse::Everything => true,
                    Refuse::Large => call.args[1] >= LARGE,
                };
                if refused {
                    tracee.skip_syscall(-i64::from(libc::ENOMEM))?;
                }
            }
            Event::Syscall(_) => {}
            end => break end,
        }
    };
    Ok(Run {
        end,
        stdout: String::from_utf8(capture.stdout()?)?,
        stderr: String::from_utf8(capture.stderr()?)?,
    })
}

/// Runs the program that asks for too much where an address space has 64 MiB. Not
/// under qemu, which needs more than that for itself.
fn limited(target: Target, way: &str) -> Result<Option<Output>> {
    if !target.is_native() {
        return Ok(None);
    }
    let mut command = target.command("heap_limits")?;
    limit_address_space(command.arg(way), 64 << 20);
    Ok(Some(command.output().context("running heap_limits")?))
}

fn limit_address_space(command: &mut Command, bytes: libc::rlim_t) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: `limit` is there to be read.
    let set = move || match unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    };
    // SAFETY: between fork and exec this makes a system call, and no more.
    unsafe { command.pre_exec(set) };
}
