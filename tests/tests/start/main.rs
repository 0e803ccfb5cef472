//! From `_start` to `main` and back to exit: what the kernel hands over, however
//! odd, what `main` makes of it, and how a program ends. Static and static-PIE, and on
//! x86 by the kernel and by qemu.
//!
//! A name that begins with `row_` and a number shows that row of the table in
//! src/startup/mod.rs.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use freestand_tests::snippet::{self, Snippet};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::stack::{InitialStack, junk_registers};
use freestand_tests::trace::{Capture, Event, Launch, Register, Streams, Tracee};
use freestand_tests::{cases, harness};
use object::read::elf::FileHeader;
use object::{File, Object, ObjectSegment, ObjectSymbol};
use xtask::arch::Arch;

mod rows;

cases![
    hello_says_hello,
    a_c_program_has_its_environment,
    an_assembly_program_reads_one_character,
    // Entry.
    row_06_argc_may_be_zero,
    the_auxiliary_vector_may_be_empty,
    row_07_registers_may_hold_anything,
    row_04_the_stack_may_be_misaligned,
    everything_may_be_odd_at_once,
    row_02_main_finds_the_end_of_the_frames,
    row_05_riscv64_has_its_global_pointer,
    // Arguments and environment.
    the_environment_may_be_empty,
    variables_are_what_the_parent_set,
    odd_environment_entries_are_passed_over,
    the_first_variable_of_a_name_counts,
    there_may_be_200_000_arguments,
    an_argument_may_have_131_071_bytes,
    arguments_need_not_be_utf_8,
    row_15_the_auxiliary_vector_tells_about_the_program,
    each_process_has_its_own_random_bytes,
    // main and exit.
    main_may_return_nothing,
    main_may_return_a_number,
    main_may_return_an_exit_code,
    main_may_return_a_result,
    exit_flushes_and_takes_the_low_8_bits,
    exit_works_from_under_any_number_of_calls,
    returning_from_main_flushes,
    row_08_an_exit_that_does_not_happen_traps,
    _exit_flushes_nothing,
    abort_flushes_nothing,
    // System calls.
    row_17_each_system_call_argument_arrives_in_its_place,
    only_minus_4095_to_minus_1_are_errors,
    // Panics.
    a_panic_tells_where_and_aborts,
    a_panic_tells_what_is_wrong,
    a_long_panic_message_comes_out_whole,
    integer_overflow_panics_in_debug_only,
    a_panic_while_panicking_aborts,
    a_panic_lets_out_what_was_printed_before,
    a_panic_without_standard_error_aborts,
    a_panic_aborts_though_sigabrt_is_ignored_and_blocked,
    a_panic_in_a_second_thread_ends_the_process,
    of_two_panics_at_once_one_is_told,
];

fn main() -> ExitCode {
    let cases = [CASES, rows::CASES].concat();
    // What the compiler says does not depend on the target: once is enough.
    harness::run_on(Target::every_way(), &cases, snippet::trials(SNIPPETS))
}

fn hello_says_hello(target: Target) -> Result<()> {
    let output = target.command("hello")?.output()?;
    ensure!(expect_status(&output, 0)? == b"Hello, world!\n");
    Ok(())
}

fn a_c_program_has_its_environment(target: Target) -> Result<()> {
    let echo_env = |names: &[&str]| -> Result<Output> {
        let mut command = target.command("echo_env")?;
        let variables = [("ONE", "1"), ("EMPTY", ""), ("ONES", "1=1")];
        Ok(command.envs(variables).args(names).output()?)
    };
    let named = echo_env(&["ONES", "EMPTY", "ONE"])?;
    ensure!(expect_status(&named, 0)? == b"1=1\n\n1\n", "{named:?}");
    let missing = echo_env(&["ON", "ONE"])?;
    ensure!(expect_status(&missing, 1)? == b"1\n", "{missing:?}");
    let all = echo_env(&[])?;
    let lines: BTreeSet<&[u8]> = expect_status(&all, 0)?
        .split_inclusive(|&byte| byte == b'\n')
        .collect();
    let expected: [&[u8]; 3] = [b"ONE=1\n", b"EMPTY=\n", b"ONES=1=1\n"];
    ensure!(lines == BTreeSet::from(expected), "{all:?}");
    Ok(())
}

