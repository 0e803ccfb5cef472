//! What a panic does: it says what and where on standard error and aborts.

use core::fmt::{self, Write as _};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use heapless::Vec;

use super::abort;
use crate::io::{self, Write as _};
use crate::sync::expects_threads;
use crate::sys::hook::{self, ThreadLocked};
use crate::sys::{self, Prctl, Word};

/// The message on its way out: written in one piece if it is no more than 1 KiB,
/// so that it stays whole among other threads' output.
struct Message(Vec<u8, 1024>);

impl Message {
    fn send(&mut self) {
        // There is nobody left to tell of an error: the process aborts either way.
        let _ = io::stderr().write_all(&self.0);
        self.0.clear();
    }
}

impl fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.as_bytes().chunks(self.0.capacity()) {
            if self.0.len() + piece.len() > self.0.capacity() {
                self.send();
            }
            // It fits now.
            let _ = self.0.extend_from_slice(piece);
        }
        Ok(())
    }
}

/// What a `#[panic_handler]` does, and what [`entry!`](crate::entry)'s is: says what
/// happened and where on standard error, in a program with several threads also in which,
/// and aborts. What the program printed before comes out first. In a program with frame pointers a
/// [`Backtrace`](super::Backtrace) follows.
pub fn report_panic(info: &PanicInfo<'_>) -> ! {
    /// The thread that reports its panic, or 0.
    static REPORTING: AtomicU32 = AtomicU32::new(0);

    // A task ends here as the thread that it runs on.
    let _locked = ThreadLocked::new();
    let this = sys::gettid().0.cast_unsigned();
    if let Err(thread) = REPORTING.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed) {
        if thread == this {
            // Formatting the message panicked.
            let _ = io::stderr().write_all(b"panicked while reporting a panic\n");
            abort();
        }
        // Another thread is about to end the process: let it finish its sentence.
        loop {
            let _ = sys::futex_wait(&REPORTING, thread);
        }
    }
    io::flush_if_free();
    let mut message = Message(Vec::new());
    if expects_threads() {
        let name = name();
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        let _ = write!(message, "thread '{}' ({this}) ", name.escape_ascii());
    }
    let _ = hook::write_name(&mut message);
    let _ = writeln!(message, "{info}");
    message.send();
    #[cfg(frame_pointers)]
    {
        let _ = write!(message, "{}", super::backtrace());
        message.send();
    }
    abort()
}

/// What the kernel calls the thread: prctl(2), `PR_GET_NAME`. Zeros follow.
fn name() -> [u8; 16] {
    let mut name = [0; 16];
    let none = || Word::from(0_u32);
    // SAFETY: the kernel writes 16 bytes, for which there is room. It does not fail; if
    // something between it and the process refuses, there is no name.
    let _ = unsafe {
        let address = name.as_mut_ptr().into();
        sys::prctl(Prctl::GET_NAME, address, none(), none(), none())
    };
    name
}
