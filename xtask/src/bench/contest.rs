//! A contest: programs that do the same work take turns, and each prints how long it took.

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
    program::root,
    size::{align_right, new_table},
};

/// How many times ours may take what the others' fastest takes, and who takes part. The
/// first is the measure of all others.
#[derive(Clone, Copy, Debug)]
pub struct Contest {
    /// What they do.
    pub work: &'static str,
    pub limit: f64,
    pub subjects: &'static [Subject],
    pub rounds: &'static [Circumstance],
}

/// One that takes part.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub name: &'static str,
    pub ours: bool,
}

/// Under which circumstances they do it.
#[derive(Clone, Copy, Debug)]
pub struct Circumstance {
    pub name: &'static str,
    /// Whether all of it is on one processor.
    pub pinned: bool,
}

/// What each said in each of its turns, in nanoseconds: by circumstance and subject.
pub struct Times {
    contest: Contest,
    times: Vec<Vec<Vec<u64>>>,
}

/// glibc's side: the C program `source` of the suite's folder under benches/, built with
/// these flags.
///
/// # Errors
///
/// If there is no compiler and none may be installed, or it does not compile.
pub fn compile(suite: &str, source: &str, flags: &[&str], install: Install) -> Result<PathBuf> {
    let arch = Arch::host().context("this machine is of no architecture of ours")?;
    if glibc_cc(arch).is_none() {
        install::satisfy(&[Need::Glibc(arch)], install)?;
    }
    let folder = folder(suite);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(if flags.contains(&"-static") {
        "static"
    } else {
        "dynamic"
    });
    let mut cc = glibc_cc(arch).context("no C compiler links with glibc")?;
    cc.arg("-O2").args(flags).arg("-o").arg(&path);
    cc.arg(root().join("benches").join(suite).join(source));
    execute(&mut cc)?;
    Ok(path)
}

impl Contest {
    /// Has each take `runs` turns, shuffled anew each time, by the command for the subject
    /// and the circumstance of these numbers.
    ///
    /// # Errors
    ///
    /// If one fails, or prints no time.
    pub fn hold(self, runs: usize, command: impl Fn(usize, usize) -> Command) -> Result<Times> {
        let mut shuffler = Shuffler::default();
        let mut order: Vec<usize> = (0..self.subjects.len()).collect();
        let mut times = vec![vec![Vec::new(); self.subjects.len()]; self.rounds.len()];
        for (circumstance, times) in times.iter_mut().enumerate() {
            let Circumstance { name, pinned } = self.rounds[circumstance];
            eprintln!("measuring: {name}");
            let _pinned = pinned.then(Pinned::new).transpose()?;
            for _ in 0..runs {
                shuffler.shuffle(&mut order);
                for &subject in &order {
                    let said = printed(&mut command(subject, circumstance))
                        .with_context(|| format!("{} fails", self.subjects[subject].name))?;
                    let said = String::from_utf8(said)?;
                    let Ok(time) = said.trim().parse() else {
                        bail!("this is no time: {said:?}");
                    };
                    times[subject].push(time);
                }
            }
        }
        Ok(Times {
            contest: self,
            times,
        })
    }
}

impl Times {
    fn judge(&self) -> Vec<Goal> {
        let Contest {
            subjects, limit, ..
        } = self.contest;
        let of_kind = |ours| (0..subjects.len()).filter(move |&i| subjects[i].ours == ours);
        let mut goals = Vec::new();
        for ours in of_kind(true) {
            for (circumstance, times) in self.contest.rounds.iter().zip(&self.times) {
                let ratios = of_kind(false).map(|other| ratio(times, ours, other));
                // The fastest of the others is what there is to be measured by.
                let Some(worst) = ratios.flatten().reduce(f64::max) else {
                    continue;
                };
                let what = format!(
                    "{} takes {worst:.3} of the fastest other's time, {}, to be at most {limit}",
                    subjects[ours].name, circumstance.name
                );
                goals.push(Goal::new(what, worst <= limit));
            }
        }
        goals
    }
}

/// The median of the turns' ratios.
fn ratio(times: &[Vec<u64>], subject: usize, measure: usize) -> Option<f64> {
    // In millionths, which have an order.
    let ratios = times[subject].iter().zip(&times[measure]);
    let ratios: Vec<u64> = ratios
        .map(|(&time, &measure)| time * 1_000_000 / measure.max(1))
        .collect();
    Some(median(&ratios)? as f64 / 1e6)
}

/// The first one's times, the others' as multiples of them, and the goals.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.contest.rounds.iter().map(|round| round.name);
        let heads: Vec<&str> = [self.contest.work].into_iter().chain(rounds).collect();
        let mut table = new_table(&heads);
        align_right(&mut table, 1..heads.len());
        for (i, subject) in self.contest.subjects.iter().enumerate() {
            let cells = self.times.iter().map(|times| match i {
                0 => median(&times[0]).map(|time| format!("{:.1} µs", time as f64 / 1e3)),
                _ => ratio(times, i, 0).map(|ratio| format!("{ratio:.2}")),
            });
            let cells = cells.map(|cell| cell.unwrap_or("-".into()));
            table.add_row([subject.name.to_string()].into_iter().chain(cells));
        }
        write!(f, "{}\n\n{}", table.trim_fmt(), list(&self.judge()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEST: Contest = Contest {
        work: "does it",
        limit: 0.9,
        subjects: &[
            Subject {
                name: "theirs",
                ours: false,
            },
            Subject {
                name: "ours",
                ours: true,
            },
        ],
        rounds: &[Circumstance {
            name: "time",
            pinned: false,
        }],
    };

    fn times(ours: &[u64]) -> Times {
        Times {
            contest: CONTEST,
            times: vec![vec![vec![200, 100, 400], ours.to_vec()]],
        }
    }

    fn verdicts(ours: &[u64]) -> Vec<bool> {
        let goals = times(ours).judge();
        goals.iter().map(|goal| goal.reached).collect()
    }

    #[test]
    fn goals_are_reached_or_missed() {
        assert_eq!(verdicts(&[180, 90, 400]), [true]);
        assert_eq!(verdicts(&[182, 91, 300]), [false]);
    }

    #[test]
    fn turns_are_compared_with_their_own() {
        // The median of the times alone would be 200 of 200.
        assert_eq!(verdicts(&[100, 50, 200]), [true]);
        let printed = times(&[100, 50, 200]).to_string();
        assert!(
            printed.contains("0.50") && printed.contains("0.2 µs"),
            "{printed}"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert!(verdicts(&[]).is_empty());
    }

    #[test]
    fn what_prints_no_time_is_an_error_that_names_it() {
        let error = |script: &'static str| {
            let command = move |_, _| {
                let mut command = Command::new("sh");
                command.args(["-c", script]);
                command
            };
            format!("{:#}", CONTEST.hold(1, command).err().expect("it fails"))
        };
        assert_eq!(error("echo soon"), "this is no time: \"soon\\n\"");
        assert!(error("exit 3").contains("s fails: it ended with exit status: 3"));
    }
}
