//! What threads do, by scenes: the first argument says which. A scene that goes well prints
//! `ok`; `$ROUNDS`, where there are rounds, says how many.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use core::time::Duration;

use freestand::env::{self, Args};
use freestand::io::Read;
use freestand::process::{self, ExitCode};
use freestand::sys::Errno;
use freestand::thread::{self, AccessError, Builder, Thread};
use freestand::time::Instant;
use freestand::{fs, println};

freestand::entry!(main);

fn main(mut args: Args) -> ExitCode {
    let scene = args.nth(1).map_or(&b""[..], |scene| scene.to_bytes());
    QEMUS.store(status("Threads") - 1, SeqCst);
    match scene {
        b"results" => results(),
        b"names" => names(),
        b"parking" => parking(),
        b"scopes" => scopes(),
        b"locals" => locals(),
        b"exit locals" => return exit_locals(),
        b"spares" => spares(),
        b"overflow" => overflow(),
        b"main returns" => return main_returns(),
        b"panic" => panic_in_thread(),
        b"many" => many(),
        b"joined" => storm("joined", |_| thread::spawn(|| ()).join().unwrap()),
        b"detached" => storm("detached", |_| {
            while Builder::new()
                .stack_size(thread::STACK_MIN)
                .spawn(|| ())
                .is_err()
            {
                thread::yield_now();
            }
        }),
        b"scoped" => storm("scoped", |round| {
            let mut sum = 0;
            thread::scope(|scope| {
                scope.spawn(|| sum += round);
            });
            assert_eq!(sum, round);
        }),
        b"kept" => storm("kept", kept),
        b"refused" => return refused(Duration::ZERO),
        b"bench" => return bench(),
        b"waits" => return refused(Duration::from_millis(200)),
        _ => panic!("no such scene"),
    }
    println!("ok");
    ExitCode::SUCCESS
}

/// How many threads there are that qemu-user has for itself.
static QEMUS: AtomicUsize = AtomicUsize::new(0);

/// How many rounds a scene has.
fn rounds() -> usize {
    let rounds = env::var("ROUNDS").and_then(|rounds| rounds.to_str().ok());
    rounds.map_or(100, |rounds| rounds.parse().unwrap())
}

/// The number behind `field` in `/proc/self/status`.
fn status(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
    number.unwrap().parse().unwrap()
}

/// Counts how often it is dropped.
struct Counted(&'static AtomicU32);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Results are what the closures return, whatever they are like, and are dropped once.
fn results() {
    #[repr(align(4096))]
    #[derive(Clone, Copy)]
    struct Page([u8; 4096]);

    static DROPPED: AtomicU32 = AtomicU32::new(0);
    static CLOSURES: AtomicU32 = AtomicU32::new(0);

    assert_eq!(thread::spawn(|| 7).join(), Ok(7));
    assert_eq!(thread::spawn(|| ()).join(), Ok(()));
    let numbers: Vec<u32> = (0..1000).collect();
    let doubled = thread::spawn(move || numbers.iter().map(|n| n * 2).collect::<Vec<_>>());
    assert!(
        doubled
            .join()
            .unwrap()
            .into_iter()
            .eq((0..1000).map(|n| n * 2))
    );
    // Larger and more aligned than a stack would have it.
    let page = Page([7; 4096]);
    let thread = thread::spawn(move || {
        assert!((&raw const page).addr().is_multiple_of(4096));
        black_box(page)
    });
    assert_eq!(thread.join().unwrap().0, [7; 4096]);
    let large = [1_u64; 10_000];
    let sum = Builder::new()
        .stack_size(1 << 20)
        .spawn(move || large.iter().sum::<u64>());
    assert_eq!(sum.unwrap().join(), Ok(10_000));

    // Joined: the result is the caller's to drop.
    let counted = thread::spawn(|| Counted(&DROPPED)).join();
    assert_eq!(DROPPED.load(SeqCst), 0);
    drop(counted);
    assert_eq!(DROPPED.load(SeqCst), 1);
    // Let go after the end: the handle drops it.
    let thread = thread::spawn(|| Counted(&DROPPED));
    while !thread.is_finished() {
        thread::yield_now();
    }
    drop(thread);
    assert_eq!(DROPPED.load(SeqCst), 2);
    // Let go before the end: the thread drops it, and the closure's values before.
    let captured = Counted(&CLOSURES);
    let go = Arc::new(AtomicU32::new(0));
    let seen = go.clone();
    drop(thread::spawn(move || {
        let _captured = &captured;
        while seen.load(SeqCst) == 0 {
            thread::yield_now();
        }
        Counted(&DROPPED)
    }));
    assert_eq!(DROPPED.load(SeqCst), 2);
    go.store(1, SeqCst);
    while DROPPED.load(SeqCst) < 3 {
        thread::yield_now();
    }
    assert_eq!(CLOSURES.load(SeqCst), 1);
}

/// The name as the kernel has it.
fn kernels_name() -> Vec<u8> {
    let mut name = Vec::new();
    let mut file = fs::File::open("/proc/thread-self/comm").unwrap();
    let mut buffer = [0; 64];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => break,
            n => name.extend_from_slice(&buffer[..n]),
        }
    }
    name.pop();
    name
}

