//! The heap under what `alloc` makes of it. Prints `ok`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::alloc::{alloc, alloc_zeroed, dealloc, realloc};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::alloc::Layout;

use freestand::println;

freestand::entry!(main);

fn main() {
    collections();
    many_small_ones();
    large_ones();
    growth();
    alignments();
    nothing();
    println!("ok");
}

fn collections() {
    let mut names = BTreeMap::new();
    for i in 0..500_u32 {
        names.insert(i.reverse_bits(), format!("number {i}"));
    }
    assert!(names.keys().is_sorted());
    names.retain(|key, _| key.reverse_bits().is_multiple_of(3));
    for (key, name) in &names {
        assert_eq!(*name, format!("number {}", key.reverse_bits()));
    }

    let mut text = String::new();
    for i in 0..100 {
        text.push_str(&format!("{i},"));
    }
    assert_eq!(text.split(',').count(), 101);

    let mut queue: VecDeque<Box<u64>> = VecDeque::new();
    for i in 0..300 {
        queue.push_back(Box::new(i));
        if i % 3 == 0 {
            queue.pop_front();
        }
    }
    assert!(queue.iter().zip(100..).all(|(left, right)| **left == right));
}

/// Ten thousand blocks of different sizes, freed in an odd order.
fn many_small_ones() {
    const COUNT: usize = 20 * GROUP;
    const GROUP: usize = 512;

    let block = |i: usize| vec![i as u8; 1 + i % 97];
    let mut blocks: Vec<Option<Vec<u8>>> = (0..COUNT).map(|i| Some(block(i))).collect();
    // Some go and come back, into the holes that are left.
    for i in (0..COUNT).step_by(40) {
        assert_eq!(blocks[i].take(), Some(block(i)));
    }
    for i in (0..COUNT).step_by(40).rev() {
        blocks[i] = Some(block(i));
    }
    // All go, group by group, neighbours last.
    for i in 0..COUNT {
        let reversed = (i % GROUP).reverse_bits() >> (GROUP - 1).leading_zeros();
        let i = i / GROUP * GROUP + reversed;
        assert_eq!(blocks[i].take(), Some(block(i)));
    }
}

fn large_ones() {
    for size in [1 << 20, 16 << 20] {
        let words = size / size_of::<usize>();
        // A word a page: what matters is where they are.
        let mut large = vec![0_usize; words];
        assert!(large.iter().step_by(512).all(|&word| word == 0));
        for i in (0..words).step_by(512) {
            large[i] = !i;
        }
        let small = [7_u8; 100].to_vec();
        assert!((0..words).step_by(512).all(|i| large[i] == !i));
        drop(large);
        assert!(small.iter().all(|&byte| byte == 7));
    }
}

/// Blocks that grow and shrink between others keep what is in them.
fn growth() {
    let mut grown: Vec<u32> = Vec::new();
    let mut between: Vec<Box<u32>> = Vec::new();
    for i in 0..20_000 {
        grown.push(i);
        if i % 64 == 0 {
            between.push(Box::new(i));
        }
    }
    assert!(grown.iter().zip(0..).all(|(left, right)| *left == right));
    grown.truncate(10);
    grown.shrink_to_fit();
    assert_eq!(grown, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(between.iter().zip(0..).all(|(left, i)| **left == i * 64));

    let layout = Layout::new::<[u8; 10]>();
    // SAFETY: the block is of that layout's size, then of 100 000 bytes.
    unsafe {
        let block = alloc(layout);
        assert!(!block.is_null());
        block.write_bytes(0x42, 10);
        let block = realloc(block, layout, 100_000);
        assert!((0..10).all(|i| *block.add(i) == 0x42));
        block.write_bytes(0x43, 100_000);
        dealloc(block, Layout::new::<[u8; 100_000]>());
    }
}

fn alignments() {
    let mut blocks = Vec::new();
    for shift in 0..=16 {
        for size in [1, 24, 100, 5000] {
            let layout = Layout::from_size_align(size, 1 << shift).unwrap();
            // SAFETY: the layout has a size.
            let block = unsafe { alloc_zeroed(layout) };
            assert!(!block.is_null());
            assert!(block.addr().is_multiple_of(layout.align()), "{block:p}");
            // SAFETY: the block has that size, all of it zeros.
            unsafe {
                assert!((0..size).all(|i| *block.add(i) == 0));
                block.write_bytes(shift, size);
            }
            blocks.push((block, layout, shift));
        }
    }
    for (block, layout, content) in blocks {
        // SAFETY: it is of this layout, is full, and is freed once.
        unsafe {
            assert!((0..layout.size()).all(|i| *block.add(i) == content));
            dealloc(block, layout);
        }
    }
}

/// What has no size needs no memory, however many there are.
fn nothing() {
    let boxes: Vec<Box<()>> = (0..1000).map(|_| Box::new(())).collect();
    assert_eq!(boxes.len(), 1000);
    let empty: Vec<u8> = Vec::with_capacity(0);
    assert_eq!(empty.capacity(), 0);
    assert_eq!(Vec::<()>::new().capacity(), usize::MAX);
}
