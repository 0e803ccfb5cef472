//! What the tests run on: each architecture, in debug and in release; where it matters,
//! static and static-PIE, by this machine's kernel and by qemu.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fmt, fs};

use anyhow::{Context, Result, ensure};
use xtask::arch::Arch;
use xtask::install::Need;
use xtask::program::{self, Options, Package, Profile};
use xtask::run::{self, Emulation};
use xtask::toolchain::Tools;

use crate::once::OncePer;
use crate::trace::{How, Launch};

/// An architecture, and how its programs are built and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The architecture.
    pub arch: Arch,
    /// The profile.
    pub profile: Profile,
    /// Whether programs are static-PIE.
    pub pie: bool,
    /// Whether qemu runs them even if this machine's kernel could.
    pub qemu: bool,
}

/// Where each program is, by name.
type Programs = HashMap<String, PathBuf>;

/// What `cargo xtask test` has had built for a target, for all of the run's test programs: to have
/// cargo find out that nothing has changed takes each of them seconds.
struct Record {
    file: PathBuf,
    run: String,
}

impl Record {
    /// That of the run, if this is part of one.
    fn of(target: Target) -> Option<Record> {
        let name = target.to_string().replace('/', "-");
        Some(Record {
            file: program::target_dir().join("test-run").join(name),
            run: env::var("FREESTAND_TEST_RUN").ok()?,
        })
    }

    /// What this run has built, if it has.
    fn read(&self) -> Option<Programs> {
        let text = fs::read_to_string(&self.file).ok()?;
        let (run, programs) = text.split_once('\n')?;
        let program = |line: &str| {
            let (name, path) = line.split_once('\t')?;
            Some((name.to_string(), path.into()))
        };
        (run == self.run).then(|| programs.lines().map(program).collect())?
    }

    fn write(&self, built: &Programs) -> Result<()> {
        let mut text = format!("{}\n", self.run);
        for (name, path) in built {
            text += &format!("{name}\t{}\n", path.display());
        }
        let folder = self.file.parent().context("it is in a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&self.file, text).with_context(|| self.file.display().to_string())
    }
}

impl Target {
    /// Static programs, run by qemu only where this machine's kernel cannot.
    pub const fn new(arch: Arch, profile: Profile) -> Target {
        Target {
            arch,
            profile,
            pie: false,
            qemu: false,
        }
    }

    /// Every architecture in both profiles.
    pub fn all() -> impl Iterator<Item = Target> {
        Arch::ALL.into_iter().flat_map(|arch| {
            [Profile::Debug, Profile::Release].map(|profile| Target::new(arch, profile))
        })
    }

    /// Every way in which a program can be built and run.
    pub fn every_way() -> impl Iterator<Item = Target> {
        Target::all()
            .flat_map(|target| [false, true].map(|pie| Target { pie, ..target }))
            .flat_map(|target| [false, true].map(|qemu| Target { qemu, ..target }))
            // What this machine does not run itself, qemu runs already.
            .filter(|target| !target.qemu || run::is_native(target.arch))
    }

    fn emulation(self) -> Emulation {
        if self.qemu {
            Emulation::Always
        } else {
            Emulation::IfForeign
        }
    }

    /// What keeps this machine from building or running the architecture's
    /// programs, if anything does.
    pub fn obstacle(self) -> Option<String> {
        let mut needs = self.found().as_ref().err().cloned().unwrap_or_default();
        needs.extend(run::needs(self.arch, self.emulation()));
        needs.first().map(ToString::to_string)
    }

    /// What builds the architecture's programs.
    ///
    /// # Errors
    ///
    /// If something is missing on this machine.
    pub fn tools(self) -> Result<&'static Tools> {
        self.found()
            .as_ref()
            .map_err(|needs| anyhow::anyhow!("cannot build for {self}: {needs:?}"))
    }

    /// The tools, or what is missing. They are looked for once: each is run for that.
    fn found(self) -> &'static Result<Tools, Vec<Need>> {
        static FOUND: OncePer<Arch, Result<Tools, Vec<Need>>> = OncePer::new();

