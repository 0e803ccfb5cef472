//! What the mem family costs, beside the C library's: both in this process, by turns.
//!
//! `cargo run --release -p freestand-benches --bin mem` prints a line for each figure, its
//! fields separated by tabs: function, pattern, mode, bytes, nanoseconds a call of ours and
//! of the C library's, and the former over the latter. Then a table: the geometric means of
//! these ratios. Names of functions as arguments select them.
//!
//! With `--target i686-unknown-linux-gnu` (and `cc` for its linker, by the variable
//! `CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_LINKER`) it is i386's family beside the C library's
//! on i386; with `--features small-mem`, the small one.
//!
//! A pattern is where the bytes are, and what is in them. In the mode `throughput` each
//! call is independent of the one before it; in the mode `latency` its arguments are made
//! from what that one returned, and a copy's source is what the last copy wrote.
//!
//! Ours are this program's memcpy and so on, for the library's module is compiled into it;
//! the C library's are the next ones by these names (dlsym(3), `RTLD_NEXT`). The library
//! as a whole cannot be linked into a program that has a C library.

use std::alloc::{Layout, alloc_zeroed};
use std::collections::BTreeMap;
use std::env;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::hint::black_box;
use std::mem::transmute_copy;
use std::time::Instant;

/// The library's, by its own file.
#[allow(
    dead_code,
    reason = "what the library offers and this program does not call"
)]
#[path = "../src/mem/mod.rs"]
mod mem;

/// What it finds in the library.
#[path = "../src/arch"]
mod arch {
    #[cfg(target_arch = "x86_64")]
    #[path = "x86_64/mem.rs"]
    pub(crate) mod mem;
    #[cfg(target_arch = "x86")]
    #[path = "i386/mem.rs"]
    pub(crate) mod mem;
}

/// The largest size.
const LARGEST: usize = 16 << 20;

/// How far apart the two buffers are: more than the largest size, and whole pages.
const APART: usize = LARGEST + PAGE * 16;

/// Addresses that are equal modulo this look alike to a processor that orders its loads
/// and stores.
const PAGE: usize = 4096;

/// How long a turn takes at least, and how many turns each side has: the fastest counts.
const TURN_NANOSECONDS: u128 = 12_000;
const TURNS: usize = 15;
const TURNS_OF_LARGE: usize = 5;

fn main() {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let buffers = Buffers::new();
    learn(&buffers);
    let mut ratios = BTreeMap::<(usize, &str), Vec<(usize, f64)>>::new();
    for (index, function) in FUNCTIONS.iter().enumerate() {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == function.name) {
            continue;
        }
        for pattern in function.patterns {
            for latency in [false, true] {
                for n in sizes() {
                    let [ours, theirs] = (function.measure)(&buffers, pattern, n, latency);
                    let ratio = ours / theirs;
                    let mode = if latency { "latency" } else { "throughput" };
                    println!(
                        "{}\t{}\t{mode}\t{n}\t{ours:.2}\t{theirs:.2}\t{ratio:.3}",
                        function.name, pattern.name
                    );
                    let of_function = ratios.entry((index, function.name)).or_default();
                    of_function.push((n, ratio));
                }
            }
        }
    }
    println!();
    println!("| ours : the C library's | to 128 B | 256 B to 4 KiB | from 16 KiB on | all |");
    println!("|---|--:|--:|--:|--:|");
    for ((_, name), ratios) in ratios {
        print!("| `{name}` |");
        for range in [0..=128, 256..=4096, 16 << 10..=LARGEST, 0..=LARGEST] {
            let inside = ratios.iter().filter(|(n, _)| range.contains(n));
            let logs: Vec<f64> = inside.map(|(_, ratio)| ratio.ln()).collect();
            let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
            print!(" {mean:.2} |");
        }
        println!();
    }
}

