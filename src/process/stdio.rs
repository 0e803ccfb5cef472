//! What a child's standard streams are.

use crate::fs::OpenOptions;
use crate::io;
use crate::sys::{OwnedFd, RawFd, Result};

/// What a standard stream of a child is. What has become an [`OwnedFd`] by `into` becomes
/// one too: a file, a socket, an end of a pipe, another child's `ChildStdout`.
#[derive(Debug)]
pub struct Stdio(Kind);

#[derive(Debug)]
enum Kind {
    Inherit,
    Null,
    Piped,
    Fd(OwnedFd),
}

/// The child's side of a stream, and the parent's.
#[derive(Debug, Default)]
pub(super) struct Ends {
    /// What the child is to have; none if it is the parent's own, or closed as that is.
    pub child: Option<ChildEnd>,
    /// The other end of the pipe.
    pub parent: Option<OwnedFd>,
}

#[derive(Debug)]
pub(super) enum ChildEnd {
    /// Made for this child, and closed when it has it.
    Own(OwnedFd),
    /// The command's, for other children too.
    Lent(RawFd),
}

impl ChildEnd {
    pub fn as_raw_fd(&self) -> RawFd {
        match self {
            ChildEnd::Own(fd) => fd.as_fd().as_raw_fd(),
            ChildEnd::Lent(fd) => *fd,
        }
    }
}

impl Stdio {
    /// The program's own, open or closed.
    pub const fn inherit() -> Stdio {
        Stdio(Kind::Inherit)
    }

    /// `/dev/null`.
    pub const fn null() -> Stdio {
        Stdio(Kind::Null)
    }

    /// A pipe, whose other end the [`Child`](super::Child) has.
    pub const fn piped() -> Stdio {
        Stdio(Kind::Piped)
    }

    /// Makes what there is to be made, for a stream that the child reads or writes.
    pub(super) fn open(&self, child_reads: bool) -> Result<Ends> {
        let own = |fd| Some(ChildEnd::Own(fd));
        Ok(match &self.0 {
            Kind::Inherit => Ends::default(),
            Kind::Null => {
                let mut options = OpenOptions::new();
                let file = options
                    .read(child_reads)
                    .write(!child_reads)
                    .open(c"/dev/null")?;
                Ends {
                    child: own(file.into()),
                    parent: None,
                }
            }
            Kind::Piped => {
                let (reader, writer) = io::pipe()?;
                let (reader, writer) = (reader.into(), writer.into());
                let (child, parent) = if child_reads {
                    (reader, writer)
                } else {
                    (writer, reader)
                };
                Ends {
                    child: own(child),
                    parent: Some(parent),
                }
            }
            Kind::Fd(fd) => Ends {
                child: Some(ChildEnd::Lent(fd.as_fd().as_raw_fd())),
                parent: None,
            },
        })
    }
}

impl<F: Into<OwnedFd>> From<F> for Stdio {
    fn from(fd: F) -> Stdio {
        Stdio(Kind::Fd(fd.into()))
    }
}