        let found = FOUND.get(self.arch, || Ok(Tools::find(self.arch)));
        found.expect("looking does not fail")
    }

    /// Whether the profile is release.
    pub fn is_release(self) -> bool {
        self.profile == Profile::Release
    }

    /// Whether this machine's kernel runs the program, and not qemu.
    pub fn is_native(self) -> bool {
        run::is_native(self.arch) && !self.qemu
    }

    /// How to take control of a program.
    pub fn how(self) -> How {
        match run::find_qemu(self.arch) {
            Some(qemu) if !self.is_native() => How::Qemu(qemu),
            _ => How::Native,
        }
    }

    /// The path of the program `name`, of freestand's own or of the tests'. The
    /// first call builds all of this target's programs.
    ///
    /// # Errors
    ///
    /// If they do not build, or there is no such program.
    pub fn program(self, name: &str) -> Result<PathBuf> {
        static BUILT: OncePer<Target, Programs> = OncePer::new();

        let built_as = Target {
            qemu: false,
            ..self
        };
        let programs = BUILT.get(built_as, || self.build())?;
        programs
            .get(name)
            .cloned()
            .with_context(|| format!("there is no program {name} for {self}"))
    }

    fn build(self) -> Result<Programs> {
        let record = Record::of(self);
        if let Some(built) = record.as_ref().and_then(Record::read) {
            return Ok(built);
        }
        let built = self.build_all()?;
        if let Some(record) = record {
            record.write(&built)?;
        }
        Ok(built)
    }

    fn build_all(self) -> Result<Programs> {
        let tools = self.tools()?;
        let options = Options {
            pie: self.pie,
            ..Options::new(self.profile)
        };
        let mut built = Programs::new();
        for package in [Package::Freestand, Package::TestPrograms] {
            let mut programs = program::all(package, self.arch)?;
            if self.pie {
                programs.retain(|program| of_start_up(&program.name));
            }
            let paths = program::build_all(tools, &programs, options)?;
            built.extend(programs.into_iter().map(|program| program.name).zip(paths));
        }
        Ok(built)
    }

    /// The command that runs the program `name` in an empty environment.
    ///
    /// # Errors
    ///
    /// As for [`Target::program`].
    pub fn command(self, name: &str) -> Result<Command> {
        self.command_for(&self.program(name)?)
    }

    /// The command that runs the program at `path` in an empty environment.
    ///
    /// # Errors
    ///
    /// If nothing here runs it.
    pub fn command_for(self, path: &Path) -> Result<Command> {
        let mut command = run::command(self.arch, path, self.emulation())?;
        command.env_clear();
        Ok(command)
    }

    /// How to run the program `name` under control.
    ///
    /// # Errors
    ///
    /// As for [`Target::program`].
    pub fn launch(self, name: &str) -> Result<Launch> {
        Ok(Launch::new(self.program(name)?, self.arch, self.how()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.arch, self.profile.folder())?;
        f.write_str(if self.pie { "-pie" } else { "" })?;
        f.write_str(if self.qemu { "-qemu" } else { "" })
    }
}

/// Whether a program is one of those that show what start-up does, the rows of the table
/// in src/startup/mod.rs. The others are no different as static-PIE.
fn of_start_up(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "args",
        "auxv",
        "cat",
        "count_args",
        "echo_env",
        "global_pointer",
        "greet",
        "hello",
        "readchar",
        "syscalls",
        "write_args",
    ];
    NAMES.contains(&name) || name.starts_with("start_")
}

/// A test, to be run on each target.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// Shows it.
    pub run: fn(Target) -> Result<()>,
}

/// A list of cases, each named like its function.
#[macro_export]
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub const CASES: &[$crate::target::Case] = &[
            $($crate::target::Case { name: stringify!($name), run: $name }),*
        ];
    };
}

/// Checks that a program ended with `status`, and returns what it printed.
///
/// # Errors
///
/// If it ended in another way, with what it said.
pub fn expect_status(output: &Output, status: i32) -> Result<&[u8]> {
    ensure!(
        output.status.code() == Some(status),
        "{}, not {status}; standard output: {:?}; standard error: {:?}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok(&output.stdout)
}
