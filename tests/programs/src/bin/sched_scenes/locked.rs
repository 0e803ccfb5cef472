//! Tasks that stay on their threads.

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering::*};

use freestand::sys::{self, Prctl, Word};
use freestand::{fs, task, thread};

use crate::support::{MS, Pipe, call, compute_for, sleep_in_kernel, tid, until};

/// A locked task stays on its thread through all that it may wait for, and no other runs there.
pub fn locked(rounds: usize) {
    let is_over = AtomicBool::new(false);
    task::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    sleep_in_kernel(MS / 20);
                    compute_for(MS / 50);
                    task::yield_now();
                }
            });
        }
        let owners = [(); 2].map(|()| {
            scope.spawn(|| {
                let locked = task::lock_thread();
                let here = tid();
                for round in 0..rounds {
                    match round % 5 {
                        0 => sleep_in_kernel(MS / 20),
                        1 => task::yield_now(),
                        2 => task::sleep(MS / 20),
                        3 => drop(task::spawn(|| ()).join()),
                        _ => task::block_in_place(call),
                    }
                    assert_eq!(tid(), here);
                    // Once more, and less.
                    drop(task::lock_thread());
                }
                drop(locked);
                here
            })
        });
        let [one, other] = owners.map(|owner| owner.join().unwrap());
        let _ = (one, other);
        is_over.store(true, Relaxed);
    });
}

/// The thread of a task that ends locked ends too, unless it is the initial one, and the others
/// go on.
pub fn end() {
    for _ in 0..20 {
        let thread = task::spawn(|| {
            task::sleep(MS / 10);
            let locked = task::lock_thread();
            core::mem::forget(locked);
            tid()
        });
        let thread = thread.join().unwrap();
        if thread.0 == sys::getpid().0 {
            continue;
        }
        let mut path = alloc::format!("/proc/self/task/{}", thread.0).into_bytes();
        path.push(0);
        let path = CStr::from_bytes_with_nul(&path).expect("a path");
        until(|| fs::metadata(path).is_err());
    }
}

/// A thread that belongs to a task may be in any state, and no other is made as its copy, not
/// even when the task ends.
pub fn is_not_copied() {
    const STRANGE: &CStr = c"strange";

    fn name() -> [u8; 16] {
        let mut name = [0_u8; 16];
        let none = || Word::from(0_u32);
        // SAFETY: there is room for a thread's name.
        unsafe {
            sys::prctl(
                Prctl::GET_NAME,
                (&raw mut name).into(),
                none(),
                none(),
                none(),
            )
        }
        .expect("it has a name");
        name
    }

    /// The calling task's thread becomes its own, and strange.
    fn be_strange() {
        core::mem::forget(task::lock_thread());
        let none = || Word::from(0_u32);
        // SAFETY: it is a string.
        unsafe {
            sys::prctl(
                Prctl::SET_NAME,
                STRANGE.as_ptr().into(),
                none(),
                none(),
                none(),
            )
        }
        .expect("a thread may be called so");
    }

    let pipe = Pipe::new();
    for waits in [true, false] {
        task::scope(|scope| {
            // Whatever threads there are wait in the kernel.
            for _ in 0..8 {
                scope.spawn(|| pipe.take());
            }
            task::sleep(20 * MS);
            let strange = scope.spawn(|| {
                be_strange();
                let next = task::spawn(name);
                // Another thread is needed when this one waits, or when it ends.
                if waits {
                    until(|| next.is_finished());
                }
                next
            });
            let name = strange.join().unwrap().join().unwrap();
            assert!(!name.starts_with(STRANGE.to_bytes()), "{name:?}");
            pipe.put(8);
        });
    }
}

/// The threads of a scope end when the task that waits for them is on another thread than when
/// it made them.
pub fn scope_moves() {
    let has_moved = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !has_moved.load(Relaxed) {
                thread::sleep(MS);
            }
            thread::sleep(20 * MS);
        });
        let before = tid();
        task::scope(|scope| {
            // Whoever takes the processor over while the task waits in the kernel keeps it.
            scope.spawn(|| {
                while !has_moved.load(Relaxed) {
                    task::yield_now();
                }
            });
            until(|| tid() != before);
            has_moved.store(true, Relaxed);
        });
    });
}

/// Who is in a critical section is alone in it, though tasks on the same thread want to be.
pub fn sections(rounds: usize) {
    static IS_IN: AtomicBool = AtomicBool::new(false);
    task::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    critical_section::with(|_| {
                        assert!(!IS_IN.swap(true, Relaxed), "there are two");
                        task::yield_now();
                        let here = tid();
                        critical_section::with(|_| sleep_in_kernel(MS / 50));
                        assert_eq!(tid(), here);
                        IS_IN.store(false, Relaxed);
                    });
                    task::yield_now();
                }
            });
        }
    });
}
