//! Words that hold addresses, of each kind that a compiler makes. The program prints where
//! it is, so that a test sees that it is elsewhere each time.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use core::fmt::{Debug, Write as _};
use core::hint::black_box;

use freestand::println;
use freestand::fs::File;
use freestand::sys::{self, AsFd, Errno};

freestand::entry!(main);

static TEXTS: [&str; 5] = ["zero", "one", "two", "three", "four"];
static FUNCTIONS: [fn(u32) -> u32; 3] = [double, square, |x| x + 1];
static OBJECTS: [&(dyn Debug + Sync); 3] = [&1_u8, &"text", &Some('c')];
static NUMBER: u32 = 7;
static NESTED: &&&u32 = &&&NUMBER;
/// Many in a row and some with gaps between them: bitmaps of each kind.
static MANY: [Option<&u32>; 200] = {
    let mut many = [Some(&NUMBER); 200];
    many[3] = None;
    many[100] = None;
    many[163] = None;
    many
};
static mut WRITABLE: [&str; 3] = ["a", "b", "c"];

fn double(x: u32) -> u32 {
    x * 2
}

fn square(x: u32) -> u32 {
    x * x
}

fn name(number: u32) -> &'static str {
    // A table, once optimized.
    match number {
        0 => "nothing",
        1 => "single",
        2 => "pair",
        3 => "triple",
        4 => "quadruple",
        _ => "many",
    }
}

fn main() {
    assert_eq!(black_box(&TEXTS)[black_box(3)], "three");
    let results: [u32; 3] = core::array::from_fn(|i| black_box(&FUNCTIONS)[i](5));
    assert_eq!(results, [10, 25, 6]);
    let mut shown = String::new();
    for object in black_box(&OBJECTS) {
        write!(shown, "{object:?} ").unwrap();
    }
    assert_eq!(shown, "1 \"text\" Some('c') ");
    assert_eq!(***black_box(NESTED), 7);
    let seven = |number: &Option<&u32>| number.is_none_or(|&number| number == 7);
    assert!(black_box(&MANY).iter().all(seven));
    assert_eq!(black_box(&MANY).iter().flatten().count(), 197);
    assert_eq!(name(black_box(4)), "quadruple");
    // SAFETY: there is one thread, and one reference.
    let writable = unsafe { &mut *&raw mut WRITABLE };
    black_box(&mut *writable)[1] = TEXTS[2];
    assert_eq!(writable.concat_len(), 5);

    // What does not change is not to be changed, not even by the kernel.
    let texts = black_box(&raw const TEXTS);
    assert_eq!(overwrite(texts.cast()), Err(Errno::EFAULT));

    println!("{:p}", &raw const NUMBER);
}

trait ConcatLen {
    fn concat_len(&self) -> usize;
}

impl ConcatLen for [&str; 3] {
    fn concat_len(&self) -> usize {
        self.iter().map(|text| text.len()).sum()
    }
}

/// Has the kernel write a byte to `place`.
fn overwrite(place: *const u8) -> sys::Result<usize> {
    let zeros = File::open("/dev/zero").unwrap();
    // SAFETY: nothing can be written there, which is what is to be shown.
    let bytes = unsafe { core::slice::from_raw_parts_mut(place.cast_mut(), 1) };
    sys::read(zeros.as_fd(), bytes)
}
