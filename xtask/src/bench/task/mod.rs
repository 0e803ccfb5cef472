//! `cargo xtask bench task`: freestand's tasks beside Go's, tokio's and others', at the same
//! works.

mod peers;
mod works;

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};

use self::{
    peers::{Peer, Program},
    works::{ECHO, Figure, WORKS, Work},
};
use super::{
    chart::{self, Chart, Dot, Panel},
    goals::{Goal, list},
    stats::{Shuffler, short},
    svg,
};
use crate::{
    install::Install,
    size::{align_right, new_table},
};

/// The suite's name, and that of its folders.
const SUITE: &str = "task";

/// What the figures mean.
const LEGEND: &str = "\
Each work is done in a process of its own; the programs take turns, shuffled in every round,
and what is shown is the median of the rounds; `/ Go` and `/ tokio` are the medians of the
rounds' ratios of freestand's. All are compiled for speed; `opt-level=s` is freestand as
its programs have it by default. Where nothing else is said there are two processors (threads
that run tasks). `bare` has none: threads, one epoll, corosensei's switch. tokio blocks in
threads of its own, of which there are 512 at most; of may's coroutines, of which there may
be less than 32 750, only 30 000 are spawned and 20 000 wait.";

/// How long a program may take. The longest takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(180);

/// How many descriptors a program may need: 1000 pipes, and its own.
const DESCRIPTORS: u64 = 4096;

/// How many messages an echo server answers.
const MESSAGES: u32 = 200_000;

/// Builds and measures, prints the table, and writes the plot to `plot` or else to the folder
/// of the builds. Each program does each work `runs` times, of which there are those that
/// `only` names, or all.
///
/// # Errors
///
/// If there is no such work, or ours is not built or fails. Of the others that is said below
/// the table.
pub fn run(runs: usize, only: &[String], plot: Option<PathBuf>, install: Install) -> Result<()> {
    let works = select(only)?;
    allow_descriptors()?;
    let (programs, absent) = peers::build(install);
    let absent = absent.into_iter();
    let mut table = Table {
        programs,
        works,
        figures: BTreeMap::new(),
        absent: absent.map(|(peer, why)| (peer, None, why)).collect(),
    };
    table.measure(runs);
    println!("{table}\n\n{LEGEND}\n");
    svg::write(SUITE, plot, &table.plot().to_svg())?;
    let lost = table.absent.iter().filter(|(peer, ..)| peer.is_ours());
    let lost: Vec<String> = lost.map(absence).collect();
    ensure!(lost.is_empty(), "not measured: {}", lost.join("; "));
    Ok(())
}

/// The works of these names, or all.
fn select(only: &[String]) -> Result<Vec<&'static Work>> {
    if let Some(name) = only
        .iter()
        .find(|name| !WORKS.iter().any(|work| work.name == **name))
    {
        let mut names: Vec<&str> = WORKS.iter().map(|work| work.name).collect();
        names.dedup();
        bail!("there is no work `{name}`; there are: {}", names.join(", "));
    }
    let selected = |work: &&Work| only.is_empty() || only.iter().any(|name| name == work.name);
    Ok(WORKS.iter().filter(selected).collect())
}

/// Lets this process's children have as many as they need, as far as it may.
fn allow_descriptors() -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(
        Resource::RLIMIT_NOFILE,
        soft.max(DESCRIPTORS.min(hard)),
        hard,
    )?;
    Ok(())
}

/// A figure of a work.
type Key = (&'static str, u32, &'static str);

/// All programs at all works.
struct Table {
    programs: Vec<Program>,
    works: Vec<&'static Work>,
    /// What each has said of a figure, by turns.
    figures: BTreeMap<Key, BTreeMap<&'static str, Vec<Option<f64>>>>,
    /// Who is missing, at which work, and why.
    absent: Vec<(Peer, Option<&'static str>, String)>,
}

/// What was measured of one work's figure.
struct Row<'a> {
    figure: &'static Figure,
    said: Option<&'a BTreeMap<&'static str, Vec<Option<f64>>>>,
}

