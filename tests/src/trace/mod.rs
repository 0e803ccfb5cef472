//! Control of a program from its first instruction on.
//!
//! [`Tracee::start`] runs a static program and stops it before it has executed
//! anything. From there a test can rewrite the initial stack and the registers
//! ([`stack`]), make system calls fail ([`faults`]) or move fewer bytes
//! ([`shortio`]), count instructions ([`count`]), and look at the registers at
//! any address.
//!
//! The kernel does this for the programs it runs itself ([`How::Native`]), and
//! qemu-user's gdb stub for those of every architecture ([`How::Qemu`]). What
//! they do not share is in the two backends and in the table of registers;
//! everything else is written once.
//!
//! Only a program's first thread is traced, and none of its children.

use std::marker::PhantomData;

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectKind, ObjectSegment, SegmentFlags, elf};
use xtask::arch::Arch;

pub mod count;
pub mod faults;
mod gdbstub;
mod launch;
mod process;
mod ptrace;
mod registers;
pub mod shortio;
pub mod stack;
#[cfg(all(test, target_arch = "x86_64"))]
mod tests;

pub use launch::{Capture, How, Launch, Streams};
pub use process::Hung;
pub use registers::{Register, general_registers};

use registers::Machine;

/// Why a program that was let go is not running any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is about to make this system call.
    Syscall(Syscall),
    /// It has made its step, or has come to the address it was sent to.
    Stopped,
    /// It has exited with this status.
    Exited(i32),
    /// This signal killed it.
    Killed(i32),
}

/// A system call that a program is about to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// The call's number on the program's architecture.
    pub number: u64,
    /// The registers that hold arguments, whether or not the call has that many.
    pub args: [u64; 6],
}

/// A program under control. Dropping it kills the program.
///
/// A system call that [`next_syscall`](Self::next_syscall) has announced is
/// *pending*: it happens when the program is next let go, by whatever method,
/// unless [`skip_syscall`](Self::skip_syscall) comes first. While it is pending,
/// [`Register::Pc`] may be on either side of the instruction.
///
/// After the program's end every method fails.
pub struct Tracee {
    arch: Arch,
    backend: Box<dyn Backend>,
    base: u64,
    pending: Option<Pending>,
    /// The kernel takes a tracee's requests from one thread only.
    _not_send: PhantomData<*const ()>,
}

/// The pending system call: which registers get which values back after it.
///
/// A system call preserves its arguments on every architecture, and compilers
/// count on it, so that a changed argument must not outlive the call.
#[derive(Default)]
struct Pending {
    restore: Vec<(usize, u64)>,
}

/// What the kernel and qemu's gdb stub each do in their own way. Registers have
/// the numbers that gdb gives them.
trait Backend {
    fn register(&mut self, number: usize) -> Result<u64>;
    fn set_register(&mut self, number: usize, value: u64) -> Result<()>;
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<()>;
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()>;
    /// Executes one instruction.
    fn step(&mut self) -> Result<Event>;
    /// Runs to an address, or to the end.
    fn run(&mut self, to: Option<u64>) -> Result<Event>;
    /// Runs to the next system call; none is pending.
    fn next_syscall(&mut self) -> Result<Event>;
    /// Makes the pending system call and stops after it.
    fn finish_syscall(&mut self) -> Result<Event>;
    /// Passes over the pending system call and stops after it.
    fn skip_syscall(&mut self) -> Result<()>;
}

impl Tracee {
    /// Starts a program, which then has yet to execute its first instruction.
    ///
    /// The tracee belongs to the thread that started it, and lives no longer
    /// than the launch's deadline: a program that is not done by then is killed,
    /// and the call that was waiting for it returns [`Hung`].
    pub fn start(launch: &Launch, streams: Streams) -> Result<Tracee> {
        Self::start_stopped(launch, streams)
            .with_context(|| format!("tracing {}", launch.program.display()))
    }

    fn start_stopped(launch: &Launch, streams: Streams) -> Result<Tracee> {
        let image = std::fs::read(&launch.program)?;
        let elf = object::File::parse(&*image)?;
        let machine = Machine::of(launch.arch);
        let backend: Box<dyn Backend> = match &launch.how {
            How::Native => Box::new(ptrace::Ptrace::start(launch, streams)?),
            How::Qemu(qemu) => {
                let syscalls = syscall_instructions(&elf, machine)?;
                Box::new(gdbstub::GdbStub::start(
                    launch,
                    qemu,
                    streams,
                    syscalls,
                    elf.entry(),
                )?)
            }
        };
        let mut tracee = Tracee {
            arch: launch.arch,
            backend,
            base: 0,
            pending: None,
            _not_send: PhantomData,
        };
        let (pc, entry) = (tracee.register(Register::Pc)?, elf.entry());
        tracee.base = pc.wrapping_sub(entry);
        ensure!(
            tracee.base == 0 || elf.kind() == ObjectKind::Dynamic,
            "stopped at {pc:#x}, not at the entry point {entry:#x}: is the program static?"
        );
        Ok(tracee)
    }

    /// How far the program is from where it was linked: 0, unless it is static-PIE.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The program's architecture.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// A register's value.
    pub fn register(&mut self, register: Register) -> Result<u64> {
        let number = register.number(self.arch)?;
        self.backend.register(number)
    }

    /// Sets a register, to as much of `value` as it holds.
    pub fn set_register(&mut self, register: Register, value: u64) -> Result<()> {
        let number = register.number(self.arch)?;
        self.backend.set_register(number, value)
    }

