//! Allocates, grows, shrinks and frees blocks of random sizes and alignments, and checks
//! every byte of each: `heap_stress STEPS THREADS [SEED]`. Without threads it is the only one.
//! Threads give each other blocks. Prints `ok` and what the heap says of itself.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::alloc::{alloc, alloc_zeroed, dealloc, realloc};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::slice;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use freestand::env::Args;
use freestand::println;
use freestand::sync::Mutex;
use freestand::thread;

freestand::entry!(main);

/// How many blocks a thread keeps.
const KEPT: usize = 300;

static STEPS: AtomicUsize = AtomicUsize::new(0);
static SEED: AtomicU64 = AtomicU64::new(1);
/// Blocks on their way from one thread to another.
static PASSED: Mutex<Vec<Block>> = Mutex::new(Vec::new());

fn main(mut args: Args) {
    let mut number = |default| match args.next() {
        Some(arg) => arg.to_str().ok().and_then(|arg| arg.parse().ok()),
        None => Some(default),
    };
    number(0);
    let steps = number(1000).expect("a number of steps");
    let count = number(0).expect("a number of threads");
    SEED.store(number(1).expect("a seed"), Relaxed);
    STEPS.store(steps as usize, Relaxed);
    match count {
        0 => work(0),
        count => thread::scope(|scope| {
            for index in 0..count as usize {
                scope.spawn(move || work(index));
            }
        }),
    }
    PASSED.lock().drain(..).for_each(Block::free);
    println!("ok");
}

/// What one thread does.
fn work(index: usize) {
    let mut random = Random(SEED.load(Relaxed).wrapping_mul(0x9e37_79b9) + 1 + index as u64);
    let mut blocks: Vec<Block> = Vec::new();
    for _ in 0..STEPS.load(Relaxed) {
        let at = random.below(KEPT);
        match random.below(10) {
            // There are more and less of them, in waves.
            _ if at >= blocks.len() => blocks.push(Block::new(&mut random)),
            0..=4 => blocks.swap_remove(at).free(),
            5 | 6 => blocks[at].resize(&mut random),
            7 => {
                let block = blocks.swap_remove(at);
                let mut passed = PASSED.lock();
                passed.push(block);
                let other = random.below(passed.len());
                let other = passed.swap_remove(other);
                drop(passed);
                blocks.push(other);
            }
            8 => {
                let mut passed = PASSED.lock();
                if passed.len() < KEPT {
                    passed.push(blocks.swap_remove(at));
                }
            }
            _ => blocks[at].check(),
        }
    }
    blocks.into_iter().for_each(Block::free);
}

/// A block, all of whose bytes are the same.
struct Block {
    start: *mut u8,
    layout: Layout,
    content: u8,
}

// SAFETY: it is its owner's alone.
unsafe impl Send for Block {}

impl Block {
    fn new(random: &mut Random) -> Block {
        let layout = random.layout();
        let zeroed = random.below(4) == 0;
        // SAFETY: the layout has a size.
        let start = unsafe {
            if zeroed {
                alloc_zeroed(layout)
            } else {
                alloc(layout)
            }
        };
        let mut block = Block {
            start,
            layout,
            content: 0,
        };
        block.is_where_it_may_be();
        if zeroed {
            block.check();
        }
        block.fill(random);
        block
    }

    fn is_where_it_may_be(&self) {
        let Block { start, layout, .. } = self;
        assert!(!start.is_null(), "{layout:?}");
        assert!(
            start.addr().is_multiple_of(layout.align()),
            "{start:p}, {layout:?}"
        );
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the block is of that size, and was filled.
        unsafe { slice::from_raw_parts_mut(self.start, self.layout.size()) }
    }

    fn fill(&mut self, random: &mut Random) {
        self.content = random.next() as u8;
        // SAFETY: the block is of that size.
        unsafe { self.start.write_bytes(self.content, self.layout.size()) };
    }

    fn check(&mut self) {
        let size = self.layout.size();
        self.check_first(size);
    }

    /// Whether the first `size` bytes are what they should be.
    fn check_first(&mut self, size: usize) {
        let content = self.content;
        let bytes = &self.bytes()[..size];
        // Each is as the one before: a comparison of slices is faster than a loop.
        let same = bytes[0] == content && bytes[1..] == bytes[..size - 1];
        assert!(same, "{:p}, {:?}, {content:#x}", self.start, self.layout);
    }

    fn resize(&mut self, random: &mut Random) {
        let size = random.size();
        let kept = size.min(self.layout.size());
        // SAFETY: the block is of that layout, and the size is not 0.
        self.start = unsafe { realloc(self.start, self.layout, size) };
        self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
        self.is_where_it_may_be();
        self.check_first(kept);
        self.fill(random);
    }

    fn free(mut self) {
        self.check();
        // SAFETY: the block is of that layout, and freed once.
        unsafe { dealloc(self.start, self.layout) };
    }
}

/// xorshift64 (George Marsaglia, "Xorshift RNGs").
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 20
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Mostly small sizes; some that go each other way.
    fn size(&mut self) -> usize {
        let limit = match self.below(200) {
            0 => 9 << 20,
            1..4 => 1 << 20,
            4..12 => 160 << 10,
            12..50 => 34 << 10,
            50..110 => 1500,
            _ => 100,
        };
        1 + self.below(limit)
    }

    fn layout(&mut self) -> Layout {
        let shift = match self.below(8) {
            0 => self.below(17),
            _ => self.below(5),
        };
        Layout::from_size_align(self.size(), 1 << shift).unwrap()
    }
}
