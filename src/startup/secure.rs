//! Secure execution: a program that has more rights than whoever started it, by its
//! set-user-ID bit, say, must not be led astray by what it inherits. The kernel tells it
//! so by `AT_SECURE` (getauxval(3)).
//!
//! What it inherits is descriptors and the environment. Somebody may have closed its
//! standard descriptors: the first file that the program opens would be number 2, and
//! what it says on standard error would go into that file. So each of the three that is
//! closed is opened on `/dev/null`. No variable of the environment means anything to
//! freestand, so there is nothing to pass over; what a program itself looks for there it
//! should not believe if [`env::secure`](crate::env::secure) says so.
//!
//! A program that makes no descriptors cannot mistake one for another: it has no byte of
//! this.

use core::ffi::c_char;

use super::{InitialStack, fail};
use crate::arch;
use crate::sys::{At, BorrowedFd, Mode, OFlags, raw as sys};

// Required by whatever makes a descriptor: sys::OwnedFd.
arch::start_piece!("10.secure", "freestand_secure", calls open_closed_streams);

unsafe extern "C" fn open_closed_streams(
    _argc: usize,
    argv: *const *const c_char,
    _envp: *const *const c_char,
) {
    // SAFETY: _start passes the initial stack's.
    let auxv = unsafe { InitialStack::from_argv(argv) }.auxv();
    if !auxv.secure() {
        return;
    }
    for number in 0..=2 {
        // SAFETY: it is looked at only, and no descriptor if it is closed.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        if sys::fcntl_getfd(fd).is_ok() {
            continue;
        }
        // The kernel gives the lowest number that is free: this one (open(2)).
        match sys::openat(At::Cwd, c"/dev/null", OFlags::RDWR, Mode::empty()) {
            Ok(null) if null.as_fd().as_raw_fd() == number => {
                null.into_raw_fd();
            }
            _ => fail!("cannot open /dev/null in place of a closed standard descriptor"),
        }
    }
}
