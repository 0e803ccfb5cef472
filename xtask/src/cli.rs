//! The command line.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum, builder::PossibleValue};

use crate::{
    arch::Arch,
    backtrace::Translator,
    bench,
    install::{self, Install, Need},
    path::find_in_path,
    program::{self, Options, Profile, Program},
    run::{self, Emulation},
    size::{Sizes, new_table},
    test,
    toolchain::Tools,
};

/// Builds, runs, measures and tests freestand's programs.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Begin with:\n  cargo xtask run hello\n\n\
                  What a command needs and does not find it installs with rustup or the \
                  machine's package manager, and says so; --no-install keeps it from that."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a program and run it
    #[command(after_help = "Examples:\n  \
        cargo xtask run hello\n  \
        cargo xtask run hello --arch riscv64 --release\n  \
        cargo xtask run hello --arch all\n  \
        cargo xtask run args -- one two\n\n\
        Programs for other architectures run under qemu. \
        The exit status is the program's.")]
    Run {
        /// The program, one of those in src/bin
        name: String,
        /// The architecture, this machine's by default; `all` runs one after the other
        #[arg(long)]
        arch: Option<Archs>,
        #[command(flatten)]
        build: BuildArgs,
        /// Run under qemu even what this machine can run itself
        #[arg(long)]
        qemu: bool,
        /// The program's arguments
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Build programs and print their paths
    #[command(after_help = "Examples:\n  \
        cargo xtask build\n  \
        cargo xtask build hello --arch all --release --no-section-headers\n  \
        objdump -d $(cargo xtask build hello --release)")]
    Build {
        /// The programs, all of them by default
        names: Vec<String>,
        /// The architecture, this machine's by default
        #[arg(long)]
        arch: Option<Archs>,
        #[command(flatten)]
        build: BuildArgs,
    },
    /// Check programs' segments and print how large they are
    #[command(after_help = "Examples:\n  \
        cargo xtask size\n  \
        cargo xtask size hello --arch x86_64\n\n\
        Programs are built for release unless --debug is given. It is an error if one is \
        not an executable, has PT_INTERP or PT_DYNAMIC, a segment that is both writable and \
        executable, or an executable stack.")]
    Size {
        /// The programs, all of them by default
        names: Vec<String>,
        /// The architecture
        #[arg(long, default_value = "all")]
        arch: Archs,
        /// Measure debug builds
        #[arg(long)]
        debug: bool,
        /// Measure static-PIE builds
        #[arg(long)]
        pie: bool,
        #[command(flatten)]
        install: InstallArgs,
    },
    /// Measure ours against others of its kind
    #[command(after_help = "Examples:\n  \
        cargo xtask bench startup\n  \
        cargo xtask bench mem\n  \
        cargo xtask bench heap\n  \
        cargo xtask bench process\n  \
        cargo xtask bench task\n  \
        cargo xtask bench thread")]
    Bench {
        #[command(subcommand)]
        suite: Suite,
        #[command(flatten)]
        install: InstallArgs,
    },
    /// Install what building, running and testing needs
    #[command(after_help = "Examples:\n  \
        cargo xtask setup\n  \
        cargo xtask setup --arch riscv64\n  \
        cargo xtask setup --no-install    (only says what is missing)")]
    Setup {
        /// The architecture
        #[arg(long, default_value = "all")]
        arch: Archs,
        #[command(flatten)]
        install: InstallArgs,
    },
    /// Run all tests on all architectures, and the checks of format, lints and documentation
    #[command(after_help = "Examples:\n  \
        cargo xtask test\n  \
        cargo xtask test -- hello    (only tests with `hello` in their names)\n\n\
        The last line is `N passed, M failed`; the status is 0 if nothing failed.")]
    Test {
        #[command(flatten)]
        install: InstallArgs,
        /// A filter and other arguments for the test programs
        #[arg(last = true)]
        args: Vec<String>,
    },
}

