//! Lists of free blocks by class, in front of the source.

mod cache;
mod class;
mod depot;
mod large;
mod list;
mod prim;
mod registry;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use self::cache::Shared;
use self::class::{COUNT, Class, PerClass, STEP};
use self::depot::Depot;
use self::list::{Key, List};
use self::registry::{Entry, Registry};
use super::Stats;
use super::source::round_up;
use crate::startup::InitialStack;
use crate::startup::stack::kept_argv;
use crate::sync::{self, PinnedMutex, PinnedMutexGuard};

/// The size of the largest blocks that are not mappings of their own.
const LARGEST_MIDDLE: usize = 128 << 10;

/// The class that an entry of the registry belongs to.
const ENTRY: Class = Class::of(size_of::<Entry>()).unwrap();

/// A heap: for small blocks lists by size, in front of linked_list_allocator over brk and
/// mmap, and mappings for large ones.
///
/// Where there may be several threads, [`sync::expect_threads`] must have been called
/// before a second one uses it.
pub struct Heap {
    /// What links are mangled with; 0 until the first block is wanted.
    key: AtomicUsize,
    /// The free small blocks, while there is one thread.
    alone: UnsafeCell<PerClass<List>>,
    /// What threads share, from when it is first wanted on.
    shared: AtomicPtr<Shared>,
    depot: PinnedMutex<Depot>,
    /// Bytes in mappings of large blocks.
    large: AtomicUsize,
    /// The blocks of whole pages that are handed out, in debug builds.
    registry: Registry,
}

// SAFETY: `alone` is looked at while there is one thread, and after that once, under the
// depot's lock. The rest keeps threads apart by itself.
unsafe impl Sync for Heap {}

/// Which way a block goes.
enum Kind {
    /// Small, of this class.
    Small(Class),
    /// Of this size, from the source.
    Middle(usize),
    /// A mapping.
    Large,
}

impl Kind {
    #[inline(always)]
    fn of(layout: Layout) -> Kind {
        // What has an alignment is rounded up to it: see `class`.
        let size = layout.pad_to_align().size();
        match Class::of(size) {
            Some(class) => Kind::Small(class),
            None if size <= LARGEST_MIDDLE => Kind::Middle(size),
            None => Kind::Large,
        }
    }
}

impl Heap {
    /// An empty heap: it asks the kernel for memory when it is first used.
    pub const fn new() -> Heap {
        Heap {
            key: AtomicUsize::new(0),
            alone: UnsafeCell::new(PerClass::from([const { List::EMPTY }; COUNT])),
            shared: AtomicPtr::new(ptr::null_mut()),
            depot: PinnedMutex::new(Depot::new()),
            large: AtomicUsize::new(0),
            registry: Registry::new(),
        }
    }

    /// How many bytes it has, and where they are. While other threads use it, what they
    /// change meanwhile may count twice or not at all.
    pub fn stats(&self) -> Stats {
        let key = self.key();
        let shared = self.shared.load(Ordering::Acquire);
        let mut depot = self.depot.lock();
        let free = if shared.is_null() {
            // SAFETY: there is one thread, or nothing is shared yet, and then the lists are
            // used under this lock.
            let alone = unsafe { &*self.alone.get() }.iter();
            alone
                .map(|(class, list)| list.len(key) * class.size())
                .sum()
        } else {
            // SAFETY: once it is there it stays.
            unsafe { (*shared).free(key) }
        };
        let [brk, mapped, holes] = depot.source.sizes();
        let unused = holes + depot.left();
        drop(depot);
        let large = self.large.load(Ordering::Relaxed);
        let own = if shared.is_null() {
            0
        } else {
            size_of::<Shared>()
        };
        Stats {
            brk,
            mapped,
            large,
            used: (brk + mapped + large).saturating_sub(free + unused + own),
            free,
            unused,
        }
    }

    #[inline(always)]
    fn key(&self) -> Key {
        // Whoever has a block, or sees what is shared, sees what came before.
        Key(self.key.load(Ordering::Relaxed))
    }

