//! What the allocators have to do.

use std::{
    alloc::Layout,
    fs,
    hint::{black_box, spin_loop},
    ptr,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicPtr, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::allocators::Allocator;

/// What a work says: names, and a figure for each.
pub type Figures = Vec<(&'static str, f64)>;

/// A work.
pub type Work = fn(Allocator) -> Figures;

/// All, by name. The times are nanoseconds for an allocation and what goes with it, the
/// Vec's are for all of it, and the memory is bytes.
pub const ALL: [(&str, Work); 7] = [
    ("pairs", pairs),
    ("random", random),
    ("vec", vec),
    ("mixed", mixed),
    ("random-threads", random_threads),
    ("exchange", exchange),
    ("producer", producer),
];

/// The work called `name`.
pub fn find(name: &str) -> Option<Work> {
    let (_, work) = ALL.into_iter().find(|(known, _)| *known == name)?;
    Some(work)
}

/// Marsaglia's xorshift, the same numbers each time.
struct Random(u64);

impl Random {
    /// For the first thread, the second, and so on.
    fn new(thread: usize) -> Random {
        Random(0x9e37_79b9_7f4a_7c15 + thread as u64)
    }

    /// Any number below `limit`, which is below 2³².
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * limit as u64) >> 32) as usize
    }
}

/// A block that is in use. Its first word says how many bytes it has.
struct Object(*mut usize);

// SAFETY: an object belongs to whoever has this, whichever thread that is.
unsafe impl Send for Object {}

/// The layout of an object of `size` bytes.
fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, align_of::<usize>()).expect("works know what they ask for")
}

impl Object {
    /// A new one, of at least a word.
    #[inline]
    fn new(allocator: Allocator, size: usize) -> Object {
        assert!(size >= size_of::<usize>());
        // SAFETY: the size is not 0.
        let block = unsafe { allocator.alloc(layout(size)) }.cast::<usize>();
        assert!(!block.is_null(), "no memory");
        // SAFETY: the block has a word at least, and is aligned to one.
        unsafe { block.write(size) };
        Object(block)
    }

    /// One with from 16 to 4096 bytes.
    #[inline]
    fn random(allocator: Allocator, random: &mut Random) -> Object {
        Object::new(allocator, 16 + random.below(4096 - 16 + 1))
    }

    #[inline]
    fn free(self, allocator: Allocator) {
        // SAFETY: the block is in use, so it says its size, by which it was allocated.
        unsafe { allocator.dealloc(self.0.cast(), layout(*self.0)) }
    }
}

/// How many operations are timed at once.
const BATCH: usize = 1000;

/// Batches that are run first and forgotten.
const WARM_UP: usize = 100;

/// How long a process goes on warming up, at most, and how long it measures.
const BUDGET: Duration = Duration::from_millis(100);

/// Does `operation` again and again, and says how long each batch took. Whoever is ready
/// first sets `ended`, and who finds it set ends too: nobody goes on alone.
fn time(ended: &AtomicBool, mut operation: impl FnMut()) -> Vec<Duration> {
    let mut batch = || {
        let begin = Instant::now();
        (0..BATCH).for_each(|_| operation());
        begin.elapsed()
    };
    let begin = Instant::now();
    let mut warm_up = 0;
    while warm_up < WARM_UP && begin.elapsed() < BUDGET {
        batch();
        warm_up += 1;
    }
    // Room for as many as there can be: nothing is allocated meanwhile.
    let mut times = Vec::with_capacity(BUDGET.as_nanos() as usize / BATCH);
    let begin = Instant::now();
    while begin.elapsed() < BUDGET && times.len() < times.capacity() {
        let time = batch();
        if ended.load(Ordering::Relaxed) {
            return times;
        }
        times.push(time);
    }
    ended.store(true, Ordering::Relaxed);
    times
}

/// Nanoseconds of an operation: in the median batch, since in others something else ran.
fn nanoseconds(mut batches: Vec<Duration>) -> f64 {
    assert!(!batches.is_empty(), "nothing was measured");
    batches.sort_unstable();
    batches[batches.len() / 2].as_nanos() as f64 / BATCH as f64
}

