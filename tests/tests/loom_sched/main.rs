//! The scheduler's protocols in every order in which two or three threads can come to them:
//! a processor's word and a task's wait, which are src/task/word.rs and src/task/wait.rs
//! themselves on loom's atomics; and who wakes whom when work comes, written once more, for in
//! src/task/sched.rs it is all over the scheduler.

#![allow(
    dead_code,
    reason = "what is tried here has more functions than are tried"
)]

mod idle;
#[path = "../loom_support/planted.rs"]
mod planted;
mod sync;
mod task;
mod waits;
mod words;

/// A time of which only is known that it will come.
mod sys {
    #[derive(Clone, Copy)]
    pub struct Timespec;
}

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
    planted::is_planted(bug)
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
    let planted: [(&str, &[Bug]); 5] = [
        ("words::a_call_and_sysmon", &[Torn, Relaxed]),
        ("words::a_call_and_a_stopper", &[Torn, Relaxed, Impatient]),
        ("waits::two_wake_a_task", &[Torn, Relaxed, Early]),
        ("waits::a_task_has_a_deadline", &[Torn, Early]),
        (
            "idle::no_task_waits_beside_an_idle_processor",
            &[Sleepy, Fenceless],
        ),
    ];
    let found = ["Causality violation", "deadlock", "assertion", "exceeded"];
    planted::are_found(&planted, &found);
}
