//! memcpy, memmove, memset, memcmp, bcmp and strlen against what a byte at a time
//! gives, at every size to 300 and every alignment to 16, in memory with nothing
//! before and nothing behind it: one byte too far on either side is a SIGSEGV.

#![no_std]
#![no_main]

use core::ffi::c_void;
use core::hint::black_box;
use core::ptr;

use freestand::mem;
use freestand::println;
use freestand::sys::{self, MapFlags, Prot};

freestand::entry!(main);

fn main() {
    let (a, b) = (Region::new(), Region::new());
    for n in 0..=LARGEST {
        for to in places(n) {
            for from in places(n) {
                copy(a, b, n, from, to);
                compare(a, b, n, from, to);
            }
            fill(b, n, to);
            measure(b, n, to);
        }
        for distance in distances(n) {
            overlap(b, n, distance);
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
const SMALL: usize = 20;

/// The alignments that are tried, and after them the place at the region's end.
const END: usize = 17;

/// The places of `n` bytes; many bytes have an alignment that changes with their
/// number, and the end.
fn places(n: usize) -> impl Iterator<Item = usize> {
    let step = if n <= SMALL { 1 } else { END - n % END };
    (0..=END)
        .rev()
        .step_by(step)
        .take(if n <= SMALL { END + 1 } else { 2 })
}

/// How far `n` bytes are moved so that they overlap, or just do not.
fn distances(n: usize) -> impl Iterator<Item = usize> {
    let step = if n <= SMALL { 1 } else { n - 1 - n % END };
    (0..=n).rev().step_by(step)
}

/// How many bytes beside those that a function is to change are looked at.
const MARGIN: usize = 9;

/// A page with nothing before and nothing behind it.
#[derive(Clone, Copy)]
struct Region(*mut u8);

impl Region {
    fn new() -> Region {
        let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
        let rights = Prot::READ | Prot::WRITE;
        // SAFETY: a new mapping of three pages, of which the outer two are given
        // back unused; the middle one stays for good.
        unsafe {
            let start = sys::mmap(ptr::null_mut(), 3 * PAGE, rights, flags, None, 0).unwrap();
            let middle = start.byte_add(PAGE);
            sys::munmap(start, PAGE).unwrap();
            sys::munmap(middle.byte_add(PAGE), PAGE).unwrap();
            Region(middle.cast())
        }
    }

    /// Where `n` bytes at a place begin.
    fn offset(self, n: usize, place: usize) -> usize {
        if place == END { PAGE - n } else { place }
    }

    /// The address of byte `offset`, which may be the one behind the region.
    fn at(self, offset: usize) -> *mut c_void {
        assert!(offset <= PAGE);
        self.0.wrapping_add(offset).cast()
    }

    /// Reads and writes are volatile, so that the compiler leaves each as it is:
    /// it must not call what is being tested.
    fn get(self, offset: usize) -> u8 {
        assert!(offset < PAGE);
        // SAFETY: the byte is in the region, which is this program's for good.
        unsafe { self.0.wrapping_add(offset).read_volatile() }
    }

    fn set(self, offset: usize, byte: u8) {
        assert!(offset < PAGE);
        // SAFETY: as for `get`.
        unsafe { self.0.wrapping_add(offset).write_volatile(byte) }
    }

    /// Writes `inside(0)`, `inside(1)`… to the `n` bytes from `offset` on, and
    /// `beside` to what is there before and behind them.
    fn fill(self, offset: usize, n: usize, inside: impl Fn(usize) -> u8, beside: u8) {
        self.each(offset, n, |at, index| {
            self.set(at, index.map_or(beside, &inside));
        });
    }

    /// Checks that the bytes are what [`Region::fill`] would write.
    fn check(self, offset: usize, n: usize, inside: impl Fn(usize) -> u8, beside: u8) {
        self.each(offset, n, |at, index| {
            let expected = index.map_or(beside, &inside);
            assert_eq!(self.get(at), expected, "byte {at}, with {n} from {offset}");
        });
    }

    /// Goes through the `n` bytes from `offset` on, with their index, and what is
    /// beside them. In a plain loop: this is most of what the program does.
    fn each(self, offset: usize, n: usize, visit: impl Fn(usize, Option<usize>)) {
        let mut at = offset.saturating_sub(MARGIN);
        while at < PAGE && at < offset + n + MARGIN {
            let inside = at >= offset && at < offset + n;
            visit(at, inside.then_some(at.wrapping_sub(offset)));
            at += 1;
        }
    }
}

/// Bytes that differ from their neighbours near and far, and are never 0.
fn pattern(i: usize) -> u8 {
    (i % 251) as u8 + 1
}

fn copy(source: Region, dest: Region, n: usize, from: usize, to: usize) {
    let (from, to) = (source.offset(n, from), dest.offset(n, to));
    source.fill(from, n, pattern, 0);
    for function in [mem::memcpy, mem::memmove] {
        dest.fill(to, n, |_| 0, 0xfe);
        // SAFETY: `n` bytes from either offset on are in its region.
        let result = unsafe { black_box(function)(dest.at(to), source.at(from), n) };
        assert_eq!(result, dest.at(to));
        dest.check(to, n, pattern, 0xfe);
    }
}

/// memmove to `distance` bytes before and behind, at both ends of the region.
fn overlap(region: Region, n: usize, distance: usize) {
    for low in [0, PAGE - n - distance] {
        for (from, to) in [(low, low + distance), (low + distance, low)] {
            region.fill(low, n + distance, pattern, 0);
            // SAFETY: `n` bytes from either offset on are in the region.
            let result = unsafe { black_box(mem::memmove)(region.at(to), region.at(from), n) };
            assert_eq!(result, region.at(to));
            let (first, shift) = (to - low, from.wrapping_sub(to));
            let moved = |i: usize| match i {
                i if i >= first && i < first + n => pattern(i.wrapping_add(shift)),
                i => pattern(i),
            };
            region.check(low, n + distance, moved, 0);
        }
    }
}

fn fill(region: Region, n: usize, place: usize) {
    let to = region.offset(n, place);
    region.fill(to, n, pattern, 0);
    // Only the low 8 bits count.
    // SAFETY: `n` bytes from `to` on are in the region.
    let result = unsafe { black_box(mem::memset)(region.at(to), 0x7_85, n) };
    assert_eq!(result, region.at(to));
    region.check(to, n, |_| 0x85, 0);
}

fn compare(a: Region, b: Region, n: usize, a_place: usize, b_place: usize) {
    let (a_at, b_at) = (a.offset(n, a_place), b.offset(n, b_place));
    a.fill(a_at, n, pattern, 0);
    b.fill(b_at, n, pattern, 1);
    let (a_start, b_start) = (a.at(a_at).cast_const(), b.at(b_at).cast_const());
    let call = || {
        // SAFETY: `n` bytes from either offset on are in its region.
        [mem::memcmp, mem::bcmp].map(|function| unsafe { black_box(function)(a_start, b_start, n) })
    };
    assert_eq!(call(), [0, 0], "{n} bytes");

    for i in (0..n).rev().step_by(n / 8 + 1) {
        // Every other change crosses from below 128 to above or back: bytes are
        // compared without a sign.
        let (byte, change) = (pattern(i), if i % 2 == 0 { 1 } else { 0x80 });
        let other = byte.wrapping_add(change);
        b.set(b_at + i, other);
        let [memcmp, bcmp] = call();
        assert_eq!(memcmp.cmp(&0), byte.cmp(&other), "byte {i} of {n}");
        assert_ne!(bcmp, 0, "byte {i} of {n}");
        b.set(b_at + i, byte);
    }
    // The first of two differences decides.
    if n >= 2 {
        b.set(b_at, 0xff);
        b.set(b_at + n - 1, 0);
        assert!(call()[0] < 0);
    }
}

fn measure(region: Region, n: usize, place: usize) {
    let at = region.offset(n + 1, place);
    // Behind the NUL there is more, and a NUL.
    region.fill(at, n, pattern, 0);
    if at + n + 2 < PAGE {
        region.set(at + n + 1, b'x');
    }
    // SAFETY: byte n is 0 and in the region.
    assert_eq!(unsafe { black_box(mem::strlen)(region.at(at).cast()) }, n);
}
