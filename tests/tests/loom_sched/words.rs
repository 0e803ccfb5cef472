//! A processor's word: a thread that makes calls, sysmon, and who stops the world.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering::*};
use loom::thread;

use crate::task::word::{AtomicWord, State};
use crate::{Bug, model, planted};

/// What the scheduler's lock guards.
#[derive(Default)]
struct Shared {
    is_idle: bool,
    left: usize,
}

struct World {
    word: AtomicWord,
    /// What belongs to the processor, which one has at a time.
    data: UnsafeCell<u32>,
    stop: AtomicBool,
    shared: Mutex<Shared>,
}

// SAFETY: loom tells of what two touch.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

impl World {
    /// The processor runs, on the calling thread.
    fn new() -> Arc<World> {
        let world = World {
            word: AtomicWord::new(State::Stopped),
            data: UnsafeCell::new(0),
            stop: AtomicBool::new(false),
            shared: Mutex::default(),
        };
        world.word.set(State::Running);
        Arc::new(world)
    }

    /// Somebody who has the processor does something.
    fn touch(&self) {
        // SAFETY: loom tells if somebody else touches it.
        self.data.with_mut(|data| unsafe { *data += 1 });
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Relaxed)
    }

    fn stopped(&self, shared: &mut Shared) {
        assert!(
            shared.left > 0,
            "assertion: more have stopped than there are"
        );
        shared.left -= 1;
    }

    /// One call of a task that runs. Whether the thread has the processor afterwards.
    fn call(&self) -> bool {
        self.touch();
        let word = self.word.enter_syscall();
        if self.is_stopping() {
            let mut shared = self.shared.lock().unwrap();
            if self.is_stopping() && self.word.take(word, State::Stopped) {
                self.touch();
                self.stopped(&mut shared);
            }
        }
        // In the kernel.
        if self.word.take(word, State::Running) {
            self.touch();
            if self.is_stopping() {
                let mut shared = self.shared.lock().unwrap();
                if self.is_stopping() {
                    self.word.set(State::Stopped);
                    self.stopped(&mut shared);
                    return false;
                }
            }
            return true;
        }
        let mut shared = self.shared.lock().unwrap();
        if std::mem::take(&mut shared.is_idle) {
            drop(shared);
            self.word.set(State::Running);
            self.touch();
            return true;
        }
        false
    }

    /// The thread has nothing to do any more.
    fn be_idle(&self) {
        let mut shared = self.shared.lock().unwrap();
        self.touch();
        if self.is_stopping() {
            self.word.set(State::Stopped);
            self.stopped(&mut shared);
        } else {
            self.word.set(State::Idle);
            shared.is_idle = true;
        }
    }

    /// Sysmon looks, and hands off what it gets.
    fn retake(&self) {
        let word = self.word.load();
        if word.state() == State::Syscall && self.word.take(word.0, State::Idle) {
            self.touch();
            self.be_idle();
        }
    }

    /// The world stops, and all processors are the caller's.
    fn stop(&self) {
        let mut shared = self.shared.lock().unwrap();
        self.stop.store(true, SeqCst);
        shared.left = 1;
        if std::mem::take(&mut shared.is_idle) {
            self.word.set(State::Stopped);
            self.stopped(&mut shared);
        }
        loop {
            let word = self.word.load();
            if word.state() == State::Syscall && self.word.take(word.0, State::Stopped) {
                self.stopped(&mut shared);
            }
            if shared.left == 0 {
                break;
            }
            drop(shared);
            assert!(
                !planted(Bug::Impatient),
                "assertion: the world does not stop"
            );
            thread::yield_now();
            shared = self.shared.lock().unwrap();
        }
        assert_eq!(self.word.load().state(), State::Stopped);
        self.touch();
    }

    fn start(&self) {
        let mut shared = self.shared.lock().unwrap();
        self.stop.store(false, SeqCst);
        self.touch();
        self.word.set(State::Idle);
        shared.is_idle = true;
    }

    /// In the end the processor is where it was put.
    fn check(&self) {
        let shared = self.shared.lock().unwrap();
        assert_eq!((shared.is_idle, shared.left), (true, 0));
        assert_eq!(self.word.load().state(), State::Idle);
        self.touch();
    }
}

fn make_calls(world: &World, count: usize) {
    for _ in 0..count {
        if !world.call() {
            return;
        }
    }
    world.be_idle();
}

#[test]
fn a_call_and_sysmon() {
    model(4, || {
        let world = World::new();
        let sysmon = Arc::clone(&world);
        let sysmon = thread::spawn(move || {
            sysmon.retake();
            sysmon.retake();
        });
        make_calls(&world, 2);
        sysmon.join().unwrap();
        world.check();
    });
}

#[test]
fn a_call_and_a_stopper() {
    model(3, || {
        let world = World::new();
        let stopper = Arc::clone(&world);
        let stopper = thread::spawn(move || {
            stopper.stop();
            stopper.start();
        });
        make_calls(&world, 2);
        stopper.join().unwrap();
        world.check();
    });
}

#[test]
fn all_at_once() {
    model(2, || {
        let world = World::new();
        let sysmon = Arc::clone(&world);
        let sysmon = thread::spawn(move || sysmon.retake());
        let stopper = Arc::clone(&world);
        let stopper = thread::spawn(move || {
            stopper.stop();
            stopper.start();
        });
        make_calls(&world, 1);
        sysmon.join().unwrap();
        stopper.join().unwrap();
        world.check();
    });
}