/// Names are the thread's own, and the kernel's as far as it keeps them.
fn names() {
    let named = |name: &'static str| {
        let thread = Builder::new().name(name).spawn(move || {
            assert_eq!(thread::current().name(), (!name.is_empty()).then_some(name));
            kernels_name()
        });
        let thread = thread.unwrap();
        assert_eq!(thread.thread().name(), (!name.is_empty()).then_some(name));
        thread.join().unwrap()
    };
    let own = kernels_name();
    assert_eq!(named("worker"), b"worker");
    assert_eq!(
        named("a name that is longer than fifteen bytes"),
        b"a name that is "
    );
    assert_eq!(named(""), own);
    assert_eq!(kernels_name(), own);
    assert_eq!(thread::current().name(), Some("main"));
    let zero = Builder::new().name("wor\0ker").spawn(|| ());
    assert_eq!(zero.unwrap_err(), Errno::EINVAL);

    // Ids are each thread's own, and stay.
    let own = thread::current().id();
    let other = thread::spawn(|| thread::current().id());
    let known = other.thread().id();
    assert_eq!(other.join(), Ok(known));
    assert!(known != own && own == thread::current().id());
    assert!(thread::spawn(|| thread::current().id()).join() != Ok(known));
}

/// Parked threads wait for their token.
fn parking() {
    static STEP: AtomicU32 = AtomicU32::new(0);

    // A token that was there before: no wait. Two are one.
    thread::current().unpark();
    thread::current().unpark();
    thread::park();
    let before = Instant::now();
    thread::park_timeout(Duration::from_millis(50));
    assert!(before.elapsed() >= Duration::from_millis(50));
    // The end of the wait took no token.
    thread::current().unpark();
    thread::park_timeout(Duration::MAX);

    // Back and forth.
    let rounds = rounds();
    let owner: Thread = thread::current();
    let other = thread::spawn(move || {
        for round in 0..rounds as u32 {
            while STEP.load(SeqCst) != 2 * round + 1 {
                thread::park();
            }
            STEP.store(2 * round + 2, SeqCst);
            owner.unpark();
        }
    });
    for round in 0..rounds as u32 {
        STEP.store(2 * round + 1, SeqCst);
        other.thread().unpark();
        while STEP.load(SeqCst) != 2 * round + 2 {
            thread::park();
        }
    }
    // One that has ended can still be woken.
    let ended = other.thread().clone();
    other.join().unwrap();
    ended.unpark();
    assert!(thread::available_parallelism().unwrap().get() >= 1);
}

/// Scoped threads borrow, and have ended behind the scope.
fn scopes() {
    let mut numbers = [1, 2, 3, 4];
    let sum = AtomicUsize::new(0);
    let text = alloc::string::String::from("borrowed");
    let last = thread::scope(|scope| {
        for number in &mut numbers {
            let sum = &sum;
            let text = &text;
            scope.spawn(move || {
                // Threads of a scope may make more.
                scope.spawn(move || sum.fetch_add(text.len(), SeqCst));
                thread::sleep(Duration::from_millis(2));
                *number *= 10;
            });
        }
        scope.spawn(|| text.as_str()).join().unwrap()
    });
    assert_eq!(numbers, [10, 20, 30, 40]);
    assert_eq!(sum.into_inner(), 4 * 8);
    assert_eq!(last, "borrowed");
    // A name and a stack for a scoped one, and one that fails.
    thread::scope(|scope| {
        let builder = Builder::new().name("scoped").stack_size(1 << 17);
        let name = builder.spawn_scoped(scope, kernels_name);
        assert_eq!(name.unwrap().join().unwrap(), b"scoped");
        let huge = Builder::new().stack_size(usize::MAX);
        assert_eq!(huge.spawn_scoped(scope, || ()).unwrap_err(), Errno::ENOMEM);
        // As much as there are addresses, but for a MiB.
        let large = Builder::new().stack_size(usize::MAX - (1 << 20));
        assert_eq!(large.spawn_scoped(scope, || ()).unwrap_err(), Errno::ENOMEM);
    });
}

