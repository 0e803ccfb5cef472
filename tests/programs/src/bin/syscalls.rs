//! System calls with each number of arguments: that each argument arrives in its
//! place, and that nothing else changes. Prints the process's id.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::ptr::without_provenance_mut as number;

use freestand::arch::*;
use freestand::sys::Errno;
use freestand::{env, println};
use linux_raw_sys::general::*;

freestand::entry!(main);

/// mmap, and what its offset counts.
#[cfg(target_arch = "x86")]
const MMAP: (u32, usize) = (__NR_mmap2, 4096);
#[cfg(not(target_arch = "x86"))]
const MMAP: (u32, usize) = (__NR_mmap, 1);

/// Makes a system call with arguments that are pointers or numbers, and decodes
/// its result.
macro_rules! call {
    ($syscall:ident, $nr:expr $(, $arg:expr)*) => {{
        // SAFETY: the calls below change only what is theirs.
        let result = unsafe { $syscall($nr as usize $(, $arg.into_register())*) };
        match Errno::from_result(result.addr()) {
            None => Ok(result.addr()),
            Some(errno) => Err(errno),
        }
    }};
}

trait IntoRegister {
    fn into_register(self) -> Register;
}

impl IntoRegister for usize {
    fn into_register(self) -> Register {
        number(self)
    }
}

impl<T> IntoRegister for *mut T {
    fn into_register(self) -> Register {
        self.cast()
    }
}

fn main() {
    println!("{}", call!(syscall0, __NR_getpid).unwrap());
    one_argument();
    two_and_three_arguments();
    four_arguments();
    five_arguments();
    six_arguments();
    nothing_else_changes();
}

fn one_argument() {
    call!(syscall1, __NR_umask, 0o123_usize).unwrap();
    assert_eq!(call!(syscall1, __NR_umask, 0_usize), Ok(0o123));
}

fn two_and_three_arguments() {
    let mut ends = [0_i32; 2];
    let mut text = *b"through a pipe";
    let (flags, count) = (O_NONBLOCK as usize, text.len());
    assert_eq!(call!(syscall2, __NR_pipe2, &raw mut ends, flags), Ok(0));
    let [read, write] = ends.map(|end| end as usize);
    let moved = call!(syscall3, __NR_write, write, &raw mut text, count);
    assert_eq!(moved, Ok(count));
    let mut back = [0; 20];
    // The pipe's writing end is not for reading, and without O_NONBLOCK the second
    // read would never return.
    let mut take = |count: usize| call!(syscall3, __NR_read, read, &raw mut back, count);
    assert_eq!(
        (take(7), take(20), take(20)),
        (Ok(7), Ok(7), Err(Errno::EAGAIN))
    );
    assert_eq!(back[..7], text[7..]);
}

fn four_arguments() {
    let size = size_of::<kernel_sigset_t>();
    let (mut new, mut old) = ([1 << (SIGUSR1 - 1), 0_u32], [0_u32; 2]);
    for expected in [[0, 0], new] {
        let how = SIG_SETMASK as usize;
        let nr = __NR_rt_sigprocmask;
        assert_eq!(
            call!(syscall4, nr, how, &raw mut new, &raw mut old, size),
            Ok(0)
        );
        assert_eq!(old, expected);
    }
}

/// New pages, readable and writable.
fn pages(size: usize) -> *mut [u8; 4] {
    let (prot, flags) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    let (prot, flags) = (prot as usize, flags as usize);
    // SAFETY: memory that was not there before is nobody else's.
    let address = unsafe {
        syscall6(
            MMAP.0 as usize,
            number(0),
            number(size),
            number(prot),
            number(flags),
            number(!0),
            number(0),
        )
    };
    assert_eq!(Errno::from_result(address.addr()), None);
    address.cast()
}

