//! Installing what is missing, with rustup, pip and the machine's package manager.

use std::{
    fmt::{self, Write},
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{arch::Arch, path::find_in_path};

/// Whether to install what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Install {
    /// Install it, each command printed before it runs.
    Yes,
    /// Only say what is missing and what would install it.
    No,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A Rust compiler with a `core`, prebuilt or as source.
    Rust(Arch),
    /// The linker.
    Linker,
    /// A C compiler, for its assembler.
    Cc(Arch),
    /// The emulator.
    Qemu(Arch),
    /// strace, for the tests.
    Strace,
    /// A gdb for all architectures, for the tests.
    Gdb,
    /// A C++ compiler, for the fuzzer that the tests run.
    Cxx,
    /// A rustup toolchain of this version, to check that the workspace compiles
    /// with it.
    Toolchain(String),
    /// musl and its compiler driver.
    Musl,
    /// dietlibc and its compiler driver.
    Dietlibc,
    /// glibc to link statically with, and a C compiler that does.
    Glibc(Arch),
    /// The linker of a cross compiler.
    Binutils(Arch),
    /// Go.
    Go,
    /// A tool, as Python's package index has it, in a folder of its own.
    Wheel {
        /// The tool's name.
        name: &'static str,
        /// The package's.
        package: &'static str,
        /// The version, such as `0.17.1`.
        version: &'static str,
        /// The folder.
        folder: PathBuf,
    },
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Rust(arch) => write!(
                f,
                "a Rust toolchain for {arch} (core for {}, or the rust-src component)",
                arch.triple()
            ),
            Need::Linker => write!(f, "the linker lld (ld.lld)"),
            Need::Cc(arch) => write!(
                f,
                "a C compiler for {arch} (cc if it can, {}-gcc or clang), to assemble start/{arch}.S",
                arch.gnu()
            ),
            Need::Qemu(arch) => write!(f, "the emulator qemu-{arch}, to run {arch} programs"),
            Need::Strace => write!(f, "strace, which the tests watch system calls with"),
            Need::Gdb => write!(f, "a gdb that knows all architectures, for the tests"),
            Need::Cxx => write!(f, "the C++ compiler c++, which libFuzzer is built with"),
            Need::Toolchain(version) => write!(f, "Rust {version}, the oldest that is supported"),
            Need::Musl => write!(f, "musl (musl-gcc)"),
            Need::Dietlibc => write!(f, "dietlibc (diet)"),
            Need::Glibc(arch) => write!(f, "a C compiler that links {arch} programs with glibc"),
            Need::Binutils(arch) => write!(f, "the linker {}-ld", arch.gnu()),
            Need::Go => write!(f, "Go (go)"),
            Need::Wheel { name, version, .. } => write!(f, "{name} {version}"),
        }
    }
}

impl Need {
    /// The command that may supply this without the package manager: its first word
    /// is one of [`INSTALLERS`].
    fn command(&self) -> Option<Vec<String>> {
        let requirement;
        let words: &[&str] = match self {
            Need::Wheel {
                package,
                version,
                folder,
                ..
            } => {
                requirement = format!("{package}=={version}");
                let folder = folder.to_str()?;
                &[
                    "python3",
                    "-m",
                    "pip",
                    "install",
                    "--target",
                    folder,
                    &requirement,
                ]
            }
            Need::Rust(arch) => &["rustup", "target", "add", arch.triple()],
            Need::Toolchain(version) => &[
                "rustup",
                "toolchain",
                "install",
                version,
                "--profile",
                "minimal",
            ],
            _ => return None,
        };
        Some(words.iter().map(|word| word.to_string()).collect())
    }

