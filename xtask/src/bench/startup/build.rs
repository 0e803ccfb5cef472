//! How each program is built: as small as its maker's ordinary tools make it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectKind, elf::PT_INTERP};

use super::peers::{Link, Peer, Subject, Work};
use crate::{
    arch::Arch,
    bench::build::{execute, folder, glibc_cc},
    elf::Image,
    install::Need,
    path::find_in_path,
    program::{self, Options, Package, root, target_dir},
    toolchain::Tools,
};

/// The version of Zig that the sources are written for: its library changes.
const ZIG: &str = "0.17.1";

/// What makes C programs small, with any linker.
const C_FLAGS: [&str; 8] = [
    "-Os",
    "-s",
    "-fno-asynchronous-unwind-tables",
    "-fno-ident",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-stack-protector",
    "-Wl,--gc-sections,--build-id=none,-z,norelro",
];

/// What makes them smaller with GNU ld: no pages of their own for headers and
/// read-only data.
const GNU_LD_FLAGS: &str = "-Wl,-z,noseparate-code";

/// What makes Rust programs small, and independent of any dynamic linker.
const RUST_LINK_ARGS: [&str; 8] = [
    "--static",
    "--no-dynamic-linker",
    "--gc-sections",
    "--build-id=none",
    "--no-eh-frame-hdr",
    "--no-rosegment",
    "-znoseparate-code",
    "-znorelro",
];

/// The suite's name, and that of its folders.
pub const SUITE: &str = "startup";

/// Builds programs for one architecture.
pub struct Builder {
    tools: Tools,
}

impl Builder {
    /// With these tools for our own programs, and as far as possible for others.
    pub fn new(tools: Tools) -> Builder {
        Builder { tools }
    }

    fn arch(&self) -> Arch {
        self.tools.arch
    }

    fn is_host(&self) -> bool {
        Arch::host() == Some(self.arch())
    }

    fn is_native(&self) -> bool {
        Arch::host().is_some_and(|host| self.arch().is_native_to(host))
    }

    /// What is missing to build for this peer, if anything is.
    pub fn need(&self, peer: Peer) -> Option<Need> {
        let arch = self.arch();
        let lacks = |program: &str| find_in_path(program).is_none();
        match peer {
            Peer::Freestand | Peer::Origin | Peer::TinyStd => None,
            Peer::Assembly if self.is_native() => None,
            Peer::Assembly => lacks(&format!("{}-ld", arch.gnu())).then_some(Need::Binutils(arch)),
            Peer::Dietlibc => lacks("diet").then_some(Need::Dietlibc),
            Peer::Musl if self.is_host() => lacks("musl-gcc").then_some(Need::Musl),
            Peer::Musl | Peer::Zig | Peer::ZigSingle => {
                (!zig_folder().join("ziglang/zig").is_file()).then(|| Need::Wheel {
                    name: "Zig",
                    package: "ziglang",
                    version: ZIG,
                    folder: zig_folder(),
                })
            }
            Peer::Glibc => glibc_cc(self.arch()).is_none().then_some(Need::Glibc(arch)),
            Peer::Go => lacks("go").then_some(Need::Go),
        }
    }

    /// Builds the program and returns its path. An error says why it is not to be
    /// had.
    pub fn build(&self, subject: Subject, work: Work) -> Result<PathBuf> {
        let Subject { peer, link } = subject;
        if let Some(obstacle) = subject.obstacle(work, self.arch()) {
            bail!(obstacle);
        }
        if let Some(need) = self.need(peer) {
            bail!("{need} is missing: {}", need.remedy());
        }
        let path = match peer {
            Peer::Freestand => self.freestand(link, work)?,
            Peer::Origin => self.package("origin", link, work)?,
            Peer::TinyStd => self.package("tiny-std", link, work)?,
            _ => self.compiled(subject, work)?,
        };
        check_link(&path, link)?;
        Ok(path)
    }