impl Row<'_> {
    fn turns(&self, peer: Peer) -> &[Option<f64>] {
        let said = self.said.and_then(|said| said.get(peer.name()));
        said.map_or(&[], Vec::as_slice)
    }

    fn median(&self, peer: Peer) -> Option<f64> {
        median(self.turns(peer).iter().copied())
    }

    /// The median of the turns' ratios.
    fn ratio(&self, peer: Peer, measure: Peer) -> Option<f64> {
        let turns = self.turns(peer).iter().zip(self.turns(measure));
        let ratios = turns.map(|(&peer, &measure)| match (peer?, measure?) {
            (_, 0.0) => None,
            (peer, measure) => Some(peer / measure),
        });
        median(ratios)
    }

    fn goals(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        let Figure {
            label,
            limit,
            rival,
            ..
        } = *self.figure;
        for ours in Peer::ALL.into_iter().filter(|peer| peer.is_ours()) {
            let Some(value) = self.median(ours) else {
                continue;
            };
            goals.extend(limit.map(|limit| {
                let beside = match self.median(Peer::Go) {
                    Some(go) => format!(" (Go: {})", short(go)),
                    None => String::new(),
                };
                let value_said = short(value);
                let what =
                    format!("{label}: {ours} has {value_said}{beside}, to be at most {limit}");
                Goal::new(what, value <= limit)
            }));
            let ratio = rival.and_then(|rival| Some((rival, self.ratio(ours, rival)?)));
            goals.extend(ratio.map(|(rival, ratio)| {
                let what =
                    format!("{label}: {ours} has {ratio:.2} of {rival}'s, to be less than 1");
                Goal::new(what, ratio < 1.0)
            }));
        }
        goals
    }
}

