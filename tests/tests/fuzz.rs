//! The fuzz targets of `tests/fuzz`, built as cargo-fuzz builds them, and run for a
//! moment. `cargo fuzz run --fuzz-dir tests/fuzz vdso` runs one for as long as wanted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use freestand_tests::harness;
use freestand_tests::temp::TempDir;
use freestand_tests::vdso;
use xtask::path::find_in_path;
use xtask::{program, toolchain};

/// What cargo-fuzz tells rustc: to count which code is reached and by which comparisons,
/// for the fuzzer to find new ways, and to check memory.
const RUSTFLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
    "-Zsanitizer=address",
];

/// Builds the target; its path.
fn build(target: &str) -> PathBuf {
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = program::target_dir().join("fuzz");
    let status = Command::new(toolchain::cargo())
        .current_dir(program::root().join("tests/fuzz"))
        .args(["build", "--quiet", "--locked", "--release"])
        .args(["--bin", target, "--target", &triple, "--target-dir"])
        .arg(&folder)
        // Sanitizers are there in stable Rust, and not yet promised.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join("\x1f"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{target} does not build: {status}");
    folder.join(triple).join("release").join(target)
}

/// Gives the target `runs` inputs made of those in `corpus`, the same in each run.
fn run(target: &str, corpus: &Path, runs: u32) {
    let findings = TempDir::new().unwrap();
    let output = Command::new(build(target))
        .arg(format!("-runs={runs}"))
        .args(["-seed=1", "-max_len=16384", "-timeout=10"])
        .arg(format!("-artifact_prefix={}/", findings.path().display()))
        .arg(corpus)
        .output()
        .expect("the fuzzer runs");
    let log = String::from_utf8_lossy(&output.stderr);
    let input = fs::read_dir(findings.path())
        .unwrap()
        .flatten()
        .find_map(|entry| fs::read(entry.path()).ok());
    assert!(
        output.status.success(),
        "{log}\nby the input {}",
        input.unwrap_or_default().escape_ascii()
    );
    assert!(log.contains(&format!("Done {runs} runs")), "{log}");
}

#[test]
fn the_vdsos_reader_takes_any_bytes() {
    if find_in_path("c++").is_none() {
        assert!(!harness::everything_is_required(), "c++ is missing");
        return;
    }
    let corpus = TempDir::new().unwrap();
    let vdso = vdso::own().unwrap().expect("this machine has one");
    fs::write(corpus.path().join("vdso"), vdso).unwrap();
    run("vdso", corpus.path(), 100_000);
}
