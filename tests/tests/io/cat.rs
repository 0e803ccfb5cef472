//! `cat`, beside the system's.

use std::ffi::{CString, OsStr};
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;

use crate::support::{binary, ensure_same, is_readable, program};

cases![
    files_are_copied_as_by_the_systems_cat,
    what_cannot_be_read_is_reported_as_by_the_systems_cat,
    an_invalid_option_is_refused_as_by_the_systems_cat,
    a_strange_name_is_reported_on_one_line,
    a_fifo_is_copied,
    a_file_beyond_2_gib_is_copied,
    input_is_passed_on_as_it_arrives,
];

/// How much cat reads at a time.
const BUFFER: usize = 128 << 10;

/// A folder with something of everything in it.
fn folder() -> Result<TempDir> {
    let folder = TempDir::new()?;
    let path = |name: &str| folder.path().join(name);
    let files = [
        ("one", b"the first file\n".to_vec()),
        ("two", b"the second, without a newline".to_vec()),
        ("empty", Vec::new()),
        ("byte", vec![0]),
        ("binary", binary(10_000)),
        ("less", binary(BUFFER - 1)),
        ("exact", binary(BUFFER)),
        ("more", binary(BUFFER + 1)),
        ("long", binary(5 << 20)),
        ("-dash", b"a dash\n".to_vec()),
        ("--", b"two dashes\n".to_vec()),
        ("secret", b"not for everybody\n".to_vec()),
    ];
    for (name, contents) in files {
        fs::write(path(name), contents)?;
    }
    fs::set_permissions(path("secret"), Permissions::from_mode(0o000))?;
    fs::create_dir(path("folder"))?;
    symlink("one", path("link"))?;
    symlink("nowhere", path("dangling"))?;
    symlink("loop", path("loop"))?;
    Ok(folder)
}

/// Runs freestand's cat and the system's in `folder`, with the file `stdin` there
/// as standard input.
fn both(target: Target, folder: &Path, args: &[&str], stdin: &str) -> Result<[Output; 2]> {
    let run = |mut command: Command| {
        command
            .args(args)
            .env_clear()
            .env("LC_ALL", "C")
            .current_dir(folder)
            .stdin(File::open(folder.join(stdin))?);
        without_override(&mut command);
        command.output().context("running cat")
    };
    Ok([run(program(target, "cat")?)?, run(Command::new("cat"))?])
}

/// Has the program start without root's right to read every file, so that the
/// tests may be run as root.
fn without_override(command: &mut Command) {
    const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
    const CAP_DAC_READ_SEARCH: libc::c_ulong = 2;
    // SAFETY: prctl is async-signal-safe. It fails for whoever has no such right
    // in the first place.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
            Ok(())
        });
    }
}

/// Checks that freestand's cat does what the system's does.
fn compare(target: Target, scenes: &[(&[&str], &str)]) -> Result<()> {
    let folder = folder()?;
    for (args, stdin) in scenes {
        let what = format!("cat {args:?} <{stdin}");
        let [ours, theirs] = both(target, folder.path(), args, stdin)?;
        ensure!(
            ours.status == theirs.status && ours.stderr == theirs.stderr,
            "{what}: {} and {:?}; the system's: {} and {:?}",
            ours.status,
            String::from_utf8_lossy(&ours.stderr),
            theirs.status,
            String::from_utf8_lossy(&theirs.stderr)
        );
        ensure_same(&what, &ours.stdout, &theirs.stdout)?;
    }
    Ok(())
}

fn files_are_copied_as_by_the_systems_cat(target: Target) -> Result<()> {
    compare(
        target,
        &[
            (&[], "one"),
            (&[], "empty"),
            (&[], "long"),
            (&["-"], "binary"),
            (&["one"], "empty"),
            (&["empty"], "one"),
            (&["byte"], "one"),
            (&["binary"], "one"),
            (&["less"], "one"),
            (&["exact"], "one"),
            (&["more"], "one"),
            (&["long"], "one"),
            (&["one", "two", "empty", "two", "one"], "binary"),
            (&["one", "-", "two"], "binary"),
            // There is nothing left for the second.
            (&["-", "one", "-"], "two"),
            (&["--"], "one"),
            (&["--", "-dash", "-", "--"], "one"),
            (&["./-dash", "link", "link"], "one"),
            (&["/proc/version"], "one"),
        ],
    )
}

