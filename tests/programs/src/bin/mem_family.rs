//! memcpy, memmove, memset, memcmp, bcmp, strlen and memchr against what a byte at a time
//! gives, in memory with nothing before and nothing behind it: one byte read or written
//! too far on either side is a SIGSEGV, one written elsewhere is seen beside those that a
//! function is to change.
//!
//! Bytes lie at one of 65 places: at each alignment from 0 to 63, counted from the
//! memory's start, so that at 0 there is nothing before them, and at its end. The sizes are
//! 0 to 4096 and, at some places, some to 1 MiB. With each size are tried
//!
//! - with the argument `product`, all pairs of places: what processors do that run it
//!   themselves, in release;
//! - without, all pairs where the size is small or close to a power of two, and of the
//!   other sizes a few pairs each, so that every size and every pair is among them: what is
//!   done under qemu, and in debug, in which the family is no other;
//! - with `fresh`, the same in processes that each have but a few bytes to go through, so
//!   that a family that looks at the processor only after many has not done it.
//!
//! What a function did is looked at by words that only this program reads and writes.

#![no_std]
#![no_main]

use core::arch::asm;
use core::ffi::c_void;
use core::hint::black_box;
use core::ops::Range;
use core::ptr;

use freestand::env::Args;
use freestand::process::ExitCode;
use freestand::sys::{self, Change, MapFlags, Prot, WaitOptions, WaitStatus};
use freestand::{mem, println};

freestand::entry!(main);

/// How much is tried, and where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Product,
    Cover,
    Fresh,
}

fn main(mut args: Args) -> ExitCode {
    let way = match args.nth(1).map(|arg| arg.to_bytes()) {
        Some(b"product") => Way::Product,
        None => Way::Cover,
        Some(b"fresh") => Way::Fresh,
        Some(_) => return ExitCode::FAILURE,
    };
    let bench = Bench::new();
    for n in (0..=LARGEST).chain(LARGER) {
        let pairs = pairs(n, way);
        if way == Way::Fresh {
            let few = FEW / (CALLS * (n + 1)) + 1;
            for first in pairs.clone().step_by(few) {
                let few = first..pairs.end.min(first + few);
                in_child(|| bench.all(n, few.clone()));
            }
        } else {
            bench.all(n, pairs);
        }
    }
    println!("ok");
    ExitCode::SUCCESS
}

/// The sizes that are tried: to this,
const LARGEST: usize = 4096;
/// and those.
const LARGER: [usize; 6] = [
    (8 << 10) - 1,
    (16 << 10) + 3,
    (32 << 10) + 70,
    100_000,
    (256 << 10) + 1,
    1 << 20,
];

/// The alignments, and the place after them: the memory's end.
const END: usize = 64;
const PLACES: usize = END + 1;
const PAIRS: usize = PLACES * PLACES;

/// The pairs of places, as numbers that count modulo [`PAIRS`], that are tried for `n`
/// bytes.
fn pairs(n: usize, way: Way) -> Range<usize> {
    /// Up to here each size may be a case of its own: four of the widest vectors, or
    /// eight words.
    const SMALL: usize = 65;
    /// How many pairs are a few.
    const FEW: usize = 4;

    let is_close = |to: usize| n + 1 >= to && n <= to + 1;
    let close = [96, 128, 256, 512, 1024, 2048].into_iter().any(is_close);
    if n <= LARGEST && (way == Way::Product || n <= SMALL || close) {
        0..PAIRS
    } else {
        n * FEW..(n + 1) * FEW
    }
}

/// How many bytes one process goes through at most, if it is to be few,
const FEW: usize = 900 << 10;
/// and how often those of one pair are gone through.
const CALLS: usize = 12;

/// Does something in a process of its own, which must end well.
fn in_child(part: impl Fn()) {
    // SAFETY: there is no other thread, and nothing to be written out.
    match unsafe { sys::fork() }.expect("there may be a child") {
        None => {
            part();
            sys::exit_group(0)
        }
        Some(child) => {
            let mut status = WaitStatus::default();
            let waited = sys::wait4(child, Some(&mut status), WaitOptions::empty(), None);
            assert_eq!(waited, Ok(Some(child)));
            assert_eq!(status.change(), Change::Exited(0));
        }
    }
}

/// 16 bytes at an address of no particular alignment.
#[repr(C, packed)]
struct Word(u128);
const WORD: usize = size_of::<Word>();

