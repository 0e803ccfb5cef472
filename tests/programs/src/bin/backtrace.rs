//! Panics under a chain of frames that its argument names: a whole one, or one that is
//! broken where `broken` says.

#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;
use core::ptr;

use freestand::arch::FRAME_RECORD;
use freestand::env::Args;
use freestand::sys::{self, MapFlags, Prot, STDIN};
use freestand::{eprint, println};

freestand::entry!(main);

fn main(mut args: Args) {
    match args.nth(1).map(|way| way.to_bytes()) {
        Some(b"chain") => outer(),
        Some(b"deep") => deep(100),
        Some(b"c") => {
            // SAFETY: it calls the function.
            let sum = unsafe { through_c(called_by_c, 1) };
            println!("{sum}");
        }
        Some(b"prompt") => {
            eprint!("what? ");
            let _ = sys::read(STDIN, &mut [0; 1]);
            outer();
        }
        Some(way) => broken(way),
        None => {}
    }
}

/// Panics, unbeknown to the compiler.
#[inline(never)]
fn inner() {
    if black_box(true) {
        inlined();
    }
}

#[inline(always)]
fn inlined() {
    panic!("as asked");
}

// What comes behind a call keeps it from being a jump.

#[inline(never)]
fn middle() {
    inner();
    black_box(());
}

#[inline(never)]
fn outer() {
    middle();
    black_box(());
}

#[inline(never)]
fn deep(left: u32) {
    match left {
        0 => inner(),
        _ => deep(black_box(left - 1)),
    }
    black_box(());
}

unsafe extern "C" {
    /// Calls the function with the number, without a frame pointer of its own.
    fn through_c(function: extern "C" fn(i32) -> i32, number: i32) -> i32;
}

extern "C" fn called_by_c(number: i32) -> i32 {
    inner();
    number
}

/// A stack, a page to be read, and one that cannot be: no page here is larger.
const PAGE: usize = 64 << 10;

/// Panics where the caller's frame is wrong in the way `way`.
fn broken(way: &[u8]) {
    let (rights, flags) = (
        Prot::READ | Prot::WRITE,
        MapFlags::PRIVATE | MapFlags::ANONYMOUS,
    );
    // SAFETY: the mapping is new, and the last page nobody's.
    let stack: *mut u8 = unsafe {
        let pages = sys::mmap(ptr::null_mut(), 3 * PAGE, rights, flags, None, 0).unwrap();
        sys::mprotect(pages.byte_add(2 * PAGE), PAGE, Prot::empty()).unwrap();
        pages.cast()
    };
    let page = stack.wrapping_add(PAGE);
    let unreadable = page.wrapping_add(PAGE);
    let second = page.wrapping_add(64);
    let frame = |record: *mut u8| record.wrapping_offset(-FRAME_RECORD);
    // Two words where a frame pointer leads.
    let record = |at: *mut u8, caller, return_address: usize| {
        let words = [caller, ptr::without_provenance_mut(return_address)];
        // SAFETY: `at` is in a page that can be written, and aligned.
        unsafe { at.cast::<[*mut u8; 2]>().write(words) };
        frame(at)
    };

    let frame = match way {
        b"whole" => record(page, record(second, ptr::null_mut(), 0x2222), 0x1111),
        b"nowhere" => record(page, record(second, ptr::null_mut(), 0), 0x1111),
        b"circle" => {
            record(second, frame(page), 0x2222);
            record(page, frame(second), 0x1111)
        }
        b"itself" => record(page, frame(page), 0x1111),
        b"below" => record(stack, ptr::null_mut(), 0x1111),
        b"misaligned" => record(page, ptr::null_mut(), 0x1111).wrapping_add(1),
        b"unreadable" => frame(unreadable),
        b"half unreadable" => frame(unreadable.wrapping_sub(size_of::<usize>())),
        b"number" => ptr::without_provenance_mut(16),
        b"kernel's" => ptr::without_provenance_mut(usize::MAX & !0xff),
        _ => return,
    };
    leave(frame, page);
}

/// Calls [`on_new_stack`] on the stack that ends at `stack_end`, from a frame whose
/// pointer is `frame`.
#[inline(never)]
fn leave(frame: *mut u8, stack_end: *mut u8) -> ! {
    // SAFETY: a call needs the stack pointer at a multiple of 16, which a page's end is;
    // nothing returns, so nobody misses the registers.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        asm!("mov rsp, rcx", "mov rbp, rax", "call {}", sym on_new_stack,
            in("rcx") stack_end, in("rax") frame, options(noreturn));
        #[cfg(target_arch = "x86")]
        asm!("mov esp, ecx", "mov ebp, eax", "call {}", sym on_new_stack,
            in("ecx") stack_end, in("eax") frame, options(noreturn));
        #[cfg(target_arch = "aarch64")]
        asm!("mov sp, x0", "mov x29, x1", "bl {}", sym on_new_stack,
            in("x0") stack_end, in("x1") frame, options(noreturn));
        #[cfg(target_arch = "riscv64")]
        asm!("mv sp, a0", "mv s0, a1", "call {}", sym on_new_stack,
            in("a0") stack_end, in("a1") frame, options(noreturn));
    }
}

extern "C" fn on_new_stack() -> ! {
    panic!("on a new stack");
}