fn what_cannot_be_read_is_reported_as_by_the_systems_cat(target: Target) -> Result<()> {
    let too_long = "n".repeat(256);
    compare(
        target,
        &[
            (&["one", "missing", "two"], "empty"),
            (&["folder"], "empty"),
            (&["one", "folder", "-"], "two"),
            (&[], "folder"),
            (&["one", "-", "two"], "folder"),
            (&["secret", "one"], "empty"),
            (&["loop", "dangling", "one"], "empty"),
            (&["one/under", "folder/under"], "empty"),
            (&[&too_long, "one"], "empty"),
        ],
    )
}

/// The system's also says where to find help.
fn an_invalid_option_is_refused_as_by_the_systems_cat(target: Target) -> Result<()> {
    let folder = folder()?;
    for option in ["-z", "-zone"] {
        let [ours, theirs] = both(target, folder.path(), &[option, "one"], "two")?;
        let first_line = theirs.stderr.split_inclusive(|&byte| byte == b'\n').next();
        ensure!(
            ours.status == theirs.status
                && ours.stdout == theirs.stdout
                && Some(&*ours.stderr) == first_line,
            "{ours:?}; the system's: {theirs:?}"
        );
    }
    Ok(())
}

/// The system's quotes for a shell; ours has to be clear, not the same.
fn a_strange_name_is_reported_on_one_line(target: Target) -> Result<()> {
    let cases: [(&[u8], &str); 4] = [
        (b"a\nb", r"a\nb"),
        (b"\xff\x1b[31m", r"\xff\x1b[31m"),
        (br"a\nb", r"a\\nb"),
        (b" ", " "),
    ];
    for (name, shown) in cases {
        let output = program(target, "cat")?
            .arg(Path::new("/nowhere").join(OsStr::from_bytes(name)))
            .stdin(Stdio::null())
            .output()?;
        let expected = format!("cat: /nowhere/{shown}: No such file or directory\n");
        expect_status(&output, 1)?;
        ensure_same("the message", &output.stderr, expected.as_bytes())?;
    }
    Ok(())
}

fn a_fifo_is_copied(target: Target) -> Result<()> {
    let folder = TempDir::new()?;
    let fifo = folder.path().join("fifo");
    let name = CString::new(fifo.as_os_str().as_bytes())?;
    // SAFETY: the path ends in NUL.
    ensure!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) } == 0, "mkfifo");
    let contents = binary(BUFFER + 1);
    // With both ends open here the writer waits for nobody; cat finds the end when
    // they are closed, and by then it must have opened its own.
    let mut ours = File::options().read(true).write(true).open(&fifo)?;
    let child = program(target, "cat")?
        .arg(&fifo)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let writer = thread::spawn({
        let contents = contents.clone();
        // More than a pipe holds: cat has read some when this is done.
        move || ours.write_all(&contents)
    });
    let output = child.wait_with_output()?;
    ensure_same("the copy", expect_status(&output, 0)?, &contents)?;
    let written = writer.join().expect("it does not panic");
    written.context("writing to the FIFO")
}

/// On 32-bit machines such a file cannot be opened without `O_LARGEFILE`.
fn a_file_beyond_2_gib_is_copied(target: Target) -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path().join("sparse");
    File::create(&path)?.set_len((2 << 30) + 1)?;
    let mut child = program(target, "cat")?
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // The beginning is enough. Then nobody reads any more, and cat ends.
    let mut start = Vec::new();
    let stdout = child.stdout.take().expect("it is piped");
    stdout.take(10).read_to_end(&mut start)?;
    let output = child.wait_with_output()?;
    ensure!(
        start == [0; 10],
        "cat copied {start:?} and said {:?}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn input_is_passed_on_as_it_arrives(target: Target) -> Result<()> {
    let mut child = program(target, "cat")?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = child.stdout.take().expect("it is piped");
    for text in ["a", "line\n", "b"] {
        stdin.write_all(text.as_bytes())?;
        let mut found = Vec::new();
        while found.len() < text.len() {
            ensure!(
                is_readable(&stdout, 10_000)?,
                "{found:?} of {text:?} came out while more input may come"
            );
            let mut bytes = [0; 64];
            let read = stdout.read(&mut bytes)?;
            ensure!(read > 0, "cat ended before its input did");
            found.extend(&bytes[..read]);
        }
        ensure_same("what came out", &found, text.as_bytes())?;
    }
    drop(stdin);
    let status = child.wait()?;
    ensure!(status.success(), "{status}");
    Ok(())
}
