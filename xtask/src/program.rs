//! Finding the programs in the workspace, and building them.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf, absolute},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{arch::Arch, elf, path, toolchain::Tools};

/// The package that a program belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    /// The demo programs beside the library.
    Freestand,
    /// The programs that exist for the tests.
    TestPrograms,
}

impl Package {
    /// Both packages.
    pub const ALL: [Package; 2] = [Package::Freestand, Package::TestPrograms];

    /// What cargo calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Package::Freestand => "freestand",
            Package::TestPrograms => "test-programs",
        }
    }

    /// Where its programs are, from the workspace's root.
    fn folder(self) -> &'static str {
        match self {
            Package::Freestand => "src/bin",
            Package::TestPrograms => "tests/programs/src/bin",
        }
    }
}

/// What a program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `NAME.rs` or `NAME/main.rs`.
    Rust,
    /// `NAME.c` or `NAME/NAME.c`.
    C,
    /// `NAME/<arch>.S`.
    Assembly,
}

/// A program in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The package that it belongs to.
    pub package: Package,
    /// Its name, as `cargo xtask run` takes it.
    pub name: String,
    /// What it is written in.
    pub kind: Kind,
    /// Its source, from the workspace's root.
    pub source: PathBuf,
}

/// How much the compiler optimizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// With debug information and all checks.
    Debug,
    /// Small, stripped, and finished by [`elf::finish`].
    Release,
}

impl Profile {
    /// The name of the profile's folder under the target's.
    pub fn folder(self) -> &'static str {
        match self {
            Profile::Debug => "debug",
            Profile::Release => "release",
        }
    }
}

/// How to build programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The profile.
    pub profile: Profile,
    /// Whether the program can be loaded anywhere, and relocates itself: static-PIE.
    pub pie: bool,
    /// Whether code keeps frame pointers, so that a panic can print a backtrace, and
    /// programs their symbols, so that it can be read.
    pub backtrace: bool,
    /// Whether programs keep their symbols and what the linker had to put where
    /// (--emit-relocs): for who checks what refers to what.
    pub relocations: bool,
    /// Whether everything is for size: `opt-level = "z"`, and the library's `small-mem`.
    pub small: bool,
    /// Whether to make a copy without section headers, and return that.
    pub no_section_headers: bool,
}

impl Options {
    /// A debug build.
    pub const fn debug() -> Options {
        Options::new(Profile::Debug)
    }

    /// A release build.
    pub const fn release() -> Options {
        Options::new(Profile::Release)
    }

    /// A build of this profile and nothing special.
    pub const fn new(profile: Profile) -> Options {
        Options {
            profile,
            pie: false,
            backtrace: false,
            relocations: false,
            small: false,
            no_section_headers: false,
        }
    }

    /// Where such builds go. What differs by the flags of the compiler goes to a
    /// folder of its own, for cargo would build all anew at each change of them.
    fn target_dir(self) -> PathBuf {
        let names: Vec<&str> = [
            (self.pie, "static-pie"),
            (self.backtrace, "backtrace"),
            (self.relocations, "relocations"),
            (self.small, "small"),
        ]
        .into_iter()
        .filter_map(|(is_so, name)| is_so.then_some(name))
        .collect();
        if names.is_empty() {
            target_dir()
        } else {
            target_dir().join(names.join("-"))
        }
    }
}

/// The workspace's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the workspace")
}

/// Where builds go.
pub fn target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => absolute(&dir).unwrap_or(dir.into()),
        None => root().join("target"),
    }
}

/// Every program of `package` that there is for `arch`, by name.
pub fn all(package: Package, arch: Arch) -> Result<Vec<Program>> {
    let folder = package.folder();
    let entries =
        fs::read_dir(root().join(folder)).with_context(|| format!("cannot list {folder}"))?;
    let mut programs = BTreeMap::new();
    for entry in entries {
        let path = Path::new(folder).join(entry?.file_name());
        let Some((name, kind, source)) = recognize(&path, arch) else {
            continue;
        };
        let program = Program {
            package,
            name,
            kind,
            source,
        };
        if let Some(other) = programs.insert(program.name.clone(), program) {
            bail!(
                "two programs in {folder} are called {}: rename one of them",
                other.name
            );
        }
    }
    Ok(programs.into_values().collect())
}

