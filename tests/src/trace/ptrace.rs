//! The native backend: ptrace, on an x86_64 kernel.

use std::fs::File;
use std::io;
use std::mem::{self, MaybeUninit};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;

use anyhow::{Context, Result, bail, ensure};

use super::launch::{Launch, Streams};
use super::process::{Process, Waited};
use super::registers::Machine;
use super::{Backend, Event, Syscall};

/// The number of words in `struct user_regs_struct`.
const USER_REGS: usize = mem::size_of::<libc::user_regs_struct>() / mem::size_of::<u64>();
/// The index of `orig_rax`: which system call the kernel is to make.
const ORIG_RAX: usize = mem::offset_of!(libc::user_regs_struct, orig_rax) / mem::size_of::<u64>();

const BREAKPOINT: u8 = 0xcc;

pub(super) struct Ptrace {
    process: Process,
    memory: File,
    machine: &'static Machine,
    /// The bits that a register of the program has.
    mask: u64,
    /// The signal that the program gets when it is let go, or 0.
    deliver: i32,
}

enum Stop {
    Ended(Event),
    /// About to make a system call.
    Entry(Syscall),
    /// A system call has been made.
    Exit,
    /// SIGTRAP, with its `si_code`. It is not going to be delivered.
    Trap(i32),
    /// Anything else, after which the program only needs to go on.
    Other,
}

impl Ptrace {
    pub fn start(launch: &Launch, streams: Streams) -> Result<Ptrace> {
        let machine = Machine::of(launch.arch);
        ensure!(
            !machine.user_regs.is_empty(),
            "an x86_64 kernel cannot run {} programs",
            launch.arch
        );
        let mut command = launch.command(None, streams);
        // SAFETY: the closure makes a single system call, and allocates only
        // where std itself does.
        unsafe {
            command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        let mut process = Process::spawn(&mut command, launch.deadline)?;
        // A tracee's exec ends in a SIGTRAP.
        match process.wait()? {
            Waited::Stopped(status) if libc::WSTOPSIG(status) == libc::SIGTRAP => (),
            Waited::Stopped(status) => bail!("stopped by signal {}", libc::WSTOPSIG(status)),
            Waited::Ended(event) => bail!("ended before it began: {event:?}"),
        }
        let memory = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{}/mem", process.pid()))
            .context("opening the program's memory")?;
        let mut ptrace = Ptrace {
            process,
            memory,
            machine,
            mask: u64::MAX >> (64 - 8 * launch.arch.word()),
            deliver: 0,
        };
        let options =
            libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC;
        // SAFETY: the request takes the options by value.
        unsafe { ptrace.request(libc::PTRACE_SETOPTIONS, 0, options as usize) }?;
        Ok(ptrace)
    }

    /// # Safety
    ///
    /// `address` and `data` must be what the request wants of them.
    unsafe fn request(&mut self, request: u32, address: usize, data: usize) -> Result<()> {
        // SAFETY: by this function's contract.
        let done = unsafe { libc::ptrace(request, self.process.pid(), address, data) };
        if done != -1 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() == Some(libc::ESRCH) {
            // It was killed while it was stopped; the wait says so if it hung.
            self.process.wait()?;
        }
        Err(error).with_context(|| format!("ptrace request {request:#x}"))
    }

    fn registers(&mut self) -> Result<[u64; USER_REGS]> {
        let mut registers = [0; USER_REGS];
        // SAFETY: the kernel fills a user_regs_struct, which is that many words.
        unsafe { self.request(libc::PTRACE_GETREGS, 0, registers.as_mut_ptr() as usize) }?;
        Ok(registers)
    }

    fn set_registers(&mut self, registers: &[u64; USER_REGS]) -> Result<()> {
        // SAFETY: the kernel reads a user_regs_struct, which is that many words.
        unsafe { self.request(libc::PTRACE_SETREGS, 0, registers.as_ptr() as usize) }
    }

    /// Lets the program go, in one of ptrace's ways, until it stops or ends.
    fn go(&mut self, request: u32) -> Result<Stop> {
        let deliver = mem::take(&mut self.deliver);
        // SAFETY: these requests take a signal by value.
        unsafe { self.request(request, 0, deliver as usize) }?;
        let status = match self.process.wait()? {
            Waited::Ended(event) => return Ok(Stop::Ended(event)),
            Waited::Stopped(status) => status,
        };
        // PTRACE_O_TRACESYSGOOD tells a system call's stops by the high bit, and
        // the only event that was asked for is a successful exec.
        const SYSCALL: i32 = libc::SIGTRAP | 0x80;
        const EXEC: i32 = libc::SIGTRAP | libc::PTRACE_EVENT_EXEC << 8;
        match status >> 8 {
            SYSCALL => self.syscall_stop(),
            EXEC => Ok(Stop::Other),
            libc::SIGTRAP => self.trap_code().map(Stop::Trap),
            signal => {
                self.deliver = signal;
                Ok(Stop::Other)
            }
        }
    }

    fn syscall_stop(&mut self) -> Result<Stop> {
        let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
        let size = mem::size_of_val(&info);
        let request = libc::PTRACE_GET_SYSCALL_INFO;
        // SAFETY: the kernel writes at most `size` bytes.
        unsafe { self.request(request, size, info.as_mut_ptr() as usize) }?;
        // SAFETY: all of its fields are integers, for which zeros will do.
        let info = unsafe { info.assume_init() };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return Ok(Stop::Exit);
        }
        // SAFETY: `op` says that this is the field that was written.
        let entry = unsafe { info.u.entry };
        Ok(Stop::Entry(Syscall {
            number: entry.nr,
            args: entry.args,
        }))
    }

