//! Standard input, output and error, and `cat`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::{cases, harness};

cases![hello_says_hello];

fn main() -> ExitCode {
    harness::run(CASES)
}

fn hello_says_hello(target: Target) -> Result<()> {
    let output = target.command("hello")?.output()?;
    ensure!(expect_status(&output, 0)? == b"Hello, world!\n");
    Ok(())
}
