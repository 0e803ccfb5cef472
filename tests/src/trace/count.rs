//! The number of instructions that a program or a function executes.

use anyhow::{Result, ensure};

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

/// How many instructions the next call of the function at `address` takes, up to its
/// return and with all that it calls.
///
/// # Errors
///
/// If the program ends without calling it, or in it.
pub fn count_call(tracee: &mut Tracee, address: u64) -> Result<u64> {
    let called = tracee.run_to(address)?;
    ensure!(called == Event::Stopped, "not called: {called:?}");
    let (end, stack) = (tracee.return_address()?, tracee.register(Register::Sp)?);
    let mut instructions = 0;
    loop {
        let event = tracee.step()?;
        ensure!(event == Event::Stopped, "it does not return: {event:?}");
        instructions += 1;
        let returned = tracee.register(Register::Pc)? == end;
        if returned && tracee.register(Register::Sp)? >= stack {
            return Ok(instructions);
        }
    }
}
