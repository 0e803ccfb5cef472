//! `cargo xtask bench process`: starting a program and waiting for its end, beside
//! posix_spawn.

use std::{fmt, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use super::{
    build::{execute, folder, glibc_cc},
    goals::{Goal, list},
    launch::printed,
    stats::{Shuffler, median},
    timing::Pinned,
};
use crate::{
    arch::Arch,
    install::{self, Install, Need},
    program::{self, Options, Package, root},
    size::{align_right, new_table},
    toolchain::Tools,
};

/// The suite's name, and that of its folders.
const SUITE: &str = "process";

/// The program that is started: one that ends at once.
const CHILD: &str = "env_var";

/// How many times ours may take what posix_spawn takes.
const LIMIT: f64 = 0.9;

/// How much memory the parents have besides, in MiB.
const MEMORY: [u32; 2] = [0, 256];

/// What the figures mean.
const LEGEND: &str = "\
Times are from the call that starts a small static program to the status of its end; those
of others than the first row are multiples of its. Each parent starts it many times, of
which the median counts, parents take turns on one processor, shuffled in every round, and
of the rounds' ratios the median counts.";

/// Who starts programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// glibc's posix_spawn, in a dynamic program.
    Dynamic,
    /// The same, in a static one.
    Static,
    /// `process::Command`, made anew for each.
    Command,
    /// `process::spawn`.
    Spawn,
}

impl Subject {
    const ALL: [Subject; 4] = [
        Subject::Dynamic,
        Subject::Static,
        Subject::Command,
        Subject::Spawn,
    ];

    const fn name(self) -> &'static str {
        match self {
            Subject::Dynamic => "posix_spawn, dynamic glibc",
            Subject::Static => "posix_spawn, static glibc",
            Subject::Command => "process::Command",
            Subject::Spawn => "process::spawn",
        }
    }

    const fn is_ours(self) -> bool {
        matches!(self, Subject::Command | Subject::Spawn)
    }
}

/// Builds and measures, and prints the table. Each parent has `runs` turns, in each of
/// which it starts the program `count` times.
///
/// # Errors
///
/// If something is missing and may not be installed, does not build, or fails.
pub fn run(runs: usize, count: u32, install: Install) -> Result<()> {
    let programs = Programs::build(install)?;
    let table = Table::measure(&programs, runs, count)?;
    println!("{table}\n\n{LEGEND}");
    Ok(())
}

/// What was built.
struct Programs {
    ours: PathBuf,
    dynamic: PathBuf,
    statical: PathBuf,
    child: PathBuf,
}

impl Programs {
    fn build(install: Install) -> Result<Programs> {
        eprintln!("building");
        let arch = Arch::host().context("this machine is of no architecture of ours")?;
        let tools = Tools::get(arch, install)?;
        if glibc_cc(arch).is_none() {
            install::satisfy(&[Need::Glibc(arch)], install)?;
        }
        let build = |name| {
            let program = program::find(Package::TestPrograms, name, arch)?;
            program::build(&tools, &program, Options::release())
        };
        Ok(Programs {
            ours: build("processes")?,
            child: build(CHILD)?,
            dynamic: compile(arch, "dynamic", &[])?,
            statical: compile(arch, "static", &["-static"])?,
        })
    }

    /// The command of a parent with so much memory.
    fn command(&self, subject: Subject, count: u32, memory: u32) -> Command {
        let (path, way) = match subject {
            Subject::Dynamic => (&self.dynamic, None),
            Subject::Static => (&self.statical, None),
            Subject::Command => (&self.ours, Some("command")),
            Subject::Spawn => (&self.ours, Some("spawn")),
        };
        let mut command = Command::new(path);
        command
            .env_clear()
            .args(way.map(|_| "bench"))
            .arg(&self.child)
            .arg(count.to_string())
            .args(way)
            .arg(memory.to_string());
        command
    }
}

fn compile(arch: Arch, name: &str, flags: &[&str]) -> Result<PathBuf> {
    let folder = folder(SUITE);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(name);
    let mut cc = glibc_cc(arch).context("no C compiler links with glibc")?;
    cc.arg("-O2").args(flags).arg("-o").arg(&path);
    cc.arg(root().join("benches").join(SUITE).join("spawn.c"));
    execute(&mut cc)?;
    Ok(path)
}

