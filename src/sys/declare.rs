//! How a system call is declared, and what a declaration becomes.
//!
//! [`syscalls!`] reads declarations that look like the man page's synopsis:
//!
//! ```text
//! syscalls! {
//!     /// Reads up to `buf.len()` bytes …
//!     sys read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> = __NR_read;
//!     sysnb getpid() -> u32 = __NR_getpid;
//! }
//! ```
//!
//! * `sys` may block; `sysnb` cannot: it must be on the list of calls that
//!   provably never wait ([`NEVER_BLOCKS`]), or the build stops.
//! * `unsafe` before it makes the function unsafe, for calls that can break what
//!   Rust relies on.
//! * An argument becomes one or two register words, as its type says
//!   ([`Argument`]): a slice passes its address and its length.
//! * The result type says how the kernel's word is to be read ([`Outcome`]):
//!   `Result<…>` takes −4095 to −1 as an error, a bare type cannot fail, `!` never
//!   returns.
//!
//! All of it is decided at compile time: in a release build the function is the
//! instruction, its registers and the test for an error.

use core::ffi::{CStr, c_void};
use core::ptr;

use super::errno::{Errno, Result};
use crate::arch::{self, Register};

/// The words of one call, in the order of the registers.
pub struct Words {
    registers: [Register; 6],
    len: usize,
}

impl Words {
    /// No words yet.
    #[inline(always)]
    pub const fn new() -> Words {
        Words {
            registers: [ptr::null_mut(); 6],
            len: 0,
        }
    }

    /// Adds a number.
    #[inline(always)]
    pub fn number(&mut self, value: usize) {
        self.pointer(ptr::without_provenance_mut(value));
    }

    /// Adds an address.
    #[inline(always)]
    pub fn pointer(&mut self, value: Register) {
        self.registers[self.len] = value;
        self.len += 1;
    }

    /// Makes the system call `nr` with the first `N` words.
    ///
    /// # Safety
    ///
    /// As for [`arch::syscall6`].
    #[inline(always)]
    pub unsafe fn call<const N: usize>(self, nr: u32) -> Register {
        let nr = nr as usize;
        let [a, b, c, d, e, f] = self.registers;
        // SAFETY: passed on to the caller.
        unsafe {
            match N {
                0 => arch::syscall0(nr),
                1 => arch::syscall1(nr, a),
                2 => arch::syscall2(nr, a, b),
                3 => arch::syscall3(nr, a, b, c),
                4 => arch::syscall4(nr, a, b, c, d),
                5 => arch::syscall5(nr, a, b, c, d, e),
                _ => arch::syscall6(nr, a, b, c, d, e, f),
            }
        }
    }
}

/// A type that a system call takes.
pub trait Argument {
    /// How many register words it fills.
    const WORDS: usize;

    /// Adds its words, exactly [`Argument::WORDS`] of them.
    fn pass(self, words: &mut Words);
}

/// A type that a system call returns.
pub trait Outcome {
    /// Reads the kernel's word.
    fn decode(result: Register) -> Self;
}

/// A type that a system call returns unless it fails.
pub trait Value {
    /// Reads a word that stands for no error.
    fn from_register(result: Register) -> Self;
}

/// Integers: one word, signed ones extended by their sign as the kernel expects.
macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Argument for $number {
            const WORDS: usize = 1;
            #[inline(always)]
            fn pass(self, words: &mut Words) {
                words.number(self as usize);
            }
        }

        impl Value for $number {
            #[inline(always)]
            fn from_register(result: Register) -> Self {
                result.addr() as $number
            }
        }

        impl Outcome for $number {
            #[inline(always)]
            fn decode(result: Register) -> Self {
                <$number as Value>::from_register(result)
            }
        }
    )*};
}

numbers!(u32, i32, usize, isize);

impl<T> Argument for *mut T {
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        words.pointer(self.cast());
    }
}

impl<T> Argument for *const T {
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        words.pointer(self.cast_mut().cast());
    }
}

/// A place for the kernel to write one value.
impl<T> Argument for &mut T {
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        ptr::from_mut(self).pass(words);
    }
}

/// One value for the kernel to read, or none: a null pointer.
impl<T> Argument for Option<&T> {
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(ptr::null(), ptr::from_ref).pass(words);
    }
}

/// A place for the kernel to write one value, or none: a null pointer.
impl<T> Argument for Option<&mut T> {
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(ptr::null_mut(), ptr::from_mut).pass(words);
    }
}

/// A path or name: the address of its bytes, which end in NUL.
impl Argument for &CStr {
    const WORDS: usize = 1;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_ptr().pass(words);
    }
}

/// Bytes for the kernel to read: address and length. An empty slice passes an
/// address too, aligned and not null.
impl Argument for &[u8] {
    const WORDS: usize = 2;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_ptr().pass(words);
        self.len().pass(words);
    }
}