/// Says its name when it is dropped.
struct Says(&'static str);

impl Drop for Says {
    fn drop(&mut self) {
        LOG.with_borrow_mut(|log| log.push(self.0));
    }
}

/// Asks for another's value when it is dropped, which comes to be thereby or is gone.
struct Asks;

impl Drop for Asks {
    fn drop(&mut self) {
        LATE.with(|late| assert_eq!(late.0, "late"));
        assert_eq!(ASKS.try_with(|_| ()), Err(AccessError));
        GONE.store(1, SeqCst);
    }
}

static GONE: AtomicU32 = AtomicU32::new(0);

#[repr(align(256))]
struct Aligned(u8);

freestand::thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(40) };
    static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    static FIRST: Says = Says("first");
    /// With a comment, and seen elsewhere.
    pub(crate) static LATE: Says = Says("late");
    static ASKS: Asks = Asks;
    static BYTE: Cell<u8> = const { Cell::new(1) };
    static ALIGNED: RefCell<Aligned> = RefCell::new(Aligned(5));
    static REPLACED: RefCell<Option<Counted>> = const { RefCell::new(None) };
}

/// Each thread has its own values, made when they are first wanted, dropped at its end.
fn locals() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    // What a thread's values were when it ended goes here.
    static LAST: freestand::sync::Mutex<Vec<&'static str>> =
        freestand::sync::Mutex::new(Vec::new());

    struct Tells;
    impl Drop for Tells {
        fn drop(&mut self) {
            LAST.lock().extend(LOG.take());
        }
    }
    freestand::thread_local! { static TELLS: Tells = Tells }

    COUNT.set(1);
    let body = || {
        assert_eq!((COUNT.get(), BYTE.get()), (40, 1));
        COUNT.set(COUNT.get() + 2);
        BYTE.set(2);
        ALIGNED.with_borrow_mut(|aligned| {
            assert!((&raw const *aligned).addr().is_multiple_of(256));
            aligned.0 += 1;
        });
        ALIGNED.with_borrow(|aligned| assert_eq!(aligned.0, 6));
        assert_eq!(COUNT.replace(0), 42);
    };
    for _ in 0..3 {
        thread::spawn(body).join().unwrap();
    }
    assert_eq!(COUNT.get(), 1);

    // The newest first; those that come while they are dropped, too.
    let order = thread::spawn(|| {
        LOG.with(|_| ());
        TELLS.with(|_| ());
        FIRST.with(|_| ());
        ASKS.with(|_| ());
    });
    order.join().unwrap();
    assert_eq!(GONE.load(SeqCst), 1);
    assert_eq!(*LAST.lock(), ["late", "first"]);

    // Values of a joined thread are gone before it is joined.
    for round in 1..=10 {
        let thread = thread::spawn(|| REPLACED.replace(Some(Counted(&DROPPED))).is_none());
        assert_eq!(thread.join(), Ok(true));
        assert_eq!(DROPPED.load(SeqCst), round);
    }
}

