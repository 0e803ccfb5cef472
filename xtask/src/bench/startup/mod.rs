//! `cargo xtask bench startup`: what stands between execve and `main`, and between
//! `main` and the end, in freestand's programs and in others'.

mod build;
mod goals;
mod peers;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use self::{
    build::{Builder, SUITE},
    peers::{Link, Peer, Subject, Work},
};
use super::{
    chart::{self, Chart, Dot, Panel},
    goals::list,
    launch::{ARGUMENTS, ENVIRONMENT, Machine, text},
    steps::{self, Instructions},
    svg,
    timing::{self, Timing},
};
use crate::{
    arch::Arch,
    elf::Image,
    install::{self, Install},
    size::{align_right, new_table},
    toolchain::Tools,
};

/// What a table's columns mean.
const LEGEND: &str = "\
bytes: the file. LOAD: segments that are loaded; W+X: one is both written and executed.
instructions: of all threads, from the first to the one that ends the program, by single
steps; counting ends at 50000. time: from posix_spawn to the status of the end, the
median, and that as a ratio to the assembly's of the same table: the programs take turns,
shuffled in every round, on one processor. -: programs that this machine's processor does
not run are not timed, and qemu counts their instructions and system calls.";

/// Builds and measures, prints the tables, and writes the plot to `plot` or else to
/// the folder of the builds. Each program is timed `runs` times.
///
/// # Errors
///
/// If a program of ours is not to be had. Of the others that is said below the table.
pub fn run(archs: &[Arch], runs: usize, plot: Option<PathBuf>, install: Install) -> Result<()> {
    let builders: Vec<Builder> = archs
        .iter()
        .map(|&arch| Ok(Builder::new(Tools::get(arch, install)?)))
        .collect::<Result<_>>()?;
    if install == Install::Yes {
        supply(&builders);
    }

    let mut tables = Vec::new();
    for (&arch, builder) in archs.iter().zip(&builders) {
        for work in Work::ALL {
            let table = Table::measure(builder, arch, work, runs)?;
            println!("{table}\n");
            tables.push(table);
        }
    }
    println!("{LEGEND}\n");

    svg::write(SUITE, plot, &chart_of(&tables).to_svg())?;

    let lost: Vec<String> = tables.iter().flat_map(Table::lost).collect();
    ensure!(lost.is_empty(), "not measured: {}", lost.join("; "));
    Ok(())
}

