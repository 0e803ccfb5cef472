//! When standard output is written, what the `Write` methods return, and
//! standard input.

use std::io::{Read, Write, pipe};
use std::os::fd::AsFd;
use std::process::Stdio;

use anyhow::{Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::faults::Sweep;

use crate::support::{
    ensure_same, full_device, input, is_readable, make_small_and_nonblocking, packets, pattern,
    read_to, steps, terminal,
};

cases![
    lines_to_a_pipe_are_one_write,
    the_buffer_is_written_when_full,
    a_line_to_a_terminal_is_written_at_its_end,
    write_methods_say_what_they_took,
    a_full_device_fails_every_flush,
    a_full_pipe_loses_nothing,
    exit_flushes_and_underscore_exit_does_not,
    standard_input_is_read_to_its_end,
    standard_input_tells_of_interruptions,
];

fn lines_to_a_pipe_are_one_write(target: Target) -> Result<()> {
    let cases: &[(&[&str], &[&str])] = &[
        (&["println=a", "println=b", "print=c"], &["a\nb\nc"]),
        (
            &["println=a", "flush", "println=b", "println=c"],
            &["a\n", "b\nc\n"],
        ),
        (&["print=a", "println=", "println=b"], &["a\nb\n"]),
        // An empty text is no reason to write.
        (&["print=a", "print=", "print=b"], &["ab"]),
        // Neither is a flush of nothing, which there is at every exit.
        (&["flush", "print=a", "flush", "flush"], &["a"]),
    ];
    for (list, expected) in cases {
        let writes = writes(target, list)?;
        ensure!(
            writes
                == expected
                    .iter()
                    .map(|text| text.as_bytes())
                    .collect::<Vec<_>>(),
            "{list:?} wrote {:?}, not {expected:?}",
            writes
                .iter()
                .map(|bytes| String::from_utf8_lossy(bytes))
                .collect::<Vec<_>>()
        );
    }
    Ok(())
}

fn the_buffer_is_written_when_full(target: Target) -> Result<()> {
    let cases: &[(&[&str], &[usize])] = &[
        (&["print=@8191"], &[8191]),
        (&["print=@8192"], &[8192]),
        (&["print=@8193"], &[8192, 1]),
        (&["print=@5000", "print=@5000"], &[8192, 1808]),
        (&["print=@20000"], &[8192, 8192, 3616]),
        (&["print=@10", "write_all=@8191"], &[8192, 9]),
        // What would fill the buffer by itself goes past it.
        (&["print=@10", "write_all=@8192"], &[10, 8192]),
        (&["write_all=@20000", "print=@10"], &[20000, 10]),
    ];
    for (list, expected) in cases {
        let found: Vec<_> = writes(target, list)?.iter().map(Vec::len).collect();
        ensure!(
            found == *expected,
            "{list:?} wrote {found:?} bytes, not {expected:?}"
        );
    }
    Ok(())
}

/// What each write to standard output was.
fn writes(target: Target, list: &[&str]) -> Result<Vec<Vec<u8>>> {
    let (packets, stdout) = packets()?;
    let mut command = steps(target, list)?;
    let output = command.stdout(stdout).stderr(Stdio::piped()).output()?;
    drop(command);
    expect_status(&output, 0)?;
    packets.read_all()
}

fn a_line_to_a_terminal_is_written_at_its_end(target: Target) -> Result<()> {
    let (mut user, terminal) = terminal()?;
    // After each step it tells where it is and waits to be let on.
    let scene = [
        ("print=a", ""),
        ("println=b", "ab\n"),
        ("print=c", ""),
        ("flush", "c"),
        ("println=", "\n"),
        ("print=d", ""),
    ];
    let list = scene.map(|(step, _)| [step, "eprint=<stop>", "read=1"]);
    let mut child = steps(target, list.as_flattened())?
        .stdin(Stdio::piped())
        // Our copy keeps the terminal from hanging up when the program ends.
        .stdout(terminal.try_clone()?)
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stderr = child.stderr.take().expect("it is piped");
    for (step, expected) in scene {
        read_to(&mut stderr, "<stop>")?;
        expect_at_terminal(&mut user, expected, step)?;
        stdin.write_all(b"x")?;
    }
    let output = child.wait_with_output()?;
    expect_status(&output, 0)?;
    expect_at_terminal(&mut user, "d", "exit")
}

/// Checks that a terminal's user gets to see `expected` and no more.
fn expect_at_terminal(mut user: impl Read + AsFd, expected: &str, step: &str) -> Result<()> {
    let mut seen = Vec::new();
    // What is written to a terminal takes a moment to arrive, and so would what
    // should not have been written.
    loop {
        let missing = seen.len() < expected.len();
        if !is_readable(user.as_fd(), if missing { 5000 } else { 20 })? {
            break;
        }
        let mut bytes = [0; 64];
        let read = user.read(&mut bytes)?;
        seen.extend(&bytes[..read]);
    }
    ensure!(
        seen == expected.as_bytes(),
        "after {step} the terminal showed {:?}, not {expected:?}",
        String::from_utf8_lossy(&seen)
    );
    Ok(())
}

fn write_methods_say_what_they_took(target: Target) -> Result<()> {
    let cases = [
        ("write=", "Ok(0)"),
        ("write=abc", "Ok(3)"),
        // As much as the buffer has room for, and when it has none, what it has
        // room for after a write.
        ("write=@10000", "Ok(8189)"),
        ("write=@10000", "Ok(8192)"),
        ("write_all=", "Ok(())"),
        ("write_all=@10000", "Ok(())"),
        ("flush", "Ok(())"),
        ("flush", "Ok(())"),
        ("stderr_write=", "Ok(0)"),
        ("stderr_write=<5>", "Ok(3)"),
        ("stderr_write_all=<6>", "Ok(())"),
        ("stderr_flush", "Ok(())"),
    ];
    let output = steps(target, &cases.map(|(step, _)| step))?.output()?;
    let expected_stdout = [
        b"abc".to_vec(),
        pattern(8189),
        pattern(8192),
        pattern(10000),
    ];
    ensure_same(
        "standard output",
        expect_status(&output, 0)?,
        &expected_stdout.concat(),
    )?;
    let said = cases.map(|(step, result)| {
        let (_, text) = step.split_once('=').unwrap_or_default();
        let text = if step.starts_with("stderr") { text } else { "" };
        format!("{text}{step}: {result}\n")
    });
    ensure_same("what it said", &output.stderr, said.concat().as_bytes())
}

fn a_full_device_fails_every_flush(target: Target) -> Result<()> {
    const LOST: &str = "failed to write standard output\n";
    let cases: &[(&[&str], &str, &str)] = &[
        // What could not be written is kept, so that each flush fails anew, and
        // so does the one at exit.
        (
            &["write=abc", "flush", "flush", "write_all=def", "flush"],
            "write=abc: Ok(3)\nflush: Err(ENOSPC)\nflush: Err(ENOSPC)\n\
             write_all=def: Ok(())\nflush: Err(ENOSPC)\n",
            LOST,
        ),
        (
            &["write=@9000", "write=a", "write_all=b"],
            "write=@9000: Ok(8192)\nwrite=a: Err(ENOSPC)\nwrite_all=b: Err(ENOSPC)\n",
            LOST,
        ),
        // What went past the buffer is not kept: the program knows.
        (&["write_all=@9000"], "write_all=@9000: Err(ENOSPC)\n", ""),
    ];
    for &(list, said, at_exit) in cases {
        let output = steps(target, list)?
            .stdout(full_device()?)
            .stderr(Stdio::piped())
            .output()?;
        let expected = [said, at_exit].concat();
        ensure_same("what it said", &output.stderr, expected.as_bytes())?;
        ensure!(
            output.status.success() == at_exit.is_empty(),
            "{list:?}: {output:?}"
        );
    }
    Ok(())
}

fn a_full_pipe_loses_nothing(target: Target) -> Result<()> {
    let (mut reader, writer) = pipe()?;
    let size = make_small_and_nonblocking(writer.as_fd())?;
    ensure!(size < 8192, "a pipe of {size} bytes is never full");
    let fill = format!("write_all=@{}", size + 100);
    let list = [
        &*fill,
        "flush",
        "write=@1000",
        "flush",
        "eprint=<stop>",
        "read=1",
        "flush",
        "write=end",
    ];
    let mut child = steps(target, &list)?
        .stdin(Stdio::piped())
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stderr = child.stderr.take().expect("it is piped");
    let said = read_to(&mut stderr, "<stop>")?;
    let expected = format!(
        "{fill}: Ok(())\nflush: Err(EAGAIN)\nwrite=@1000: Ok(1000)\nflush: Err(EAGAIN)\n<stop>"
    );
    ensure!(said == expected, "it said {said:?}, not {expected:?}");

    let mut found = vec![0; size];
    reader.read_exact(&mut found)?;
    child.stdin.take().expect("it is piped").write_all(b"x")?;
    reader.read_to_end(&mut found)?;
    let mut rest = String::new();
    stderr.read_to_string(&mut rest)?;
    ensure!(
        child.wait()?.success() && rest.ends_with("flush: Ok(())\nwrite=end: Ok(3)\n"),
        "at last it said {rest:?}"
    );
    let expected = [pattern(size + 100), pattern(1000), b"end".to_vec()];
    ensure_same("what came through", &found, &expected.concat())
}

fn exit_flushes_and_underscore_exit_does_not(target: Target) -> Result<()> {
    for (step, status, printed) in [("exit=0", 0, "a"), ("exit=7", 7, "a"), ("_exit=0", 0, "")] {
        let output = steps(target, &["print=a", step, "print=b"])?.output()?;
        ensure_same(step, expect_status(&output, status)?, printed.as_bytes())?;
    }
    Ok(())
}

fn standard_input_is_read_to_its_end(target: Target) -> Result<()> {
    let output = steps(
        target,
        &["read=3", "read=0", "read=64", "read=64", "read=64"],
    )?
    .stdin(input(b"abcdefg")?)
    .output()?;
    expect_status(&output, 0)?;
    let expected = "read=3: Ok(\"abc\")\nread=0: Ok(\"\")\nread=64: Ok(\"defg\")\n\
        read=64: Ok(\"\")\nread=64: Ok(\"\")\n";
    ensure_same("what it said", &output.stderr, expected.as_bytes())
}

/// As std's does; what to do about them is the caller's decision.
fn standard_input_tells_of_interruptions(target: Target) -> Result<()> {
    let mut launch = target.launch("io_steps")?;
    launch.args = vec!["read=64".into(), "read=64".into()];
    let sweep = Sweep {
        launch: &launch,
        stdin: b"abc",
        results: &[-i64::from(libc::EINTR)],
        persistent: false,
    };
    let findings = sweep.run()?;
    let first = findings.first().map(|finding| &*finding.stderr);
    ensure!(
        first == Some("read=64: Err(EINTR)\nread=64: Ok(\"abc\")\n"),
        "with the first system call interrupted it said {first:?}"
    );
    Ok(())
}
