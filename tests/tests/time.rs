//! Clocks, sleeping, randomness, and the vDSO that they are read through.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::trace::stack::InitialStack;
use freestand_tests::trace::{Capture, Event, Launch, Streams, Tracee};
use freestand_tests::{cases, harness, vdso};
use xtask::arch::Arch;

cases![
    the_vdso_agrees_with_the_system_calls,
    the_clocks_agree_with_this_machines,
    a_clock_that_is_found_takes_no_system_call,
    without_a_vdso_the_system_calls_serve,
    without_an_auxiliary_vector_the_system_calls_serve,
    a_function_is_found_by_either_hash,
    a_function_of_another_version_is_not_called,
    a_vdso_that_is_no_pages_is_none,
    a_hostile_vdso_is_survived,
    threads_may_come_first_at_once,
    sleep_is_no_shorter_for_signals,
    sleep_may_last_for_ever,
    randomness_is_not_repeated_across_fork,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// Where the vDSO is, in the auxiliary vector.
const AT_SYSINFO_EHDR: u64 = 33;

/// What is particular to an architecture.
struct Row {
    /// The numbers of getppid, clock_gettime, clock_getres, getcpu and getrandom.
    calls: [u64; 5],
    /// The vDSO's version, and its clock_gettime, clock_getres and getcpu: of none there
    /// is another name, that nobody looks for.
    version: &'static str,
    names: [&'static str; 3],
    has_getcpu: bool,
}

fn row(arch: Arch) -> Row {
    let vdso = [
        "__vdso_clock_gettime",
        "__vdso_clock_getres",
        "__vdso_getcpu",
    ];
    match arch {
        Arch::X86_64 => Row {
            calls: [110, 228, 229, 309, 318],
            version: "LINUX_2.6",
            names: vdso,
            has_getcpu: true,
        },
        Arch::I386 => Row {
            calls: [64, 403, 406, 318, 355],
            version: "LINUX_2.6",
            names: ["__vdso_clock_gettime64", vdso[1], vdso[2]],
            has_getcpu: true,
        },
        Arch::Aarch64 => Row {
            calls: [173, 113, 114, 168, 278],
            version: "LINUX_2.6.39",
            names: ["__kernel_clock_gettime", "__kernel_clock_getres", "none"],
            has_getcpu: false,
        },
        Arch::Riscv64 => Row {
            calls: [173, 113, 114, 168, 278],
            version: "LINUX_4.15",
            names: vdso,
            has_getcpu: true,
        },
    }
}

fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    Ok(String::from_utf8(expect_status(&output, 0)?.to_vec())?)
}

fn the_vdso_agrees_with_the_system_calls(target: Target) -> Result<()> {
    succeed(&mut target.command("time_agrees")?).map(drop)
}

fn the_clocks_agree_with_this_machines(target: Target) -> Result<()> {
    let before = clocks()?;
    let printed = succeed(&mut target.command("time_agrees")?)?;
    let after = clocks()?;
    let lines: Vec<Duration> = printed.lines().map(duration).collect::<Result<_>>()?;
    for (clock, name) in ["CLOCK_MONOTONIC", "CLOCK_REALTIME"].iter().enumerate() {
        let now = *lines.get(clock).context("two clocks")?;
        ensure!(
            before[clock] <= now && now <= after[clock],
            "{name}: {now:?}, not from {:?} to {:?}",
            before[clock],
            after[clock]
        );
    }
    Ok(())
}

/// What this machine's clocks say: since the start, and since 1970.
fn clocks() -> Result<[Duration; 2]> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the time is there to be written.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    ensure!(result == 0, "no clock");
    let monotonic = Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?);
    Ok([monotonic, SystemTime::now().duration_since(UNIX_EPOCH)?])
}

/// A duration from a line of seconds and nanoseconds.
fn duration(line: &str) -> Result<Duration> {
    let (seconds, nanoseconds) = line.split_once(' ').context("two numbers")?;
    Ok(Duration::new(seconds.parse()?, nanoseconds.parse()?))
}

