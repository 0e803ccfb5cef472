//! Which calls pass through the hooks, and that the hooks are where they belong.

#![no_std]
#![no_main]

use core::cell::Cell;

use freestand::println;
use freestand::sys::hook::{self, Hooks};
use freestand::sys::{self, BorrowedFd, Errno, Mode, OFlags, Path, Result, STDIN, nr, syscall};

freestand::entry!(main);

freestand::syscalls! {
    /// As read, but declared to block.
    sysblk read_and_block(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> = nr::read;
    /// As getpid, but declared to block, and not to fail.
    sysblk getpid_and_block() -> u32 = nr::getpid;
    /// Both.
    wrap both(fd: BorrowedFd<'_>) -> Result<usize> {
        getpid_and_block();
        read_and_block(fd, &mut [])
    }
    /// Takes a path, which may be refused before the call.
    sys chdir_to(path: impl Path) -> Result<()> = nr::chdir;
}

/// What the hooks have been told since it was last asked.
struct Told(Cell<[u8; 8]>, Cell<usize>);

// SAFETY: there is one thread.
unsafe impl Sync for Told {}

static TOLD: Told = Told(Cell::new([0; 8]), Cell::new(0));

impl Told {
    fn add(&self, what: u8) {
        let (mut all, count) = (self.0.get(), self.1.get());
        all[count] = what;
        self.0.set(all);
        self.1.set(count + 1);
    }

    fn take(&self) -> ([u8; 8], usize) {
        (self.0.replace([0; 8]), self.1.replace(0))
    }
}

static LETTERS: Hooks = Hooks {
    enter: || TOLD.add(b'e'),
    enter_block: || TOLD.add(b'b'),
    exit: || TOLD.add(b'x'),
    pin: || {},
    unpin: || {},
    lock_thread: || {},
    unlock_thread: || {},
    before_fork: || {},
    after_fork: |_| {},
    is_guard: |_| false,
    name: |_| Ok(()),
};

static NUMBERS: Hooks = Hooks {
    enter: || TOLD.add(b'1'),
    enter_block: || TOLD.add(b'2'),
    exit: || TOLD.add(b'3'),
    pin: || {},
    unpin: || {},
    lock_thread: || {},
    unlock_thread: || {},
    before_fork: || {},
    after_fork: |_| {},
    is_guard: |_| false,
    name: |_| Ok(()),
};

#[track_caller]
fn expect<T>(told: &[u8], done: T) -> T {
    let (all, count) = TOLD.take();
    assert_eq!(&all[..count], told);
    done
}

fn main() {
    let flags = OFlags::RDONLY;
    expect(b"", sys::read(STDIN, &mut [])).unwrap();
    hook::install(&LETTERS);
    expect(b"ex", sys::read(STDIN, &mut [])).unwrap();
    expect(b"", sys::raw::read(STDIN, &mut [])).unwrap();
    expect(b"bx", read_and_block(STDIN, &mut [])).unwrap();
    expect(b"", raw::read_and_block(STDIN, &mut [])).unwrap();
    // A call that cannot block, and one that nobody declared.
    let id = expect(b"", sys::getpid());
    // SAFETY: it only asks.
    let same: sys::Pid = expect(b"", unsafe { syscall!(nr::getpid) });
    assert_eq!(same, id);
    // A wrap's calls have theirs; its twin's have none.
    expect(b"bxbx", both(STDIN)).unwrap();
    expect(b"", raw::both(STDIN)).unwrap();
    let file = expect(b"ex", sys::open("/dev/null", flags, Mode::empty())).unwrap();
    let other = expect(b"", sys::raw::open("/dev/null", flags, Mode::empty())).unwrap();
    // Two are closed.
    drop((file, other));
    expect(b"exex", ());
    // Also a call that fails, and one that is not made for its argument.
    let missing = sys::open("/dev/null/x", flags, Mode::empty());
    assert_eq!(expect(b"ex", missing).unwrap_err(), Errno::ENOTDIR);
    assert_eq!(expect(b"ex", chdir_to("a\0b")), Err(Errno::EINVAL));
    // Others in their place.
    hook::install(&NUMBERS);
    expect(b"13", sys::read(STDIN, &mut [])).unwrap();
    expect(b"23", read_and_block(STDIN, &mut [])).unwrap();
    println!("ok");
}
