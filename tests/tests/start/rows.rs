//! What start-up does beyond calling `main`: rows 10 to 18 of the table in
//! src/startup/mod.rs.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Output;

use anyhow::{Context, Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::trace::count::count_instructions;
use freestand_tests::trace::stack::InitialStack;
use freestand_tests::trace::{Capture, Event, Streams, Tracee};
use object::elf::PT_GNU_RELRO;
use xtask::arch::Arch;
use xtask::elf::Image;
use xtask::path::copy_program;

cases![
    row_10_static_pie_programs_have_no_interpreter_and_no_dynamic_section,
    row_10_static_pie_relocates_every_kind_of_pointer,
    row_10_static_pie_is_somewhere_else_each_time,
    row_10_static_pie_runs_where_it_is_put_without_randomization,
    row_10_what_is_relocated_is_protected,
    row_10_a_refused_protection_ends_the_program,
    row_10_static_pie_hello_takes_few_steps,
    row_11_thread_local_variables_are_found_in_both_ways,
    row_11_a_thread_local_variable_may_be_aligned_to_a_page,
    row_11_a_refused_thread_pointer_ends_the_program,
    row_12_the_canary_is_random_with_a_byte_zero,
    row_12_a_smashed_stack_aborts,
    row_13_constructors_and_destructors_run_in_their_order,
    row_13_exit_handlers_run_before_destructors,
    row_13_as_many_exit_handlers_as_posix_asks_for,
    row_14_secure_execution_opens_what_is_closed,
    row_14_other_execution_leaves_closed_what_is_closed,
    row_14_a_set_user_id_program_is_secure,
    row_18_i386_calls_the_kernel_by_at_sysinfo,
];

fn output(target: Target, name: &str, args: &[&str]) -> Result<Output> {
    Ok(target.command(name)?.args(args).output()?)
}

fn printed(target: Target, name: &str, args: &[&str]) -> Result<String> {
    let output = output(target, name, args)?;
    Ok(String::from_utf8(expect_status(&output, 0)?.to_vec())?)
}

fn row_10_static_pie_programs_have_no_interpreter_and_no_dynamic_section(
    target: Target,
) -> Result<()> {
    if !target.pie {
        return Ok(());
    }
    for name in ["hello", "args", "start_pointers", "start_tls"] {
        let image = Image::read(&target.program(name)?)?;
        let broken = image.violations(target.arch);
        ensure!(broken.is_empty(), "{name}: {}", broken.join("; "));
        // ET_DYN (gABI, "ELF Header").
        ensure!(image.bytes()[16..18] == [3, 0], "{name} is not ET_DYN");
    }
    Ok(())
}

fn row_10_static_pie_relocates_every_kind_of_pointer(target: Target) -> Result<()> {
    let address = printed(target, "start_pointers", &[])?;
    ensure!(address.starts_with("0x"), "{address}");
    Ok(())
}

fn row_10_static_pie_is_somewhere_else_each_time(target: Target) -> Result<()> {
    let addresses: BTreeSet<String> = (0..8)
        .map(|_| printed(target, "start_pointers", &[]))
        .collect::<Result<_>>()?;
    // qemu puts it where it put it before.
    let several = target.pie && target.is_native();
    ensure!((addresses.len() > 1) == several, "{addresses:?}");
    Ok(())
}

fn row_10_static_pie_runs_where_it_is_put_without_randomization(target: Target) -> Result<()> {
    let fixed = || {
        let mut command = target.command("start_pointers")?;
        // SAFETY: personality(2) can be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong);
                Ok(())
            });
        }
        let output = command.output()?;
        Ok::<_, anyhow::Error>(expect_status(&output, 0)?.to_vec())
    };
    ensure!(fixed()? == fixed()?);
    Ok(())
}

