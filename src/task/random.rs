//! Numbers that nobody counts on.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A number less than `bound`, which is not 0 and not large. Marsaglia's xorshift, one for
/// all: two that come at once may get the same number.
pub(crate) fn below(bound: usize) -> usize {
    static STATE: AtomicU32 = AtomicU32::new(0x9e37_79b9);
    let mut state = STATE.load(Relaxed);
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    STATE.store(state, Relaxed);
    // The upper half of the product: no division.
    ((u64::from(state) * bound as u64) >> 32) as usize
}
