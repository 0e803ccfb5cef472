//! What the heap was set out to reach.

use super::{TIMES, Table};
use crate::bench::goals::Goal;

/// How many times mimalloc's time ours may take.
const TIME: f64 = 1.0;

/// How many times what lives in it the heap may take from the kernel.
const MEMORY: f64 = 1.7;

/// Judges ours, however it is compiled.
pub fn judge(table: &Table) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (time, label) in TIMES {
        for (subject, figures) in table.subjects().filter(|(subject, _)| subject.is_ours()) {
            goals.extend(table.ratio(figures, time).map(|ratio| {
                let what = format!(
                    "{label}: {} takes {ratio:.2} of mimalloc's time, to be at most {TIME:.2}",
                    subject.name
                );
                Goal::new(what, ratio <= TIME)
            }));
        }
    }
    for (subject, figures) in table.subjects().filter(|(subject, _)| subject.is_ours()) {
        goals.extend(figures.memory().map(|ratio| {
            let what = format!(
                "{} takes {ratio:.2} of the memory that lives in it, to be at most {MEMORY:.2}",
                subject.name
            );
            Goal::new(what, ratio <= MEMORY)
        }));
    }
    goals
}
