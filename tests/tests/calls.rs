//! Every declared system call: that it does what it should, and fails as it should.
//!
//! The programs `calls_*` make the calls, each in an empty directory, and print what
//! they have seen of each (`tests/programs/src/lib.rs`). The program `calls` prints
//! what is declared.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use freestand_tests::once::OncePer;
use freestand_tests::snippet::{self, Snippet};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::{cases, harness, symbols};
use libtest_mimic::{Failed, Trial};
use xtask::arch::Arch;
use xtask::path::find_in_path;
use xtask::{program, toolchain};

cases![
    directory_calls_work_and_fail,
    event_calls_work_and_fail,
    file_calls_work_and_fail,
    memory_calls_work_and_fail,
    net_calls_work_and_fail,
    process_calls_work_and_fail,
    resource_calls_work_and_fail,
    signal_calls_work_and_fail,
    stat_calls_work_and_fail,
    thread_calls_work_and_fail,
    time_calls_work_and_fail,
    every_declared_call_is_seen_to_work_and_to_fail,
    older_calls_stand_in_for_those_with_wider_times,
    calls_that_may_block_pass_through_the_hooks,
    a_typed_call_is_the_instruction_and_the_test_for_an_error,
];

fn main() -> ExitCode {
    // What the compiler says does not depend on the target: once is enough.
    let mut once = snippet::trials(SNIPPETS);
    once.push(Trial::test(
        "every_number_of_the_kernel_has_its_name",
        || {
            every_number_of_the_kernel_has_its_name()
                .map_err(|error| Failed::from(format!("{error:#}")))
        },
    ));
    harness::run_with(CASES, once)
}

/// The programs that make calls.
const PROGRAMS: &[&str] = &[
    "calls_directory",
    "calls_event",
    "calls_file",
    "calls_memory",
    "calls_net",
    "calls_process",
    "calls_resource",
    "calls_signal",
    "calls_stat",
    "calls_thread",
    "calls_time",
];

/// Calls that qemu-user 7.2 does not have: a newer one may. They are proved where the
/// kernel is real, which is on x86_64 and i386. Mounting is among them for who is not
/// root: qemu has threads, and a process with threads cannot leave its user namespace.
#[rustfmt::skip]
const LACKING_UNDER_QEMU: &[&str] = &[
    "arch_prctl",
    "chroot",
    "clone3",
    "clone3_on_stack",
    "epoll_pwait2",
    "execveat",
    "get_robust_list",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "mlock2",
    "mount",
    "openat2",
    "pivot_root",
    "preadv2",
    "ptrace",
    "pwritev2",
    "reboot",
    "rseq",
    "seccomp",
    "set_robust_list",
    "setns",
    "umount2",
];

/// Calls that cannot fail: all that they take is acceptable.
#[rustfmt::skip]
const NEVER_FAILS: &[&str] = &[
    "futex_wake",
    "getcpu",
    "gettimeofday",
    "rt_sigpending",
    "set_robust_list",
    "sysinfo",
    "uname",
];

/// Calls that change the machine: most processes, even the superuser's in a container,
/// see them only refused, with `EPERM`.
const REFUSED_TO_MOST: &[&str] = &["clock_settime", "setgroups"];

fn directory_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_directory").map(drop)
}

fn event_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_event").map(drop)
}

fn file_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_file").map(drop)
}

fn memory_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_memory").map(drop)
}

fn net_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_net").map(drop)
}

fn process_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_process").map(drop)
}

fn resource_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_resource").map(drop)
}

fn signal_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_signal").map(drop)
}

fn stat_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_stat").map(drop)
}

fn thread_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_thread").map(drop)
}

fn time_calls_work_and_fail(target: Target) -> Result<()> {
    seen(target, "calls_time").map(drop)
}

/// What a program has seen of the calls: for each name, `ok`, errors and `lacking`.
type Seen = BTreeMap<String, BTreeSet<String>>;

