//! Moves the program break while the heap lives on it, and uses what is between.
//! Prints `ok`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use core::ptr;

use freestand::println;
use freestand::sys;

freestand::entry!(main);

const OURS: usize = 1 << 20;

fn main() {
    let early = vec![1_u8; 1000];
    // SAFETY: null is no break that the kernel takes; the new one is above the old.
    let ours = unsafe {
        let start = sys::brk(ptr::null_mut());
        let end = start.byte_add(OURS);
        assert_eq!(sys::brk(end), end);
        core::slice::from_raw_parts_mut(start.cast::<u8>(), OURS)
    };
    ours.fill(0x5a);

    let mut blocks: Vec<Vec<u8>> = Vec::new();
    for size in [100, 10_000, 1 << 20, 3 << 20] {
        blocks.extend((0..8).map(|i| vec![i; size]));
    }
    for block in &blocks {
        assert!(!ours.as_ptr_range().contains(&block.as_ptr()));
    }
    assert!(ours.iter().all(|&byte| byte == 0x5a));
    ours.fill(0xa5);
    for (i, block) in blocks.iter().enumerate() {
        assert!(block.iter().all(|&byte| usize::from(byte) == i % 8));
    }
    assert!(early.iter().all(|&byte| byte == 1));
    drop(blocks);
    drop(early);
    assert!(ours.iter().all(|&byte| byte == 0xa5));
    println!("ok");
}
