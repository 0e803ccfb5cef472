//! Values of which each task has its own.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use freestand::sync::Mutex;
use freestand::task::task_local;
use freestand::{task, thread};

/// How many values there are that are dropped at a task's end.
static ALIVE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

struct Counted(Box<Cell<usize>>);

impl Counted {
    fn new() -> Counted {
        ALIVE.fetch_add(1, Relaxed);
        Counted(Box::new(Cell::new(0)))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Relaxed);
        // The values that came after this one are gone, this one too, and others are there.
        assert!(COUNTED.try_with(|_| ()).is_err());
        assert_eq!(NUMBER.get(), self.0.get());
    }
}

/// Says which it was.
struct Named(usize);

impl Drop for Named {
    fn drop(&mut self) {
        DROPPED.lock().push(self.0);
        // The first to drop makes one that is dropped next.
        let _ = LATE.try_with(|late| late.0.set(10 + self.0));
    }
}

struct Late(Cell<usize>);

impl Drop for Late {
    fn drop(&mut self) {
        DROPPED.lock().push(self.0.get());
    }
}

task_local! {
    static NUMBER: Cell<usize> = Cell::new(7);
    static COUNTED: Counted = Counted::new();
    static LIST: RefCell<Vec<usize>> = RefCell::new(vec![]);
    static FIRST: Named = Named(1);
    /// Its making makes another.
    static SECOND: Named = FIRST.with(|first| Named(first.0 + 1));
    static LATE: Late = Late(Cell::new(0));
    static ITSELF: Box<usize> = Box::new(ITSELF_MADE.with(|made| {
        if made.replace(true) { 1 } else { ITSELF.with(|inner| **inner + 1) }
    }));
    static ITSELF_MADE: Cell<bool> = Cell::new(false);
}

pub fn locals(rounds: usize) {
    task::scope(|scope| {
        for index in 0..rounds {
            scope.spawn(move || {
                assert_eq!(NUMBER.replace(index), 7);
                COUNTED.with(|counted| counted.0.set(index));
                // Others run, perhaps this one elsewhere.
                task::yield_now();
                LIST.with_borrow_mut(|list| list.extend([index; 3]));
                task::yield_now();
                COUNTED.with(|counted| assert_eq!(counted.0.get(), index));
                assert_eq!(LIST.take(), [index; 3]);
                assert_eq!(NUMBER.get(), index);
            });
        }
    });
    assert_eq!(ALIVE.load(Relaxed), 0);

    // The newest is dropped first, and what comes while they are, too.
    task::spawn(|| {
        NUMBER.set(0);
        SECOND.with(|second| assert_eq!(second.0, 2));
        // The inner one was there first.
        ITSELF.with(|value| assert_eq!(**value, 1));
    })
    .join()
    .expect("it cannot fail");
    assert_eq!(*DROPPED.lock(), [2, 12, 1]);

    // `main` is a task; a thread is not.
    assert_eq!(NUMBER.get(), 7);
    let on_thread = thread::spawn(|| NUMBER.try_with(Cell::get).is_err());
    assert_eq!(on_thread.join(), Ok(true));
}
