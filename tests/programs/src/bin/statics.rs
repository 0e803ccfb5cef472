//! Statics of every kind: their values, their alignment, and zeros where there
//! should be. Prints `ok`.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

use freestand::println;

freestand::entry!(main);

#[repr(align(4096))]
struct Page<T>(T);

static NUMBER: AtomicU64 = AtomicU64::new(0x0123_4567_89ab_cdef);
static BYTES: [AtomicU8; 5] = [const { AtomicU8::new(7) }; 5];
static PAGE: Page<AtomicUsize> = Page(AtomicUsize::new(42));
static TO_BYTES: AtomicPtr<AtomicU8> = AtomicPtr::new((&raw const BYTES).cast_mut().cast());
static NAMES: [&str; 3] = ["one", "two", "three"];

static ZERO: AtomicUsize = AtomicUsize::new(0);
static ZERO_PAGE: Page<AtomicUsize> = Page(AtomicUsize::new(0));
static ZEROS: [AtomicU8; 1 << 20] = [const { AtomicU8::new(0) }; 1 << 20];

fn main() {
    assert_eq!(NUMBER.swap(1, Relaxed), 0x0123_4567_89ab_cdef);
    assert!(BYTES.iter().all(|byte| byte.load(Relaxed) == 7));
    assert_eq!(TO_BYTES.load(Relaxed).cast_const(), &raw const BYTES[0]);
    assert_eq!(*black_box(&NAMES), ["one", "two", "three"]);

    assert_eq!(PAGE.0.load(Relaxed), 42);
    assert_eq!(ZERO_PAGE.0.load(Relaxed), 0);
    for page in [&PAGE, &ZERO_PAGE] {
        assert!(black_box(&raw const *page).addr().is_multiple_of(4096));
    }

    assert_eq!(ZERO.load(Relaxed), 0);
    assert!(ZEROS.iter().all(|byte| byte.load(Relaxed) == 0));

    // All of it can be written to.
    for byte in ZEROS.iter().chain(&BYTES) {
        byte.store(9, Relaxed);
    }
    ZERO.store(1, Relaxed);
    ZERO_PAGE.0.store(2, Relaxed);
    PAGE.0.store(3, Relaxed);
    assert!(ZEROS.iter().all(|byte| byte.load(Relaxed) == 9));
    assert_eq!(NUMBER.load(Relaxed), 1);
    println!("ok");
}