/// The system calls of the program `time_calls`, those between two of getppid together,
/// when it starts with the stack that `forge` makes of its own.
fn calls(target: Target, forge: impl FnOnce(&mut InitialStack)) -> Result<Vec<Vec<u64>>> {
    let mut tracee = Tracee::start(&target.launch("time_calls")?, Streams::default())?;
    let mut stack = InitialStack::read(&mut tracee)?;
    forge(&mut stack);
    stack.install(&mut tracee, 0)?;
    let getppid = row(target.arch).calls[0];
    let mut all: Vec<Vec<u64>> = Vec::new();
    let mut counting = false;
    loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == getppid => {
                counting = !counting;
                if counting {
                    all.push(Vec::new());
                }
            }
            Event::Syscall(call) if counting => {
                all.last_mut().expect("one has begun").push(call.number);
            }
            Event::Syscall(_) => {}
            Event::Exited(0) => return Ok(all),
            end => bail!("{end:?}"),
        }
    }
}

/// How often the program calls each function, and of which number the system call is.
fn by_system_calls(target: Target) -> [Vec<u64>; 5] {
    let [_, gettime, getres, getcpu, getrandom] = row(target.arch).calls;
    [
        vec![gettime; 1000],
        vec![gettime; 100],
        vec![getres; 100],
        vec![getcpu; 100],
        vec![getrandom; 100],
    ]
}

/// Whether this machine's vDSO names the function.
fn own_vdso_has(name: &str) -> Result<bool> {
    let bytes = vdso::own()?.unwrap_or_default();
    Ok(bytes
        .windows(name.len())
        .any(|window| window == name.as_bytes()))
}

fn a_clock_that_is_found_takes_no_system_call(target: Target) -> Result<()> {
    let mut expected = by_system_calls(target);
    // A kernel without a vDSO, qemu-user before 8.2 among them, has nothing to find.
    let mut has_vdso = false;
    let calls = calls(target, |stack| {
        has_vdso = stack.auxv.iter().any(|entry| entry.0 == AT_SYSINFO_EHDR);
    })?;
    ensure!(has_vdso || !target.is_native(), "there is no vDSO here");
    if has_vdso && target.is_native() {
        expected[..4].iter_mut().for_each(Vec::clear);
        if target.arch == Arch::X86_64 && own_vdso_has("__vdso_getrandom")? {
            expected[4].clear();
        }
    }
    if has_vdso && !target.is_native() {
        // Which functions an emulator's vDSO has, and whether they make system calls, is
        // the emulator's business.
        return Ok(());
    }
    ensure!(calls == expected, "made {}", summary(&calls));
    Ok(())
}

/// How many calls of which numbers.
fn summary(calls: &[Vec<u64>]) -> String {
    calls
        .iter()
        .map(|calls| format!("{} calls ({:?}) ", calls.len(), calls.first()))
        .collect()
}

fn without_a_vdso_the_system_calls_serve(target: Target) -> Result<()> {
    let calls = calls(target, |stack| stack.drop_aux(AT_SYSINFO_EHDR))?;
    ensure!(calls == by_system_calls(target), "made {}", summary(&calls));
    agrees_with(target, |stack| stack.drop_aux(AT_SYSINFO_EHDR))
}

fn without_an_auxiliary_vector_the_system_calls_serve(target: Target) -> Result<()> {
    agrees_with(target, |stack| stack.auxv.clear())
}

/// `time_agrees` succeeds when it starts with the stack that `forge` makes of its own.
fn agrees_with(target: Target, forge: impl FnOnce(&mut InitialStack)) -> Result<()> {
    run_forged(&target.launch("time_agrees")?, forge).map(drop)
}

/// Runs a program with the stack that `forge` makes of its own; what it prints.
fn run_forged(launch: &Launch, forge: impl FnOnce(&mut InitialStack)) -> Result<String> {
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(launch, capture.streams()?)?;
    let mut stack = InitialStack::read(&mut tracee)?;
    forge(&mut stack);
    stack.install(&mut tracee, 0)?;
    let end = tracee.resume_to_end()?;
    ensure!(
        end == Event::Exited(0),
        "{end:?}: {}",
        String::from_utf8_lossy(&capture.stderr()?)
    );
    Ok(String::from_utf8(capture.stdout()?)?)
}

