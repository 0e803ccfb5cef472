//! temporary
use super::lock::Lock;
use super::wait::Wait;
use core::sync::atomic::{AtomicU64, Ordering::*};
pub(super) struct Timer(u64, *const Wait);
impl Timer { pub(super) fn new(when: u64, wait: *const Wait) -> Timer { Timer(when, wait) } }
struct E(u64, *const Timer, *const Wait);
unsafe impl Send for E {}
pub(super) struct Timers(Lock<alloc::vec::Vec<E>>, AtomicU64);
impl Timers {
    pub(super) const fn new() -> Self { Timers(Lock::new(alloc::vec::Vec::new()), AtomicU64::new(u64::MAX)) }
    pub(super) fn next(&self) -> u64 { self.1.load(SeqCst) }
    pub(super) unsafe fn add(&self, t: &Timer) { let mut g = self.0.lock(); g.push(E(t.0, t, t.1)); self.up(&g); }
    fn up(&self, g: &[E]) { self.1.store(g.iter().map(|e| e.0).min().unwrap_or(u64::MAX), SeqCst); }
    pub(super) unsafe fn cancel(&self, t: &Timer) { let mut g = self.0.lock(); g.retain(|e| !core::ptr::eq(e.1, t)); self.up(&g); }
    pub(super) fn fire_due(&self, now: u64) -> usize {
        let mut n = 0;
        loop {
            let w = { let mut g = self.0.lock(); let Some(i) = g.iter().position(|e| e.0 <= now) else { return n };
                let e = g.swap_remove(i); self.up(&g); let w = e.2; if unsafe { (*w).claim(Wait::TIMED_OUT) } { w } else { continue } };
            unsafe { Wait::wake(w) }; n += 1;
        }
    }
}