/// Two or three to a doubling: each power of 2, its half more, and the odd ones beside it
/// as long as they are small.
fn sizes() -> Vec<usize> {
    let powers = (0..).map(|exponent| 1 << exponent);
    let mut sizes: Vec<usize> = powers
        .take_while(|&power| power <= LARGEST)
        .flat_map(|power| {
            let odd = if power <= 1024 { 1 } else { 0 };
            [power - odd, power, power + odd, power + power / 2]
        })
        .filter(|size| (1..=LARGEST).contains(size))
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The family may look at the processor when it has moved some bytes.
fn learn(buffers: &Buffers) {
    for _ in 0..2 {
        // SAFETY: both buffers have that many bytes.
        unsafe { mem::memcpy(buffers.at(APART).cast(), buffers.at(0).cast(), LARGEST) };
    }
}

/// Where the bytes are, and what is in them.
struct Pattern {
    name: &'static str,
    /// Where in its buffer the destination or the first operand begins.
    first: usize,
    /// Where, from the first buffer on, the source or the second operand begins.
    second: usize,
    /// The byte that differs, ends a string or is found: as a part of the size in
    /// quarters, of which four are the last byte.
    at: Option<usize>,
}

const fn pattern(name: &'static str, first: usize, second: usize) -> Pattern {
    Pattern {
        name,
        first,
        second,
        at: None,
    }
}

const COPIES: &[Pattern] = &[
    pattern("aligned", 0, APART + PAGE / 2),
    pattern("misaligned", 9, APART + PAGE / 2 + 3),
    pattern("misaligned-source", 0, APART + PAGE / 2 + 13),
    pattern("aliased", 0, APART),
    pattern("aliased-behind", 5, APART),
    pattern("aliased-before", 0, APART + 21),
];

const MOVES: &[Pattern] = &[
    pattern("aligned", 0, APART + PAGE / 2),
    pattern("misaligned", 9, APART + PAGE / 2 + 3),
    pattern("aliased-behind", 5, APART),
    pattern("overlap", 3, 67),
    pattern("overlap-aligned", 128, 0),
];

const FILLS: &[Pattern] = &[
    pattern("aligned", 0, 0),
    pattern("misaligned", 9, 0),
    pattern("misaligned-by-a-half", 48, 0),
];

const COMPARISONS: &[Pattern] = &[
    pattern("equal-aligned", 0, APART + PAGE / 2),
    pattern("equal-misaligned", 9, APART + PAGE / 2 + 3),
    pattern("equal-aliased", 5, APART),
    Pattern {
        at: Some(4),
        ..pattern("last-differs", 9, APART + PAGE / 2 + 3)
    },
    Pattern {
        at: Some(1),
        ..pattern("early-differs", 0, APART + PAGE / 2 + 3)
    },
];

const STRINGS: &[Pattern] = &[
    pattern("aligned", 0, 0),
    pattern("misaligned", 9, 0),
    pattern("misaligned-by-a-half", 48, 0),
    pattern("end-of-page", PAGE - 11, 0),
];

const SEARCHES: &[Pattern] = &[
    Pattern {
        at: Some(4),
        ..pattern("aligned", 0, 0)
    },
    Pattern {
        at: Some(4),
        ..pattern("misaligned", 9, 0)
    },
    Pattern {
        at: Some(1),
        ..pattern("early", 5, 0)
    },
    pattern("absent", 9, 0),
    pattern("end-of-page", PAGE - 11, 0),
];

struct Function {
    name: &'static str,
    patterns: &'static [Pattern],
    /// Nanoseconds a call of ours and of the C library's.
    measure: fn(&Buffers, &Pattern, usize, bool) -> [f64; 2],
}

const FUNCTIONS: &[Function] = &[
    Function {
        name: "memcpy",
        patterns: COPIES,
        measure: |buffers, pattern, n, latency| {
            copies(buffers, pattern, n, latency, mem::memcpy, c"memcpy")
        },
    },
    Function {
        name: "memmove",
        patterns: MOVES,
        measure: |buffers, pattern, n, latency| {
            copies(buffers, pattern, n, latency, mem::memmove, c"memmove")
        },
    },
    Function {
        name: "memset",
        patterns: FILLS,
        measure: fills,
    },
    Function {
        name: "memcmp",
        patterns: COMPARISONS,
        measure: |buffers, pattern, n, latency| {
            comparisons(buffers, pattern, n, latency, mem::memcmp, c"memcmp")
        },
    },
    Function {
        name: "bcmp",
        patterns: COMPARISONS,
        measure: |buffers, pattern, n, latency| {
            comparisons(buffers, pattern, n, latency, mem::bcmp, c"bcmp")
        },
    },
    Function {
        name: "strlen",
        patterns: STRINGS,
        measure: strings,
    },
    Function {
        name: "memchr",
        patterns: SEARCHES,
        measure: searches,
    },
];

type Copy = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void;
type Fill = unsafe extern "C" fn(*mut c_void, c_int, usize) -> *mut c_void;
type Compare = unsafe extern "C" fn(*const c_void, *const c_void, usize) -> c_int;
type Length = unsafe extern "C" fn(*const c_char) -> usize;
type Find = unsafe extern "C" fn(*const c_void, c_int, usize) -> *mut c_void;

/// The C library's function of this name, as a function pointer of type `F`.
fn theirs<F>(name: &CStr) -> F {
    // SAFETY: the name ends in a NUL.
    let address = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    assert!(!address.is_null(), "the C library has no {name:?}");
    // SAFETY: the name is that of a function of this type.
    unsafe { transmute_copy(&address) }
}

fn copies(
    buffers: &Buffers,
    pattern: &Pattern,
    n: usize,
    latency: bool,
    ours: Copy,
    name: &CStr,
) -> [f64; 2] {
    buffers.fill(n, b'x');
    let (dest, src) = (buffers.at(pattern.first), buffers.at(pattern.second));
    // What the one is, made from the other: the next copy's source is what this one
    // returns, its destination.
    let flip = dest.addr() ^ src.addr();
    time(
        [ours, theirs(name)],
        n,
        latency,
        src.addr(),
        |function, src| {
            let src = src as *mut c_void;
            // SAFETY: there are `n` bytes in either buffer from each place on.
            unsafe { function(src.map_addr(|src| src ^ flip), src, n).addr() }
        },
    )
}

fn fills(buffers: &Buffers, pattern: &Pattern, n: usize, latency: bool) -> [f64; 2] {
    let dest = buffers.at(pattern.first);
    let functions: [Fill; 2] = [mem::memset, theirs(c"memset")];
    time(functions, n, latency, dest.addr(), |function, dest| {
        // SAFETY: there are `n` bytes in the buffer from that place on.
        unsafe { function(dest as *mut c_void, 1, n).addr() }
    })
}

fn comparisons(
    buffers: &Buffers,
    pattern: &Pattern,
    n: usize,
    latency: bool,
    ours: Compare,
    name: &CStr,
) -> [f64; 2] {
    let (a, b) = (buffers.at(pattern.first), buffers.at(pattern.second));
    buffers.fill(n, b'x');
    if let Some(quarters) = pattern.at {
        buffers.set(pattern.second + (n - 1) * quarters / 4, b'y');
    }
    let nothing = black_box(0);
    time([ours, theirs(name)], n, latency, 0, |function, offset| {
        // SAFETY: there are `n` bytes in either buffer from each place on.
        unsafe { function(a.byte_add(offset), b.byte_add(offset), n) as usize & nothing }
    })
}

fn strings(buffers: &Buffers, pattern: &Pattern, n: usize, latency: bool) -> [f64; 2] {
    buffers.fill(n, b'x');
    buffers.set(pattern.first + n, 0);
    let (string, nothing) = (buffers.at(pattern.first), black_box(0));
    let functions: [Length; 2] = [mem::strlen, theirs(c"strlen")];
    time(functions, n, latency, 0, |function, offset| {
        // SAFETY: byte `n` is NUL.
        unsafe { function(string.byte_add(offset).cast()) & nothing }
    })
}

fn searches(buffers: &Buffers, pattern: &Pattern, n: usize, latency: bool) -> [f64; 2] {
    buffers.fill(n, b'x');
    if let Some(quarters) = pattern.at {
        buffers.set(pattern.first + (n - 1) * quarters / 4, b'y');
    }
    let (start, nothing) = (buffers.at(pattern.first), black_box(0));
    let functions: [Find; 2] = [mem::memchr, theirs(c"memchr")];
    time(functions, n, latency, 0, |function, offset| {
        // SAFETY: there are `n` bytes in the buffer from that place on.
        unsafe { function(start.byte_add(offset), c_int::from(b'y'), n).addr() & nothing }
    })
}

/// Nanoseconds that `call` of each function takes, on `n` bytes, in the fastest of its
/// turns: always with `start`, or first with that and then with what it returned.
fn time<F: core::marker::Copy>(
    functions: [F; 2],
    n: usize,
    latency: bool,
    start: usize,
    call: impl Fn(F, usize) -> usize,
) -> [f64; 2] {
    let mut times = 1;
    while functions
        .map(|function| turn(function, times, latency, start, &call))
        .into_iter()
        .min()
        < Some(TURN_NANOSECONDS)
    {
        times *= 2;
    }
    let mut fastest = [u128::MAX; 2];
    for _ in 0..if n < 1 << 20 { TURNS } else { TURNS_OF_LARGE } {
        for (fastest, function) in fastest.iter_mut().zip(functions) {
            *fastest = turn(function, times, latency, start, &call).min(*fastest);
        }
    }
    fastest.map(|nanoseconds| nanoseconds as f64 / times as f64)
}

/// Nanoseconds of `times` calls. The same code for both sides: where a loop is in memory is
/// something that its time depends on.
#[inline(never)]
fn turn<F>(
    function: F,
    times: u64,
    latency: bool,
    start: usize,
    call: &impl Fn(F, usize) -> usize,
) -> u128
where
    F: core::marker::Copy,
{
    let function = black_box(function);
    let begin = Instant::now();
    let mut value = start;
    if latency {
        for _ in 0..times {
            value = call(function, value);
        }
    } else {
        for _ in 0..times {
            black_box(call(function, start));
        }
    }
    black_box(value);
    begin.elapsed().as_nanos()
}

/// Two buffers, one behind the other.
struct Buffers(*mut u8);

impl Buffers {
    const SIZE: usize = 2 * APART;

    fn new() -> Buffers {
        let layout = Layout::from_size_align(Buffers::SIZE, PAGE).unwrap();
        // SAFETY: the size is not 0. It stays until the process ends.
        let start = unsafe { alloc_zeroed(layout) };
        assert!(!start.is_null());
        Buffers(start)
    }

    fn at(&self, offset: usize) -> *mut c_void {
        assert!(offset < Buffers::SIZE);
        self.0.wrapping_add(offset).cast()
    }

    fn set(&self, offset: usize, byte: u8) {
        // SAFETY: `at` sees to it that the byte is in the buffers.
        unsafe { self.at(offset).cast::<u8>().write(byte) };
    }

    /// Fills the first `n` bytes of either buffer, and two pages more.
    fn fill(&self, n: usize, byte: u8) {
        for start in [0, APART] {
            // SAFETY: each buffer has that many bytes.
            unsafe { self.at(start).write_bytes(byte, n + 2 * PAGE) };
        }
    }
}