fn an_assembly_program_reads_one_character(target: Target) -> Result<()> {
    for (input, status, expected) in [("xyz", 0, "x"), ("\n", 0, "\n"), ("", 1, "")] {
        let capture = Capture::new(input.as_bytes())?;
        let output = target
            .command("readchar")?
            .stdin(capture.streams()?.stdin)
            .output()?;
        ensure!(
            expect_status(&output, status)? == expected.as_bytes(),
            "{input:?}: {output:?}"
        );
    }
    // A folder cannot be read.
    let folder = fs::File::open("/")?;
    let output = target.command("readchar")?.stdin(folder).output()?;
    expect_status(&output, 2)?;
    Ok(())
}

/// How a program's start differs from what the kernel prepares.
#[derive(Clone, Copy, Debug, Default)]
struct Oddity {
    no_args: bool,
    no_auxv: bool,
    junk: bool,
    /// How many bytes the stack pointer is below a multiple of 16.
    misalign_by: u64,
}

impl Oddity {
    /// Changes a program that has not started, and returns its stack.
    fn apply(self, tracee: &mut Tracee) -> Result<InitialStack> {
        let mut stack = InitialStack::read(tracee)?;
        if self.no_args {
            stack.args.clear();
        }
        if self.no_auxv {
            stack.auxv.clear();
        }
        stack.install(tracee, self.misalign_by)?;
        if self.junk {
            junk_registers(tracee)?;
        }
        Ok(stack)
    }

    /// Runs demo programs that start like this, and checks what they print.
    fn check(self, target: Target) -> Result<()> {
        self.check_output(target, "hello", b"Hello, world!\n")?;
        self.check_output(target, "greet", b"Hello, world!\n")?;
        self.check_output(target, "cat", STDIN)?;
        self.check_args(target)
            .with_context(|| format!("args, {self:?}"))
    }

    fn check_output(self, target: Target, name: &str, expected: &[u8]) -> Result<()> {
        let (_, stdout) = run_forged(&target.launch(name)?, |tracee| self.apply(tracee))
            .with_context(|| format!("{name}, {self:?}"))?;
        ensure!(
            stdout == expected,
            "{name}, {self:?}: printed {:?}",
            String::from_utf8_lossy(&stdout)
        );
        Ok(())
    }

    /// `args` prints everything that is on the stack, and nothing else.
    fn check_args(self, target: Target) -> Result<()> {
        let mut launch = target.launch("args")?;
        launch.args = vec!["one".into(), "".into()];
        launch.env = vec![("NAME".into(), "value".into())];
        let (stack, stdout) = run_forged(&launch, |tracee| self.apply(tracee))?;

        let stdout = String::from_utf8(stdout)?;
        let mut lines = stdout.lines();
        let mut expected = vec![format!("argc = {}", stack.args.len())];
        if !self.no_args {
            expected.push(format!("argv[0] = \"{}\"", launch.program.display()));
            expected.push("argv[1] = \"one\"".into());
            expected.push("argv[2] = \"\"".into());
        }
        expected.push("envp: NAME = \"value\"".into());
        let head: Vec<_> = lines.by_ref().take(expected.len()).collect();
        ensure!(head == expected, "printed {head:?}, not {expected:?}");

        let auxv: Vec<_> = lines.collect();
        ensure!(
            auxv.len() == stack.auxv.len() && auxv.iter().all(|line| line.starts_with("auxv: ")),
            "an auxiliary vector of {} entries was printed as {auxv:?}",
            stack.auxv.len()
        );
        ensure!(
            self.no_auxv || auxv.contains(&"auxv: AT_PAGESZ = 4096"),
            "the page size is not among {auxv:?}"
        );
        Ok(())
    }
}

/// What programs read in these tests.
const STDIN: &[u8] = b"from standard input\n";

/// Runs a program after `forge` has changed how it starts; returns what `forge`
/// returned, and what the program printed before it succeeded.
fn run_forged<T>(
    launch: &Launch,
    forge: impl FnOnce(&mut Tracee) -> Result<T>,
) -> Result<(T, Vec<u8>)> {
    let capture = Capture::new(STDIN)?;
    let mut tracee = Tracee::start(launch, capture.streams()?)?;
    let forged = forge(&mut tracee)?;
    let end = tracee.resume_to_end()?;
    ensure!(
        end == Event::Exited(0),
        "{end:?}: {}",
        String::from_utf8_lossy(&capture.stderr()?)
    );
    Ok((forged, capture.stdout()?))
}

