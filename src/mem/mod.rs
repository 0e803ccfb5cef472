//! memcpy, memmove, memset, memcmp, bcmp and strlen: the symbols that a compiler
//! expects, whatever the language. And memchr, which the library searches with.
//!
//! All of these are async-signal-safe, as the module `signal` says it.

use core::ffi::{c_char, c_int, c_void};

/// A second name of a function that does what both promise.
macro_rules! alias {
    ($($name:literal = $function:ident;)*) => {$(
        core::arch::global_asm!(
            concat!(".globl ", $name), concat!(".type ", $name, ", %function"),
            concat!(".set ", $name, ", {function}"), function = sym $function
        );
    )*};
}

// On the host, tests run both.
#[cfg(any(test, not(feature = "small-mem")))]
mod fast;
#[cfg(any(test, feature = "small-mem"))]
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

/// Where `byte` is first among `bytes`: [`memchr`] on a slice.
#[inline]
pub fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    // SAFETY: the slice has that many bytes.
    let found = unsafe { memchr(bytes.as_ptr().cast(), byte.into(), bytes.len()) };
    (!found.is_null()).then(|| found.addr() - bytes.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    type Copy = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void;
    type Compare = unsafe extern "C" fn(*const c_void, *const c_void, usize) -> c_int;

    struct Family {
        memcpy: Copy,
        memmove: Copy,
        memset: unsafe extern "C" fn(*mut c_void, c_int, usize) -> *mut c_void,
        memcmp: Compare,
        bcmp: Compare,
        strlen: unsafe extern "C" fn(*const c_char) -> usize,
        memchr: unsafe extern "C" fn(*const c_void, c_int, usize) -> *mut c_void,
    }

    const FAST: Family = Family {
        memcpy,
        memmove,
        memset,
        memcmp,
        bcmp,
        strlen,
        memchr,
    };

    const SMALL: Family = Family {
        memcpy: small::memmove,
        memmove: small::memmove,
        memset: small::memset,
        memcmp: small::memcmp,
        bcmp: small::memcmp,
        strlen: small::strlen,
        memchr: small::memchr,
    };

    /// The family on slices, with the bounds that make it safe.
    impl Family {
        fn copy(&self, dest: &mut [u8], src: &[u8]) {
            assert_eq!(dest.len(), src.len());
            let to = dest.as_mut_ptr().cast();
            // SAFETY: both slices have that many bytes, and do not overlap.
            let returned = unsafe { (self.memcpy)(to, src.as_ptr().cast(), src.len()) };
            assert_eq!(returned, to);
        }

        fn copy_within(&self, bytes: &mut [u8], from: usize, to: usize, n: usize) {
            assert!(from + n <= bytes.len() && to + n <= bytes.len());
            let base = bytes.as_mut_ptr();
            // SAFETY: both ranges are inside of the slice.
            unsafe { (self.memmove)(base.add(to).cast(), base.add(from).cast_const().cast(), n) };
        }

        fn fill(&self, dest: &mut [u8], value: c_int) {
            // SAFETY: the slice has that many bytes.
            unsafe { (self.memset)(dest.as_mut_ptr().cast(), value, dest.len()) };
        }

        fn compare(&self, a: &[u8], b: &[u8]) -> (c_int, c_int) {
            assert_eq!(a.len(), b.len());
            let (a, b, n) = (a.as_ptr().cast(), b.as_ptr().cast(), a.len());
            // SAFETY: both slices have that many bytes.
            unsafe { ((self.memcmp)(a, b, n), (self.bcmp)(a, b, n)) }
        }

        fn length(&self, string: &[u8]) -> usize {
            assert!(string.contains(&0));
            // SAFETY: there is a NUL in the slice.
            unsafe { (self.strlen)(string.as_ptr().cast()) }
        }

        fn find(&self, bytes: &[u8], value: c_int) -> Option<usize> {
            let start = bytes.as_ptr().cast::<c_void>();
            // SAFETY: the slice has that many bytes.
            let found = unsafe { (self.memchr)(start, value, bytes.len()) };
            (!found.is_null()).then(|| found.addr() - start.addr())
        }
    }

    fn pattern(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
    }

    /// Runs `test` with each family, and the fast one with each of the levels that this
    /// processor has, where there are any.
    fn with_each(test: impl Fn(&Family)) {
        #[cfg(target_arch = "x86_64")]
        {
            use crate::arch::mem::{ENOUGH, SEEN};
            use core::sync::atomic::Ordering::Relaxed;
            use std::sync::Mutex;

            static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
            let _guard = ONE_AT_A_TIME
                .lock()
                .unwrap_or_else(|error| error.into_inner());
            // AVX2, if it is there, as the family finds it when it has seen enough.
            SEEN.store(ENOUGH - 1, Relaxed);
            FAST.fill(&mut std::vec![0; 1000], 0);
            let avx2 = std::arch::is_x86_feature_detected!("avx2");
            assert_eq!(SEEN.load(Relaxed), if avx2 { -1 } else { ENOUGH });
            test(&FAST);
            // SSE2, once it is known and while it is not.
            SEEN.store(ENOUGH, Relaxed);
            test(&FAST);
            assert_eq!(SEEN.load(Relaxed), ENOUGH);
            SEEN.store(0, Relaxed);
        }
        test(&FAST);
        test(&SMALL);
    }

    /// Sizes on both sides of where the family does something else, and some more.
    fn sizes() -> impl Iterator<Item = usize> {
        let near = |at: usize| at - 1..=at + 1;
        (0..70).chain(
            [96, 128, 160, 192, 256, 288, 512, 1000]
                .into_iter()
                .flat_map(near),
        )
    }

    /// Alignments on both sides of a vector's beginning, and some between.
    const ALIGNMENTS: [usize; 7] = [0, 1, 8, 15, 16, 31, 33];

    #[test]
    fn copies_sizes_and_alignments_and_no_byte_more() {
        let src = pattern(1100);
        with_each(|family| {
            for n in sizes() {
                for from in ALIGNMENTS {
                    for to in ALIGNMENTS {
                        let mut dest = std::vec![0xaa; n + 80];
                        family.copy(&mut dest[to..to + n], &src[from..from + n]);
                        assert_eq!(dest[to..to + n], src[from..from + n]);
                        assert!(dest[..to].iter().chain(&dest[to + n..]).all(|&b| b == 0xaa));
                    }
                }
            }
        });
    }

    #[test]
    fn moves_both_ways() {
        with_each(|family| {
            for n in sizes() {
                for low in ALIGNMENTS {
                    for distance in [0, 1, 7, 16, 31, 32, 63, 64, 100, 130] {
                        for (from, to) in [(low, low + distance), (low + distance, low)] {
                            let mut ours = pattern(n + 200);
                            let mut model = ours.clone();
                            model.copy_within(from..from + n, to);
                            family.copy_within(&mut ours, from, to, n);
                            assert_eq!(ours, model, "{n} bytes from {from} to {to}");
                        }
                    }
                }
            }
        });
    }

    #[test]
    fn fills_with_the_low_8_bits() {
        with_each(|family| {
            for n in sizes() {
                for to in ALIGNMENTS {
                    let mut dest = std::vec![0x55; n + 80];
                    family.fill(&mut dest[to..to + n], 0x180);
                    assert!(dest[to..to + n].iter().all(|&b| b == 0x80));
                    assert!(dest[..to].iter().chain(&dest[to + n..]).all(|&b| b == 0x55));
                }
            }
        });
    }

    #[test]
    fn compares_like_slices() {
        let a = pattern(1100);
        with_each(|family| {
            let mut b = a.clone();
            for n in sizes() {
                for (from, at) in ALIGNMENTS.into_iter().flat_map(|from| {
                    // Each byte of few, of many some.
                    (0..n)
                        .step_by(n / 67 + 1)
                        .chain(n.checked_sub(1))
                        .map(move |at| (from, at))
                }) {
                    for change in [1, 0x80, 0xff] {
                        // A second difference behind the first does not count.
                        let end = from + n;
                        b[from + at] = b[from + at].wrapping_add(change);
                        let behind = end - 1;
                        b[behind] = if behind > from + at {
                            !b[behind]
                        } else {
                            b[behind]
                        };
                        let (order, difference) = family.compare(&a[from..end], &b[from..end]);
                        assert_eq!(order.cmp(&0), a[from..end].cmp(&b[from..end]), "{n} {at}");
                        assert_ne!(difference, 0);
                        b[from..end].clone_from_slice(&a[from..end]);
                    }
                }
                for from in ALIGNMENTS {
                    assert_eq!(
                        family.compare(&a[from..from + n], &b[from..from + n]),
                        (0, 0)
                    );
                }
            }
        });
        // Alignments of the two that differ.
        let b = a[3..].to_vec();
        with_each(|family| {
            for n in sizes() {
                assert_eq!(family.compare(&a[3..3 + n], &b[..n]), (0, 0));
            }
        });
    }

    #[test]
    fn measures_strings() {
        with_each(|family| {
            for n in sizes() {
                for from in ALIGNMENTS {
                    // NULs before the string, and behind its end.
                    let mut string = std::vec![0; from];
                    string.resize(from + n, b'x');
                    string.extend_from_slice(b"\0more\0");
                    assert_eq!(family.length(&string[from..]), n, "from {from}");
                }
            }
        });
    }

    #[test]
    fn finds_the_first() {
        with_each(|family| {
            for n in sizes() {
                for from in ALIGNMENTS {
                    // Before and behind, where it is not looked for.
                    let mut bytes = std::vec![0x80; n + 200];
                    bytes[from..from + n].fill(b'x');
                    assert_eq!(
                        family.find(&bytes[from..from + n], 0x180),
                        None,
                        "{n} from {from}"
                    );
                    for at in (0..n)
                        .rev()
                        .step_by(n / 67 + 1)
                        .chain([0])
                        .filter(|&at| at < n)
                    {
                        bytes[from + at] = 0x80;
                        assert_eq!(family.find(&bytes[from..from + n], 0x180), Some(at));
                    }
                }
            }
        });
    }

    #[test]
    fn finds_what_a_slice_holds() {
        let bytes = b"a line\nand more\n";
        assert_eq!(find(bytes, b'\n'), Some(6));
        assert_eq!(find(&bytes[..6], b'\n'), None);
        assert_eq!(find(&bytes[6..], b'\n'), Some(0));
        assert_eq!(find(&[], 0), None);
    }
}
