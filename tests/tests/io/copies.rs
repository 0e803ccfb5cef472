//! `io::copy` between descriptors of all kinds: by which system calls, and what becomes
//! of it when one of them refuses, is interrupted, moves little or fails.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write, pipe};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::thread;

use anyhow::{Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::Target;
use freestand_tests::temp;
use freestand_tests::trace::{Capture, Event, Streams, Syscall, Tracee};
use xtask::arch::Arch;

use crate::support::{binary, ensure_same, input, make_small_and_nonblocking};

cases![
    each_pair_is_copied_by_the_calls_that_take_it,
    positions_are_kept_and_moved,
    a_file_that_claims_to_be_empty_is_copied,
    a_refused_call_is_followed_by_the_next,
    a_call_that_refuses_halfway_is_followed_by_the_next,
    an_interrupted_copy_goes_on,
    a_copy_in_small_steps_loses_nothing,
    other_errors_end_the_copy,
    what_would_wait_is_an_error,
];

/// The calls that a copy may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Read,
    Write,
    Lseek,
    Sendfile,
    Splice,
    CopyFileRange,
}

use Call::{CopyFileRange, Lseek, Sendfile, Splice, Write as Written};

impl Call {
    const ALL: [Call; 6] = [
        Call::Read,
        Call::Write,
        Call::Lseek,
        Call::Sendfile,
        Call::Splice,
        Call::CopyFileRange,
    ];

    fn number(self, arch: Arch) -> u64 {
        let numbers = match arch {
            Arch::X86_64 => [0, 1, 8, 40, 275, 326],
            // _llseek and sendfile64.
            Arch::I386 => [3, 4, 140, 239, 313, 377],
            Arch::Aarch64 | Arch::Riscv64 => [63, 64, 62, 71, 76, 285],
        };
        numbers[self as usize]
    }

    /// Which of its arguments says how much is to be moved.
    fn length(self) -> Option<usize> {
        match self {
            Call::Read | Call::Write => Some(2),
            Call::Lseek => None,
            Call::Sendfile => Some(3),
            Call::Splice | Call::CopyFileRange => Some(4),
        }
    }

    /// The call that a program is about to make, unless it is not part of the copy.
    fn of(arch: Arch, call: &Syscall) -> Option<Call> {
        let is_message = call.args[0] == 2;
        let of_copy = Call::ALL
            .into_iter()
            .find(|known| known.number(arch) == call.number);
        of_copy.filter(|&known| known != Call::Write || !is_message)
    }
}

/// What is copied from, or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    /// A file that each write goes to the end of.
    Appended,
    Pipe,
    Socket,
    /// `/dev/null`.
    Null,
}

use Kind::{Appended, Null, Pipe, Socket};

/// Something of this kind to read `bytes` from.
fn source(kind: Kind, bytes: &[u8]) -> Result<Stdio> {
    fn feed(mut to: impl Write + Send + 'static, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        // Who does not read to the end has its reasons.
        thread::spawn(move || to.write_all(&bytes));
    }
    Ok(match kind {
        Kind::File => input(bytes)?.into(),
        Kind::Pipe => {
            let (reader, writer) = pipe()?;
            feed(writer, bytes);
            reader.into()
        }
        Kind::Socket => {
            let (ours, theirs) = UnixStream::pair()?;
            feed(ours, bytes);
            std::os::fd::OwnedFd::from(theirs).into()
        }
        Kind::Appended | Kind::Null => anyhow::bail!("nothing comes from {kind:?}"),
    })
}

/// What a target has in it before anything is copied there, if it can.
const BEFORE: &[u8] = b"before";

type Contents = Box<dyn FnOnce() -> Result<Vec<u8>>>;