/// A vDSO of our own, whose functions say what no kernel does.
struct Vdso {
    folder: TempDir,
    target: Target,
}

/// Where the program maps it: far from all that is there.
const ADDRESS: u64 = 0x2000_0000;

/// What its functions say.
const CLOCK: &str = "Instant { tv_sec: 1099511627776, tv_nsec: 42 }";
const RESOLUTION: &str = "Ok(Timespec { tv_sec: 7, tv_nsec: 77 })";
const CPU: &str = "Ok((77777, 777))";

const SOURCE: &str = "
struct timespec { long long sec, nsec; };
struct words { long sec, nsec; };

int CLOCK_GETTIME(int clock, struct timespec *time)
{
    if (clock != 1)
        return -22;
    time->sec = 1LL << 40;
    time->nsec = 42;
    return 0;
}

int CLOCK_GETRES(int clock, struct words *resolution)
{
    if (clock != 1)
        return -22;
    resolution->sec = 7;
    resolution->nsec = 77;
    return 0;
}

int GETCPU(unsigned *cpu, unsigned *node, void *unused)
{
    (void)unused;
    *cpu = 77777;
    *node = 777;
    return 0;
}
";

/// One segment, from the headers on, as the kernel has it (vdso-layout.lds.S).
const SCRIPT: &str = "
PHDRS { all PT_LOAD FLAGS(5) FILEHDR PHDRS; dynamic PT_DYNAMIC FLAGS(4); }
SECTIONS {
    . = SIZEOF_HEADERS;
    .hash : { *(.hash) } :all
    .gnu.hash : { *(.gnu.hash) }
    .dynsym : { *(.dynsym) }
    .dynstr : { *(.dynstr) }
    .gnu.version : { *(.gnu.version) }
    .gnu.version_d : { *(.gnu.version_d) }
    .dynamic : { *(.dynamic) } :all :dynamic
    .text : { *(.text .text.*) } :all
    /DISCARD/ : { *(.comment .note .note.* .eh_frame .eh_frame_hdr .riscv.attributes) }
}
";

