//! Asks for more memory than there is, in the way that the first argument says.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::alloc::{alloc, dealloc};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::hint::black_box;

use freestand::env::Args;
use freestand::println;
use freestand::process::ExitCode;

freestand::entry!(main);

fn main(mut args: Args) -> ExitCode {
    match args.nth(1).map(|arg| arg.to_bytes()) {
        Some(b"reserve") => reserve(),
        Some(b"box") => drop(black_box(Box::new([1_u8; 4321]))),
        Some(b"grow") => grow(),
        Some(b"recover") => recover(),
        Some(b"impossible") => impossible(),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

/// Asks in a way that can be refused.
fn reserve() {
    let mut bytes: Vec<u8> = Vec::new();
    match bytes.try_reserve_exact(12_345) {
        Ok(()) => println!("reserved"),
        Err(error) => println!("{error}"),
    }
}

/// Grows a vector until there is no more.
fn grow() {
    let mut bytes: Vec<u8> = Vec::with_capacity(1 << 20);
    loop {
        bytes.reserve(2 * bytes.capacity());
        black_box(&bytes);
    }
}

/// Is refused a large block, and goes on with small ones.
fn recover() {
    let before = [1_u8; 100].to_vec();
    // More than any limit that the test sets, less than an address space.
    let mut large: Vec<u8> = Vec::new();
    assert!(large.try_reserve_exact(1 << 30).is_err());
    let after: Vec<Vec<u8>> = (0..100).map(|i| vec![i; 100]).collect();
    assert!(before.iter().all(|&byte| byte == 1));
    assert!((0..100).all(|i| after[usize::from(i)] == [i; 100]));
    println!("recovered");
}

/// Asks for more than the address space has.
fn impossible() {
    let mut bytes: Vec<u8> = Vec::new();
    assert!(bytes.try_reserve(usize::MAX).is_err());
    assert!(Vec::<u64>::new().try_reserve(usize::MAX / 8).is_err());

    const MOST: usize = isize::MAX as usize;
    for align in [1, 4096, 1 << 16] {
        let layout = Layout::from_size_align(MOST / align * align, align).unwrap();
        // Of two halves of a 32-bit address space there may be one.
        // SAFETY: the layout has a size.
        let [one, other] = [(); 2].map(|()| unsafe { alloc(layout) });
        assert!(one.is_null() || other.is_null(), "{one:p} and {other:p}");
        for block in [one, other] {
            if !block.is_null() {
                // SAFETY: it is of this layout, and nothing uses it.
                unsafe { dealloc(block, layout) };
            }
        }
    }
    assert_eq!(vec![9_u8; 100], [9; 100]);
    println!("impossible");
}
