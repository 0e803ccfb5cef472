//! Who wakes whom when work comes: what src/task/sched.rs says at its head, for two processors
//! and a task.

use std::sync::Arc;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicUsize, Ordering::*, fence};
use loom::thread;

use crate::{Bug, model, planted};

struct Sched {
    /// The queue of the processor that runs.
    queued: AtomicUsize,
    idle: AtomicUsize,
    spinning: AtomicUsize,
    /// The idle processors.
    list: Mutex<usize>,
    ran: AtomicUsize,
}

fn fence_between() {
    if !planted(Bug::Fenceless) {
        fence(SeqCst);
    }
}

impl Sched {
    /// `submit` and `wake_one`, by who holds the other processor, whose task goes on.
    fn submit(&self) {
        self.queued.fetch_add(1, Release);
        self.wake_one();
    }

    fn wake_one(&self) {
        fence_between();
        if self.idle.load(Relaxed) == 0
            || self.spinning.load(Relaxed) != 0
            || self
                .spinning
                .compare_exchange(0, 1, SeqCst, Relaxed)
                .is_err()
        {
            return;
        }
        // `start_thread`: the caller goes on as that thread.
        match self.take_idle() {
            true => self.find(),
            false => drop(self.spinning.fetch_sub(1, SeqCst)),
        }
    }

    fn take_idle(&self) -> bool {
        let mut list = self.list.lock().unwrap();
        if *list == 0 {
            return false;
        }
        *list -= 1;
        self.idle.store(*list, SeqCst);
        true
    }

    /// `find`, by a thread that is counted as spinning.
    fn find(&self) {
        loop {
            // `steal`
            let head = self.queued.load(Acquire);
            if head > 0
                && self
                    .queued
                    .compare_exchange(head, head - 1, AcqRel, Relaxed)
                    .is_ok()
            {
                if self.spinning.fetch_sub(1, SeqCst) == 1 {
                    self.wake_one();
                }
                self.ran.fetch_add(1, Relaxed);
                return self.put_idle();
            }
            // `find_idle`
            self.put_idle();
            self.spinning.fetch_sub(1, SeqCst);
            // `look_again`
            fence_between();
            if planted(Bug::Sleepy) || self.queued.load(Relaxed) == 0 || !self.take_idle() {
                return;
            }
            self.spinning.fetch_add(1, SeqCst);
        }
    }

    fn put_idle(&self) {
        let mut list = self.list.lock().unwrap();
        *list += 1;
        self.idle.store(*list, SeqCst);
    }
}

#[test]
fn no_task_waits_beside_an_idle_processor() {
    model(3, || {
        let sched = Arc::new(Sched {
            queued: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            spinning: AtomicUsize::new(1),
            list: Mutex::new(0),
            ran: AtomicUsize::new(0),
        });
        let spinner = Arc::clone(&sched);
        let spinner = thread::spawn(move || spinner.find());
        sched.submit();
        spinner.join().unwrap();
        assert_eq!(
            (sched.queued.load(Relaxed), sched.ran.load(Relaxed)),
            (0, 1)
        );
        assert_eq!(*sched.list.lock().unwrap(), 1);
        assert_eq!(sched.spinning.load(Relaxed), 0);
    });
}