/// Nothing, but the compiler must believe that it changes any memory: it makes no call of
/// a loop with it.
#[inline(always)]
fn opaque() {
    // SAFETY: no instruction at all.
    unsafe { asm!("", options(nostack, preserves_flags)) }
}

/// Bytes with nothing before and nothing behind them. Those at an offset are no other than
/// this program's own, so that they are found by their address.
#[derive(Clone, Copy)]
struct Region(usize);

impl Region {
    /// How many bytes it has.
    const SIZE: usize = (1 << 20) + Region::PAGE;
    /// What no architecture has larger pages than.
    const PAGE: usize = 64 << 10;

    fn new() -> Region {
        let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
        let rights = Prot::READ | Prot::WRITE;
        let all = Region::SIZE + 2 * Region::PAGE;
        // SAFETY: a new mapping, of which the outer pages are given back unused; the
        // rest stays for good.
        unsafe {
            let start = sys::mmap(ptr::null_mut(), all, rights, flags, None, 0).unwrap();
            let region = start.byte_add(Region::PAGE);
            sys::munmap(start, Region::PAGE).unwrap();
            sys::munmap(region.byte_add(Region::SIZE), Region::PAGE).unwrap();
            Region(region.expose_provenance())
        }
    }

    /// A region of bytes that differ from their neighbours near and far. None is 0, and
    /// none is more than 251.
    fn with_pattern() -> Region {
        let region = Region::new();
        let (mut offset, mut byte) = (0, 1);
        while offset < Region::SIZE {
            region.set(offset, byte);
            byte = if byte == 251 { 1 } else { byte + 1 };
            offset += 1;
            opaque();
        }
        region
    }

    /// The address of byte `offset`, which may be the one behind the region.
    fn at(self, offset: usize) -> *mut c_void {
        assert!(offset <= Region::SIZE);
        ptr::with_exposed_provenance_mut(self.0 + offset)
    }

    /// Where `n` bytes at a place begin.
    fn offset(n: usize, place: usize) -> usize {
        if place == END {
            Region::SIZE - n
        } else {
            place
        }
    }

    #[inline(always)]
    fn get(self, offset: usize) -> u8 {
        assert!(offset < Region::SIZE);
        // SAFETY: it is in the region.
        unsafe { *((self.0 + offset) as *const u8) }
    }

    #[inline(always)]
    fn set(self, offset: usize, byte: u8) {
        assert!(offset < Region::SIZE);
        // SAFETY: it is in the region.
        unsafe { *((self.0 + offset) as *mut u8) = byte }
    }

    /// Whether the `n` bytes from `offset` on are those of `other` from `from` on.
    fn same(self, offset: usize, n: usize, other: Region, from: usize) -> bool {
        assert!(offset + n <= Region::SIZE && from + n <= Region::SIZE);
        let (ours, theirs) = (self.0 + offset, other.0 + from);
        let mut i = 0;
        while i + WORD <= n {
            // SAFETY: both are in their regions.
            let (ours, theirs) = unsafe {
                (
                    (*((ours + i) as *const Word)).0,
                    (*((theirs + i) as *const Word)).0,
                )
            };
            if ours != theirs {
                return false;
            }
            i += WORD;
        }
        while i < n {
            if self.get(offset + i) != other.get(from + i) {
                return false;
            }
            i += 1;
            opaque();
        }
        true
    }

    /// Whether the bytes in `range` are all this one.
    fn all_are(self, range: Range<usize>, byte: u8) -> bool {
        assert!(range.end <= Region::SIZE);
        let word = u128::from(byte) * (u128::MAX / 0xff);
        let mut i = range.start;
        while i + WORD <= range.end {
            // SAFETY: it is in the region.
            if unsafe { (*((self.0 + i) as *const Word)).0 } != word {
                return false;
            }
            i += WORD;
        }
        while i < range.end {
            if self.get(i) != byte {
                return false;
            }
            i += 1;
            opaque();
        }
        true
    }

    /// Puts 0 into the bytes in `range`.
    fn clear(self, range: Range<usize>) {
        assert!(range.end <= Region::SIZE);
        let mut i = range.start;
        while i + WORD <= range.end {
            // SAFETY: it is in the region.
            unsafe { *((self.0 + i) as *mut Word) = Word(0) };
            i += WORD;
            opaque();
        }
        while i < range.end {
            self.set(i, 0);
            i += 1;
            opaque();
        }
    }

