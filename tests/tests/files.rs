//! The executables: what they consist of and what they cost.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{ExitCode, Output, Stdio};

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::trace::count::{Count, count_instructions};
use freestand_tests::trace::stack::InitialStack;
use freestand_tests::trace::{Event, Streams, Tracee};
use freestand_tests::{cases, harness};
use object::elf::{PT_GNU_STACK, PT_PHDR, PT_TLS};
use xtask::arch::Arch;
use xtask::elf::{self, Image, Segment};
use xtask::path::copy_program;
use xtask::program::{self, Package};

cases![
    every_program_keeps_the_rules,
    every_program_has_the_segments_of_the_linker_script,
    the_smallest_programs_have_nothing_to_write_to,
    files_stay_as_small_as_they_are,
    hello_takes_no_more_steps_than_it_has_to,
    programs_without_section_headers_run_the_same,
    the_auxiliary_vector_points_to_the_program_headers,
    statics_have_their_values_and_the_rest_is_zeros,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// Every program of both packages, with its name.
fn programs(target: Target) -> Result<Vec<(String, Image)>> {
    let mut programs = Vec::new();
    for package in Package::ALL {
        for program in program::all(package, target.arch)? {
            let image = Image::read(&target.program(&program.name)?)?;
            programs.push((program.name, image));
        }
    }
    Ok(programs)
}

fn every_program_keeps_the_rules(target: Target) -> Result<()> {
    for (name, image) in programs(target)? {
        let broken = image.violations(target.arch);
        ensure!(broken.is_empty(), "{name}: {}", broken.join("; "));
    }
    Ok(())
}

fn every_program_has_the_segments_of_the_linker_script(target: Target) -> Result<()> {
    for (name, image) in programs(target)? {
        let segments = image.segments();
        let loaded: Vec<String> = segments
            .iter()
            .filter(|segment| segment.is_loaded())
            .map(|segment| segment.rights())
            .collect();
        ensure!(
            loaded == ["R-X"] || loaded == ["R-X", "RW-"],
            "{name}: {loaded:?}"
        );
        let has_tls =
            name.starts_with("start_tls") || ["threads", "sched_scenes"].contains(&&*name);
        for segment in segments.iter().filter(|segment| !segment.is_loaded()) {
            // Without `-n` the linker describes the program headers as well.
            ensure!(
                segment.kind == PT_GNU_STACK.0
                    || (segment.kind == PT_TLS.0 && has_tls)
                    || (segment.kind == PT_PHDR.0 && !target.is_release()),
                "{name}: {segment:?}"
            );
        }
    }
    Ok(())
}

fn the_smallest_programs_have_nothing_to_write_to(target: Target) -> Result<()> {
    for name in ["hello", "returns_i32"] {
        let image = Image::read(&target.program(name)?)?;
        let writable: u64 = writable(&image).map(|segment| segment.memory_size).sum();
        // A debug build keeps its checks, and a failed one is reported through what
        // `println!` buffers in.
        let most = if target.is_release() { 0 } else { 16 << 10 };
        ensure!(writable <= most, "{name} can write to {writable} bytes");
    }
    Ok(())
}

fn writable(image: &Image) -> impl Iterator<Item = Segment> {
    let segments = image.segments().into_iter();
    segments.filter(|segment| segment.is_loaded() && segment.is_writable())
}

fn files_stay_as_small_as_they_are(target: Target) -> Result<()> {
    if !target.is_release() {
        // What a debug build costs is of no interest, as long as it can be debugged.
        let bytes = fs::read(target.program("hello")?)?;
        ensure!(has_section(&bytes, ".debug_info")?, "no debug information");
        return Ok(());
    }
    let (hello, cut, greet) = match target.arch {
        Arch::X86_64 => (480, 256, 1024),
        Arch::I386 => (340, 204, 896),
        Arch::Aarch64 => (480, 264, 1280),
        Arch::Riscv64 => (480, 264, 1024),
    };
    for (name, most, most_cut) in [("hello", hello, cut), ("greet", greet, greet)] {
        let mut image = Image::read(&target.program(name)?)?;
        ensure!(image.len() <= most, "{name} has {} bytes", image.len());
        image.cut()?;
        ensure!(
            image.len() <= most_cut,
            "{name}, cut, has {} bytes",
            image.len()
        );
    }
    Ok(())
}

fn has_section(file: &[u8], name: &str) -> Result<bool> {
    use object::{Object, ObjectSection};
    let file = object::File::parse(file)?;
    Ok(file.sections().any(|section| section.name() == Ok(name)))
}

fn hello_takes_no_more_steps_than_it_has_to(target: Target) -> Result<()> {
    let most = match (target.is_release(), target.arch) {
        (true, Arch::X86_64) => 18,
        (true, _) => 40,
        // Where core is built from source it is unoptimized too, with its checks.
        (false, _) => 10_000,
    };
    let mut tracee = Tracee::start(&target.launch("hello")?, Streams::default())?;
    let Count { instructions, end } = count_instructions(&mut tracee, None)?;
    ensure!(end == Event::Exited(0), "{end:?}");
    ensure!(instructions <= most, "{instructions} instructions");
    Ok(())
}

/// At the same path, which is the program's first argument.
fn programs_without_section_headers_run_the_same(target: Target) -> Result<()> {
    let folder = TempDir::new()?;
    for program in program::all(Package::Freestand, target.arch)? {
        let whole = target.program(&program.name)?;
        let copy = folder.path().join(&program.name);
        copy_program(&whole, &copy)?;
        let expected = run(target, &copy)?;
        elf::cut_copy(&whole, &copy)?;
        ensure!(fs::metadata(&copy)?.len() < fs::metadata(&whole)?.len());
        let cut = run(target, &copy)?;

        let name = program.name;
        ensure!(cut.status == expected.status, "{name}: {cut:?}");
        let (printed, expected) = (comparable(&cut.stdout), comparable(&expected.stdout));
        let is_same = match name.as_str() {
            // Addresses, at which the kernel puts things each time anew; times.
            "initstack" | "blocked" | "pingpong" => head(&printed) == head(&expected),
            _ => printed == expected,
        };
        ensure!(is_same, "{name} prints {printed}");
        if name == "hello" {
            ensure!(expect_status(&cut, 0)? == b"Hello, world!\n");
        }
    }
    Ok(())
}

/// What is said before anything is told.
fn head(printed: &str) -> &str {
    printed.split([':', '\n']).next().unwrap_or_default()
}

/// What a program prints, without the addresses and random bytes that the kernel
/// gives each process.
fn comparable(printed: &[u8]) -> String {
    String::from_utf8_lossy(printed)
        .lines()
        .filter(|line| !line.starts_with("auxv: "))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Runs a program that has just been written. As long as another thread's child
/// has yet to become what it runs, it too has the file open for writing, and the
/// kernel runs no such file.
fn run(target: Target, path: &Path) -> Result<Output> {
    let mut command = target.command_for(path)?;
    command.stdin(Stdio::null());
    if path.ends_with("pingpong") {
        // By itself it takes its time.
        command.args(["10", "10"]);
    }
    loop {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::yield_now();
            }
            output => return output.with_context(|| path.display().to_string()),
        }
    }
}

