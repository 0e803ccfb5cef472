//! Calls each of the mem family once, having written their addresses to standard
//! output: six words.

#![no_std]
#![no_main]

use core::ffi::{c_char, c_void};
use core::hint::black_box;

use freestand::mem;
use freestand::process::ExitCode;
use freestand::sys::{self, STDOUT};

freestand::entry!(main);

/// Some words, and some bytes more.
const SIZE: usize = 4 * size_of::<usize>() + 3;

fn main() -> ExitCode {
    type Copy = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void;
    type Compare = unsafe extern "C" fn(*const c_void, *const c_void, usize) -> i32;

    let [memcpy, memmove]: [Copy; 2] = black_box([mem::memcpy, mem::memmove]);
    let memset = black_box(mem::memset as unsafe extern "C" fn(*mut c_void, i32, usize) -> _);
    let [memcmp, bcmp]: [Compare; 2] = black_box([mem::memcmp, mem::bcmp]);
    let strlen = black_box(mem::strlen as unsafe extern "C" fn(*const c_char) -> usize);

    let mut addresses = [0; 6 * size_of::<usize>()];
    let functions = [
        memcpy as usize,
        memmove as usize,
        memset as usize,
        memcmp as usize,
        bcmp as usize,
        strlen as usize,
    ];
    for (bytes, function) in addresses.chunks_mut(size_of::<usize>()).zip(functions) {
        bytes.copy_from_slice(&function.to_ne_bytes());
    }
    if sys::write(STDOUT, &addresses) != Ok(addresses.len()) {
        return ExitCode::FAILURE;
    }

    let mut a = black_box([b'a'; SIZE + 1]);
    let mut b = black_box([0; SIZE + 1]);
    let (a, b) = (a.as_mut_ptr().cast::<c_void>(), b.as_mut_ptr().cast());
    // SAFETY: both have more than SIZE bytes, and b ends in a NUL.
    let right = unsafe {
        memcpy(b, a, SIZE);
        // Backward, and forward.
        memmove(a.byte_add(1), a, SIZE);
        memmove(a, a.byte_add(1), SIZE);
        memset(a, b'a'.into(), SIZE);
        memcmp(a, b, SIZE) == 0 && bcmp(a, b, SIZE) == 0 && strlen(b.cast()) == SIZE
    };
    if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
