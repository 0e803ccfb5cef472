//! What stands in for src/task/wait.rs: whoever is woken is gone at once, and with it the
//! timer.

use std::cell::{Cell, RefCell};

use super::timer::Timer;

thread_local! {
    /// Who was woken, in this order.
    pub static WOKEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// One who waits.
#[derive(Debug)]
pub struct Sleeper {
    pub number: usize,
    pub wait: Wait,
    pub timer: Timer,
}

impl Sleeper {
    pub fn new(number: usize, when: u64) -> *mut Sleeper {
        let sleeper = Box::into_raw(Box::<Sleeper>::new_uninit()).cast::<Sleeper>();
        // SAFETY: there is room for it.
        unsafe {
            sleeper.write(Sleeper {
                number,
                wait: Wait {
                    claimed: Cell::new(0),
                    whose: sleeper,
                },
                timer: Timer::new(when, &raw const (*sleeper).wait),
            });
        }
        sleeper
    }
}

#[derive(Debug)]
pub struct Wait {
    claimed: Cell<usize>,
    whose: *mut Sleeper,
}

impl Wait {
    pub const TIMED_OUT: usize = usize::MAX;

    pub fn claim(&self, by: usize) -> bool {
        let is_free = self.claimed.get() == 0;
        if is_free {
            self.claimed.set(by);
        }
        is_free
    }

    /// # Safety
    ///
    /// The caller has claimed it, and not done this yet.
    pub unsafe fn wake(this: *const Wait) {
        // SAFETY: whoever is not woken yet is there.
        unsafe {
            let whose = (*this).whose;
            assert_ne!((*this).claimed.get(), 0);
            WOKEN.with_borrow_mut(|woken| woken.push((*whose).number));
            // What looks at it later does not find what was there.
            whose.cast::<u8>().write_bytes(0xa5, size_of::<Sleeper>());
            drop(Box::from_raw(
                whose.cast::<std::mem::MaybeUninit<Sleeper>>(),
            ));
        }
    }
}