/// The initial thread's values are dropped when the process ends by `main`'s return.
fn exit_locals() -> ExitCode {
    struct Prints(&'static str);
    impl Drop for Prints {
        fn drop(&mut self) {
            println!("{}", self.0);
        }
    }
    freestand::thread_local! {
        static PRINTS: Prints = Prints("main's");
        static OTHERS: Prints = Prints("another's");
    }
    process::at_exit(|| println!("handler")).unwrap();
    PRINTS.with(|_| ());
    thread::spawn(|| OTHERS.with(|_| ())).join().unwrap();
    println!("returns");
    ExitCode::from(3)
}

/// A stack that is used again shows nothing of what it was used for.
fn spares() {
    fn poison() -> usize {
        let stack = black_box([0xaa_u8; 100_000]);
        BYTE.set(stack[7]);
        COUNT.set(u32::MAX);
        REPLACED.set_none();
        (&raw const stack).addr()
    }
    let mut places = Vec::new();
    for _ in 0..rounds() {
        let thread = thread::spawn(|| {
            assert_eq!((COUNT.get(), BYTE.get()), (40, 1));
            assert!(REPLACED.with_borrow(Option::is_none));
            assert_eq!(thread::current().name(), None);
            // A token that the last one got is not this one's.
            let before = Instant::now();
            thread::park_timeout(Duration::from_millis(1));
            assert!(before.elapsed() >= Duration::from_millis(1));
            thread::current().unpark();
            poison()
        });
        thread.thread().id();
        places.push(thread.join().unwrap());
    }
    // There was never more than one at a time: all had the same stack.
    places.dedup();
    assert_eq!(places.len(), 1, "{places:x?}");

    // Someone who knows the thread keeps its stack from the next.
    let thread = thread::spawn(poison);
    let known = thread.thread().clone();
    let place = thread.join().unwrap();
    assert!(thread::spawn(poison).join() != Ok(place));
    drop(known);
    // A larger one does not fit, a much smaller one would waste it.
    for size in [8 << 20, thread::STACK_MIN] {
        let stack = move || black_box(&raw const size).addr();
        let thread = Builder::new().stack_size(size).spawn(stack);
        assert!(thread.unwrap().join().unwrap().abs_diff(place) > 1 << 16);
    }
}

trait SetNone {
    fn set_none(&'static self);
}

impl SetNone for thread::LocalKey<RefCell<Option<Counted>>> {
    /// Puts a value there that must not be seen again.
    fn set_none(&'static self) {
        static DROPPED: AtomicU32 = AtomicU32::new(0);
        self.replace(Some(Counted(&DROPPED)));
    }
}

/// Uses all of a thread's stack, and more.
fn overflow() {
    #[allow(unconditional_recursion, reason = "that is what overflows")]
    fn deeper(depth: usize) -> usize {
        let frame = black_box([depth; 512]);
        deeper(depth + 1) + frame[depth % 512]
    }
    let _ = thread::spawn(|| deeper(0)).join();
}

/// The process ends with main's status, though a thread lives.
fn main_returns() -> ExitCode {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    thread::spawn(|| {
        RUNS.store(1, SeqCst);
        loop {
            thread::park();
        }
    });
    while RUNS.load(SeqCst) == 0 {
        thread::yield_now();
    }
    ExitCode::from(7)
}

/// A panic in a thread ends the process.
fn panic_in_thread() {
    let thread = Builder::new().name("unlucky").spawn(|| {
        if rounds() > 0 {
            panic!("all is lost");
        }
    });
    thread.unwrap().join().unwrap();
    println!("not reached");
}

/// A thousand threads at once.
fn many() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let count = rounds();
    let threads: Vec<_> = (0..count)
        .map(|i| {
            let builder = Builder::new().stack_size(thread::STACK_MIN);
            let thread = builder.spawn(move || {
                COUNT.set(i as u32);
                RUNS.fetch_add(1, SeqCst);
                thread::park();
                assert_eq!(COUNT.get(), i as u32);
                i
            });
            thread.unwrap()
        })
        .collect();
    while RUNS.load(SeqCst) < count {
        thread::yield_now();
    }
    assert_eq!(status("Threads"), count + 1 + QEMUS.load(SeqCst));
    for thread in &threads {
        thread.thread().unpark();
    }
    for (i, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join(), Ok(i));
    }
    settled();
}

/// Waits until the kernel has no other thread of ours any more.
fn settled() {
    while status("Threads") > 1 + QEMUS.load(SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// How many bytes the program has mapped. qemu-user says nothing of its own there.
fn mapped() -> u64 {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let lengths = maps.lines().map(|line| {
        let (range, _) = line.split_once(' ').unwrap();
        let (begin, end) = range.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|end| u64::from_str_radix(end, 16).unwrap());
        end - begin
    });
    lengths.sum()
}

/// Does it over and over, and leaves nothing behind.
fn storm(name: &str, round: fn(usize)) {
    // The first rounds fill the caches of heap and stacks.
    for i in 0..100 {
        round(i);
    }
    settled();
    let before = mapped();
    for i in 0..rounds() {
        round(i);
    }
    settled();
    let after = mapped();
    // What may wait for another thread is 16 MiB.
    assert!(
        after <= before + (17 << 20),
        "{name}: {before} bytes mapped became {after}"
    );
}

/// Threads whose makers, joiners and wakers come and go in any order.
fn kept(round: usize) {
    let maker = thread::current();
    let thread = thread::spawn(move || {
        maker.unpark();
        thread::current()
    });
    let known = thread.thread().clone();
    match round % 4 {
        0 => drop(thread),
        1 => drop(thread.join()),
        2 => {
            let other = thread::spawn(move || thread.join().unwrap().id());
            assert_eq!(other.join(), Ok(known.id()));
        }
        _ => {
            known.unpark();
            drop(thread);
        }
    }
    thread::park();
    drop(known);
}

/// Makes a thread that lasts so long, or says why there is none.
fn refused(duration: Duration) -> ExitCode {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    let counted = Counted(&DROPPED);
    let thread = Builder::new().spawn(move || {
        let counted = &counted;
        thread::sleep(duration);
        counted.0.load(SeqCst)
    });
    match thread {
        Ok(thread) => {
            let Ok(dropped) = thread.join();
            println!("made {dropped}");
        }
        // The closure is dropped where it was not run.
        Err(errno) => println!("{errno:?} {}", DROPPED.load(SeqCst)),
    }
    ExitCode::SUCCESS
}

/// The median time that a thread takes to make and to join, of so many: in nanoseconds.
fn bench() -> ExitCode {
    let mut times: Vec<u128> = (0..rounds())
        .map(|i| {
            let begin = Instant::now();
            let thread = thread::spawn(move || i);
            assert_eq!(thread.join(), Ok(i));
            begin.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    println!("{}", times[times.len() / 2]);
    ExitCode::SUCCESS
}
