//! Random bytes, good enough for keys.
//!
//! The kernel gathers randomness, and getrandom(2) hands it out. Since Linux 6.11 the
//! vDSO can do that without entering the kernel: it keeps a generator in the process's
//! memory, and takes a new key for it from the kernel whenever that has one.
//!
//! The generator's state is opaque, and must be in memory of a kind that the vDSO names:
//! pages that a child by fork finds empty, so that it does not repeat its parent's
//! bytes, and that the kernel may take back when memory is short, so that they never get
//! to a disk. The state starts anew whenever it finds itself empty.
//!
//! There is one state in a process. Whoever finds it in use, by another thread or by
//! what a signal handler interrupted, makes the system call instead of waiting; so does
//! every thread where there is no such vDSO. A child that was forked while another
//! thread used the state finds it in use for ever.
//!
//! All of this is async-signal-safe ([`signal`](crate::signal)).

use core::ffi::c_void;
use core::ptr;

use crate::startup::vdso;
use crate::sync::Mutex;
use crate::sys::{self, Errno, GrndFlags, MapFlags, Prot, Result};

/// The process's state, mapped when it is first wanted.
static STATE: Mutex<Option<State>> = Mutex::new(None);

/// A state of the vDSO's generator.
#[derive(Clone, Copy)]
struct State {
    address: *mut c_void,
    /// In bytes; 0 if there is none, and will be none.
    size: usize,
}

// SAFETY: the state is no thread's own, and whoever has the lock is alone with it.
unsafe impl Send for State {}

impl State {
    const NONE: State = State {
        address: ptr::null_mut(),
        size: 0,
    };

    /// Maps a state, if the vDSO wants one and it can be had.
    #[cold]
    fn new() -> State {
        let Some(params) = vdso::StateParams::query() else {
            return State::NONE;
        };
        let size = params.size as usize;
        let prot = Prot::from_bits_retain(params.prot);
        let flags = MapFlags::from_bits_retain(params.flags);
        // Whole pages, from a page's beginning on: a state of less than a page is in one.
        // SAFETY: it is a new mapping, at no fixed address.
        match unsafe { sys::raw::mmap(ptr::null_mut(), size, prot, flags, None, 0) } {
            Ok(address) => State { address, size },
            Err(_) => State::NONE,
        }
    }

    /// Fills `buf`; `None` if it cannot.
    fn getrandom(self, buf: &mut [u8], flags: GrndFlags) -> Option<usize> {
        // The vDSO does not see that INSECURE contradicts RANDOM, as the kernel does.
        if self.size == 0 || flags.contains(GrndFlags::INSECURE) {
            return None;
        }
        // SAFETY: the state is mapped as the vDSO wanted it, and nobody else uses it.
        let result = unsafe {
            vdso::getrandom(
                buf.as_mut_ptr(),
                buf.len(),
                flags.bits(),
                self.address,
                self.size,
            )
        };
        usize::try_from(result).ok()
    }
}

/// Fills `buf` with random bytes, and returns how many: getrandom(2), by the vDSO where
/// it has it. Up to 256 come all at once; of more, a signal may come first.
///
/// # Errors
///
/// `EAGAIN` if it would have to wait (`NONBLOCK`), `EINTR` if a signal came first,
/// `EINVAL` for flags that are none or contradict each other.
pub fn getrandom(buf: &mut [u8], flags: GrndFlags) -> Result<usize> {
    let filled = STATE
        .try_lock()
        .and_then(|mut state| state.get_or_insert_with(State::new).getrandom(buf, flags));
    match filled {
        Some(len) => Ok(len),
        None => sys::getrandom(buf, flags),
    }
}

/// Fills all of `buf` with random bytes, however long that takes. Only soon after the
/// machine was started it may: until the kernel has gathered enough.
///
/// # Errors
///
/// `ENOSYS` on a kernel before Linux 3.17; whatever a seccomp filter answers.
pub fn fill(mut buf: &mut [u8]) -> Result<()> {
    while !buf.is_empty() {
        match getrandom(buf, GrndFlags::empty()) {
            Ok(len) => buf = &mut buf[len..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