    /// The packages that supply this.
    fn packages(&self, manager: Manager) -> Vec<String> {
        use Manager::*;
        let names: &[&str] = match (self, manager) {
            (Need::Rust(_), Apt) => &["rustc-web", "cargo-web", "rust-web-src"],
            (Need::Rust(_), Dnf | Apk) => &["rust", "cargo", "rust-src"],
            (Need::Rust(_), Pacman) => &["rust", "rust-src"],
            (Need::Linker, _) => &["lld"],
            (Need::Cc(_), _) => &["clang"],
            (Need::Qemu(arch), Apk) => return vec![format!("qemu-{arch}")],
            (Need::Qemu(_), _) => &["qemu-user"],
            (Need::Strace, _) => &["strace"],
            (Need::Gdb, Apt | Apk) => &["gdb-multiarch"],
            (Need::Gdb, Dnf | Pacman) => &["gdb"],
            (Need::Cxx, Dnf) => &["gcc-c++"],
            (Need::Cxx, Pacman) => &["gcc"],
            (Need::Cxx, Apt | Apk) => &["g++"],
            (Need::Musl, Apt) => &["musl-tools"],
            (Need::Musl, Dnf) => &["musl-gcc"],
            (Need::Musl, Pacman) => &["musl"],
            (Need::Dietlibc, Apt) => &["dietlibc-dev"],
            (Need::Glibc(arch), _) if Arch::host() == Some(*arch) => match manager {
                Apt => &["gcc", "libc6-dev"],
                Dnf => &["gcc", "glibc-static"],
                Pacman => &["gcc"],
                Apk => &[],
            },
            (Need::Glibc(arch), Apt) => {
                return vec![
                    format!("gcc-{}", arch.gnu()),
                    format!("libc6-dev-{}-cross", arch.debian()),
                ];
            }
            (Need::Binutils(arch), Apt | Dnf) => return vec![format!("binutils-{}", arch.gnu())],
            (Need::Binutils(arch), Pacman) => return vec![format!("{}-binutils", arch.gnu())],
            (Need::Go, Apt) => &["golang-go"],
            (Need::Go, Dnf) => &["golang"],
            (Need::Go, Pacman | Apk) => &["go"],
            // In no package, or in none known here.
            (Need::Toolchain(_) | Need::Wheel { .. }, _) => &[],
            (Need::Musl | Need::Dietlibc | Need::Glibc(_) | Need::Binutils(_), _) => &[],
        };
        names.iter().map(|name| name.to_string()).collect()
    }

    /// How this can be installed here, as advice.
    pub fn remedy(&self) -> String {
        System::detect().advice(std::slice::from_ref(self))
    }
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Apk,
}

impl Manager {
    const ALL: [Manager; 4] = [Manager::Apt, Manager::Dnf, Manager::Pacman, Manager::Apk];

    fn name(self) -> &'static str {
        match self {
            Manager::Apt => "apt-get",
            Manager::Dnf => "dnf",
            Manager::Pacman => "pacman",
            Manager::Apk => "apk",
        }
    }

    fn install(self) -> &'static [&'static str] {
        match self {
            Manager::Apt => &["apt-get", "install", "-y", "--no-install-recommends"],
            Manager::Dnf => &["dnf", "install", "-y", "--setopt=install_weak_deps=False"],
            Manager::Pacman => &["pacman", "-S", "--noconfirm", "--needed"],
            Manager::Apk => &["apk", "add"],
        }
    }
}

/// What installs some needs without the package manager, and without root.
const INSTALLERS: [&str; 2] = ["rustup", "python3"];

/// What this machine installs with.
struct System {
    manager: Option<Manager>,
    installers: Vec<&'static str>,
    sudo: bool,
}

impl System {
    fn detect() -> System {
        let has = |name: &str| find_in_path(name).is_some();
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        System {
            manager: Manager::ALL.into_iter().find(|manager| has(manager.name())),
            installers: INSTALLERS.into_iter().filter(|name| has(name)).collect(),
            sudo: !is_root && has("sudo"),
        }
    }

    /// The command that installs the packages for `needs`, if there are any.
    fn install_command(&self, manager: Manager, needs: &[Need]) -> Option<Vec<String>> {
        let mut packages: Vec<String> = needs
            .iter()
            .flat_map(|need| need.packages(manager))
            .collect();
        packages.sort();
        packages.dedup();
        let words = manager.install().iter().map(|word| word.to_string());
        (!packages.is_empty()).then(|| self.as_root(words.chain(packages)))
    }

    fn as_root(&self, words: impl Iterator<Item = String>) -> Vec<String> {
        let sudo: &[&str] = if self.sudo {
            &["sudo", "DEBIAN_FRONTEND=noninteractive"]
        } else {
            &[]
        };
        sudo.iter()
            .map(|word| word.to_string())
            .chain(words)
            .collect()
    }

    /// What to type to have `needs`.
    fn advice(&self, needs: &[Need]) -> String {
        let own = needs.iter().filter_map(|need| self.own_command(need));
        let packages = self
            .manager
            .and_then(|manager| self.install_command(manager, needs));
        let commands: Vec<String> = own
            .chain(packages)
            .map(|words| format!("`{}`", words.join(" ")))
            .collect();
        if commands.is_empty() {
            "no package of a package manager that this tool knows (apt-get, dnf, pacman, apk) \
             and that is on PATH holds it: install it by hand, a Rust toolchain from \
             https://rustup.rs"
                .to_string()
        } else {
            format!("install it with {}", commands.join(" or "))
        }
    }