impl Vdso {
    /// Compiles it, for `target`.
    fn new(target: Target) -> Result<Vdso> {
        let vdso = Vdso {
            folder: TempDir::new()?,
            target,
        };
        fs::write(vdso.path("vdso.c"), SOURCE)?;
        fs::write(vdso.path("vdso.ld"), SCRIPT)?;
        let names = row(target.arch).names;
        let defines = ["CLOCK_GETTIME", "CLOCK_GETRES", "GETCPU"]
            .iter()
            .zip(names)
            .map(|(define, name)| format!("-D{define}={name}"));
        let mut compile = vdso.target.tools()?.cc.command();
        compile
            .args([
                "-c",
                "-O1",
                "-ffreestanding",
                "-fPIC",
                "-fno-stack-protector",
            ])
            .args(["-fno-asynchronous-unwind-tables"])
            .args(defines)
            .arg(vdso.path("vdso.c"))
            .arg("-o")
            .arg(vdso.path("vdso.o"));
        succeed(&mut compile)?;
        Ok(vdso)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Links it, with its functions in `version` and hashed in `style`; the file.
    fn link(&self, version: &str, style: &str) -> Result<PathBuf> {
        let (versions, file) = (self.path("versions"), self.path("vdso.so"));
        fs::write(&versions, format!("{version} {{ global: *; }};"))?;
        let mut link = Command::new(&self.target.tools()?.linker);
        link.args(["-flavor", "gnu", "-shared", "-soname=linux-vdso.so.1"])
            .args(["-zrodynamic", "-zmax-page-size=4096", "--build-id=none"])
            .arg(format!("--hash-style={style}"))
            .arg(format!("--version-script={}", versions.display()))
            .arg("-T")
            .arg(self.path("vdso.ld"))
            .arg(self.path("vdso.o"))
            .arg("-o")
            .arg(&file);
        succeed(&mut link)?;
        Ok(file)
    }

    /// What `time_vdso` prints, for which `file` is the vDSO, at `address`.
    fn run(&self, task: &str, file: &Path, address: u64) -> Result<Vec<String>> {
        let mut launch = self.target.launch("time_vdso")?;
        launch.args = vec![task.into(), file.into()];
        launch
            .args
            .extend(row(self.target.arch).names.map(Into::into));
        let printed = run_forged(&launch, |stack| stack.set_aux(AT_SYSINFO_EHDR, address))?;
        Ok(printed.lines().map(String::from).collect())
    }
}

fn a_function_is_found_by_either_hash(target: Target) -> Result<()> {
    let vdso = Vdso::new(target)?;
    let row = row(target.arch);
    for style in ["sysv", "gnu", "both"] {
        let file = vdso.link(row.version, style)?;
        let said = vdso.run("call", &file, ADDRESS)?;
        ensure!(
            said.len() == 3 && said[..2] == [CLOCK, RESOLUTION],
            "{style}: {said:?}"
        );
        ensure!((said[2] == CPU) == row.has_getcpu, "{style}: {said:?}");
    }
    Ok(())
}

fn a_function_of_another_version_is_not_called(target: Target) -> Result<()> {
    let vdso = Vdso::new(target)?;
    let right = row(target.arch).version;
    let wrong = [
        &format!("{right}.1"),
        &right[..right.len() - 1],
        "LINUX_1.0",
    ];
    for version in wrong {
        let file = vdso.link(version, "both")?;
        ensure_kernels(&vdso.run("call", &file, ADDRESS)?)
            .with_context(|| format!("version {version}"))?;
    }
    Ok(())
}

/// Checks that what was said is not what our vDSO says.
fn ensure_kernels(said: &[String]) -> Result<()> {
    ensure!(said.len() == 3, "{said:?}");
    for ours in [CLOCK, RESOLUTION, CPU] {
        ensure!(!said.iter().any(|line| line == ours), "{said:?}");
    }
    Ok(())
}

fn a_vdso_that_is_no_pages_is_none(target: Target) -> Result<()> {
    let vdso = Vdso::new(target)?;
    let file = vdso.link(row(target.arch).version, "both")?;
    for address in [ADDRESS + 1, ADDRESS + 64, ADDRESS + 4095] {
        ensure_kernels(&vdso.run("call", &file, address)?)?;
    }
    Ok(())
}

fn a_hostile_vdso_is_survived(target: Target) -> Result<()> {
    let vdso = Vdso::new(target)?;
    let row = row(target.arch);
    for style in ["sysv", "gnu"] {
        let file = vdso.link(row.version, style)?;
        let said = vdso.run("hostile", &file, ADDRESS)?;
        // As it is, and again; then it is nothing but ones, and nothing but zeros.
        let expected = ["3 found", "3 found", "0 found", "0 found"];
        ensure!(said == expected, "{style}: {said:?}");
    }
    Ok(())
}

fn threads_may_come_first_at_once(target: Target) -> Result<()> {
    for _ in 0..10 {
        succeed(&mut target.command("time_threads")?)?;
    }
    Ok(())
}

fn sleep_is_no_shorter_for_signals(target: Target) -> Result<()> {
    succeed(&mut target.command("time_sleep")?).map(drop)
}

fn sleep_may_last_for_ever(target: Target) -> Result<()> {
    succeed(target.command("time_sleep")?.arg("long"))?;
    if target.arch == Arch::I386 && target.is_native() {
        // A kernel before Linux 5.1, which counts 68 years.
        succeed(target.command("time_sleep")?.args(["long", "old"]))?;
    }
    Ok(())
}

fn randomness_is_not_repeated_across_fork(target: Target) -> Result<()> {
    succeed(&mut target.command("time_fork")?).map(drop)
}
