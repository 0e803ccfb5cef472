//! temporary
use super::lock::Lock;
use super::queue::Queue;
use super::task::TaskRef;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering::*};
pub(super) struct Ring<T>(Lock<(heapless::Deque<TaskRef, 256>, Option<TaskRef>)>, AtomicUsize, PhantomData<T>);
impl<T> Ring<T> {
    pub(super) const fn new() -> Self { Ring(Lock::new((heapless::Deque::new(), None)), AtomicUsize::new(0), PhantomData) }
    pub(super) fn is_empty(&self) -> bool { self.1.load(SeqCst) == 0 }
    pub(super) fn push(&self, t: TaskRef) -> core::result::Result<(), TaskRef> {
        let mut g = self.0.lock(); g.0.push_back(t)?; self.1.fetch_add(1, SeqCst); Ok(())
    }
    pub(super) fn pop(&self) -> Option<TaskRef> { let t = self.0.lock().0.pop_front()?; self.1.fetch_sub(1, SeqCst); Some(t) }
    pub(super) fn put_next(&self, t: TaskRef) -> Option<TaskRef> {
        let old = self.0.lock().1.replace(t); if old.is_none() { self.1.fetch_add(1, SeqCst); } old }
    pub(super) fn take_next(&self) -> Option<TaskRef> { let t = self.0.lock().1.take()?; self.1.fetch_sub(1, SeqCst); Some(t) }
    pub(super) fn steal(&self, v: &Ring<T>) -> Option<TaskRef> {
        let mut q = Queue::new();
        { let mut g = v.0.lock(); let n = g.0.len(); for _ in 0..n - n/2 { q.push(g.0.pop_front()?); v.1.fetch_sub(1, SeqCst);} }
        let first = q.pop();
        while let Some(t) = q.pop() { self.push(t).ok().unwrap(); }
        first
    }
    pub(super) fn take_half(&self) -> Queue { let mut q = Queue::new(); for _ in 0..128 { if let Some(t) = self.pop() { q.push(t); } } q }
}
