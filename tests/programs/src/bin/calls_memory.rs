//! The address space.

#![no_std]
#![no_main]

use core::ptr;
use core::str;

use freestand::sys::{
    self, Address, Advice, Errno, LockAllFlags, LockFlags, MapFlags, Mode, OFlags, OwnedFd, Prot,
    RemapFlags, SyncFlags,
};
use test_programs::{err, ok, ok_if_there, seen};

freestand::entry!(main);

/// No page here is larger.
const PAGE: usize = 64 << 10;

const RIGHTS: Prot = Prot::READ.union(Prot::WRITE);
const PRIVATE: MapFlags = MapFlags::PRIVATE.union(MapFlags::ANONYMOUS);

fn main() {
    the_break();
    mapping_files();
    mapping_at_an_address();
    growing_and_moving();
    protecting();
    advising();
    locking();
    locking_all();
}

/// New pages of zeros.
fn map(length: usize) -> Address {
    ok!(unsafe mmap(ptr::null_mut(), length, RIGHTS, PRIVATE, None, 0))
}

fn unmap(address: Address, length: usize) {
    ok!(unsafe munmap(address, length));
}

/// The byte at `address`.
fn byte(address: Address) -> u8 {
    // SAFETY: the tests ask for bytes of theirs only. Others may change them.
    unsafe { address.cast::<u8>().read_volatile() }
}

fn set_byte(address: Address, value: u8) {
    // SAFETY: as above.
    unsafe { address.cast::<u8>().write_volatile(value) }
}

fn file() -> OwnedFd {
    let flags = OFlags::RDWR | OFlags::CREAT | OFlags::TRUNC;
    ok!(open("file", flags, Mode::new(0o600)))
}

/// Whether the page is locked: only of such a page msync says that it is busy.
fn is_locked(page: Address) -> bool {
    match sys::msync(page, PAGE, SyncFlags::INVALIDATE) {
        Ok(()) => false,
        Err(Errno::EBUSY) => true,
        Err(errno) => panic!("{errno:?}"),
    }
}

/// Whether the page is in memory.
fn is_resident(page: Address) -> bool {
    let mut pages = [2; PAGE / 4096];
    ok!(mincore(page, 1, &mut pages));
    pages[0] & 1 != 0
}

fn the_break() {
    let start = ok_break(ptr::null_mut());
    let end = start.wrapping_byte_add(PAGE);
    assert_eq!(ok_break(end), end);
    set_byte(end.wrapping_byte_sub(1), 1);
    // It cannot reach into the program: it stays where it was.
    assert_eq!(ok_break(ptr::without_provenance_mut(1)), end);
    assert_eq!(ok_break(start), start);
    seen!(brk);
}

fn ok_break(end: Address) -> Address {
    // SAFETY: nothing else here uses the break.
    unsafe { sys::brk(end) }
}

fn mapping_files() {
    let file = file();
    ok!(write(file.as_fd(), &[7; 2 * PAGE]));

    let shared = ok!(unsafe mmap(
        ptr::null_mut(), 2 * PAGE, RIGHTS, MapFlags::SHARED, Some(file.as_fd()), 0
    ));
    let private = ok!(unsafe mmap(
        ptr::null_mut(), PAGE, RIGHTS, MapFlags::PRIVATE, Some(file.as_fd()), PAGE as u64
    ));
    let second = shared.wrapping_byte_add(PAGE);
    assert_eq!(byte(second), 7);
    set_byte(second, 8);
    assert_eq!(byte(private), 8, "the offset is the second page's");
    set_byte(private, 9);
    assert_eq!(byte(second), 8, "what is private nobody sees");

    ok!(msync(shared, 2 * PAGE, SyncFlags::SYNC));
    let again = ok!(open("file", OFlags::RDONLY, Mode::empty()));
    let mut bytes = [0; 2 * PAGE];
    assert_eq!(ok!(read(again.as_fd(), &mut bytes)), 2 * PAGE);
    assert_eq!((bytes[0], bytes[PAGE], bytes[PAGE + 1]), (7, 8, 7));

    err!(
        EINVAL,
        msync(shared, PAGE, SyncFlags::SYNC | SyncFlags::ASYNC)
    );
    unmap(shared, 2 * PAGE);
    unmap(private, PAGE);
    err!(ENOMEM, msync(shared, PAGE, SyncFlags::SYNC));
    err!(EINVAL, unsafe munmap(shared.wrapping_byte_add(1), PAGE));

    offsets_have_64_bits(&file);
    for (offset, length) in [(1, PAGE), (0, 0)] {
        err!(EINVAL, unsafe mmap(
            ptr::null_mut(), length, RIGHTS, MapFlags::SHARED, Some(file.as_fd()), offset
        ));
    }
    err!(EBADF, unsafe mmap(ptr::null_mut(), PAGE, RIGHTS, MapFlags::SHARED, None, 0));
    err!(EACCES, unsafe mmap(
        ptr::null_mut(), PAGE, RIGHTS, MapFlags::SHARED, Some(again.as_fd()), 0
    ));
}

