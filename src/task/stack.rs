//! Stacks of tasks.
//!
//! Many come from one mapping, a *slab*: cut into slots of one size, a power of two. At the
//! low end of each slot is a guard that nobody may touch.
//!
//! ```text
//!  ┌────────────────────────┐ high addresses
//!  │ slot 1                 │
//!  │   ↓                    │
//!  │ guard                  │ one page
//!  ├────────────────────────┤
//!  │ slot 0                 │
//!  │   ↓                    │
//!  │ guard                  │
//!  ├────────────────────────┤
//!  │ words                  │ for each slot, whose it is, or which is free next
//!  └────────────────────────┘ low addresses
//! ```
//!
//! A slab stays mapped, and each new one has as many slots as there are, so there are few.
//! With `MADV_GUARD_INSTALL` (Linux 6.13) a guard is an entry in the page table, so a hundred
//! thousand stacks are a few mappings. Where that does not work a guard is a mapping of its
//! own, with another between it and the next, and `vm.max_map_count` bounds their number
//! (65 530: about 32 700 stacks).
//!
//! What takes memory is what is touched: of a slot that was never used nothing, of one that
//! was, a page mostly. So a slot that was used last is used first, and beyond
//! [`WARM_BYTES`] the pages of those that wait go back to the kernel.
//!
//! Nothing here allocates from the heap or takes any but the one short lock, for it runs on
//! the scheduler's stack.

use core::iter;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicUsize, Ordering::*};

use heapless::Vec;

use super::lock::Lock;
use crate::startup::InitialStack;
use crate::startup::stack::kept_argv;
use crate::sys::{self, Address, Advice, Errno, MapFlags, MaskHow, Prot, SigSet, nr};

/// How many bytes of stack a task has that does not say. With the guard it fills a slot of
/// 64 KiB, or of 32 KiB where a word is half as long: so are frames there, and a hundred
/// thousand such slots fit into the address space.
pub(crate) const DEFAULT: usize = (size_of::<usize>() << 13) - SMALLEST_PAGE - STAGGER;

/// The most that it can have.
pub(crate) const MAX: usize = (1 << LARGEST_SHIFT) - LARGEST_PAGE - STAGGER;

/// Slots have from 16 KiB to 64 MiB, and more where pages are large.
const SMALLEST_SHIFT: u32 = 14;
const LARGEST_SHIFT: u32 = 26;
const CLASSES: usize = (LARGEST_SHIFT - SMALLEST_SHIFT + 1) as usize;

/// No architecture has smaller or larger ones.
const SMALLEST_PAGE: usize = 4 << 10;
const LARGEST_PAGE: usize = 64 << 10;

/// By how much the tops of stacks differ at most. If all were a page's end, the first frames
/// of all tasks would share a few lines of the caches.
const STAGGER: usize = 16 * CACHE_LINE;
const CACHE_LINE: usize = 64;

/// How large a first slab is, and how many slots it has at most.
const FIRST_BYTES: usize = 4 << 20;
const FIRST_SLOTS: usize = 64;

/// How many bytes of slots of one size wait with their pages: 1024 of 64 KiB.
const WARM_BYTES: usize = 64 << 20;

/// How many slabs there can be of all sizes.
const SLABS: usize = 128;

/// Where a slab is. `start` is written last.
struct Slab {
    /// Where its slots begin; null if there is none yet.
    start: AtomicPtr<u8>,
    /// How many there are.
    slots: AtomicU32,
    /// Their size: a power of two.
    shift: AtomicU8,
}

static TABLE: [Slab; SLABS] = [const {
    Slab {
        start: AtomicPtr::new(ptr::null_mut()),
        slots: AtomicU32::new(0),
        shift: AtomicU8::new(0),
    }
}; SLABS];

/// The slot `index` of the slab `slab`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot {
    slab: u8,
    index: u32,
}

impl Slot {
    const INDEX_BITS: u32 = 23;

    /// What a list says of it. The lowest bit tells it from an owner; 0 is no slot.
    fn link(self) -> usize {
        (((usize::from(self.slab) + 1) << Slot::INDEX_BITS) | self.index as usize) << 1 | 1
    }

    fn of(link: usize) -> Option<Slot> {
        let slab = (link >> 1 >> Slot::INDEX_BITS).checked_sub(1)?;
        Some(Slot {
            slab: slab as u8,
            index: (link >> 1) as u32 & ((1 << Slot::INDEX_BITS) - 1),
        })
    }