    fn trap_code(&mut self) -> Result<i32> {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the kernel writes a siginfo_t.
        unsafe { self.request(libc::PTRACE_GETSIGINFO, 0, info.as_mut_ptr() as usize) }?;
        // SAFETY: all of its fields are integers, for which zeros will do.
        Ok(unsafe { info.assume_init() }.si_code)
    }

    /// Runs with a breakpoint in place, until the program is there or ends.
    fn run_to_breakpoint(&mut self, address: Option<u64>) -> Result<Event> {
        loop {
            match self.go(libc::PTRACE_CONT)? {
                Stop::Ended(event) => return Ok(event),
                Stop::Trap(_) => {
                    // The trap leaves the program counter behind the breakpoint.
                    let pc = self.register(self.machine.pc)?;
                    if address.is_some_and(|address| pc == address + 1) {
                        self.set_register(self.machine.pc, pc - 1)?;
                        return Ok(Event::Stopped);
                    }
                    self.deliver = libc::SIGTRAP;
                }
                Stop::Entry(_) | Stop::Exit | Stop::Other => (),
            }
        }
    }
}

impl Backend for Ptrace {
    fn register(&mut self, number: usize) -> Result<u64> {
        Ok(self.registers()?[self.machine.user_regs[number]])
    }

    fn set_register(&mut self, number: usize, value: u64) -> Result<()> {
        let mut registers = self.registers()?;
        registers[self.machine.user_regs[number]] = value & self.mask;
        self.set_registers(&registers)
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<()> {
        Ok(self.memory.read_exact_at(bytes, address)?)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        Ok(self.memory.write_all_at(bytes, address)?)
    }

    fn step(&mut self) -> Result<Event> {
        loop {
            match self.go(libc::PTRACE_SINGLESTEP)? {
                Stop::Ended(event) => return Ok(event),
                // A step's trap has a positive code. So has a breakpoint
                // instruction's, SI_KERNEL on x86; what kill sends has none.
                Stop::Trap(code) if code > 0 && code != libc::SI_KERNEL => {
                    return Ok(Event::Stopped);
                }
                Stop::Trap(_) => self.deliver = libc::SIGTRAP,
                Stop::Entry(_) | Stop::Exit | Stop::Other => (),
            }
        }
    }

    fn run(&mut self, to: Option<u64>) -> Result<Event> {
        let Some(address) = to else {
            return self.run_to_breakpoint(None);
        };
        let mut instruction = [0];
        self.read(address, &mut instruction)
            .and_then(|()| self.write(address, &[BREAKPOINT]))
            .with_context(|| format!("planting a breakpoint at {address:#x}"))?;
        let event = self.run_to_breakpoint(to)?;
        if event == Event::Stopped {
            self.write(address, &instruction)?;
        }
        Ok(event)
    }

    fn next_syscall(&mut self) -> Result<Event> {
        loop {
            match self.go(libc::PTRACE_SYSCALL)? {
                Stop::Ended(event) => return Ok(event),
                Stop::Entry(syscall) => return Ok(Event::Syscall(syscall)),
                Stop::Trap(_) => self.deliver = libc::SIGTRAP,
                Stop::Exit | Stop::Other => (),
            }
        }
    }

    fn finish_syscall(&mut self) -> Result<Event> {
        loop {
            match self.go(libc::PTRACE_SYSCALL)? {
                Stop::Ended(event) => return Ok(event),
                Stop::Exit => return Ok(Event::Stopped),
                Stop::Trap(_) => self.deliver = libc::SIGTRAP,
                Stop::Entry(_) | Stop::Other => (),
            }
        }
    }

    fn skip_syscall(&mut self) -> Result<()> {
        // No system call has this number, and the kernel leaves the result alone.
        let mut registers = self.registers()?;
        registers[ORIG_RAX] = u64::MAX;
        self.set_registers(&registers)?;
        match self.finish_syscall()? {
            Event::Stopped => Ok(()),
            event => bail!("ended while a system call was skipped: {event:?}"),
        }
    }
}