/// What each parent said in each round, in nanoseconds: for each amount of memory.
struct Table([Times; MEMORY.len()]);

/// The times of the subjects, in their order.
type Times = [Vec<u64>; Subject::ALL.len()];

impl Table {
    fn measure(programs: &Programs, runs: usize, count: u32) -> Result<Table> {
        let mut table = Table(Default::default());
        let _pinned = Pinned::new()?;
        let mut shuffler = Shuffler::default();
        let mut order: Vec<usize> = (0..Subject::ALL.len()).collect();
        for (times, memory) in table.0.iter_mut().zip(MEMORY) {
            eprintln!("measuring: {memory} MiB");
            for _ in 0..runs {
                shuffler.shuffle(&mut order);
                for &subject in &order {
                    let name = Subject::ALL[subject];
                    let said = printed(&mut programs.command(name, count, memory))
                        .with_context(|| format!("{} fails", name.name()))?;
                    let said = String::from_utf8(said)?;
                    let Ok(time) = said.trim().parse() else {
                        bail!("this is no time: {said:?}");
                    };
                    times[subject].push(time);
                }
            }
        }
        Ok(table)
    }

    fn judge(&self) -> Vec<Goal> {
        let ours = Subject::ALL.into_iter().filter(|subject| subject.is_ours());
        ours.flat_map(|ours| {
            self.0
                .iter()
                .zip(MEMORY)
                .filter_map(move |(times, memory)| {
                    let peers = [Subject::Dynamic, Subject::Static];
                    let ratios = peers.map(|peer| ratio(times, ours, peer));
                    let worst = ratios
                        .into_iter()
                        .try_fold(0.0, |worst: f64, ratio| Some(worst.max(ratio?)))?;
                    let what = format!(
                        "{} takes {worst:.3} of the faster posix_spawn's time with {memory} MiB, \
                     to be at most {LIMIT}",
                        ours.name()
                    );
                    Some(Goal::new(what, worst <= LIMIT))
                })
        })
        .collect()
    }
}

/// The median of the rounds' ratios.
fn ratio(times: &Times, subject: Subject, measure: Subject) -> Option<f64> {
    let [times, measures] = [subject, measure].map(|subject| &times[subject as usize]);
    // In millionths, which have an order.
    let ratios = times.iter().zip(measures);
    let ratios: Vec<u64> = ratios
        .map(|(&time, &measure)| time * 1_000_000 / measure.max(1))
        .collect();
    Some(median(&ratios)? as f64 / 1e6)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = MEMORY.map(|memory| match memory {
            0 => "time".to_string(),
            memory => format!("time with {memory} MiB"),
        });
        let [small, large] = &heads;
        let mut table = new_table(&["starts a program", small, large]);
        align_right(&mut table, 1..heads.len() + 1);
        for subject in Subject::ALL {
            let cells = self.0.iter().map(|times| match subject {
                Subject::Dynamic => median(&times[subject as usize])
                    .map(|time| format!("{:.1} µs", time as f64 / 1e3)),
                _ => ratio(times, subject, Subject::Dynamic).map(|ratio| format!("{ratio:.2}")),
            });
            let cells = cells.map(|cell| cell.unwrap_or("-".into()));
            table.add_row([subject.name().to_string()].into_iter().chain(cells));
        }
        write!(f, "{}\n\n{}", table.trim_fmt(), list(&self.judge()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(ours: [u64; 3]) -> Table {
        let times: Times = [
            vec![200, 100, 400],
            vec![200, 100, 400],
            ours.to_vec(),
            ours.to_vec(),
        ];
        Table([times.clone(), times])
    }

    fn verdicts(ours: [u64; 3]) -> Vec<bool> {
        let goals = table(ours).judge();
        goals.iter().map(|goal| goal.reached).collect()
    }

    #[test]
    fn goals_are_reached_or_missed() {
        assert_eq!(verdicts([180, 90, 400]), [true; 4]);
        assert_eq!(verdicts([182, 91, 300]), [false; 4]);
    }

    #[test]
    fn rounds_are_compared_with_themselves() {
        // The median of the times alone would be 200 of 200.
        assert_eq!(verdicts([100, 50, 200]), [true; 4]);
        let printed = table([100, 50, 200]).to_string();
        assert!(
            printed.contains("0.50") && printed.contains("0.2 µs"),
            "{printed}"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert_eq!(Table(Default::default()).judge(), []);
    }
}
