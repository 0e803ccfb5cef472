//! Installing what is missing, with rustup and the machine's package manager.

use std::{
    fmt::{self, Write},
    fs,
    os::unix::fs::MetadataExt,
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
        }
    }
}

impl Need {
    /// The rustup command that may supply this.
    fn rustup(&self) -> Option<Vec<String>> {
        let words: &[&str] = match self {
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
            (Need::Toolchain(_), _) => &[],
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

/// What this machine installs with.
struct System {
    manager: Option<Manager>,
    rustup: bool,
    sudo: bool,
}

impl System {
    fn detect() -> System {
        let has = |name: &str| find_in_path(name).is_some();
        let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        System {
            manager: Manager::ALL.into_iter().find(|manager| has(manager.name())),
            rustup: has("rustup"),
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
        let rustup = needs
            .iter()
            .filter(|_| self.rustup)
            .filter_map(Need::rustup);
        let packages = self
            .manager
            .and_then(|manager| self.install_command(manager, needs));
        let commands: Vec<String> = rustup
            .chain(packages)
            .map(|words| format!("`{}`", words.join(" ")))
            .collect();
        if commands.is_empty() {
            "no package manager that this tool knows (apt-get, dnf, pacman, apk) is on PATH: \
             install it by hand, or use a Rust toolchain from https://rustup.rs"
                .to_string()
        } else {
            format!("install it with {}", commands.join(" or "))
        }
    }

    fn install(&self, needs: &[Need]) -> Result<()> {
        let left: Vec<Need> = needs
            .iter()
            .filter(|need| !self.install_with_rustup(need))
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

    fn install_with_rustup(&self, need: &Need) -> bool {
        self.rustup
            && need
                .rustup()
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
            rustup: false,
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
            need.rustup().unwrap().join(" "),
            "rustup toolchain install 1.95.0 --profile minimal"
        );
    }

    #[test]
    fn without_a_manager_the_remedy_is_said_in_words() {
        let text = missing(&[Need::Qemu(Arch::Aarch64)], &system(None, false));
        assert!(text.contains("qemu-aarch64"), "{text}");
        assert!(text.contains("by hand"), "{text}");
    }
}