fn row_06_argc_may_be_zero(target: Target) -> Result<()> {
    let oddity = Oddity {
        no_args: true,
        ..Oddity::default()
    };
    oddity.check(target)
}

fn the_auxiliary_vector_may_be_empty(target: Target) -> Result<()> {
    let oddity = Oddity {
        no_auxv: true,
        ..Oddity::default()
    };
    oddity.check(target)
}

fn row_07_registers_may_hold_anything(target: Target) -> Result<()> {
    let oddity = Oddity {
        junk: true,
        ..Oddity::default()
    };
    oddity.check(target)
}

fn row_04_the_stack_may_be_misaligned(target: Target) -> Result<()> {
    // By whole words: Rust reads no word from an address that is not a word's.
    let word = target.arch.word();
    for misalign_by in (word as u64..16).step_by(word) {
        let oddity = Oddity {
            misalign_by,
            ..Oddity::default()
        };
        oddity.check(target)?;
    }
    Ok(())
}

fn everything_may_be_odd_at_once(target: Target) -> Result<()> {
    let oddity = Oddity {
        no_args: true,
        no_auxv: true,
        junk: true,
        misalign_by: target.arch.word() as u64,
    };
    oddity.check(target)
}

fn row_02_main_finds_the_end_of_the_frames(target: Target) -> Result<()> {
    for name in ["hello", "args"] {
        for misalign_by in [0, 1, 3, 4, 8, 12, 15] {
            let oddity = Oddity {
                junk: true,
                misalign_by,
                ..Oddity::default()
            };
            check_main(target, name, oddity).with_context(|| format!("{name}, {oddity:?}"))?;
        }
    }
    Ok(())
}

/// Steps from `_start` to `main`, and looks around there.
fn check_main(target: Target, name: &str, oddity: Oddity) -> Result<()> {
    let launch = target.launch(name)?;
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(&launch, capture.streams()?)?;
    let stack = oddity.apply(&mut tracee)?;
    let start = tracee.register(Register::Sp)?;

    // `_start` is straight-line code behind everything else (link.ld): the first
    // instruction before it is main's.
    let entry = tracee.register(Register::Pc)?;
    let mut call = entry;
    let mut relocations = u32::from(target.pie);
    let main = loop {
        let event = tracee.step()?;
        ensure!(event == Event::Stopped, "{event:?} after {call:#x}");
        match tracee.register(Register::Pc)? {
            // A static-PIE program relocates itself before.
            pc if pc < entry && relocations > 0 => {
                let back = tracee.return_address()?;
                let event = tracee.run_to(back)?;
                ensure!(event == Event::Stopped, "{event:?} while relocating");
                relocations -= 1;
                call = back;
            }
            pc if pc < entry => break pc,
            pc if pc - entry < 256 => call = pc,
            pc => bail!("_start at {entry:#x} went from {call:#x} on to {pc:#x}"),
        }
    };
    if !target.is_release() {
        let symbol = tracee.base() + symbol(&launch.program, "main")?;
        ensure!(main == symbol, "called {main:#x}, and main is {symbol:#x}");
    }

    let sp = tracee.register(Register::Sp)?;
    let frame = tracee.register(Register::FramePointer)?;
    // On x86 the return address is on the stack, on top of what is aligned.
    let (aligned, length, back) = match target.arch {
        Arch::X86_64 | Arch::I386 => {
            let word = target.arch.word() as u64;
            (sp + word, 5, tracee.read_word(sp)?)
        }
        Arch::Aarch64 | Arch::Riscv64 => (sp, 4, tracee.register(Register::LinkRegister)?),
    };
    ensure!(aligned % 16 == 0, "the stack pointer is {sp:#x} in main");
    ensure!(frame == 0, "the frame pointer is {frame:#x} in main");
    ensure!(
        back == call + length,
        "main returns to {back:#x}, and was called from {call:#x}"
    );

    // A start between two words has no use for its stack: Rust cannot read it.
    if oddity.misalign_by.is_multiple_of(target.arch.word() as u64) {
        ensure!(
            aligned <= start,
            "main's frame, below {aligned:#x}, is where the initial stack begins: {start:#x}"
        );
        tracee.set_register(Register::Sp, start)?;
        let left = InitialStack::read(&mut tracee)?;
        ensure!(left == stack, "of {stack:x?} main finds {left:x?}");
    }
    Ok(())
}