/// Objects of 64 bytes, each freed at once.
fn pairs(allocator: Allocator) -> Figures {
    let alone = AtomicBool::new(false);
    let times = time(&alone, || {
        Object::new(allocator, black_box(64)).free(allocator)
    });
    vec![("pairs", nanoseconds(times))]
}

/// How many objects live in `random`.
const LIVE: usize = 10_000;

/// Objects of random sizes, each in the place of another, which is freed.
fn replace(allocator: Allocator, thread: usize, ended: &AtomicBool) -> Vec<Duration> {
    let mut random = Random::new(thread);
    let mut objects: Vec<Object> = Vec::with_capacity(LIVE);
    objects.extend((0..LIVE).map(|_| Object::random(allocator, &mut random)));
    time(ended, || {
        let place = &mut objects[random.below(LIVE)];
        std::mem::replace(place, Object(ptr::null_mut())).free(allocator);
        *place = Object::random(allocator, &mut random);
    })
}

fn random(allocator: Allocator) -> Figures {
    let times = replace(allocator, 0, &AtomicBool::new(false));
    vec![("random", nanoseconds(times))]
}

/// What is pushed in `vec`: a cache line.
type Element = [u64; 8];

/// How large the Vec becomes: 64 MiB.
const ELEMENTS: usize = (64 << 20) / size_of::<Element>();

/// A Vec, pushed to 64 MiB: what std's does, with this allocator. The first in a process
/// takes its pages from the kernel; later ones may find them still there.
fn vec(allocator: Allocator) -> Figures {
    let mut times: Vec<f64> = (0..6)
        .map(|_| {
            let begin = Instant::now();
            push_all(allocator);
            begin.elapsed().as_nanos() as f64
        })
        .collect();
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    vec![("vec", first), ("vec-again", times[times.len() / 2])]
}

fn push_all(allocator: Allocator) {
    let of = |capacity| Layout::array::<Element>(capacity).expect("64 MiB are an array");
    // As many as std's Vec begins with for elements of this size.
    let mut capacity = 4;
    // SAFETY: the size is not 0.
    let mut elements = unsafe { allocator.alloc(of(capacity)) }.cast::<Element>();
    for len in 0..ELEMENTS {
        if len == capacity {
            let new = of(capacity * 2).size();
            // SAFETY: the block has the old layout, and the new size is larger.
            elements = unsafe { allocator.realloc(elements.cast(), of(capacity), new) }.cast();
            capacity *= 2;
        }
        assert!(!elements.is_null(), "no memory");
        // SAFETY: there is room for more than `len`.
        unsafe { elements.add(len).write([len as u64; 8]) };
    }
    for len in (0..ELEMENTS).step_by(97) {
        // SAFETY: all were written.
        assert_eq!(
            unsafe { (*elements.add(len))[7] },
            len as u64,
            "it was not kept"
        );
    }
    // SAFETY: the block is in use, with this layout.
    unsafe { allocator.dealloc(elements.cast(), of(capacity)) };
}

/// How many bytes live in `mixed`, at most, and after each wave of freeing.
const HIGH: usize = 64 << 20;
const LOW: usize = 32 << 20;

/// What a heap takes from the kernel, beyond what lives in it: objects from 16 bytes to
/// 64 KiB, each doubling as frequent as another, in waves of allocating and of freeing at
/// random. In each third wave they are smaller, so that not all fits where the last was.
fn mixed(allocator: Allocator) -> Figures {
    const WAVES: usize = 12;
    const DOUBLINGS: [usize; 3] = [11, 12, 12];
    let mut random = Random::new(0);
    // Room for all, touched before: what the program has is not the heap's.
    let mut objects: Vec<Object> = (0..HIGH / 128)
        .map(|_| Object(ptr::dangling_mut()))
        .collect();
    objects.clear();
    let (mut live, mut peak) = (0, 0);
    reset_peak();
    let before = memory("VmRSS:");
    for wave in 0..WAVES {
        let doublings = DOUBLINGS[wave % DOUBLINGS.len()];
        while live < HIGH {
            let floor = 16 << random.below(doublings);
            let size = floor + random.below(floor);
            let object = Object::new(allocator, size);
            // SAFETY: it has as many bytes; its first word stays.
            unsafe {
                object
                    .0
                    .cast::<u8>()
                    .add(8)
                    .write_bytes(wave as u8, size - 8)
            };
            objects.push(object);
            live += size;
            peak = peak.max(live);
        }
        while live > LOW {
            let object = objects.swap_remove(random.below(objects.len()));
            // SAFETY: it is in use, so it says its size.
            live -= unsafe { *object.0 };
            object.free(allocator);
        }
    }
    let taken = memory("VmHWM:") - before;
    vec![("peak-rss", taken as f64), ("peak-live", peak as f64)]
}

