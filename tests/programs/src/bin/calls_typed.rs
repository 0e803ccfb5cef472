//! System calls by the functions of `sys`: see `subjects.rs`.

#![no_std]
#![no_main]

use core::ffi::CStr;
use core::ptr;

use freestand::fs::File;
use freestand::sys::{
    self, Address, At, BorrowedFd, Clock, MapFlags, Mode, OFlags, OwnedFd, Pid, PipeFlags, Prot,
    Result, Timespec, Whence,
};
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

/// Defines each function under its own symbol.
macro_rules! subjects {
    ($($name:ident($($arg:ident: $type:ty),*) -> $ret:ty { $body:expr })*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        fn $name($($arg: $type),*) -> $ret {
            $body
        }
    )*};
}

subjects! {
    subject_getpid() -> Pid { sys::getpid() }
    subject_read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> { sys::read(fd, buf) }
    subject_write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize> { sys::write(fd, buf) }
    subject_openat(path: &CStr) -> Result<OwnedFd> {
        sys::openat(At::Cwd, path, OFlags::RDONLY, Mode::empty())
    }
    subject_open(path: &str) -> Result<OwnedFd> {
        sys::open(path, OFlags::RDONLY, Mode::empty())
    }
    subject_mmap(length: usize) -> Result<Address> {
        // SAFETY: new memory is nobody's.
        unsafe {
            let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
            sys::mmap(ptr::null_mut(), length, Prot::READ, flags, None, 0)
        }
    }
    subject_munmap(address: Address, length: usize) -> Result<()> {
        // SAFETY: `make` has just mapped it, and lets go of it.
        unsafe { sys::munmap(address, length) }
    }
    subject_lseek(fd: BorrowedFd<'_>, offset: i64) -> Result<u64> {
        sys::lseek(fd, offset, Whence::CUR)
    }
    subject_pread64(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Result<usize> {
        sys::pread64(fd, buf, offset)
    }
    subject_create(path: &CStr) -> Result<File> { File::create(path) }
    subject_pipe2() -> Result<[OwnedFd; 2]> { sys::pipe2(PipeFlags::CLOEXEC) }
    subject_clock_gettime(clock: Clock) -> Result<Timespec> { sys::clock_gettime(clock) }
}
