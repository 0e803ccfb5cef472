//! The scheduler's protocols in every order in which two or three threads can come to them:
//! a processor's word and a task's wait, which are src/task/word.rs and src/task/wait.rs
//! themselves on loom's atomics; and who wakes whom when work comes, written once more, for in
//! src/task/sched.rs it is all over the scheduler.

#![allow(
    dead_code,
    reason = "what is tried here has more functions than are tried"
)]

mod idle;
mod sync;
mod task;
mod waits;
mod words;

/// A time of which only is known that it will come.
mod sys {
    #[derive(Clone, Copy)]
    pub struct Timespec;
}

use std::process::Command;

/// The variable that says which bug there is to be.
const PLANTED: &str = "FREESTAND_PLANTED";

/// What may be wrong with the atomics, or with how they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// An exchange is a load and a store.
    Torn,
    /// No access orders others.
    Relaxed,
    /// A task is said to wait before its stack is left.
    Early,
    /// Who stops spinning does not look again.
    Sleepy,
    /// Nothing is between what was done and what is looked at.
    Fenceless,
    /// The stopper looks but once.
    Impatient,
}

fn planted(bug: Bug) -> bool {
    use std::sync::OnceLock;
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    let name = NAME.get_or_init(|| std::env::var(PLANTED).ok());
    name.as_ref()
        .is_some_and(|name| *name == format!("{bug:?}"))
}

/// Tries every order in which threads take turns, if no more than `preemptions` are turned
/// out by others.
fn model(preemptions: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(check);
}

/// Loom finds each bug where it is planted.
#[test]
fn planted_bugs_are_found() {
    use Bug::*;
    for (test, bugs) in [
        ("words::a_call_and_sysmon", &[Torn, Relaxed][..]),
        ("words::a_call_and_a_stopper", &[Torn, Relaxed, Impatient]),
        ("waits::two_wake_a_task", &[Torn, Relaxed, Early]),
        ("waits::a_task_has_a_deadline", &[Torn, Early]),
        (
            "idle::no_task_waits_beside_an_idle_processor",
            &[Sleepy, Fenceless],
        ),
    ] {
        for bug in bugs {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "--nocapture", test])
                .env(PLANTED, format!("{bug:?}"))
                .output()
                .unwrap();
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{test}, {bug:?}: {message}");
            let found = ["Causality violation", "deadlock", "assertion", "exceeded"];
            assert!(
                found.iter().any(|found| message.contains(found)),
                "{test}, {bug:?}: {message}"
            );
        }
    }
}
