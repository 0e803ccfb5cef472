//! The initial stack, as the kernel made it and as no kernel would.

use anyhow::Result;

use super::{Register, Tracee, general_registers};

/// What a program finds on its stack at its first instruction. The strings that
/// it points to are not part of it, and stay where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitialStack {
    /// The addresses of the arguments: `argc` of them.
    pub args: Vec<u64>,
    /// The addresses of the environment's strings.
    pub env: Vec<u64>,
    /// The auxiliary vector's types and values, without the AT_NULL at its end.
    pub auxv: Vec<(u64, u64)>,
}

impl InitialStack {
    /// Reads the stack of a program that has not started yet.
    pub fn read(tracee: &mut Tracee) -> Result<InitialStack> {
        let mut address = tracee.register(Register::Sp)?;
        let mut next = || {
            let word = tracee.read_word(address)?;
            address += tracee.arch().word() as u64;
            anyhow::Ok(word)
        };
        let mut stack = InitialStack::default();
        for _ in 0..next()? {
            stack.args.push(next()?);
        }
        next()?;
        loop {
            match next()? {
                0 => break,
                string => stack.env.push(string),
            }
        }
        loop {
            match (next()?, next()?) {
                (0, _) => break,
                entry => stack.auxv.push(entry),
            }
        }
        Ok(stack)
    }

    /// Sets an entry of the auxiliary vector, or adds it.
    pub fn set_aux(&mut self, kind: u64, value: u64) {
        match self.auxv.iter_mut().find(|entry| entry.0 == kind) {
            Some(entry) => entry.1 = value,
            None => self.auxv.push((kind, value)),
        }
    }

    /// Drops an entry of the auxiliary vector.
    pub fn drop_aux(&mut self, kind: u64) {
        self.auxv.retain(|entry| entry.0 != kind);
    }

    /// Writes this stack below the one that the program has, and points the
    /// stack pointer to it: `misalign_by` bytes below a multiple of 16.
    pub fn install(&self, tracee: &mut Tracee, misalign_by: u64) -> Result<()> {
        let mut words = vec![self.args.len() as u64];
        words.extend(&self.args);
        words.push(0);
        words.extend(&self.env);
        words.push(0);
        words.extend(self.auxv.iter().flat_map(|&(kind, value)| [kind, value]));
        words.extend([0, 0]);

        let word = tracee.arch().word();
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|value| value.to_le_bytes().into_iter().take(word))
            .collect();
        let top = tracee.register(Register::Sp)?;
        let sp = ((top - bytes.len() as u64) & !15) - misalign_by;
        tracee.write(sp, &bytes)?;
        tracee.set_register(Register::Sp, sp)
    }
}

/// Fills every general register but the stack pointer with a value that is no
/// address, no small number, and not zero.
pub fn junk_registers(tracee: &mut Tracee) -> Result<()> {
    for register in general_registers(tracee.arch()) {
        tracee.set_register(register, 0xdead_beef_cafe_f00d)?;
    }
    Ok(())
}