/// What is measured.
#[derive(Debug, Subcommand)]
enum Suite {
    /// From execve to exit: hello and args, started by freestand and by others
    #[command(after_help = "Examples:\n  \
        cargo xtask bench startup\n  \
        cargo xtask bench startup --arch all --runs 200\n\n\
        What of the others is missing is installed; what cannot be had is named, with the \
        reason. The figures are those of this machine at this moment: let nothing else run.")]
    Startup {
        /// The architecture, this machine's by default
        #[arg(long)]
        arch: Option<Archs>,
        /// How often each program is started to be timed
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Where the plot goes, instead of to the folder of the builds
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// memcpy and its family, beside glibc's
    #[command(after_help = "Examples:\n  \
        cargo xtask bench mem\n  \
        cargo xtask bench mem --arch all --svg mem.svg\n\n\
        This machine's functions are timed: let nothing else run. The other architectures' \
        instructions are counted under qemu, and a cross compiler with glibc is installed \
        for that.")]
    Mem {
        /// The architecture, this machine's by default
        #[arg(long)]
        arch: Option<Archs>,
        /// In how many processes all is timed
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Where the plot goes, instead of to the folder of the builds
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// The heap: its times and its memory, beside other allocators'
    #[command(after_help = "Examples:\n  \
        cargo xtask bench heap\n  \
        cargo xtask bench heap --runs 3 --svg heap.svg\n\n\
        All are built for this machine, from crates.io. The figures are those of this \
        machine at this moment: let nothing else run.")]
    Heap {
        /// How often each allocator does each work
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Where the plot goes, instead of to the folder of the builds
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Making a thread and joining it, beside glibc's pthread_create
    #[command(after_help = "Examples:\n  \
        cargo xtask bench thread\n  \
        cargo xtask bench thread --runs 31\n\n\
        The figures are those of this machine at this moment: let nothing else run.")]
    Thread {
        /// How many turns each program has
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// How many threads it makes in each
        #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
    },
    /// Tasks: what they and their scheduler cost, beside Go's, tokio's and others'
    #[command(after_help = "Examples:\n  \
        cargo xtask bench task\n  \
        cargo xtask bench task --runs 3 --only pingpong,yield,echo\n\n\
        Go is installed beside what is built, if there is Python's pip; the crates come from \
        crates.io. The figures are those of this machine at this moment: let nothing else run.")]
    Task {
        /// How often each program does each work
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// The works, all of them by default
        #[arg(long, value_name = "WORK", value_delimiter = ',')]
        only: Vec<String>,
        /// Where the plot goes, instead of to the folder of the builds
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Starting a program and waiting for its end, beside glibc's posix_spawn
    #[command(after_help = "Examples:\n  \
        cargo xtask bench process\n  \
        cargo xtask bench process --runs 7 --count 100\n\n\
        The figures are those of this machine at this moment: let nothing else run.")]
    Process {
        /// How many turns each way has
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// How many programs it starts in each
        #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
        count: u32,
    },
}

impl Suite {
    fn run(self, install: Install) -> Result<()> {
        match self {
            Suite::Startup { arch, runs, svg } => {
                let archs = Archs::or_host(arch)?;
                bench::startup::run(archs.list(), runs as usize, svg, install)
            }
            Suite::Mem { arch, runs, svg } => {
                let archs = Archs::or_host(arch)?;
                bench::mem::run(archs.list(), runs as usize, svg, install)
            }
            Suite::Heap { runs, svg } => bench::heap::run(runs as usize, svg),
            Suite::Thread { runs, count } => bench::thread::run(runs as usize, count, install),
            Suite::Task { runs, only, svg } => bench::task::run(runs as usize, &only, svg, install),
            Suite::Process { runs, count } => bench::process::run(runs as usize, count, install),
        }
    }
}

#[derive(Debug, Args)]
struct BuildArgs {
    /// Build small and stripped programs
    #[arg(long)]
    release: bool,
    /// Build static-PIE: the kernel loads the program anywhere, and it relocates itself
    #[arg(long)]
    pie: bool,
    /// Keep frame pointers and symbols: a panic then prints a backtrace, to which `run`
    /// adds functions and lines
    #[arg(long, conflicts_with = "no_section_headers")]
    backtrace: bool,
    /// Leave out what the kernel does not load: the section headers
    #[arg(long)]
    no_section_headers: bool,
    #[command(flatten)]
    install: InstallArgs,
}

impl BuildArgs {
    fn options(&self) -> Options {
        let profile = if self.release {
            Profile::Release
        } else {
            Profile::Debug
        };
        Options {
            pie: self.pie,
            backtrace: self.backtrace,
            no_section_headers: self.no_section_headers,
            ..Options::new(profile)
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
struct InstallArgs {
    /// Install nothing; say what is missing instead
    #[arg(long, global = true)]
    no_install: bool,
}

impl From<InstallArgs> for Install {
    fn from(args: InstallArgs) -> Install {
        if args.no_install {
            Install::No
        } else {
            Install::Yes
        }
    }
}

/// One architecture, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Archs {
    Only(Arch),
    All,
}

impl ValueEnum for Archs {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Archs::Only(Arch::X86_64),
            Archs::Only(Arch::I386),
            Archs::Only(Arch::Aarch64),
            Archs::Only(Arch::Riscv64),
            Archs::All,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Archs::Only(arch) => arch.to_possible_value(),
            Archs::All => Some(PossibleValue::new("all")),
        }
    }
}

impl Archs {
    /// What was asked for, or else this machine's architecture.
    fn or_host(asked: Option<Archs>) -> Result<Archs> {
        match asked {
            Some(archs) => Ok(archs),
            None => Arch::host()
                .map(Archs::Only)
                .context("freestand does not run on this machine's architecture: give --arch"),
        }
    }

    fn list(&self) -> &[Arch] {
        match self {
            Archs::Only(arch) => std::slice::from_ref(arch),
            Archs::All => &Arch::ALL,
        }
    }
}

impl Cli {
    /// Does what the command line says; the status to exit with.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Run {
                name,
                arch,
                build,
                qemu,
                args,
            } => {
                let emulation = if qemu {
                    Emulation::Always
                } else {
                    Emulation::IfForeign
                };
                run_program(&name, Archs::or_host(arch)?, &build, emulation, &args)
            }
            Command::Build { names, arch, build } => {
                for &arch in Archs::or_host(arch)?.list() {
                    build_programs(&names, arch, build.options(), build.install.into())?
                        .iter()
                        .for_each(|(_, path)| println!("{}", path.display()));
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Size {
                names,
                arch,
                debug,
                pie,
                install,
            } => {
                let options = Options {
                    pie,
                    ..if debug {
                        Options::debug()
                    } else {
                        Options::release()
                    }
                };
                println!("{}", measure(&names, arch, options, install.into())?);
                Ok(ExitCode::SUCCESS)
            }
            Command::Bench { suite, install } => {
                suite.run(install.into())?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Setup { arch, install } => {
                set_up(arch.list(), install.into())?;
                println!("{}", inventory(arch.list())?);
                Ok(ExitCode::SUCCESS)
            }
            Command::Test { install, args } => {
                let setup = set_up(&Arch::ALL, install.into());
                let well = test::run(setup, &args, install.into())?;
                Ok(if well {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                })
            }
        }
    }
}

fn build_programs(
    names: &[String],
    arch: Arch,
    options: Options,
    install: Install,
) -> Result<Vec<(Program, PathBuf)>> {
    let programs = program::select(names, arch)?;
    let tools = Tools::get(arch, install)?;
    let paths = program::build_all(&tools, &programs, options)?;
    Ok(programs.into_iter().zip(paths).collect())
}

/// Builds and runs a program. On one architecture this process becomes it, or ends as it
/// does; on several, the status is the last one that is not 0.
fn run_program(
    name: &str,
    archs: Archs,
    build: &BuildArgs,
    emulation: Emulation,
    args: &[OsString],
) -> Result<ExitCode> {
    let install = build.install.into();
    let command = |arch| -> Result<_> {
        let built = build_programs(&[name.to_string()], arch, build.options(), install)?;
        let mut command = run::prepare(arch, &built[0].1, emulation, install)?;
        command.args(args);
        let translator = build.backtrace.then(|| Translator::new(&built[0].1));
        Ok((command, translator.transpose()?))
    };
    if let Archs::Only(arch) = archs {
        return match command(arch)? {
            (command, None) => Err(run::become_program(command)),
            (command, Some(translator)) => run::translated(command, &translator).map(run::end_as),
        };
    }
    let mut last_failure = ExitCode::SUCCESS;
    for &arch in archs.list() {
        let (mut command, translator) = command(arch)?;
        eprintln!("── {name} on {arch}");
        let status = match translator {
            None => command.status().context("cannot run the program")?,
            Some(translator) => run::translated(command, &translator)?,
        };
        if !status.success() {
            eprintln!("── {status}");
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            last_failure = code.map_or(ExitCode::FAILURE, ExitCode::from);
        }
    }
    Ok(last_failure)
}

fn measure(names: &[String], archs: Archs, options: Options, install: Install) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    for &arch in archs.list() {
        for (program, path) in build_programs(names, arch, options, install)? {
            sizes.add(&program.name, arch, &path)?;
        }
    }
    Ok(sizes)
}

/// Installs what building, running and testing on `archs` needs and lacks, all at
/// once.
fn set_up(archs: &[Arch], install: Install) -> Result<()> {
    let mut needs = Vec::new();
    for &arch in archs {
        needs.extend(Tools::find(arch).err().unwrap_or_default());
        needs.extend(run::needs(arch, Emulation::Always));
    }
    if find_in_path("strace").is_none() {
        needs.push(Need::Strace);
    }
    if archs.iter().any(|&arch| run::find_gdb(arch).is_none()) {
        needs.push(Need::Gdb);
    }
    if find_in_path("c++").is_none() {
        needs.push(Need::Cxx);
    }
    needs.dedup();
    install::satisfy(&needs, install)
}

/// What building and running uses, for every architecture.
fn inventory(archs: &[Arch]) -> Result<String> {
    let mut linker = String::new();
    let mut table = new_table(&["arch", "Rust", "core", "C compiler", "runs"]);
    for &arch in archs {
        let tools = Tools::get(arch, Install::No)?;
        linker = tools.linker.display().to_string();
        let core = if tools.rust.builds_core {
            "from source"
        } else {
            "prebuilt"
        };
        let qemu = run::find_qemu(arch).unwrap_or_default();
        let runs = if run::is_native(arch) {
            "natively".to_string()
        } else {
            format!("under {}", qemu.display())
        };
        table.add_row([
            arch.to_string(),
            format!("{} {}", tools.rust.rustc.display(), tools.rust.version),
            core.to_string(),
            [vec![tools.cc.program], tools.cc.flags].concat().join(" "),
            runs,
        ]);
    }
    Ok(format!("{}\n\nlinker: {linker}", table.trim_fmt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_after_the_dashes_are_the_programs() {
        let line = ["cargo xtask", "run", "hello", "--qemu", "--", "--release"];
        let Command::Run { args, build, .. } = Cli::parse_from(line).command else {
            panic!("`run` is the command");
        };
        assert_eq!(args, ["--release"]);
        assert!(!build.release);
    }
}
