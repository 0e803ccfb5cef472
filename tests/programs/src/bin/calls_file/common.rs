//! What all of them use.

use freestand::sys::{self, BorrowedFd, Mode, OFlags, OwnedFd, Result, Whence};

pub const RDONLY: OFlags = OFlags::RDONLY;
pub const WRONLY: OFlags = OFlags::WRONLY;
pub const RDWR: OFlags = OFlags::RDWR;
/// The mode where none is needed, and of a file that nobody may use.
pub const NONE: Mode = Mode::empty();

/// An offset beyond 4 GiB, whose halves are not alike.
pub const HIGH: u64 = 0x1_2345_6789;

/// A descriptor that is not open.
pub fn closed() -> BorrowedFd<'static> {
    // SAFETY: nothing opens as many descriptors as there are numbers.
    unsafe { BorrowedFd::borrow_raw(i32::MAX) }
}

/// A new file.
pub fn new_file(path: &str) -> OwnedFd {
    let flags = RDWR | OFlags::CREAT | OFlags::EXCL;
    sys::open(path, flags, Mode::new(0o600)).unwrap()
}

pub fn open(path: &str, flags: OFlags) -> Result<OwnedFd> {
    sys::open(path, flags, NONE)
}

/// What is in the file from `offset` on.
#[track_caller]
pub fn assert_holds(fd: BorrowedFd<'_>, offset: u64, expected: &[u8]) {
    let mut buffer = [b'?'; 64];
    let found = sys::pread64(fd, &mut buffer[..expected.len()], offset).unwrap();
    assert_eq!(buffer[..found], *expected);
}

/// What comes next out of the descriptor.
#[track_caller]
pub fn assert_reads(fd: BorrowedFd<'_>, expected: &[u8]) {
    let mut buffer = [b'?'; 64];
    let read = sys::read(fd, &mut buffer).unwrap();
    assert_eq!(buffer[..read], *expected);
}

pub fn size(fd: BorrowedFd<'_>) -> u64 {
    sys::fstat(fd).unwrap().st_size as u64
}

pub fn position(fd: BorrowedFd<'_>) -> u64 {
    sys::lseek(fd, 0, Whence::CUR).unwrap()
}