/// What program the file or folder `path` is, if it is one for `arch`.
fn recognize(path: &Path, arch: Arch) -> Option<(String, Kind, PathBuf)> {
    let name = path.file_stem()?.to_str()?.to_string();
    let extension = path.extension().and_then(|extension| extension.to_str());
    let (kind, source) = match extension {
        Some("rs") => (Kind::Rust, path.to_path_buf()),
        Some("c") => (Kind::C, path.to_path_buf()),
        _ => [
            (Kind::Rust, path.join("main.rs")),
            (Kind::C, path.join(format!("{name}.c"))),
            (Kind::Assembly, path.join(format!("{arch}.S"))),
        ]
        .into_iter()
        .find(|(_, source)| root().join(source).is_file())?,
    };
    Some((name, kind, source))
}

/// The program called `name` in `package`.
pub fn find(package: Package, name: &str, arch: Arch) -> Result<Program> {
    let mut programs = all(package, arch)?;
    match programs.iter().position(|program| program.name == name) {
        Some(index) => Ok(programs.swap_remove(index)),
        None => {
            let names: Vec<&str> = programs
                .iter()
                .map(|program| program.name.as_str())
                .collect();
            bail!(
                "{} has no program {name} for {arch}; there are: {}",
                package.name(),
                names.join(", ")
            )
        }
    }
}

/// The demo programs of these names, all of them if there are none. A test
/// program can be named too.
pub fn select(names: &[String], arch: Arch) -> Result<Vec<Program>> {
    if names.is_empty() {
        return all(Package::Freestand, arch);
    }
    names
        .iter()
        .map(|name| {
            find(Package::Freestand, name, arch)
                .or_else(|error| find(Package::TestPrograms, name, arch).map_err(|_| error))
        })
        .collect()
}

/// Builds a program and returns the file's absolute path.
pub fn build(tools: &Tools, program: &Program, options: Options) -> Result<PathBuf> {
    let mut paths = build_all(tools, std::slice::from_ref(program), options)?;
    paths
        .pop()
        .with_context(|| format!("{} was not built", program.name))
}

/// Builds programs, those in Rust all at once, and returns the files' absolute
/// paths in the programs' order.
pub fn build_all(tools: &Tools, programs: &[Program], options: Options) -> Result<Vec<PathBuf>> {
    let build = Build { tools, options };
    let mut rust = BTreeMap::new();
    for package in Package::ALL {
        let names: Vec<&str> = programs
            .iter()
            .filter(|program| program.package == package && program.kind == Kind::Rust)
            .map(|program| program.name.as_str())
            .collect();
        if !names.is_empty() {
            rust.extend(build.rust(package, &names)?);
        }
    }
    let is_native = |program: &Program| program.kind != Kind::Rust;
    let native = match programs.iter().find(|program| is_native(program)) {
        Some(_) => Some(Native::new(tools, options)?),
        None => None,
    };
    programs
        .iter()
        .map(|program| {
            let path = match program.kind {
                Kind::Rust => rust
                    .get(&program.name)
                    .with_context(|| format!("cargo built no {}", program.name))?
                    .clone(),
                Kind::C | Kind::Assembly => native
                    .as_ref()
                    .expect("there is a program that is not in Rust")
                    .build(program)?,
            };
            build.finish(program, path)
        })
        .collect()
}

/// One way of building for one architecture.
#[derive(Clone, Copy)]
struct Build<'a> {
    tools: &'a Tools,
    options: Options,
}