/// The middle one of those that there are.
fn median(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.flatten().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Table {
    fn measure(&mut self, runs: usize) {
        let mut shuffler = Shuffler::default();
        for run in 0..runs {
            eprintln!("measuring: round {} of {runs}", run + 1);
            for work in self.works.clone() {
                if run > 0 && !work.is_timed {
                    continue;
                }
                let mut programs: Vec<Program> = self.doing(work).cloned().collect();
                shuffler.shuffle(&mut programs);
                for Program { peer, path, .. } in programs {
                    let said = do_work(&path, work).unwrap_or_else(|why| {
                        self.lose(peer, work, format!("{why:#}"));
                        BTreeMap::new()
                    });
                    for figure in work.figures {
                        let key = (work.name, work.processors, figure.metric);
                        let turns = self.figures.entry(key).or_default();
                        let turns = turns.entry(peer.name()).or_default();
                        turns.push(said.get(figure.metric).copied());
                    }
                }
            }
        }
    }

    /// The programs that do the work.
    fn doing(&self, work: &Work) -> impl Iterator<Item = &Program> {
        let does = |peer: Peer| peer.is_ours() || work.by.contains(&peer);
        self.programs
            .iter()
            .filter(move |program| does(program.peer))
    }

    /// Remembers the first reason of each for a work.
    fn lose(&mut self, peer: Peer, work: &Work, why: String) {
        let name = Some(work.name);
        let known = |&(other, at, _): &(Peer, Option<&str>, String)| (other, at) == (peer, name);
        if !self.absent.iter().any(known) {
            self.absent.push((peer, name, why));
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let figures = |work: &'static Work| work.figures.iter().map(move |figure| (work, figure));
        self.works
            .iter()
            .flat_map(move |work| figures(work))
            .map(|(work, figure)| Row {
                figure,
                said: self
                    .figures
                    .get(&(work.name, work.processors, figure.metric)),
            })
    }

    /// Each figure as a multiple of Go's, where Go has one.
    fn plot(&self) -> Chart {
        let dot = |row: &Row<'_>, program: &Program| {
            let value = row.ratio(program.peer, Peer::Go)?;
            Some((value > 0.0).then(|| Dot {
                value,
                figure: short(value),
            }))
        };
        let panels = self.rows().filter_map(|row| {
            let rows = self.programs.iter().filter_map(|program| {
                Some(chart::Row {
                    label: program.name.clone(),
                    is_ours: program.peer.is_ours(),
                    dots: vec![dot(&row, program)?],
                })
            });
            let panel = Panel {
                title: format!("{} / Go's", row.figure.label),
                rows: rows.collect(),
            };
            (!panel.rows.is_empty()).then_some(panel)
        });
        Chart {
            title: "Tasks: smaller is better; from line to line it is ten times as much".into(),
            // The panels say what it is.
            columns: vec![String::new()],
            panels: panels.collect(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.programs.iter().map(|program| program.name.as_str());
        let heads: Vec<&str> = ["", "goal"]
            .into_iter()
            .chain(names)
            .chain(["/ Go", "/ tokio"])
            .collect();
        let mut table = new_table(&heads);
        align_right(&mut table, 1..heads.len());
        let cell = |value: Option<f64>| value.map_or("-".to_string(), short);
        for row in self.rows() {
            let medians = self.programs.iter().map(|program| row.median(program.peer));
            let ratios = [Peer::Go, Peer::Tokio].map(|peer| row.ratio(Peer::Freestand, peer));
            let goal = row.figure.limit.map(|limit| limit.to_string());
            let cells = [row.figure.label.to_string(), goal.unwrap_or_default()];
            let figures = medians.chain(ratios).map(cell);
            table.add_row(cells.into_iter().chain(figures));
        }
        writeln!(f, "{}\n", table.trim_fmt())?;
        for missing in &self.absent {
            writeln!(f, "not measured: {}", absence(missing))?;
        }
        let goals: Vec<Goal> = self.rows().flat_map(|row| row.goals()).collect();
        f.write_str(&list(&goals))
    }
}

fn absence((peer, work, why): &(Peer, Option<&str>, String)) -> String {
    match work {
        Some(work) => format!("{peer} at {work}: {why}"),
        None => format!("{peer}: {why}"),
    }
}

/// What a program says of a work: each metric's value.
type Said = BTreeMap<String, f64>;

fn do_work(program: &Path, work: &Work) -> Result<Said> {
    if work.name == ECHO {
        echo(program, work)
    } else {
        said(&finish(start(program, work, &[])?)?)
    }
}

/// Has the server answer the load. Its time is what it has taken of the processors, from its
/// start to its end.
fn echo(program: &Path, work: &Work) -> Result<Said> {
    let mut server = start(program, work, &["127.0.0.1:0"])?;
    let figures = load(&mut server);
    let before = time_of_children()?;
    drop(server);
    let time = time_of_children()? - before;
    let mut figures = figures?;
    let micros = time.as_secs_f64() * 1e6 / f64::from(MESSAGES);
    figures.insert("echo_cpu_us".into(), micros);
    Ok(figures)
}

/// Puts load on the server, and says what that found.
fn load(server: &mut Running) -> Result<Said> {
    let stdout = server.0.stdout.as_mut().context("it has no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line
        .trim()
        .strip_prefix("LISTENING ")
        .with_context(|| format!("it says {line:?}"))?;
    let mut load = Command::new(peers::load());
    let load = Running::new(load.args([address, &MESSAGES.to_string()]))?;
    said(&finish(load)?)
}

/// The processors' time that all children took that have ended.
fn time_of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let times = [usage.user_time(), usage.system_time()];
    let micros: i64 = times
        .iter()
        .map(|time| time.tv_sec() * 1_000_000 + time.tv_usec())
        .sum();
    Ok(Duration::from_micros(micros.try_into()?))
}

/// A program that is ended when nobody waits for it any more.
struct Running(Child);

impl Running {
    fn new(command: &mut Command) -> Result<Running> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().display()))?;
        Ok(Running(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where either fails, it has ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &Path, work: &Work, arguments: &[&str]) -> Result<Running> {
    let mut command = Command::new(program);
    command.env_clear().arg(work.name).args(arguments);
    for variable in ["FREESTAND_PROCS", "GOMAXPROCS", "WORKERS"] {
        command.env(variable, work.processors.to_string());
    }
    Running::new(&mut command)
}

/// What it prints until its end, which must be a good one and not too late. It is less than a
/// pipe holds.
fn finish(mut running: Running) -> Result<String> {
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = running.0.try_wait()? {
            break status;
        }
        ensure!(
            begin.elapsed() < PATIENCE,
            "it takes more than {} s",
            PATIENCE.as_secs()
        );
        thread::sleep(Duration::from_millis(10));
    };
    ensure!(status.success(), "it ended with {status}");
    let mut printed = String::new();
    let stdout = running.0.stdout.as_mut().context("it has no output")?;
    stdout.read_to_string(&mut printed)?;
    Ok(printed)
}

/// The figures in `RESULT metric value` and other lines.
fn said(printed: &str) -> Result<Said> {
    let mut said = Said::new();
    for line in printed.lines() {
        let figure = line
            .strip_prefix("RESULT ")
            .and_then(|figure| figure.split_once(' '))
            .and_then(|(metric, value)| Some((metric, value.parse().ok()?)));
        let (metric, value) = figure.with_context(|| format!("this is no figure: {line:?}"))?;
        said.insert(metric.to_string(), value);
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(said: &[(Peer, &[f64])]) -> Table {
        let work = WORKS
            .iter()
            .find(|work| work.figures[0].rival.is_some())
            .expect("there is one with a rival");
        let key = (work.name, work.processors, work.figures[0].metric);
        let turns = |&(peer, turns): &(Peer, &[f64])| {
            let turns = turns.iter().copied().map(Some);
            (peer.name(), turns.collect())
        };
        Table {
            programs: Vec::new(),
            works: vec![work],
            figures: BTreeMap::from([(key, said.iter().map(turns).collect())]),
            absent: Vec::new(),
        }
    }

    fn verdicts(said: &[(Peer, &[f64])]) -> Vec<bool> {
        let table = table(said);
        let goals = table.rows().flat_map(|row| row.goals());
        goals.map(|goal| goal.reached).collect()
    }

    #[test]
    fn goals_are_reached_or_missed() {
        let rival: (Peer, &[f64]) = (Peer::Tokio, &[70.0, 70.0, 90.0]);
        assert_eq!(
            verdicts(&[(Peer::Freestand, &[60.0, 1000.0, 60.0]), rival]),
            [true, true]
        );
        assert_eq!(
            verdicts(&[(Peer::Freestand, &[75.0, 75.0, 1000.0]), rival]),
            [true, false]
        );
        assert_eq!(verdicts(&[(Peer::Freestand, &[81.0])]), [false]);
        // What was not measured is not judged.
        assert_eq!(verdicts(&[rival]), [true; 0]);
    }

    #[test]
    fn rounds_are_compared_with_their_own() {
        let table = table(&[
            (Peer::Freestand, &[100.0, 50.0, 200.0]),
            (Peer::Go, &[200.0, 100.0, 400.0]),
        ]);
        let row = table.rows().next().unwrap();
        assert_eq!(row.median(Peer::Freestand), Some(100.0));
        assert_eq!(row.ratio(Peer::Freestand, Peer::Go), Some(0.5));
        assert_eq!(row.ratio(Peer::Freestand, Peer::Tokio), None);
    }

    #[test]
    fn what_is_no_figure_is_an_error_that_shows_it() {
        let figures = said("RESULT yield_ns 20.5\nRESULT sleep_us 3\n").unwrap();
        assert_eq!((figures["yield_ns"], figures["sleep_us"]), (20.5, 3.0));
        for line in ["yield_ns 20", "RESULT yield_ns", "RESULT yield_ns soon"] {
            assert!(said(line).unwrap_err().to_string().contains(line));
        }
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        let run = |script| {
            let running = Running::new(Command::new("sh").args(["-c", script])).unwrap();
            finish(running)
        };
        assert_eq!(run("echo RESULT").unwrap(), "RESULT\n");
        let error = run("exit 3").unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn works_are_chosen_by_their_names() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| name.to_string()).collect();
            select(&only).map(|works| works.iter().map(|work| work.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap().len(), WORKS.len());
        assert_eq!(names(&["echo", "clock"]).unwrap(), ["clock", "echo"]);
        let error = names(&["echoes"]).unwrap_err().to_string();
        assert!(
            error.contains("`echoes`") && error.contains("handoff"),
            "{error}"
        );
    }
}
