//! Calls each of the mem family at many sizes, each call between two calls of
//! `bench_mark`: for who counts the instructions between these. Prints a line for each,
//! but for the first, which is of a function that does nothing: function, pattern,
//! "instructions" and bytes, with tabs between.

#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;
use core::mem::transmute;

use freestand::{mem, println};

freestand::entry!(main);

const LARGEST: usize = 16384;

/// Pages, with bytes to spare beyond the largest size.
#[repr(align(4096))]
struct Buffer([u8; LARGEST + 4096]);

/// All take words and return one: of the arguments, each reads the ones it has.
type Function = unsafe extern "C" fn(usize, usize, usize) -> usize;

const PATTERNS: [(&str, usize, usize); 2] = [("aligned", 0, 0), ("misaligned", 9, 3)];

const SIZES: [usize; 35] = [
    1, 2, 3, 4, 6, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 192, 256,
    384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, LARGEST,
];

fn main() {
    // SAFETY: integers and pointers are passed and returned alike, a word each.
    let functions: [(&str, Function); 7] = unsafe {
        [
            ("memcpy", transmute(mem::memcpy as *const ())),
            ("memmove", transmute(mem::memmove as *const ())),
            ("memset", transmute(mem::memset as *const ())),
            ("memcmp", transmute(mem::memcmp as *const ())),
            ("bcmp", transmute(mem::bcmp as *const ())),
            ("strlen", transmute(mem::strlen as *const ())),
            ("memchr", transmute(mem::memchr as *const ())),
        ]
    };
    let mut buffers = [const { Buffer([0; _]) }; 2];
    count(nothing, 0, 0, 0);
    for (name, function) in functions {
        for (pattern, first, second) in PATTERNS {
            for n in SIZES {
                // 'y' is found as the last byte, and a string ends after it.
                let mut place = |buffer: usize, offset: usize| {
                    let bytes = &mut buffers[buffer].0;
                    bytes.fill(b'x');
                    bytes[offset + n - 1] = b'y';
                    bytes[offset + n] = 0;
                    bytes[offset..].as_mut_ptr().expose_provenance()
                };
                let (first, second) = (place(0, first), place(1, second));
                let second = match name {
                    "memset" | "memchr" => usize::from(b'y'),
                    _ => second,
                };
                count(function, first, second, n);
                println!("{}\t{}\tinstructions\t{}", name, pattern, n);
            }
        }
    }
}

#[inline(never)]
fn count(function: Function, first: usize, second: usize, n: usize) {
    let function = black_box(function);
    // SAFETY: the buffers have more bytes than `n` from there on, and a NUL behind those.
    unsafe {
        // The first call may look at the processor.
        function(first, second, n);
        bench_mark();
        function(first, second, n);
        bench_mark();
    }
}

unsafe extern "C" fn nothing(_: usize, _: usize, _: usize) -> usize {
    0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn bench_mark() {
    // SAFETY: no instruction at all. Calls of this stay.
    unsafe { asm!("", options(nomem, nostack, preserves_flags)) }
}