    /// Takes over the `n` bytes that another region has from `offset` on.
    fn restore(self, offset: usize, n: usize, other: Region) {
        assert!(offset + n <= Region::SIZE);
        let (to, from) = (self.0 + offset, other.0 + offset);
        let mut i = 0;
        while i + WORD <= n {
            // SAFETY: both are in their regions.
            unsafe { *((to + i) as *mut Word) = Word((*((from + i) as *const Word)).0) };
            i += WORD;
            opaque();
        }
        while i < n {
            self.set(offset + i, other.get(offset + i));
            i += 1;
            opaque();
        }
    }
}

/// How many bytes beside those that a function is to change are looked at.
const MARGIN: usize = 64;

/// What is before and what is behind the `n` bytes from `offset` on.
fn margins(offset: usize, n: usize) -> [Range<usize>; 2] {
    let end = offset + n;
    [
        offset.saturating_sub(MARGIN)..offset,
        end..Region::SIZE.min(end + MARGIN),
    ]
}

type Compare = unsafe extern "C" fn(*const c_void, *const c_void, usize) -> i32;

/// Both functions, or the first if the second is another name of it.
fn different<F: PartialEq>(functions: &[F; 2]) -> &[F] {
    let [first, second] = functions;
    if first == second {
        &functions[..1]
    } else {
        functions
    }
}