/// Has the kernel forget this process's peak: proc(5), clear_refs.
fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("the kernel keeps no peak");
}

/// The bytes of a line in /proc/self/status.
fn memory(line: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("there is no /proc");
    let kilobytes = status.lines().find_map(|known| {
        known
            .strip_prefix(line)?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    });
    kilobytes.map_or_else(
        || panic!("no {line} in /proc/self/status"),
        |k: usize| k << 10,
    )
}

/// Runs `work` in two threads that begin together, and says how long all batches took.
fn in_two_threads(work: impl Fn(usize, &AtomicBool) -> Vec<Duration> + Sync) -> Vec<Duration> {
    freestand::sync::expect_threads();
    let begin = Barrier::new(2);
    let ended = AtomicBool::new(false);
    let run = |thread| {
        begin.wait();
        work(thread, &ended)
    };
    thread::scope(|scope| {
        let run = &run;
        let threads = [0, 1].map(|thread| scope.spawn(move || run(thread)));
        let results = threads.map(|thread| thread.join().expect("a thread failed"));
        results.concat()
    })
}

/// `random`, each thread with objects of its own.
fn random_threads(allocator: Allocator) -> Figures {
    let times = in_two_threads(|thread, ended| replace(allocator, thread, ended));
    vec![("random-threads", nanoseconds(times))]
}

/// Each thread puts its objects where it takes, and frees, what lies there: of those,
/// half are the other's.
fn exchange(allocator: Allocator) -> Figures {
    let places: Vec<AtomicPtr<usize>> = (0..1000).map(|_| AtomicPtr::default()).collect();
    let times = in_two_threads(|thread, ended| {
        let mut random = Random::new(thread);
        time(ended, || {
            let new = Object::random(allocator, &mut random);
            let place = &places[random.below(places.len())];
            let old = place.swap(new.0, Ordering::AcqRel);
            if !old.is_null() {
                Object(old).free(allocator);
            }
        })
    });
    vec![("exchange", nanoseconds(times))]
}

/// One thread allocates, the other frees; between them is a queue.
fn producer(allocator: Allocator) -> Figures {
    const LENGTH: usize = 1024;
    let queue: Vec<AtomicPtr<usize>> = (0..LENGTH).map(|_| AtomicPtr::default()).collect();
    let times = in_two_threads(|thread, ended| {
        let mut random = Random::new(thread);
        let mut places = queue.iter().cycle();
        time(ended, || {
            let place = places.next().expect("it is a ring");
            let wait_until_full = |is_full| {
                wait_until(|| {
                    place.load(Ordering::Acquire).is_null() != is_full
                        || ended.load(Ordering::Relaxed)
                });
            };
            // Once the other has ended there may be an object where none should be.
            let old = if thread == 0 {
                let new = Object::random(allocator, &mut random);
                wait_until_full(false);
                place.swap(new.0, Ordering::AcqRel)
            } else {
                wait_until_full(true);
                place.swap(ptr::null_mut(), Ordering::AcqRel)
            };
            if !old.is_null() {
                Object(old).free(allocator);
            }
        })
    });
    vec![("producer", nanoseconds(times))]
}

/// Looks again and again, and lets others run if it takes long.
fn wait_until(is_so: impl Fn() -> bool) {
    let mut looks = 0_u32;
    while !is_so() {
        looks += 1;
        if looks.is_multiple_of(200) {
            thread::yield_now();
        } else {
            spin_loop();
        }
    }
}