/// That the kernel does not write there shows the program itself, in
/// `row_10_static_pie_relocates_every_kind_of_pointer`.
fn row_10_what_is_relocated_is_protected(target: Target) -> Result<()> {
    let image = Image::read(&target.program("start_pointers")?)?;
    let segments = image.segments();
    let relro = segments
        .iter()
        .find(|segment| segment.kind == PT_GNU_RELRO.0);
    ensure!(target.pie == relro.is_some(), "{segments:?}");
    if let Some(relro) = relro {
        // It is a segment by itself, in pages of its own.
        let page = |address: u64| address / target.arch.page();
        let own = |other: &&xtask::elf::Segment| {
            page(other.address + other.memory_size) < page(relro.address)
                || page(relro.address + relro.memory_size) < page(other.address)
        };
        let others: Vec<_> = segments
            .iter()
            .filter(|segment| segment.is_loaded() && segment.address != relro.address)
            .collect();
        ensure!(others.iter().all(own), "{segments:?}");
        ensure!(relro.memory_size >= 200 * target.arch.word() as u64);
    }
    Ok(())
}

/// Runs a program up to the system call `number`, which gets the result `result`.
fn refuse(target: Target, name: &str, number: u64, result: i64) -> Result<(Event, String)> {
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(&target.launch(name)?, capture.streams()?)?;
    loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == number => {
                tracee.skip_syscall(result)?;
                let end = tracee.resume_to_end()?;
                return Ok((end, String::from_utf8(capture.stderr()?)?));
            }
            Event::Syscall(_) => {}
            event => anyhow::bail!("{event:?} before call {number}"),
        }
    }
}

fn row_10_a_refused_protection_ends_the_program(target: Target) -> Result<()> {
    if !target.pie {
        return Ok(());
    }
    let mprotect = match target.arch {
        Arch::X86_64 => 10,
        Arch::I386 => 125,
        Arch::Aarch64 | Arch::Riscv64 => 226,
    };
    let refused = refuse(target, "start_pointers", mprotect, -i64::from(libc::EPERM))?;
    let message = "freestand: cannot protect what was relocated (mprotect)\n";
    ensure!(
        refused == (Event::Exited(127), message.to_owned()),
        "{refused:?}"
    );
    Ok(())
}

fn row_10_static_pie_hello_takes_few_steps(target: Target) -> Result<()> {
    if !target.pie || !target.is_release() || target.qemu {
        return Ok(());
    }
    let mut tracee = Tracee::start(&target.launch("hello")?, Streams::default())?;
    let count = count_instructions(&mut tracee, None)?;
    ensure!(count.end == Event::Exited(0), "{count:?}");
    ensure!(count.instructions <= 150, "{count:?}");
    let mut image = Image::read(&target.program("hello")?)?;
    image.cut()?;
    ensure!(image.len() <= 1000, "{} bytes", image.len());
    Ok(())
}

fn row_11_thread_local_variables_are_found_in_both_ways(target: Target) -> Result<()> {
    ensure!(printed(target, "start_tls", &[])? == "ok\n");
    Ok(())
}

fn row_11_a_thread_local_variable_may_be_aligned_to_a_page(target: Target) -> Result<()> {
    ensure!(printed(target, "start_tls_aligned", &[])? == "ok\n");
    Ok(())
}

/// On aarch64 and riscv64 an instruction sets it, which cannot be refused.
fn row_11_a_refused_thread_pointer_ends_the_program(target: Target) -> Result<()> {
    let call = match target.arch {
        Arch::X86_64 => 158,
        Arch::I386 => 243,
        Arch::Aarch64 | Arch::Riscv64 => return Ok(()),
    };
    let refused = refuse(target, "start_tls", call, -i64::from(libc::EPERM))?;
    let message = "freestand: cannot set the thread pointer, for thread-local storage\n";
    ensure!(
        refused == (Event::Exited(127), message.to_owned()),
        "{refused:?}"
    );
    Ok(())
}

