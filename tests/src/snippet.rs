//! Programs that may not compile, and what the compiler says about them.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use libtest_mimic::{Failed, Trial};
use xtask::{program, toolchain};

use crate::temp::TempDir;

/// A program that may not compile, and what the compiler must say about it:
/// nothing, for one that must.
#[derive(Clone, Copy, Debug)]
pub struct Snippet {
    /// What it shows.
    pub name: &'static str,
    /// The program after `freestand::entry!(main);`.
    pub main: &'static str,
    /// What the compiler must say, among other things.
    pub errors: &'static [&'static str],
}

/// A test of each.
pub fn trials(snippets: &'static [Snippet]) -> Vec<Trial> {
    let test = |snippet: &'static Snippet| {
        Trial::test(format!("compile/{}", snippet.name), || {
            snippet
                .check()
                .map_err(|error| Failed::from(format!("{error:#}")))
        })
    };
    snippets.iter().map(test).collect()
}

impl Snippet {
    /// Has the compiler check it, as the only program of a package.
    fn check(&self) -> Result<()> {
        let folder = TempDir::new()?;
        let (root, path) = (program::root(), folder.path());
        let manifest = format!(
            "[package]\nname = '{}'\nedition = '2024'\n\
             [dependencies]\nfreestand = {{ path = '{}' }}\n\
             [profile.dev]\npanic = 'abort'\n\
             [workspace]\n",
            self.name,
            root.display()
        );
        let source = format!(
            "#![no_std]\n#![no_main]\nfreestand::entry!(main);\n{}\n",
            self.main
        );
        fs::write(path.join("Cargo.toml"), manifest)?;
        // The same versions as here, which need no download.
        fs::copy(root.join("Cargo.lock"), path.join("Cargo.lock"))?;
        fs::create_dir(path.join("src"))?;
        fs::write(path.join("src/main.rs"), source)?;

        let output = Command::new(toolchain::cargo())
            .current_dir(path)
            .args(["check", "--offline", "--quiet"])
            .env(
                "CARGO_TARGET_DIR",
                program::target_dir().join("compile-fail"),
            )
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() == self.errors.is_empty(),
            "{}: {stderr}",
            output.status
        );
        // The compiler breaks long notes into lines.
        let text = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for error in self.errors {
            ensure!(text.contains(error), "no {error:?} in {stderr}");
        }
        Ok(())
    }
}
