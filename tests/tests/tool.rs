//! `cargo xtask`, as its users call it, and that what it builds is the same
//! wherever the workspace lies.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use freestand_tests::harness;
use freestand_tests::target::Target;
use freestand_tests::temp::TempDir;
use freestand_tests::tool;
use xtask::arch::Arch;
use xtask::path::copy_program;
use xtask::program::{self, Package, Profile};
use xtask::{run, toolchain};

/// The tool with these arguments, and told to install nothing.
fn xtask(arguments: &[&str]) -> Command {
    let (subcommand, rest) = arguments.split_first().unwrap();
    let mut command = Command::new(tool::path());
    command
        .args([subcommand, "--no-install"])
        .args(rest)
        .stdin(Stdio::null());
    command
}

/// What `cargo xtask` prints, having succeeded.
fn printed(arguments: &[&str]) -> String {
    let output = xtask(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What `cargo xtask` says on standard error, having failed and printed nothing.
fn complaint(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stderr).unwrap()
}

/// Whether every architecture's programs can be built and run here. Where they
/// must, as `cargo xtask test` has it, tests find out for themselves.
fn can_build_all() -> bool {
    harness::everything_is_required() || Target::all().all(|target| target.obstacle().is_none())
}

fn host() -> Arch {
    Arch::host().expect("these tests run on an architecture of freestand's")
}

#[test]
fn build_prints_a_path_for_each_program_and_nothing_else() {
    for (arguments, count) in [
        (&["build"][..], names_of(Package::Freestand, host()).len()),
        (&["build", "cat", "hello", "--release"], 2),
    ] {
        let printed = printed(arguments);
        assert_eq!(printed.lines().count(), count, "{printed}");
        for line in printed.lines() {
            assert!(Path::new(line).is_absolute(), "{line}");
            let file = fs::metadata(line).unwrap();
            assert!(
                file.is_file() && file.permissions().mode() & 0o111 != 0,
                "{line}"
            );
        }
    }
    assert!(printed(&["build", "hello"]).ends_with("/hello\n"));
}

#[test]
fn run_runs() {
    for more in [
        &[][..],
        &["--release"],
        &["--release", "--no-section-headers"],
    ] {
        let arguments = [&["run", "hello"], more].concat();
        assert_eq!(printed(&arguments), "Hello, world!\n");
    }
    if run::find_qemu(host()).is_some() {
        assert_eq!(printed(&["run", "hello", "--qemu"]), "Hello, world!\n");
    }
}

#[test]
fn run_runs_on_all_architectures() {
    if can_build_all() {
        let printed = printed(&["run", "hello", "--arch", "all"]);
        assert_eq!(printed, "Hello, world!\n".repeat(Arch::ALL.len()));
    }
}

#[test]
fn run_passes_arguments_and_the_status_on() {
    let printed = printed(&["run", "args", "--", "--arch", "a b", ""]);
    for line in [
        "argc = 4",
        r#"argv[1] = "--arch""#,
        r#"argv[2] = "a b""#,
        r#"argv[3] = """#,
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{printed}");
    }
    let mut cat = xtask(&["run", "cat", "--", "/no/such/file"]);
    let said = complaint(&mut cat);
    assert!(
        said.contains("/no/such/file: No such file or directory"),
        "{said}"
    );
    assert_eq!(cat.status().unwrap().code(), Some(1));
    let mut own = xtask(&["run", "returns_i32"]);
    assert_eq!(own.status().unwrap().code(), Some(7));
}

#[test]
fn run_adds_functions_and_lines_to_a_backtrace() {
    let more: &[&[&str]] = &[&[], &["--release"], &["--qemu"]];
    for more in &more[..if run::find_qemu(host()).is_some() {
        3
    } else {
        2
    }] {
        let arguments = [
            &["run", "backtrace", "--backtrace"],
            *more,
            &["--", "chain"],
        ]
        .concat();
        let output = xtask(&arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{said}");
        let source = " at tests/programs/src/bin/backtrace.rs:";
        for line in [
            "\nas asked\nbacktrace, image at 0x".to_string(),
            format!("backtrace::inner{source}"),
            format!(" backtrace::outer{source}"),
            format!(" start_main at start/{}.S:", host()),
        ] {
            assert!(said.contains(&line), "{said}");
        }
    }
}

#[test]
fn run_with_backtraces_passes_everything_on() {
    let mut own = xtask(&["run", "returns_i32", "--backtrace"]);
    assert_eq!(own.status().unwrap().code(), Some(7));
    let printed = printed(&["run", "args", "--backtrace", "--", "--arch", "a b"]);
    assert!(printed.contains("\nargv[2] = \"a b\"\n"), "{printed}");
    let said = complaint(&mut xtask(&["run", "cat", "--backtrace", "--", "/no/file"]));
    let message = "cat: /no/file: No such file or directory\n";
    assert!(said.ends_with(message), "{said}");
}

/// What ends a program that does nothing about it.
const SIGNALS: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// A program that asks a question on standard error and reads on, without a newline.
fn prompted() -> Child {
    // Else the build's messages come first.
    printed(&["build", "backtrace", "--backtrace"]);
    let mut command = xtask(&["run", "backtrace", "--backtrace", "--", "prompt"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // Who runs the tests in the background, or by nohup(1), has them ignore signals.
    let heed = || {
        for signal in SIGNALS {
            // SAFETY: the default action is no handler.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec this makes system calls, and no more.
    unsafe { command.pre_exec(heed) };
    let mut child = command.spawn().unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"what? ") {
        let mut byte = [0];
        let stderr = child.stderr.as_mut().unwrap();
        stderr.read_exact(&mut byte).unwrap();
        said.extend(byte);
    }
    child
}

#[test]
fn run_with_backtraces_holds_nothing_back() {
    // The prompt comes before the answer, or this waits for ever.
    let child = prompted();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("panicked at "), "{said}");
    assert!(said.contains(" start_main at start/"), "{said}");
}

#[test]
fn run_with_backtraces_passes_signals_on() {
    for signal in SIGNALS {
        let mut child = prompted();
        // Nobody answers.
        let _stdin = child.stdin.take();
        // SAFETY: it takes no pointers, and the process is a child that has not been
        // waited for.
        unsafe { libc::kill(child.id().cast_signed(), signal) };
        // All that hold its standard error have ended when this returns.
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(signal), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn what_is_not_there_is_an_error_that_says_what_is() {
    let said = complaint(&mut xtask(&["run", "helo"]));
    assert!(said.contains("no program helo"), "{said}");
    for name in names_of(Package::Freestand, host()) {
        assert!(said.contains(&name), "{said}");
    }
    let said = complaint(&mut xtask(&["build", "hello", "--arch", "vax"]));
    for arch in Arch::ALL {
        assert!(said.contains("vax") && said.contains(arch.name()), "{said}");
    }
}

#[test]
fn help_names_each_command_and_each_command_shows_an_example() {
    let help = printed(&["--help"]);
    for command in ["run", "build", "test", "size", "setup", "bench"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let help = printed(&[command, "--help"]);
        assert!(
            help.contains(&format!("\n  cargo xtask {command}")),
            "{help}"
        );
    }
}

#[test]
fn bench_help_names_each_suite_and_each_suite_shows_an_example() {
    let help = printed(&["bench", "--help"]);
    for suite in ["startup", "mem", "heap", "thread", "process"] {
        assert!(help.contains(&format!("\n  {suite} ")), "{help}");
        let help = printed(&["bench", suite, "--help"]);
        let example = format!("\n  cargo xtask bench {suite}");
        assert!(help.contains(&example), "{help}");
    }
}

#[test]
fn size_prints_a_row_for_each_architecture() {
    if can_build_all() {
        let table = printed(&["size", "hello"]);
        for arch in Arch::ALL {
            assert!(table.contains(&format!("| {arch} ")), "{table}");
        }
    }
}

#[test]
fn bench_startup_measures_ours_and_names_each_other() {
    let folder = TempDir::new().unwrap();
    let svg = folder.path().join("plot.svg");
    let svg = svg.to_str().unwrap();
    let line = [
        "bench", "startup", "--arch", "x86_64", "--runs", "3", "--svg",
    ];
    let table = printed(&[&line[..], &[svg]].concat());
    for work in ["hello", "args"] {
        let (_, table) = table.split_once(&format!("{work} on x86_64\n")).unwrap();
        let row = |name: &str| {
            let start = format!("| {name} ");
            let line = table.lines().find(|line| line.starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("{name}: {table}"));
            line.split('|')
                .map(str::trim)
                .map(String::from)
                .collect::<Vec<_>>()
        };
        for name in ["freestand", "freestand, static-PIE"] {
            let cells = row(name);
            for (column, what) in [(2, "bytes"), (5, "instructions"), (6, "system calls")] {
                assert!(
                    cells[column].parse::<u64>().unwrap() > 0,
                    "{what}: {cells:?}"
                );
            }
            assert_eq!(cells[4], "no", "W+X: {cells:?}");
        }
        for other in [
            "origin", "tiny-std", "dietlibc", "musl", "Zig", "glibc", "Go",
        ] {
            let measured = table.contains(&format!("| {other} "));
            let named = table.lines().any(|line| {
                line.starts_with("not measured: ") && line.contains(&format!("`{other}`"))
            });
            assert!(measured || named, "{other}: {table}");
        }
    }
    assert!(
        fs::read_to_string(svg)
            .unwrap()
            .contains("freestand, static-PIE")
    );
}

#[test]
fn without_anything_on_path_it_says_what_is_missing() {
    let empty = TempDir::new().unwrap();
    for arguments in [&["run", "hello"][..], &["setup"]] {
        let mut command = xtask(arguments);
        command
            .env("PATH", empty.path())
            .env_remove("CARGO")
            .env_remove("RUSTC");
        let said = complaint(&mut command);
        assert!(said.contains("this is missing:"), "{said}");
        assert!(said.contains("a C compiler for"), "{said}");
        assert!(said.contains("the linker lld"), "{said}");
        // What it installs with is announced by a plus.
        assert!(!said.contains("\n+ "), "{said}");
    }
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn builds_are_the_same_in_every_folder() {
    // Some have a heap, and those with tasks all kinds of data.
    let names = names_of(Package::Freestand, host());
    let folders = TwoFolders::new();
    for profile in [Profile::Debug, Profile::Release] {
        folders.compare(host(), profile, &names);
    }
}

#[test]
#[ignore = "compiles core four times for each architecture that has none prebuilt"]
fn all_builds_are_the_same_in_every_folder() {
    let folders = TwoFolders::new();
    for arch in Arch::ALL {
        let names = Package::ALL.map(|package| names_of(package, arch)).concat();
        for profile in [Profile::Debug, Profile::Release] {
            folders.compare(arch, profile, &names);
        }
    }
}

fn names_of(package: Package, arch: Arch) -> Vec<String> {
    let programs = program::all(package, arch).unwrap();
    programs.into_iter().map(|program| program.name).collect()
}

/// The workspace, copied twice, each with its own tool and builds.
struct TwoFolders {
    copies: [Copy; 2],
    _folder: TempDir,
}

struct Copy {
    root: PathBuf,
    xtask: PathBuf,
}

impl TwoFolders {
    fn new() -> TwoFolders {
        let folder = TempDir::new().unwrap();
        // What the tool depends on is compiled once, for both.
        let tools = folder.path().join("tools");
        let mut from = program::root().to_path_buf();
        let files = workspace_files(&from);
        // Paths of different lengths.
        let copies = ["a", "another place/with a longer name"].map(|name| {
            let root = folder.path().join(name);
            for file in &files {
                let copy = root.join(file);
                fs::create_dir_all(copy.parent().unwrap()).unwrap();
                fs::copy(from.join(file), copy).unwrap();
            }
            // The second is a copy of the first: somebody may be at work here.
            from.clone_from(&root);
            let mut cargo = Command::new(toolchain::cargo());
            // Compiles in less time.
            cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
            let xtask = root.join("xtask-of-this-folder");
            copy_program(&tool::build(&mut cargo, &root, &tools), &xtask).unwrap();
            Copy { root, xtask }
        });
        TwoFolders {
            copies,
            _folder: folder,
        }
    }

    /// Builds programs in both folders and compares the files.
    fn compare(&self, arch: Arch, profile: Profile, names: &[String]) {
        let [one, other] = thread::scope(|scope| {
            let build = |copy| scope.spawn(move || Copy::build(copy, arch, profile, names));
            let builds = self.copies.each_ref().map(build);
            builds.map(|build| build.join().unwrap())
        });
        for (name, (bytes, other)) in names.iter().zip(one.iter().zip(&other)) {
            assert!(
                bytes == other,
                "{name} for {arch}/{} is not the same in {} and {}",
                profile.folder(),
                self.copies[0].root.display(),
                self.copies[1].root.display()
            );
        }
    }
}

impl Copy {
    /// Builds programs; their bytes.
    fn build(&self, arch: Arch, profile: Profile, names: &[String]) -> Vec<Vec<u8>> {
        let output = Command::new(&self.xtask)
            .args(["build", "--no-install", "--arch", arch.name()])
            .args((profile == Profile::Release).then_some("--release"))
            .args(names)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success());
        let paths = String::from_utf8(output.stdout).unwrap();
        assert_eq!(paths.lines().count(), names.len());
        let read = |path: &str| {
            assert!(Path::new(path).starts_with(&self.root), "{path}");
            fs::read(path).unwrap()
        };
        paths.lines().map(read).collect()
    }
}

/// What git has of the workspace at `root`, and what it would have.
fn workspace_files(root: &Path) -> Vec<PathBuf> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(PathBuf::from)
        .filter(|file| root.join(file).is_file())
        .collect()
}
