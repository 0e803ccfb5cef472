//! The family in few bytes of code, and the same on each architecture: what the feature
//! `small-mem` puts in place of the fast one. It goes byte by byte.
//!
//! A compiler that sees a loop which copies bytes may put a call to memcpy in its
//! place: in memcpy itself that would never end. So each loop here holds an
//! `opaque` step, which is no instruction, but which the compiler must believe
//! to change memory: it cannot merge the steps into a copy. A test reads the machine
//! code of each function and sees that it calls none of them.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

/// Nothing, but the compiler must believe that it changes any memory.
#[inline(always)]
fn opaque() {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("", options(nostack, preserves_flags)) }
}

/// # Safety
///
/// As of [`super::memmove`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn memmove(
    dest: *mut c_void,
    src: *const c_void,
    n: usize,
) -> *mut c_void {
    let (to, from) = (dest.cast::<u8>(), src.cast::<u8>());
    // Upward, unless that would overwrite what is still to be read: `dest` begins
    // inside of `src`.
    let down = dest.addr().wrapping_sub(src.addr()) < n;
    let (mut i, step, end) = if down {
        (n.wrapping_sub(1), -1, usize::MAX)
    } else {
        (0, 1, n)
    };
    while i != end {
        // SAFETY: i is below n.
        unsafe { *to.add(i) = *from.add(i) };
        i = i.wrapping_add_signed(step);
        opaque();
    }
    dest
}

/// # Safety
///
/// As of [`super::memset`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn memset(dest: *mut c_void, value: c_int, n: usize) -> *mut c_void {
    let mut i = 0;
    while i < n {
        // SAFETY: i is below n.
        unsafe { *dest.cast::<u8>().add(i) = value as u8 };
        i += 1;
        opaque();
    }
    dest
}

/// # Safety
///
/// As of [`super::memcmp`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn memcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int {
    let (a, b) = (a.cast::<u8>(), b.cast::<u8>());
    let mut i = 0;
    while i < n {
        // SAFETY: i is below n.
        let difference = unsafe { c_int::from(*a.add(i)) - c_int::from(*b.add(i)) };
        if difference != 0 {
            return difference;
        }
        i += 1;
        opaque();
    }
    0
}

/// # Safety
///
/// As of [`super::strlen`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn strlen(string: *const c_char) -> usize {
    let mut len = 0;
    // SAFETY: no byte before `len` was NUL, so the string goes on.
    while unsafe { *string.add(len) } != 0 {
        len += 1;
        opaque();
    }
    len
}

/// # Safety
///
/// As of [`super::memchr`].
#[cfg_attr(not(test), unsafe(no_mangle))]
pub(super) unsafe extern "C" fn memchr(s: *const c_void, value: c_int, n: usize) -> *mut c_void {
    let s = s.cast::<u8>();
    let mut i = 0;
    while i < n {
        let here = s.wrapping_add(i);
        // SAFETY: i is below n, and no byte before it was the one.
        if unsafe { *here } == value as u8 {
            return here.cast_mut().cast();
        }
        i += 1;
        opaque();
    }
    ptr::null_mut()
}

#[cfg(not(test))]
alias! {
    "memcpy" = memmove;
    "bcmp" = memcmp;
}
