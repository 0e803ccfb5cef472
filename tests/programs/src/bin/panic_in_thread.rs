//! Panics in a second thread, while the first sleeps for ever, or with an argument
//! panics too.

#![no_std]
#![no_main]

use core::ptr;
use core::sync::atomic::AtomicU32;

use freestand::env::Args;
use freestand::sync;
use freestand::sys::{self, Address, CloneFlags};

freestand::entry!(main);

#[repr(C, align(16))]
struct Stack([u8; 64 << 10]);

static mut STACK: Stack = Stack([0; 64 << 10]);

/// Nobody changes it, and nobody wakes who waits for that.
static NEVER: AtomicU32 = AtomicU32::new(0);

fn main(args: Args) {
    let flags = CloneFlags::VM
        | CloneFlags::FS
        | CloneFlags::FILES
        | CloneFlags::SIGHAND
        | CloneFlags::THREAD
        | CloneFlags::SYSVSEM;
    sync::expect_threads();
    // SAFETY: the stack is the new thread's alone and outlives it.
    unsafe {
        let stack_end = (&raw mut STACK).add(1).cast();
        let nowhere = ptr::null_mut();
        sys::clone_on_stack(
            flags,
            None,
            stack_end,
            nowhere,
            nowhere,
            ptr::null_mut(),
            thread,
            ptr::null_mut(),
        )
        .expect("clone fails");
    }
    if args.len() > 1 {
        panic!("in the first thread");
    }
    loop {
        let _ = sys::futex_wait(&NEVER, 0);
    }
}

extern "C" fn thread(_: Address) -> ! {
    panic!("in the second thread");
}
