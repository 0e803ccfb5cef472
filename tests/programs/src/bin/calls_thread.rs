//! Threads, and waiting for one another.

#![no_std]
#![no_main]

use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use freestand::sync;
use freestand::sys::{
    self, Address, CloneFlags, FUTEX_BITSET_MATCH_ANY, FUTEX_OWNER_DIED, FutexOp, MembarrierCmd,
    MembarrierFlags, RobustListHead, Rseq, RseqFlags, Tid, Timespec,
};
use test_programs::{err, ok, ok_if_there, seen};

freestand::entry!(main);

/// No thread has it: ids end at 2²² (proc(5), pid_max).
const NOBODY: Tid = Tid(i32::MAX);
const MILLISECOND: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000,
};

fn main() {
    sync::expect_threads();
    identity();
    waiting();
    waiting_for_a_time();
    moving_to_another_word();
    robust_locks();
    barriers();
    restartable_sequences();
    processors();
    sys::sched_yield();
    seen!(sched_yield);
}

fn processors() {
    let (mut cpu, mut node) = (u32::MAX, u32::MAX);
    ok!(getcpu(Some(&mut cpu), Some(&mut node)));
    assert!(cpu != u32::MAX && node != u32::MAX);
}

/// A thread's stack, and a word that is not 0 until the thread is off it.
#[repr(C, align(16))]
struct Thread {
    stack: [u8; 32 << 10],
    alive: AtomicU32,
}

static mut THREAD: Thread = Thread {
    stack: [0; 32 << 10],
    alive: AtomicU32::new(0),
};

