//! `cargo xtask test`: the tests on every architecture, and the checks.

use std::{
    fmt,
    io::{BufRead, BufReader, Write},
    process::{self, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};

use crate::{
    install::{self, Install, Need},
    path::output,
    program::root,
    size::new_table,
    toolchain::{self, OLDEST_RUST},
};

/// How many tests there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Tests that were not run.
    pub skipped: usize,
}

impl Totals {
    /// Adds what a line of `cargo test`'s output says, if it is the line that ends
    /// a test program's: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add_line(&mut self, line: &str) {
        let Some((_, result)) = line.split_once("test result: ") else {
            return;
        };
        let mut words = result.split([' ', ';', '.']).peekable();
        while let Some(word) = words.next() {
            let (Ok(count), Some(what)) = (word.parse::<usize>(), words.peek()) else {
                continue;
            };
            match *what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }

    fn add_check(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// What the test programs say of the tests that failed, to be read at the end of a long
/// output.
#[derive(Debug, Default)]
struct Failures {
    /// The messages.
    text: String,
    /// Whether what comes next is of a message.
    inside: bool,
}

impl Failures {
    /// Adds a line of `cargo test`'s output, if it is of a message: those begin with
    /// `---- the test's name ----`, and end where the names are listed once more.
    fn add_line(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" ----") {
            self.inside = true;
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.inside = false;
        }
        if self.inside && !line.is_empty() {
            self.text += line;
            self.text += "\n";
        }
    }
}

/// Something that is checked beside the tests.
struct Check {
    /// What it is about.
    name: &'static str,
    /// cargo's arguments.
    args: &'static [&'static str],
    /// What succeeds if the check's tool is installed, and the remedy if not.
    requires: Option<(&'static [&'static str], &'static str)>,
    /// A variable that it is run with.
    env: Option<(&'static str, &'static str)>,
    /// Whether it is for the oldest Rust that is supported.
    oldest_rust: bool,
}

const CHECKS: [Check; 4] = [
    Check {
        name: "format",
        args: &["fmt", "--all", "--check"],
        requires: Some((&["fmt", "--version"], "rustup component add rustfmt")),
        env: None,
        oldest_rust: false,
    },
    Check {
        name: "lints",
        args: &[
            "clippy",
            "--workspace",
            "--exclude",
            "test-programs",
            "--all-targets",
            "--",
            "-Dwarnings",
        ],
        requires: Some((&["clippy", "--version"], "rustup component add clippy")),
        env: None,
        oldest_rust: false,
    },
    Check {
        name: "documentation",
        args: &["doc", "--no-deps"],
        requires: None,
        env: Some(("RUSTDOCFLAGS", "-Dwarnings")),
        oldest_rust: false,
    },
    Check {
        name: "oldest Rust",
        args: &["check", "--workspace", "--exclude", "test-programs"],
        requires: None,
        env: None,
        oldest_rust: true,
    },
];

impl Check {
    fn run(&self, install: Install) -> Result<()> {
        if let Some((probe, remedy)) = self.requires
            && output(cargo().args(probe)).is_none()
        {
            bail!("cargo {} is not installed: `{remedy}`", self.args[0]);
        }
        let mut command = if self.oldest_rust {
            oldest_cargo(install)?
        } else {
            cargo()
        };
        let status = command
            .args(self.args)
            .envs(self.env)
            .stdout(std::io::stderr())
            .status()
            .context("cannot run cargo")?;
        if !status.success() {
            bail!("`cargo {}` failed ({status})", self.args.join(" "));
        }
        Ok(())
    }
}

/// Runs `cargo test` and the checks, and prints what came of it; the last line is
/// the totals. `setup` is what came of installing what the tests need. Whether all
/// is well.
pub fn run(setup: Result<()>, args: &[String], install: Install) -> Result<bool> {
    let mut outcomes = vec![("setup", setup)];
    let mut totals = Totals::default();
    let mut failures = Failures::default();
    let tests = run_tests(args, &mut totals, &mut failures);
    let ran = totals.passed + totals.failed > 0;
    let unreported = tests.is_err() && totals.failed == 0;
    outcomes.push(("tests", tests));
    for check in &CHECKS {
        let outcome = check.run(install);
        totals.add_check(outcome.is_ok());
        outcomes.push((check.name, outcome));
    }
    // What failed and is in no test program's own count.
    totals.failed += usize::from(outcomes[0].1.is_err()) + usize::from(unreported);

    println!("\n{}{}\n\n{totals}", failures.text, summary(&outcomes));
    Ok(ran && totals.failed == 0)
}