/// `/proc/self/maps` has a line for each mapping: addresses, rights, offset, …
fn offsets_have_64_bits(file: &OwnedFd) {
    let far = ok!(unsafe mmap(
        ptr::null_mut(), PAGE, Prot::READ, MapFlags::SHARED, Some(file.as_fd()), 0x123_4560_0000
    ));
    let maps = ok!(open("/proc/self/maps", OFlags::RDONLY, Mode::empty()));
    let mut text = [0; 32 << 10];
    let mut length = 0;
    loop {
        match ok!(read(maps.as_fd(), &mut text[length..])) {
            0 => break,
            more => length += more,
        }
    }
    let offset = text[..length]
        .split(|&byte| byte == b'\n')
        .filter_map(|line| str::from_utf8(line).ok())
        .find_map(|line| {
            let (start, rest) = line.split_once('-')?;
            let offset = rest.split(' ').nth(2)?;
            (usize::from_str_radix(start, 16) == Ok(far.addr())).then_some(offset)
        })
        .expect("it is mapped");
    assert_eq!(u64::from_str_radix(offset, 16), Ok(0x123_4560_0000));
    unmap(far, PAGE);
}

fn mapping_at_an_address() {
    let pages = map(2 * PAGE);
    set_byte(pages, 1);
    let first = ok!(unsafe mmap(pages, PAGE, RIGHTS, PRIVATE | MapFlags::FIXED, None, 0));
    assert_eq!(first, pages);
    assert_eq!(byte(pages), 0, "another page is there");

    // A kernel before 4.17, and qemu, takes the address for a wish.
    set_byte(pages, 2);
    let flags = PRIVATE | MapFlags::FIXED_NOREPLACE;
    // SAFETY: a new mapping, where nothing is.
    match unsafe { sys::mmap(pages, PAGE, RIGHTS, flags, None, 0) } {
        Err(errno) => assert_eq!(errno, Errno::EEXIST),
        Ok(elsewhere) => {
            assert_ne!(elsewhere, pages);
            unmap(elsewhere, PAGE);
        }
    }
    assert_eq!(byte(pages), 2);

    let other = ok!(unsafe mmap(
        ptr::null_mut(),
        PAGE,
        RIGHTS,
        PRIVATE | MapFlags::LOCKED | MapFlags::NORESERVE | MapFlags::STACK,
        None,
        0,
    ));
    assert!(is_locked(other));
    unmap(pages, 2 * PAGE);
    unmap(other, PAGE);
}

