//! A task waits for whoever comes first.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::thread;

use crate::model;
use crate::sys::Timespec;
use crate::task::task::Task;
use crate::task::thread::{Processor, run};
use crate::task::timer::Timers;
use crate::task::wait::{Reason, Wait};

/// Where one finds who waits for it; and what it has to say.
struct Place {
    waiting: Mutex<Option<*const Wait>>,
    message: UnsafeCell<u32>,
}

// SAFETY: loom tells of what two touch; who waits stays until it is told.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

impl Place {
    fn new() -> Arc<Place> {
        Arc::new(Place {
            waiting: Mutex::new(None),
            message: UnsafeCell::new(0),
        })
    }

    /// Somebody is to be told there.
    fn enqueue(&self, wait: &Wait) {
        *self.waiting.lock().unwrap() = Some(wait);
    }

    fn remove(&self) {
        *self.waiting.lock().unwrap() = None;
    }

    /// Tells who waits, if nobody else has.
    fn tell(&self, number: usize) {
        let mut waiting = self.waiting.lock().unwrap();
        // SAFETY: while the lock is held it stays; and if it is claimed, until it is woken.
        let Some(wait) = waiting
            .take()
            .filter(|wait| unsafe { (**wait).claim(number) })
        else {
            return;
        };
        drop(waiting);
        // SAFETY: loom tells if somebody else touches it.
        self.message.with_mut(|message| unsafe { *message += 1 });
        // SAFETY: it was claimed above.
        unsafe { Wait::wake(wait) };
    }

    fn has_said(&self) -> u32 {
        // SAFETY: as above.
        self.message.with(|message| unsafe { *message })
    }
}

fn processor() -> &'static Processor {
    Box::leak(Box::new(Processor {
        timers: Timers::new(),
    }))
}

#[test]
fn two_wake_a_task() {
    model(3, || {
        let places = [Place::new(), Place::new()];
        run(Task::new(), processor());
        let wait = Wait::new();
        places.iter().for_each(|place| place.enqueue(&wait));
        let tellers = [1, 2].map(|number| {
            let place = Arc::clone(&places[number - 1]);
            thread::spawn(move || place.tell(number))
        });
        let by = wait.park(Reason::to("be told"), None);
        // What the one has said is there.
        assert_eq!(places[by - 1].has_said(), 1);
        places.iter().for_each(|place| place.remove());
        drop(wait);
        tellers
            .into_iter()
            .for_each(|teller| teller.join().unwrap());
        assert_eq!(places[2 - by].has_said(), 0);
    });
}

#[test]
fn a_task_has_a_deadline() {
    model(3, || {
        let place = Place::new();
        let processor = processor();
        run(Task::new(), processor);
        let wait = Wait::new();
        place.enqueue(&wait);
        let teller = Arc::clone(&place);
        let teller = thread::spawn(move || teller.tell(1));
        let clock = thread::spawn(|| processor.timers.fire());
        let by = match wait.park(Reason::to("be told"), Some(Timespec)) {
            // It passed before it was told of.
            Wait::TIMED_OUT => 0,
            by => by as u32,
        };
        place.remove();
        drop(wait);
        teller.join().unwrap();
        clock.join().unwrap();
        assert_eq!(place.has_said(), by);
    });
}