fn summary(outcomes: &[(&str, Result<()>)]) -> String {
    let mut table = new_table(&["check", "result"]);
    for (name, outcome) in outcomes {
        let outcome = match outcome {
            Ok(()) => "passed".to_string(),
            Err(error) => format!("FAILED: {error:#}"),
        };
        table.add_row([name.to_string(), outcome]);
    }
    table.trim_fmt()
}

/// What tells this run from all others, for test programs to know what another of the same run has
/// built.
fn this_run() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("{} {}", process::id(), now.unwrap_or_default().as_nanos())
}

/// Runs `cargo test`, passing on its output, counting, and keeping what failed.
fn run_tests(args: &[String], totals: &mut Totals, failures: &mut Failures) -> Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--exclude", "test-programs"])
        .args(["--no-fail-fast", "--"])
        .args(args)
        .env("FREESTAND_TEST_ARCH", "all")
        .env("FREESTAND_TEST_RUN", this_run())
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot run cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut stdout = std::io::stdout();
    for line in BufReader::new(output).split(b'\n') {
        let mut line = line?;
        let text = String::from_utf8_lossy(&line);
        totals.add_line(&text);
        failures.add_line(&text);
        line.push(b'\n');
        stdout.write_all(&line)?;
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`cargo test` failed ({status})");
    }
    if totals.passed + totals.failed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

/// cargo, at the workspace's root.
fn cargo() -> Command {
    let mut cargo = Command::new(toolchain::cargo());
    cargo.current_dir(root());
    cargo
}

/// The cargo of the oldest Rust that is supported.
fn oldest_cargo(install: Install) -> Result<Command> {
    let oldest = full_version(OLDEST_RUST);
    let active = output(Command::new(toolchain::cargo()).arg("-V")).unwrap_or_default();
    if active.split_whitespace().nth(1) == Some(oldest.as_str()) {
        return Ok(cargo());
    }
    if !has_toolchain(&oldest) {
        install::satisfy(&[Need::Toolchain(oldest.clone())], install)?;
    }
    let mut cargo = Command::new("rustup");
    cargo
        .current_dir(root())
        .args(["run", &oldest, "cargo"])
        .env_remove("CARGO")
        .env_remove("RUSTC");
    Ok(cargo)
}

fn has_toolchain(version: &str) -> bool {
    let list = output(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    let prefix = format!("{version}-");
    list.lines().any(|line| line.starts_with(&prefix))
}

/// A version with all three numbers, as rustup's toolchains are called.
fn full_version(version: &str) -> String {
    let numbers = version.split('.').count();
    version.to_string() + &".0".repeat(3_usize.saturating_sub(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up() {
        let mut totals = Totals::default();
        for line in [
            "running 4 tests",
            "test size::tests::a_test ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; \
             finished in 0.01s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; \
             finished in 12.50s",
        ] {
            totals.add_line(line);
        }
        assert_eq!(totals.to_string(), "13 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn messages_of_failures_are_kept() {
        let mut failures = Failures::default();
        for line in [
            "test one ... ok",
            "",
            "failures:",
            "",
            "---- i386/debug/two ----",
            "Text file busy (os error 26)",
            "",
            "---- three stdout ----",
            "thread 'three' panicked",
            "",
            "failures:",
            "    i386/debug/two",
            "test result: FAILED. 1 passed; 2 failed",
            "test four ... ok",
        ] {
            failures.add_line(line);
        }
        assert_eq!(
            failures.text,
            "---- i386/debug/two ----\nText file busy (os error 26)\n\
             ---- three stdout ----\nthread 'three' panicked\n"
        );
    }

    #[test]
    fn nothing_skipped_is_not_mentioned() {
        let mut totals = Totals::default();
        totals.add_line("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured");
        assert_eq!(totals.to_string(), "1 passed, 0 failed");
    }

    #[test]
    fn versions_get_three_numbers() {
        assert_eq!(full_version("1.95"), "1.95.0");
        assert_eq!(full_version("1.95.1"), "1.95.1");
    }
}
