//! The number of instructions that a program executes.

use anyhow::Result;

use super::{Event, Register, Tracee};

/// How many instructions a program has executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The instructions, down to and including the last system call.
    pub instructions: u64,
    /// How the program ended.
    pub end: Event,
}

/// Runs a program to its end by single steps and counts them: from where it is,
/// or from when it first comes to the address `from`.
pub fn count_instructions(tracee: &mut Tracee, from: Option<u64>) -> Result<Count> {
    let mut instructions = 0;
    if let Some(address) = from
        && tracee.register(Register::Pc)? != address
    {
        match tracee.run_to(address)? {
            Event::Stopped => (),
            end => return Ok(Count { instructions, end }),
        }
    }
    loop {
        let event = tracee.step()?;
        instructions += 1;
        if event != Event::Stopped {
            return Ok(Count {
                instructions,
                end: event,
            });
        }
    }
}