/// The words behind an array, in three runs: one of them is another each time, and ends
/// in a byte that is zero.
fn row_12_the_canary_is_random_with_a_byte_zero(target: Target) -> Result<()> {
    let look = || -> Result<Vec<u64>> {
        let words = printed(target, "start_canary", &[])?;
        words
            .lines()
            .map(|word| Ok(u64::from_str_radix(word, 16)?))
            .collect()
    };
    let runs = [look()?, look()?, look()?];
    let canary = (0..runs[0].len()).find(|&i| {
        let words: BTreeSet<u64> = runs.iter().map(|words| words[i]).collect();
        // An address differs as well, but not from its lowest random bits up.
        let random = |word: &u64| word & 0xff == 0 && word >> (8 * target.arch.word() - 8) != 0;
        words.len() == 3 && words.iter().filter(|word| random(word)).count() >= 2
    });
    canary.with_context(|| format!("no canary in {runs:x?}"))?;
    Ok(())
}

fn row_12_a_smashed_stack_aborts(target: Target) -> Result<()> {
    ensure!(printed(target, "start_canary", &["16"])? == "filled: well\n");
    let output = output(target, "start_canary", &["64"])?;
    ensure!(output.status.signal() == Some(libc::SIGABRT), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        stderr.starts_with("stack smashing detected\n"),
        "{output:?}"
    );
    // Nothing of what was printed before is made to look done.
    ensure!(!output.stdout.ends_with(b"well\n"), "{output:?}");
    Ok(())
}

const BEFORE: &str = "preinit\ninit 101\ninit 102\ninit\nmain\n";
const HANDLERS: &str = "registered last\nregistered at exit\nregistered first\n";
const AFTER: &str = "fini\nfini 102\nfini 101\n";

fn row_13_constructors_and_destructors_run_in_their_order(target: Target) -> Result<()> {
    let all = [BEFORE, HANDLERS, AFTER].concat();
    ensure!(printed(target, "start_constructors", &["return"])? == all);
    Ok(())
}

fn row_13_exit_handlers_run_before_destructors(target: Target) -> Result<()> {
    let all = [BEFORE, HANDLERS, AFTER].concat();
    for (way, status, expected) in [
        ("exit", 3, &*all),
        // The last handler exits again; those that are left run all the same.
        ("exit twice", 5, &*all),
        // Nothing runs, and nothing is flushed.
        ("_exit", 4, ""),
    ] {
        let output = output(target, "start_constructors", &[way])?;
        let stdout = String::from_utf8_lossy(expect_status(&output, status)?);
        ensure!(stdout == expected, "{way}: {stdout}");
    }
    Ok(())
}

fn row_13_as_many_exit_handlers_as_posix_asks_for(target: Target) -> Result<()> {
    ensure!(printed(target, "start_at_exit", &[])? == "x".repeat(32));
    Ok(())
}

/// Starts `start_secure` with AT_SECURE as it is told, and claims that each standard
/// descriptor is closed whose state it asks for. The calls of fcntl and of openat that it
/// makes, the latter with the results `opened` as long as there are any; its end, and what
/// it says on standard error and in its report.
fn secure(
    target: Target,
    secure: bool,
    opened: &[i64],
) -> Result<(Vec<&'static str>, Event, String, String)> {
    let (fcntl, openat) = match target.arch {
        Arch::X86_64 => (72, 257),
        Arch::I386 => (221, 295),
        Arch::Aarch64 | Arch::Riscv64 => (25, 56),
    };
    let folder = TempDir::new()?;
    let report = folder.path().join("report");
    let capture = Capture::new(b"")?;
    let mut launch = target.launch("start_secure")?;
    launch.args = vec![OsString::from(&report)];
    let mut tracee = Tracee::start(&launch, capture.streams()?)?;
    let mut stack = InitialStack::read(&mut tracee)?;
    stack.set_aux(libc::AT_SECURE, secure.into());
    stack.install(&mut tracee, 0)?;
    let mut calls = Vec::new();
    let mut opened = opened.iter();
    let end = loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == fcntl => {
                calls.push("fcntl");
                tracee.skip_syscall(-i64::from(libc::EBADF))?;
            }
            Event::Syscall(call) if call.number == openat => {
                calls.push("openat");
                if let Some(&result) = opened.next() {
                    tracee.skip_syscall(result)?;
                }
            }
            Event::Syscall(_) => {}
            end => break end,
        }
    };
    let stderr = String::from_utf8(capture.stderr()?)?;
    let report = fs::read_to_string(report).unwrap_or_default();
    Ok((calls, end, stderr, report))
}

