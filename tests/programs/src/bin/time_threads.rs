//! Four threads come to the first call of each function of the vDSO at once.

#![no_std]
#![no_main]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use freestand::sys::{self, Address, CloneFlags};
use freestand::time::{Instant, SystemTime};
use freestand::{random, sync, thread};

freestand::entry!(main);

const THREADS: usize = 4;
const ROUNDS: usize = 200;

#[repr(C, align(16))]
struct Stack([u8; 64 << 10]);

static mut STACKS: [Stack; THREADS] = [const { Stack([0; 64 << 10]) }; THREADS];
/// How many threads are ready.
static READY: AtomicU32 = AtomicU32::new(0);
/// How many threads are done.
static DONE: AtomicU32 = AtomicU32::new(0);

fn main() {
    let flags = CloneFlags::VM
        | CloneFlags::FS
        | CloneFlags::FILES
        | CloneFlags::SIGHAND
        | CloneFlags::THREAD
        | CloneFlags::SYSVSEM;
    sync::expect_threads();
    for index in 0..THREADS {
        let nowhere = ptr::null_mut();
        // SAFETY: the stack is the new thread's alone and outlives it.
        unsafe {
            let stack_end = (&raw mut STACKS[index]).add(1).cast();
            let none = ptr::null_mut();
            sys::clone_on_stack(flags, None, stack_end, nowhere, nowhere, none, thread, none)
                .expect("there may be more threads");
        }
    }
    while DONE.load(SeqCst) < THREADS as u32 {
        sys::sched_yield();
    }
}

extern "C" fn thread(_: Address) -> ! {
    READY.fetch_add(1, SeqCst);
    while READY.load(SeqCst) < THREADS as u32 {
        sys::sched_yield();
    }
    let mut last = Instant::now();
    let mut previous = [0; 32];
    for _ in 0..ROUNDS {
        let now = Instant::now();
        assert!(now >= last);
        last = now;
        let _ = (
            SystemTime::now(),
            thread::getcpu().expect("every kernel has it"),
        );
        let mut bytes = [0; 32];
        random::fill(&mut bytes).expect("every kernel has it");
        assert!(bytes != previous);
        previous = bytes;
    }
    DONE.fetch_add(1, SeqCst);
    // SAFETY: nothing on the stack is needed any more.
    unsafe { sys::exit(0) }
}
