//! The heap.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Capture, Event, Launch, Streams, Tracee};
use freestand_tests::{cases, harness};
use xtask::arch::Arch;

cases![
    collections_live_on_the_heap,
    the_heap_lives_on_mappings_if_the_break_stays,
    the_heap_leaves_alone_what_others_take_by_moving_the_break,
    a_refused_reservation_is_an_error,
    a_refused_box_is_a_panic_with_its_size,
    a_vector_grows_to_the_limit_and_panics,
    the_heap_is_usable_after_a_refusal,
    what_no_address_space_holds_is_refused,
    what_needs_no_heap_makes_no_call_for_one,
    random_work_leaves_every_byte_as_it_was,
    threads_leave_every_byte_as_it_was,
    misuse_is_noticed_in_debug_builds,
    a_link_that_was_overwritten_is_not_followed,
    each_way_is_refused_and_the_heap_goes_on,
    what_cannot_be_remapped_is_copied,
    what_cannot_grow_stays,
    data_can_be_limited,
    large_blocks_go_back_to_the_kernel,
    allocating_costs_three_kib_of_code,
];

fn main() -> ExitCode {
    harness::run(CASES)
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

fn random_work_leaves_every_byte_as_it_was(target: Target) -> Result<()> {
    stress(target, 3000, 0)
}

fn threads_leave_every_byte_as_it_was(target: Target) -> Result<()> {
    stress(target, 700, 4)
}

/// By hand, for minutes: `heap_stress 10000000 4`.
fn stress(target: Target, steps: u32, threads: u32) -> Result<()> {
    let mut command = target.command("heap_stress")?;
    command.args([steps.to_string(), threads.to_string()]);
    expect_output(&command.output()?, "ok\n")
}

fn misuse_is_noticed_in_debug_builds(target: Target) -> Result<()> {
    if target.is_release() {
        return Ok(());
    }
    for size in ["small", "middle", "large"] {
        for (way, message) in [
            ("double", "freed before"),
            ("realloc", "freed before"),
            ("foreign", "no block of the heap's"),
            ("inside", "no block of the heap's"),
        ] {
            let mut command = target.command("heap_misuse")?;
            let output = command.arg(format!("{way}-{size}")).output()?;
            let context = || format!("{way}-{size}: {output:?}");
            ensure!(output.status.signal() == Some(libc::SIGABRT), context());
            let addresses = String::from_utf8_lossy(&output.stdout);
            let (block, other) = addresses.trim_end().split_once(' ').with_context(context)?;
            let freed = match way {
                "foreign" => other.to_owned(),
                "inside" => {
                    let block = u64::from_str_radix(block.trim_start_matches("0x"), 16)?;
                    format!("{:#x}", block + 8)
                }
                _ => block.to_owned(),
            };
            let error = String::from_utf8_lossy(&output.stderr);
            ensure!(error.contains(&format!("freed {freed},")), context());
            ensure!(error.contains(message), context());
        }
    }
    Ok(())
}

/// Whoever writes an address to a block that is free does not get that address.
fn a_link_that_was_overwritten_is_not_followed(target: Target) -> Result<()> {
    let mut command = target.command("heap_misuse")?;
    let output = command.arg("write-small").output()?;
    let lines = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
    let signal = output.status.signal();
    ensure!(
        signal == Some(libc::SIGILL) && lines == 1,
        "{output:?}, {signal:?}"
    );
    Ok(())
}

fn each_way_is_refused_and_the_heap_goes_on(target: Target) -> Result<()> {
    let run = refuse(&limits(target, "ways")?, Refuse::AfterWrite)?;
    ensure!(
        run.end == Event::Exited(0) && run.stdout == "begin\nrefused\n",
        "{run:?}"
    );
    Ok(())
}

fn what_cannot_be_remapped_is_copied(target: Target) -> Result<()> {
    let run = refuse(&limits(target, "enlarge")?, Refuse::Remapping)?;
    ensure!(
        run.end == Event::Exited(0) && run.stdout == "grown\n",
        "{run:?}"
    );
    Ok(())
}

fn what_cannot_grow_stays(target: Target) -> Result<()> {
    let run = refuse(&limits(target, "enlarge")?, Refuse::Growing)?;
    ensure!(
        run.end == Event::Exited(0) && run.stdout == "refused\n",
        "{run:?}"
    );
    Ok(())
}

/// RLIMIT_DATA, which the break and private mappings count against.
fn data_can_be_limited(target: Target) -> Result<()> {
    if !target.is_native() {
        return Ok(());
    }
    let mut command = target.command("heap_limits")?;
    limit(command.arg("recover"), libc::RLIMIT_DATA, 4 << 20);
    expect_output(&command.output()?, "recovered\n")
}

fn large_blocks_go_back_to_the_kernel(target: Target) -> Result<()> {
    expect_output(&target.command("heap_returns")?.output()?, "ok\n")
}

/// The same program, with and without a Box.
fn allocating_costs_three_kib_of_code(target: Target) -> Result<()> {
    if target != Target::new(Arch::X86_64, xtask::program::Profile::Release) {
        return Ok(());
    }
    let [with, without] = ["heap_once", "heap_never"].map(|program| {
        let path = target.program(program)?;
        anyhow::Ok(std::fs::metadata(path)?.len())
    });
    let (with, without) = (with?, without?);
    ensure!(with <= without + (3 << 10), "{with}, and {without} without");
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
    mremap: u64,
    write: u64,
    ioctl: u64,
    exit_group: u64,
}

impl Calls {
    fn of(arch: Arch) -> Calls {
        let [brk, mmap, mremap, write, ioctl, exit_group] = match arch {
            Arch::X86_64 => [12, 9, 25, 1, 16, 231],
            Arch::I386 => [45, 192, 163, 4, 54, 252],
            Arch::Aarch64 | Arch::Riscv64 => [214, 222, 216, 64, 29, 94],
        };
        Calls {
            brk,
            mmap,
            mremap,
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
    /// The break, and every mapping, from the program's first write on.
    AfterWrite,
    /// To make a mapping longer, or move it.
    Remapping,
    /// That, and what is large.
    Growing,
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
    let Calls {
        brk,
        mmap,
        mremap,
        write,
        ..
    } = Calls::of(launch.arch);
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(launch, capture.streams()?)?;
    let mut has_written = false;
    let end = loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == write => has_written = true,
            // The kernel does not take 0 for a break, and says where it is.
            Event::Syscall(call) if call.number == brk => {
                let refused = match what {
                    Refuse::Break | Refuse::Everything | Refuse::Large => true,
                    Refuse::AfterWrite => has_written,
                    Refuse::Remapping | Refuse::Growing => false,
                };
                if refused {
                    tracee.set_argument(0, 0)?;
                }
            }
            Event::Syscall(call) if call.number == mmap || call.number == mremap => {
                let is_mmap = call.number == mmap;
                let refused = match what {
                    Refuse::Break => false,
                    Refuse::Everything => true,
                    Refuse::Large => is_mmap && call.args[1] >= LARGE,
                    Refuse::AfterWrite => has_written,
                    Refuse::Remapping => !is_mmap,
                    Refuse::Growing => !is_mmap || call.args[1] >= LARGE,
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
    limit(command.arg(way), libc::RLIMIT_AS, 64 << 20);
    Ok(Some(command.output().context("running heap_limits")?))
}

fn limit(command: &mut Command, resource: libc::__rlimit_resource_t, bytes: libc::rlim_t) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: `limit` is there to be read.
    let set = move || match unsafe { libc::setrlimit(resource, &limit) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    };
    // SAFETY: between fork and exec this makes a system call, and no more.
    unsafe { command.pre_exec(set) };
}
