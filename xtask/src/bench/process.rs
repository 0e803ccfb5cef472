//! `cargo xtask bench process`: starting a program and waiting for its end, beside
//! posix_spawn.

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
const SUITE: &str = "process";

/// The program that is started: one that ends at once.
const CHILD: &str = "env_var";

const CONTEST: Contest = Contest {
    work: "starts a program",
    limit: 0.9,
    subjects: &[
        Subject {
            name: "posix_spawn, dynamic glibc",
            ours: false,
        },
        Subject {
            name: "posix_spawn, static glibc",
            ours: false,
        },
        Subject {
            name: "process::Command",
            ours: true,
        },
        Subject {
            name: "process::spawn",
            ours: true,
        },
    ],
    rounds: &[
        Circumstance {
            name: "small",
            pinned: true,
        },
        Circumstance {
            name: "with 256 MiB",
            pinned: true,
        },
    ],
};

/// How much memory the parents have besides in each of the rounds, in MiB.
const MEMORY: [&str; 2] = ["0", "256"];

/// What the figures mean.
const LEGEND: &str = "\
Times are from the call that starts a small static program to the status of its end; those
of others than the first row are multiples of its. Each parent starts it many times, of
which the median counts, parents take turns on one processor, shuffled in every round, and
of the rounds' ratios the median counts.";

/// Builds and measures, and prints the table. Each parent has `runs` turns, in each of
/// which it starts the program `count` times.
///
/// # Errors
///
/// If something is missing and may not be installed, does not build, or fails.
pub fn run(runs: usize, count: u32, install: Install) -> Result<()> {
    eprintln!("building");
    let arch = Arch::host().context("this machine is of no architecture of ours")?;
    let tools = Tools::get(arch, install)?;
    let build = |name| {
        let program = program::find(Package::TestPrograms, name, arch)?;
        program::build(&tools, &program, Options::release())
    };
    let (ours, child) = (build("processes")?, build(CHILD)?);
    let dynamic = contest::compile(SUITE, "spawn.c", &[], install)?;
    let statical = contest::compile(SUITE, "spawn.c", &["-static"], install)?;
    let times = CONTEST.hold(runs, |subject, round| {
        let (path, way) = match subject {
            0 => (&dynamic, None),
            1 => (&statical, None),
            2 => (&ours, Some("command")),
            _ => (&ours, Some("spawn")),
        };
        let mut command = Command::new(path);
        command
            .env_clear()
            .args(way.map(|_| "bench"))
            .arg(&child)
            .arg(count.to_string())
            .args(way)
            .arg(MEMORY[round]);
        command
    })?;
    println!("{times}\n\n{LEGEND}");
    Ok(())
}