    fn install(&self, needs: &[Need]) -> Result<()> {
        let left: Vec<Need> = needs
            .iter()
            .filter(|need| !self.install_without_manager(need))
            .cloned()
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        let command = self
            .manager
            .and_then(|manager| self.install_command(manager, &left))
            .with_context(|| missing(&left, self))?;
        if self.manager == Some(Manager::Apt) {
            // Lists that cannot be fetched may still name what is needed.
            let update = ["apt-get", "update"].map(String::from);
            let _ = execute(&self.as_root(update.into_iter()));
        }
        execute(&command).with_context(|| missing(&left, self))
    }

    /// The need's own command, if what runs it is here.
    fn own_command(&self, need: &Need) -> Option<Vec<String>> {
        let command = need.command()?;
        self.installers
            .contains(&command[0].as_str())
            .then_some(command)
    }

    fn install_without_manager(&self, need: &Need) -> bool {
        self.own_command(need)
            .is_some_and(|command| execute(&command).is_ok())
    }
}

/// Installs what `needs` names, or says how with [`Install::No`].
pub fn satisfy(needs: &[Need], install: Install) -> Result<()> {
    let system = System::detect();
    if needs.is_empty() {
        Ok(())
    } else if install == Install::Yes {
        system.install(needs)
    } else {
        bail!(missing(needs, &system))
    }
}

fn missing(needs: &[Need], system: &System) -> String {
    let mut text = String::from("this is missing:");
    for need in needs {
        let _ = write!(text, "\n  {need}");
    }
    let _ = write!(text, "\n{}", system.advice(needs));
    text
}

/// Prints and runs a command. Its output goes to standard error, since this
/// tool's standard output is for results.
fn execute(words: &[String]) -> Result<()> {
    let line = words.join(" ");
    eprintln!("+ {line}");
    let status = Command::new(&words[0])
        .args(&words[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    ensure!(status.success(), "`{line}` failed ({status})");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(manager: Option<Manager>, sudo: bool) -> System {
        System {
            manager,
            installers: Vec::new(),
            sudo,
        }
    }

    fn line(manager: Manager, sudo: bool, needs: &[Need]) -> Option<String> {
        system(Some(manager), sudo)
            .install_command(manager, needs)
            .map(|words| words.join(" "))
    }

    #[test]
    fn each_manager_has_its_command() {
        let needs = [
            Need::Rust(Arch::I386),
            Need::Rust(Arch::Riscv64),
            Need::Linker,
            Need::Cc(Arch::Riscv64),
            Need::Qemu(Arch::I386),
            Need::Qemu(Arch::Riscv64),
            Need::Strace,
            Need::Gdb,
        ];
        let expected = [
            "apt-get install -y --no-install-recommends \
             cargo-web clang gdb-multiarch lld qemu-user rust-web-src rustc-web strace",
            "dnf install -y --setopt=install_weak_deps=False \
             cargo clang gdb lld qemu-user rust rust-src strace",
            "pacman -S --noconfirm --needed clang gdb lld qemu-user rust rust-src strace",
            "apk add cargo clang gdb-multiarch lld qemu-i386 qemu-riscv64 rust rust-src strace",
        ];
        for (manager, expected) in Manager::ALL.into_iter().zip(expected) {
            assert_eq!(line(manager, false, &needs).as_deref(), Some(expected));
        }
    }

    #[test]
    fn sudo_goes_in_front() {
        assert_eq!(
            line(Manager::Apt, true, &[Need::Linker]).as_deref(),
            Some(
                "sudo DEBIAN_FRONTEND=noninteractive \
                 apt-get install -y --no-install-recommends lld"
            )
        );
    }

    #[test]
    fn what_no_package_holds_needs_no_command() {
        let need = Need::Toolchain("1.95.0".into());
        assert_eq!(line(Manager::Apt, false, std::slice::from_ref(&need)), None);
        assert_eq!(
            need.command().unwrap().join(" "),
            "rustup toolchain install 1.95.0 --profile minimal"
        );
    }

    #[test]
    fn wheels_come_from_pythons_index_if_there_is_python() {
        let need = Need::Wheel {
            name: "Zig",
            package: "ziglang",
            version: "1.2.3",
            folder: "/t/zig".into(),
        };
        let mut system = system(Some(Manager::Apt), false);
        let advice = system.advice(std::slice::from_ref(&need));
        assert!(advice.contains("by hand"), "{advice}");
        system.installers.push("python3");
        assert_eq!(
            system.advice(&[need]),
            "install it with `python3 -m pip install --target /t/zig ziglang==1.2.3`"
        );
    }

    #[test]
    fn without_a_manager_the_remedy_is_said_in_words() {
        let text = missing(&[Need::Qemu(Arch::Aarch64)], &system(None, false));
        assert!(text.contains("qemu-aarch64"), "{text}");
        assert!(text.contains("by hand"), "{text}");
    }
}