/// Something of this kind to write to, and what has arrived there, for when nobody
/// writes any more.
fn sink(kind: Kind) -> Result<(Stdio, Contents)> {
    fn collect(mut from: impl Read + Send + 'static) -> Contents {
        let reader = thread::spawn(move || {
            let mut bytes = BEFORE.to_vec();
            from.read_to_end(&mut bytes).map(|_| bytes)
        });
        Box::new(move || Ok(reader.join().expect("it does not panic")?))
    }
    Ok(match kind {
        Kind::File | Kind::Appended => {
            let mut file = temp::file()?;
            file.write_all(BEFORE)?;
            let mut theirs = file.try_clone()?;
            if kind == Kind::Appended {
                theirs = File::options().append(true).open(format!(
                    "/proc/self/fd/{}",
                    std::os::fd::AsRawFd::as_raw_fd(&file)
                ))?;
            }
            let contents = move || {
                let mut bytes = Vec::new();
                file.rewind()?;
                file.read_to_end(&mut bytes)?;
                Ok(bytes)
            };
            (theirs.into(), Box::new(contents))
        }
        Kind::Pipe => {
            let (reader, writer) = pipe()?;
            (writer.into(), collect(reader))
        }
        Kind::Socket => {
            let (ours, theirs) = UnixStream::pair()?;
            (std::os::fd::OwnedFd::from(theirs).into(), collect(ours))
        }
        Kind::Null => {
            let null = File::options().write(true).open("/dev/null")?;
            (null.into(), Box::new(|| Ok(Vec::new())))
        }
    })
}

/// What a program did.
struct Run {
    /// The calls of the copy, but for those that were made not to happen.
    calls: Vec<Call>,
    end: Event,
    stderr: String,
}

impl Run {
    fn count(&self, call: Call) -> usize {
        self.calls.iter().filter(|&&made| made == call).count()
    }
}

/// What is done to a call: each time, with the calls made so far.
enum Fate {
    Happens,
    /// Moves at most so much.
    Moves(u64),
    /// Fails, or in other words returns this negative number.
    Returns(i64),
}

fn fails(errno: i32) -> Fate {
    Fate::Returns(-i64::from(errno))
}

/// Runs `io_copy` with `arg`, and decides about each call of the copy.
fn run(
    target: Target,
    arg: &str,
    stdin: Stdio,
    stdout: Stdio,
    mut decide: impl FnMut(Call, &[Call]) -> Fate,
) -> Result<Run> {
    let mut launch = target.launch("io_copy")?;
    launch.args = vec![arg.into()];
    let capture = Capture::new(b"")?;
    let streams = Streams {
        stdin,
        stdout,
        ..capture.streams()?
    };
    let mut tracee = Tracee::start(&launch, streams)?;
    let mut calls = Vec::new();
    let end = loop {
        let call = match tracee.next_syscall()? {
            Event::Syscall(call) => call,
            end => break end,
        };
        let Some(known) = Call::of(target.arch, &call) else {
            continue;
        };
        match decide(known, &calls) {
            Fate::Happens => calls.push(known),
            Fate::Moves(most) => {
                if let Some(length) = known.length().filter(|&length| call.args[length] > most) {
                    tracee.set_argument(length, most)?;
                }
                calls.push(known);
            }
            Fate::Returns(result) => tracee.skip_syscall(result)?,
        }
    };
    Ok(Run {
        calls,
        end,
        stderr: String::from_utf8_lossy(&capture.stderr()?).into_owned(),
    })
}

/// Copies `bytes` from one kind to the other, and checks what arrives and what the
/// program says.
fn copy(
    target: Target,
    arg: &str,
    (from, to): (Kind, Kind),
    bytes: &[u8],
    decide: impl FnMut(Call, &[Call]) -> Fate,
) -> Result<Run> {
    let (stdout, contents) = sink(to)?;
    let run = run(target, arg, source(from, bytes)?, stdout, decide)?;
    let what = format!("{arg} from {from:?} to {to:?} by {:?}", run.calls);
    let said = format!("copied {}\n", bytes.len());
    ensure!(
        run.end == Event::Exited(0) && run.stderr == said,
        "{what}: {:?} and {:?}, not {said:?}",
        run.end,
        run.stderr
    );
    if to != Null {
        ensure_same(&what, &contents()?, &[BEFORE, bytes].concat())?;
    }
    Ok(run)
}

/// More than a pipe holds, and than goes through memory at a time.
fn long() -> Vec<u8> {
    binary(150_000)
}

/// Which kinds, and which call moves the bytes.
const PAIRS: &[((Kind, Kind), Call)] = &[
    ((Kind::File, Kind::File), CopyFileRange),
    ((Kind::File, Null), Sendfile),
    ((Kind::File, Appended), Written),
    // Not the file's pages, which may change before they are read.
    ((Kind::File, Pipe), Written),
    ((Kind::File, Socket), Written),
    ((Pipe, Kind::File), Splice),
    ((Pipe, Appended), Written),
    ((Pipe, Pipe), Splice),
    ((Pipe, Socket), Splice),
    ((Pipe, Null), Splice),
    ((Socket, Pipe), Splice),
    ((Socket, Kind::File), Written),
    ((Socket, Socket), Written),
];

