//! Switching stacks.

use alloc::vec;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr;

use freestand::arch;
use freestand::println;
use freestand::process::ExitCode;
use freestand::time::Instant;

use crate::registers::{control_words, entry, registers_across};
use crate::rounds;

/// What only one thread looks at.
struct Single<T>(UnsafeCell<T>);

// SAFETY: there are no threads in these scenes.
unsafe impl<T> Sync for Single<T> {}

/// How many stacks there are, the initial one among them.
const STACKS: usize = 4;

/// Where those wait that do not run.
static WAITING: Single<[*mut u8; STACKS]> = Single(UnsafeCell::new([ptr::null_mut(); STACKS]));

/// How often a stack has found its registers as they were.
static KEPT: Single<usize> = Single(UnsafeCell::new(0));

/// Goes from the stack `from` to the stack `to`, which waits.
#[inline(always)]
fn go(from: usize, to: usize) {
    let waiting = WAITING.0.get().cast::<*mut u8>();
    // SAFETY: whoever waits has been there or was prepared, and only the one that runs goes
    // anywhere.
    unsafe { arch::switch(waiting.add(from), waiting.add(to).read()) };
}

/// Makes the stack `number`, which will call `entry`. It is never freed.
fn make(number: usize, entry: extern "C" fn() -> !) {
    let stack: &mut [u128] = vec![0; 4096].leak();
    let top = stack.as_mut_ptr_range().end.cast();
    // SAFETY: the stack is long enough, and nobody else's.
    unsafe {
        let waiting = WAITING.0.get().cast::<*mut u8>();
        waiting.add(number).write(arch::prepare(top, entry));
    }
}

/// Goes from stack to stack, in turn.
#[inline(never)]
extern "C" fn go_on(number: *mut c_void) {
    let number = number.addr();
    go(number, (number + 1) % STACKS);
}

/// Goes on and comes back, and looks whether all is as it was.
fn round_trip(number: usize, round: usize) {
    // Any value, that tells the stacks apart, and each time another rounding mode.
    let seed = (round * STACKS + number).wrapping_mul(0x9e37_79b9);
    let number = ptr::without_provenance_mut(number);
    // SAFETY: `go_on` keeps what functions keep, which is what is to be seen.
    assert_eq!(
        unsafe { registers_across(go_on, number, seed) },
        0,
        "round {round}"
    );
    // SAFETY: only the stack that runs looks at it.
    unsafe { *KEPT.0.get() += 1 };
}

extern "C" fn trip<const NUMBER: usize>() -> ! {
    for round in 0.. {
        round_trip(NUMBER, round);
    }
    unreachable!()
}

pub fn switch() {
    make(1, trip::<1>);
    make(2, trip::<2>);
    make(3, trip::<3>);
    let before = control_words();
    for round in 0..rounds() {
        round_trip(0, round);
    }
    assert_eq!(control_words(), before);
    // The others have come back from all but the last.
    // SAFETY: only the stack that runs looks at it.
    assert_eq!(
        unsafe { *KEPT.0.get() },
        rounds() + (STACKS - 1) * (rounds() - 1)
    );
}

/// What the last stack that was prepared has begun with: stack pointer, frame pointer, return
/// address, control words.
static BEGUN: Single<[usize; 4]> = Single(UnsafeCell::new([usize::MAX; 4]));

pub extern "C" fn begun(sp: usize, frame: usize, from: usize) -> ! {
    // SAFETY: the initial stack looks at it when this one has left.
    unsafe { *BEGUN.0.get() = [sp, frame, from, control_words()] };
    go(1, 0);
    unreachable!()
}

/// A stack begins as the ABI says that one does.
pub fn begin() {
    /// Where the stack pointer is when a function begins, from a multiple of 16.
    const ENTERED_AT: usize = match arch::NAME.as_bytes() {
        b"x86_64" => 8,
        b"i386" => 12,
        _ => 0,
    };

    let mut stack: Vec<u128> = vec![0; 4096];
    let range = stack.as_mut_ptr_range();
    // SAFETY: `entry` is such a function, but for that nobody may call it; the stack is long
    // enough, and nobody else's.
    unsafe {
        let entry: extern "C" fn() -> ! = core::mem::transmute(entry as *const ());
        let waiting = WAITING.0.get().cast::<*mut u8>();
        waiting.add(1).write(arch::prepare(range.end.cast(), entry));
    }
    let control = control_words();
    go(0, 1);
    // SAFETY: the other stack does not run.
    let [sp, frame, from, its_control] = unsafe { *BEGUN.0.get() };
    assert_eq!(sp % 16, ENTERED_AT);
    assert!((range.end.addr() - 16..=range.end.addr()).contains(&sp));
    assert_eq!(frame, 0);
    assert_eq!(from, 0);
    assert_eq!(its_control, control);
}

extern "C" fn bounce() -> ! {
    loop {
        go(1, 0);
    }
}

/// Prints what a switch takes.
pub fn bench() -> ExitCode {
    make(1, bounce);
    let mut best = u128::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        for _ in 0..rounds() {
            go(0, 1);
        }
        let nanos = start.elapsed().as_nanos();
        best = best.min(nanos * 1000 / (rounds() as u128 * 2));
    }
    println!("{best} ps a switch");
    ExitCode::SUCCESS
}
