//! Stacks of tasks.

use alloc::vec::Vec;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::*};

use freestand::process::ExitCode;
use freestand::sys::{self, Address, Advice, MapFlags, MaskHow, Prot, SigSet, nr};
use freestand::{fs, println, thread};

use crate::rounds;
use crate::task::stack::{self, Cache, DEFAULT, MAX, Stack};

/// Whether the kernel may not read at `address`, and so nobody may.
fn is_forbidden(address: usize) -> bool {
    let at: Address = ptr::without_provenance_mut(address);
    let none: Address = ptr::null_mut();
    // SAFETY: the call reads a set of signals from there, and where it can it finds none.
    let read: sys::Result<()> = unsafe {
        sys::syscall!(
            nr::rt_sigprocmask,
            MaskHow::BLOCK,
            at,
            none,
            size_of::<SigSet>()
        )
    };
    read.is_err()
}

/// Whether a guard needs no mapping here.
fn guards_are_no_mappings() -> bool {
    const PAGE: usize = 64 << 10;
    let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
    // SAFETY: it replaces nothing, and nobody uses it.
    unsafe {
        let page = sys::mmap(ptr::null_mut(), PAGE, Prot::READ, flags, None, 0).unwrap();
        sys::madvise(page, PAGE, Advice::GUARD_INSTALL).is_ok() && is_forbidden(page.addr())
    }
}

/// The addresses from the guard's end to the top.
fn range(stack: &Stack) -> Range<usize> {
    let top = stack.top().addr();
    stack::stack_at(top - 1).unwrap().start..top
}

/// The first and the last word of a stack.
fn ends(stack: &Stack) -> [*mut usize; 2] {
    let range = range(stack);
    let top = stack.top().cast::<usize>();
    let bottom = stack.top().wrapping_sub(range.len()).cast();
    [bottom, top.wrapping_sub(1)]
}

/// Writes to both ends, and looks at what was there.
fn mark(stack: &Stack, marks: [usize; 2]) -> [usize; 2] {
    let mut marks = marks.into_iter();
    // SAFETY: the stack is the caller's, and nobody runs on it.
    ends(stack).map(|end| unsafe { end.replace(marks.next().unwrap_or_default()) })
}

/// What all must be that are taken.
fn check(stack: &Stack, size: usize) {
    let range = range(stack);
    assert!(range.len() >= size, "{} bytes for {size}", range.len());
    assert_eq!(range.end % 64, 0);
    let found = stack::stack_at(range.end - 1).unwrap();
    assert!(found.start == range.start && found.end >= range.end);
    assert_eq!(stack::stack_at(range.start - 1), Some(found));
    assert!(stack::is_guard(range.start - 1));
    assert!(!stack::is_guard(range.start));
    assert!(is_forbidden(range.start - size_of::<usize>()));
}

pub fn sizes() {
    let sizes = [
        0,
        1,
        4 << 10,
        11 << 10,
        DEFAULT,
        DEFAULT + 1,
        64 << 10,
        1 << 20,
        3 << 20,
    ];
    let mut taken: Vec<Stack> = Vec::new();
    for size in sizes {
        for _ in 0..100 {
            let stack = Stack::take(size).unwrap();
            check(&stack, size);
            assert_eq!(mark(&stack, [1, 2]), [0, 0]);
            taken.push(stack);
        }
    }
    let mut ranges: Vec<Range<usize>> = taken.iter().map(range).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));

    // The largest.
    let largest = Stack::take(MAX).unwrap();
    check(&largest, MAX);
    for size in [1 << 30, usize::MAX / 2, usize::MAX] {
        assert!(Stack::take(size).is_none());
    }

    // The tops of neighbours lie in different lines.
    let mut lines: Vec<usize> = (0..16)
        .map(|_| {
            let stack = Stack::take(DEFAULT).unwrap();
            let line = range(&stack).end / 64 % 64;
            taken.push(stack);
            line
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 16);

    // The last one that was given back is the next.
    let start = range(&largest).start;
    drop(largest);
    assert_eq!(range(&Stack::take(MAX).unwrap()).start, start);

    // Whose they are.
    let owners: Vec<u64> = (0..10).collect();
    for (stack, owner) in taken.iter().step_by(50).zip(&owners) {
        stack.set_owner(ptr::from_ref(owner).cast_mut());
    }
    let sum = || {
        let (mut sum, mut count) = (0, 0);
        stack::each_owner(&mut |owner: *mut u64| {
            // SAFETY: the owners live.
            sum += unsafe { *owner };
            count += 1;
        });
        (sum, count)
    };
    assert_eq!(sum(), (45, 10));
    // The one of owner 0 has none any more, nor has the one of owner 1, which is free.
    taken[0].set_owner(ptr::null_mut::<u64>());
    drop(taken.swap_remove(50));
    assert_eq!(sum(), (44, 8));
    drop(taken);
    assert_eq!(sum(), (0, 0));
}