    fn slab(self) -> &'static Slab {
        &TABLE[usize::from(self.slab)]
    }

    fn shift(self) -> u32 {
        u32::from(self.slab().shift.load(Relaxed))
    }

    fn class(self) -> usize {
        (self.shift() - SMALLEST_SHIFT) as usize
    }

    fn len(self) -> usize {
        1 << self.shift()
    }

    /// Where it begins.
    fn start(self) -> *mut u8 {
        let slab = self.slab().start.load(Acquire);
        slab.wrapping_add((self.index as usize) << self.shift())
    }

    /// Its word: whose it is, or if it is free the link to the next one.
    fn word(self) -> &'static AtomicPtr<()> {
        let words = self.slab().start.load(Acquire).cast::<AtomicPtr<()>>();
        // SAFETY: below the slab's first slot is a word for each, and slabs stay.
        unsafe { &*words.sub(self.index as usize + 1) }
    }

    /// Makes the guard.
    fn guard(self) -> sys::Result<()> {
        let guard: Address = self.start().cast();
        // SAFETY: the slot is the caller's, who has no reference into it.
        unsafe {
            if GUARDS.load(Relaxed) == INSTALLED
                && sys::madvise(guard, page(), Advice::GUARD_INSTALL).is_ok()
            {
                return Ok(());
            }
            // Too old a kernel, or memory that is locked.
            sys::mprotect(guard, page(), Prot::empty())
        }
    }

    /// Gives all pages back, and keeps the guard.
    fn clean(self) {
        let stack: Address = self.start().wrapping_add(page()).cast();
        // SAFETY: the slot is the caller's, who needs nothing that is in it. There is an
        // error for pages that are locked: they stay as they are.
        let _ = unsafe { sys::madvise(stack, self.len() - page(), Advice::DONTNEED) };
    }
}

/// How guards are made.
static GUARDS: AtomicU8 = AtomicU8::new(0);
/// By `MADV_GUARD_INSTALL`.
const INSTALLED: u8 = 1;
/// By mprotect(2).
const PROTECTED: u8 = 2;

/// The length of a page, and of a guard.
static PAGE: AtomicUsize = AtomicUsize::new(LARGEST_PAGE);

fn page() -> usize {
    PAGE.load(Relaxed)
}

/// Finds out how long a page is. It comes before the first stack.
pub(crate) fn set_up() {
    let argv = kept_argv();
    if argv.is_null() {
        // Another `_start` ran than ours.
        return;
    }
    // SAFETY: the piece that keeps argv stored what _start found.
    let auxv = unsafe { InitialStack::from_argv(argv) }.auxv();
    if let Some(page) = auxv.page_size() {
        PAGE.store(page, Relaxed);
    }
}

/// Which slots of one size are free.
struct Class {
    /// Those whose pages are in memory, and how many.
    warm: usize,
    warm_len: usize,
    /// Those that have none, beside the guard.
    cold: usize,
    /// Those that were to get a guard, and did not.
    bare: usize,
    /// Those of the newest slab that were never used, and have no guard yet.
    fresh: Range<u32>,
    newest: u8,
    /// How many there are in all, used or not.
    slots: usize,
}

struct Lists {
    classes: [Class; CLASSES],
    /// How many slabs there are.
    slabs: usize,
}

static LISTS: Lock<Lists> = Lock::new(Lists {
    classes: [const {
        Class {
            warm: 0,
            warm_len: 0,
            cold: 0,
            bare: 0,
            fresh: 0..0,
            newest: 0,
            slots: 0,
        }
    }; CLASSES],
    slabs: 0,
});

/// Takes the first slot out of a list. The lock is held.
fn pop(list: &mut usize) -> Option<Slot> {
    let slot = Slot::of(*list)?;
    *list = slot.word().swap(ptr::null_mut(), Relaxed).addr();
    Some(slot)
}

/// Puts one in front. The lock is held.
fn push(list: &mut usize, slot: Slot) {
    // An empty list's end is a link too: not 0, which is nobody's.
    let next = ptr::without_provenance_mut(*list | 1);
    slot.word().store(next, Relaxed);
    *list = slot.link();
}

impl Lists {
    /// A slot of that class that was used before, and so has a guard.
    fn used(&mut self, class: usize) -> Option<Slot> {
        let class = &mut self.classes[class];
        if let Some(slot) = pop(&mut class.warm) {
            class.warm_len -= 1;
            return Some(slot);
        }
        pop(&mut class.cold)
    }

