//! The vDSO: functions of the kernel's that a program calls without entering the kernel,
//! vdso(7).
//!
//! What time it is, a program asks more often than anything else, and to answer the
//! kernel needs none of its rights: it counts on from the last tick by the processor's
//! own counter. So it maps two things into each process: pages of data that it keeps up
//! to date, and a small shared object, complete in memory, whose functions read them. A
//! call of these is a call: a tenth of the time that a system call takes, or less.
//!
//! # How it is found
//!
//! 1. The auxiliary vector's `AT_SYSINFO_EHDR` is the address of its ELF header, at the
//!    beginning of a page. There may be none: the kernel was started with `vdso=0`, or
//!    an emulator or a debugger (qemu-user before 8.2, valgrind) plays the kernel.
//! 2. The program headers say how many bytes are mapped, and where the dynamic section
//!    is: `elf.rs` reads them.
//! 3. The dynamic section leads to the tables of symbols, and these to the function, by
//!    its name and its version, as a dynamic linker would do it.
//!
//! The names and the versions are the architecture's (`src/arch`):
//!
//! | | x86_64 | i386 | aarch64 | riscv64 |
//! |---|---|---|---|---|
//! | version | `LINUX_2.6` | `LINUX_2.6` | `LINUX_2.6.39` | `LINUX_4.15` |
//! | `clock_gettime` | `__vdso_clock_gettime` | `__vdso_clock_gettime64` | `__kernel_clock_gettime` | `__vdso_clock_gettime` |
//! | `clock_getres` | `__vdso_clock_getres` | `__vdso_clock_getres` | `__kernel_clock_getres` | `__vdso_clock_getres` |
//! | `getcpu` | `__vdso_getcpu` | `__vdso_getcpu` | | `__vdso_getcpu` |
//! | `getrandom` | `__vdso_getrandom` | | `__kernel_getrandom` | `__vdso_getrandom` |
//!
//! # When it is found
//!
//! At the first call of each function, and never by a program that makes none. The
//! function's address is kept in a variable that first holds the address of a function
//! that looks for it. So a call is a load and an indirect call, with no test for whether
//! this is the first:
//!
//! ```text
//!              ┌──────────► find      looks it up, stores what it finds, calls it
//!  CALL ───────┼──────────► the vDSO's function
//!  (variable)  └──────────► absent    returns -ENOSYS
//! ```
//!
//! Threads, or a signal handler, that come to the first call at once all look, and all
//! store the same.
//!
//! A function that is absent fails like any other, and whoever called makes the system
//! call in its place, whatever the failure was: there is one way back for a kernel
//! without a vDSO, a clock that the vDSO does not know, and an argument that is wrong,
//! of which the system call says what is wrong.

mod elf;

use core::ffi::{c_int, c_void};
use core::mem;
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::{Aux, InitialStack, stack};
use crate::arch;
use crate::sys::{Errno, OldTimespec, Timespec};
use elf::Image;

/// The vDSO, of this process's class.
type Vdso<'a> = Image<'a, { size_of::<usize>() }>;

/// The smallest page that there is, in bytes: no architecture has smaller ones.
const SMALLEST_PAGE: usize = 4096;

/// The address of the vDSO's function `name`, in the version of the table above; `None`
/// if there is no vDSO, or no such function in it. It looks anew each time.
///
/// What the function takes and returns, the kernel's sources say: its type has the
/// platform's C calling convention, `extern "C"`.
pub fn function(name: &str) -> Option<NonNull<c_void>> {
    let start = start()?;
    // SAFETY: the kernel maps the vDSO by whole pages, for as long as the process lives,
    // and `start` is where it begins. Nobody writes there.
    let first_page = unsafe { slice::from_raw_parts(start.cast::<u8>(), SMALLEST_PAGE) };
    let len = Vdso::mapped_len(first_page)?;
    // No object reaches around the end of the address space, or fills half of it.
    isize::try_from(len).ok()?;
    start.addr().checked_add(len)?;
    // SAFETY: as above; what is mapped is what its program headers say.
    let bytes = unsafe { slice::from_raw_parts(start.cast::<u8>(), len) };
    let offset = Vdso::parse(bytes)?.function(name.as_bytes(), arch::vdso::VERSION.as_bytes())?;
    NonNull::new(start.wrapping_byte_add(offset).cast_mut().cast())
}