/// Installs what the others are built with, as far as it can be had.
fn supply(builders: &[Builder]) {
    let mut needs = Vec::new();
    for builder in builders {
        for need in Peer::ALL.into_iter().filter_map(|peer| builder.need(peer)) {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    for need in needs {
        // Without it there is a table without it, which says so.
        if let Err(error) = install::satisfy(&[need], Install::Yes) {
            eprintln!("note: {error:#}");
        }
    }
}

/// What was found out about a program.
struct Row {
    subject: Subject,
    bytes: u64,
    loads: usize,
    write_execute: bool,
    instructions: Instructions,
    system_calls: u64,
    timing: Option<Timing>,
    /// Its time as a multiple of the assembly's.
    ratio: Option<f64>,
}

impl Row {
    /// Looks at the program at `path` and counts what it does; it is timed with the
    /// others.
    fn new(subject: Subject, machine: &Machine, path: &Path) -> Result<Row> {
        let image = Image::read(path)?;
        let segments = image.segments();
        Ok(Row {
            subject,
            bytes: image.len(),
            loads: segments
                .iter()
                .filter(|segment| segment.is_loaded())
                .count(),
            write_execute: segments.iter().any(|segment| {
                segment.is_loaded() && segment.is_writable() && segment.is_executable()
            }),
            instructions: steps::instructions(machine, path)?,
            system_calls: steps::system_calls(machine, path)?,
            timing: None,
            ratio: None,
        })
    }

    fn cells(&self) -> [String; 9] {
        let or_dash = |cell: Option<String>| cell.unwrap_or("-".into());
        [
            self.subject.to_string(),
            self.bytes.to_string(),
            self.loads.to_string(),
            if self.write_execute { "yes" } else { "no" }.to_string(),
            self.instructions.to_string(),
            self.system_calls.to_string(),
            or_dash(self.timing.map(|timing| timing.faults.to_string())),
            or_dash(
                self.timing
                    .map(|timing| timing.time.as_micros().to_string()),
            ),
            or_dash(self.ratio.map(|ratio| format!("{ratio:.3}"))),
        ]
    }
}

/// One program on one architecture, by all who start it.
struct Table {
    arch: Arch,
    work: Work,
    rows: Vec<Row>,
    /// Who is missing, and why.
    absent: Vec<(Subject, String)>,
}

impl Table {
    fn measure(builder: &Builder, arch: Arch, work: Work, runs: usize) -> Result<Table> {
        let machine = Machine::of(arch)?;
        let mut table = Table {
            arch,
            work,
            rows: Vec::new(),
            absent: Vec::new(),
        };
        let mut paths = Vec::new();
        for subject in Subject::all() {
            eprintln!("{} for {arch}: {subject}", work.name());
            let built = builder.build(subject, work).and_then(|path| {
                check_output(&machine, &path, work)?;
                Ok((Row::new(subject, &machine, &path)?, path))
            });
            match built {
                Ok((row, path)) => {
                    table.rows.push(row);
                    paths.push(path);
                }
                Err(why) => table.absent.push((subject, format!("{why:#}"))),
            }
        }
        if machine == Machine::Native {
            let timings = timing::measure(&paths, runs)?;
            table.add_timings(&timings);
        }
        Ok(table)
    }

    fn add_timings(&mut self, timings: &[Timing]) {
        let measure = self
            .rows
            .iter()
            .position(|row| row.subject.peer == Peer::Assembly)
            .map(|index| timings[index].time.as_secs_f64());
        for (row, &timing) in self.rows.iter_mut().zip(timings) {
            row.timing = Some(timing);
            row.ratio = measure.map(|measure| timing.time.as_secs_f64() / measure);
        }
    }

    /// Those of ours that are missing, and why.
    fn lost(&self) -> impl Iterator<Item = String> {
        self.absent
            .iter()
            .filter(|(subject, _)| subject.peer == Peer::Freestand)
            .map(|(subject, why)| {
                format!("{} for {}, {subject}: {why}", self.work.name(), self.arch)
            })
    }

    /// The missing, those for the same reason together.
    fn absences(&self) -> Vec<(&str, Vec<String>)> {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for (subject, why) in &self.absent {
            let name = format!("`{subject}`");
            match reasons.iter_mut().find(|(reason, _)| reason == why) {
                Some((_, names)) => names.push(name),
                None => reasons.push((why, vec![name])),
            }
        }
        reasons
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = new_table(&[
            "started by",
            "bytes",
            "LOAD",
            "W+X",
            "instructions",
            "system calls",
            "page faults",
            "time (us)",
            "time / assembly",
        ]);
        align_right(&mut table, 1..9);
        for row in &self.rows {
            table.add_row(row.cells());
        }
        writeln!(f, "{} on {}\n", self.work.name(), self.arch)?;
        writeln!(f, "{}\n", table.trim_fmt())?;
        for (reason, names) in self.absences() {
            writeln!(f, "not measured: {}: {reason}", names.join(", "))?;
        }
        f.write_str(&list(&goals::judge(&self.rows)))
    }
}

/// Makes sure that the program does its work.
fn check_output(machine: &Machine, path: &Path, work: Work) -> Result<()> {
    let mut expected: Vec<&str> = match work {
        Work::Hello => vec!["Hello, world!"],
        Work::Args => ARGUMENTS.into_iter().chain(ENVIRONMENT).map(text).collect(),
    };
    let output = machine.output(path)?;
    let printed = String::from_utf8_lossy(&output);
    let mut lines: Vec<&str> = printed.lines().collect();
    // qemu hands the environment on in another order.
    expected.sort_unstable();
    lines.sort_unstable();
    ensure!(lines == expected, "it prints {printed:?}");
    Ok(())
}

fn chart_of(tables: &[Table]) -> Chart {
    let panels = tables.iter().map(|table| Panel {
        title: format!("{} on {}", table.work.name(), table.arch),
        rows: table.rows.iter().map(plot_row).collect(),
    });
    Chart {
        title: "Start-up: smaller is better; from line to line it is ten times as much".to_string(),
        columns: ["bytes", "instructions", "time / assembly"]
            .map(String::from)
            .to_vec(),
        panels: panels.collect(),
    }
}

fn plot_row(row: &Row) -> chart::Row {
    let dot = |value, figure| Dot { value, figure };
    let instructions = row.instructions;
    chart::Row {
        label: row.subject.to_string(),
        is_ours: row.subject.peer == Peer::Freestand,
        dots: vec![
            Some(dot(row.bytes as f64, row.bytes.to_string())),
            Some(dot(
                instructions.at_least() as f64,
                instructions.to_string(),
            )),
            row.ratio.map(|ratio| dot(ratio, format!("{ratio:.2}"))),
        ],
    }
}