/// The address of a symbol of a program.
fn symbol(program: &Path, name: &str) -> Result<u64> {
    let image = fs::read(program)?;
    let address = File::parse(&*image)?
        .symbols()
        .find(|symbol| symbol.name() == Ok(name))
        .map(|symbol| symbol.address());
    address.with_context(|| format!("{} has no symbol {name}", program.display()))
}

fn row_05_riscv64_has_its_global_pointer(target: Target) -> Result<()> {
    let (_, stdout) = run_forged(&target.launch("global_pointer")?, junk_registers)?;
    let stdout = String::from_utf8(stdout)?;
    let numbers: Vec<_> = stdout.split_whitespace().collect();
    match (target.arch, &numbers[..]) {
        (Arch::Riscv64, [is, should_be]) => ensure!(is == should_be, "{is}, not {should_be}"),
        (Arch::Riscv64, _) | (_, [_, ..]) => bail!("printed {stdout:?}"),
        (_, []) => {}
    }
    Ok(())
}

/// Runs a program that succeeds, and returns what it printed.
fn print(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    Ok(String::from_utf8(expect_status(&output, 0)?.to_vec())?)
}

/// The lines of `args`' output that show variables.
fn variables(stdout: &str) -> Vec<&str> {
    stdout
        .lines()
        .filter_map(|line| line.strip_prefix("envp: "))
        .collect()
}

fn the_environment_may_be_empty(target: Target) -> Result<()> {
    let stdout = print(&mut target.command("args")?)?;
    let shown = variables(&stdout);
    ensure!(shown.is_empty(), "there is {shown:?}");
    ensure!(
        stdout.contains("\nauxv: AT_PAGESZ = "),
        "no auxiliary vector: {stdout}"
    );
    let found = print(target.command("env_var")?.arg("HOME"))?;
    ensure!(found == "HOME: none\n", "printed {found:?}");
    Ok(())
}

fn variables_are_what_the_parent_set(target: Target) -> Result<()> {
    let mut args = target.command("args")?;
    args.env("EMPTY", "")
        .env("EQUATION", "a=b=c")
        .env("BYTES", OsStr::from_bytes(b"\xff\x80\n"))
        .env("A", "1");
    let stdout = print(&mut args)?;
    // std and qemu each have an order of their own.
    let shown = BTreeSet::from_iter(variables(&stdout));
    let expected = BTreeSet::from([
        r#"EMPTY = """#,
        r#"EQUATION = "a=b=c""#,
        r#"BYTES = "\xff\x80\n""#,
        r#"A = "1""#,
    ]);
    ensure!(shown == expected, "there is {shown:?}");
    Ok(())
}

/// Runs a program with these entries in its environment, in this order.
fn print_with_env(launch: &Launch, entries: &[&str]) -> Result<String> {
    let (_, stdout) = run_forged(launch, |tracee| {
        let mut stack = InitialStack::read(tracee)?;
        stack.env.clear();
        // The strings go above the stack pointer, where the program's own stack
        // does not come.
        for entry in entries {
            let sp = tracee.register(Register::Sp)? - entry.len() as u64 - 1;
            tracee.write(sp, entry.as_bytes())?;
            tracee.write(sp + entry.len() as u64, &[0])?;
            tracee.set_register(Register::Sp, sp)?;
            stack.env.push(sp);
        }
        stack.install(tracee, 0)
    })?;
    Ok(String::from_utf8(stdout)?)
}

fn odd_environment_entries_are_passed_over(target: Target) -> Result<()> {
    let entries = ["A=1", "NOVALUE", "", "=", "=X=y", "E=", "A=2", "Z=a=b"];
    let stdout = print_with_env(&target.launch("args")?, &entries)?;
    let shown = variables(&stdout);
    let expected = [
        r#"A = "1""#,
        r#"=X = "y""#,
        r#"E = """#,
        r#"A = "2""#,
        r#"Z = "a=b""#,
    ];
    ensure!(shown == expected, "{entries:?} were shown as {shown:?}");
    Ok(())
}

fn the_first_variable_of_a_name_counts(target: Target) -> Result<()> {
    let mut launch = target.launch("env_var")?;
    let names = ["A", "a", "NOVALUE", "E", "Z", "Z=a", "", "=X", "AB"];
    launch.args = names.map(OsString::from).to_vec();
    let entries = ["NOVALUE", "ABC=0", "A=1", "=X=y", "E=", "A=2", "Z=a=b"];
    let stdout = print_with_env(&launch, &entries)?;
    let expected = "A: \"1\"\na: none\nNOVALUE: none\nE: \"\"\nZ: \"a=b\"\nZ=a: none\n: none\n=X: \"y\"\nAB: none\n";
    ensure!(stdout == expected, "printed {stdout:?}");
    Ok(())
}

