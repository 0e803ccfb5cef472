//! Writes a line.

#![no_std]
#![no_main]

extern crate origin;

use core::panic::PanicInfo;

use rustix::{io, stdio};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
unsafe fn origin_main(_: usize, _: *mut *mut u8, _: *mut *mut u8) -> i32 {
    // SAFETY: nobody closes standard output.
    let stdout = unsafe { stdio::stdout() };
    let _ = io::write(stdout, b"Hello, world!\n");
    0
}
