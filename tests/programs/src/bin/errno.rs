//! What system calls return, and the errors that it stands for.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::ptr;

use freestand::sys::{self, Errno, Mode, OFlags};
use freestand::{arch, println};
use linux_raw_sys::general::__NR_close;

freestand::entry!(main);

fn main() {
    for result in [
        -4096,
        -4095,
        -4094,
        -2,
        -1,
        0,
        1,
        4095,
        isize::MIN,
        isize::MAX,
    ] {
        let errno = Errno::from_result(black_box(result) as usize);
        println!("{result}: {:?}", errno.map(Errno::code));
    }
    // SAFETY: -1 is no descriptor, so none is closed.
    let closed = unsafe { arch::syscall1(__NR_close as usize, ptr::without_provenance_mut(!0)) };
    println!("close: {:?}", Errno::from_result(closed.addr()));
    let opened = sys::open(c"/dev/null/nothing", OFlags::RDONLY, Mode::empty());
    println!("open: {:?}", opened.map(drop));
}