/// What `count_args` prints for these arguments.
fn counted(path: &Path, args: &[OsString]) -> String {
    let bytes: usize = args.iter().map(|arg| arg.len()).sum();
    let line = format!(
        "{} arguments, {} bytes\n",
        1 + args.len(),
        path.as_os_str().len() + bytes
    );
    line.repeat(2)
}

fn there_may_be_200_000_arguments(target: Target) -> Result<()> {
    let args: Vec<_> = (0..200_000)
        .map(|n| OsString::from(n.to_string()))
        .collect();
    let mut command = target.command("count_args")?;
    command.args(&args);
    // Arguments may take a quarter of the stack (execve(2)). qemu makes its
    // program's stack as large as its own may become.
    limit(&mut command, libc::RLIMIT_STACK, 64 << 20);
    let stdout = print(&mut command)?;
    let expected = counted(&target.program("count_args")?, &args);
    ensure!(stdout == expected, "printed {stdout:?}, not {expected:?}");
    Ok(())
}

/// Has the program run under a soft limit.
fn limit(command: &mut Command, resource: libc::__rlimit_resource_t, soft: u64) {
    let set = move || {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: both calls get a valid pointer.
        let result = unsafe {
            libc::getrlimit(resource, &mut limit);
            limit.rlim_cur = soft.min(limit.rlim_max);
            libc::setrlimit(resource, &limit)
        };
        ok_or_errno(result)
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(set) };
}

fn ok_or_errno(result: i32) -> io::Result<()> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn an_argument_may_have_131_071_bytes(target: Target) -> Result<()> {
    // MAX_ARG_STRLEN is 128 KiB, and counts the NUL.
    let args = [OsString::from("x".repeat((128 << 10) - 1))];
    let stdout = print(target.command("count_args")?.args(&args))?;
    let expected = counted(&target.program("count_args")?, &args);
    ensure!(stdout == expected, "printed {stdout:?}, not {expected:?}");
    Ok(())
}

fn arguments_need_not_be_utf_8(target: Target) -> Result<()> {
    let high: Vec<u8> = (0x80..=0xff).collect();
    let all: Vec<u8> = (1..=0xff).collect();
    let args = [&high[..], b"", &all, b"plain"];

    let mut write = target.command("write_args")?;
    let output = write.args(args.map(OsStr::from_bytes)).output()?;
    let written = expect_status(&output, 0)?;
    let expected: Vec<u8> = args.iter().flat_map(|arg| [*arg, b"\0"].concat()).collect();
    ensure!(
        written == expected,
        "wrote {}, not {}",
        written.escape_ascii(),
        expected.escape_ascii()
    );

    let stdout = print(target.command("args")?.arg(OsStr::from_bytes(&all)))?;
    let expected = format!("\nargv[1] = \"{}\"\n", all.escape_ascii());
    ensure!(stdout.contains(&expected), "no {expected} in {stdout}");
    Ok(())
}

fn row_15_the_auxiliary_vector_tells_about_the_program(target: Target) -> Result<()> {
    let path = target.program("auxv")?;
    let image = fs::read(&path)?;
    let elf = File::parse(&*image)?;
    let offset = match &elf {
        File::Elf32(elf) => elf.elf_header().e_phoff(elf.endian()).into(),
        File::Elf64(elf) => elf.elf_header().e_phoff(elf.endian()),
        _ => bail!("{} is no ELF file", path.display()),
    };
    let headers = elf
        .segments()
        .find_map(|segment| {
            let (start, length) = segment.file_range();
            (start..start + length)
                .contains(&offset)
                .then(|| segment.address() + offset - start)
        })
        .context("no segment holds the program headers")?;
    let first = &image[offset as usize..][..4];
    let kind = u32::from_le_bytes(first.try_into()?);

    let stdout = print(&mut target.command("auxv")?)?;
    let lines: BTreeSet<_> = stdout.lines().collect();
    for expected in [
        // qemu's is 4096 as well, where the page size is not this machine's.
        format!(
            "page size: Some({})",
            if target.is_native() {
                page_size()
            } else {
                4096
            }
        ),
        format!("execfn: Some({path:?})"),
    ] {
        ensure!(lines.contains(&*expected), "no {expected} in {stdout}");
    }
    // Both as far from where they were linked as the program is.
    let address = |name: &str, rest: &str| {
        let number = lines
            .iter()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .strip_suffix(rest)?
                    .strip_prefix("0x")
            })
            .with_context(|| format!("no {name} in {stdout}"))?;
        anyhow::Ok(u64::from_str_radix(number, 16)?)
    };
    let entry = address("entry: ", "")?.wrapping_sub(elf.entry());
    let phdr = address("phdr: ", &format!(" of type {kind:#x}"))?.wrapping_sub(headers);
    ensure!(entry == phdr && entry % 4096 == 0, "{entry:#x}, {phdr:#x}");
    ensure!(target.pie == (entry != 0), "{stdout}");
    Ok(())
}

