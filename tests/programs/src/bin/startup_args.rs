//! Prints the arguments and the environment, one a line, through a buffer of 4096
//! bytes, as each program does that is called args in benches/startup.

#![no_std]
#![no_main]

use freestand::env::{self, Args};
use freestand::sys::{self, STDOUT};

freestand::entry!(main);

/// The lines, on their way to standard output.
struct Out {
    buffer: &'static mut [u8; 4096],
    fill: usize,
}

static mut BUFFER: [u8; 4096] = [0; 4096];

impl Out {
    fn flush(&mut self) {
        // SAFETY: `fill` is at most the buffer's length.
        let bytes = unsafe { self.buffer.get_unchecked(..self.fill) };
        // Like the others, it does not look at what came of it.
        let _ = sys::write(STDOUT, bytes);
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

    #[inline(never)]
    fn print(&mut self, bytes: &[u8], end: u8) {
        bytes.iter().for_each(|&byte| self.put(byte));
        self.put(end);
    }
}

fn main(args: Args) {
    let mut out = Out {
        // SAFETY: this is the only reference, and there is one thread.
        buffer: unsafe { &mut *&raw mut BUFFER },
        fill: 0,
    };
    args.for_each(|arg| out.print(arg.to_bytes(), b'\n'));
    for (name, value) in env::vars() {
        out.print(name, b'=');
        out.print(value.to_bytes(), b'\n');
    }
    out.flush();
}
