//! `cargo xtask bench heap`: freestand's heap and others, at the same works.

mod goals;

use std::{collections::BTreeMap, fmt, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::{
    build::{execute, folder},
    chart::{self, Chart, Dot, Panel},
    goals::list,
    launch::printed,
    stats::{Shuffler, short},
    svg,
    timing::Pinned,
};
use crate::{
    program::root,
    size::{align_right, new_table},
    toolchain,
};

/// The suite's name, and that of its folders.
const SUITE: &str = "heap";

/// What the figures mean.
const LEGEND: &str = "\
Times are multiples of mimalloc's. Its own are for an allocation and what goes with it, or
for the whole Vec. An allocator does a work in a process of its own, they take
turns, shuffled in every round, and of the rounds the fastest counts, of a round the median
of many batches. All are compiled for speed; `opt-level=s` is freestand as its programs
have it by default.";

/// Who allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subject {
    /// What the tables call it.
    name: &'static str,
    /// What the program calls it.
    allocator: &'static str,
    /// How the program is built.
    profile: &'static str,
}

impl Subject {
    const fn new(name: &'static str) -> Subject {
        Subject {
            name,
            allocator: name,
            profile: "release",
        }
    }

    fn is_ours(self) -> bool {
        self.allocator == OURS.allocator
    }
}

const OURS: Subject = Subject::new("freestand");
/// Whose times the others' are compared with.
const MEASURE: Subject = Subject::new("mimalloc");

const SUBJECTS: [Subject; 7] = [
    MEASURE,
    OURS,
    Subject {
        name: "opt-level=s",
        profile: "size",
        ..OURS
    },
    Subject::new("glibc"),
    Subject::new("talc"),
    Subject::new("dlmalloc"),
    Subject::new("linked_list_allocator"),
];

/// What is done in a process.
struct Work {
    /// What the program calls it.
    name: &'static str,
    /// Whether it has more than one thread.
    has_threads: bool,
    /// Whether its figures differ from time to time: memory does not.
    is_timed: bool,
}

const WORKS: [Work; 7] = [
    Work::new("pairs", false),
    Work::new("random", false),
    Work::new("vec", false),
    Work {
        is_timed: false,
        ..Work::new("mixed", false)
    },
    Work::new("random-threads", true),
    Work::new("exchange", true),
    Work::new("producer", true),
];

impl Work {
    const fn new(name: &'static str, has_threads: bool) -> Work {
        Work {
            name,
            has_threads,
            is_timed: true,
        }
    }
}

/// The times, as the program and as the tables call them.
const TIMES: [(&str, &str); 7] = [
    ("pairs", "64 bytes, allocated and freed"),
    ("random", "16-4096 bytes, 10 000 live"),
    ("vec", "Vec to 64 MiB, the process's first"),
    ("vec-again", "Vec to 64 MiB, again"),
    ("random-threads", "16-4096 bytes, in two threads"),
    ("exchange", "two threads free each other's"),
    ("producer", "one allocates, the other frees"),
];

/// What the tables call [`Figures::memory`].
const MEMORY: &str = "peak RSS / peak live";

/// What a subject's processes said: the least of each.
#[derive(Clone, Debug, Default, PartialEq)]
struct Figures(BTreeMap<String, f64>);

