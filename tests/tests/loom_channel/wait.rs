//! What stands in for src/task/wait.rs: a wait of loom's threads, which run no tasks.

use core::fmt;

use crate::support::prim::{self, AtomicU32, Deadline, Ordering::*};
use crate::support::{Bug, planted};

#[derive(Clone, Copy, Debug)]
pub struct Reason;

impl Reason {
    pub const fn to(_: &'static str) -> Reason {
        Reason
    }
}

const RUNNING: u32 = 0;
const PARKED: u32 = 1;
const WOKEN: u32 = 2;

pub struct Wait {
    /// The number that it is claimed by; the greatest one stands for the greatest.
    claimed: AtomicU32,
    state: AtomicU32,
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}

impl Wait {
    pub const TIMED_OUT: usize = u32::MAX as usize;

    pub fn prepare() {}

    pub fn new() -> Wait {
        Wait {
            claimed: AtomicU32::new(0),
            state: AtomicU32::new(RUNNING),
        }
    }

    pub fn claim(&self, by: usize) -> bool {
        if planted(Bug::Unclaimed) {
            self.claimed.store(by as u32, Release);
            return true;
        }
        self.claimed
            .compare_exchange(0, by as u32, AcqRel, Acquire)
            .is_ok()
    }

    pub fn claim_alone(&self, by: usize) {
        self.claimed.store(by as u32, Relaxed);
    }

    pub fn is_claimed(&self) -> bool {
        self.claimed.load(Acquire) != 0
    }

    pub unsafe fn wake(this: *const Wait) {
        // SAFETY: the caller has claimed it, so it stays until it is woken.
        unsafe {
            if (*this).state.swap(WOKEN, AcqRel) == PARKED {
                prim::wake_one(&(*this).state);
            }
        }
    }

    pub fn park(&self, _: Reason, mut deadline: Deadline) -> usize {
        let parked = self
            .state
            .compare_exchange(RUNNING, PARKED, AcqRel, Acquire);
        while parked.is_ok() && self.state.load(Acquire) != WOKEN {
            if prim::wait(&self.state, PARKED, deadline) {
                continue;
            }
            if self.claim(Wait::TIMED_OUT) {
                break;
            }
            deadline = None;
        }
        self.claimed.load(Acquire) as usize
    }
}
