//! memcpy, memmove, memset, memcmp, bcmp and strlen against what a byte at a time
//! gives, at every size to 300 and every alignment to 16, in memory that ends
//! where the program's ends: one byte too far on either side is a SIGSEGV.

#![no_std]
#![no_main]

use core::ffi::c_void;
use core::hint::black_box;
use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use freestand::mem;
use freestand::println;
use freestand::sys::{self, MapFlags, Prot};

freestand::entry!(main);

fn main() {
    let (a, b) = (Region::new(), Region::new());
    for (n, from, to) in placements() {
        copy(a, b, n, from, to);
        compare(a, b, n, from, to);
    }
    for n in 0..=LARGEST {
        for place in 0..PLACES {
            fill(b, n, place);
            measure(b, n, place);
        }
        if n <= SMALL {
            (0..=MISALIGNED + 1).for_each(|distance| overlap(b, n, distance));
        } else {
            for distance in [1, 8, 1 + n % MISALIGNED, n - 1] {
                overlap(b, n, distance);
            }
        }
    }
    println!("ok");
}

/// What no architecture has larger pages than.
const PAGE: usize = 64 << 10;

/// The sizes that are tried.
const LARGEST: usize = 300;

/// The sizes up to which everything is tried with everything else: some words and
/// what comes before and after them.
const SMALL: usize = 28;

/// The alignments that are tried.
const MISALIGNED: usize = 16;

/// In a region: that many bytes from its beginning, and the last is at its end.
const PLACES: usize = MISALIGNED + 2;

/// How many bytes beside those that a function is to change are looked at.
const MARGIN: usize = 16;

/// Sizes with a place for the source and one for the destination.
fn placements() -> impl Iterator<Item = (usize, usize, usize)> {
    (0..=LARGEST).flat_map(|n| {
        let others = if n <= SMALL { PLACES } else { 1 };
        (0..PLACES).flat_map(move |from| {
            (0..others).map(move |other| (n, from, (from + n + other) % PLACES))
        })
    })
}

