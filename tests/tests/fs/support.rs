//! What several of these tests use.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::trace::{Event, Register, Tracee};
use xtask::arch::Arch;

/// Has the program `fs_steps` take one step; what it says of it.
pub fn step(target: Target, step: &str) -> Result<String> {
    let output = target.command("fs_steps")?.arg(step).output()?;
    let said = String::from_utf8_lossy(expect_status(&output, 0)?).into_owned();
    let Some(said) = said.strip_suffix('\n') else {
        bail!("{step} says {said:?}");
    };
    Ok(said.to_owned())
}

/// Checks that a step fails with this error.
pub fn expect_error(target: Target, what: &str, errno: i32) -> Result<()> {
    let said = step(target, what)?;
    ensure!(said == format!("error {errno}"), "{what}: {said}");
    Ok(())
}

/// Makes files of several kinds in an empty directory.
pub fn populate(directory: &Path) -> Result<()> {
    let at = |name: &str| directory.join(name);
    fs::write(at("file"), "some text")?;
    fs::write(at("empty"), "")?;
    fs::write(at("binary"), [0xff, 0, 0x80])?;
    fs::create_dir_all(at("directory/inner/innermost"))?;
    fs::write(at("directory/file"), "other text")?;
    fs::create_dir(at("empty directory"))?;
    for (target, link) in [
        ("file", "link"),
        ("directory", "directory link"),
        ("nowhere", "broken"),
        ("loop", "loop"),
        ("../directory/./inner", "directory/inner link"),
        ("directory//inner/../file", "winding"),
        ("file", "link 1"),
    ] {
        symlink(target, at(link))?;
    }
    symlink(at("directory"), at("absolute link"))?;
    // As many symbolic links as are followed, and one more.
    for number in 2..=41 {
        symlink(
            format!("link {}", number - 1),
            at(&format!("link {number}")),
        )?;
    }
    Ok(())
}

/// The numbers of system calls.
pub struct Numbers {
    pub read: u64,
    pub write: u64,
    pub openat: u64,
    pub close: u64,
    pub fcntl: u64,
    pub pread64: u64,
    pub pwrite64: u64,
    pub fsync: u64,
    pub fdatasync: u64,
    pub ftruncate: u64,
    pub fchmod: u64,
    pub fchmodat: u64,
    pub getdents64: u64,
    pub statx: u64,
    pub copy_file_range: u64,
    pub brk: u64,
    /// mmap2 on i386.
    pub mmap: u64,
    pub exit_group: u64,
}

impl Numbers {
    pub fn of(arch: Arch) -> Numbers {
        match arch {
            Arch::X86_64 => Numbers {
                read: 0,
                write: 1,
                openat: 257,
                close: 3,
                fcntl: 72,
                pread64: 17,
                pwrite64: 18,
                fsync: 74,
                fdatasync: 75,
                ftruncate: 77,
                fchmod: 91,
                fchmodat: 268,
                getdents64: 217,
                statx: 332,
                copy_file_range: 326,
                brk: 12,
                mmap: 9,
                exit_group: 231,
            },
            Arch::I386 => Numbers {
                read: 3,
                write: 4,
                openat: 295,
                close: 6,
                fcntl: 221,
                pread64: 180,
                pwrite64: 181,
                fsync: 118,
                fdatasync: 148,
                ftruncate: 194,
                fchmod: 94,
                fchmodat: 306,
                getdents64: 220,
                statx: 383,
                copy_file_range: 377,
                brk: 45,
                mmap: 192,
                exit_group: 252,
            },
            Arch::Aarch64 | Arch::Riscv64 => Numbers {
                read: 63,
                write: 64,
                openat: 56,
                close: 57,
                fcntl: 25,
                pread64: 67,
                pwrite64: 68,
                fsync: 82,
                fdatasync: 83,
                ftruncate: 46,
                fchmod: 52,
                fchmodat: 53,
                getdents64: 61,
                statx: 291,
                copy_file_range: 285,
                brk: 214,
                mmap: 222,
                exit_group: 94,
            },
        }
    }
}

/// Makes the pending system call; what it returned.
pub fn finish(tracee: &mut Tracee) -> Result<i64> {
    let event = tracee.step()?;
    ensure!(event == Event::Stopped, "{event:?} in a system call");
    let register = match tracee.arch() {
        Arch::X86_64 | Arch::I386 | Arch::Aarch64 => 0,
        Arch::Riscv64 => 10,
    };
    let result = tracee.register(Register::General(register))?;
    Ok(match tracee.arch() {
        Arch::I386 => i64::from(result as i32),
        _ => result as i64,
    })
}

/// The text at an address of the program, up to its NUL.
pub fn text_at(tracee: &mut Tracee, address: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        match tracee.read(address + text.len() as u64, 1)?[..] {
            [0] => return Ok(text),
            [byte] => text.push(byte),
            _ => bail!("one byte is not one"),
        }
    }
}
