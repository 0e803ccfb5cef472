//! Which compilers and which linker are there, and which of them serve an
//! architecture.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::{
    arch::Arch,
    install::{self, Install, Need},
    path::{find_in_path, output},
};

/// The oldest Rust that compiles the workspace, from its Cargo.toml.
pub const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// What builds the programs of one architecture.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The architecture that these tools build for.
    pub arch: Arch,
    /// The Rust compiler and its cargo.
    pub rust: Rust,
    /// `rust-lld` or `ld.lld`: either links for every architecture.
    pub linker: PathBuf,
    /// The C compiler, which is the assembler too.
    pub cc: Cc,
}

impl Tools {
    /// The tools for `arch`, or what is missing.
    pub fn find(arch: Arch) -> Result<Tools, Vec<Need>> {
        match (Rust::find(arch), find_linker(), Cc::find(arch)) {
            (Some(rust), Some(linker), Some(cc)) => Ok(Tools {
                arch,
                rust,
                linker,
                cc,
            }),
            (rust, linker, cc) => Err([
                rust.is_none().then_some(Need::Rust(arch)),
                linker.is_none().then_some(Need::Linker),
                cc.is_none().then_some(Need::Cc(arch)),
            ]
            .into_iter()
            .flatten()
            .collect()),
        }
    }

    /// The tools for `arch`, having installed what was missing.
    pub fn get(arch: Arch, install: Install) -> Result<Tools> {
        let needs = match Tools::find(arch) {
            Ok(tools) => return Ok(tools),
            Err(needs) => needs,
        };
        install::satisfy(&needs, install)?;
        match Tools::find(arch) {
            Ok(tools) => Ok(tools),
            Err(needs) => bail!(
                "installed everything, but {} is still missing: {}",
                needs[0],
                needs[0].remedy()
            ),
        }
    }
}

/// A Rust compiler and how it comes by `core` for an architecture.
#[derive(Clone, Debug)]
pub struct Rust {
    /// The compiler.
    pub rustc: PathBuf,
    /// The cargo that goes with it.
    pub cargo: PathBuf,
    /// The compiler's version, such as `1.95.0`.
    pub version: String,
    /// Whether `core` and `alloc` are compiled from the compiler's sources,
    /// because the toolchain has none for the architecture.
    pub builds_core: bool,
}

impl Rust {
    /// The first compiler with a prebuilt `core`; failing that, the first that
    /// has the sources.
    fn find(arch: Arch) -> Option<Rust> {
        let with = |builds_core: bool, compiler: &Compiler| Rust {
            rustc: compiler.rustc.clone(),
            cargo: compiler.cargo.clone(),
            version: compiler.version.clone(),
            builds_core,
        };
        // To ask a compiler takes a while: no further than to one that has core.
        let mut others = Vec::new();
        for compiler in Compiler::candidates() {
            if !is_at_least(&compiler.version, OLDEST_RUST) {
                continue;
            }
            if compiler.has_core(arch) {
                return Some(with(false, &compiler));
            }
            others.push(compiler);
        }
        let source = others.iter().find(|compiler| compiler.has_source());
        source.map(|compiler| with(true, compiler))
    }

    /// This compiler's cargo, told to use this compiler.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(&self.cargo);
        // What the cargo that runs this tool says of itself.
        cargo.env_remove("CARGO").env("RUSTC", &self.rustc);
        if self.builds_core {
            // -Zbuild-std is cargo's only way to compile core. The option is
            // unstable; the library that it compiles is the compiler's own.
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
    }

    /// What `cargo build` is told beyond the target.
    pub fn build_flags(&self) -> &'static [&'static str] {
        if self.builds_core {
            &["-Zbuild-std=core,alloc,compiler_builtins"]
        } else {
            &[]
        }
    }
}

/// A Rust compiler, as it describes itself.
struct Compiler {
    rustc: PathBuf,
    cargo: PathBuf,
    version: String,
    host: String,
    sysroot: PathBuf,
}

impl Compiler {
    /// The active compiler, and the one that the distribution has packaged.
    fn candidates() -> impl Iterator<Item = Compiler> {
        let system = || Compiler::probe("/usr/bin/rustc".into(), "/usr/bin/cargo".into());
        Compiler::active()
            .into_iter()
            .chain(std::iter::once_with(system).flatten())
    }

    /// The compiler that a plain `cargo build` uses.
    fn active() -> Option<Compiler> {
        Compiler::probe(
            env::var_os("RUSTC").unwrap_or("rustc".into()).into(),
            cargo(),
        )
    }