impl Build<'_> {
    fn is_release(&self) -> bool {
        self.options.profile == Profile::Release
    }

    /// Whether the headers are left to [`elf::finish`]. Of a program that relocates
    /// itself the linker makes a segment more, to be protected afterwards (PT_GNU_RELRO),
    /// and it does so only with the pages aligned.
    fn leaves_headers(&self) -> bool {
        self.is_release() && !self.options.pie
    }

    /// The folder of the finished programs.
    fn folder(&self) -> PathBuf {
        self.options
            .target_dir()
            .join(self.tools.arch.triple())
            .join(self.options.profile.folder())
    }

    /// Builds programs with cargo, and returns each one's path.
    fn rust(&self, package: Package, names: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
        let mut cargo = self.cargo();
        cargo.args(["--package", package.name()]);
        for name in names {
            cargo.args(["--bin", name]);
        }
        let messages = self.run_cargo(cargo, &names.join(", "))?;
        Ok(executables(&messages))
    }

    /// The folder in which the library's build script has left `start/<arch>.S`,
    /// assembled, and the link arguments.
    fn start_folder(&self) -> Result<PathBuf> {
        let mut cargo = self.cargo();
        cargo.args(["--package", LIBRARY, "--lib"]);
        let messages = self.run_cargo(cargo, "the library")?;
        out_dir(&messages, LIBRARY).context("cargo does not say where build.rs wrote to")
    }

    /// Runs cargo, and returns the messages about what it did.
    fn run_cargo(&self, mut cargo: Command, what: &str) -> Result<String> {
        let output = cargo
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", self.tools.rust.cargo.display()))?;
        ensure!(
            output.status.success(),
            "cargo could not build {what} for {} ({})",
            self.tools.arch,
            output.status
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// `cargo build` for the architecture.
    fn cargo(&self) -> Command {
        let Tools {
            arch,
            rust,
            linker,
            cc,
        } = self.tools;
        let variable = arch.triple().replace('-', "_");
        let cc_flags = [cc.flags.clone(), vec![shell_quote(&self.prefix_map())]].concat();
        let mut cargo = rust.cargo();
        if self.options.backtrace || self.options.relocations {
            cargo.env("CARGO_PROFILE_RELEASE_STRIP", "none");
        }
        if self.options.backtrace {
            cargo.env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
        }
        if self.options.small {
            cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z");
        }
        cargo
            .current_dir(root())
            .args(["build", "--message-format=json-render-diagnostics"])
            .args(["--target", arch.triple()])
            .args(rust.build_flags())
            .args(self.is_release().then_some("--release"))
            .args(
                self.options
                    .small
                    .then_some("--features=freestand/small-mem"),
            )
            .arg("--target-dir")
            .arg(self.options.target_dir())
            .env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags())
            // cargo says this to build scripts if its configuration names the
            // linker. Said there, the linker would link the build scripts too.
            .env("RUSTC_LINKER", linker)
            .env(format!("CC_{variable}"), &cc.program)
            .env("CC_SHELL_ESCAPED_FLAGS", "1")
            .env(format!("CFLAGS_{variable}"), cc_flags.join(" "));
        cargo
    }

    /// The user's flags and ours, in cargo's encoding.
    fn rust_flags(&self) -> String {
        let mut flags: Vec<String> = match env::var("CARGO_ENCODED_RUSTFLAGS") {
            Ok(flags) => flags.split('\x1f').map(String::from).collect(),
            Err(_) => env::var("RUSTFLAGS")
                .unwrap_or_default()
                .split_whitespace()
                .map(String::from)
                .collect(),
        };
        flags.retain(|flag| !flag.is_empty());
        flags.extend([
            format!("-Clinker={}", self.tools.linker.display()),
            "-Clinker-flavor=ld.lld".to_string(),
            format!(
                "-Crelocation-model={}",
                if self.options.pie { "pie" } else { "static" }
            ),
            // Panics abort, so nothing unwinds at run time and link.ld drops the
            // tables for it. Without them debuggers get theirs, .debug_frame.
            "-Cforce-unwind-tables=no".to_string(),
            // The bytes are the same wherever the workspace lies.
            format!("--remap-path-prefix={}=.", root().display()),
            format!("--remap-path-prefix={}=/cargo", cargo_home().display()),
        ]);
        if self.leaves_headers() {
            flags.push(format!("-Clink-arg={NO_PAGE_ALIGNMENT}"));
        }
        if self.options.relocations {
            flags.push("-Clink-arg=--emit-relocs".to_string());
        }
        if self.options.backtrace {
            flags.push("-Cforce-frame-pointers=yes".to_string());
        }
        flags.join("\x1f")
    }

    /// Keeps the workspace's folder out of debug information.
    fn prefix_map(&self) -> String {
        format!("-ffile-prefix-map={}=.", root().display())
    }

    /// Does what is left to do when a program is linked, and returns the path of
    /// the file that was asked for.
    fn finish(&self, program: &Program, path: PathBuf) -> Result<PathBuf> {
        if self.is_release() {
            elf::finish(&path, self.tools.arch)?;
        }
        if !self.options.no_section_headers {
            return Ok(path);
        }
        let folder = self.folder().join("no-section-headers");
        create_dir(&folder)?;
        let copy = folder.join(&program.name);
        elf::cut_copy(&path, &copy)?;
        Ok(copy)
    }
}