fn growing_and_moving() {
    let pages = map(3 * PAGE);
    let (second, third) = (
        pages.wrapping_byte_add(PAGE),
        pages.wrapping_byte_add(2 * PAGE),
    );
    set_byte(pages, 1);
    set_byte(second, 2);

    // There is no room behind the first two pages, unless they move.
    err!(ENOMEM, unsafe mremap(
        pages, 2 * PAGE, 4 * PAGE, RemapFlags::empty(), ptr::null_mut()
    ));
    let moved = ok!(unsafe mremap(
        pages, 2 * PAGE, 4 * PAGE, RemapFlags::MAYMOVE, ptr::null_mut()
    ));
    assert_ne!(moved, pages);
    assert_eq!(byte(moved), 1);
    assert_eq!(byte(moved.wrapping_byte_add(PAGE)), 2);
    assert_eq!(byte(moved.wrapping_byte_add(4 * PAGE - 1)), 0);

    let flags = RemapFlags::MAYMOVE | RemapFlags::FIXED;
    let back = ok!(unsafe mremap(moved, PAGE, PAGE, flags, third));
    assert_eq!(back, third);
    assert_eq!(byte(third), 1);

    err!(EINVAL, unsafe mremap(
        third.wrapping_byte_add(1), PAGE, PAGE, RemapFlags::empty(), ptr::null_mut()
    ));
    err!(EFAULT, unsafe mremap(pages, PAGE, 2 * PAGE, RemapFlags::MAYMOVE, ptr::null_mut()));
    unmap(third, PAGE);
    unmap(moved.wrapping_byte_add(PAGE), 3 * PAGE);
}

/// The kernel does not write where the program may not.
fn protecting() {
    let file = file();
    ok!(write(file.as_fd(), b"text"));
    let text = ok!(open("file", OFlags::RDONLY, Mode::empty()));
    let page = map(PAGE);
    // SAFETY: a page of zeros, which nothing else uses.
    let bytes = unsafe { core::slice::from_raw_parts_mut(page.cast::<u8>(), 4) };

    ok!(unsafe mprotect(page, PAGE, Prot::READ));
    err!(EFAULT, read(text.as_fd(), bytes));
    ok!(unsafe mprotect(page, PAGE, RIGHTS));
    assert_eq!(ok!(read(text.as_fd(), bytes)), 4);
    assert_eq!(bytes, b"text");

    err!(EINVAL, unsafe mprotect(page.wrapping_byte_add(1), PAGE, RIGHTS));
    unmap(page, PAGE);
    err!(ENOMEM, unsafe mprotect(page, PAGE, RIGHTS));
}

fn advising() {
    let page = map(PAGE);
    assert!(!is_resident(page));
    set_byte(page, 1);
    assert!(is_resident(page));
    ok!(unsafe madvise(page, PAGE, Advice::NORMAL));
    assert_eq!(byte(page), 1);
    ok!(unsafe madvise(page, PAGE, Advice::DONTNEED));
    assert_eq!(byte(page), 0);
    err!(EINVAL, unsafe madvise(page.wrapping_byte_add(1), PAGE, Advice::NORMAL));

    err!(EINVAL, mincore(page, 4097, &mut [0]));
    unmap(page, PAGE);
    err!(ENOMEM, mincore(page, 1, &mut [0]));
}

fn locking() {
    let page = map(PAGE);
    assert!(!is_resident(page) && !is_locked(page));
    ok!(mlock(page, 1));
    assert!(is_resident(page) && is_locked(page));
    ok!(munlock(page, 1));
    assert!(!is_locked(page));
    unmap(page, PAGE);
    err!(ENOMEM, mlock(page, 1));
    err!(ENOMEM, munlock(page, 1));

    let page = map(PAGE);
    if ok_if_there!(mlock2(page, 1, LockFlags::ONFAULT)).is_some() {
        assert!(!is_resident(page) && is_locked(page));
        err!(
            EINVAL,
            mlock2(page, 1, LockFlags::from_bits_retain(1 << 31))
        );
    }
    unmap(page, PAGE);
}

/// Only what is mapped from now on: under qemu, everything is more than most may lock.
fn locking_all() {
    err!(EINVAL, mlockall(LockAllFlags::empty()));
    ok!(mlockall(LockAllFlags::FUTURE | LockAllFlags::ONFAULT));
    let page = map(PAGE);
    assert!(is_locked(page) && !is_resident(page));
    sys::munlockall();
    assert!(!is_locked(page));
    seen!(munlockall);
    unmap(page, PAGE);
}
