//! Functions to be called at exit.

use heapless::Vec;

use crate::arch;
use crate::sync::Mutex;
use crate::sys::{Errno, Result};

/// How many there may be: what POSIX asks for, `_POSIX_ATEXIT_MAX` (sysconf(3)). They are
/// kept in a program that names [`at_exit`], without a heap.
pub const AT_EXIT_MAX: usize = 32;

static HANDLERS: Mutex<Vec<fn(), AT_EXIT_MAX>> = Mutex::new(Vec::new());

arch::exit_piece!("10.handlers", "freestand_exit_handlers", call_handlers);

/// Has `handler` called when the process exits, by `main`'s return or by
/// [`exit`](super::exit), and not if it ends in another way ([`_exit`](super::_exit),
/// a signal): atexit(3).
///
/// What was registered last is called first, each as often as it was registered. A handler
/// may register another, which is the next to be called; one that calls `exit` leaves the
/// rest to that. After the handlers come the destructors of objects
/// (`entry!(main, constructors)`), and last standard output is flushed, so a handler may
/// print.
///
/// # Errors
///
/// `ENOMEM` if [`AT_EXIT_MAX`] are registered already.
pub fn at_exit(handler: fn()) -> Result<()> {
    arch::require!("freestand_exit_handlers");
    HANDLERS.lock().push(handler).map_err(|_| Errno::ENOMEM)
}

/// Calls them.
extern "C" fn call_handlers(status: u8) -> u8 {
    loop {
        // Not in the loop's head: the lock would be held while the handler runs.
        let last = HANDLERS.lock().pop();
        match last {
            Some(handler) => handler(),
            None => return status,
        }
    }
}