    /// One that was not, and has none.
    fn fresh(&mut self, class: usize) -> Option<Slot> {
        if let Some(slot) = pop(&mut self.classes[class].bare) {
            return Some(slot);
        }
        if self.classes[class].fresh.is_empty() {
            self.grow(class)?;
        }
        let class = &mut self.classes[class];
        let index = class.fresh.next()?;
        let slab = class.newest;
        Some(Slot { slab, index })
    }

    /// Maps another slab.
    fn grow(&mut self, at: usize) -> Option<()> {
        let slab = TABLE.get(self.slabs)?;
        let class = &mut self.classes[at];
        let shift = SMALLEST_SHIFT + at as u32;
        let mut slots = match class.slots {
            0 => (FIRST_BYTES >> shift).clamp(1, FIRST_SLOTS),
            slots => slots.min(1 << Slot::INDEX_BITS),
        };
        let (start, slots) = loop {
            match map(shift, slots) {
                Ok(start) => break (start, slots),
                // There may be room for less.
                Err(_) if slots > 1 => slots /= 2,
                Err(_) => return None,
            }
        };
        if GUARDS.load(Relaxed) == 0 {
            GUARDS.store(probe(start), Relaxed);
        }
        slab.slots.store(slots as u32, Relaxed);
        slab.shift.store(shift as u8, Relaxed);
        slab.start.store(start, Release);
        class.newest = self.slabs as u8;
        class.fresh = 0..slots as u32;
        class.slots += slots;
        self.slabs += 1;
        Some(())
    }
}

/// Maps a slab, and returns where its slots begin.
fn map(shift: u32, slots: usize) -> sys::Result<*mut u8> {
    let words = (slots * size_of::<AtomicPtr<()>>()).next_multiple_of(page());
    let length = slots
        .checked_mul(1 << shift)
        .and_then(|length| length.checked_add(words))
        .ok_or(Errno::ENOMEM)?;
    let prot = Prot::READ | Prot::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::ANONYMOUS;
    let flags = flags | MapFlags::NORESERVE | MapFlags::STACK;
    // SAFETY: the kernel chooses where, so that nothing is replaced.
    let slab = unsafe { sys::mmap(ptr::null_mut(), length, prot, flags, None, 0) }?;
    // A huge page would be all touched by one stack. A kernel without them says so.
    // SAFETY: nothing changes what is in there.
    let _ = unsafe { sys::madvise(slab, length, Advice::NOHUGEPAGE) };
    Ok(slab.cast::<u8>().wrapping_add(words))
}

/// Finds out how guards are made, with the page at `guard`, which is to be one.
///
/// A kernel that does not know the advice says so. qemu-user 7.2 takes every advice and does
/// nothing, so success says nothing: but where the guard is one, a system call that reads
/// there fails.
fn probe(guard: *mut u8) -> u8 {
    let guard: Address = guard.cast();
    let none: Address = ptr::null_mut();
    // SAFETY: nobody uses the page. The call reads a set from it: an empty one, for the page
    // is zeros, so it changes nothing.
    let read: sys::Result<()> = unsafe {
        if sys::madvise(guard, page(), Advice::GUARD_INSTALL).is_err() {
            return PROTECTED;
        }
        sys::syscall!(
            nr::rt_sigprocmask,
            MaskHow::BLOCK,
            guard,
            none,
            size_of::<SigSet>()
        )
    };
    match read {
        Err(Errno::EFAULT) => INSTALLED,
        _ => PROTECTED,
    }
}

/// A stack, which is free again when this is dropped.
pub(crate) struct Stack(Slot);

impl Stack {
    /// One of `size` bytes at least; `None` if there is no memory, or no more mapping
    /// allowed, or none so large ([`MAX`]).
    pub(crate) fn take(size: usize) -> Option<Stack> {
        let class = class(size)?;
        let used = LISTS.lock().used(class);
        match used {
            Some(slot) => Some(Stack(slot)),
            None => Stack::fresh(class),
        }
    }

    fn fresh(class: usize) -> Option<Stack> {
        let slot = LISTS.lock().fresh(class)?;
        if slot.guard().is_err() {
            // Later it may be possible.
            push(&mut LISTS.lock().classes[class].bare, slot);
            return None;
        }
        Some(Stack(slot))
    }

    /// Where it ends: the first frame's place is below. A multiple of 64.
    pub(crate) fn top(&self) -> *mut u8 {
        let line = self.0.index as usize % (STAGGER / CACHE_LINE);
        let end = self.0.start().wrapping_add(self.0.len());
        end.wrapping_sub(line * CACHE_LINE)
    }

    /// Says whose it is, for [`each_owner`], until it is null or the stack is given back.
    pub(crate) fn set_owner<T>(&self, owner: *mut T) {
        self.0.word().store(owner.cast(), Release);
    }

