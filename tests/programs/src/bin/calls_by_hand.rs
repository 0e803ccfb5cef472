//! System calls by the instruction and a test for an error: see `subjects.rs`.

#![no_std]
#![no_main]

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::ptr::{self, without_provenance_mut as number};

use freestand::arch::{self, Register, nr, widest};
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