/// A guard is one for as long as the process lives, whatever becomes of the stack.
pub fn guards() {
    let count = rounds();
    for _ in 0..3 {
        let stacks: Vec<Stack> = (0..count).map(|_| Stack::take(DEFAULT).unwrap()).collect();
        for stack in &stacks {
            check(stack, DEFAULT);
            mark(stack, [1, 2]);
        }
        // More than may keep their pages.
        drop(stacks);
    }
}

pub fn overflow() {
    let stack = Stack::take(DEFAULT).unwrap();
    let below = ends(&stack)[0].wrapping_sub(1);
    println!("{}", stack::is_guard(below.addr()));
    let _ = freestand::io::Write::flush(&mut freestand::io::stdout());
    // SAFETY: nobody else's memory is there.
    unsafe { below.write_volatile(1) };
}

/// A cache takes and gives back what it was asked for, and loses nothing.
pub fn cache() {
    let mut cache = Cache::new();
    // Others than those of the default size go past it.
    let large = cache.take(1 << 20).unwrap();
    check(&large, 1 << 20);
    cache.put(large);
    let first = cache.take(DEFAULT).unwrap();
    let start = range(&first).start;
    cache.put(first);
    assert_eq!(range(&cache.take(DEFAULT).unwrap()).start, start);

    let mut most = 0;
    for round in 0..rounds() {
        let count = 1 + round * 37 % 200;
        let stacks: Vec<Stack> = (0..count).map(|_| cache.take(DEFAULT).unwrap()).collect();
        let mut starts: Vec<usize> = stacks.iter().map(|stack| range(stack).start).collect();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts.len(), count);
        stacks.into_iter().for_each(|stack| cache.put(stack));
        if round == 200 {
            most = mappings();
        }
    }
    // It has asked for no more than it once had.
    assert!(rounds() <= 200 || mappings() <= most);
    cache.clear();
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .count()
}

/// How many bytes are in memory.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * freestand::env::auxv().page_size().unwrap()
}

/// As many as there can be, or as there are to be.
pub fn many() {
    let without_mappings = guards_are_no_mappings();
    let mut stacks: Vec<Stack> = Vec::with_capacity(rounds());
    let (mappings_before, before) = (mappings(), resident());
    while stacks.len() < rounds() {
        let Some(stack) = Stack::take(DEFAULT) else {
            // The kernel allows no more mappings, and that is all.
            assert!(!without_mappings, "only {} stacks", stacks.len());
            assert!(stacks.len() > 30_000, "only {} stacks", stacks.len());
            break;
        };
        // As a task that waits.
        // SAFETY: nobody runs on it.
        unsafe { ends(&stack)[1].wrapping_sub(40).write_bytes(1, 41) };
        stacks.push(stack);
    }
    let count = stacks.len();
    let (mappings, bytes) = (mappings() - mappings_before, resident() - before);
    println!(
        "{count} stacks, {mappings} mappings, {} bytes each",
        bytes / count
    );
    if without_mappings {
        assert!(mappings < 100, "{mappings} mappings");
        let page = freestand::env::auxv().page_size().unwrap();
        assert!(bytes < count * (page + 128) + (1 << 20));
    }
    drop(stacks);
    if without_mappings {
        let left = resident() - before;
        assert!(left < (16 << 20), "{left} bytes are left");
    }
    // There are some again.
    check(&Stack::take(DEFAULT).unwrap(), DEFAULT);
}

/// Threads that take and give back: what one has no other one has.
pub fn storm() {
    const THREADS: usize = 4;
    static TAKEN: AtomicUsize = AtomicUsize::new(0);

    thread::scope(|scope| {
        for number in 1..=THREADS {
            scope.spawn(move || {
                let mut cache = Cache::new();
                let mut has: Vec<Stack> = Vec::new();
                let mut random = number;
                for _ in 0..rounds() {
                    random = random.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
                    let some = random >> 16 & 63;
                    if random >> 8 & 1 == 0 && has.len() < 300 {
                        for _ in 0..some {
                            let stack = cache.take(DEFAULT).unwrap();
                            mark(&stack, [number, random]);
                            has.push(stack);
                        }
                        TAKEN.fetch_add(some, Relaxed);
                    } else {
                        for stack in has.drain(..some.min(has.len())) {
                            assert_eq!(mark(&stack, [0, 0])[0], number);
                            cache.put(stack);
                        }
                    }
                }
                has.into_iter().for_each(|stack| cache.put(stack));
                cache.clear();
            });
        }
    });
    assert!(TAKEN.load(Relaxed) > rounds());
}

/// To be played while a system call fails: says whether there were stacks.
pub fn faults() -> ExitCode {
    let mut failed = false;
    for _ in 0..3 {
        match Stack::take(DEFAULT) {
            Some(stack) => {
                let range = range(&stack);
                assert!(is_forbidden(range.start - size_of::<usize>()));
                mark(&stack, [1, 2]);
                // It is not given back, so the next one is another.
                core::mem::forget(stack);
            }
            None => failed = true,
        }
    }
    println!("ok");
    ExitCode::from(u8::from(failed))
}
