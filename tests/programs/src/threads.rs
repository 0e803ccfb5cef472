//! Threads, made by clone(2): what a program's tests of several threads have in common.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use freestand::sync;
use freestand::sys::{self, Address, CloneFlags};

/// How many there may be.
pub const MOST: usize = 8;

#[repr(C, align(16))]
struct Stack([u8; 64 << 10]);

static mut STACKS: [Stack; MOST] = [const { Stack([0; 64 << 10]) }; MOST];
/// How many threads have ended.
static DONE: AtomicU32 = AtomicU32::new(0);

/// What threads of a process share.
pub fn flags() -> CloneFlags {
    CloneFlags::VM
        | CloneFlags::FS
        | CloneFlags::FILES
        | CloneFlags::SIGHAND
        | CloneFlags::THREAD
        | CloneFlags::SYSVSEM
}

/// Runs `body` with 0, 1, … in `count` threads at once, and returns when all have ended.
/// It can be called once, or [`start`] can.
pub fn run(count: usize, body: fn(usize)) {
    start(count, body);
    while DONE.load(SeqCst) < count as u32 {
        sys::sched_yield();
    }
}

/// As [`run`], but does not wait.
pub fn start(count: usize, body: fn(usize)) {
    static BODY: sync::Mutex<Option<fn(usize)>> = sync::Mutex::new(None);

    extern "C" fn thread(index: Address) -> ! {
        let body = BODY.lock().expect("it was put there before");
        body(index.addr());
        DONE.fetch_add(1, SeqCst);
        // SAFETY: nothing on the stack is needed any more.
        unsafe { sys::exit(0) }
    }

    assert!(count <= MOST);
    sync::expect_threads();
    *BODY.lock() = Some(body);
    for index in 0..count {
        let nowhere = ptr::null_mut();
        // SAFETY: the stack is the new thread's alone and outlives it.
        unsafe {
            let stack_end = (&raw mut STACKS[index]).add(1).cast();
            let data = ptr::without_provenance_mut(index);
            let none = ptr::null_mut();
            sys::clone_on_stack(
                flags(),
                None,
                stack_end,
                nowhere,
                nowhere,
                none,
                thread,
                data,
            )
            .expect("there may be more threads");
        }
    }
}