/// Runs the program, once for all cases that want to know.
fn seen(target: Target, program: &'static str) -> Result<&'static Seen> {
    static SEEN: OncePer<(Target, &str), Seen> = OncePer::new();

    SEEN.get((target, program), || look(target, program).context(program))
}

fn look(target: Target, program: &str) -> Result<Seen> {
    let folder = TempDir::new()?;
    let output = target
        .command(program)?
        .current_dir(folder.path())
        .output()?;
    let text = std::str::from_utf8(expect_status(&output, 0)?)?;
    let mut seen = Seen::new();
    for line in text.lines() {
        let (name, what) = line.split_once(' ').context("a line without a space")?;
        ensure!(
            what != "lacking" || (!target.is_native() && LACKING_UNDER_QEMU.contains(&name)),
            "there is no {name} here"
        );
        seen.entry(name.to_owned())
            .or_default()
            .insert(what.to_owned());
    }
    Ok(seen)
}

fn every_declared_call_is_seen_to_work_and_to_fail(target: Target) -> Result<()> {
    let output = target.command("calls")?.output()?;
    let table = std::str::from_utf8(expect_status(&output, 0)?)?;

    let mut all = Seen::new();
    for program in PROGRAMS {
        for (name, what) in seen(target, program)? {
            all.entry(name.clone()).or_default().extend(what.clone());
        }
    }
    let mut missing = Vec::new();
    for line in table.lines() {
        let (name, declared) = line.split_once(' ').context("a line without a space")?;
        let none = BTreeSet::new();
        let what = all.get(name).unwrap_or(&none);
        if what.contains("lacking") {
            continue;
        }
        let is_refused = REFUSED_TO_MOST.contains(&name) && what.contains("EPERM");
        if !what.contains("ok") && !declared.ends_with("-> !") && !is_refused {
            missing.push(format!("{name} is not seen to work"));
        }
        let fails = declared.contains("-> Result") && !NEVER_FAILS.contains(&name);
        if fails && !what.iter().any(|what| what.starts_with('E')) {
            missing.push(format!("{name} is not seen to fail"));
        }
    }
    ensure!(missing.is_empty(), "{}", missing.join("\n"));
    Ok(())
}

/// Before Linux 5.1, i386 had no calls with times of 64 bits. strace makes it so again.
fn older_calls_stand_in_for_those_with_wider_times(target: Target) -> Result<()> {
    const WIDER: &str = "clock_getres_time64,clock_gettime64,clock_nanosleep_time64,\
                         clock_settime64,futex_time64,ppoll_time64,pselect6_time64,\
                         rt_sigtimedwait_time64,timer_gettime64,timer_settime64,\
                         timerfd_gettime64,timerfd_settime64";

    if target.arch != Arch::I386 || !target.is_native() {
        return Ok(());
    }
    let Some(strace) = find_in_path("strace") else {
        ensure!(!harness::everything_is_required(), "strace is missing");
        eprintln!("strace is missing: not run");
        return Ok(());
    };
    for program in ["calls_event", "calls_signal", "calls_thread", "calls_time"] {
        let folder = TempDir::new()?;
        let trace = folder.path().join("trace");
        let output = Command::new(&strace)
            .args(["-f", "-qq", "-e"])
            .arg(format!("inject={WIDER}:error=ENOSYS"))
            .arg("-o")
            .arg(&trace)
            .arg(target.program(program)?)
            .env_clear()
            .current_dir(folder.path())
            .output()?;
        expect_status(&output, 0).context(program)?;
        let trace = fs::read_to_string(&trace)?;
        ensure!(trace.contains("ENOSYS"), "{program}: nothing was missing");
    }
    Ok(())
}

fn calls_that_may_block_pass_through_the_hooks(target: Target) -> Result<()> {
    let output = target.command("hooks")?.stdin(Stdio::null()).output()?;
    ensure!(expect_status(&output, 0)? == b"ok\n");
    Ok(())
}

/// Neither hooks nor conversions are between: a call compiles to what the same call
/// written by hand does, byte for byte. Where there is more to put in order than one
/// way, the compiler may choose another, of the same length. The programs are built
/// for size.
fn a_typed_call_is_the_instruction_and_the_test_for_an_error(target: Target) -> Result<()> {
    if !target.is_release() {
        return Ok(());
    }
    let programs = symbols::build(target.arch, &["calls_typed", "calls_by_hand"])?;
    let [typed, by_hand] = &programs[..] else {
        bail!("{} programs", programs.len());
    };
    let code = |name: &str| -> Result<[Vec<u8>; 2]> {
        let name = format!("subject_{name}");
        Ok([typed.code(&name)?, by_hand.code(&name)?])
    };
    for name in ["getpid", "read", "write"] {
        let [typed, by_hand] = code(name)?;
        ensure!(
            typed == by_hand,
            "{name}: {typed:02x?}, by hand {by_hand:02x?}"
        );
    }
    for name in ["openat", "mmap", "munmap"] {
        let [typed, by_hand] = code(name)?;
        ensure!(
            typed.len() == by_hand.len(),
            "{name}: {typed:02x?}, by hand {by_hand:02x?}"
        );
    }
    Ok(())
}

/// `nr` is a list of names: each of linux-raw-sys' numbers must be in it, for the
/// architectures that have it.
fn every_number_of_the_kernel_has_its_name() -> Result<()> {
    let metadata = Command::new(toolchain::cargo())
        .current_dir(program::root())
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .output()?;
    let metadata = String::from_utf8(metadata.stdout)?;
    let kernel = metadata
        .split('"')
        .find_map(|text| {
            text.strip_suffix("/Cargo.toml")?
                .contains("/linux-raw-sys-")
                .then_some(text)
        })
        .context("cargo does not know of linux-raw-sys")?;
    let kernel = Path::new(kernel).with_file_name("src");

    let arch = program::root().join("src/arch");
    let common = fs::read_to_string(arch.join("nr.rs"))?;
    for (folder, own) in [
        ("x86_64", "x86_64.rs"),
        ("x86", "i386.rs"),
        ("aarch64", "aarch64.rs"),
        ("riscv64", "riscv64.rs"),
    ] {
        let own = fs::read_to_string(arch.join(own))?;
        let listed: HashSet<&str> = [&*common, &*own]
            .into_iter()
            .flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || c == '_')))
            .filter_map(|word| word.strip_prefix("__NR_"))
            .collect();
        let constants = fs::read_to_string(kernel.join(folder).join("general.rs"))?;
        let numbers = constants.lines().filter_map(|line| {
            line.strip_prefix("pub const __NR_")?
                .split_once(':')
                .map(|(name, _)| name)
        });
        let missing: Vec<&str> = numbers.filter(|name| !listed.contains(name)).collect();
        ensure!(missing.is_empty(), "{folder}: {}", missing.join(", "));
    }
    Ok(())
}