    fn probe(rustc: PathBuf, cargo: PathBuf) -> Option<Compiler> {
        let about = output(Command::new(&rustc).arg("-vV"))?;
        let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]))?;
        let value = |key: &str| {
            let value = about.lines().find_map(|line| line.strip_prefix(key))?;
            Some(value.trim().to_string())
        };
        output(Command::new(&cargo).arg("-V"))?;
        Some(Compiler {
            version: value("release:")?,
            host: value("host:")?,
            rustc,
            cargo,
            sysroot: sysroot.trim_end().into(),
        })
    }

    fn has_core(&self, arch: Arch) -> bool {
        let library = self.rustlib().join(arch.triple()).join("lib");
        fs::read_dir(library).is_ok_and(|files| {
            files.flatten().any(|file| {
                let name = file.file_name();
                let name = name.to_string_lossy();
                name.starts_with("libcore-") && name.ends_with(".rlib")
            })
        })
    }

    fn has_source(&self) -> bool {
        self.rustlib().join("src/rust/library/core").is_dir()
    }

    fn linker(&self) -> Option<PathBuf> {
        let linker = self.rustlib().join(&self.host).join("bin/rust-lld");
        linker.is_file().then_some(linker)
    }

    fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }
}

/// A C compiler, and what makes it compile for an architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cc {
    /// The compiler.
    pub program: String,
    /// The flags that choose the architecture.
    pub flags: Vec<String>,
}

impl Cc {
    fn find(arch: Arch) -> Option<Cc> {
        let host = Arch::host().is_some_and(|host| arch.is_native_to(host));
        Cc::candidates(arch, host).into_iter().find(Cc::assembles)
    }

    /// The host's `cc` if it may do, a cross gcc, and clang, which compiles for
    /// every architecture.
    fn candidates(arch: Arch, host: bool) -> Vec<Cc> {
        let cc = |program: &str, flags: &[&str]| Cc {
            program: program.into(),
            flags: flags.iter().map(|flag| flag.to_string()).collect(),
        };
        let target = format!("--target={}", arch.gnu());
        let clang_flags: Vec<&str> = [target.as_str()]
            .into_iter()
            .chain(arch.cc_flags().iter().copied())
            .collect();
        let mut candidates = vec![
            cc(&format!("{}-gcc", arch.gnu()), arch.cc_flags()),
            cc("clang", &clang_flags),
        ];
        if host {
            candidates.insert(0, cc("cc", arch.cc_flags()));
        }
        candidates
    }

    /// Whether an empty file can be assembled.
    fn assembles(&self) -> bool {
        find_in_path(&self.program).is_some()
            && self
                .command()
                .args(["-c", "-x", "assembler", "/dev/null", "-o", "/dev/null"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }

    /// The compiler with the architecture's flags.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.flags);
        command
    }
}

/// The cargo that runs this tool, or else the first on `PATH`.
pub fn cargo() -> PathBuf {
    env::var_os("CARGO").unwrap_or("cargo".into()).into()
}

/// rustup's own linker is newer than most distributions' and comes with rustc.
fn find_linker() -> Option<PathBuf> {
    Compiler::active()
        .and_then(|compiler| compiler.linker())
        .or_else(|| find_in_path("ld.lld"))
        .or_else(|| find_in_path("lld"))
}

/// Whether a version such as `1.96.0-nightly` is `oldest` or newer.
pub fn is_at_least(version: &str, oldest: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        let release = version.split('-').next().unwrap_or_default();
        release
            .split('.')
            .map(|number| number.parse().unwrap_or(0))
            .collect()
    };
    numbers(version) >= numbers(oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(is_at_least("1.95.0", "1.95"));
        assert!(is_at_least("1.100.0", "1.95"));
        assert!(is_at_least("1.96.0-nightly", "1.95"));
        assert!(!is_at_least("1.94.1", "1.95"));
        assert!(!is_at_least("1.9.0", "1.95"));
    }

    #[test]
    fn cc_comes_first_only_for_the_host() {
        let cross: Vec<Cc> = Cc::candidates(Arch::Riscv64, false);
        assert_eq!(cross[0].program, "riscv64-linux-gnu-gcc");
        assert_eq!(
            cross[1].flags,
            ["--target=riscv64-linux-gnu", "-march=rv64gc", "-mabi=lp64d"]
        );
        let host = Cc::candidates(Arch::I386, true);
        assert_eq!(
            (host[0].program.as_str(), host[0].flags.as_slice()),
            ("cc", &["-m32".to_string()][..])
        );
    }
}
