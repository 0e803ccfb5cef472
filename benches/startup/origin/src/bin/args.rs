//! Prints the arguments and the environment, one a line, through a buffer of 4096 bytes.

#![no_std]
#![no_main]

extern crate origin;

use core::panic::PanicInfo;

use rustix::{io, stdio};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// The lines, on their way to standard output.
struct Out {
    buffer: &'static mut [u8; 4096],
    fill: usize,
}

static mut BUFFER: [u8; 4096] = [0; 4096];

impl Out {
    fn flush(&mut self) {
        // SAFETY: nobody closes standard output, and `fill` is within the buffer.
        let (stdout, bytes) = unsafe { (stdio::stdout(), self.buffer.get_unchecked(..self.fill)) };
        let _ = io::write(stdout, bytes);
        self.fill = 0;
    }

    #[inline(never)]
    fn put(&mut self, byte: u8) {
        // SAFETY: what would make `fill` the buffer's length flushes.
        unsafe { *self.buffer.get_unchecked_mut(self.fill) = byte };
        self.fill += 1;
        if self.fill == self.buffer.len() {
            self.flush();
        }
    }

    /// # Safety
    ///
    /// `strings` is the kernel's argv or envp.
    unsafe fn print(&mut self, mut strings: *mut *mut u8) {
        // SAFETY: both vectors end in a null pointer, and each string in a NUL.
        unsafe {
            while !(*strings).is_null() {
                let mut string = *strings;
                while *string != 0 {
                    self.put(*string);
                    string = string.add(1);
                }
                self.put(b'\n');
                strings = strings.add(1);
            }
        }
    }
}

#[unsafe(no_mangle)]
unsafe fn origin_main(_: usize, argv: *mut *mut u8, envp: *mut *mut u8) -> i32 {
    // SAFETY: this is the only thread and the only reference, and the vectors are the
    // kernel's.
    unsafe {
        let mut out = Out {
            buffer: &mut *&raw mut BUFFER,
            fill: 0,
        };
        out.print(argv);
        out.print(envp);
        out.flush();
    }
    0
}