    fn into_slot(self) -> Slot {
        let slot = self.0;
        core::mem::forget(self);
        slot
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        put(iter::once(self.0));
    }
}

/// Which class has slots for a stack of `size` bytes.
fn class(size: usize) -> Option<usize> {
    let length = size.checked_add(page() + STAGGER)?;
    let shift = length.checked_next_power_of_two()?.trailing_zeros();
    match shift {
        ..=LARGEST_SHIFT => Some(shift.saturating_sub(SMALLEST_SHIFT) as usize),
        _ => None,
    }
}

/// Puts slots, which are of one class, into the lists.
fn put(slots: impl Iterator<Item = Slot>) {
    let mut slots = slots.peekable();
    {
        let mut lists = LISTS.lock();
        while let Some(&slot) = slots.peek() {
            let class = &mut lists.classes[slot.class()];
            if (class.warm_len + 1) << slot.shift() > WARM_BYTES.max(slot.len()) {
                break;
            }
            class.warm_len += 1;
            push(&mut class.warm, slot);
            slots.next();
        }
    }
    for slot in slots {
        slot.clean();
        push(&mut LISTS.lock().classes[slot.class()].cold, slot);
    }
}

/// A processor's own free stacks of the default size, so that most are taken and given back
/// without the lock.
pub(crate) struct Cache(Vec<Stack, CACHED>);

const CACHED: usize = 32;

impl Cache {
    pub(crate) const fn new() -> Cache {
        Cache(Vec::new())
    }

    /// As [`Stack::take`].
    pub(crate) fn take(&mut self, size: usize) -> Option<Stack> {
        let class = class(size)?;
        if class != default_class() {
            return Stack::take(size);
        }
        if self.0.is_empty() {
            self.fill(class);
        }
        self.0.pop().or_else(|| Stack::fresh(class))
    }

    #[cold]
    fn fill(&mut self, class: usize) {
        let mut lists = LISTS.lock();
        while self.0.len() < CACHED / 2
            && let Some(slot) = lists.used(class)
        {
            // There is room.
            let _ = self.0.push(Stack(slot));
        }
        // The first is to be used first.
        self.0.reverse();
    }

    /// Gives one back.
    pub(crate) fn put(&mut self, stack: Stack) {
        if stack.0.class() != default_class() {
            return drop(stack);
        }
        if self.0.is_full() {
            self.spill(CACHED / 2);
        }
        // There is room.
        let _ = self.0.push(stack);
    }

    /// Gives those back that have waited longest.
    #[cold]
    fn spill(&mut self, count: usize) {
        put(self.0.drain(..count).map(Stack::into_slot));
    }

    /// Gives all back.
    pub(crate) fn clear(&mut self) {
        self.spill(self.0.len());
    }
}

fn default_class() -> usize {
    class(DEFAULT).unwrap_or_default()
}

/// The slabs that there are, as far as the caller can know.
fn slabs() -> impl Iterator<Item = (u8, &'static Slab)> {
    (0..)
        .zip(&TABLE)
        .take_while(|(_, slab)| !slab.start.load(Acquire).is_null())
}

/// Calls `f` with the owner of each stack that has one. An owner is of the type that it was
/// when it was set, and may be gone unless the caller sees to it. Async-signal-safe.
pub(crate) fn each_owner<T>(f: &mut dyn FnMut(*mut T)) {
    for (number, slab) in slabs() {
        for index in 0..slab.slots.load(Relaxed) {
            let slot = Slot {
                slab: number,
                index,
            };
            let owner = slot.word().load(Acquire);
            if !owner.is_null() && owner.addr() & 1 == 0 {
                f(owner.cast());
            }
        }
    }
}

/// The stack that `address` is in or in whose guard it is: its addresses, from the guard's
/// end on. Async-signal-safe.
pub(crate) fn stack_at(address: usize) -> Option<Range<usize>> {
    slabs().find_map(|(_, slab)| {
        let start = slab.start.load(Relaxed).addr();
        let shift = slab.shift.load(Relaxed);
        let index = address.checked_sub(start)? >> shift;
        let slot = start + (index << shift);
        let is_there = index < slab.slots.load(Relaxed) as usize;
        is_there.then(|| slot + page()..slot + (1 << shift))
    })
}

/// Whether `address` is in a stack's guard: whoever touched it has overflowed the stack.
/// Async-signal-safe.
pub(crate) fn is_guard(address: usize) -> bool {
    stack_at(address).is_some_and(|stack| address < stack.start)
}
