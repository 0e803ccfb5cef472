//! The same system calls made in two ways, by two programs: `calls_typed` by the
//! functions of `sys`, `calls_by_hand` by the instruction and a test for an error.
//! A test and a benchmark compare the two.

use core::ffi::CStr;
use core::hint::black_box;
use core::ptr;

use freestand::fs::File;
use freestand::sys::{
    Address, AsFd, BorrowedFd, Clock, OwnedFd, Pid, Result, STDERR, STDIN, Timespec,
};

/// One function a call. Each is a symbol of its own, `subject_read` and so on.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Subjects {
    pub getpid: fn() -> Pid,
    pub read: fn(BorrowedFd<'_>, &mut [u8]) -> Result<usize>,
    pub write: fn(BorrowedFd<'_>, &[u8]) -> Result<usize>,
    pub openat: fn(&CStr) -> Result<OwnedFd>,
    pub open: fn(&str) -> Result<OwnedFd>,
    pub mmap: fn(usize) -> Result<Address>,
    pub munmap: fn(Address, usize) -> Result<()>,
    pub lseek: fn(BorrowedFd<'_>, i64) -> Result<u64>,
    pub pread64: fn(BorrowedFd<'_>, &mut [u8], u64) -> Result<usize>,
    pub create: fn(&CStr) -> Result<File>,
    pub pipe2: fn() -> Result<[OwnedFd; 2]>,
    pub clock_gettime: fn(Clock) -> Result<Timespec>,
}

/// Makes each call once, so that it succeeds. The compiler does not know which
/// functions these are.
///
/// # Panics
///
/// If one fails.
pub fn make(subjects: Subjects) {
    let subjects = black_box(subjects);
    (subjects.getpid)();
    (subjects.read)(STDIN, &mut [0; 16]).expect("standard input is open");
    (subjects.write)(STDERR, b"").expect("standard error is open");
    let null = (subjects.openat)(c"/dev/null").expect("there is such a device");
    // By hand nothing is put after the text, so a NUL is there: behind its end.
    let text = black_box("/dev/null\0");
    (subjects.open)(&text[..text.len() - 1]).expect("there is such a device");
    let file = (subjects.create)(c"/dev/null").expect("there is such a device");
    (subjects.lseek)(file.as_fd(), 0).expect("it has a position");
    (subjects.pread64)(null.as_fd(), &mut [0; 16], 1 << 32).expect("it has an end");
    (subjects.pipe2)().expect("there is room for a pipe");
    let page = (subjects.mmap)(4096).expect("there is memory");
    assert_ne!(page, ptr::null_mut());
    (subjects.munmap)(page, 4096).expect("the page is there");
    (subjects.clock_gettime)(Clock::MONOTONIC).expect("there is such a clock");
}