fn the_auxiliary_vector_points_to_the_program_headers(target: Target) -> Result<()> {
    for name in ["hello", "statics"] {
        let launch = target.launch(name)?;
        let file = fs::read(&launch.program)?;
        let mut tracee = Tracee::start(&launch, Streams::default())?;
        let stack = InitialStack::read(&mut tracee)?;
        let value = |kind| {
            let entry = stack.auxv.iter().find(|entry| entry.0 == kind);
            entry.map(|entry| entry.1).context("an entry is missing")
        };
        let size = value(libc::AT_PHENT)? * value(libc::AT_PHNUM)?;
        let headers = tracee.read(value(libc::AT_PHDR)?, size as usize)?;
        // They follow the file header.
        let begin = if target.arch.word() == 8 { 64 } else { 52 };
        ensure!(headers == file[begin..begin + headers.len()], "{name}");
        ensure!(
            headers.len() == Image::parse(file)?.segments().len() * value(libc::AT_PHENT)? as usize
        );
    }
    Ok(())
}

fn statics_have_their_values_and_the_rest_is_zeros(target: Target) -> Result<()> {
    let image = Image::read(&target.program("statics")?)?;
    let segment = writable(&image).next().context("nothing can be written")?;
    // The zeros are not in the file.
    ensure!(
        segment.file_size < 64 << 10 && segment.memory_size > 1 << 20,
        "{segment:?}"
    );
    let output = target.command("statics")?.output()?;
    ensure!(expect_status(&output, 0)? == b"ok\n", "{output:?}");
    Ok(())
}
