//! The mem family and the heap.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Capture, Event, Launch, Register, Streams, Tracee};
use freestand_tests::{cases, harness};
use xtask::arch::Arch;

cases![
    the_mem_family_does_what_a_byte_at_a_time_does,
    no_function_of_the_mem_family_calls_one,
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

fn the_mem_family_does_what_a_byte_at_a_time_does(target: Target) -> Result<()> {
    expect_output(&target.command("mem_family")?.output()?, "ok\n")
}

/// A compiler may put a call to memcpy in place of a loop that copies, also in
/// memcpy. Each function is followed step by step from its call to its return.
fn no_function_of_the_mem_family_calls_one(target: Target) -> Result<()> {
    const NAMES: [&str; 6] = ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"];

    for (index, name) in NAMES.iter().enumerate() {
        let mut tracee = Tracee::start(&target.launch("mem_once")?, Streams::default())?;
        let addresses = written_words(&mut tracee)?;
        ensure!(addresses.len() == NAMES.len(), "{addresses:x?}");
        let start = addresses[index];
        ensure!(
            tracee.run_to(start)? == Event::Stopped,
            "{name} is not called"
        );
        let after = tracee.return_address()?;
        loop {
            ensure!(tracee.step()? == Event::Stopped, "{name} does not return");
            let pc = tracee.register(Register::Pc)?;
            if pc == after {
                break;
            }
            let called = addresses.iter().position(|&address| address == pc);
            let called = called.map(|index| NAMES[index]);
            ensure!(
                called.is_none() || (*name, called) == ("bcmp", Some("memcmp")),
                "{name} calls {called:?}"
            );
        }
    }
    Ok(())
}

/// Runs a program to its first write; the words that it is about to write.
fn written_words(tracee: &mut Tracee) -> Result<Vec<u64>> {
    let write = Calls::of(tracee.arch()).write;
    loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == write => {
                let word = tracee.arch().word() as u64;
                let [_, from, length, ..] = call.args;
                let addresses = (from..from + length).step_by(word as usize);
                return addresses.map(|address| tracee.read_word(address)).collect();
            }
            Event::Syscall(_) => {}
            end => bail!("{end:?} before a write"),
        }
    }
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
