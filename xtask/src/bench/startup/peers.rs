//! What is compared: who starts a program, how it is linked and what it does.

use std::fmt;

use crate::arch::Arch;

/// What starts the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Nothing: a `_start` by hand that does the work itself.
    Assembly,
    /// Ours.
    Freestand,
    /// The crate origin.
    Origin,
    /// The crate tiny-std.
    TinyStd,
    /// dietlibc.
    Dietlibc,
    /// musl.
    Musl,
    /// Zig, told that there is one thread.
    ZigSingle,
    /// Zig as it is.
    Zig,
    /// glibc.
    Glibc,
    /// Go.
    Go,
}

impl Peer {
    /// All, those with less to start first.
    pub const ALL: [Peer; 10] = [
        Peer::Assembly,
        Peer::Freestand,
        Peer::Origin,
        Peer::TinyStd,
        Peer::Dietlibc,
        Peer::Musl,
        Peer::ZigSingle,
        Peer::Zig,
        Peer::Glibc,
        Peer::Go,
    ];

    const fn name(self) -> &'static str {
        match self {
            Peer::Assembly => "assembly",
            Peer::Freestand => "freestand",
            Peer::Origin => "origin",
            Peer::TinyStd => "tiny-std",
            Peer::Dietlibc => "dietlibc",
            Peer::Musl => "musl",
            Peer::ZigSingle => "Zig, single-threaded",
            Peer::Zig => "Zig",
            Peer::Glibc => "glibc",
            Peer::Go => "Go",
        }
    }
}

/// How the program is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// To run where it was linked for.
    Static,
    /// To run anywhere, without a dynamic linker's help.
    StaticPie,
}

/// What the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Writes a line.
    Hello,
    /// Prints the arguments and the environment, one a line, through a buffer.
    Args,
}

impl Work {
    /// Both.
    pub const ALL: [Work; 2] = [Work::Hello, Work::Args];

    /// Its name among the sources.
    pub const fn name(self) -> &'static str {
        match self {
            Work::Hello => "hello",
            Work::Args => "args",
        }
    }
}

/// A row of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What starts it.
    pub peer: Peer,
    /// How it is linked.
    pub link: Link,
}

impl Subject {
    /// All rows, in their order.
    pub fn all() -> impl Iterator<Item = Subject> {
        let links = [Link::Static, Link::StaticPie];
        Peer::ALL
            .into_iter()
            .flat_map(move |peer| links.map(|link| Subject { peer, link }))
    }

    /// Why there is no such thing, if there is none by its maker's design.
    pub fn obstacle(self, work: Work, arch: Arch) -> Option<&'static str> {
        use Peer::*;
        match (self.peer, self.link) {
            (Assembly, Link::StaticPie) => Some("it is the measure of both"),
            (Origin, Link::StaticPie) => Some("it relocates itself with nightly Rust only"),
            (TinyStd, _) if !matches!(arch, Arch::X86_64 | Arch::Aarch64) => {
                Some("it is for x86_64 and aarch64")
            }
            (TinyStd, _) if work == Work::Args => Some("it does not list the environment"),
            (Dietlibc, Link::StaticPie) => Some("it has no start code for that"),
            (Dietlibc, _) if Arch::host() != Some(arch) => {
                Some("its package is for the host's architecture")
            }
            (Zig, Link::StaticPie) => Some("its single-threaded program stands for it"),
            (Go, Link::StaticPie) => Some("its PIE needs a dynamic linker"),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.peer.name())?;
        match self.link {
            Link::Static => Ok(()),
            Link::StaticPie => f.write_str(", static-PIE"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_and_the_measure_are_on_each_architecture() {
        for arch in Arch::ALL {
            for work in Work::ALL {
                let there = |peer, link| Subject { peer, link }.obstacle(work, arch).is_none();
                assert!(there(Peer::Assembly, Link::Static));
                assert!(there(Peer::Freestand, Link::Static));
                assert!(there(Peer::Freestand, Link::StaticPie));
            }
        }
    }

    #[test]
    fn no_two_subjects_have_one_name() {
        let mut names: Vec<String> = Subject::all().map(|subject| subject.to_string()).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(
            (names.len(), count),
            (2 * Peer::ALL.len(), 2 * Peer::ALL.len())
        );
    }
}