fn row_14_secure_execution_opens_what_is_closed(target: Target) -> Result<()> {
    let (calls, end, stderr, report) = secure(target, true, &[0, 1, 2])?;
    ensure!(end == Event::Exited(0), "{end:?}: {stderr}");
    let pair = ["fcntl", "openat"];
    ensure!(calls[..6] == [pair, pair, pair].concat(), "{calls:?}");
    ensure!(report.starts_with("secure\n"), "{report}");

    // If /dev/null cannot be opened, or not as the descriptor that is missing.
    for result in [-i64::from(libc::ENOENT), 3] {
        let (_, end, stderr, _) = secure(target, true, &[0, result])?;
        let message = "freestand: cannot open /dev/null in place of a closed standard descriptor\n";
        ensure!(
            end == Event::Exited(127) && stderr == message,
            "{end:?}: {stderr}"
        );
    }
    Ok(())
}

fn row_14_other_execution_leaves_closed_what_is_closed(target: Target) -> Result<()> {
    let (calls, end, stderr, report) = secure(target, false, &[])?;
    ensure!(end == Event::Exited(0), "{end:?}: {stderr}");
    ensure!(calls == ["openat"], "{calls:?}");
    ensure!(report.starts_with("not secure\n"), "{report}");
    Ok(())
}

fn row_14_a_set_user_id_program_is_secure(target: Target) -> Result<()> {
    // qemu-user is no set-user-ID program, and says what the kernel says of qemu. Only
    // root can give a file away, and make it run as another user.
    // SAFETY: it takes no pointers.
    if !target.is_native() || unsafe { libc::geteuid() } != 0 {
        return Ok(());
    }
    const NOBODY: u32 = 65534;
    let folder = TempDir::new()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777))?;
    let copy = folder.path().join("copy");
    copy_program(&target.program("start_secure")?, &copy)?;
    let run = |mode: u32| -> Result<String> {
        fs::set_permissions(&copy, Permissions::from_mode(mode))?;
        let report = folder.path().join(format!("report-{mode:o}"));
        let mut command = target.command_for(&copy)?;
        command.arg(&report).uid(NOBODY).gid(NOBODY);
        // SAFETY: close(2) can be called between fork and exec, and closes what the
        // program is to find closed.
        unsafe {
            command.pre_exec(|| {
                libc::close(1);
                libc::close(2);
                Ok(())
            });
        }
        let status = command.status()?;
        ensure!(status.success(), "{status}");
        Ok(fs::read_to_string(report)?)
    };
    let said = run(0o755)?;
    ensure!(
        said.starts_with("not secure\n") && said.ends_with("new: 1\n"),
        "{said}"
    );
    let said = run(0o4755)?;
    ensure!(said.starts_with("secure\n"), "{said}");
    ensure!(said.ends_with("/dev/null\n/dev/null\nnew: 3\n"), "{said}");
    Ok(())
}

/// On a kernel that runs i386 programs the vDSO has the function; under qemu-user there is
/// none, and the program has to do with the instruction.
fn row_18_i386_calls_the_kernel_by_at_sysinfo(target: Target) -> Result<()> {
    const AT_SYSINFO: u64 = 32;
    let mut tracee = Tracee::start(&target.launch("cat")?, Streams::default())?;
    let stack = InitialStack::read(&mut tracee)?;
    let sysinfo = stack.auxv.iter().find(|entry| entry.0 == AT_SYSINFO);
    let expected = target.arch == Arch::I386 && target.is_native();
    ensure!(sysinfo.is_some() == expected, "{sysinfo:x?}");
    if let Some(&(_, address)) = sysinfo {
        let event = tracee.run_to(address)?;
        ensure!(
            event == Event::Stopped,
            "{event:?} and no call at {address:#x}"
        );
        ensure!(tracee.resume_to_end()? == Event::Exited(0));
    }
    Ok(())
}
