//! Running programs, by the kernel or by qemu.

use std::{
    env, fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
};

use anyhow::{Result, bail};

use crate::{
    arch::Arch,
    install::{self, Install, Need},
    path::find_in_path,
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

/// qemu's user-mode emulator for `arch`, dynamically or statically linked.
pub fn find_qemu(arch: Arch) -> Option<PathBuf> {
    find_in_path(format!("qemu-{arch}")).or_else(|| find_in_path(format!("qemu-{arch}-static")))
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
        fs::write(&path, program)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
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