/// How programs in C and assembly are made, in one way of building.
pub struct Native<'a> {
    build: Build<'a>,
    /// The folder with `start/<arch>.S`, assembled, and the link arguments.
    start: PathBuf,
}

impl<'a> Native<'a> {
    /// Builds what they are linked with.
    pub fn new(tools: &'a Tools, options: Options) -> Result<Native<'a>> {
        let build = Build { tools, options };
        let start = build.start_folder()?;
        Ok(Native { build, start })
    }

    /// Compiles a program, links it, and returns its path. It is made in a folder of its
    /// own and moved, so that several processes may build the same program.
    fn build(&self, program: &Program) -> Result<PathBuf> {
        let path = self.build.folder().join("native").join(&program.name);
        let scratch = path::neighbour(&path);
        create_dir(&scratch)?;
        let built = self.build_in(&program.source, &scratch);
        let moved = built.and_then(|built| {
            fs::rename(&built, &path).with_context(|| format!("cannot write {}", path.display()))
        });
        // What is left there is of no use, and in nobody's way.
        let _ = fs::remove_dir_all(&scratch);
        moved.with_context(|| {
            format!(
                "cannot build {} for {}",
                program.source.display(),
                self.build.tools.arch
            )
        })?;
        Ok(path)
    }

    /// Makes the program in `scratch`; its path there.
    fn build_in(&self, source: &Path, scratch: &Path) -> Result<PathBuf> {
        let object = scratch.join("program.o");
        execute(&mut self.compile(source, &object))?;
        let built = scratch.join("program");
        execute(&mut self.link(&[&object], &built)?)?;
        // Finished here, so that nobody sees it unfinished.
        if self.build.is_release() {
            elf::finish(&built, self.build.tools.arch)?;
        }
        Ok(built)
    }

    /// The command that compiles `source`.
    pub fn compile(&self, source: &Path, object: &Path) -> Command {
        let Build { tools, options } = self.build;
        let level: &[&str] = if self.build.is_release() {
            &["-O2"]
        } else {
            // Of version 5, clang's assembler writes the folder down as it is.
            &["-O0", "-gdwarf-4"]
        };
        // Line tables, and the frame pointers that lead to them.
        let frames: &[&str] = if options.backtrace {
            &["-gdwarf-4", "-g1", "-fno-omit-frame-pointer"]
        } else {
            &[]
        };
        let mut cc = tools.cc.command();
        cc.current_dir(root())
            .args(level)
            .args(C_FLAGS)
            .arg(if options.pie { "-fpie" } else { "-fno-pie" })
            .args(frames)
            .arg(self.build.prefix_map())
            .arg("-c")
            .arg(source)
            .arg("-o")
            .arg(object);
        cc
    }

    /// The command that links `inputs`, objects and archives, with start-up.
    pub fn link(&self, inputs: &[&Path], program: &Path) -> Result<Command> {
        let Build { tools, options } = self.build;
        let link_args = fs::read_to_string(self.start.join("link-args"))
            .context("cannot read the link arguments of build.rs")?;
        let mut link = Command::new(&tools.linker);
        link.args(["-flavor", "gnu"])
            .args(inputs)
            .args(link_args.lines())
            .args(["-lfreestand_start", "-o"])
            .arg(program);
        if self.build.leaves_headers() {
            link.arg(NO_PAGE_ALIGNMENT);
        }
        if self.build.is_release() {
            link.args((!options.backtrace).then_some("--strip-all"));
        }
        Ok(link)
    }
}

/// The package with the library and its build script.
const LIBRARY: &str = Package::Freestand.name();

/// Tells the linker to leave the sections where they are in the file, and the
/// headers to [`elf::finish`].
const NO_PAGE_ALIGNMENT: &str = "-n";

/// What C is compiled with: nothing is there but the program and start-up.
const C_FLAGS: &[&str] = &[
    "-ffreestanding",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-ffunction-sections",
    "-Isrc/arch",
    "-Wall",
    "-Wextra",
    "-Werror",
];

/// The programs' paths in what cargo prints with `--message-format=json`.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let name = message["target"]["name"].as_str()?.to_string();
            let path = message["executable"].as_str()?.into();
            Some((name, path))
        })
        .collect()
}

