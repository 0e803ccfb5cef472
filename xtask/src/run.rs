//! Running programs, by the kernel or by qemu.

use std::{
    env,
    ffi::{c_int, c_void},
    fs, io, mem,
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{self, Command, ExitCode, ExitStatus, Stdio},
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicI32, Ordering},
    },
};

use anyhow::{Context, Result, bail};

use crate::{
    arch::Arch,
    backtrace::Translator,
    install::{self, Install, Need},
    path::{find_in_path, output, write_program},
};

/// When to run a program under qemu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emulation {
    /// When this machine's kernel cannot run it.
    IfForeign,
    /// Always.
    Always,
}

/// The command that runs the program at `path`, to which arguments can be added.
pub fn command(arch: Arch, path: &Path, emulation: Emulation) -> Result<Command> {
    if emulation == Emulation::IfForeign && is_native(arch) {
        return Ok(Command::new(path));
    }
    match find_qemu(arch) {
        Some(qemu) => {
            let mut command = Command::new(qemu);
            command.arg(path);
            Ok(command)
        }
        None => {
            let need = Need::Qemu(arch);
            bail!("{need}, is missing: {}", need.remedy())
        }
    }
}

/// What running programs of `arch` takes and is not there.
pub fn needs(arch: Arch, emulation: Emulation) -> Vec<Need> {
    let native = emulation == Emulation::IfForeign && is_native(arch);
    if native || find_qemu(arch).is_some() {
        Vec::new()
    } else {
        vec![Need::Qemu(arch)]
    }
}

/// [`command`], having installed what was missing.
pub fn prepare(arch: Arch, path: &Path, emulation: Emulation, install: Install) -> Result<Command> {
    install::satisfy(&needs(arch, emulation), install)?;
    command(arch, path, emulation)
}

/// Becomes the program: it keeps this process's number, gets its signals and
/// gives its status. Returns only if that fails.
pub fn become_program(mut command: Command) -> anyhow::Error {
    let error = command.exec();
    let program = command.get_program().to_string_lossy().into_owned();
    anyhow::Error::new(error).context(format!("cannot run {program}"))
}

/// Runs the program with its standard error passing through `translator`, until nobody
/// can write there any more. Meanwhile the program gets the signals that would end it if
/// this process were it.
pub fn translated(mut command: Command, translator: &Translator) -> Result<ExitStatus> {
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    CHILD.store(child.id().cast_signed(), Ordering::Relaxed);
    handle_signals(pass_on as *const () as usize);
    if let Some(stderr) = child.stderr.take() {
        // If nobody reads what is passed on, let the program find out: it writes into a
        // pipe that nobody reads.
        let _ = translator.copy(stderr, io::stderr());
    }
    let status = child.wait();
    handle_signals(libc::SIG_DFL);
    Ok(status?)
}

/// Whom [`pass_on`] passes signals to.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// A handler that passes on to the child what another process has sent. What the kernel
/// sends is the terminal's, and the child gets it too: it is in the same process group.
extern "C" fn pass_on(signal: c_int, info: *const libc::siginfo_t, _: *const c_void) {
    // SAFETY: the kernel passes what it knows of the signal.
    if unsafe { (*info).si_code } <= 0 {
        // SAFETY: it takes no pointers, and may be called in a handler.
        unsafe { libc::kill(CHILD.load(Ordering::Relaxed), signal) };
    }
}

/// Has `handler`, which is `pass_on` or the default, handle what others send to end a
/// process.
fn handle_signals(handler: libc::sighandler_t) {
    for signal in [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTERM,
        libc::SIGUSR1,
        libc::SIGUSR2,
    ] {
        // SAFETY: an action may be zero; `pass_on` has the type that SA_SIGINFO asks for,
        // and does what a handler may.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = handler;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            libc::sigaction(signal, &action, ptr::null_mut());
        }
    }
}

/// Ends this process as the program has ended: by the same signal if it was one.
pub fn end_as(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        // SAFETY: the default action is no handler, and the limit a valid one.
        unsafe {
            // The core file, if there is one, is the program's.
            let none = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            libc::setrlimit(libc::RLIMIT_CORE, &none);
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
    // As a shell says it, where the signal does not end this process.
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    let code = code.and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// qemu's user-mode emulator for `arch`, dynamically or statically linked.
pub fn find_qemu(arch: Arch) -> Option<PathBuf> {
    find_in_path(format!("qemu-{arch}")).or_else(|| find_in_path(format!("qemu-{arch}-static")))
}

/// A gdb that knows `arch`: one for many architectures, or the machine's own.
pub fn find_gdb(arch: Arch) -> Option<PathBuf> {
    let knows = |gdb: &PathBuf| {
        let set = format!("set architecture {}", arch.gdb());
        output(Command::new(gdb).args(["-nx", "-batch", "-ex", &set]))
            .is_some_and(|said| said.contains("is set to"))
    };
    let candidates = ["gdb-multiarch", "gdb"].into_iter();
    candidates.filter_map(find_in_path).find(knows)
}

/// Whether this machine's kernel runs programs of `arch`.
pub fn is_native(arch: Arch) -> bool {
    match Arch::host() {
        Some(host) if arch == host => true,
        Some(host) if arch.is_native_to(host) => runs_i386(),
        _ => false,
    }
}

/// Whether an x86_64 kernel runs i386 programs, found out by asking it to.
fn runs_i386() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let runs = !is_refused(&I386_EXIT);
        if !runs {
            eprintln!(
                "note: this kernel runs no i386 programs \
                 (ENOEXEC: built without CONFIG_IA32_EMULATION?); using qemu-i386"
            );
        }
        runs
    })
}

/// Whether the kernel says ENOEXEC, that it does not know how to run `program`.
fn is_refused(program: &[u8]) -> bool {
    const ENOEXEC: i32 = 8;
    let path = env::temp_dir().join(format!("freestand-i386-{}", process::id()));
    let attempt = || {
        write_program(&path, program, fs::Permissions::from_mode(0o700))?;
        Command::new(&path).status()
    };
    let refused = attempt().is_err_and(|error| error.raw_os_error() == Some(ENOEXEC));
    // If it stays, it is a small file in the folder for such files.
    let _ = fs::remove_file(&path);
    refused
}

/// The smallest i386 program: exit(0).
#[rustfmt::skip]
pub(crate) static I386_EXIT: [u8; 93] = [
    // The file header: ELF, 32 bits, little-endian, ET_EXEC, EM_386, version 1,
    0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 1, 0, 0, 0,
    // the entry point, the program headers' offset, no section headers, no flags,
    0x54, 0x80, 0x04, 0x08, 52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    // the sizes of headers and tables: one program header.
    52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    // The program header: PT_LOAD of the whole file at 0x08048000,
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x04, 0x08, 0, 0x80, 0x04, 0x08,
    // 93 bytes in the file and in memory, read and executed, in pages of 4 KiB.
    93, 0, 0, 0, 93, 0, 0, 0, 5, 0, 0, 0, 0, 0x10, 0, 0,
    // xorl %ebx, %ebx; movl $1, %eax; int $0x80
    0x31, 0xdb, 0xb8, 1, 0, 0, 0, 0xcd, 0x80,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_is_an_i386_program() {
        let image = crate::elf::Image::parse(I386_EXIT.to_vec()).unwrap();
        let segment = image.segments()[0];
        assert!(segment.is_loaded() && segment.is_executable());
        assert_eq!(segment.file_size, image.len());
        // It lacks a PT_GNU_STACK and breaks no other rule.
        assert_eq!(image.violations(Arch::I386).len(), 1);
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(is_refused(b"not a program"));
    }
}
