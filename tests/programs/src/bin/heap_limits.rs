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
use freestand::io::{self, Write};
use freestand::println;
use freestand::process::ExitCode;

freestand::entry!(main);

fn main(mut args: Args) -> ExitCode {
    match args.nth(1).map(|arg| arg.to_bytes()) {
        Some(b"reserve") => reserve(),
        Some(b"box") => drop(black_box(Box::new([1_u8; 4321]))),
        Some(b"grow") => grow(),
        Some(b"recover") => recover(),
        Some(b"ways") => ways(),
        Some(b"enlarge") => enlarge(),
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

/// Is refused blocks of every kind once the first line is out, and goes on with what there
/// is.
fn ways() {
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(100);
    kept.push(vec![1; 100]);
    let mut taken: Vec<Vec<u8>> = Vec::with_capacity(4000);
    println!("begin");
    let _ = io::stdout().flush();
    // Until what the kernel gave is used up.
    for size in [300, 3000, 30_000, 100_000, 1 << 20, 8 << 20] {
        loop {
            let mut block: Vec<u8> = Vec::new();
            if block.try_reserve_exact(size).is_err() {
                break;
            }
            block.resize(size, 2);
            taken.push(block);
        }
    }
    assert!(
        taken
            .iter()
            .all(|block| block.iter().all(|&byte| byte == 2))
    );
    // What is freed can be had again.
    let sizes = [0, taken.len() / 2, taken.len() - 1].map(|index| taken[index].len());
    taken.clear();
    kept.extend(sizes.map(|size| vec![3; size]));
    assert!(kept[0] == [1; 100]);
    println!("refused");
}

/// Makes a large block larger, and looks whether what is in it is still there.
fn enlarge() {
    let mut bytes = vec![7_u8; 2 << 20];
    let grown = [3 << 20, 6 << 20, 40 << 20]
        .into_iter()
        .all(|size| bytes.try_reserve_exact(size - bytes.len()).is_ok());
    assert!(bytes.len() == 2 << 20 && bytes.iter().all(|&byte| byte == 7));
    assert_eq!(vec![9_u8; 100], [9; 100]);
    println!("{}", if grown { "grown" } else { "refused" });
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