/// Runs `entry` in a thread while this one does `meanwhile`, and waits for it to end.
fn with_thread(entry: extern "C" fn(Address) -> !, meanwhile: impl FnOnce(Tid)) {
    let flags = CloneFlags::VM
        | CloneFlags::FS
        | CloneFlags::FILES
        | CloneFlags::SIGHAND
        | CloneFlags::THREAD
        | CloneFlags::SYSVSEM;
    let thread = &raw mut THREAD;
    // SAFETY: there is one such thread at a time.
    let alive = unsafe { &(*thread).alive };
    alive.store(1, SeqCst);
    // SAFETY: the stack is this thread's alone until it has said that it has ended.
    let id = unsafe {
        sys::clone_on_stack(
            flags,
            None,
            (&raw mut (*thread).alive).cast(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            entry,
            ptr::null_mut(),
        )
    };
    meanwhile(id.expect("there may be another thread"));
    loop {
        let now = alive.load(SeqCst);
        if now == 0 {
            break;
        }
        // The kernel wakes whoever waits, of this process or another.
        let _ = sys::futex(alive, FutexOp::WAIT, now, None, None, 0);
    }
}

/// Ends the thread, and lets the kernel say so.
fn end() -> ! {
    // SAFETY: `with_thread` has it for this, and looks at nothing else of the thread's.
    let id = unsafe { sys::set_tid_address((&raw mut THREAD.alive).cast()) };
    assert_eq!(id, sys::gettid());
    // SAFETY: nothing on the stack is needed any more.
    unsafe { sys::exit(0) }
}

/// What a thread wants to tell.
static TOLD: AtomicU32 = AtomicU32::new(0);

fn identity() {
    assert_eq!(sys::gettid().0, sys::getpid().0);
    extern "C" fn tells_its_id(_: Address) -> ! {
        TOLD.store(sys::gettid().0.cast_unsigned(), SeqCst);
        end()
    }
    with_thread(tells_its_id, |id| assert_ne!(id, sys::gettid()));
    // SAFETY: this thread is not to tell anybody of its end.
    let this = unsafe { sys::set_tid_address(ptr::null_mut()) };
    assert_eq!(this, sys::gettid());
    with_thread(tells_its_id, |id| {
        while TOLD.load(SeqCst) != id.0.cast_unsigned() {
            sys::sched_yield();
        }
    });
    seen!(gettid);
    seen!(set_tid_address);
}

/// Nobody changes it.
static WORD: AtomicU32 = AtomicU32::new(0);

extern "C" fn wakes_somebody(_: Address) -> ! {
    while sys::futex_wake(&WORD, 1) == Ok(0) {
        sys::sched_yield();
    }
    TOLD.store(1, SeqCst);
    end()
}

/// As a process that shares the memory would.
extern "C" fn wakes_a_stranger(_: Address) -> ! {
    while sys::futex(&WORD, FutexOp::WAKE, 1, None, None, 0) == Ok(0) {
        sys::sched_yield();
    }
    TOLD.store(1, SeqCst);
    end()
}

extern "C" fn sleeps(_: Address) -> ! {
    let slept = sys::futex_wait(&WORD, 0);
    TOLD.store(1 + u32::from(slept.is_ok()), SeqCst);
    end()
}

fn waiting() {
    TOLD.store(0, SeqCst);
    with_thread(wakes_somebody, |_| ok!(futex_wait(&WORD, 0)));
    assert_eq!(TOLD.load(SeqCst), 1);
    err!(EAGAIN, futex_wait(&WORD, 1));
    TOLD.store(0, SeqCst);
    with_thread(wakes_a_stranger, |_| ok!(futex_wait_shared(&WORD, 0)));
    assert_eq!(TOLD.load(SeqCst), 1);
    err!(EAGAIN, futex_wait_shared(&WORD, 1));

    assert_eq!(ok!(futex_wake(&WORD, 1)), 0);
    TOLD.store(0, SeqCst);
    with_thread(sleeps, |_| {
        while sys::futex_wake(&WORD, u32::MAX >> 1) == Ok(0) {
            assert_eq!(TOLD.load(SeqCst), 0, "it does not sleep");
        }
    });
    assert_eq!(TOLD.load(SeqCst), 2);
}

fn waiting_for_a_time() {
    let wait = FutexOp::WAIT.private();
    TOLD.store(0, SeqCst);
    let minute = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    with_thread(wakes_somebody, |_| {
        assert_eq!(ok!(futex(&WORD, wait, 0, Some(&minute), None, 0)), 0);
    });
    assert_eq!(TOLD.load(SeqCst), 1);

    let now = || sys::clock_gettime(sys::Clock::MONOTONIC).expect("every kernel has it");
    let begin = now();
    err!(
        ETIMEDOUT,
        futex(&WORD, wait, 0, Some(&MILLISECOND), None, 0)
    );
    assert!(now() > begin);
    err!(EAGAIN, futex(&WORD, wait, 1, None, None, 0));

    // A time that has been long ago, and one that is to come.
    err!(ETIMEDOUT, futex_wait_until(&WORD, 0, &MILLISECOND));
    err!(EAGAIN, futex_wait_until(&WORD, 1, &MILLISECOND));
    TOLD.store(0, SeqCst);
    let mut later = now();
    later.tv_sec += 60;
    with_thread(wakes_somebody, |_| {
        ok!(futex_wait_until(&WORD, 0, &later));
    });
    assert_eq!(TOLD.load(SeqCst), 1);
    let wrong = Timespec {
        tv_sec: 0,
        tv_nsec: -1,
    };
    err!(EINVAL, futex(&WORD, wait, 0, Some(&wrong), None, 0));
    err!(ENOSYS, futex(&WORD, FutexOp(0x7f), 0, None, None, 0));

    // These wait until a time, which has been long ago.
    for wait in [
        FutexOp::WAIT_BITSET.private(),
        FutexOp::WAIT_BITSET.private().realtime(),
    ] {
        err!(
            ETIMEDOUT,
            futex(
                &WORD,
                wait,
                0,
                Some(&MILLISECOND),
                None,
                FUTEX_BITSET_MATCH_ANY
            )
        );
    }
    err!(
        EINVAL,
        futex(&WORD, FutexOp::WAIT_BITSET.private(), 0, None, None, 0)
    );
}

fn moving_to_another_word() {
    let requeue = FutexOp::CMP_REQUEUE.private();
    let other = AtomicU32::new(0);
    err!(EAGAIN, futex_val2(&WORD, requeue, 0, 1, &other, 1));
    TOLD.store(0, SeqCst);
    with_thread(sleeps, |_| {
        while sys::futex_val2(&WORD, requeue, 0, 1, &other, 0) == Ok(0) {
            assert_eq!(TOLD.load(SeqCst), 0, "it does not sleep");
        }
        assert_eq!(sys::futex_wake(&WORD, 1), Ok(0));
        assert_eq!(sys::futex_wake(&other, 1), Ok(1));
    });
    assert_eq!(TOLD.load(SeqCst), 2);

    // WAKE_OP puts 5 there: linux/futex.h, FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0).
    let operation = FutexOp::WAKE_OP.private();
    assert_eq!(ok!(futex_val2(&WORD, operation, 1, 1, &other, 5 << 12)), 0);
    assert_eq!(other.load(SeqCst), 5);
}

/// A lock in a list of locks.
#[repr(C)]
struct Lock {
    next: *mut Lock,
    word: AtomicU32,
}

fn robust_locks() {
    static mut HEAD: RobustListHead = RobustListHead {
        list: linux_raw_sys::general::robust_list {
            next: ptr::null_mut(),
        },
        futex_offset: offset_of!(Lock, word) as _,
        list_op_pending: ptr::null_mut(),
    };
    static mut LOCK: Lock = Lock {
        next: ptr::null_mut(),
        word: AtomicU32::new(0),
    };

    extern "C" fn forgets_a_lock(_: Address) -> ! {
        let (head, lock) = (&raw mut HEAD, &raw mut LOCK);
        // SAFETY: only this thread has them, and the kernel in the end. The list goes
        // round.
        unsafe {
            (*lock).word.store(sys::gettid().0.cast_unsigned(), SeqCst);
            (*lock).next = head.cast();
            (*head).list.next = lock.cast();
            let _ = sys::set_robust_list(head);
        }
        end()
    }

    let nowhere = ptr::null_mut::<RobustListHead>();
    if ok_if_there!(get_robust_list(Tid(0))).is_some() {
        err!(ESRCH, get_robust_list(NOBODY));
    }
    if ok_if_there!(unsafe set_robust_list(&raw mut HEAD)).is_none() {
        return;
    }
    assert_eq!(sys::get_robust_list(Tid(0)), Ok(&raw mut HEAD));
    assert_eq!(sys::get_robust_list(sys::gettid()), Ok(&raw mut HEAD));
    // SAFETY: none is one.
    assert_eq!(unsafe { sys::set_robust_list(nowhere) }, Ok(()));
    assert_eq!(sys::get_robust_list(Tid(0)), Ok(nowhere));
    with_thread(forgets_a_lock, |_| {});
    // SAFETY: the thread has ended.
    let word = unsafe { (*(&raw mut LOCK)).word.load(SeqCst) };
    assert_eq!(word, FUTEX_OWNER_DIED);
}

fn barriers() {
    let none = MembarrierFlags::empty();
    let there = ok!(membarrier(MembarrierCmd::QUERY, none, 0));
    assert!(
        there & MembarrierCmd::PRIVATE_EXPEDITED.0 != 0,
        "{there:#x}"
    );
    err!(EPERM, membarrier(MembarrierCmd::PRIVATE_EXPEDITED, none, 0));
    ok!(membarrier(
        MembarrierCmd::REGISTER_PRIVATE_EXPEDITED,
        none,
        0
    ));
    assert_eq!(
        ok!(membarrier(MembarrierCmd::PRIVATE_EXPEDITED, none, 0)),
        0
    );
    err!(EINVAL, membarrier(MembarrierCmd(1 << 30), none, 0));
    err!(
        EINVAL,
        membarrier(MembarrierCmd::QUERY, MembarrierFlags::CPU, 0)
    );
}

fn restartable_sequences() {
    const SIGNATURE: u32 = 0x5eed_0001;
    static mut AREA: Rseq = Rseq::new();
    let area = &raw mut AREA;
    let size = size_of::<Rseq>() as u32;
    let none = RseqFlags::empty();
    let is_registered = || {
        // SAFETY: the kernel writes it while this thread is away.
        unsafe { (*area).cpu_id.load(SeqCst) >= 0 }
    };
    assert!(!is_registered());
    if ok_if_there!(unsafe rseq(area, size, none, SIGNATURE)).is_none() {
        return;
    }
    assert!(is_registered());
    err!(EBUSY, unsafe rseq(area, size, none, SIGNATURE));
    err!(EPERM, unsafe rseq(area, size, RseqFlags::UNREGISTER, !SIGNATURE));
    ok!(unsafe rseq(area, size, RseqFlags::UNREGISTER, SIGNATURE));
    assert!(!is_registered());
    err!(EINVAL, unsafe rseq(area, size, RseqFlags::UNREGISTER, SIGNATURE));
}
