//! Free small blocks, where there are threads.
//!
//! ```text
//!  threads, each at the stripe that its stack's address says, or at the next free one
//!     │                   │                         │
//!  ┌──▼──────┐         ┌──▼──────┐               ┌──▼──────┐
//!  │ busy    │         │ busy    │               │ busy    │   64 stripes
//!  │ current │ full    │ current │ full    …     │ current │ full     for each class
//!  └─┬────▲──┘         └─────────┘               └─────────┘
//!    │    │ one list of blocks at a time
//!  ┌─▼────┴──────────────────────────────────────────────────┐
//!  │ exchange: for each class a stack of lists, under a lock │
//!  └─▲───────────────────────────────────────────────────────┘
//!    │ what is fresh
//! ```
//!
//! A *stripe* has a list of free blocks for each class, and a second one that is full. A
//! thread takes a stripe for as long as it pushes or pops one block, by an atomic compare-and-
//! exchange of the stripe's own flag, and if that fails goes on to the next: it never waits. So it
//! matters for speed only that threads mostly come to different stripes, and nothing needs
//! to be done when one ends. In the child of a fork, stripes that other threads had in
//! their hands stay taken for ever, and are passed by.
//!
//! When the list that blocks are pushed to is full too, the other goes to the *exchange*,
//! whole; when both are empty, one comes from there. So the blocks that one thread makes
//! and another frees find their way back, and the lock is taken once for many of them.

use core::{hint, ptr};

use super::class::{Class, PerClass};
use super::list::{Key, List, Stack};
use super::prim::{AtomicBool, Cell, Ordering, SPINS, STRIPES, spot};
use crate::sync::{PinnedMutex, PinnedMutexGuard};

/// How many blocks make a list full: as many as are 16 KiB, within limits.
const fn full(class: Class) -> u32 {
    match (16 << 10) / class.size() {
        blocks @ 2..=64 => blocks as u32,
        ..2 => 2,
        _ => 64,
    }
}

/// What all threads share.
pub struct Shared {
    stripes: [Stripe; STRIPES],
    exchange: PinnedMutex<Exchange>,
}

/// Free blocks that one thread at a time looks at. On cache lines of its own, which
/// processors fetch by twos.
#[repr(align(128))]
struct Stripe {
    busy: AtomicBool,
    magazines: Cell<PerClass<Magazine>>,
}

// SAFETY: only whoever has set `busy` looks at the magazines.
unsafe impl Sync for Stripe {}

/// A stripe's blocks of one class.
struct Magazine {
    /// Where blocks are pushed and popped.
    current: List,
    /// Another list, empty or full.
    full: List,
    /// By how many blocks `current` has grown since it was put there: at most as many as
    /// there are.
    count: u32,
    /// With how many it is full.
    limit: u32,
}

struct Exchange {
    lists: PerClass<Stack>,
    /// What the only thread left behind, in lists of any length.
    rest: PerClass<List>,
}

impl Shared {
    /// Makes what threads share at `place`, with the blocks that the only thread left.
    ///
    /// # Safety
    ///
    /// There must be room for it, of any content.
    pub unsafe fn init(place: *mut Shared, rest: &mut PerClass<List>) {
        // Piece by piece: all of it is too much for a stack.
        // SAFETY: passed on to the caller.
        unsafe {
            for index in 0..STRIPES {
                (&raw mut (*place).stripes[index]).write(Stripe::new());
            }
            (&raw mut (*place).exchange).write(PinnedMutex::new(Exchange {
                lists: PerClass::new(|_| Stack::EMPTY),
                rest: PerClass::new(|class| rest[class].take()),
            }));
        }
    }

    /// A block of a class; null if there is none, not even a `fresh` one.
    #[inline]
    pub fn allocate(&self, class: Class, key: Key, fresh: impl FnOnce() -> List) -> *mut u8 {
        let refill = || {
            let list = self.exchange().take(class, key);
            if list.is_empty() { fresh() } else { list }
        };
        let block = match self.claim() {
            Some(stripe) => {
                let block = stripe.magazines.with_mut(|magazines| {
                    // SAFETY: the stripe is claimed.
                    let magazine = unsafe { &mut (&mut *magazines)[class] };
                    let block = magazine.pop(key);
                    if !block.is_null() {
                        return block;
                    }
                    magazine.current = refill();
                    magazine.current.pop(key)
                });
                stripe.release();
                block
            }
            None => {
                let mut list = refill();
                let block = list.pop(key);
                self.exchange().lists[class].push(list, key);
                block
            }
        };
        if block.is_null() {
            return self.search(class, key);
        }
        block
    }