/// What the functions work on.
struct Bench {
    /// The pattern, which stays.
    source: Region,
    /// What is written to.
    dest: Region,
    /// The pattern, in which bytes are moved and put back.
    both: Region,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            source: Region::with_pattern(),
            dest: Region::new(),
            both: Region::with_pattern(),
        }
    }

    /// Everything with `n` bytes at these pairs of places.
    fn all(&self, n: usize, pairs: Range<usize>) {
        let has_all = pairs.len() == PAIRS;
        self.overlap_far(n);
        for pair in pairs {
            let (from, to) = (pair % PAIRS / PLACES, pair % PLACES);
            let (source, dest) = (Region::offset(n, from), Region::offset(n, to));
            self.copy(n, source, dest);
            self.compare(n, source, dest, pair);
            // What has but one place.
            if from == 0 || !has_all {
                self.measure(n, dest);
                self.find(n, dest, pair);
                self.fill(n, dest);
            }
            // Where one is at the end, the other is as far before it.
            let (source, dest) = match (from, to) {
                (END, END) => (source, dest),
                (END, to) => (source, source - to),
                (from, END) => (dest - from, dest),
                both => both,
            };
            self.overlap(n, source, dest);
        }
    }

    /// Puts 0 beside and a good way into the `n` bytes from `offset` on: what else is in
    /// there is what was copied last, which is no part of the pattern that is to be copied
    /// next.
    fn clear(&self, n: usize, offset: usize) {
        let [before, behind] = margins(offset, n);
        let inside = n.min(MARGIN);
        self.dest.clear(before.start..offset + inside);
        self.dest.clear(behind.start - inside..behind.end);
    }

    /// Whether there is 0 beside the `n` bytes from `offset` on.
    fn is_clear_beside(&self, n: usize, offset: usize) -> bool {
        margins(offset, n)
            .into_iter()
            .all(|margin| self.dest.all_are(margin, 0))
    }

    fn copy(&self, n: usize, from: usize, to: usize) {
        let (source, dest) = (self.source.at(from), self.dest.at(to));
        for function in different(&[mem::memmove, mem::memcpy]) {
            self.clear(n, to);
            // SAFETY: `n` bytes from either offset on are in its region.
            let result = unsafe { black_box(function)(dest, source, n) };
            assert_eq!(result, dest);
            let right = self.dest.same(to, n, self.source, from) && self.is_clear_beside(n, to);
            assert!(right, "{n} bytes copied from {from} to {to}");
        }
    }

    /// With what [`Bench::copy`] left. `number` changes from call to call.
    fn compare(&self, n: usize, from: usize, to: usize, number: usize) {
        let (a, b) = (self.source.at(from), self.dest.at(to));
        for function in different(&[mem::memcmp, mem::bcmp]) {
            let compare = || {
                // SAFETY: `n` bytes from either offset on are in its region.
                unsafe { black_box(function)(a, b, n) }
            };
            assert_eq!(compare(), 0, "{n} bytes from {from} and {to}");
            if n == 0 {
                continue;
            }
            // One byte differs, and another after it in the other direction. Every other
            // change crosses from below 128 to above or back: bytes have no sign.
            let (first, last) = (number % n, n - 1);
            let (byte, last_byte) = (self.source.get(from + first), self.source.get(from + last));
            let other = if number & 1 == 0 {
                byte ^ 0x80
            } else {
                byte + 1
            };
            self.dest.set(to + last, if byte < other { 0 } else { 255 });
            self.dest.set(to + first, other);
            let order = compare();
            self.dest.set(to + last, last_byte);
            self.dest.set(to + first, byte);
            let right = if ptr::fn_addr_eq(*function, mem::memcmp as Compare) {
                order.cmp(&0) == byte.cmp(&other)
            } else {
                order != 0
            };
            assert!(
                right,
                "{n} bytes from {from} and {to}: {order}, byte {first}"
            );
        }
    }

    /// With what [`Bench::copy`] left, in which no byte is 0 but those beside.
    fn measure(&self, n: usize, at: usize) {
        let mut length = n;
        if at + n == Region::SIZE {
            if n == 0 {
                return;
            }
            length -= 1;
            self.dest.set(at + length, 0);
        }
        // SAFETY: byte `length` is 0 and in the region.
        let measured = unsafe { black_box(mem::strlen)(self.dest.at(at).cast()) };
        assert_eq!(measured, length, "from {at} on");
    }

    /// With what [`Bench::copy`] left, in which no byte is 252 or more.
    fn find(&self, n: usize, at: usize, number: usize) {
        let byte = 252 + (number % 4) as u8;
        // Only the low 8 bits count.
        let value = 0x700 | i32::from(byte);
        let start = self.dest.at(at);
        let find = |n| {
            // SAFETY: the byte is there, or `n` bytes from the offset on are in the region.
            unsafe { black_box(mem::memchr)(start, value, n) }
        };
        // There it is not looked for.
        if at > 0 {
            self.dest.set(at - 1, byte);
        }
        if at + n < Region::SIZE {
            self.dest.set(at + n, byte);
            assert_eq!(
                find(n + 1),
                start.wrapping_byte_add(n),
                "{n} bytes from {at} on"
            );
        }
        assert!(find(n).is_null(), "{n} bytes from {at} on");
        if n > 0 {
            // The last, and another before it, after one that differs in one bit.
            self.dest.set(at + n - 1, byte);
            let place = number % n;
            if place > 0 {
                self.dest.set(at + place - 1, byte ^ 1);
            }
            self.dest.set(at + place, byte);
            // There may be less than is said, behind the byte.
            for n in [n, place + 1, usize::MAX] {
                assert_eq!(
                    find(n),
                    start.wrapping_byte_add(place),
                    "{n} bytes from {at} on"
                );
            }
            assert!(find(place).is_null(), "{place} bytes from {at} on");
        }
    }

    fn fill(&self, n: usize, to: usize) {
        self.clear(n, to);
        let dest = self.dest.at(to);
        // Only the low 8 bits count.
        // SAFETY: `n` bytes from `to` on are in the region.
        let result = unsafe { black_box(mem::memset)(dest, 0x7_85, n) };
        assert_eq!(result, dest);
        let right = self.dest.all_are(to..to + n, 0x85) && self.is_clear_beside(n, to);
        assert!(right, "{n} bytes filled from {to} on");
    }

    fn overlap(&self, n: usize, from: usize, to: usize) {
        let (source, dest) = (self.both.at(from), self.both.at(to));
        // SAFETY: `n` bytes from either offset on are in the region.
        let result = unsafe { black_box(mem::memmove)(dest, source, n) };
        assert_eq!(result, dest);
        let right = self.both.same(to, n, self.source, from)
            && margins(to, n).into_iter().all(|margin| {
                let n = margin.len();
                self.both.same(margin.start, n, self.source, margin.start)
            });
        assert!(right, "{n} bytes moved from {from} to {to}");
        self.both.restore(to, n, self.source);
    }

    /// `n` bytes are moved so that they overlap by a few, and just do not.
    fn overlap_far(&self, n: usize) {
        for shared in [n / 2, n % 100, 1, 0] {
            let distance = n.saturating_sub(shared).min(Region::SIZE - n);
            self.overlap(n, 0, distance);
            self.overlap(n, distance, 0);
        }
    }
}