    /// Reads `len` bytes of the program's memory.
    pub fn read(&mut self, address: u64, len: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.backend
            .read(address, &mut bytes)
            .with_context(|| format!("reading {len} bytes at {address:#x}"))?;
        Ok(bytes)
    }

    /// Writes to the program's memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        self.backend
            .write(address, bytes)
            .with_context(|| format!("writing {} bytes at {address:#x}", bytes.len()))
    }

    /// Reads a machine word.
    pub fn read_word(&mut self, address: u64) -> Result<u64> {
        let mut word = [0; 8];
        let bytes = self.read(address, self.arch.word())?;
        word[..bytes.len()].copy_from_slice(&bytes);
        Ok(u64::from_le_bytes(word))
    }

    /// Writes a machine word: as much of `value` as it holds.
    pub fn write_word(&mut self, address: u64, value: u64) -> Result<()> {
        self.write(address, &value.to_le_bytes()[..self.arch.word()])
    }

    /// Where the function returns to that is about to execute its first instruction.
    pub fn return_address(&mut self) -> Result<u64> {
        match self.arch {
            Arch::X86_64 | Arch::I386 => {
                let stack = self.register(Register::Sp)?;
                self.read_word(stack)
            }
            Arch::Aarch64 | Arch::Riscv64 => self.register(Register::LinkRegister),
        }
    }

    /// Executes one instruction, which may be one iteration of a repeated string
    /// instruction. A pending system call is the instruction that it executes.
    ///
    /// Under qemu a step is not always one instruction. A system call that leads
    /// elsewhere, such as `rt_sigreturn` or one that a signal interrupts, is
    /// followed by all that comes before the next system call. And a breakpoint
    /// instruction of the program's own looks like the step's end: its SIGTRAP
    /// is delivered by [`run_to`](Self::run_to) and the rest, but not here.
    pub fn step(&mut self) -> Result<Event> {
        match self.finish_pending()? {
            Some(event) => Ok(event),
            None => self.backend.step(),
        }
    }

    /// Runs until the program is about to execute the instruction at `address`;
    /// if it is there now, until it comes back.
    pub fn run_to(&mut self, address: u64) -> Result<Event> {
        let mut event = self.finish_pending()?;
        if event.is_none() && self.register(Register::Pc)? == address {
            event = Some(self.backend.step()?);
        }
        match event {
            Some(event) if event != Event::Stopped => Ok(event),
            Some(_) if self.register(Register::Pc)? == address => Ok(Event::Stopped),
            _ => self.backend.run(Some(address)),
        }
    }

    /// Runs to the next system call, which is pending then.
    pub fn next_syscall(&mut self) -> Result<Event> {
        if let Some(event @ (Event::Exited(_) | Event::Killed(_))) = self.finish_pending()? {
            return Ok(event);
        }
        let event = self.backend.next_syscall()?;
        if let Event::Syscall(_) = event {
            self.pending = Some(Pending::default());
        }
        Ok(event)
    }

    /// Makes the pending system call not happen: the program sees `result`,
    /// which is `-errno` for an error.
    pub fn skip_syscall(&mut self, result: i64) -> Result<()> {
        let pending = self.pending.take().context("no system call is pending")?;
        self.backend.skip_syscall()?;
        self.restore(pending)?;
        let register = Machine::of(self.arch).result;
        self.backend.set_register(register, result as u64)
    }

    /// Changes argument `n`, from 0 to 5, of the pending system call. The register
    /// has its old value again after the call.
    pub fn set_argument(&mut self, n: usize, value: u64) -> Result<()> {
        let pending = self.pending.as_mut().context("no system call is pending")?;
        let machine = Machine::of(self.arch);
        let register = machine.arguments[n];
        if register != machine.result {
            let old = self.backend.register(register)?;
            pending.restore.push((register, old));
        }
        self.backend.set_register(register, value)
    }

    /// Lets the program run to its end.
    pub fn resume_to_end(&mut self) -> Result<Event> {
        match self.finish_pending()? {
            Some(event) if event != Event::Stopped => Ok(event),
            _ => self.backend.run(None),
        }
    }

    /// Makes the pending system call, if there is one.
    fn finish_pending(&mut self) -> Result<Option<Event>> {
        let Some(pending) = self.pending.take() else {
            return Ok(None);
        };
        let event = self.backend.finish_syscall()?;
        if event == Event::Stopped {
            self.restore(pending)?;
        }
        Ok(Some(event))
    }

    /// Gives changed arguments their old values back, the first change's last.
    fn restore(&mut self, pending: Pending) -> Result<()> {
        for (register, value) in pending.restore.into_iter().rev() {
            self.backend.set_register(register, value)?;
        }
        Ok(())
    }
}

/// Where the system call instructions of a program are: wherever its executable
/// segments hold their bytes. On x86 some of these may be data or the middle of
/// another instruction; the program counter is never there.
fn syscall_instructions(elf: &object::File, machine: &Machine) -> Result<Vec<u64>> {
    let mut addresses = Vec::new();
    for segment in elf.segments() {
        let SegmentFlags::Elf { p_flags, .. } = segment.flags() else {
            continue;
        };
        if !p_flags.contains(elf::PF_X) {
            continue;
        }
        let instructions = segment.data()?.windows(machine.syscall.len());
        addresses.extend(
            (segment.address()..)
                .zip(instructions)
                .filter(|(address, bytes)| {
                    address.is_multiple_of(machine.alignment) && *bytes == machine.syscall
                })
                .map(|(address, _)| address),
        );
    }
    Ok(addresses)
}
