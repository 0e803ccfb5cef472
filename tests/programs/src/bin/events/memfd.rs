//! memfd.

use core::ptr;

use freestand::fs::{File, Memfd};
use freestand::io::Write;
use freestand::sys::{self, AsFd, Errno, FdFlags, MapFlags, MemfdFlags, Prot, Seals};

use crate::something_else;

const NONE: MemfdFlags = MemfdFlags::empty();

pub fn all() {
    is_a_file();
    is_sealed();
    is_mapped();
    is_mapped_by_somebody();
    is_something_else();
}

fn is_a_file() {
    let memfd = Memfd::create("a file", 10_000, NONE).unwrap();
    assert_eq!(sys::fcntl_getfd(memfd.as_fd()), Ok(FdFlags::CLOEXEC));
    assert_eq!(memfd.file().metadata().unwrap().len(), 10_000);
    memfd.file().write_all_at(b"text", 9_998).unwrap();
    let mut bytes = [1; 6];
    memfd.file().read_exact_at(&mut bytes, 9_996).unwrap();
    assert_eq!(&bytes, b"\0\0text");
    assert_eq!(memfd.seals(), Ok(Seals::empty()));
    assert_eq!(File::from(memfd).metadata().unwrap().len(), 10_002);

    let long = [b'a'; 250];
    for (name, length, flags) in [
        (&long[..], 0, NONE),
        (b"name", u64::MAX, NONE),
        (b"name", 0, MemfdFlags::from_bits_retain(1 << 20)),
    ] {
        let error = Memfd::create(name, length, flags).err();
        assert_eq!(error, Some(Errno::EINVAL));
    }
}

fn is_sealed() {
    let memfd = Memfd::create("sealed", 100, NONE).unwrap();
    let file = memfd.file();
    memfd.add_seals(Seals::SHRINK).unwrap();
    assert_eq!(file.set_len(99), Err(Errno::EPERM));
    file.set_len(101).unwrap();
    memfd.add_seals(Seals::GROW).unwrap();
    assert_eq!(file.set_len(102), Err(Errno::EPERM));
    assert_eq!(file.write_at(b"a", 101), Err(Errno::EPERM));
    file.write_all_at(b"a", 100).unwrap();
    memfd.add_seals(Seals::WRITE).unwrap();
    assert_eq!(file.write_at(b"a", 0), Err(Errno::EPERM));
    assert_eq!(
        memfd.seals(),
        Ok(Seals::SHRINK | Seals::GROW | Seals::WRITE)
    );
    memfd.add_seals(Seals::SEAL).unwrap();
    assert_eq!(memfd.seals(), Ok(Memfd::CONSTANT));
    assert_eq!(memfd.add_seals(Seals::FUTURE_WRITE), Err(Errno::EPERM));
    assert_eq!(
        memfd.add_seals(Seals::from_bits_retain(1 << 20)),
        Err(Errno::EINVAL)
    );
}

fn is_mapped() {
    let memfd = Memfd::create("mapped", 0, NONE).unwrap();
    memfd.file().write_all(&[b'a'; 5000]).unwrap();
    // What may change is not lent.
    for seals in [Seals::GROW, Seals::SHRINK, Seals::FUTURE_WRITE] {
        assert_eq!(memfd.map().err(), Some(Errno::EPERM));
        memfd.add_seals(seals).unwrap();
    }
    assert_eq!(memfd.map().err(), Some(Errno::EPERM));
    memfd.add_seals(Memfd::CONSTANT).unwrap();
    let first = memfd.map().unwrap();
    let second = memfd.map().unwrap();
    drop(memfd);
    assert_eq!(*first, [b'a'; 5000]);
    assert_eq!(*first, *second);
    drop(first);
    assert_eq!(*second, [b'a'; 5000]);

    let empty = Memfd::create("empty", 0, NONE).unwrap();
    empty.add_seals(Memfd::CONSTANT).unwrap();
    assert_eq!(empty.map().err(), Some(Errno::EINVAL));
}

/// A file that somebody could write through a mapping cannot be sealed.
fn is_mapped_by_somebody() {
    const LENGTH: usize = 4096;
    let memfd = Memfd::create("mapped", LENGTH as u64, NONE).unwrap();
    let prot = Prot::READ | Prot::WRITE;
    let fd = Some(memfd.as_fd());
    // SAFETY: the kernel chooses where.
    let mapping = unsafe { sys::mmap(ptr::null_mut(), LENGTH, prot, MapFlags::SHARED, fd, 0) };
    let mapping = mapping.unwrap();
    assert_eq!(memfd.add_seals(Seals::WRITE), Err(Errno::EBUSY));
    // SAFETY: nothing refers to it.
    unsafe { sys::munmap(mapping, LENGTH) }.unwrap();
    memfd.add_seals(Seals::WRITE).unwrap();
}

fn is_something_else() {
    let other = Memfd::from(something_else());
    assert_eq!(other.seals(), Err(Errno::EINVAL));
    // It is not open for writing, either.
    assert_eq!(other.add_seals(Seals::WRITE), Err(Errno::EPERM));
    assert_eq!(other.map().err(), Some(Errno::EINVAL));
}
