//! Frees large blocks and asks the kernel whether it has them back. Prints `ok`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::alloc::{alloc, alloc_zeroed, dealloc, realloc};
use core::alloc::Layout;

use freestand::println;
use freestand::sys::{self, Errno};

freestand::entry!(main);

const PAGE: usize = 64 << 10;

fn main() {
    for align in [1, 64 << 10, 4 << 20] {
        for size in [600 << 10, 3 << 20, 9 << 20] {
            comes_and_goes(Layout::from_size_align(size, align).unwrap());
        }
    }
    println!("ok");
}

fn comes_and_goes(layout: Layout) {
    let size = layout.size();
    // SAFETY: each block is used as large as it is.
    unsafe {
        let block = alloc(layout);
        assert!(block.addr().is_multiple_of(layout.align()));
        block.write_bytes(1, size);
        // Shrunk: what is cut off is gone.
        let block = realloc(block, layout, size / 2);
        assert!(is_mapped(block) && *block.add(size / 2 - 1) == 1);
        assert!(!is_mapped(
            block.wrapping_add((size / 2).next_multiple_of(PAGE))
        ));
        let half = Layout::from_size_align(size / 2, layout.align()).unwrap();
        // Grown, again and again.
        let block = realloc(block, half, 3 * size);
        assert!(block.addr().is_multiple_of(layout.align()));
        assert!(*block == 1 && *block.add(size / 2 - 1) == 1);
        let grown = Layout::from_size_align(3 * size, layout.align()).unwrap();
        dealloc(block, grown);
        assert!(!is_mapped(block));
        let zeros = alloc_zeroed(layout);
        assert!((0..size).step_by(512).all(|at| *zeros.add(at) == 0));
        dealloc(zeros, layout);
        assert!(!is_mapped(zeros));
    }
}

/// Whether there is memory at a page's address.
fn is_mapped(page: *mut u8) -> bool {
    let page = page.map_addr(|address| address & !0xfff);
    match sys::mincore(page.cast(), 1, &mut [0]) {
        Ok(()) => true,
        Err(errno) => {
            assert_eq!(errno, Errno::ENOMEM);
            false
        }
    }
}