    fn freestand(&self, link: Link, work: Work) -> Result<PathBuf> {
        let (package, name) = match work {
            Work::Hello => (Package::Freestand, "hello"),
            Work::Args => (Package::TestPrograms, "startup_args"),
        };
        let options = Options {
            pie: link == Link::StaticPie,
            ..Options::release()
        };
        let program = program::find(package, name, self.arch())?;
        program::build(&self.tools, &program, options)
    }

    /// A program of the package in the folder `name`, which is no member of the
    /// workspace.
    fn package(&self, name: &str, link: Link, work: Work) -> Result<PathBuf> {
        let (model, kind) = match link {
            Link::Static => ("static", "--no-pie"),
            Link::StaticPie => ("pic", "-pie"),
        };
        let flags: Vec<String> = [
            format!("-Clinker={}", self.tools.linker.display()),
            "-Clinker-flavor=ld.lld".to_string(),
            format!("-Crelocation-model={model}"),
            "-Cforce-unwind-tables=no".to_string(),
            format!("-Clink-arg={kind}"),
        ]
        .into_iter()
        .chain(RUST_LINK_ARGS.map(|arg| format!("-Clink-arg={arg}")))
        .collect();
        let builds = folder(SUITE).join(format!("{name}-{model}"));
        let triple = self.arch().triple();
        let mut cargo = self.tools.rust.cargo();
        cargo
            .current_dir(sources().join(name))
            .args(["build", "--quiet", "--locked", "--release"])
            .args(["--bin", work.name(), "--target", triple])
            .args(self.tools.rust.build_flags())
            .arg("--target-dir")
            .arg(&builds)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        execute(&mut cargo)?;
        Ok(builds.join(triple).join("release").join(work.name()))
    }

    /// A program that one command compiles and links.
    fn compiled(&self, subject: Subject, work: Work) -> Result<PathBuf> {
        let folder = folder(SUITE).join(self.arch().name());
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let name = subject.to_string().to_lowercase().replace(", ", "-");
        let path = folder.join(format!("{}-{name}", work.name()));
        let (source, mut compiler) = match subject.peer {
            Peer::Assembly => (format!("assembly/{}/{}.s", work.name(), self.arch()), {
                let mut cc = self.tools.cc.command();
                cc.args(["-nostdlib", "-static", "-s"]);
                cc.args(["-Wl,--build-id=none", GNU_LD_FLAGS]);
                cc
            }),
            Peer::Zig | Peer::ZigSingle => (format!("zig/{}.zig", work.name()), self.zig(subject)),
            Peer::Go => (format!("go/{}.go", work.name()), self.go()),
            Peer::Musl => (format!("c/{}.c", work.name()), self.musl(subject.link)?),
            Peer::Glibc => (format!("c/{}.c", work.name()), self.glibc(subject.link)?),
            Peer::Dietlibc => (format!("c/{}.c", work.name()), {
                let mut diet = Command::new("diet");
                diet.arg("gcc")
                    .args(C_FLAGS)
                    .args(["-static", GNU_LD_FLAGS]);
                diet
            }),
            Peer::Freestand | Peer::Origin | Peer::TinyStd => bail!("cargo builds it"),
        };
        match subject.peer {
            Peer::Zig | Peer::ZigSingle => {
                compiler.arg(format!("-femit-bin={}", path.display()));
            }
            _ => {
                compiler.arg("-o").arg(&path);
            }
        }
        compiler.arg(sources().join(source));
        execute(&mut compiler)?;
        Ok(path)
    }

