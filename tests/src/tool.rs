//! `cargo xtask`, as a program to run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use xtask::{program, toolchain};

/// The workspace's own tool, built once: run so, and not by cargo, it heeds a
/// `CARGO_TARGET_DIR` and `RUSTFLAGS` that are not the tool's own.
///
/// # Panics
///
/// If it does not build.
pub fn path() -> &'static Path {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
        build(
            &mut Command::new(toolchain::cargo()),
            program::root(),
            &program::target_dir(),
        )
    });
    &PATH
}

/// Builds the tool of the workspace at `root`; the program's path.
///
/// # Panics
///
/// If it does not build.
pub fn build(cargo: &mut Command, root: &Path, target_dir: &Path) -> PathBuf {
    let output = cargo
        .current_dir(root)
        .args(["build", "--quiet", "--package", "xtask", "--bin", "xtask"])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--target-dir",
        ])
        .arg(target_dir)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "xtask does not build");
    let messages = String::from_utf8(output.stdout).unwrap();
    let (_, path) = messages.rsplit_once(r#""executable":""#).unwrap();
    path.split_once('"').unwrap().0.into()
}