fn each_pair_is_copied_by_the_calls_that_take_it(target: Target) -> Result<()> {
    for bytes in [long(), b"x".to_vec(), Vec::new()] {
        for &(pair, by) in PAIRS {
            let run = copy(target, "copy", pair, &bytes, |_, _| Fate::Happens)?;
            // One that refuses is made once; one that moves something is made again,
            // to find the end. Writing has no end to find.
            let moved = |call| match call {
                Lseek => false,
                Written => run.count(call) > 0,
                _ => run.count(call) > 1,
            };
            for call in Call::ALL.into_iter().filter(|&call| call != Call::Read) {
                ensure!(
                    moved(call) == (call == by && !bytes.is_empty()),
                    "{} bytes of {pair:?} were copied by {:?}, not {by:?}",
                    bytes.len(),
                    run.calls
                );
            }
            copy(target, "copy_buffered", pair, &bytes, |_, _| Fate::Happens)?;
        }
    }
    Ok(())
}

fn positions_are_kept_and_moved(target: Target) -> Result<()> {
    for (from, to) in [
        (Kind::File, Kind::File),
        (Pipe, Kind::File),
        (Kind::File, Pipe),
    ] {
        let (stdout, contents) = sink(to)?;
        let stdin = source(from, b"abcdef")?;
        let run = run(target, "copy_rest", stdin, stdout, |_, _| Fate::Happens)?;
        ensure!(run.stderr == "copied 3\n", "{:?}", run.stderr);
        ensure_same("the rest", &contents()?, &[BEFORE, b"<def"].concat())?;
    }

    // The files are where the copy has left them.
    let (mut from, mut to) = (input(b"abcdef")?, temp::file()?);
    to.write_all(b"1234567890")?;
    to.seek(SeekFrom::Start(2))?;
    from.seek(SeekFrom::Start(1))?;
    let (stdin, stdout) = (from.try_clone()?.into(), to.try_clone()?.into());
    run(target, "copy", stdin, stdout, |_, _| Fate::Happens)?;
    ensure!(
        (from.stream_position()?, to.stream_position()?) == (6, 7),
        "the copy left the files elsewhere"
    );
    let mut bytes = Vec::new();
    to.rewind()?;
    to.read_to_end(&mut bytes)?;
    ensure_same("what was within", &bytes, b"12bcdef890")
}

fn a_file_that_claims_to_be_empty_is_copied(target: Target) -> Result<()> {
    let expected = std::fs::read("/proc/version")?;
    let end_at_once = |call, _: &[Call]| match call {
        // What kernels before 5.19 say of files in /proc.
        CopyFileRange => Fate::Returns(0),
        _ => Fate::Happens,
    };
    for to in [Kind::File, Appended, Pipe] {
        let (stdout, contents) = sink(to)?;
        let version = File::open("/proc/version")?;
        run(target, "copy", version.into(), stdout, |_, _| Fate::Happens)?;
        let found = contents()?;
        ensure_same("/proc/version", &found, &[BEFORE, &expected].concat())?;
    }
    let pair = (Kind::File, Kind::File);
    let run = copy(target, "copy", pair, &long(), end_at_once)?;
    ensure!(run.count(Sendfile) > 1, "{:?}", run.calls);
    Ok(())
}

/// What the calls refuse with.
const REFUSALS: [i32; 9] = [
    libc::ENOSYS,
    libc::EPERM,
    libc::EINVAL,
    libc::EOPNOTSUPP,
    libc::ESPIPE,
    libc::EXDEV,
    libc::EBADF,
    libc::ETXTBSY,
    libc::EOVERFLOW,
];

/// Which call moves something, which refuse before it, and between what.
const FALLBACKS: [(Call, &[Call], (Kind, Kind)); 3] = [
    (Sendfile, &[CopyFileRange], (Kind::File, Kind::File)),
    (
        Written,
        &[CopyFileRange, Sendfile],
        (Kind::File, Kind::File),
    ),
    (Written, &[Splice], (Pipe, Pipe)),
];

fn a_refused_call_is_followed_by_the_next(target: Target) -> Result<()> {
    for errno in REFUSALS {
        for (by, refusing, pair) in FALLBACKS {
            let run = copy(target, "copy", pair, &long(), |call, _| {
                if refusing.contains(&call) {
                    return fails(errno);
                }
                Fate::Happens
            })?;
            let moved = run.count(by) > 1 && refusing.iter().all(|&call| run.count(call) == 0);
            ensure!(moved, "errno {errno}: {pair:?} by {:?}", run.calls);
            ensure!(by == Written || run.count(Written) == 0, "{:?}", run.calls);
        }
    }
    Ok(())
}