/// Where the vDSO begins.
fn start() -> Option<*const ()> {
    let argv = stack::kept_argv();
    if argv.is_null() {
        // Another `_start` ran than ours, as it does in a program that has libc too.
        return None;
    }
    // SAFETY: the piece that keeps argv stored what _start found.
    let mut auxv = unsafe { InitialStack::from_argv(argv) }.auxv();
    let start = auxv.find_map(|aux| match aux {
        Aux::SysinfoEhdr(start) => Some(start),
        _ => None,
    })?;
    let is_page = !start.is_null() && start.addr().is_multiple_of(SMALLEST_PAGE);
    is_page.then_some(start)
}

/// Declares functions of the vDSO, each called as is described above.
macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $name:ident($($arg:ident: $type:ty),*) -> $result:ty = $symbol:expr;
    )*) => {$(
        $(#[$doc])*
        ///
        /// Returns an error's number below zero if it fails, `ENOSYS` if there is no
        /// such function.
        ///
        /// # Safety
        ///
        /// The pointers must be good for what the function does with them.
        #[inline(always)]
        pub(crate) unsafe fn $name($($arg: $type),*) -> $result {
            type Function = unsafe extern "C" fn($($type),*) -> $result;

            static CALL: AtomicPtr<()> = AtomicPtr::new(find as Function as *mut ());

            #[cold]
            unsafe extern "C" fn find($($arg: $type),*) -> $result {
                let found = $symbol.and_then(function);
                let call = found.map_or(absent as Function as *mut (), |call| call.as_ptr().cast());
                CALL.store(call, Ordering::Relaxed);
                // SAFETY: passed on to the caller.
                unsafe { $name($($arg),*) }
            }

            unsafe extern "C" fn absent($(_: $type),*) -> $result {
                -<$result>::from(Errno::ENOSYS.code() as i16)
            }

            // Relaxed: nothing but the address itself is passed between threads, and the
            // code behind it is older than all of them.
            let call = CALL.load(Ordering::Relaxed);
            // SAFETY: it is the address of one of the two above, or of the function of
            // the vDSO whose name and version promise this type.
            let call = unsafe { mem::transmute::<*mut (), Function>(call) };
            // SAFETY: passed on to the caller.
            unsafe { call($($arg),*) }
        }
    )*};
}

functions! {
    /// clock_gettime(2): writes what `clock` says to `time`.
    clock_gettime(clock: c_int, time: *mut Timespec) -> c_int = arch::vdso::CLOCK_GETTIME;

    /// clock_getres(2): writes the resolution of `clock` to `resolution`, in words: few
    /// kernels for i386 have one with 64 bits, and resolutions need none.
    clock_getres(clock: c_int, resolution: *mut OldTimespec) -> c_int = arch::vdso::CLOCK_GETRES;

    /// getcpu(2): writes the numbers of the processor and of its node. The third
    /// argument has had no use since Linux 2.6.24.
    getcpu(cpu: *mut u32, node: *mut u32, unused: *mut c_void) -> c_int = arch::vdso::GETCPU;

    /// getrandom(2) with a generator of the process's own, whose `state` is what the
    /// kernel made it. With a `state_len` of [`usize::MAX`] and no buffer, fills the
    /// [`StateParams`] that `state` points at instead
    /// (lib/vdso/getrandom.c, __cvdso_getrandom_data).
    getrandom(buf: *mut u8, len: usize, flags: u32, state: *mut c_void, state_len: usize) -> isize
        = arch::vdso::GETRANDOM;
}

/// How the memory for a state of [`getrandom`] is to be made: `struct
/// vgetrandom_opaque_params` (include/uapi/linux/random.h).
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct StateParams {
    /// Bytes in a state, none of which may be in another page than the others.
    pub size: u32,
    /// mmap's second word.
    pub prot: u32,
    /// mmap's third.
    pub flags: u32,
    /// For later.
    pub reserved: [u32; 13],
}

impl StateParams {
    /// What the vDSO says; `None` without one that has getrandom.
    pub(crate) fn query() -> Option<StateParams> {
        let mut params = StateParams::default();
        let state = (&raw mut params).cast();
        // SAFETY: this asks for the parameters, and there is room for them.
        let result = unsafe { getrandom(ptr::null_mut(), 0, 0, state, usize::MAX) };
        (result == 0).then_some(params)
    }
}
