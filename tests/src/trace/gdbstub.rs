//! The backend for qemu-user: its gdb stub, in the GDB remote serial protocol.
//!
//! The stub cannot stop at system calls, but it can stop at the instructions
//! that make them.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::launch::{Launch, Streams};
use super::process::{Process, Waited};
use super::registers::Machine;
use super::{Backend, Event, Syscall};
use crate::temp::TempDir;

/// How many bytes of memory one request moves: as two digits each they must fit
/// into the stub's packets of 4096 bytes.
const CHUNK: usize = 1024;

/// The signal number of a step or a breakpoint, to gdb as to Linux.
const SIGTRAP: u8 = 5;

pub(super) struct GdbStub {
    process: Process,
    socket: UnixStream,
    received: Vec<u8>,
    /// Whether the last packet received is still to be acknowledged.
    owes_acknowledgement: bool,
    /// The registers, as the stub says them, if they have been asked for since they last
    /// changed.
    registers: Option<String>,
    machine: &'static Machine,
    word: usize,
    /// Where the program may make a system call.
    syscalls: BTreeSet<u64>,
    /// Where breakpoints are. The stub keeps them out of the program's memory.
    breakpoints: BTreeSet<u64>,
    /// The signal that the program gets when it is let go, in gdb's numbering;
    /// or 0.
    deliver: u8,
}

enum Stop {
    Ended(Event),
    Trap,
    /// A signal, which is going to be delivered.
    Signal,
}

impl GdbStub {
    pub fn start(
        launch: &Launch,
        qemu: &Path,
        streams: Streams,
        syscalls: Vec<u64>,
        entry: u64,
    ) -> Result<GdbStub> {
        let directory = TempDir::new().context("creating a directory for the socket")?;
        let path = directory.path().join("gdb");
        let mut command =
            launch.command(Some((qemu, &["-g".into(), path.clone().into()])), streams);
        let mut process = Process::spawn(&mut command, launch.deadline)?;
        let socket = loop {
            if let Ok(socket) = UnixStream::connect(&path) {
                break socket;
            }
            ensure!(!process.has_ended()?, "{} ended early", qemu.display());
            thread::sleep(Duration::from_millis(1));
        };
        let mut stub = GdbStub {
            process,
            socket,
            received: Vec::new(),
            owes_acknowledgement: false,
            registers: None,
            machine: Machine::of(launch.arch),
            word: launch.arch.word(),
            syscalls: BTreeSet::new(),
            breakpoints: BTreeSet::new(),
            deliver: 0,
        };
        // Only a client that has read the description may name registers.
        stub.request("qXfer:features:read:target.xml:0,ffb")?;
        // A static-PIE program is not where it was linked.
        let base = stub.register(stub.machine.pc)?.wrapping_sub(entry);
        stub.syscalls = syscalls
            .iter()
            .map(|address| address.wrapping_add(base))
            .collect();
        Ok(stub)
    }

    /// Sends a packet and returns the answer's text.
    fn request(&mut self, packet: &str) -> Result<String> {
        let answer = self
            .exchange(packet)
            .with_context(|| format!("gdb request {packet}"))?;
        answer.with_context(|| format!("qemu went away at gdb request {packet}"))
    }

    /// Sends a packet that changes something.
    fn command(&mut self, packet: &str) -> Result<()> {
        let answer = self.request(packet)?;
        ensure!(answer == "OK", "gdb request {packet}: {answer:?}");
        Ok(())
    }

