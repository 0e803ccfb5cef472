//! The table of architectures: one row each, and the only place in the tool
//! that knows what differs between them.

use std::fmt;

use clap::ValueEnum;

/// An architecture that freestand runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Arch {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "i386")]
    I386,
    #[value(name = "aarch64")]
    Aarch64,
    #[value(name = "riscv64")]
    Riscv64,
}

struct Row {
    name: &'static str,
    triple: &'static str,
    gnu: &'static str,
    gdb: &'static str,
    debian: &'static str,
    go: &'static str,
    zig: &'static str,
    cc_flags: &'static [&'static str],
    machine: object::elf::Machine,
    word: usize,
    page: u64,
}

impl Arch {
    /// Every architecture, in the order of the tables.
    pub const ALL: [Arch; 4] = [Arch::X86_64, Arch::I386, Arch::Aarch64, Arch::Riscv64];

    const fn row(self) -> Row {
        match self {
            Arch::X86_64 => Row {
                name: "x86_64",
                triple: "x86_64-unknown-linux-gnu",
                gnu: "x86_64-linux-gnu",
                gdb: "i386:x86-64",
                debian: "amd64",
                go: "amd64",
                zig: "x86_64",
                cc_flags: &["-m64"],
                machine: object::elf::EM_X86_64,
                word: 8,
                page: 0x1000,
            },
            Arch::I386 => Row {
                name: "i386",
                triple: "i686-unknown-linux-gnu",
                gnu: "i686-linux-gnu",
                gdb: "i386",
                debian: "i386",
                go: "386",
                zig: "x86",
                cc_flags: &["-m32"],
                machine: object::elf::EM_386,
                word: 4,
                page: 0x1000,
            },
            Arch::Aarch64 => Row {
                name: "aarch64",
                triple: "aarch64-unknown-linux-gnu",
                gnu: "aarch64-linux-gnu",
                gdb: "aarch64",
                debian: "arm64",
                go: "arm64",
                zig: "aarch64",
                cc_flags: &[],
                machine: object::elf::EM_AARCH64,
                word: 8,
                page: 0x1_0000,
            },
            Arch::Riscv64 => Row {
                name: "riscv64",
                triple: "riscv64gc-unknown-linux-gnu",
                gnu: "riscv64-linux-gnu",
                gdb: "riscv:rv64",
                debian: "riscv64",
                go: "riscv64",
                zig: "riscv64",
                cc_flags: &["-march=rv64gc", "-mabi=lp64d"],
                machine: object::elf::EM_RISCV,
                word: 8,
                page: 0x1000,
            },
        }
    }

    /// The name used by `--arch`, by `start/<arch>.S` and by `qemu-<arch>`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Rust's target triple.
    pub const fn triple(self) -> &'static str {
        self.row().triple
    }

    /// The GNU triple: the prefix of a cross gcc, and clang's `--target`.
    pub const fn gnu(self) -> &'static str {
        self.row().gnu
    }

    /// The name that gdb has for it.
    pub const fn gdb(self) -> &'static str {
        self.row().gdb
    }

    /// The name in Debian's packages.
    pub const fn debian(self) -> &'static str {
        self.row().debian
    }

    /// Go's name for it, `GOARCH`.
    pub const fn go(self) -> &'static str {
        self.row().go
    }

    /// Zig's name for it, before `-linux`.
    pub const fn zig(self) -> &'static str {
        self.row().zig
    }

    /// What a C compiler must be told beyond its target.
    pub const fn cc_flags(self) -> &'static [&'static str] {
        self.row().cc_flags
    }

    /// The ELF header's `e_machine`.
    pub const fn machine(self) -> object::elf::Machine {
        self.row().machine
    }

    /// Bytes in a machine word: the size of a pointer and of `argc`.
    pub const fn word(self) -> usize {
        self.row().word
    }

    /// The largest page size that a kernel for this architecture may have: the
    /// alignment of segments.
    pub const fn page(self) -> u64 {
        self.row().page
    }

    /// The architecture of the machine that runs this tool, if it is one of ours.
    pub fn host() -> Option<Arch> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Arch::X86_64),
            "x86" => Some(Arch::I386),
            "aarch64" => Some(Arch::Aarch64),
            "riscv64" => Some(Arch::Riscv64),
            _ => None,
        }
    }

    /// Whether a kernel for `host` may run this architecture's programs itself.
    /// An x86_64 kernel runs i386 programs unless it was built without
    /// `CONFIG_IA32_EMULATION`.
    pub fn is_native_to(self, host: Arch) -> bool {
        self == host || (self == Arch::I386 && host == Arch::X86_64)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
