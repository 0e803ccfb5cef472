//! Transfers that move less than they were asked to.

use anyhow::Result;

use super::registers::Machine;
use super::{Event, Tracee};

/// How a program with short transfers fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortIo {
    /// How it ended.
    pub end: Event,
    /// How many of its transfers were shortened.
    pub shortened: usize,
}

/// Runs a program to its end while each of its `read`, `write`, `pread64` and
/// `pwrite64` calls moves at most `most` bytes.
pub fn short_io(tracee: &mut Tracee, most: u64) -> Result<ShortIo> {
    const COUNT: usize = 2;
    let transfers = Machine::of(tracee.arch()).transfers;
    let mut shortened = 0;
    loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) => {
                if transfers.contains(&call.number) && call.args[COUNT] > most {
                    tracee.set_argument(COUNT, most)?;
                    shortened += 1;
                }
            }
            end => return Ok(ShortIo { end, shortened }),
        }
    }
}