fn five_arguments() {
    let page = env::auxv().page_size().unwrap();
    let (old, new) = (pages(page), pages(2 * page));
    let flags = (MREMAP_MAYMOVE | MREMAP_FIXED) as usize;
    // SAFETY: the page is there, and nobody else's.
    unsafe { old.write(*b"move") };
    let moved = call!(syscall5, __NR_mremap, old, page, 2 * page, flags, new);
    assert_eq!(moved, Ok(new.addr()));
    // SAFETY: so is this one, and it has grown by another.
    let (moved, added) = unsafe { (new.read(), new.byte_add(page).read()) };
    assert_eq!((moved, added), (*b"move", [0; 4]));
}

fn six_arguments() {
    // A file with something on its fourth page.
    let page = env::auxv().page_size().unwrap();
    let mut text = *b"file";
    let name = c"six".as_ptr().cast_mut();
    let file = call!(syscall2, __NR_memfd_create, name, MFD_CLOEXEC as usize).unwrap();
    call!(syscall3, __NR_lseek, file, 3 * page, SEEK_SET as usize).unwrap();
    call!(syscall3, __NR_write, file, &raw mut text, text.len()).unwrap();

    let place = pages(page);
    let (prot, flags) = (PROT_READ as usize, (MAP_PRIVATE | MAP_FIXED) as usize);
    let offset = 3 * page / MMAP.1;
    let mapped = call!(syscall6, MMAP.0, place, page, prot, flags, file, offset);
    assert_eq!(mapped, Ok(place.addr()));
    // SAFETY: the file's page is there now.
    assert_eq!(unsafe { place.read_volatile() }, text);

    // Nobody waits; that the sixth argument is not the word's value is an error.
    let (mut word, mut other) = (77_u32, 0_u32);
    let mut requeue = |expected: usize| {
        let (operation, nr) = (FUTEX_CMP_REQUEUE as usize, __NR_futex);
        call!(
            syscall6,
            nr,
            &raw mut word,
            operation,
            1_usize,
            2_usize,
            &raw mut other,
            expected
        )
    };
    assert_eq!((requeue(77), requeue(78)), (Ok(0), Err(Errno::EAGAIN)));
}

/// Does the same with and without system calls in between. getpid looks at no
/// argument.
fn nothing_else_changes() {
    let pid = call!(syscall0, __NR_getpid).unwrap();
    let without = churn(|| pid);
    let [a, b, c, d, e, f] = black_box([11_usize, 12, 13, 14, 15, 16]);
    let nr = __NR_getpid;
    assert_eq!(churn(|| call!(syscall0, nr).unwrap()), without);
    assert_eq!(churn(|| call!(syscall1, nr, a).unwrap()), without);
    assert_eq!(churn(|| call!(syscall2, nr, a, b).unwrap()), without);
    assert_eq!(churn(|| call!(syscall3, nr, a, b, c).unwrap()), without);
    assert_eq!(churn(|| call!(syscall4, nr, a, b, c, d).unwrap()), without);
    assert_eq!(
        churn(|| call!(syscall5, nr, a, b, c, d, e).unwrap()),
        without
    );
    assert_eq!(
        churn(|| call!(syscall6, nr, a, b, c, d, e, f).unwrap()),
        without
    );
    assert_eq!([a, b, c, d, e, f], [11, 12, 13, 14, 15, 16]);
}

/// Keeps more values than there are registers through a loop of calls.
#[inline(always)]
fn churn(call: impl Fn() -> usize) -> [usize; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] =
        black_box([1, 2, 3, 4, 5, 6, 7, 8]);
    for _ in 0..100 {
        (a, b, c, d) = (
            b ^ call(),
            c.rotate_left(3),
            d.wrapping_mul(5),
            a.wrapping_add(e),
        );
        (e, f, g, h) = (
            f ^ call(),
            g.rotate_left(5),
            h.wrapping_mul(3),
            e.wrapping_add(b),
        );
    }
    [a, b, c, d, e, f, g, h]
}