/// The size of a page on this machine.
fn page_size() -> u64 {
    // SAFETY: it takes no pointers.
    unsafe { libc::getauxval(libc::AT_PAGESZ) }
}

fn each_process_has_its_own_random_bytes(target: Target) -> Result<()> {
    let random = || {
        let stdout = print(&mut target.command("auxv")?)?;
        let line = stdout.lines().find(|line| line.starts_with("random: Some"));
        line.map(String::from)
            .with_context(|| format!("no random bytes in {stdout}"))
    };
    let (one, other) = (random()?, random()?);
    ensure!(one != other, "twice {one}");
    Ok(())
}

/// Runs a program with these arguments and checks its status and what it writes.
fn check(
    target: Target,
    name: &str,
    args: &[&str],
    (status, stdout, stderr): (i32, &str, &str),
) -> Result<()> {
    let output = target.command(name)?.args(args).output()?;
    let context = || format!("{name} {}", args.join(" "));
    let printed = expect_status(&output, status).with_context(context)?;
    ensure!(
        (printed, &output.stderr[..]) == (stdout.as_bytes(), stderr.as_bytes()),
        "{}: standard output {:?}, standard error {:?}",
        context(),
        String::from_utf8_lossy(printed),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn main_may_return_nothing(target: Target) -> Result<()> {
    check(target, "main_unit", &[], (0, "main ran\n", ""))?;
    let expected = (0, "main ran with 3\n", "");
    check(target, "main_unit_args", &["a", "b"], expected)
}

fn main_may_return_a_number(target: Target) -> Result<()> {
    // 256 + 7, and minus the number of arguments.
    check(target, "returns_i32", &[], (7, "", ""))?;
    check(target, "main_i32_args", &["a"], (254, "", ""))
}

fn main_may_return_an_exit_code(target: Target) -> Result<()> {
    check(target, "main_exit_code", &[], (200, "", ""))?;
    check(target, "main_exit_code_args", &["a", "b"], (3, "", ""))
}

fn main_may_return_a_result(target: Target) -> Result<()> {
    for (name, status, error) in [
        ("main_result", 0, "Arguments { left_over: 1 }"),
        ("main_result_args", 0, "E2BIG"),
        ("main_result_exit_code", 5, "\"too many\""),
        ("main_result_exit_code_args", 6, "2"),
    ] {
        check(target, name, &[], (status, "", ""))?;
        let report = format!("Error: {error}\n");
        check(target, name, &["a"], (1, "", &report))?;
    }
    Ok(())
}

fn exit_flushes_and_takes_the_low_8_bits(target: Target) -> Result<()> {
    check(
        target,
        "ending",
        &["exit"],
        (300 & 0xff, "still buffered", ""),
    )
}

fn exit_works_from_under_any_number_of_calls(target: Target) -> Result<()> {
    check(
        target,
        "ending",
        &["nested"],
        (300 & 0xff, "still buffered", ""),
    )
}

fn returning_from_main_flushes(target: Target) -> Result<()> {
    check(target, "ending", &["return"], (44, "still buffered", ""))
}

/// The last system call of `hello` is refused, as a filter might refuse it.
fn row_08_an_exit_that_does_not_happen_traps(target: Target) -> Result<()> {
    let exit_group = match target.arch {
        Arch::X86_64 => 231,
        Arch::I386 => 252,
        Arch::Aarch64 | Arch::Riscv64 => 94,
    };
    let mut tracee = Tracee::start(&target.launch("hello")?, Streams::default())?;
    loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == exit_group => break,
            Event::Syscall(_) => {}
            event => bail!("{event:?} and no exit_group"),
        }
    }
    tracee.skip_syscall(-i64::from(libc::ENOSYS))?;
    let end = tracee.resume_to_end()?;
    ensure!(
        matches!(end, Event::Killed(libc::SIGILL | libc::SIGSEGV)),
        "{end:?}"
    );
    Ok(())
}