fn a_call_that_refuses_halfway_is_followed_by_the_next(target: Target) -> Result<()> {
    for errno in REFUSALS {
        for (by, refusing, pair) in FALLBACKS {
            let run = copy(target, "copy", pair, &long(), |call, made| {
                match refusing.contains(&call) {
                    true if made.contains(&call) => fails(errno),
                    true => Fate::Moves(1001),
                    false => Fate::Happens,
                }
            })?;
            let moved = run.count(by) > 1 && refusing.iter().all(|&call| run.count(call) == 1);
            ensure!(moved, "errno {errno}: {pair:?} by {:?}", run.calls);
        }
    }
    Ok(())
}

fn an_interrupted_copy_goes_on(target: Target) -> Result<()> {
    const TIMES: u32 = 3;
    for &(pair, by) in PAIRS {
        for arg in ["copy", "copy_buffered"] {
            let (mut in_a_row, mut interrupted) = (0, Vec::new());
            // lseek is never interrupted.
            copy(target, arg, pair, &binary(2000), |call, _| {
                if call == Lseek || in_a_row == TIMES {
                    in_a_row = 0;
                    return Fate::Happens;
                }
                in_a_row += 1;
                interrupted.push(call);
                fails(libc::EINTR)
            })?;
            let expected = if arg == "copy" { by } else { Written };
            ensure!(
                interrupted.contains(&expected),
                "{pair:?}: only {interrupted:?} were interrupted"
            );
        }
    }
    Ok(())
}

fn a_copy_in_small_steps_loses_nothing(target: Target) -> Result<()> {
    // A stop at each byte takes its time, so the least goes with the fewest.
    for (most, len) in [(1, 50), (7, 500), (4096, 50_000)] {
        for &(pair, by) in PAIRS {
            let run = copy(target, "copy", pair, &binary(len), |_, _| Fate::Moves(most))?;
            // What goes nowhere goes at once, whatever is asked for.
            let steps = len / most as usize;
            ensure!(run.count(by) >= steps, "{pair:?} by {:?}", run.calls);
            copy(target, "copy_buffered", pair, &binary(len), |_, _| {
                Fate::Moves(most)
            })?;
        }
    }
    Ok(())
}

fn other_errors_end_the_copy(target: Target) -> Result<()> {
    for (errno, name) in [
        (libc::EIO, "EIO"),
        (libc::ENOSPC, "ENOSPC"),
        (libc::EAGAIN, "EAGAIN"),
        (libc::EFBIG, "EFBIG"),
        (libc::EPIPE, "EPIPE"),
    ] {
        for &((from, to), by) in PAIRS {
            for at in [0, 1] {
                let mut after = 0;
                let (stdout, contents) = sink(to)?;
                let stdin = source(from, &long())?;
                let run = run(target, "copy", stdin, stdout, |call, made| {
                    let nth = made.iter().filter(|&&made| made == by).count();
                    after += u32::from(after > 0);
                    match call == by && nth == at {
                        true => {
                            after = 1;
                            fails(errno)
                        }
                        false => Fate::Moves(20_000),
                    }
                })?;
                ensure!(
                    run.end == Event::Exited(1)
                        && run.stderr == format!("Error: {name}\n")
                        && after == 1,
                    "{name} of {by:?}: {:?}, {:?}, {:?}",
                    run.end,
                    run.stderr,
                    run.calls
                );
                // What went before is there, and no more.
                let moved = if to == Null { 0 } else { at * 20_000 };
                let before = if to == Null { b"" } else { BEFORE };
                let expected = [before, &long()[..moved]].concat();
                ensure_same("what came before", &contents()?, &expected)?;
            }
        }
    }
    Ok(())
}

fn what_would_wait_is_an_error(target: Target) -> Result<()> {
    let (reader, writer) = pipe()?;
    make_small_and_nonblocking(std::os::fd::AsFd::as_fd(&reader))?;
    let (stdout, _) = sink(Kind::File)?;
    let run = run(target, "copy", reader.into(), stdout, |_, _| Fate::Happens)?;
    ensure!(run.stderr == "Error: EAGAIN\n", "{:?}", run.stderr);
    drop(writer);
    Ok(())
}