    /// musl's own driver for the host. For others Zig's, which has musl's sources.
    fn musl(&self, link: Link) -> Result<Command> {
        if !self.is_host() {
            let mut cc = zig_command();
            cc.args([
                "cc",
                "-target",
                &format!("{}-linux-musl", self.arch().zig()),
            ]);
            cc.args(C_FLAGS).arg("-static");
            cc.args((link == Link::StaticPie).then_some("-fPIE"));
            return Ok(cc);
        }
        let mut cc = Command::new("musl-gcc");
        cc.args(C_FLAGS).args(["-static", GNU_LD_FLAGS]);
        if link == Link::StaticPie {
            // The driver does not know of static-PIE, but the library does: rcrt1.o is
            // the start code for it, and crti.o and crtn.o are what goes with that.
            let start = musl_object("rcrt1.o", self.arch())?;
            cc.args(["-fPIE", "-nostartfiles", "-Wl,-pie,--no-dynamic-linker"]);
            cc.arg(start.with_file_name("crti.o"));
            cc.arg(start.with_file_name("crtn.o"));
            cc.arg(start);
        }
        Ok(cc)
    }

    fn zig(&self, subject: Subject) -> Command {
        let target = format!("{}-linux", self.arch().zig());
        let mut zig = zig_command();
        zig.args(["build-exe", "-O", "ReleaseSmall", "-fstrip"])
            .args(["-target", &target])
            .args((subject.peer == Peer::ZigSingle).then_some("-fsingle-threaded"))
            .args((subject.link == Link::StaticPie).then_some("-fPIE"));
        zig
    }

    fn glibc(&self, link: Link) -> Result<Command> {
        let mut cc = glibc_cc(self.arch()).context("no C compiler links with glibc")?;
        cc.args(C_FLAGS).arg(GNU_LD_FLAGS);
        match link {
            Link::Static => cc.arg("-static"),
            Link::StaticPie => cc.args(["-fPIE", "-static-pie"]),
        };
        Ok(cc)
    }

    fn go(&self) -> Command {
        let mut go = Command::new("go");
        go.env("GOOS", "linux")
            .env("GOARCH", self.arch().go())
            .env("CGO_ENABLED", "0")
            .args(["build", "-trimpath", "-ldflags=-s -w"]);
        go
    }
}

/// Where the sources are.
fn sources() -> PathBuf {
    root().join("benches").join(SUITE)
}

fn zig_folder() -> PathBuf {
    target_dir().join("bench/zig")
}

/// Zig, with its caches beside what it builds.
fn zig_command() -> Command {
    let caches = folder(SUITE).join("zig-cache");
    let mut zig = Command::new(zig_folder().join("ziglang/zig"));
    zig.env("ZIG_GLOBAL_CACHE_DIR", caches.join("global"))
        .env("ZIG_LOCAL_CACHE_DIR", caches.join("local"));
    zig
}

/// An object of musl's start code, where distributions put it.
fn musl_object(name: &str, arch: Arch) -> Result<PathBuf> {
    let cpu = arch.name();
    [
        format!("/usr/lib/{cpu}-linux-musl"),
        format!("/usr/{cpu}-linux-musl/lib64"),
        "/usr/lib/musl/lib".to_string(),
        "/usr/local/musl/lib".to_string(),
    ]
    .iter()
    .map(|folder| Path::new(folder).join(name))
    .find(|path| path.is_file())
    .with_context(|| format!("musl's {name} is not where it is known to be"))
}

/// Makes sure that the program is linked as it is said to be: drivers that do not know
/// an option link in another way.
fn check_link(path: &Path, link: Link) -> Result<()> {
    let image = Image::read(path)?;
    let kind = object::File::parse(image.bytes())?.kind();
    let segments = image.segments();
    ensure!(
        !segments.iter().any(|segment| segment.kind == PT_INTERP.0),
        "its tools make it need a dynamic linker"
    );
    match (link, kind) {
        (Link::Static, ObjectKind::Executable) | (Link::StaticPie, ObjectKind::Dynamic) => Ok(()),
        (Link::Static, _) => bail!("its tools do not link it to one address"),
        (Link::StaticPie, _) => bail!("its tools do not link it to run anywhere"),
    }
}
