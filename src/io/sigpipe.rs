//! SIGPIPE, where a call has no flag that says not to make one.

use crate::sys::hook::ThreadLocked;
use crate::sys::{self, Errno, MaskHow, Result, SigSet, Signal, Timespec};

/// Does `work`, and no `EPIPE` in it makes a SIGPIPE: it is held back meanwhile, and then
/// taken away.
///
/// The kernel sends it to the thread that made the call (`send_sig` with `current`:
/// net/core/stream.c, net/unix/af_unix.c), so that holding it back in this one is enough,
/// and what others do does not get lost. Nor does one that was held back before.
///
/// # Errors
///
/// Those of `work`.
pub(crate) fn without_sigpipe<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    const SIGPIPE: SigSet = SigSet::of(&[Signal::PIPE]);

    // The mask is the thread's, and so is the signal.
    let _locked = ThreadLocked::new();
    let mask = sys::rt_sigprocmask(MaskHow::BLOCK, Some(&SIGPIPE))?;
    let result = sys::rt_sigpending().and_then(|pending| {
        let result = work();
        let is_ours = !pending.contains(Signal::PIPE);
        if is_ours && matches!(result, Err(Errno::EPIPE)) {
            // It is there, so this does not wait. If it is not, there is nothing to take.
            let _ = sys::raw::rt_sigtimedwait(&SIGPIPE, None, Some(&Timespec::default()));
        }
        result
    });
    sys::rt_sigprocmask(MaskHow::SETMASK, Some(&mask))?;
    result
}