    /// A block of a class from whichever stripe has one, where memory is short.
    #[cold]
    #[inline(never)]
    fn search(&self, class: Class, key: Key) -> *mut u8 {
        for stripe in self.stripes.iter().filter(|stripe| stripe.claim()) {
            let block = stripe.magazines.with_mut(|magazines| {
                // SAFETY: the stripe is claimed.
                unsafe { (&mut *magazines)[class].pop(key) }
            });
            stripe.release();
            if !block.is_null() {
                return block;
            }
        }
        ptr::null_mut()
    }

    /// Takes a block of a class back.
    ///
    /// # Safety
    ///
    /// As for [`List::push`].
    #[inline]
    pub unsafe fn deallocate(&self, block: *mut u8, class: Class, key: Key) {
        let given = match self.claim() {
            Some(stripe) => {
                let given = stripe.magazines.with_mut(|magazines| {
                    // SAFETY: the stripe is claimed; the block is the caller's promise.
                    unsafe { (&mut *magazines)[class].push(block, key) }
                });
                stripe.release();
                given
            }
            None => {
                let mut list = List::EMPTY;
                // SAFETY: passed on to the caller.
                unsafe { list.push(block, key) };
                list
            }
        };
        if !given.is_empty() {
            self.give(given, class, key);
        }
    }

    #[cold]
    #[inline(never)]
    fn give(&self, list: List, class: Class, key: Key) {
        self.exchange().lists[class].push(list, key);
    }

    /// A stripe that is the caller's until it releases it, unless all are taken.
    #[inline]
    fn claim(&self) -> Option<&Stripe> {
        let first = spot();
        (0..STRIPES)
            .map(|index| &self.stripes[(first + index) % STRIPES])
            .find(|stripe| stripe.claim())
    }

    /// The exchange. Whoever has it has it for some instructions only: to look again is
    /// mostly faster than to sleep.
    fn exchange(&self) -> PinnedMutexGuard<'_, Exchange> {
        for _ in 0..SPINS {
            if let Some(exchange) = self.exchange.try_lock() {
                return exchange;
            }
            hint::spin_loop();
        }
        self.exchange.lock()
    }

    /// Bytes in free blocks. What other threads have in their hands at the moment does
    /// not count.
    pub fn free(&self, key: Key) -> usize {
        let mut free = 0;
        {
            let exchange = self.exchange();
            for class in Class::all() {
                let blocks = exchange.lists[class].len(key) + exchange.rest[class].len(key);
                free += blocks * class.size();
            }
        }
        for stripe in &self.stripes {
            if !stripe.claim() {
                continue;
            }
            free += stripe.magazines.with_mut(|magazines| {
                // SAFETY: the stripe is claimed.
                let magazines = unsafe { &*magazines }.iter();
                magazines.fold(0, |free, (class, magazine)| {
                    let blocks = magazine.current.len(key) + magazine.full.len(key);
                    free + blocks * class.size()
                })
            });
            stripe.release();
        }
        free
    }
}

impl Stripe {
    fn new() -> Stripe {
        Stripe {
            busy: AtomicBool::new(false),
            magazines: Cell::new(PerClass::new(Magazine::new)),
        }
    }

    /// Whether the stripe is the caller's, until it releases it. If not, nothing has
    /// changed.
    #[inline]
    fn claim(&self) -> bool {
        let claim = (self.busy).compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        claim.is_ok()
    }

    /// Ends a claim.
    #[inline]
    fn release(&self) {
        self.busy.store(false, Ordering::Release);
    }
}

impl Magazine {
    fn new(class: Class) -> Magazine {
        Magazine {
            current: List::EMPTY,
            full: List::EMPTY,
            count: 0,
            limit: full(class),
        }
    }

    #[inline]
    fn pop(&mut self, key: Key) -> *mut u8 {
        if self.current.is_empty() && !self.full.is_empty() {
            self.current = self.full.take();
            self.count = self.limit;
        }
        self.count = self.count.saturating_sub(1);
        self.current.pop(key)
    }

    /// Adds a block, and returns a list that is too much, mostly an empty one.
    ///
    /// # Safety
    ///
    /// As for [`List::push`].
    #[inline]
    unsafe fn push(&mut self, block: *mut u8, key: Key) -> List {
        let mut given = List::EMPTY;
        if self.count >= self.limit {
            given = self.full.take();
            self.full = self.current.take();
            self.count = 0;
        }
        // SAFETY: passed on to the caller.
        unsafe { self.current.push(block, key) };
        self.count += 1;
        given
    }
}

impl Exchange {
    /// A list of blocks of a class, empty if there are none.
    fn take(&mut self, class: Class, key: Key) -> List {
        let list = self.lists[class].pop(key);
        if list.is_empty() {
            return self.rest[class].split(full(class), key);
        }
        list
    }
}
