//! The mem family.

use std::process::{ExitCode, Output};

use anyhow::{Result, bail, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Event, Register, Streams, Tracee};
use freestand_tests::{cases, harness};
use xtask::arch::Arch;

cases![
    the_mem_family_does_what_a_byte_at_a_time_does,
    no_function_of_the_mem_family_calls_one,
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
    let write = write_number(tracee.arch());
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

fn expect_output(output: &Output, expected: &str) -> Result<()> {
    let printed = String::from_utf8_lossy(expect_status(output, 0)?);
    ensure!(printed == expected, "{printed:?}, not {expected:?}");
    Ok(())
}

/// The number of write.
fn write_number(arch: Arch) -> u64 {
    match arch {
        Arch::X86_64 => 1,
        Arch::I386 => 4,
        Arch::Aarch64 | Arch::Riscv64 => 64,
    }
}
