//! Makes a test of each case on each target.
//!
//! With `FREESTAND_TEST_ARCH=all`, as `cargo xtask test` has it, an architecture
//! whose programs cannot be built or run here is a failure; without, its tests are
//! ignored.

use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::target::{Case, Target};

/// Whether what is missing on this machine is a failure.
pub fn everything_is_required() -> bool {
    env::var_os("FREESTAND_TEST_ARCH").is_some_and(|value| value == "all")
}

/// Runs each case on every architecture, in debug and in release.
pub fn run(cases: &[Case]) -> ExitCode {
    run_with(cases, Vec::new())
}

/// As [`run`], and with it the tests of `once`.
pub fn run_with(cases: &[Case], once: Vec<Trial>) -> ExitCode {
    run_on(Target::all(), cases, once)
}

/// Runs each case on each of `targets`, and with it the tests of `once`. On those that are
/// static-PIE, the cases that show a row of the table in src/startup/mod.rs.
pub fn run_on(targets: impl Iterator<Item = Target>, cases: &[Case], once: Vec<Trial>) -> ExitCode {
    heed_signals();
    let all = everything_is_required();
    let targets: Vec<_> = targets.map(|target| (target, target.obstacle())).collect();
    let mut trials = once;
    // Not target by target: then all would wait for the one that is being built. So the first
    // case has all targets built, as many at once as there are threads.
    for case in cases {
        let shown = |target: &Target| !target.pie || case.name.starts_with("row_");
        for (target, obstacle) in targets.iter().filter(|(target, _)| shown(target)) {
            let (target, missing, run) = (*target, obstacle.clone(), case.run);
            let trial = Trial::test(format!("{target}/{}", case.name), move || match missing {
                Some(missing) => Err(Failed::from(format!("{missing} is missing"))),
                None => run(target).map_err(|error| Failed::from(format!("{error:#}"))),
            });
            trials.push(trial.with_ignored_flag(obstacle.is_some() && !all));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What a shell starts in the background ignores these, and so would the programs.
fn heed_signals() {
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: the default action runs no code.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
