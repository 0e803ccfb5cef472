//! Opening, reading, writing and what else descriptors are for.

#![no_std]
#![no_main]

use freestand::sys::{BorrowedFd, Mode, OFlags};
use test_programs::{err, ok};

freestand::entry!(main);

fn main() {
    reading_and_writing();
}

fn reading_and_writing() {
    let flags = OFlags::RDWR | OFlags::CREAT | OFlags::EXCL;
    let file = ok!(open("file", flags, Mode::new(0o600)));
    err!(EEXIST, open(b"file", flags, Mode::new(0o600)));
    assert_eq!(ok!(write(file.as_fd(), b"text")), 4);
    // SAFETY: nothing opens as many descriptors as there are numbers.
    let closed = unsafe { BorrowedFd::borrow_raw(i32::MAX) };
    err!(EBADF, read(closed, &mut [0; 4]));
    err!(EBADF, write(closed, b"text"));
}