    /// The depot, and with it a key.
    fn depot(&self) -> PinnedMutexGuard<'_, Depot> {
        let depot = self.depot.lock();
        if self.key().0 == 0 {
            self.key.store(random_key().0, Ordering::Relaxed);
        }
        depot
    }

    /// A small block, or null.
    #[inline]
    fn allocate(&self, class: Class) -> *mut u8 {
        if sync::expects_threads() {
            return self.allocate_shared(class);
        }
        // SAFETY: there is one thread, and it is here.
        let list = unsafe { &mut (&mut *self.alone.get())[class] };
        let block = list.pop(self.key());
        if !block.is_null() {
            return block;
        }
        self.refill(class)
    }

    /// # Safety
    ///
    /// `block` must be from [`Heap::allocate`], of this class.
    #[inline]
    unsafe fn deallocate(&self, block: *mut u8, class: Class) {
        if sync::expects_threads() {
            // SAFETY: passed on to the caller.
            return unsafe { self.deallocate_shared(block, class) };
        }
        // SAFETY: there is one thread, and it is here; the block is the caller's promise.
        unsafe { (&mut *self.alone.get())[class].push(block, self.key()) }
    }

    /// A block from a page full of fresh ones. There is one thread.
    #[cold]
    #[inline(never)]
    fn refill(&self, class: Class) -> *mut u8 {
        let mut list = self.fresh(class);
        let block = list.pop(self.key());
        // SAFETY: there is one thread, and it is here.
        unsafe { (&mut *self.alone.get())[class] = list };
        block
    }

    /// Fresh blocks of a class; an empty list if there is no memory.
    fn fresh(&self, class: Class) -> List {
        let [start, end] = self.depot().fresh(class);
        // SAFETY: the blocks are fresh, and of the class's size.
        unsafe { List::carve(start, end, class.size(), self.key()) }
    }

    fn allocate_shared(&self, class: Class) -> *mut u8 {
        match self.shared() {
            Some(shared) => shared.allocate(class, self.key(), || self.fresh(class)),
            None => ptr::null_mut(),
        }
    }

    /// # Safety
    ///
    /// As for [`Heap::deallocate`].
    unsafe fn deallocate_shared(&self, block: *mut u8, class: Class) {
        match self.shared() {
            // SAFETY: passed on to the caller.
            Some(shared) => unsafe { shared.deallocate(block, class, self.key()) },
            None => {
                let _lock = self.depot.lock();
                // SAFETY: as long as nothing is shared, the lists are used under the
                // depot's lock alone.
                unsafe { (&mut *self.alone.get())[class].push(block, self.key()) }
            }
        }
    }

    /// What threads share, unless there is no memory for it.
    #[inline]
    fn shared(&self) -> Option<&Shared> {
        // SAFETY: once it is there it stays.
        match unsafe { self.shared.load(Ordering::Acquire).as_ref() } {
            None => self.share(),
            shared => shared,
        }
    }

    #[cold]
    #[inline(never)]
    fn share(&self) -> Option<&Shared> {
        let mut depot = self.depot();
        let mut shared = self.shared.load(Ordering::Acquire);
        if shared.is_null() {
            shared = depot
                .allocate(size_of::<Shared>(), align_of::<Shared>())
                .cast();
            if shared.is_null() {
                return None;
            }
            // SAFETY: there is room for it. There are threads, so that all come to this
            // lock to get at the lists.
            unsafe { Shared::init(shared, &mut *self.alone.get()) };
            self.shared.store(shared, Ordering::Release);
        }
        // SAFETY: it is there now.
        unsafe { Some(&*shared) }
    }

    #[cold]
    #[inline(never)]
    fn allocate_pages(&self, layout: Layout) -> *mut u8 {
        let block = if let Kind::Middle(size) = Kind::of(layout) {
            self.depot.lock().allocate(size, layout.align())
        } else {
            let block = large::allocate(layout);
            if !block.is_null() {
                self.count_large(0, layout.size());
            }
            block
        };
        if !cfg!(debug_assertions) || block.is_null() || self.register(block) {
            return block;
        }
        // SAFETY: it is what was allocated above.
        unsafe { self.return_pages(block, layout) };
        ptr::null_mut()
    }

    /// # Safety
    ///
    /// `block` must be from [`Heap::allocate_pages`] with the same layout.
    #[cold]
    #[inline(never)]
    unsafe fn deallocate_pages(&self, block: *mut u8, layout: Layout) {
        if cfg!(debug_assertions) {
            self.unregister(block);
        }
        // SAFETY: passed on to the caller.
        unsafe { self.return_pages(block, layout) }
    }

    /// Gives pages back.
    ///
    /// # Safety
    ///
    /// As for [`Heap::deallocate_pages`].
    unsafe fn return_pages(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe {
            if let Kind::Middle(size) = Kind::of(layout) {
                self.depot.lock().deallocate(block, size, layout.align());
            } else {
                large::deallocate(block, layout.size());
                self.count_large(layout.size(), 0);
            }
        }
    }

    /// Changes the size of a large block, if the kernel does.
    ///
    /// # Safety
    ///
    /// As for [`GlobalAlloc::realloc`]; the block is large, and will be.
    unsafe fn reallocate_large(
        &self,
        block: *mut u8,
        layout: Layout,
        size: usize,
    ) -> Option<*mut u8> {
        if cfg!(debug_assertions) {
            self.unregister(block);
        }
        // SAFETY: passed on to the caller.
        let moved = unsafe { large::reallocate(block, layout, size) };
        if moved.is_some() {
            self.count_large(layout.size(), size);
        }
        if cfg!(debug_assertions) {
            // There is an entry's room: one was freed above. If another thread took it and
            // there is no more, the block is not known, and freeing it is refused.
            self.register(moved.unwrap_or(block));
        }
        moved
    }

    /// Notes down that a block of whole pages is handed out; false if there is no memory
    /// for that.
    fn register(&self, block: *mut u8) -> bool {
        let entry = self.allocate(ENTRY).cast::<Entry>();
        if entry.is_null() {
            return false;
        }
        // SAFETY: a block of this class has room for an entry.
        unsafe { self.registry.insert(entry, block) };
        true
    }

    /// Notes down that a block of whole pages is not handed out any more.
    ///
    /// # Panics
    ///
    /// If it was not.
    fn unregister(&self, block: *mut u8) {
        match self.registry.remove(block) {
            // SAFETY: it is from `register`.
            Some(entry) => unsafe { self.deallocate(entry.cast(), ENTRY) },
            None => panic!("freed {block:p}, which is no block of the heap's, or was freed before"),
        }
    }

    /// Looks at a small block that is freed.
    ///
    /// # Panics
    ///
    /// If it is none, or is free.
    fn check(&self, block: *mut u8) {
        let is_ours =
            block.addr().is_multiple_of(STEP) && self.depot.lock().source.owner(block).is_some();
        assert!(is_ours, "freed {block:p}, which is no block of the heap's");
        // SAFETY: there are words of the heap's at that place.
        let is_free = unsafe { list::is_marked(block, self.key()) };
        assert!(!is_free, "freed {block:p}, which was freed before");
    }

    /// Counts that a large block of `old` bytes has `new`.
    fn count_large(&self, old: usize, new: usize) {
        let [old, new] = [old, new].map(round_up);
        self.large
            .fetch_add(new.wrapping_sub(old), Ordering::Relaxed);
    }
}