/// Where the build script of `package` writes to, in what cargo prints with
/// `--message-format=json`.
fn out_dir(messages: &str, package: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let id = message["package_id"].as_str()?;
        // `path+file:///folder#name@version`, or `…/name#version`.
        let is_package = id
            .split(['/', '#', '@'])
            .rev()
            .take(2)
            .any(|name| name == package);
        let is_script = message["reason"] == "build-script-executed";
        (is_script && is_package).then(|| message["out_dir"].as_str().map(PathBuf::from))?
    })
}

fn cargo_home() -> PathBuf {
    env::var_os("CARGO_HOME").map_or_else(
        || env::home_dir().unwrap_or_default().join(".cargo"),
        PathBuf::from,
    )
}

fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Runs a compiler or linker; what it says goes to standard error.
fn execute(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}

/// One word for a shell, and for the cc crate.
fn shell_quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"freestand"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"hello"},"executable":"/t/hello"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            executables(messages),
            BTreeMap::from([("hello".to_string(), PathBuf::from("/t/hello"))])
        );
    }

    #[test]
    fn the_build_script_is_found_by_its_package() {
        let message = |id: &str| {
            format!(r#"{{"reason":"build-script-executed","package_id":"{id}","out_dir":"/o"}}"#)
        };
        let found = |id: &str| out_dir(&message(id), "freestand");
        let expected = Some(PathBuf::from("/o"));
        assert_eq!(
            found("path+file:///home/me/clone#freestand@0.1.0"),
            expected
        );
        assert_eq!(found("path+file:///home/me/freestand#0.1.0"), expected);
        assert_eq!(found("path+file:///home/me/freestand#other@0.1.0"), None);
    }

    #[test]
    fn an_unknown_program_is_an_error_that_lists_the_programs() {
        let error = find(Package::TestPrograms, "no-such-program", Arch::X86_64).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("no-such-program"), "{error}");
        assert!(error.contains("there are: "), "{error}");
    }

    #[test]
    fn quoted_words_stay_one_word() {
        assert_eq!(shell_quote("a b"), "'a b'");
        assert_eq!(shell_quote("it's"), r"'it'\''s'");
    }
}