    /// Sends a packet and returns the answer's text, or None if qemu is gone.
    fn exchange(&mut self, packet: &str) -> Result<Option<String>> {
        let sum = packet.bytes().fold(0u8, u8::wrapping_add);
        // At once: each write wakes qemu up, and it waits for the acknowledgement anyway.
        let acknowledgement = if self.owes_acknowledgement { "+" } else { "" };
        let bytes = format!("{acknowledgement}${packet}#{sum:02x}");
        self.owes_acknowledgement = false;
        let sent = self.socket.write_all(bytes.as_bytes());
        match sent.and_then(|()| self.receive()) {
            Ok(answer) => Ok(Some(answer)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                ) =>
            {
                // The wait is what knows whether qemu was killed for hanging.
                self.process.wait()?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Receives a packet: `$`, text, `#`, and a checksum of two digits, which a
    /// socket makes superfluous. What comes before it are acknowledgements.
    fn receive(&mut self) -> std::io::Result<String> {
        loop {
            let start = self.received.iter().position(|&byte| byte == b'$');
            let end = self.received.iter().position(|&byte| byte == b'#');
            if let (Some(start), Some(end)) = (start, end)
                && self.received.len() >= end + 3
            {
                let text = String::from_utf8_lossy(&self.received[start + 1..end]).into_owned();
                self.received.drain(..end + 3);
                self.owes_acknowledgement = true;
                return Ok(text);
            }
            let mut bytes = [0; 4096];
            match self.socket.read(&mut bytes)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => self.received.extend_from_slice(&bytes[..read]),
            }
        }
    }

    /// Lets the program go, `c` or `s`, until it stops or ends.
    fn go(&mut self, action: char) -> Result<Stop> {
        self.registers = None;
        let packet = match std::mem::take(&mut self.deliver) {
            0 => format!("vCont;{action}"),
            signal => format!("vCont;{}{signal:02x}", action.to_ascii_uppercase()),
        };
        let answer = self.exchange(&packet)?;
        match answer.as_deref().map(|answer| answer.split_at_checked(1)) {
            Some(Some(("T" | "S", signal))) => {
                let signal = signal.get(..2).unwrap_or_default();
                match u8::from_str_radix(signal, 16)? {
                    SIGTRAP => Ok(Stop::Trap),
                    signal => {
                        self.deliver = signal;
                        Ok(Stop::Signal)
                    }
                }
            }
            // qemu ends as the program did, and its status needs no translation
            // from gdb's signal numbers.
            None | Some(Some(("W" | "X", _))) => {
                // It ends when its last packet is acknowledged, or is gone already.
                let _ = self.socket.write_all(b"+");
                match self.process.wait()? {
                    Waited::Ended(event) => Ok(Stop::Ended(event)),
                    Waited::Stopped(status) => bail!("qemu stopped: {status:#x}"),
                }
            }
            Some(_) => bail!("gdb request {packet}: {answer:?}"),
        }
    }

    /// Runs to one of these addresses, or to the end.
    fn run_to(&mut self, breakpoints: BTreeSet<u64>) -> Result<Event> {
        for address in &self.breakpoints - &breakpoints {
            self.command(&format!("z0,{address:x},1"))?;
        }
        for address in &breakpoints - &self.breakpoints {
            self.command(&format!("Z0,{address:x},1"))?;
        }
        self.breakpoints = breakpoints;
        loop {
            match self.go('c')? {
                Stop::Ended(event) => return Ok(event),
                Stop::Trap => {
                    let pc = self.pc()?;
                    if self.breakpoints.contains(&pc) {
                        return Ok(Event::Stopped);
                    }
                    // The program's own breakpoint instruction.
                    self.deliver = SIGTRAP;
                }
                Stop::Signal => (),
            }
        }
    }

    fn pc(&mut self) -> Result<u64> {
        self.register(self.machine.pc)
    }
}

impl Backend for GdbStub {
    fn register(&mut self, number: usize) -> Result<u64> {
        // The ones that have names here come first, and are of one size.
        let all = match self.registers.take() {
            Some(all) => all,
            None => self.request("g")?,
        };
        let digits = 2 * self.word;
        let register = all.get(number * digits..(number + 1) * digits);
        let register = register.with_context(|| format!("register {number}: {all:?}"))?;
        let mut value = [0; 8];
        from_hex(register, &mut value[..self.word])?;
        self.registers = Some(all);
        Ok(u64::from_le_bytes(value))
    }

    fn set_register(&mut self, number: usize, value: u64) -> Result<()> {
        self.registers = None;
        let digits = to_hex(&value.to_le_bytes()[..self.word]);
        self.command(&format!("P{number:x}={digits}"))
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<()> {
        for (address, chunk) in (address..).step_by(CHUNK).zip(bytes.chunks_mut(CHUNK)) {
            let digits = self.request(&format!("m{address:x},{:x}", chunk.len()))?;
            from_hex(&digits, chunk)?;
        }
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        for (address, chunk) in (address..).step_by(CHUNK).zip(bytes.chunks(CHUNK)) {
            let digits = to_hex(chunk);
            self.command(&format!("M{address:x},{:x}:{digits}", chunk.len()))?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Event> {
        // qemu leaves its translated code to make a system call, and the step
        // would end only after the instruction that follows.
        let pc = self.pc()?;
        if self.syscalls.contains(&pc) {
            return self.finish_syscall();
        }
        loop {
            match self.go('s')? {
                Stop::Ended(event) => return Ok(event),
                Stop::Trap => return Ok(Event::Stopped),
                Stop::Signal => (),
            }
        }
    }

    fn run(&mut self, to: Option<u64>) -> Result<Event> {
        self.run_to(to.into_iter().collect())
    }

    fn next_syscall(&mut self) -> Result<Event> {
        // A breakpoint stops only who comes to it: maybe the program is there.
        let pc = self.pc()?;
        if !self.syscalls.contains(&pc) {
            match self.run_to(self.syscalls.clone())? {
                Event::Stopped => (),
                event => return Ok(event),
            }
        }
        let mut args = [0; 6];
        for (arg, register) in args.iter_mut().zip(self.machine.arguments) {
            *arg = self.register(register)?;
        }
        Ok(Event::Syscall(Syscall {
            number: self.register(self.machine.number)?,
            args,
        }))
    }

    fn finish_syscall(&mut self) -> Result<Event> {
        // The call may return to elsewhere: rt_sigreturn does, and it may run
        // into a signal handler. Then the next system call will do as well.
        let pc = self.pc()?;
        let mut breakpoints = self.syscalls.clone();
        breakpoints.remove(&pc);
        breakpoints.insert(pc + self.machine.syscall.len() as u64);
        self.run_to(breakpoints)
    }

    fn skip_syscall(&mut self) -> Result<()> {
        let after = self.pc()? + self.machine.syscall.len() as u64;
        self.set_register(self.machine.pc, after)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(digits: &str, bytes: &mut [u8]) -> Result<()> {
    ensure!(digits.len() == 2 * bytes.len(), "qemu answered {digits:?}");
    for (i, byte) in bytes.iter_mut().enumerate() {
        let digits = digits.get(2 * i..2 * i + 2).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16)?;
    }
    Ok(())
}
