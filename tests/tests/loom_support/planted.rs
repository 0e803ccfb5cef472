//! Bugs that are planted for loom to find.

use std::fmt::Debug;
use std::process::Command;
use std::sync::OnceLock;

/// The variable that says which bug there is to be.
const PLANTED: &str = "FREESTAND_PLANTED";

/// Whether it is this one.
pub fn is_planted(bug: impl Debug) -> bool {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    let name = NAME.get_or_init(|| std::env::var(PLANTED).ok());
    name.as_ref()
        .is_some_and(|name| *name == format!("{bug:?}"))
}

/// Runs each test with each of its bugs, and sees to it that loom finds them, and says one of
/// `found`. It ends the process when it does.
pub fn are_found<B: Debug>(planted: &[(&str, &[B])], found: &[&str]) {
    for (test, bugs) in planted {
        for bug in *bugs {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "--nocapture", test])
                .env(PLANTED, format!("{bug:?}"))
                .output()
                .unwrap();
            // It may end by a second panic, while it unwinds.
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{test}, {bug:?}: {message}");
            assert!(
                found.iter().any(|found| message.contains(found)),
                "{test}, {bug:?}: {message}"
            );
        }
    }
}
