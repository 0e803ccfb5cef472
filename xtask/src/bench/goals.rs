//! What was set out to be reached, and whether it is.

use std::fmt;

/// A goal and what came of it.
#[derive(Debug, PartialEq)]
pub struct Goal {
    /// What was measured, beside what was to be reached.
    what: String,
    /// Whether it is reached.
    pub reached: bool,
}

impl Goal {
    /// A goal of which one says what was measured, and what was to be.
    pub fn new(what: String, reached: bool) -> Goal {
        Goal { what, reached }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.reached { "reached" } else { "MISSED" };
        write!(f, "goal {verdict}: {}", self.what)
    }
}

/// The goals, one a line.
pub fn list(goals: &[Goal]) -> String {
    let lines: Vec<String> = goals.iter().map(Goal::to_string).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_stands_out() {
        let goals = [
            Goal::new("a has 1".into(), true),
            Goal::new("b has 2".into(), false),
        ];
        assert_eq!(list(&goals), "goal reached: a has 1\ngoal MISSED: b has 2");
        assert_eq!(list(&[]), "");
    }
}
