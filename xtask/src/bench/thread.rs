//! `cargo xtask bench thread`: making a thread and joining it, beside pthread_create.

use std::process::Command;

use anyhow::{Context, Result};

use super::contest::{self, Circumstance, Contest, Subject};
use crate::{
    arch::Arch,
    install::Install,
    program::{self, Options, Package},
    toolchain::Tools,
};

/// The suite's name, and that of its folders.
const SUITE: &str = "thread";

const CONTEST: Contest = Contest {
    work: "makes and joins a thread",
    limit: 0.8,
    subjects: &[
        Subject {
            name: "pthread_create, dynamic glibc",
            ours: false,
        },
        Subject {
            name: "pthread_create, static glibc",
            ours: false,
        },
        Subject {
            name: "thread::spawn",
            ours: true,
        },
    ],
    rounds: &[
        Circumstance {
            name: "on one processor",
            pinned: true,
        },
        Circumstance {
            name: "on all processors",
            pinned: false,
        },
    ],
};

/// What the figures mean.
const LEGEND: &str = "\
Times are from the call that makes a thread, which ends at once, to the return of the one
that joins it; those of others than the first row are multiples of its. Each program makes
many threads, one after the other, of which the median counts, programs take turns, shuffled
in every round, and of the rounds' ratios the median counts.";

/// Builds and measures, and prints the table. Each program has `runs` turns, in each of
/// which it makes `count` threads.
///
/// # Errors
///
/// If something is missing and may not be installed, does not build, or fails.
pub fn run(runs: usize, count: u32, install: Install) -> Result<()> {
    eprintln!("building");
    let arch = Arch::host().context("this machine is of no architecture of ours")?;
    let tools = Tools::get(arch, install)?;
    let program = program::find(Package::TestPrograms, "threads", arch)?;
    let ours = program::build(&tools, &program, Options::release())?;
    let dynamic = contest::compile(SUITE, "create.c", &["-pthread"], install)?;
    let statical = contest::compile(SUITE, "create.c", &["-pthread", "-static"], install)?;
    let times = CONTEST.hold(runs, |subject, _| {
        let mut command = Command::new([&dynamic, &statical, &ours][subject]);
        command.env_clear();
        if subject == 2 {
            command.arg("bench").env("ROUNDS", count.to_string());
        } else {
            command.arg(count.to_string());
        }
        command
    })?;
    println!("{times}\n\n{LEGEND}");
    Ok(())
}
