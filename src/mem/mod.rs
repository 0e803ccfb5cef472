//! memcpy, memmove, memset, memcmp, bcmp and strlen: the symbols that a compiler
//! expects, whatever the language.
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

/// Copies `n` bytes from `src` to `dest`, which do not overlap, and returns
/// `dest`: memcpy(3).
///
/// # Safety
///
/// `src` must be good for reading `n` bytes, `dest` for writing them.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memcpy(dest: *mut c_void, src: *const c_void, n: usize) -> *mut c_void {
    // SAFETY: passed on to the caller.
    unsafe { copy_forward(dest.cast(), src.cast(), n) };
    dest
}

/// Copies `n` bytes from `src` to `dest`, which may overlap, and returns `dest`:
/// memmove(3).
///
/// # Safety
///
/// `src` must be good for reading `n` bytes, `dest` for writing them.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memmove(dest: *mut c_void, src: *const c_void, n: usize) -> *mut c_void {
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

/// Fills `n` bytes at `dest` with the low 8 bits of `value`, and returns `dest`:
/// memset(3).
///
/// # Safety
///
/// `dest` must be good for writing `n` bytes.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memset(dest: *mut c_void, value: c_int, n: usize) -> *mut c_void {
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

/// Compares `n` bytes and returns less than, equal to or greater than 0 as the
/// first that differs is less in `a`, there is none, or it is greater: memcmp(3).
///
/// # Safety
///
/// `a` and `b` must be good for reading `n` bytes.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn memcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int {
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

/// Compares `n` bytes and returns 0 if they are equal, something else if not:
/// bcmp(3).
///
/// # Safety
///
/// `a` and `b` must be good for reading `n` bytes.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn bcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int {
    // SAFETY: passed on to the caller.
    unsafe { memcmp(a, b, n) }
}

/// The number of bytes before the first NUL at `string`: strlen(3).
///
/// # Safety
///
/// `string` must be good for reading up to and with a NUL.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn strlen(string: *const c_char) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    // The family on slices, with the bounds that make it safe.

    fn copy(dest: &mut [u8], src: &[u8]) {
        assert_eq!(dest.len(), src.len());
        let to = dest.as_mut_ptr().cast();
        // SAFETY: both slices have that many bytes, and do not overlap.
        let returned = unsafe { memcpy(to, src.as_ptr().cast(), src.len()) };
        assert_eq!(returned, to);
    }

    fn copy_within(bytes: &mut [u8], from: usize, to: usize, n: usize) {
        assert!(from + n <= bytes.len() && to + n <= bytes.len());
        let base = bytes.as_mut_ptr();
        // SAFETY: both ranges are inside of the slice.
        unsafe { memmove(base.add(to).cast(), base.add(from).cast_const().cast(), n) };
    }

    fn fill(dest: &mut [u8], value: c_int) {
        // SAFETY: the slice has that many bytes.
        unsafe { memset(dest.as_mut_ptr().cast(), value, dest.len()) };
    }

    fn compare(a: &[u8], b: &[u8]) -> (c_int, c_int) {
        assert_eq!(a.len(), b.len());
        let (a, b, n) = (a.as_ptr().cast(), b.as_ptr().cast(), a.len());
        // SAFETY: both slices have that many bytes.
        unsafe { (memcmp(a, b, n), bcmp(a, b, n)) }
    }

    fn length(string: &[u8]) -> usize {
        assert!(string.contains(&0));
        // SAFETY: there is a NUL in the slice.
        unsafe { strlen(string.as_ptr().cast()) }
    }

    fn pattern(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
    }

    #[test]
    fn copies_sizes_and_alignments_and_no_byte_more() {
        let src = pattern(400);
        for n in 0..=130 {
            for from in 0..17 {
                for to in 0..17 {
                    let mut dest = std::vec![0xaa; 200];
                    copy(&mut dest[to..to + n], &src[from..from + n]);
                    assert_eq!(dest[to..to + n], src[from..from + n]);
                    assert!(dest[..to].iter().chain(&dest[to + n..]).all(|&b| b == 0xaa));
                }
            }
        }
    }

    #[test]
    fn moves_both_ways() {
        for n in 0..=70 {
            for from in 0..40 {
                for to in 0..40 {
                    let mut ours = pattern(120);
                    let mut model = ours.clone();
                    model.copy_within(from..from + n, to);
                    copy_within(&mut ours, from, to, n);
                    assert_eq!(ours, model, "{n} bytes from {from} to {to}");
                }
            }
        }
    }

    #[test]
    fn fills_with_the_low_8_bits() {
        for n in 0..=70 {
            for to in 0..17 {
                let mut dest = std::vec![0x55; 100];
                fill(&mut dest[to..to + n], 0x180);
                assert!(dest[to..to + n].iter().all(|&b| b == 0x80));
                assert!(dest[..to].iter().chain(&dest[to + n..]).all(|&b| b == 0x55));
            }
        }
    }

    #[test]
    fn compares_like_slices() {
        let a = pattern(80);
        for n in 0..=70 {
            for at in 0..n {
                for change in [1, 0x7f, 0x80, 0xff] {
                    let mut b = a.clone();
                    b[at] = b[at].wrapping_add(change);
                    let (order, difference) = compare(&a[..n], &b[..n]);
                    assert_eq!(order.cmp(&0), a[..n].cmp(&b[..n]));
                    assert_ne!(difference, 0);
                }
            }
            assert_eq!(compare(&a[..n], &a.clone()[..n]), (0, 0));
        }
    }

    #[test]
    fn measures_strings() {
        for n in 0..100 {
            let mut string = std::vec![b'x'; n];
            string.extend_from_slice(b"\0more\0");
            assert_eq!(length(&string), n);
        }
    }
}