/// Bytes for the kernel to write: address and length.
impl Argument for &mut [u8] {
    const WORDS: usize = 2;
    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_mut_ptr().pass(words);
        self.len().pass(words);
    }
}

impl<T: Value> Outcome for Result<T> {
    #[inline(always)]
    fn decode(result: Register) -> Self {
        match Errno::from_result(result.addr()) {
            Some(errno) => Err(errno),
            None => Ok(T::from_register(result)),
        }
    }
}

impl Value for () {
    #[inline(always)]
    fn from_register(_: Register) -> Self {}
}

impl Value for *mut c_void {
    #[inline(always)]
    fn from_register(result: Register) -> Self {
        result.cast()
    }
}

impl Outcome for *mut c_void {
    #[inline(always)]
    fn decode(result: Register) -> Self {
        result.cast()
    }
}

/// The calls that provably never wait, whatever their arguments: they read or
/// change a few words of the caller's own process. `open`, `close`, `dup` and
/// `ioctl` are not among them: on a file system in user space, or a slow device,
/// each can take for ever.
pub const NEVER_BLOCKS: &[&str] = &[
    "exit_group",
    "getpid",
    "gettid",
    "rt_sigaction",
    "rt_sigprocmask",
];

/// Whether `name` is on the list of calls that never block.
pub const fn never_blocks(name: &str) -> bool {
    let mut i = 0;
    while i < NEVER_BLOCKS.len() {
        if equal(NEVER_BLOCKS[i].as_bytes(), name.as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

/// `a == b`, which const evaluation does not offer for slices.
const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Declares system calls: see the [module documentation](self).
macro_rules! syscalls {
    () => {};

    // A call that never returns.
    (
        $(#[$doc:meta])*
        sysnb $name:ident($($arg:ident: $type:ty),*) -> ! = $nr:ident;
        $($rest:tt)*
    ) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name($($arg: $type),*) -> ! {
            $crate::sys::declare::syscalls!(@check sysnb $name);
            // SAFETY: the call ends the caller, so nothing is left to be broken.
            unsafe { $crate::sys::declare::syscalls!(@call $name($($arg: $type),*) = $nr) };
            $crate::arch::trap()
        }
        $crate::sys::declare::syscalls! { $($rest)* }
    };

    // A call that can break what Rust relies on.
    (
        $(#[$doc:meta])*
        unsafe $kind:ident $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $nr:ident;
        $($rest:tt)*
    ) => {
        $(#[$doc])*
        #[inline(always)]
        #[allow(clippy::too_many_arguments)]
        pub unsafe fn $name($($arg: $type),*) -> $ret {
            $crate::sys::declare::syscalls!(@check $kind $name);
            // SAFETY: passed on to the caller.
            let result = unsafe {
                $crate::sys::declare::syscalls!(@call $name($($arg: $type),*) = $nr)
            };
            <$ret as $crate::sys::declare::Outcome>::decode(result)
        }
        $crate::sys::declare::syscalls! { $($rest)* }
    };

    // A call that cannot: its arguments' types allow nothing that would.
    (
        $(#[$doc:meta])*
        $kind:ident $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty = $nr:ident;
        $($rest:tt)*
    ) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name($($arg: $type),*) -> $ret {
            $crate::sys::declare::syscalls!(@check $kind $name);
            // SAFETY: the call reads and writes only what its arguments lend it,
            // and changes nothing that Rust relies on: that is what declaring it
            // without `unsafe` claims.
            let result = unsafe {
                $crate::sys::declare::syscalls!(@call $name($($arg: $type),*) = $nr)
            };
            <$ret as $crate::sys::declare::Outcome>::decode(result)
        }
        $crate::sys::declare::syscalls! { $($rest)* }
    };

    (@check sys $name:ident) => {};
    (@check sysnb $name:ident) => {
        const {
            assert!(
                $crate::sys::declare::never_blocks(stringify!($name)),
                concat!(
                    "freestand: `sysnb ", stringify!($name), "`: this call is not known never to ",
                    "block; declare it `sys`, or add it to NEVER_BLOCKS with the reason"
                )
            );
        }
    };

    // The instruction, with the arguments' words in its registers.
    (@call $name:ident($($arg:ident: $type:ty),*) = $nr:ident) => {{
        const WORDS: usize = 0 $(+ <$type as $crate::sys::declare::Argument>::WORDS)*;
        const {
            assert!(
                WORDS <= 6,
                concat!(
                    "freestand: `", stringify!($name),
                    "` is declared with more than the six words that a system call takes"
                )
            );
        }
        #[allow(unused_mut)]
        let mut words = $crate::sys::declare::Words::new();
        $(<$type as $crate::sys::declare::Argument>::pass($arg, &mut words);)*
        words.call::<WORDS>($nr)
    }};
}
pub(crate) use syscalls;
