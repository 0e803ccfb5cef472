//! What threads share of the heap, in every order in which two of them can come to it:
//! src/heap/segregated/cache.rs itself, on loom's atomics and locks.

#![allow(
    dead_code,
    reason = "the heap uses more of its modules than is tried here"
)]

mod heap;

mod sync {
    pub struct PinnedMutex<T>(loom::sync::Mutex<T>);

    pub type PinnedMutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

    impl<T> PinnedMutex<T> {
        pub fn new(data: T) -> PinnedMutex<T> {
            PinnedMutex(loom::sync::Mutex::new(data))
        }

        pub fn lock(&self) -> PinnedMutexGuard<'_, T> {
            self.0.lock().unwrap()
        }

        pub fn try_lock(&self) -> Option<PinnedMutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

mod arch {
    pub fn trap() -> ! {
        panic!("a link is not what it was")
    }
}

use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::process::Command;

use heap::cache::Shared;
use heap::class::{Class, PerClass};
use heap::list::{Key, List};
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

/// The variable that says which bug there is to be.
const PLANTED: &str = "FREESTAND_PLANTED";

fn planted() -> Option<&'static str> {
    use std::sync::OnceLock;
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| std::env::var(PLANTED).ok()).as_deref()
}

const KEY: Key = Key::new(0x5a5a_0f00);

/// A class whose lists are full with two blocks. Nobody touches more of a block than its
/// first words, so these need no more.
const CLASS: Class = Class::of(32 << 10).unwrap();

const BLOCKS: usize = 6;

#[repr(C, align(16))]
struct Memory([[u8; 32]; BLOCKS]);

/// What two threads share: the real thing, and memory.
struct World {
    shared: Box<MaybeUninit<Shared>>,
    memory: Box<MaybeUninit<Memory>>,
    /// How many blocks were fresh.
    fresh: Mutex<usize>,
    /// For each block, something that only its owner looks at: loom sees to that.
    owners: Vec<UnsafeCell<()>>,
}

// SAFETY: what is shared is what is tried here.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

impl World {
    fn new(rest: usize) -> Arc<World> {
        let mut world = World {
            shared: Box::new(MaybeUninit::uninit()),
            memory: Box::new(MaybeUninit::zeroed()),
            fresh: Mutex::new(rest),
            owners: (0..BLOCKS).map(|_| UnsafeCell::new(())).collect(),
        };
        let mut lists = PerClass::new(|_| List::EMPTY);
        for index in 0..rest {
            let block = world.block(index);
            // SAFETY: there is a block, and it is nobody's.
            unsafe { lists[CLASS].push(block, KEY) };
        }
        // SAFETY: there is room.
        unsafe { Shared::init(world.shared.as_mut_ptr(), &mut lists) };
        Arc::new(world)
    }

    fn block(&self, index: usize) -> *mut u8 {
        let memory: *const Memory = self.memory.as_ptr();
        memory.cast_mut().cast::<u8>().wrapping_add(32 * index)
    }

    fn index(&self, block: *mut u8) -> usize {
        (block.addr() - self.block(0).addr()) / 32
    }

    fn shared(&self) -> &Shared {
        // SAFETY: `new` made it.
        unsafe { self.shared.assume_init_ref() }
    }

    fn allocate(&self) -> *mut u8 {
        let block = self.shared().allocate(CLASS, KEY, || {
            let mut fresh = self.fresh.lock().unwrap();
            let mut list = List::EMPTY;
            if *fresh < BLOCKS {
                // SAFETY: there is a block, and it is nobody's.
                unsafe { list.push(self.block(*fresh), KEY) };
                *fresh += 1;
            }
            list
        });
        assert!(!block.is_null());
        self.touch(block);
        block
    }

    fn free(&self, block: *mut u8) {
        self.touch(block);
        // SAFETY: the block is from `allocate`.
        unsafe { self.shared().deallocate(block, CLASS, KEY) };
    }

    fn touch(&self, block: *mut u8) {
        self.owners[self.index(block)].with_mut(|_| ());
    }

    /// Every block is free, once.
    fn ends_well(&self) {
        let fresh = *self.fresh.lock().unwrap();
        let free = self.shared().free(KEY);
        assert_eq!(free, fresh * CLASS.size(), "{fresh} blocks are free");
        let blocks: HashSet<usize> = (0..fresh).map(|_| self.allocate().addr()).collect();
        assert_eq!(blocks.len(), fresh);
    }
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn two_threads_never_have_the_same_block() {
    model(|| {
        let world = World::new(0);
        let other = Arc::clone(&world);
        let thread = thread::spawn(move || {
            let block = other.allocate();
            other.free(block);
        });
        let [one, two] = [world.allocate(), world.allocate()];
        world.free(one);
        world.free(two);
        thread.join().unwrap();
        world.ends_well();
    });
}

#[test]
fn what_one_frees_another_gets() {
    model(|| {
        // Two blocks are what the only thread left.
        let world = World::new(2);
        let blocks: Vec<usize> = (0..5)
            .map(|_| world.allocate().expose_provenance())
            .collect();
        let other = Arc::clone(&world);
        let thread = thread::spawn(move || {
            for block in blocks {
                other.free(std::ptr::with_exposed_provenance_mut(block));
            }
        });
        let block = world.allocate();
        world.free(block);
        thread.join().unwrap();
        world.ends_well();
    });
}

/// loom ends the process when it finds something.
#[test]
fn planted_bugs_are_found() {
    for bug in ["claim", "release"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "two_threads_never_have_the_same_block"])
            .env(PLANTED, bug)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{bug} is not found");
        let message = String::from_utf8_lossy(&output.stdout);
        assert!(message.contains("Causality violation"), "{bug}: {message}");
    }
}
