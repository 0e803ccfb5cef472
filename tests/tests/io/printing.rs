//! `print!`, `println!`, `eprint!`, `eprintln!`: what they print.

use anyhow::{Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::{Target, expect_status};

use crate::support::{ensure_same, packets, pattern, program, steps};

cases![
    each_form_of_the_macros_prints,
    a_literal_longer_than_the_buffer_prints,
    a_text_around_the_buffers_size_prints,
    a_mixture_prints_in_order,
    a_panic_prints_what_was_held_back,
    an_error_message_is_one_write,
    a_long_error_message_is_complete,
    integers_of_every_type_print,
    ufmt_prints_to_whatever_takes_text,
    a_number_costs_what_is_printed_with,
];

fn each_form_of_the_macros_prints(target: Target) -> Result<()> {
    let expected = "a literal; another\n\
        \n\
        a line\n\
        {braces} and literals \u{e9} \u{1d11e}\n\
        -42 \"name\" [    name] 0xff 255\n\
        Some(['a', '\\n'])    +7 2.50|\n\
        []\n\
        no newline at the end";
    let output = program(target, "print_macros")?.output()?;
    let stdout = expect_status(&output, 0)?;
    // The last line's Display prints something itself before it says its text.
    let expected_stdout = format!("{expected} <inner outer>\n");
    ensure_same("standard output", stdout, expected_stdout.as_bytes())?;
    ensure_same("standard error", &output.stderr, expected.as_bytes())
}

fn a_literal_longer_than_the_buffer_prints(target: Target) -> Result<()> {
    for len in [8192, 8193, 24577] {
        let output = program(target, "print_literal")?
            .arg(len.to_string())
            .output()?;
        let mut expected = b"0123456789abcde\n".repeat(len / 16);
        expected.extend(b"!".repeat(len % 16));
        ensure_same("the literal", expect_status(&output, 0)?, &expected)?;
    }
    Ok(())
}

fn a_text_around_the_buffers_size_prints(target: Target) -> Result<()> {
    for len in [8190, 8191, 8192, 8193, 16383, 16384, 16385, 20000] {
        for verb in ["print", "println", "write_all"] {
            let output = steps(target, &[&format!("{verb}=@{len}")])?.output()?;
            let mut expected = pattern(len);
            expected.extend((verb == "println").then_some(b'\n'));
            let what = format!("{verb} of {len} bytes");
            ensure_same(&what, expect_status(&output, 0)?, &expected)?;
        }
    }
    Ok(())
}

fn a_mixture_prints_in_order(target: Target) -> Result<()> {
    let mixture = [
        "print=@5000",
        "println=a",
        "println=",
        "write_all=@3189",
        "print=b",
        "print=",
        "println=@20000",
        "flush",
        "write=c",
        "print=@8192",
        "flush",
        "flush",
        "println=d",
    ];
    let mut expected = pattern(5000);
    expected.extend(b"a\n\n");
    expected.extend(pattern(3189));
    expected.extend(b"b");
    expected.extend(pattern(20000));
    expected.extend(b"\nc");
    expected.extend(pattern(8192));
    expected.extend(b"d\n");
    let output = steps(target, &mixture)?.output()?;
    ensure_same("the mixture", expect_status(&output, 0)?, &expected)
}

fn a_panic_prints_what_was_held_back(target: Target) -> Result<()> {
    let output = steps(target, &["print=held back", "panic=stop here"])?.output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.stdout == b"held back" && stderr.contains("stop here") && !output.status.success(),
        "{output:?}"
    );
    Ok(())
}

/// So that a message stays whole among those of other processes.
fn an_error_message_is_one_write(target: Target) -> Result<()> {
    // eprintln formats two pieces, the text and the newline.
    let cases = [
        ("eprint", 1),
        ("eprint", 511),
        ("eprint", 512),
        ("eprintln", 0),
        ("eprintln", 1),
        ("eprintln", 511),
    ];
    for (verb, len) in cases {
        let writes = error_writes(target, verb, len)?;
        ensure!(
            writes.len() == 1,
            "{verb} of {len} bytes made {} writes",
            writes.len()
        );
    }
    Ok(())
}

fn a_long_error_message_is_complete(target: Target) -> Result<()> {
    for len in [512, 513, 1024, 1025, 20000] {
        error_writes(target, "eprint", len)?;
        error_writes(target, "eprintln", len)?;
    }
    Ok(())
}

/// The writes that `verb` makes of the pattern's first `len` bytes, which
/// together are that.
fn error_writes(target: Target, verb: &str, len: usize) -> Result<Vec<Vec<u8>>> {
    let (packets, stderr) = packets()?;
    let mut command = steps(target, &[&format!("{verb}=@{len}")])?;
    let status = command.stderr(stderr).status()?;
    drop(command);
    let writes = packets.read_all()?;
    let mut expected = pattern(len);
    expected.extend((verb == "eprintln").then_some(b'\n'));
    ensure!(status.success(), "{verb} of {len} bytes: {status}");
    let what = format!("{verb} of {len} bytes");
    ensure_same(&what, &writes.concat(), &expected)?;
    Ok(writes)
}

fn integers_of_every_type_print(target: Target) -> Result<()> {
    macro_rules! limits {
        ($($type:ident)*) => {
            [$({
                let values = [$type::MIN, $type::MAX, $type::MAX / 3];
                let texts = values.map(|value| format!(" {value} {value:x}"));
                format!("{}:{}\n", stringify!($type), texts.concat())
            }),*]
        };
    }
    let expected = limits!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128).concat();
    let output = program(target, "print_numbers")?.output()?;
    ensure_same(
        "the numbers",
        expect_status(&output, 0)?,
        expected.as_bytes(),
    )
}

fn ufmt_prints_to_whatever_takes_text(target: Target) -> Result<()> {
    let text = "42 -9223372036854775808 18446744073709551615\n\
        text ff\n\
        Point { x: -1, y: 2 }\n\
        \u{e9}\n";
    let output = program(target, "io_ufmt")?.output()?;
    // Standard output, and two buffers before it.
    ensure_same(
        "standard output",
        expect_status(&output, 0)?,
        text.repeat(3).as_bytes(),
    )?;
    ensure_same("standard error", &output.stderr, text.as_bytes())
}

/// core's formatting is most of a program that uses it, and none of one that does not.
fn a_number_costs_what_is_printed_with(target: Target) -> Result<()> {
    let mut sizes = Vec::new();
    for by in ["core", "ufmt", "digits"] {
        let name = format!("print_number_{by}");
        let output = program(target, &name)?.args(["1", "2"]).output()?;
        ensure_same(&name, expect_status(&output, 0)?, b"n = 3\n")?;
        sizes.push(std::fs::metadata(target.program(&name)?)?.len());
    }
    if let [core, ufmt, digits] = *sizes
        && target.is_release()
    {
        ensure!(
            digits < ufmt && ufmt < core / 2,
            "core {core} bytes, ufmt {ufmt}, digits {digits}"
        );
    }
    Ok(())
}
