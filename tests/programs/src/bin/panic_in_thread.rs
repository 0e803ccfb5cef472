//! Panics in a second thread, while the first sleeps for ever, or with an argument
//! panics too.

#![no_std]
#![no_main]

use core::arch::global_asm;
use core::ffi::c_int;
use core::sync::atomic::AtomicU32;

use freestand::env::Args;
use freestand::{sync, sys};
use linux_raw_sys::general::{
    CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_SYSVSEM, CLONE_THREAD, CLONE_VM,
};

freestand::entry!(main);

// A thread that begins in `thread` with the stack that ends at the second
// argument; the flags of clone(2) are the first.
#[cfg(target_arch = "x86_64")]
global_asm!("clone: mov eax, 56", "syscall", "test eax, eax", "jz 2f", "ret", "2: call {thread}", thread = sym thread);
#[cfg(target_arch = "x86")]
global_asm!("clone: push ebx", "mov ebx, [esp + 8]", "mov ecx, [esp + 12]", "mov eax, 120",
    "int 0x80", "test eax, eax", "jz 2f", "pop ebx", "ret", "2: call {thread}", thread = sym thread);
#[cfg(target_arch = "aarch64")]
global_asm!("clone: mov x8, #220", "svc #0", "cbz x0, 2f", "ret", "2: bl {thread}", thread = sym thread);
#[cfg(target_arch = "riscv64")]
global_asm!("clone: li a7, 220", "ecall", "beqz a0, 2f", "ret", "2: call {thread}", thread = sym thread);

unsafe extern "C" {
    fn clone(flags: usize, stack: *mut Stack) -> c_int;
}

#[repr(C, align(16))]
struct Stack([u8; 64 << 10]);

static mut STACK: Stack = Stack([0; 64 << 10]);

/// Nobody changes it, and nobody wakes who waits for that.
static NEVER: AtomicU32 = AtomicU32::new(0);

fn main(args: Args) {
    let flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    sync::expect_threads();
    // SAFETY: the stack is the new thread's alone and outlives it; `thread` does
    // not return.
    let thread = unsafe { clone(flags as usize, (&raw mut STACK).add(1)) };
    assert!(thread > 0, "clone failed: {thread}");
    if args.len() > 1 {
        panic!("in the first thread");
    }
    loop {
        let _ = sys::futex_wait(&NEVER, 0);
    }
}

extern "C" fn thread() -> ! {
    panic!("in the second thread");
}
