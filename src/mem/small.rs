//! The family in few bytes of code, and the same on each architecture: what the feature
//! `small-mem` puts in place of the fast one.
//!
//! A compiler that sees a loop which copies bytes may put a call to memcpy in its
//! place: in memcpy itself that would never end. So each loop here holds an
//! `opaque` step, which is no instruction, but which the compiler must believe
//! to change memory: it cannot merge the steps into a copy. A test follows each
//! function instruction by instruction and sees that it calls none of them.
//!
//! Words are read and written at any address (`Word`): on processors that
//! cannot, the compiler splits the access into bytes.

use core::ffi::{c_char, c_int, c_void};

/// A machine word at an address of no particular alignment.
#[repr(C, packed)]
#[derive(Clone, Copy)]
struct Word(usize);

const WORD: usize = size_of::<usize>();

/// Nothing, but the compiler must believe that it changes any memory.
#[inline(always)]
fn opaque() {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("", options(nostack, preserves_flags)) }
}

/// Copies `n` bytes from `src` to `dest`, from the first to the last: right also
/// if `dest` lies before `src` in the same memory.
///
/// # Safety
///
/// `src` must be good for reading `n` bytes, `dest` for writing them.
#[inline(always)]
unsafe fn copy_forward(dest: *mut u8, src: *const u8, n: usize) {
    let mut i = 0;
    // SAFETY: i and, in the first loop, the word from i on stay below n.
    unsafe {
        while n - i >= WORD {
            *dest.add(i).cast::<Word>() = *src.add(i).cast::<Word>();
            i += WORD;
            opaque();
        }
        while i < n {
            *dest.add(i) = *src.add(i);
            i += 1;
            opaque();
        }
    }
}

/// Copies `n` bytes from `src` to `dest`, from the last to the first: right also
/// if `dest` lies behind `src` in the same memory.
///
/// # Safety
///
/// `src` must be good for reading `n` bytes, `dest` for writing them.
#[inline(always)]
unsafe fn copy_backward(dest: *mut u8, src: *const u8, n: usize) {
    let mut i = n;
    // SAFETY: i and, in the first loop, the word before i stay from 0 to n.
    unsafe {
        while i >= WORD {
            i -= WORD;
            *dest.add(i).cast::<Word>() = *src.add(i).cast::<Word>();
            opaque();
        }
        while i > 0 {
            i -= 1;
            *dest.add(i) = *src.add(i);
            opaque();
        }
    }
}

/// # Safety
///
/// As of [`super::memcpy`].
#[cfg_attr(not(test), unsafe(no_mangle))]
#[cfg_attr(test, unsafe(export_name = "freestand_memcpy"))]
unsafe extern "C" fn memcpy(dest: *mut c_void, src: *const c_void, n: usize) -> *mut c_void {
    // SAFETY: passed on to the caller.
    unsafe { copy_forward(dest.cast(), src.cast(), n) };
    dest
}

/// # Safety
///
/// As of [`super::memmove`].
#[cfg_attr(not(test), unsafe(no_mangle))]
#[cfg_attr(test, unsafe(export_name = "freestand_memmove"))]
unsafe extern "C" fn memmove(dest: *mut c_void, src: *const c_void, n: usize) -> *mut c_void {
    // SAFETY: passed on to the caller. Only a `dest` that begins inside of `src`
    // would overwrite what is still to be read.
    unsafe {
        if dest.addr().wrapping_sub(src.addr()) < n {
            copy_backward(dest.cast(), src.cast(), n);
        } else {
            copy_forward(dest.cast(), src.cast(), n);
        }
    }
    dest
}

/// # Safety
///
/// As of [`super::memset`].
#[cfg_attr(not(test), unsafe(no_mangle))]
#[cfg_attr(test, unsafe(export_name = "freestand_memset"))]
unsafe extern "C" fn memset(dest: *mut c_void, value: c_int, n: usize) -> *mut c_void {
    let bytes = dest.cast::<u8>();
    let byte = value as u8;
    // Not [byte; WORD]: without optimization that is a call to memset.
    let word = Word(usize::from(byte) * (usize::MAX / 0xff));
    let mut i = 0;
    // SAFETY: i and, in the first loop, the word from i on stay below n.
    unsafe {
        while n - i >= WORD {
            *bytes.add(i).cast::<Word>() = word;
            i += WORD;
            opaque();
        }
        while i < n {
            *bytes.add(i) = byte;
            i += 1;
            opaque();
        }
    }
    dest
}

/// # Safety
///
/// As of [`super::memcmp`].
#[cfg_attr(not(test), unsafe(no_mangle))]
#[cfg_attr(test, unsafe(export_name = "freestand_memcmp"))]
unsafe extern "C" fn memcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int {
    let (a, b) = (a.cast::<u8>(), b.cast::<u8>());
    let mut i = 0;
    // SAFETY: i and, in the first loop, the word from i on stay below n.
    unsafe {
        // As long as words are equal; which byte differs, the second loop finds.
        while n - i >= WORD && { *a.add(i).cast::<Word>() }.0 == { *b.add(i).cast::<Word>() }.0 {
            i += WORD;
            opaque();
        }
        while i < n {
            let difference = c_int::from(*a.add(i)) - c_int::from(*b.add(i));
            if difference != 0 {
                return difference;
            }
            i += 1;
            opaque();
        }
    }
    0
}

/// # Safety
///
/// As of [`super::bcmp`].
#[cfg_attr(not(test), unsafe(no_mangle))]
#[cfg_attr(test, unsafe(export_name = "freestand_bcmp"))]
unsafe extern "C" fn bcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int {
    // SAFETY: passed on to the caller.
    unsafe { memcmp(a, b, n) }
}

/// # Safety
///
/// As of [`super::strlen`].
#[cfg_attr(not(test), unsafe(no_mangle))]
#[cfg_attr(test, unsafe(export_name = "freestand_strlen"))]
unsafe extern "C" fn strlen(string: *const c_char) -> usize {
    let mut len = 0;
    // SAFETY: no byte before `len` was NUL, so the string goes on.
    unsafe {
        while *string.add(len) != 0 {
            len += 1;
            opaque();
        }
    }
    len
}

/// # Safety
///
/// As of [`super::memchr`].
#[cfg_attr(not(test), unsafe(no_mangle))]
#[cfg_attr(test, unsafe(export_name = "freestand_memchr"))]
unsafe extern "C" fn memchr(s: *const c_void, value: c_int, n: usize) -> *mut c_void {
    let bytes = s.cast::<u8>().cast_mut();
    let mut i = 0;
    // SAFETY: i stays below n, and no byte before it was the one.
    unsafe {
        while i < n {
            if *bytes.add(i) == value as u8 {
                return bytes.add(i).cast();
            }
            i += 1;
            opaque();
        }
    }
    core::ptr::null_mut()
}