const SNIPPETS: &[Snippet] = &[
    Snippet {
        name: "a_program_may_declare_calls_of_its_own",
        main: r#"
            use freestand::sys::{BorrowedFd, Path, Result, STDIN, nr};
            freestand::syscalls! {
                /// Locks a file.
                sys flock(fd: BorrowedFd<'_>, how: u32) -> Result<()>;
                /// Creates a file.
                sys creat_it(path: impl Path, mode: u32) -> Result<u32> = nr::mkdirat;
                /// Ends.
                wrap end(status: i32) -> ! { freestand::sys::exit_group(status) }
            }
            fn main() {
                assert_eq!(CALLS[0].name, "flock");
                let _ = (flock(STDIN, 0), raw::flock(STDIN, 0), creat_it("a", 0), creat_it(b"a", 0));
                end(0)
            }
        "#,
        errors: &[],
    },
    Snippet {
        name: "a_call_that_may_block_is_not_sysnb",
        main: r#"
            use freestand::sys::{BorrowedFd, OwnedFd, Result};
            freestand::syscalls! {
                /// Doubles.
                sysnb dup(fd: BorrowedFd<'_>) -> Result<OwnedFd>;
            }
            fn main() {}
        "#,
        errors: &[
            "freestand: `sysnb dup`: this call is not known never to block; declare it `sys`",
        ],
    },
    Snippet {
        name: "it_is_the_number_that_never_blocks",
        main: r#"
            use freestand::sys::{BorrowedFd, Result, nr};
            freestand::syscalls! {
                /// Reads, under a harmless name.
                sysnb getpid(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> = nr::read;
                /// Asks for the id, under another.
                sysnb who_am_i() -> u32 = nr::getpid;
            }
            fn main() {}
        "#,
        errors: &["freestand: `sysnb getpid`: this call is not known never to block"],
    },
    Snippet {
        name: "a_call_has_at_most_six_words",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// Too long.
                sys read(a: &[u8], b: &[u8], c: &[u8], d: u32) -> Result<()>;
            }
            fn main() {}
        "#,
        errors: &[
            "freestand: `read` is declared with more than the six words that a system call takes",
        ],
    },
    Snippet {
        name: "a_call_is_of_one_of_four_kinds",
        main: r#"
            freestand::syscalls! {
                /// No such kind.
                sysx getpid() -> u32;
            }
            fn main() {}
        "#,
        errors: &[
            "freestand: `sysx getpid`: `sysx` is no kind of call; these are sys, sysblk, sysnb and wrap",
        ],
    },
    Snippet {
        name: "a_call_has_a_kind",
        main: r#"
            freestand::syscalls! {
                /// No kind.
                getpid() -> u32;
            }
            fn main() {}
        "#,
        errors: &[
            "freestand: `getpid` does not begin a declaration: write a kind (sys, sysblk, sysnb, wrap)",
        ],
    },
    Snippet {
        name: "a_call_has_a_number",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// No such call.
                sys frobnicate() -> Result<()>;
            }
            fn main() {}
        "#,
        errors: &["cannot find value `frobnicate` in module `$crate::arch::widest`"],
    },
    Snippet {
        name: "a_parameter_has_a_type",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// A parameter without a type.
                sys sync_it(fd: u32, how) -> Result<()> = freestand::sys::nr::sync;
            }
            fn main() {}
        "#,
        errors: &[
            "freestand: `sync_it`: the parameters from `how,` on are not written `name: type`",
        ],
    },
    Snippet {
        name: "a_call_takes_no_floating_point_number",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// No such type.
                sys nanosleep(seconds: f64) -> Result<()>;
            }
            fn main() {}
        "#,
        errors: &["freestand: no system call takes `f64`"],
    },
    Snippet {
        name: "a_call_returns_no_string",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// No such result.
                sys getcwd() -> Result<&'static str>;
            }
            fn main() {}
        "#,
        errors: &["freestand: no system call returns `core::result::Result<&'static str, Errno>`"],
    },
    Snippet {
        name: "a_call_fills_one_thing",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// Two.
                sys pipe2(one: out u32, two: out u32) -> Result<u32>;
            }
            fn main() {}
        "#,
        errors: &["freestand: `pipe2` fills both `one` and `two`: only one parameter can be `out`"],
    },
    Snippet {
        name: "the_kernel_fills_what_any_bytes_are",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// Not every byte is a bool.
                sys pipe2(one: out bool, flags: u32) -> Result<bool>;
            }
            fn main() {}
        "#,
        errors: &["freestand: no system call fills a `bool`"],
    },
    Snippet {
        name: "a_wrap_has_a_body",
        main: r#"
            use freestand::sys::Result;
            freestand::syscalls! {
                /// Nothing.
                wrap pause() -> Result<()>;
            }
            fn main() {}
        "#,
        errors: &[
            "freestand: `wrap pause` is not written `wrap name(name: type, …) -> type { body }`",
        ],
    },
    Snippet {
        name: "a_mode_is_no_flags",
        main: r#"
            use freestand::sys::{self, Mode, OFlags};
            fn main() {
                let _ = sys::open("file", Mode::new(0o600), OFlags::RDONLY);
            }
        "#,
        errors: &[
            "arguments to this function are incorrect",
            "swap these arguments",
        ],
    },
    Snippet {
        name: "a_thread_is_no_process",
        main: r#"
            use freestand::sys::{self, Signal};
            fn main() {
                let _ = sys::tgkill(sys::gettid(), sys::getpid(), Signal::ABRT);
            }
        "#,
        errors: &[
            "arguments to this function are incorrect",
            "swap these arguments",
        ],
    },
    Snippet {
        name: "a_buffer_outlives_no_borrow_of_its_descriptor",
        main: r#"
            use freestand::sys::{self, Mode, OFlags};
            fn main() {
                let fd = sys::open("file", OFlags::RDONLY, Mode::empty()).unwrap();
                let borrowed = fd.as_fd();
                drop(fd);
                let _ = sys::read(borrowed, &mut [0]);
            }
        "#,
        errors: &["cannot move out of `fd` because it is borrowed"],
    },
    Snippet {
        name: "a_number_is_no_path",
        main: r#"
            use freestand::sys::{self, Mode, OFlags};
            fn main() {
                let _ = sys::open(5_u32, OFlags::RDONLY, Mode::empty());
            }
        "#,
        errors: &[
            "`u32` is not a path",
            "a path is a `&str`, a `&[u8]` or a `&CStr`",
        ],
    },
];