/// A page with nothing before and nothing behind it. The bytes are atomic so that
/// the compiler leaves each access to them as it is: it must not call what is
/// being tested.
#[derive(Clone, Copy)]
struct Region(&'static [AtomicU8; PAGE]);

impl Region {
    fn new() -> Region {
        let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
        let rights = Prot::READ | Prot::WRITE;
        // SAFETY: a new mapping of three pages, of which the outer two are given
        // back unused; the middle one stays for good.
        unsafe {
            let start = sys::mmap(ptr::null_mut(), 3 * PAGE, rights, flags, -1, 0).unwrap();
            let middle = start.byte_add(PAGE);
            sys::munmap(start, PAGE).unwrap();
            sys::munmap(middle.byte_add(PAGE), PAGE).unwrap();
            Region(&*middle.cast())
        }
    }

    /// Where `n` bytes at a place begin.
    fn offset(self, n: usize, place: usize) -> usize {
        if place <= MISALIGNED { place } else { PAGE - n }
    }

    /// The address of byte `offset`, which may be the one behind the region.
    fn at(self, offset: usize) -> *mut c_void {
        self.0.as_ptr().cast_mut().wrapping_add(offset).cast()
    }

    /// The `n` bytes from `offset` on and what is beside them, with their numbers.
    fn around(self, offset: usize, n: usize) -> impl Iterator<Item = (usize, &'static AtomicU8)> {
        let (first, end) = (offset.saturating_sub(MARGIN), offset + n + MARGIN);
        (first..).zip(&self.0[first..end.min(PAGE)])
    }

    /// Sets the `n` bytes from `offset` on and what is beside them.
    fn set(self, offset: usize, n: usize, value: impl Fn(usize) -> u8) {
        for (i, byte) in self.around(offset, n) {
            byte.store(value(i), Relaxed);
        }
    }

    /// Checks the `n` bytes from `offset` on and what is beside them.
    #[track_caller]
    fn check(self, offset: usize, n: usize, expected: impl Fn(usize) -> u8) {
        for (i, byte) in self.around(offset, n) {
            assert_eq!(
                byte.load(Relaxed),
                expected(i),
                "byte {i}, {n} from {offset}"
            );
        }
    }
}

/// Bytes that differ from their neighbours near and far.
fn pattern(i: usize) -> u8 {
    (i * 7 + i / 251) as u8
}

fn copy(source: Region, dest: Region, n: usize, from: usize, to: usize) {
    let (from, to) = (source.offset(n, from), dest.offset(n, to));
    source.set(from, n, pattern);
    dest.set(to, n, |_| 0xaa);
    let copied = |i| match i {
        i if (to..to + n).contains(&i) => pattern(i - to + from),
        _ => 0xaa,
    };
    for function in [mem::memcpy, mem::memmove] {
        // SAFETY: `n` bytes from either offset on are in its region.
        let result = unsafe { black_box(function)(dest.at(to), source.at(from), n) };
        assert_eq!(result, dest.at(to));
        dest.check(to, n, copied);
        dest.set(to, n, |_| 0xaa);
    }
}

/// memmove to `distance` bytes before and behind, at both ends of the region.
fn overlap(region: Region, n: usize, distance: usize) {
    for low in [0, PAGE - n - distance] {
        for (from, to) in [(low, low + distance), (low + distance, low)] {
            region.set(low, n + distance, pattern);
            // SAFETY: `n` bytes from either offset on are in the region.
            let result = unsafe { black_box(mem::memmove)(region.at(to), region.at(from), n) };
            assert_eq!(result, region.at(to));
            region.check(low, n + distance, |i| match i {
                i if (to..to + n).contains(&i) => pattern(i - to + from),
                i => pattern(i),
            });
        }
    }
}

fn fill(region: Region, n: usize, place: usize) {
    let to = region.offset(n, place);
    region.set(to, n, pattern);
    // Only the low 8 bits count.
    // SAFETY: `n` bytes from `to` on are in the region.
    let result = unsafe { black_box(mem::memset)(region.at(to), 0x7_85, n) };
    assert_eq!(result, region.at(to));
    region.check(to, n, |i| match i {
        i if (to..to + n).contains(&i) => 0x85,
        i => pattern(i),
    });
}

fn compare(a: Region, b: Region, n: usize, a_place: usize, b_place: usize) {
    let (a_at, b_at) = (a.offset(n, a_place), b.offset(n, b_place));
    a.set(a_at, n, |i| pattern(i.wrapping_sub(a_at)));
    // Beside the n bytes nothing is equal.
    b.set(b_at, n, |i| match i.wrapping_sub(b_at) {
        i if i < n => pattern(i),
        i => !pattern(i),
    });
    // SAFETY: `n` bytes from either offset on are in its region.
    let call = |function: unsafe extern "C" fn(_, _, _) -> _| unsafe {
        black_box(function)(a.at(a_at).cast_const(), b.at(b_at).cast_const(), n)
    };
    assert_eq!((call(mem::memcmp), call(mem::bcmp)), (0, 0), "{n} bytes");

    let step = if n <= SMALL { 1 } else { n / 4 };
    for i in (0..n).rev().step_by(step) {
        let byte = &b.0[b_at + i];
        // Half of the changes cross from below 128 to above or back: bytes are
        // compared without a sign.
        for change in [1, 0x80] {
            let other = pattern(i).wrapping_add(change);
            byte.store(other, Relaxed);
            assert_eq!(call(mem::memcmp).cmp(&0), pattern(i).cmp(&other));
            assert_ne!(call(mem::bcmp), 0, "byte {i} of {n}");
        }
        byte.store(pattern(i), Relaxed);
    }
    // The first of two differences decides.
    if n >= 2 {
        b.0[b_at].store(1, Relaxed);
        b.0[b_at + n - 1].store(0, Relaxed);
        assert!(call(mem::memcmp) < 0);
    }
}

fn measure(region: Region, n: usize, place: usize) {
    let at = region.offset(n + 1, place);
    // Behind the NUL there is more, and a NUL.
    region.set(at, n + 1, |i| match i.wrapping_sub(at) {
        i if i == n || i == n + 3 => 0,
        _ => b'x' | 0x80,
    });
    // SAFETY: byte n is 0 and in the region.
    assert_eq!(unsafe { black_box(mem::strlen)(region.at(at).cast()) }, n);
}
