//! Maps a file where the auxiliary vector says that the vDSO is, and asks it.
//!
//! With the argument `call` it prints what the functions say. With `hostile` it changes
//! the file's bytes in memory, one place after the other, and looks the functions up each
//! time: nothing may happen but that they are found or not.

#![no_std]
#![no_main]

use core::ffi::CStr;
use core::{ptr, slice};

use freestand::env::{self, Args, Aux};
use freestand::println;
use freestand::startup::vdso;
use freestand::sys::{self, Clock, MapFlags, Mode, OFlags, Prot};
use freestand::thread;
use freestand::time::{self, Instant};

freestand::entry!(main);

fn main(args: Args) {
    let mut args = args.skip(1);
    let (task, path) = (args.next(), args.next().expect("the file's path"));
    let image = map(path);
    if task == Some(c"call") {
        println!("{:?}", Instant::now());
        println!("{:?}", time::clock_getres(Clock::MONOTONIC));
        println!("{:?}", thread::getcpu());
    } else {
        hostile(image, args);
    }
}

/// Maps the file at `path` at AT_SYSINFO_EHDR.
fn map(path: &'static CStr) -> &'static mut [u8] {
    let address = env::auxv()
        .find_map(|aux| match aux {
            Aux::SysinfoEhdr(address) => Some(address),
            _ => None,
        })
        .expect("the test has set it");
    let file = sys::open(path, OFlags::RDONLY, Mode::empty()).expect("the file is there");
    let len = sys::fstat(file.as_fd()).expect("it is open").st_size as usize;
    // SAFETY: nothing else is there, and the copy is this process's own.
    unsafe {
        let page = address.map_addr(|address| address & !4095).cast_mut();
        let mapped = sys::mmap(
            page.cast(),
            len,
            Prot::READ | Prot::WRITE | Prot::EXEC,
            MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE,
            Some(file.as_fd()),
            0,
        )
        .expect("nothing is there");
        assert!(ptr::eq(mapped.cast(), page), "mapped elsewhere");
        slice::from_raw_parts_mut(mapped.cast(), len)
    }
}

fn hostile(image: &mut [u8], names: impl Iterator<Item = &'static CStr> + Clone) {
    let look = || {
        for name in names.clone() {
            let name = name.to_str().expect("names are ASCII");
            let _ = vdso::function(name);
        }
    };
    let count = || {
        let found = |name: &&CStr| vdso::function(name.to_str().expect("ASCII")).is_some();
        names.clone().filter(found).count()
    };
    println!("{} found", count());
    // How much is mapped, the first program header's p_memsz, is the one thing that is
    // believed. The ELF header has 40 bytes and three words, and five words come before.
    const BELIEVED: usize = 40 + 3 * WORD + 5 * WORD;
    const WORD: usize = size_of::<usize>();
    for at in (0..image.len()).filter(|at| !(BELIEVED..BELIEVED + WORD).contains(at)) {
        let before = image[at];
        for value in [0, 1, 0x7f, 0x80, 0xff, before.wrapping_add(1)] {
            image[at] = value;
            look();
        }
        image[at] = before;
    }
    println!("{} found", count());
    image.fill(0xff);
    println!("{} found", count());
    image.fill(0);
    println!("{} found", count());
}
