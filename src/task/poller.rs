//! stub
pub(super) fn waiters() -> usize { 0 }
static PENDING: crate::sync::prim::AtomicU32 = crate::sync::prim::AtomicU32::new(0);
pub(super) fn poll(timeout: Option<u64>) -> usize {
    use core::sync::atomic::Ordering::*;
    if timeout == Some(0) { return 0; }
    let deadline = timeout.and_then(|t| crate::sync::prim::after(core::time::Duration::from_nanos(t)));
    while PENDING.load(SeqCst) == 0 {
        if !crate::sync::prim::wait(&PENDING, 0, deadline) { break; }
    }
    PENDING.store(0, SeqCst);
    0
}
pub(super) fn interrupt() {
    use core::sync::atomic::Ordering::*;
    if PENDING.swap(1, SeqCst) == 0 { crate::sync::prim::wake_one(&PENDING); }
}
