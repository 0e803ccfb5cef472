//! System calls by the instruction and a test for an error: see `subjects.rs`.

#![no_std]
#![no_main]

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::ptr::{self, without_provenance_mut as number};

use freestand::arch::{self, Register, nr, widest};
use freestand::fs::File;
use freestand::sys::{Address, BorrowedFd, Clock, Errno, OwnedFd, Pid, Result, Timespec};
use linux_raw_sys::general::*;
use test_programs::subjects::{Subjects, make};

freestand::entry!(main);

fn main() {
    make(Subjects {
        getpid: subject_getpid,
        read: subject_read,
        write: subject_write,
        openat: subject_openat,
        open: subject_open,
        mmap: subject_mmap,
        munmap: subject_munmap,
        lseek: subject_lseek,
        pread64: subject_pread64,
        create: subject_create,
        pipe2: subject_pipe2,
        clock_gettime: subject_clock_gettime,
    });
}

/// mmap, where there is only the one that counts pages.
#[cfg(target_arch = "x86")]
const MMAP: u32 = nr::mmap2;
#[cfg(not(target_arch = "x86"))]
const MMAP: u32 = nr::mmap;

/// The result, with the test that every call needs.
#[inline(always)]
fn decode<T>(result: Register, value: impl FnOnce(Register) -> T) -> Result<T> {
    match Errno::from_result(result.addr()) {
        Some(errno) => Err(errno),
        None => Ok(value(result)),
    }
}

/// Defines each function under its own symbol.
macro_rules! subjects {
    ($($name:ident($($arg:ident: $type:ty),*) -> $ret:ty { $body:expr })*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        fn $name($($arg: $type),*) -> $ret {
            // SAFETY: `make` hands over what is its own, and knows what becomes of it.
            unsafe { $body }
        }
    )*};
}

subjects! {
    subject_getpid() -> Pid { Pid(arch::syscall0(nr::getpid as usize).addr() as i32) }
    subject_read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
        decode(
            arch::syscall3(
                nr::read as usize,
                number(fd.as_raw_fd() as usize),
                buf.as_mut_ptr().cast(),
                number(buf.len()),
            ),
            |count| count.addr(),
        )
    }
    subject_write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize> {
        decode(
            arch::syscall3(
                nr::write as usize,
                number(fd.as_raw_fd() as usize),
                buf.as_ptr().cast_mut().cast(),
                number(buf.len()),
            ),
            |count| count.addr(),
        )
    }
    subject_openat(path: &CStr) -> Result<OwnedFd> {
        decode(openat(path.as_ptr().cast()), |fd| OwnedFd::from_raw_fd(fd.addr() as c_int))
    }
    // Without a copy, so without a NUL after it: see `make`.
    subject_open(path: &str) -> Result<OwnedFd> {
        decode(openat(path.as_ptr()), |fd| OwnedFd::from_raw_fd(fd.addr() as c_int))
    }
    subject_mmap(length: usize) -> Result<Address> {
        decode(
            arch::syscall6(
                MMAP as usize,
                ptr::null_mut(),
                number(length),
                number(PROT_READ as usize),
                number((MAP_PRIVATE | MAP_ANONYMOUS) as usize),
                number(!0),
                ptr::null_mut(),
            ),
            |address| address.cast(),
        )
    }
    subject_munmap(address: Address, length: usize) -> Result<()> {
        decode(
            arch::syscall2(nr::munmap as usize, address.cast(), number(length)),
            drop,
        )
    }
    subject_lseek(fd: BorrowedFd<'_>, offset: i64) -> Result<u64> { lseek(fd, offset) }
    subject_pread64(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Result<usize> {
        decode(pread64(fd, buf, offset), |count| count.addr())
    }
    subject_create(path: &CStr) -> Result<File> {
        loop {
            let result = arch::syscall4(
                nr::openat as usize,
                number(AT_FDCWD as usize),
                path.as_ptr().cast_mut().cast(),
                number((O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_LARGEFILE) as usize),
                number(0o666),
            );
            match decode(result, |fd| OwnedFd::from_raw_fd(fd.addr() as c_int)) {
                Err(Errno::EINTR) => {}
                result => break result.map(File::from),
            }
        }
    }
    subject_pipe2() -> Result<[OwnedFd; 2]> {{
        let mut ends = MaybeUninit::<[OwnedFd; 2]>::uninit();
        decode(
            arch::syscall2(
                nr::pipe2 as usize,
                ends.as_mut_ptr().cast(),
                number(O_CLOEXEC as usize),
            ),
            |_| ends.assume_init(),
        )
    }}
    subject_clock_gettime(clock: Clock) -> Result<Timespec> {{
        let mut time = MaybeUninit::<Timespec>::uninit();
        decode(
            arch::syscall2(
                widest::clock_gettime as usize,
                number(clock.0 as usize),
                time.as_mut_ptr().cast(),
            ),
            |_| time.assume_init(),
        )
    }}
}

/// One word or two, in which an offset travels.
#[cfg(target_arch = "x86")]
#[inline(always)]
unsafe fn pread64(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Register {
    // SAFETY: passed on to the caller.
    unsafe {
        arch::syscall5(
            nr::pread64 as usize,
            number(fd.as_raw_fd() as usize),
            buf.as_mut_ptr().cast(),
            number(buf.len()),
            number(offset as usize),
            number((offset >> 32) as usize),
        )
    }
}

#[cfg(not(target_arch = "x86"))]
#[inline(always)]
unsafe fn pread64(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Register {
    // SAFETY: passed on to the caller.
    unsafe {
        arch::syscall4(
            nr::pread64 as usize,
            number(fd.as_raw_fd() as usize),
            buf.as_mut_ptr().cast(),
            number(buf.len()),
            number(offset as usize),
        )
    }
}

/// Where no word holds a position, it comes back in memory.
#[cfg(target_arch = "x86")]
#[inline(always)]
unsafe fn lseek(fd: BorrowedFd<'_>, offset: i64) -> Result<u64> {
    let mut position = 0_u64;
    // SAFETY: passed on to the caller.
    let result = unsafe {
        arch::syscall5(
            nr::_llseek as usize,
            number(fd.as_raw_fd() as usize),
            number((offset >> 32) as usize),
            number(offset as usize),
            (&raw mut position).cast(),
            number(SEEK_CUR as usize),
        )
    };
    decode(result, |_| position)
}

#[cfg(not(target_arch = "x86"))]
#[inline(always)]
unsafe fn lseek(fd: BorrowedFd<'_>, offset: i64) -> Result<u64> {
    // SAFETY: passed on to the caller.
    let result = unsafe {
        arch::syscall3(
            nr::lseek as usize,
            number(fd.as_raw_fd() as usize),
            number(offset as usize),
            number(SEEK_CUR as usize),
        )
    };
    decode(result, |position| position.addr() as u64)
}

#[inline(always)]
unsafe fn openat(path: *const u8) -> Register {
    // SAFETY: passed on to the caller.
    unsafe {
        arch::syscall4(
            nr::openat as usize,
            number(AT_FDCWD as usize),
            path.cast_mut().cast(),
            number((O_RDONLY | O_LARGEFILE) as usize),
            ptr::null_mut(),
        )
    }
}