fn _exit_flushes_nothing(target: Target) -> Result<()> {
    check(target, "ending", &["_exit"], (300 & 0xff, "", ""))
}

fn abort_flushes_nothing(target: Target) -> Result<()> {
    let output = abort(target.command("ending")?.arg("abort"))?;
    ensure!(
        output.stdout.is_empty(),
        "printed {:?}",
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(())
}

fn row_17_each_system_call_argument_arrives_in_its_place(target: Target) -> Result<()> {
    let mut command = target.command("syscalls")?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    let pid = child.id();
    let output = child.wait_with_output()?;
    let printed = String::from_utf8_lossy(expect_status(&output, 0)?);
    ensure!(
        printed.trim() == pid.to_string(),
        "{pid} is {printed:?} to itself"
    );
    Ok(())
}

fn only_minus_4095_to_minus_1_are_errors(target: Target) -> Result<()> {
    let (min, max) = match target.arch.word() {
        4 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    };
    let expected = format!(
        "-4096: None\n-4095: Some(4095)\n-4094: Some(4094)\n-2: Some(2)\n-1: Some(1)\n\
         0: None\n1: None\n4095: None\n{min}: None\n{max}: None\n\
         close: Some(EBADF)\nopen: Err(ENOTDIR)\n"
    );
    check(target, "errno", &[], (0, &expected, ""))
}

/// Runs a program to its death by SIGABRT.
fn abort(command: &mut Command) -> Result<Output> {
    // The kernel's core files and qemu's are of no use here.
    limit(command, libc::RLIMIT_CORE, 0);
    let output = command.output()?;
    ensure!(
        output.status.signal() == Some(libc::SIGABRT),
        "{}, not SIGABRT; standard output: {:?}; standard error: {:?}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}

/// What a program that dies by a panic says about it. qemu adds a message of its
/// own.
fn panic_message(target: Target, command: &mut Command) -> Result<String> {
    let mut stderr = String::from_utf8(abort(command)?.stderr)?;
    if !target.is_native()
        && let Some(end) = stderr.find("qemu: uncaught target signal 6")
    {
        stderr.truncate(end);
    }
    Ok(stderr)
}

/// Checks what `panics` says when it panics in the way `way`, which the source's
/// only line with `code` is for.
fn check_panic(target: Target, way: &str, code: &str, message: &str) -> Result<()> {
    const SOURCE: &str = include_str!("../../programs/src/bin/panics.rs");
    let (line, column) = SOURCE
        .lines()
        .zip(1..)
        .find_map(|(text, line)| Some((line, text.find(code)? + 1)))
        .with_context(|| format!("no {code} in the source"))?;
    let stderr = panic_message(target, target.command("panics")?.arg(way))?;
    let expected =
        format!("panicked at tests/programs/src/bin/panics.rs:{line}:{column}:\n{message}\n");
    ensure!(stderr == expected, "said {stderr:?}, not {expected:?}");
    Ok(())
}

fn a_panic_tells_where_and_aborts(target: Target) -> Result<()> {
    check_panic(target, "text", "panic!(\"just text\")", "just text")
}

fn a_panic_tells_what_is_wrong(target: Target) -> Result<()> {
    check_panic(target, "formatted", "panic!(\"{nine} is", "9 is 0xa")?;
    let message = "index out of bounds: the len is 3 but the index is 9";
    check_panic(target, "index", "digits[nine]", message)
}

fn a_long_panic_message_comes_out_whole(target: Target) -> Result<()> {
    let message = format!("{:>1500}", "the end");
    check_panic(target, "long", "panic!(\"{:>1500}\"", &message)
}

fn integer_overflow_panics_in_debug_only(target: Target) -> Result<()> {
    if target.is_release() {
        return check(target, "panics", &["overflow"], (0, "", ""));
    }
    let message = "attempt to add with overflow";
    check_panic(target, "overflow", "black_box(250_u8) +", message)
}

fn a_panic_while_panicking_aborts(target: Target) -> Result<()> {
    let stderr = panic_message(target, target.command("panics")?.arg("display"))?;
    ensure!(
        stderr == "panicked while reporting a panic\n",
        "said {stderr:?}"
    );
    Ok(())
}

fn a_panic_lets_out_what_was_printed_before(target: Target) -> Result<()> {
    let output = abort(target.command("panics")?.arg("printed"))?;
    ensure!(
        output.stdout == b"printed before; ",
        "printed {:?}",
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(())
}

fn a_panic_without_standard_error_aborts(target: Target) -> Result<()> {
    let mut command = target.command("panics")?;
    // SAFETY: nothing in the child uses the descriptor after this.
    unsafe { command.pre_exec(|| ok_or_errno(libc::close(2))) };
    abort(command.arg("text"))?;
    Ok(())
}

fn a_panic_aborts_though_sigabrt_is_ignored_and_blocked(target: Target) -> Result<()> {
    let mut command = target.command("panics")?;
    // Both outlast execve.
    let ignore_and_block = || {
        // SAFETY: a set of signals may be zero, and each call gets a valid pointer.
        unsafe {
            let mut signals = std::mem::zeroed();
            libc::sigaddset(&mut signals, libc::SIGABRT);
            libc::signal(libc::SIGABRT, libc::SIG_IGN);
            ok_or_errno(libc::sigprocmask(
                libc::SIG_BLOCK,
                &signals,
                std::ptr::null_mut(),
            ))
        }
    };
    // SAFETY: the closure makes system calls and allocates nothing.
    unsafe { command.pre_exec(ignore_and_block) };
    abort(command.arg("text"))?;
    Ok(())
}

fn a_panic_in_a_second_thread_ends_the_process(target: Target) -> Result<()> {
    let stderr = panic_message(target, &mut target.command("panic_in_thread")?)?;
    ensure!(
        stderr.ends_with(":\nin the second thread\n"),
        "said {stderr:?}"
    );
    Ok(())
}

fn of_two_panics_at_once_one_is_told(target: Target) -> Result<()> {
    for _ in 0..10 {
        let stderr = panic_message(target, target.command("panic_in_thread")?.arg("both"))?;
        let first = stderr.ends_with(":\nin the first thread\n");
        let second = stderr.ends_with(":\nin the second thread\n");
        ensure!(
            (first || second) && stderr.matches("panicked").count() == 1,
            "said {stderr:?}"
        );
    }
    Ok(())
}

const NOT_A_SIGNATURE: &str = "is not the signature of a freestand `main`";
const SIGNATURES: &str =
    "note: write `fn main()` or `fn main(args: freestand::env::Args)`, returning `()`";
const RESULTS: &str = "note: a freestand `main` returns `()`, `i32`, `ExitCode`, or a `Result`";

const SNIPPETS: &[Snippet] = &[
    Snippet {
        name: "a_right_main_compiles",
        main: "fn main(_: freestand::env::Args) -> Result<i32, &'static str> { Ok(0) }",
        errors: &[],
    },
    Snippet {
        name: "main_cannot_return_a_string",
        main: "fn main() -> &'static str { \"done\" }",
        errors: &["`main` cannot return `&'static str`", RESULTS],
    },
    Snippet {
        name: "main_cannot_return_a_result_of_a_string",
        main: "fn main() -> Result<&'static str, ()> { Ok(\"done\") }",
        errors: &["`main` cannot return `&'static str`", RESULTS],
    },
    Snippet {
        name: "the_error_of_main_must_be_debug",
        main: "struct Mute; fn main() -> Result<(), Mute> { Err(Mute) }",
        errors: &["`Mute` doesn't implement `Debug`"],
    },
    Snippet {
        name: "main_cannot_take_two_arguments",
        main: "fn main(_: i32, _: freestand::env::Args) {}",
        errors: &[NOT_A_SIGNATURE, SIGNATURES],
    },
    Snippet {
        name: "main_cannot_take_a_number",
        main: "fn main(_: i32) {}",
        errors: &[NOT_A_SIGNATURE, SIGNATURES],
    },
    Snippet {
        name: "a_program_cannot_need_what_there_is_not",
        main: "fn main() {} freestand::entry!(main, tls, nonsense);",
        errors: &[
            "a program has no use for `nonsense`: after `main`, entry! takes `tls` and \
                   `constructors`",
        ],
    },
];