impl Figures {
    /// Takes in what a process printed: a name and a figure in each line.
    fn add(&mut self, printed: &str) -> Result<()> {
        for line in printed.lines() {
            let (name, figure) = line
                .split_once('\t')
                .and_then(|(name, figure)| Some((name, figure.parse().ok()?)))
                .with_context(|| format!("this is no figure: {line:?}"))?;
            let least = self.0.entry(name.to_string()).or_insert(f64::INFINITY);
            *least = least.min(figure);
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// The most memory that the process had, as a multiple of what lived in it.
    fn memory(&self) -> Option<f64> {
        Some(self.get("peak-rss")? / self.get("peak-live")?)
    }
}

/// Builds and measures, prints the tables, and writes the plot to `plot` or else to the
/// folder of the builds. Each allocator does each work `runs` times.
///
/// # Errors
///
/// If the program cannot be built, or an allocator fails.
pub fn run(runs: usize, plot: Option<PathBuf>) -> Result<()> {
    for profile in ["release", "size"] {
        build(profile)?;
    }
    let table = Table::measure(runs)?;
    println!("{table}\n\n{LEGEND}\n");
    svg::write(SUITE, plot, &table.plot().to_svg())
}

/// Builds the program. It is no member of the workspace, so that nothing of the others
/// is.
fn build(profile: &str) -> Result<()> {
    eprintln!("building, for {profile}");
    let mut cargo = Command::new(toolchain::cargo());
    cargo
        .current_dir(root().join("benches").join(SUITE))
        .args(["build", "--quiet", "--locked", "--profile", profile])
        .arg("--target-dir")
        .arg(folder(SUITE));
    execute(&mut cargo)
}

/// All allocators at all works.
struct Table {
    /// What each has found, in their order.
    figures: [Figures; SUBJECTS.len()],
}

impl Table {
    fn measure(runs: usize) -> Result<Table> {
        let mut figures = [const { Figures(BTreeMap::new()) }; SUBJECTS.len()];
        let mut shuffler = Shuffler::default();
        let mut order: Vec<usize> = (0..SUBJECTS.len()).collect();
        for work in WORKS {
            eprintln!("measuring: {}", work.name);
            let _pinned = (!work.has_threads).then(Pinned::new).transpose()?;
            for _ in 0..if work.is_timed { runs } else { 1 } {
                shuffler.shuffle(&mut order);
                for &subject in &order {
                    let Subject {
                        allocator, profile, ..
                    } = SUBJECTS[subject];
                    let program = folder(SUITE).join(profile).join("heap-bench");
                    let printed = printed(Command::new(program).args([allocator, work.name]))
                        .with_context(|| format!("{allocator} fails at {}", work.name))?;
                    figures[subject].add(&String::from_utf8(printed)?)?;
                }
            }
        }
        Ok(Table { figures })
    }

    /// Each subject with its figures.
    fn subjects(&self) -> impl Iterator<Item = (Subject, &Figures)> {
        SUBJECTS.into_iter().zip(&self.figures)
    }

    /// How many times mimalloc's time a subject takes.
    fn ratio(&self, figures: &Figures, time: &str) -> Option<f64> {
        let (_, measure) = self.subjects().find(|(subject, _)| *subject == MEASURE)?;
        Some(figures.get(time)? / measure.get(time)?)
    }

    fn row(&self, label: &str, cell: impl Fn(Subject, &Figures) -> Option<String>) -> Vec<String> {
        let cells = self
            .subjects()
            .map(|(subject, figures)| cell(subject, figures).unwrap_or("-".into()));
        [label.to_string()].into_iter().chain(cells).collect()
    }

    fn plot(&self) -> Chart {
        let row = |(subject, value): (Subject, Option<f64>)| chart::Row {
            label: match subject.profile {
                "release" => subject.name.to_string(),
                _ => format!("{}, {}", subject.allocator, subject.name),
            },
            is_ours: subject.is_ours(),
            dots: vec![value.map(|value| Dot {
                value,
                figure: short(value),
            })],
        };
        let panel = |title, value: &dyn Fn(&Figures) -> Option<f64>| Panel {
            title,
            rows: self
                .subjects()
                .map(|(subject, figures)| row((subject, value(figures))))
                .collect(),
        };
        let times = TIMES.map(|(time, label)| {
            panel(format!("time / mimalloc: {label}"), &|figures| {
                self.ratio(figures, time)
            })
        });
        let memory = panel(format!("{MEMORY}: mixed sizes"), &Figures::memory);
        Chart {
            title: "Heaps: smaller is better; from line to line it is ten times as much".into(),
            // The panels say what it is.
            columns: vec![String::new()],
            panels: times.into_iter().chain([memory]).collect(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = SUBJECTS.map(|subject| subject.name);
        let mut table = new_table(&[&["time / mimalloc's"], &names[..]].concat());
        align_right(&mut table, 1..names.len() + 1);
        for (time, label) in TIMES {
            table.add_row(self.row(label, |subject, figures| match subject {
                MEASURE => figures.get(time).map(duration),
                _ => self.ratio(figures, time).map(short),
            }));
        }
        table.add_row(self.row(MEMORY, |_, figures| figures.memory().map(short)));
        write!(f, "{}\n\n{}", table.trim_fmt(), list(&goals::judge(self)))
    }
}

/// Nanoseconds, or milliseconds where there are many.
fn duration(nanoseconds: f64) -> String {
    if nanoseconds < 1e5 {
        format!("{} ns", short(nanoseconds))
    } else {
        format!("{} ms", short(nanoseconds / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of these figures for mimalloc and for both of ours.
    fn table(measure: &str, ours: &str) -> Table {
        let mut table = Table {
            figures: Default::default(),
        };
        for (subject, figures) in SUBJECTS.into_iter().zip(&mut table.figures) {
            let printed = match subject {
                MEASURE => measure,
                _ if subject.is_ours() => ours,
                _ => "",
            };
            figures.add(printed).unwrap();
        }
        table
    }

    fn verdicts(measure: &str, ours: &str) -> Vec<bool> {
        let goals = goals::judge(&table(measure, ours));
        goals.iter().map(|goal| goal.reached).collect()
    }

    #[test]
    fn of_several_processes_the_least_figure_counts() {
        let mut figures = Figures::default();
        figures.add("vec\t20\nvec-again\t3.5\n").unwrap();
        figures.add("vec\t10.5\nvec-again\t4\n").unwrap();
        assert_eq!(
            (figures.get("vec"), figures.get("vec-again")),
            (Some(10.5), Some(3.5))
        );
        assert_eq!(figures.get("pairs"), None);
        for line in ["vec", "vec 1", "vec\tfast"] {
            let error = figures.add(line).unwrap_err().to_string();
            assert!(error.contains(line.split('\t').next().unwrap()), "{error}");
        }
    }

    #[test]
    fn goals_are_reached_or_missed() {
        let both = |first, second| [[first, first], [second, second]].concat();
        assert_eq!(
            verdicts("pairs\t10\nrandom\t10", "pairs\t10\nrandom\t10.2"),
            both(true, false)
        );
        let memory = |rss| verdicts("", &format!("peak-rss\t{rss}\npeak-live\t100"));
        assert_eq!(memory(170), [true, true]);
        assert_eq!(memory(171), [false, false]);
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert_eq!(verdicts("pairs\t10", ""), [true; 0]);
        assert_eq!(verdicts("", "pairs\t10"), [true; 0]);
    }

    #[test]
    fn a_cell_is_a_multiple_of_mimallocs_time() {
        let printed = table("pairs\t20", "pairs\t9\npeak-rss\t3\npeak-live\t2").to_string();
        let row = |start: &str| -> Vec<String> {
            let line = printed
                .lines()
                .find(|line| line.starts_with(start))
                .unwrap();
            line.split('|')
                .map(|cell| cell.trim().to_string())
                .collect()
        };
        assert_eq!(row("| 64 bytes")[2..6], ["20.0 ns", "0.45", "0.45", "-"]);
        assert_eq!(row("| peak RSS")[2..6], ["-", "1.50", "1.50", "-"]);
    }

    #[test]
    fn the_plot_has_a_dot_for_each_figure() {
        let svg = table("pairs\t20", "pairs\t9\npeak-rss\t3\npeak-live\t2")
            .plot()
            .to_svg();
        assert_eq!(svg.matches("<circle").count(), 5, "{svg}");
    }

    #[test]
    fn times_are_in_nanoseconds_or_milliseconds() {
        assert_eq!(duration(99.96), "100.0 ns");
        assert_eq!(duration(12_345_678.0), "12.3 ms");
    }
}
