//! Has the mem family work on bytes at all alignments to a word: so many that each of its
//! loops goes round.

#![no_std]
#![no_main]

use core::hint::black_box;

use freestand::mem;

freestand::entry!(main);

/// Some bytes, 64 at a time, words, and some bytes.
const SIZE: usize = 7 + 64 + 24 + 7;

#[repr(align(16))]
struct Bytes([u8; 2 * SIZE]);

fn main() {
    let mut a = black_box(Bytes([b'a'; _]));
    let mut b = black_box(Bytes([b'a'; _]));
    b.0[2 * SIZE - 1] = 0;
    let (a, b) = (a.0.as_mut_ptr(), b.0.as_mut_ptr());
    for from in 0..8 {
        // SAFETY: no offset and size together are more than there is, and the last byte
        // of `b` is a NUL.
        unsafe {
            mem::memset(a.add(from).cast(), b'a'.into(), SIZE);
            black_box(mem::strlen(b.add(from).cast()));
            black_box(mem::memchr(b.add(from).cast(), 0, SIZE));
        }
        for to in [0, 3] {
            // SAFETY: as above. What overlaps is moved, and it is moved down.
            unsafe {
                mem::memcpy(b.add(to).cast(), a.add(from).cast(), SIZE);
                black_box(mem::memcmp(a.add(from).cast(), b.add(to).cast(), SIZE));
                mem::memmove(a.add(8 + to).cast(), a.add(from).cast(), SIZE);
            }
        }
    }
}
