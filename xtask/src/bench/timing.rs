//! How long programs take from execve to exit, and their page faults.
//!
//! The machine is another one from second to second: its frequency changes, others
//! run. So programs take turns, each once in every round and in another order each
//! time, all on one processor, and figures are compared within one measurement only.

use std::{
    fs::File,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::{
    libc::STDOUT_FILENO,
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn},
    sys::{
        resource::{UsageWho, getrusage},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::{
    launch::{ARGUMENTS, ENVIRONMENT},
    stats::{Shuffler, median},
};

/// Rounds that are run first and forgotten: files and caches get warm.
const WARM_UP: usize = 10;

/// How a program ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From the call of posix_spawn to the status of its end: the median.
    pub time: Duration,
    /// The page faults that took no reading: the fewest, since others come by chance.
    pub faults: u64,
}

/// Runs each of the native programs `runs` times, and says how that was, in their
/// order. What they print goes nowhere.
pub fn measure(programs: &[PathBuf], runs: usize) -> Result<Vec<Timing>> {
    let spawner = Spawner::new()?;
    let _pinned = Pinned::new()?;
    let mut shuffler = Shuffler::default();
    let mut order: Vec<usize> = (0..programs.len()).collect();
    let mut samples = vec![Vec::with_capacity(runs); programs.len()];
    for round in 0..WARM_UP + runs {
        shuffler.shuffle(&mut order);
        for &program in &order {
            let path = &programs[program];
            let sample = spawner
                .run(path)
                .with_context(|| format!("cannot time {}", path.display()))?;
            if round >= WARM_UP {
                samples[program].push(sample);
            }
        }
    }
    samples.iter().map(|samples| summarize(samples)).collect()
}

fn summarize(samples: &[Timing]) -> Result<Timing> {
    let times: Vec<Duration> = samples.iter().map(|sample| sample.time).collect();
    let faults = samples.iter().map(|sample| sample.faults).min();
    Ok(Timing {
        time: median(&times).context("nothing was run")?,
        faults: faults.context("nothing was run")?,
    })
}

/// What is the same for each start.
struct Spawner {
    actions: PosixSpawnFileActions,
    attributes: PosixSpawnAttr,
    _null: File,
}

impl Spawner {
    fn new() -> Result<Spawner> {
        let null = File::options().write(true).open("/dev/null")?;
        let mut actions = PosixSpawnFileActions::init()?;
        actions.add_dup2(null.as_raw_fd(), STDOUT_FILENO)?;
        Ok(Spawner {
            actions,
            attributes: PosixSpawnAttr::init()?,
            _null: null,
        })
    }

    /// Runs the program once.
    fn run(&self, path: &Path) -> Result<Timing> {
        let faults = faults_of_children()?;
        let begin = Instant::now();
        let child = posix_spawn(
            path,
            &self.actions,
            &self.attributes,
            &ARGUMENTS,
            &ENVIRONMENT,
        )?;
        let status = waitpid(child, None)?;
        let time = begin.elapsed();
        ensure!(
            status == WaitStatus::Exited(child, 0),
            "it did not end well: {status:?}"
        );
        Ok(Timing {
            time,
            faults: faults_of_children()? - faults,
        })
    }
}

/// The page faults of all children that have ended.
fn faults_of_children() -> Result<u64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(usage.minor_page_faults().try_into()?)
}

/// This thread, and with it its children, on one processor while this lives.
pub struct Pinned {
    before: CpuSet,
}

const THIS_THREAD: Pid = Pid::from_raw(0);

impl Pinned {
    /// On the last one that it may run on.
    pub fn new() -> Result<Pinned> {
        let before = sched_getaffinity(THIS_THREAD)?;
        // The last one: the first is the one that interrupts go to.
        let last = (0..CpuSet::count())
            .rev()
            .find(|&cpu| before.is_set(cpu) == Ok(true))
            .context("this thread may run on no processor")?;
        let mut one = CpuSet::new();
        one.set(last)?;
        sched_setaffinity(THIS_THREAD, &one)?;
        Ok(Pinned { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Where it fails, this thread stays where it is allowed to be.
        let _ = sched_setaffinity(THIS_THREAD, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_nothing_is_an_error_and_others_are_summed_up() {
        assert!(summarize(&[]).is_err());
        let sample = |micros, faults| Timing {
            time: Duration::from_micros(micros),
            faults,
        };
        let samples = [sample(300, 5), sample(100, 9), sample(200, 7)];
        assert_eq!(summarize(&samples).unwrap(), sample(200, 5));
    }

    #[test]
    fn programs_are_timed_in_their_order() {
        let programs = ["/bin/true", "/bin/true"].map(PathBuf::from);
        let timings = measure(&programs, 2).unwrap();
        assert_eq!(timings.len(), 2);
        for timing in timings {
            assert!(timing.time > Duration::ZERO && timing.faults > 0);
        }
    }

    #[test]
    fn a_program_that_fails_is_an_error_that_names_it() {
        let error = measure(&["/bin/false".into()], 1).unwrap_err();
        assert!(format!("{error:#}").contains("/bin/false"), "{error:#}");
    }
}
