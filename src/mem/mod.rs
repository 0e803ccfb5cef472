//! memcpy, memmove, memset, memcmp, bcmp and strlen: the symbols that a compiler
//! expects, whatever the language. And memchr, which the library searches with.

use core::ffi::{c_char, c_int, c_void};

#[cfg(all(target_arch = "x86_64", not(feature = "small-mem")))]
mod fast;
#[cfg(any(feature = "small-mem", not(target_arch = "x86_64")))]
mod small;

unsafe extern "C" {
    /// Copies `n` bytes from `src` to `dest`, which do not overlap, and returns
    /// `dest`: memcpy(3).
    ///
    /// # Safety
    ///
    /// `src` must be good for reading `n` bytes, `dest` for writing them.
    #[cfg_attr(test, link_name = "freestand_memcpy")]
    pub fn memcpy(dest: *mut c_void, src: *const c_void, n: usize) -> *mut c_void;

    /// Copies `n` bytes from `src` to `dest`, which may overlap, and returns `dest`:
    /// memmove(3).
    ///
    /// # Safety
    ///
    /// `src` must be good for reading `n` bytes, `dest` for writing them.
    #[cfg_attr(test, link_name = "freestand_memmove")]
    pub fn memmove(dest: *mut c_void, src: *const c_void, n: usize) -> *mut c_void;

    /// Fills `n` bytes at `dest` with the low 8 bits of `value`, and returns `dest`:
    /// memset(3).
    ///
    /// # Safety
    ///
    /// `dest` must be good for writing `n` bytes.
    #[cfg_attr(test, link_name = "freestand_memset")]
    pub fn memset(dest: *mut c_void, value: c_int, n: usize) -> *mut c_void;

    /// Compares `n` bytes and returns less than, equal to or greater than 0 as the
    /// first that differs is less in `a`, there is none, or it is greater: memcmp(3).
    ///
    /// # Safety
    ///
    /// `a` and `b` must be good for reading `n` bytes.
    #[cfg_attr(test, link_name = "freestand_memcmp")]
    pub fn memcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int;

    /// Compares `n` bytes and returns 0 if they are equal, something else if not:
    /// bcmp(3).
    ///
    /// # Safety
    ///
    /// `a` and `b` must be good for reading `n` bytes.
    #[cfg_attr(test, link_name = "freestand_bcmp")]
    pub fn bcmp(a: *const c_void, b: *const c_void, n: usize) -> c_int;

    /// The number of bytes before the first NUL at `string`: strlen(3).
    ///
    /// # Safety
    ///
    /// `string` must be good for reading up to and with a NUL.
    #[cfg_attr(test, link_name = "freestand_strlen")]
    pub fn strlen(string: *const c_char) -> usize;

    /// Where among the `n` bytes at `s` the first is that equals the low 8 bits of
    /// `value`, or null if none does: memchr(3).
    ///
    /// # Safety
    ///
    /// `s` must be good for reading up to and with that byte, or `n` bytes if there
    /// is none.
    #[cfg_attr(test, link_name = "freestand_memchr")]
    pub fn memchr(s: *const c_void, value: c_int, n: usize) -> *mut c_void;
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

    fn find(bytes: &[u8], value: c_int) -> Option<usize> {
        let start = bytes.as_ptr().cast::<c_void>();
        // SAFETY: the slice has that many bytes.
        let found = unsafe { memchr(start, value, bytes.len()) };
        (!found.is_null()).then(|| found.addr() - start.addr())
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

    #[test]
    fn finds_the_first() {
        for n in 0..100 {
            for from in 0..17 {
                // Before, behind, and where it is looked for only.
                let mut bytes = std::vec![b'x'; 150];
                assert_eq!(find(&bytes[from..from + n], 0x180), None);
                bytes[from + n] = 0x80;
                if from > 0 {
                    bytes[from - 1] = 0x80;
                }
                assert_eq!(find(&bytes[from..from + n], 0x180), None);
                for at in (0..n).rev() {
                    bytes[from + at] = 0x80;
                    assert_eq!(find(&bytes[from..from + n], 0x180), Some(at));
                }
            }
        }
    }
}
