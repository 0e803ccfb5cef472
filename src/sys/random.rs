//! Random bytes.

use linux_raw_sys::general;

use super::Result;
use super::kinds::flags;
use crate::syscalls;

flags! {
    /// Where random bytes come from, and whether to wait for them: getrandom(2).
    GrndFlags: u32 {
        /// Fails instead of waiting until the kernel has gathered enough.
        NONBLOCK = general::GRND_NONBLOCK;
        /// From /dev/random, which since Linux 5.6 is no different.
        RANDOM = general::GRND_RANDOM;
        /// Does not wait, for whatever that is worth.
        INSECURE = general::GRND_INSECURE;
    }
}

syscalls! {
    /// Fills `buf` with random bytes, and returns how many: getrandom(2). Up to 256
    /// come all at once; of more, a signal may come first.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if it would have to wait (`NONBLOCK`), `EINTR` if a signal came first,
    /// `EINVAL` for flags that are none or contradict each other.
    sys getrandom(buf: &mut [u8], flags: GrndFlags) -> Result<usize>;
}
