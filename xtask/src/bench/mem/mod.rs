//! `cargo xtask bench mem`: memcpy and its family beside glibc's.

mod measure;
mod sample;

use std::{fmt, path::PathBuf};

use anyhow::Result;

use self::{
    measure::Measured,
    sample::{Sample, functions, ratio, sizes},
};
use super::{
    curves::{Curve, Curves, Panel},
    goals::{self, Goal},
    svg,
};
use crate::{
    arch::Arch,
    install::Install,
    size::{align_right, new_table},
    toolchain::Tools,
};

/// The suite's name, and that of its folders.
const SUITE: &str = "mem";

/// How many times glibc's cost ours may have.
const COST: f64 = 1.0;

/// The functions that this is for: those that a compiler expects.
const EXPECTED: [&str; 6] = ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"];

/// How many bytes the family's code may have on x86_64.
const CODE: u64 = 3 << 10;

/// What the tables call some sizes.
const BANDS: [(&str, u64, u64); 4] = [
    ("to 128 B", 0, 128),
    ("256 B to 4 KiB", 256, 4 << 10),
    ("from 16 KiB on", 16 << 10, u64::MAX),
    ("all", 0, u64::MAX),
];

/// What the figures mean.
const LEGEND: &str = "\
Ratios are ours to glibc's, and of several their geometric mean: over sizes, over where
the bytes are (aligned or not, page-aliased, overlapping), and of times over calls that
wait for the one before (latency) or not (throughput). Of times, both sides take turns in
one process, and of each the fastest turn counts. Instructions are those of one call under
qemu, the second with the same arguments.";

/// Builds and measures, prints the tables, and writes the plot to `plot` or else to the
/// folder of the builds. This machine's architecture is timed, in `runs` processes; of
/// the others, instructions are counted.
///
/// # Errors
///
/// If something is missing, does not build or fails.
pub fn run(archs: &[Arch], runs: usize, plot: Option<PathBuf>, install: Install) -> Result<()> {
    let mut families = Vec::new();
    for &arch in archs {
        let tools = Tools::get(arch, install)?;
        let family = Family::measure(&tools, runs, install)?;
        println!("{family}\n");
        families.push(family);
    }
    println!("{LEGEND}\n");
    let curves = Curves {
        title: "memcpy and its family / glibc's, by size: below 1 is better".to_string(),
        panels: families.iter().map(Family::panel).collect(),
    };
    svg::write(SUITE, plot, &curves.to_svg())
}

/// An architecture's functions.
struct Family {
    arch: Arch,
    measured: Measured,
    samples: Vec<Sample>,
    /// The bytes of all their code.
    code: u64,
}

impl Family {
    fn measure(tools: &Tools, runs: usize, install: Install) -> Result<Family> {
        let arch = tools.arch;
        let (measured, samples) = if Arch::host() == Some(arch) {
            (Measured::Time, measure::time(runs)?)
        } else {
            (Measured::Instructions, measure::count(tools, install)?)
        };
        Ok(Family {
            arch,
            measured,
            samples,
            code: measure::code(tools)?,
        })
    }

    fn title(&self) -> String {
        format!("{} on {}", self.measured, self.arch)
    }

    /// The ratio of a function at these sizes, whatever the pattern.
    fn ratio(&self, function: &str, from: u64, to: u64) -> Option<f64> {
        ratio(
            self.samples
                .iter()
                .filter(|sample| sample.function == function && (from..=to).contains(&sample.size)),
        )
    }

    fn goals(&self) -> Vec<Goal> {
        let costs = EXPECTED.into_iter().filter_map(|function| {
            let ratio = self.ratio(function, 0, u64::MAX)?;
            let what = format!(
                "{function} takes {ratio:.2} of the {} of glibc's, to be at most {COST:.2}",
                self.measured
            );
            Some(Goal::new(what, ratio <= COST))
        });
        let code = (self.arch == Arch::X86_64).then(|| {
            let what = format!("the family has {} bytes, to be at most {CODE}", self.code);
            Goal::new(what, self.code <= CODE)
        });
        costs.chain(code).collect()
    }

    fn panel(&self) -> Panel {
        let curve = |function: &str| Curve {
            name: function.to_string(),
            points: sizes(&self.samples)
                .into_iter()
                .filter_map(|size| Some((size as f64, self.ratio(function, size, size)?)))
                .collect(),
        };
        Panel {
            title: self.title(),
            curves: functions(&self.samples).into_iter().map(curve).collect(),
        }
    }

    fn bands(&self) -> String {
        let title = self.title();
        let names = BANDS.map(|(name, ..)| name);
        let mut table = new_table(&[&[title.as_str()], &names[..]].concat());
        align_right(&mut table, 1..names.len() + 1);
        for function in functions(&self.samples) {
            let cells = BANDS.map(|(_, from, to)| cell(self.ratio(function, from, to)));
            table.add_row([function.to_string()].into_iter().chain(cells));
        }
        table.trim_fmt()
    }

    fn by_size(&self) -> String {
        let functions = functions(&self.samples);
        let mut table = new_table(&[&["bytes"], &functions[..]].concat());
        align_right(&mut table, 0..functions.len() + 1);
        for size in sizes(&self.samples) {
            let cells = functions
                .iter()
                .map(|function| cell(self.ratio(function, size, size)));
            table.add_row([size.to_string()].into_iter().chain(cells));
        }
        table.trim_fmt()
    }
}

fn cell(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_string(), |ratio| format!("{ratio:.2}"))
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.by_size())?;
        writeln!(f, "{}\n", self.bands())?;
        writeln!(f, "code: {} bytes\n", self.code)?;
        f.write_str(&goals::list(&self.goals()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(arch: Arch, code: u64, lines: &[&str]) -> Family {
        let parse = |line: &&str| Sample::parse(&line.replace(' ', "\t")).unwrap().unwrap();
        Family {
            arch,
            measured: Measured::Time,
            samples: lines.iter().map(parse).collect(),
            code,
        }
    }

    fn verdicts(family: &Family) -> Vec<bool> {
        family.goals().iter().map(|goal| goal.reached).collect()
    }

    #[test]
    fn each_band_has_its_mean() {
        let family = family(
            Arch::X86_64,
            100,
            &[
                "memcpy a t 128 1 2",
                "memcpy b t 128 2 1",
                "memcpy a t 200 9 1",
                "memcpy a t 256 1 4",
                "memcpy a t 16384 3 1",
            ],
        );
        let bands = family.bands();
        let row = bands.lines().last().unwrap();
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        // The last is the fifth root of 9 / 4 * 3.
        assert_eq!(cells[1..6], ["memcpy", "1.00", "0.25", "3.00", "1.47"]);
        assert_eq!(family.by_size().lines().count(), 2 + 4);
        assert_eq!(family.panel().curves[0].points[0], (128.0, 1.0));
    }

    #[test]
    fn goals_are_reached_or_missed() {
        let lines = ["memcpy a t 1 1 1", "memset a t 1 11 10"];
        assert_eq!(
            verdicts(&family(Arch::X86_64, 3072, &lines)),
            [true, false, true]
        );
        assert_eq!(
            verdicts(&family(Arch::X86_64, 3073, &lines)),
            [true, false, false]
        );
        // memchr is the library's own, and the other architectures' code has no limit.
        let lines = [&lines[..], &["memchr a t 1 2 1"]].concat();
        assert_eq!(
            verdicts(&family(Arch::Riscv64, 3073, &lines)),
            [true, false]
        );
    }
}
