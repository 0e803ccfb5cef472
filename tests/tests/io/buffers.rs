//! Buffered readers and writers, pipes, and what reads to the end: on descriptors that
//! give and take little, are interrupted, and fail.

use std::io::Write;
use std::process::Stdio;

use anyhow::{Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::faults::{Class, Finding, Sweep};
use freestand_tests::trace::shortio::short_io;
use freestand_tests::trace::{Capture, Event, Launch, Tracee};

use crate::faults::numbers;
use crate::support::{binary, ensure_same, full_device, input, packets, program};

cases![
    each_way_changes_nothing,
    short_transfers_change_nothing,
    interruptions_change_nothing,
    each_failing_call_is_reported,
    a_full_device_behind_a_buffer_is_reported,
    a_line_is_one_write,
    what_is_no_text_is_refused,
    pipes_carry_what_is_written,
];

/// The ways that `io_buffers` knows; the last two are for text alone.
const WAYS: [&str; 7] = [
    "next_until",
    "read_until",
    "read_exact",
    "read_to_end",
    "drop",
    "lines",
    "read_to_string",
];
const WAYS_OF_TEXT: usize = 2;

/// Lines that end before, at and after the end of a buffer of 16 bytes.
fn text() -> Vec<u8> {
    let letters = "abcdefghijk".repeat(3);
    let lines = [0, 1, 12, 13, 14, 15, 28, 29, 30, 31, 5].map(|length| {
        let (line, _) = letters.split_at(length);
        format!("{line}\u{e9}\n")
    });
    lines.concat().into_bytes()
}

fn each_way_changes_nothing(target: Target) -> Result<()> {
    for way in WAYS {
        let mut inputs = vec![Vec::new(), b"\n".to_vec(), text(), text().repeat(50)];
        if !WAYS[WAYS.len() - WAYS_OF_TEXT..].contains(&way) {
            inputs.extend([b"no end".to_vec(), binary(16), binary(10_000)]);
        }
        for bytes in inputs {
            let output = program(target, "io_buffers")?
                .arg(way)
                .stdin(input(&bytes)?)
                .output()?;
            ensure_same(way, expect_status(&output, 0)?, &bytes)?;
        }
    }
    Ok(())
}

fn launch(target: Target, way: &str) -> Result<Launch> {
    let mut launch = target.launch("io_buffers")?;
    launch.args = vec![way.into()];
    Ok(launch)
}

fn short_transfers_change_nothing(target: Target) -> Result<()> {
    for way in WAYS {
        for most in [1, 7] {
            let capture = Capture::new(&text())?;
            let mut tracee = Tracee::start(&launch(target, way)?, capture.streams()?)?;
            let outcome = short_io(&mut tracee, most)?;
            ensure!(
                outcome.end == Event::Exited(0) && outcome.shortened > 0,
                "{way} by {most} bytes: {outcome:?}"
            );
            ensure_same(way, &capture.stdout()?, &text())?;
        }
    }
    Ok(())
}

fn interruptions_change_nothing(target: Target) -> Result<()> {
    const TIMES: usize = 2;
    let numbers = numbers(target.arch);
    for way in WAYS {
        let capture = Capture::new(&text())?;
        let mut tracee = Tracee::start(&launch(target, way)?, capture.streams()?)?;
        let mut in_a_row = 0;
        let end = loop {
            match tracee.next_syscall()? {
                Event::Syscall(call) => {
                    let transfers = [numbers.read, numbers.write].contains(&call.number);
                    if transfers && in_a_row < TIMES {
                        tracee.skip_syscall(-i64::from(libc::EINTR))?;
                        in_a_row += 1;
                    } else {
                        in_a_row = 0;
                    }
                }
                end => break end,
            }
        };
        ensure!(end == Event::Exited(0), "{way}: {end:?}");
        ensure_same(way, &capture.stdout()?, &text())?;
    }
    Ok(())
}

fn each_failing_call_is_reported(target: Target) -> Result<()> {
    let numbers = numbers(target.arch);
    // Whether all is there, or the error is told. A read of nothing is no failure: it is
    // the end.
    let is_honest = |way: &str, finding: &Finding| match finding.class {
        Class::Ok => true,
        Class::Reported(1) => finding.stderr == "Error: EIO\n",
        Class::SilentLoss => {
            way == "drop" && finding.number == numbers.write
                || finding.number == numbers.read && finding.result == 0
        }
        _ => false,
    };
    for way in WAYS {
        let launch = launch(target, way)?;
        let sweep = Sweep {
            launch: &launch,
            stdin: b"a line, and\nanother\n",
            results: &[-i64::from(libc::EIO), 0],
            persistent: false,
        };
        let wrong: Vec<_> = sweep
            .run()?
            .into_iter()
            .filter(|finding| [numbers.read, numbers.write].contains(&finding.number))
            .filter(|finding| !is_honest(way, finding))
            .collect();
        ensure!(wrong.is_empty(), "{way}: {wrong:#?}");
    }
    Ok(())
}

fn a_full_device_behind_a_buffer_is_reported(target: Target) -> Result<()> {
    for way in WAYS {
        let output = program(target, "io_buffers")?
            .arg(way)
            .stdin(input(b"a line\n")?)
            .stdout(full_device()?)
            .stderr(Stdio::piped())
            .output()?;
        let (status, said) = match way {
            // Documented: a drop has nobody to tell.
            "drop" => (0, ""),
            // What could not be flushed is held until the exit, which fails again.
            "read_to_string" => (1, "Error: ENOSPC\nfailed to write standard output\n"),
            _ => (1, "Error: ENOSPC\n"),
        };
        ensure!(
            output.status.code() == Some(status) && output.stderr == said.as_bytes(),
            "{way}: {output:?}"
        );
    }
    Ok(())
}

fn a_line_is_one_write(target: Target) -> Result<()> {
    let lines = ["\n", "a line\n", "fifteen bytes..\n", "\n", "end\n"];
    let (packets, stdout) = packets()?;
    let mut command = program(target, "io_buffers")?;
    command.arg("lines").stdout(stdout).stderr(Stdio::piped());
    let output = command.stdin(input(lines.concat().as_bytes())?).output()?;
    drop(command);
    expect_status(&output, 0)?;
    let writes = packets.read_all()?;
    ensure!(
        writes == lines.map(|line| line.as_bytes().to_vec()),
        "{writes:?}"
    );
    Ok(())
}

fn what_is_no_text_is_refused(target: Target) -> Result<()> {
    for (way, printed) in [("lines", "one\n"), ("read_to_string", "")] {
        let output = program(target, "io_buffers")?
            .arg(way)
            .stdin(input(b"one\n\xff\nthree\n")?)
            .output()?;
        ensure_same(way, expect_status(&output, 1)?, printed.as_bytes())?;
        ensure_same(way, &output.stderr, b"Error: EILSEQ\n")?;
    }
    Ok(())
}

fn pipes_carry_what_is_written(target: Target) -> Result<()> {
    let output = program(target, "io_pipe")?.output()?;
    // Its own assertions say what is wrong.
    std::io::stderr().write_all(&output.stderr)?;
    expect_status(&output, 0).map(drop)
}