// SAFETY: every block comes from a run, a hole or a mapping that is the heap's alone, is
// handed out once, and goes back to where it came from, which its layout says.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match Kind::of(layout) {
            Kind::Small(class) => self.allocate(class),
            _ => self.allocate_pages(layout),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller: the block is from `alloc`, with this layout.
        unsafe {
            match Kind::of(layout) {
                Kind::Small(class) => {
                    if cfg!(debug_assertions) {
                        self.check(block);
                    }
                    self.deallocate(block, class);
                }
                _ => self.deallocate_pages(block, layout),
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        unsafe {
            let block = self.alloc(layout);
            // A new mapping is zeros already.
            if !block.is_null() && !matches!(Kind::of(layout), Kind::Large) {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: passed on to the caller: the size is one that a layout may have, and the
        // block is from `alloc`, with `layout`.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(size, layout.align());
            let stays = match (Kind::of(layout), Kind::of(new_layout)) {
                (Kind::Small(old), Kind::Small(new)) => old == new,
                (Kind::Middle(old), Kind::Middle(new)) => depot::is_same(old, new),
                (Kind::Large, Kind::Large) => {
                    if let Some(moved) = self.reallocate_large(block, layout, size) {
                        return moved;
                    }
                    false
                }
                _ => false,
            };
            if stays {
                return block;
            }
            let moved = self.alloc(new_layout);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// A key for this process: `AT_RANDOM`'s last word, since the first is the canary. In a
/// process that another start-up than ours began it is not random.
fn random_key() -> Key {
    let argv = kept_argv();
    if argv.is_null() {
        return Key::new(0);
    }
    // SAFETY: it is what _start found on the initial stack.
    let auxv = unsafe { InitialStack::from_argv(argv) }.auxv();
    let random = auxv.random().and_then(|bytes| bytes.last_chunk());
    Key::new(random.map_or(0, |&word| usize::from_ne_bytes(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::thread;
    use std::vec::Vec;

    /// A block that is filled with its content.
    struct Block(usize, Layout, u8);

    impl Block {
        fn new(heap: &Heap, size: usize, align: usize) -> Block {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the layout has a size.
            let start = unsafe { heap.alloc(layout) };
            assert!(!start.is_null() && start.addr().is_multiple_of(align));
            let content = (size ^ align) as u8;
            // SAFETY: the block is of that size.
            unsafe { start.write_bytes(content, size) };
            Block(start.expose_provenance(), layout, content)
        }

        fn free(self, heap: &Heap) {
            let Block(start, layout, content) = self;
            let start: *mut u8 = ptr::with_exposed_provenance_mut(start);
            // SAFETY: the block is of that layout, and is freed once.
            unsafe {
                let bytes = core::slice::from_raw_parts(start, layout.size());
                // Each is as the one before: this is faster than a loop.
                assert!(bytes[0] == content && bytes[1..] == bytes[..bytes.len() - 1]);
                heap.dealloc(start, layout);
            }
        }
    }

    fn sizes() -> impl Iterator<Item = (usize, usize)> {
        (0..600_usize).map(|n| {
            let size = match n % 7 {
                0 => 1 + n * 100,
                1 => 1 + n * 1000,
                _ => 1 + n * 7,
            };
            (size, 1 << (n % 17))
        })
    }

    #[test]
    fn what_was_freed_is_not_used() {
        let heap = Heap::new();
        let before = heap.stats();
        assert_eq!(before, Stats::default());
        let blocks: Vec<Block> = sizes()
            .map(|(size, align)| Block::new(&heap, size, align))
            .collect();
        let used: usize = blocks.iter().map(|block| block.1.size()).sum();
        let stats = heap.stats();
        assert!(stats.used >= used && stats.large > 0, "{used}, {stats:?}");
        blocks.into_iter().for_each(|block| block.free(&heap));
        let stats = heap.stats();
        // The arenas' own records are what is left.
        assert!(stats.used < 4096 && stats.large == 0, "{stats:?}");
        assert!(stats.free + stats.unused <= stats.brk + stats.mapped);
    }

    #[test]
    fn blocks_of_one_thread_are_freed_by_another() {
        static HEAP: Heap = Heap::new();
        static PASSED: Mutex<Vec<Block>> = Mutex::new(Vec::new());
        sync::expect_threads();
        let work = || {
            for (size, align) in sizes() {
                PASSED.lock().unwrap().push(Block::new(&HEAP, size, align));
                let mut passed = PASSED.lock().unwrap();
                if passed.len() > 100 {
                    let index = size % passed.len();
                    let block = passed.swap_remove(index);
                    drop(passed);
                    block.free(&HEAP);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(work);
            }
        });
        let passed = core::mem::take(&mut *PASSED.lock().unwrap());
        passed.into_iter().for_each(|block| block.free(&HEAP));
        let stats = HEAP.stats();
        assert!(stats.used < 4096 && stats.large == 0, "{stats:?}");
    }
}
