//! How a system call is declared, and what a declaration becomes.
//!
//! [`syscalls!`](crate::syscalls) reads declarations that look like the man page's
//! synopsis:
//!
//! ```text
//! syscalls! {
//!     /// Reads up to `buf.len()` bytes …
//!     sys read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize>;
//!     /// The process's id …
//!     sysnb getpid() -> Pid;
//!     /// Opens …
//!     wrap open(path: impl Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
//!         openat(At::Cwd, path, flags, mode)
//!     }
//! }
//! ```
//!
//! The first word says what kind of call it is ([`Kind`]): `sys` may block,
//! `sysblk` surely does, `sysnb` cannot, and `wrap` is written in terms of other
//! calls. `unsafe` before it makes the function unsafe, for calls that can break
//! what Rust relies on. `part` before that is for a call that others are written in
//! terms of: it is not public, and has no row.
//!
//! # What becomes of one
//!
//! * The function. A call of kind `sys` or `sysblk` passes through the hooks
//!   ([`hook`](super::hook)), by which a scheduler learns that its thread may wait.
//! * Its twin of the same name in the module `raw` beside it, without hooks: for the
//!   scheduler itself, and for a child after fork. A `wrap`'s body there reaches the
//!   twins of the calls it names, which therefore stand in the same block.
//! * A row of the block's `CALLS` ([`Call`]): what a tracer wants to know of it.
//! * A line of documentation: kind, number, and that it is async-signal-safe
//!   ([`signal`](crate::signal)). A `wrap` is, so its body may do no more than make calls
//!   and compute.
//!
//! # What the types say
//!
//! | a parameter | fills |
//! |---|---|
//! | a number, a descriptor, flags | one word; 64 bits are two words on a 32-bit machine, the low one first |
//! | `&[T]`, `&mut [T]` | address and length; an empty one has an address too |
//! | `&T`, `&mut T`, and either in an `Option` | the address; null for none |
//! | `path: impl Path` | the address of its bytes, with a NUL after them ([`Path`](super::Path)) |
//! | `name: out T` | the address of a `T` that the kernel fills: the function returns it ([`Filled`]) |
//! | `name: T = value` | the words of a `T`, always this one: the function has no such parameter |
//!
//! | a result | |
//! |---|---|
//! | `Result<T>` | −4095 to −1 is an error, whatever else a `T` ([`Value`]) |
//! | `T` | cannot fail |
//! | `!` | does not return |
//!
//! The number is [`widest`]'s of the same name, or what stands
//! behind `=`.
//!
//! All of it is decided at compile time: in a release build the function is the
//! instruction, its registers and the test for an error.

use core::convert::Infallible;
use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;
use core::ptr;

use super::errno::{Errno, Result};
use crate::arch::{self, Register, widest};

/// The words of one call, in the order of the registers.
#[derive(Debug)]
pub struct Words {
    registers: [Register; 6],
    len: usize,
}

impl Words {
    /// No words yet.
    #[inline(always)]
    #[allow(
        clippy::new_without_default,
        reason = "no words are no default arguments"
    )]
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
    ///
    /// # Panics
    ///
    /// If there are six already, which a declaration is not allowed to have.
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

/// An address in the process's memory, which may point at nothing.
pub type Address = *mut c_void;

/// A type that a system call takes.
#[diagnostic::on_unimplemented(
    message = "freestand: no system call takes `{Self}`",
    label = "neither a number, a pointer, a descriptor, flags nor a slice",
    note = "implement `freestand::sys::Argument` for it, or declare the parameter as one that does"
)]
pub trait Argument {
    /// How many register words it fills.
    const WORDS: usize = 1;

    /// How a tool may show it.
    const SHOWN: Shown;

    /// Adds its words, exactly [`Argument::WORDS`] of them.
    fn pass(self, words: &mut Words);
}

/// A type that a system call returns unless it fails.
pub trait Value: Sized {
    /// How a tool may show it.
    const SHOWN: Shown;

    /// Has start-up see to what a value of this type relies on. It stands where the call
    /// is made, whether or not that fails, and is no instruction.
    #[inline(always)]
    fn rely() {}

    /// Reads a word that stands for no error.
    fn from_register(result: Register) -> Self;
}

/// A type that a system call returns.
#[diagnostic::on_unimplemented(
    message = "freestand: no system call returns `{Self}`",
    label = "a word of the kernel cannot be read as this",
    note = "implement `freestand::sys::Value` for it, or declare the parameter that it comes \
            through as `out`"
)]
pub trait Outcome {
    /// How a tool may show it, unless it is an error.
    const SHOWN: Shown;

    /// Reads the kernel's word.
    fn decode(result: Register) -> Self;
}

/// A type that the kernel fills.
///
/// # Safety
///
/// Every pattern of bytes that the kernel writes into one is a value of the type,
/// and after a call that succeeds all of its bytes are written or were nothing.
#[diagnostic::on_unimplemented(
    message = "freestand: no system call fills a `{Self}`",
    label = "what the kernel writes might be no value of this type",
    note = "if it always is, implement `freestand::sys::Filled` for it"
)]
pub unsafe trait Filled {}

// SAFETY: any bytes are integers.
unsafe impl Filled for i32 {}
// SAFETY: as above.
unsafe impl Filled for u32 {}
// SAFETY: as above.
unsafe impl Filled for i64 {}
// SAFETY: as above.
unsafe impl Filled for u64 {}
// SAFETY: as above.
unsafe impl Filled for usize {}
// SAFETY: any bytes are an address; whoever follows it answers for that.
unsafe impl<T> Filled for *mut T {}
// SAFETY: an array is its elements.
unsafe impl<T: Filled, const N: usize> Filled for [T; N] {}

/// A value of `Result` is an error or a `T`; of `T` itself, never an error.
impl<T: Value> Outcome for Result<T> {
    const SHOWN: Shown = T::SHOWN;

    #[inline(always)]
    fn decode(result: Register) -> Self {
        T::rely();
        match Errno::from_result(result.addr()) {
            Some(errno) => Err(errno),
            None => Ok(T::from_register(result)),
        }
    }
}

impl<T: Value> Outcome for T {
    const SHOWN: Shown = T::SHOWN;

    #[inline(always)]
    fn decode(result: Register) -> Self {
        T::rely();
        T::from_register(result)
    }
}

/// Integers of at most a word: signed ones extended by their sign, as the kernel
/// expects.
macro_rules! numbers {
    ($($number:ty, $shown:ident;)*) => {$(
        impl Argument for $number {
            const SHOWN: Shown = Shown::$shown;

            #[inline(always)]
            fn pass(self, words: &mut Words) {
                words.number(self as usize);
            }
        }

        impl Value for $number {
            const SHOWN: Shown = Shown::$shown;

            #[inline(always)]
            fn from_register(result: Register) -> Self {
                result.addr() as $number
            }
        }
    )*};
}

numbers! {
    u8, Unsigned;
    u16, Unsigned;
    u32, Unsigned;
    i32, Signed;
    usize, Unsigned;
    isize, Signed;
}

/// Integers of 64 bits: one word, or two where words have 32 bits, the low half
/// first, as the processor has it in memory. i386 wants no alignment: only arm,
/// mips and powerpc begin a pair at an even register (syscall(2), "Architecture
/// calling conventions").
macro_rules! wide_numbers {
    ($($number:ty, $shown:ident;)*) => {$(
        impl Argument for $number {
            const WORDS: usize = size_of::<$number>() / size_of::<usize>();
            const SHOWN: Shown = Shown::$shown;

            #[inline(always)]
            fn pass(self, words: &mut Words) {
                words.number(self as usize);
                if Self::WORDS == 2 {
                    words.number((self >> 32) as usize);
                }
            }
        }
    )*};
}

wide_numbers! {
    u64, Unsigned;
    i64, Signed;
}

impl<T> Argument for *mut T {
    const SHOWN: Shown = Shown::Address;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        words.pointer(self.cast());
    }
}

impl<T> Argument for *const T {
    const SHOWN: Shown = Shown::Address;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        words.pointer(self.cast_mut().cast());
    }
}

/// A word that the call's other arguments give its meaning: a number or an address.
#[derive(Clone, Copy, Debug)]
pub struct Word(Register);

impl Argument for Word {
    const SHOWN: Shown = Shown::Depends;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        words.pointer(self.0);
    }
}

/// A signed number is extended by its sign.
impl From<i32> for Word {
    #[inline(always)]
    fn from(number: i32) -> Word {
        Word::from(number as usize)
    }
}

impl From<u32> for Word {
    #[inline(always)]
    fn from(number: u32) -> Word {
        Word::from(number as usize)
    }
}

impl From<usize> for Word {
    #[inline(always)]
    fn from(number: usize) -> Word {
        Word(ptr::without_provenance_mut(number))
    }
}

impl<T> From<*mut T> for Word {
    #[inline(always)]
    fn from(pointer: *mut T) -> Word {
        Word(pointer.cast())
    }
}

impl<T> From<*const T> for Word {
    #[inline(always)]
    fn from(pointer: *const T) -> Word {
        Word::from(pointer.cast_mut())
    }
}

/// One value for the kernel to read.
impl<T> Argument for &T {
    const SHOWN: Shown = Shown::Read {
        size: size_of::<T>(),
    };

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        ptr::from_ref(self).pass(words);
    }
}

/// A place for the kernel to write one value.
impl<T> Argument for &mut T {
    const SHOWN: Shown = Shown::Written {
        size: size_of::<T>(),
    };

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        ptr::from_mut(self).pass(words);
    }
}

/// One value for the kernel to read, or none: a null pointer.
impl<T> Argument for Option<&T> {
    const SHOWN: Shown = <&T as Argument>::SHOWN;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(ptr::null(), ptr::from_ref).pass(words);
    }
}

/// A place for the kernel to write one value, or none: a null pointer.
impl<T> Argument for Option<&mut T> {
    const SHOWN: Shown = <&mut T as Argument>::SHOWN;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(ptr::null_mut(), ptr::from_mut).pass(words);
    }
}

/// A name: the address of its bytes, which end in NUL.
impl Argument for &CStr {
    const SHOWN: Shown = Shown::Path;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_ptr().pass(words);
    }
}

/// A name, or none: a null pointer.
impl Argument for Option<&CStr> {
    const SHOWN: Shown = Shown::Path;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.map_or(ptr::null::<c_char>(), CStr::as_ptr).pass(words);
    }
}

/// Values for the kernel to read: address and how many. An empty slice passes an
/// address too, aligned and not null.
impl<T> Argument for &[T] {
    const WORDS: usize = 2;
    const SHOWN: Shown = Shown::Bytes {
        size: size_of::<T>(),
    };

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_ptr().pass(words);
        self.len().pass(words);
    }
}

/// Values for the kernel to write: address and how many.
impl<T> Argument for &mut [T] {
    const WORDS: usize = 2;
    const SHOWN: Shown = Shown::Buffer {
        size: size_of::<T>(),
    };

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.as_mut_ptr().pass(words);
        self.len().pass(words);
    }
}

/// Makes room for what the kernel fills.
#[doc(hidden)]
#[inline(always)]
pub fn out<T: Filled>(place: &mut MaybeUninit<T>, words: &mut Words) {
    place.as_mut_ptr().pass(words);
}

impl Value for () {
    const SHOWN: Shown = Shown::Nothing;

    #[inline(always)]
    fn from_register(_: Register) -> Self {}
}

/// What does not return has, where it stands for a success: nothing may go on here.
impl Value for Infallible {
    const SHOWN: Shown = Shown::Nothing;

    #[inline(always)]
    fn from_register(_: Register) -> Self {
        arch::trap()
    }
}

impl Value for Address {
    const SHOWN: Shown = Shown::Address;

    #[inline(always)]
    fn from_register(result: Register) -> Self {
        result.cast()
    }
}

/// What kind of call it is, which is whether a thread can wait in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `sys`: it may block. The hooks are called before and after.
    Sys,
    /// `sysblk`: it surely blocks. The hooks are called, and told so.
    SysBlk,
    /// `sysnb`: it cannot block, and is nothing but the instruction. Its name is on
    /// [`NEVER_BLOCKS`].
    SysNb,
    /// `wrap`: it is written in terms of others.
    Wrap,
}

/// One declared call, for tools that look at a program's calls and for tests that
/// look at the declarations.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The call's name.
    pub name: &'static str,
    /// What kind of call it is.
    pub kind: Kind,
    /// Its number on this architecture; `None` for a `wrap`, which makes others'.
    pub number: Option<u32>,
    /// Whether programs can call it: not so what only others are written in terms of.
    pub is_public: bool,
    /// What it takes, in the registers' order.
    pub parameters: &'static [Parameter],
    /// What it returns, as it is declared.
    pub result: &'static str,
    /// How to show what it returns.
    pub shown: Shown,
}

/// One parameter of a call.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type, as it is declared.
    pub of: &'static str,
    /// How many register words it fills.
    pub words: usize,
    /// How to show it.
    pub shown: Shown,
}

/// How a tool may show an argument or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A number without a sign: a count, an id, a size.
    Unsigned,
    /// A number with a sign.
    Signed,
    /// A bit set; the parameter's type names the bits.
    Flags,
    /// One of some named numbers; the parameter's type names them.
    Named,
    /// An address.
    Address,
    /// A file descriptor.
    Descriptor,
    /// The address of a string that ends in NUL.
    Path,
    /// The address of a list of strings' addresses, the last of which is null.
    Strings,
    /// The address of one value of `size` bytes that the kernel reads.
    Read {
        /// Its size, in bytes.
        size: usize,
    },
    /// The address of one value of `size` bytes that the kernel writes.
    Written {
        /// Its size, in bytes.
        size: usize,
    },
    /// Address and number of values of `size` bytes each that the kernel reads.
    Bytes {
        /// The size of one, in bytes.
        size: usize,
    },
    /// Address and number of values of `size` bytes each that the kernel writes.
    Buffer {
        /// The size of one, in bytes.
        size: usize,
    },
    /// Whatever the call's other arguments make it.
    Depends,
}

/// The numbers of the calls that provably never wait, whatever their arguments: they
/// read or change a few words of the caller's own process. `open`, `close`, `dup` and
/// `ioctl` are not among them: on a file system in user space, or a slow device, each
/// can take for ever. Nor is `mmap`, which waits for whoever else changes the address
/// space.
pub const NEVER_BLOCKS: &[u32] = &[
    widest::exit,
    widest::exit_group,
    widest::getcpu,
    widest::getegid,
    widest::geteuid,
    widest::getgid,
    widest::getitimer,
    widest::getpid,
    widest::getppid,
    widest::gettid,
    widest::getuid,
    widest::personality,
    widest::rseq,
    widest::rt_sigaction,
    widest::rt_sigpending,
    widest::rt_sigprocmask,
    widest::rt_sigreturn,
    widest::sched_yield,
    widest::set_robust_list,
    widest::set_tid_address,
    widest::setitimer,
    widest::sigaltstack,
    widest::times,
    widest::umask,
];

/// Whether the call of this number is one that never blocks.
pub const fn never_blocks(nr: u32) -> bool {
    let mut i = 0;
    while i < NEVER_BLOCKS.len() {
        if NEVER_BLOCKS[i] == nr {
            return true;
        }
        i += 1;
    }
    false
}

/// What the kernel has filled, unless it failed.
///
/// # Safety
///
/// `place` was passed to the call that `result` is the result of.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn filled<T: Filled>(result: Register, place: MaybeUninit<T>) -> Result<T> {
    <Result<()> as Outcome>::decode(result)?;
    // SAFETY: the kernel has filled it, and what it writes is a `T`: `Filled`.
    Ok(unsafe { place.assume_init() })
}

/// Declares system calls: see [`sys::declare`](crate::sys::declare).
#[macro_export]
macro_rules! syscalls {
    ($(
        $(#[$meta:meta])*
        $($word:ident)+ ($($parameters:tt)*) -> $ret:tt $(<$of:ty>)?
            $(= $nr:path)? $({ $($body:tt)* })? $(;)?
    )*) => {
        $(
            $crate::declare_syscall! {
                @function [$(#[$meta])*] [$($word)+] [$($parameters)*] [$ret $(<$of>)?] [$($nr)?]
                    $({ $($body)* })?
            }
        )*

        /// The calls above without hooks.
        pub mod raw {
            #[allow(unused_imports)]
            use super::*;

            $(
                $crate::declare_syscall! {
                    @twin [$($word)+] [$($parameters)*] [$ret $(<$of>)?] [$($nr)?]
                        $({ $($body)* })?
                }
            )*
        }

        /// A row for each call above.
        pub const CALLS: &[$crate::sys::Call] = &[$(
            $crate::declare_syscall!(
                @row [$($word)+] [$($parameters)*] [$ret $(<$of>)?] [$($nr)?]
            ),
        )*];
    };
}

/// One declaration on its way to a function (`@function`), a twin (`@twin`) or a row
/// (`@row`).
///
/// What begins with `@` and capitals takes the parameters one by one: first come
/// those that are left, last what has become of the others.
#[doc(hidden)]
#[macro_export]
macro_rules! declare_syscall {
    // ---- The function: between the hooks, its twin.

    (@function $meta:tt [part $($words:ident)+] $($rest:tt)*) => {
        $crate::declare_syscall! { @visible [] $meta [$($words)+] $($rest)* }
    };
    (@function $meta:tt [$($words:ident)+] $($rest:tt)*) => {
        $crate::declare_syscall! { @visible [pub] $meta [$($words)+] $($rest)* }
    };

    (@visible $vis:tt $meta:tt [unsafe wrap $name:ident] $($rest:tt)*) => {
        $crate::declare_syscall! { @wrap $vis $meta [unsafe] $name $($rest)* }
    };
    (@visible $vis:tt $meta:tt [wrap $name:ident] $($rest:tt)*) => {
        $crate::declare_syscall! { @wrap $vis $meta [] $name $($rest)* }
    };
    (@visible $vis:tt $meta:tt [unsafe $kind:ident $name:ident] [$($left:tt)*] $($rest:tt)*) => {
        $crate::declare_syscall! {
            @FUNCTION [$($left)*,] $vis $meta [unsafe] $kind $name $($rest)* []
        }
    };
    (@visible $vis:tt $meta:tt [$kind:ident $name:ident] [$($left:tt)*] $($rest:tt)*) => {
        $crate::declare_syscall! {
            @FUNCTION [$($left)*,] $vis $meta [] $kind $name $($rest)* []
        }
    };
    (@visible $vis:tt $meta:tt [$($words:ident)+] $($rest:tt)*) => {
        compile_error!(concat!(
            "freestand: `", stringify!($($words)+), "` does not begin a declaration: \
             write a kind (sys, sysblk, sysnb, wrap) and a name, and `unsafe` before them \
             if the call needs it"
        ));
    };

    // What the kernel fills is no parameter of the function, nor is what is always the
    // same.
    (
        @FUNCTION [$arg:ident: out $type:ty, $($left:tt)*] $vis:tt $meta:tt $unsafe:tt
            $kind:ident $name:ident $ret:tt $nr:tt [$($done:tt)*]
    ) => {
        $crate::declare_syscall! {
            @FUNCTION [$($left)*] $vis $meta $unsafe $kind $name $ret $nr [$($done)*]
        }
    };
    (
        @FUNCTION [$arg:ident: $type:ty = $value:expr, $($left:tt)*] $vis:tt $meta:tt
            $unsafe:tt $kind:ident $name:ident $ret:tt $nr:tt [$($done:tt)*]
    ) => {
        $crate::declare_syscall! {
            @FUNCTION [$($left)*] $vis $meta $unsafe $kind $name $ret $nr [$($done)*]
        }
    };
    (
        @FUNCTION [$arg:ident: $type:ty, $($left:tt)*] $vis:tt $meta:tt $unsafe:tt
            $kind:ident $name:ident $ret:tt $nr:tt [$($done:tt)*]
    ) => {
        $crate::declare_syscall! {
            @FUNCTION [$($left)*] $vis $meta $unsafe $kind $name $ret $nr
                [$($done)* ($arg: $type)]
        }
    };
    (
        @FUNCTION [$(,)?] [$($vis:tt)*] [$($meta:tt)*] [$($unsafe:tt)?]
            $kind:ident $name:ident [$($ret:tt)+] [$($nr:path)?] [$(($arg:ident: $type:ty))*]
    ) => {
        $($meta)*
        #[doc = ""]
        #[doc = $crate::declare_syscall!(@document $kind $name $($nr)?)]
        #[inline(always)]
        #[allow(clippy::too_many_arguments)]
        $($vis)* $($unsafe)? fn $name($($arg: $type),*) -> $($ret)+ {
            $crate::declare_syscall!(@hook $kind $name [$($nr)?]);
            $crate::declare_syscall!(@$($unsafe)? twin_call raw::$name($($arg),*))
        }
    };
    (
        @FUNCTION [$($left:tt)*] $vis:tt $meta:tt $unsafe:tt $kind:ident $name:ident
            $($rest:tt)*
    ) => {
        compile_error!(concat!(
            "freestand: `", stringify!($name), "`: the parameters from `", stringify!($($left)*),
            "` on are not written `name: type`, `name: impl Path`, `name: out type` or \
             `name: type = value`, with commas between them"
        ));
    };

    (@twin_call $call:expr) => {
        $call
    };
    (@unsafe twin_call $call:expr) => {
        // SAFETY: the caller of this function has promised what its twin asks for.
        unsafe { $call }
    };

    (@document $kind:ident $name:ident) => {
        concat!(
            "*`", stringify!($kind), "`, number [`", stringify!($name),
            "`](freestand::arch::widest::", stringify!($name), "). Async-signal-safe.*"
        )
    };
    (@document $kind:ident $name:ident $nr:path) => {
        concat!(
            "*`", stringify!($kind), "`, number `", stringify!($nr), "`. Async-signal-safe.*"
        )
    };

    (@hook sys $name:ident $nr:tt) => {
        let _entered = $crate::sys::hook::Entered::may_block();
    };
    (@hook sysblk $name:ident $nr:tt) => {
        let _entered = $crate::sys::hook::Entered::blocks();
    };
    (@hook sysnb $name:ident $nr:tt) => {
        const _: () = assert!(
            $crate::sys::declare::never_blocks($crate::declare_syscall!(@number $name $nr)),
            concat!(
                "freestand: `sysnb ", stringify!($name), "`: this call is not known never to \
                 block; declare it `sys`, or add it to NEVER_BLOCKS with the reason"
            )
        );
    };
    (@hook $kind:ident $name:ident $nr:tt) => {
        compile_error!(concat!(
            "freestand: `", stringify!($kind), " ", stringify!($name), "`: `",
            stringify!($kind), "` is no kind of call; these are sys, sysblk, sysnb and wrap"
        ))
    };

    // ---- A wrap: the body, in the function and in the twin.

    (
        @wrap [$($vis:tt)*] [$($meta:tt)*] [$($unsafe:tt)?] $name:ident
            [$($arg:ident: $type:ty),* $(,)?] [$($ret:tt)+] [] { $($body:tt)* }
    ) => {
        $($meta)*
        #[doc = ""]
        #[doc = "*`wrap`. Async-signal-safe.*"]
        #[inline]
        #[allow(clippy::too_many_arguments)]
        $($vis)* $($unsafe)? fn $name($($arg: $type),*) -> $($ret)+ {
            $($body)*
        }
    };
    (@wrap $vis:tt $meta:tt $unsafe:tt $name:ident $($rest:tt)*) => {
        compile_error!(concat!(
            "freestand: `wrap ", stringify!($name), "` is not written \
             `wrap name(name: type, …) -> type { body }`"
        ));
    };

    // ---- The twin: the words, the instruction, the result.

    (@twin [part $($words:ident)+] $($rest:tt)*) => {
        $crate::declare_syscall! { @twin_of [pub(super)] [$($words)+] $($rest)* }
    };
    (@twin [$($words:ident)+] $($rest:tt)*) => {
        $crate::declare_syscall! { @twin_of [pub] [$($words)+] $($rest)* }
    };
    (@twin_of $vis:tt [unsafe wrap $name:ident] $($rest:tt)*) => {
        $crate::declare_syscall! {
            @wrap $vis [
                #[doc = concat!("[`", stringify!($name), "`](super::", stringify!($name), ") without hooks. Async-signal-safe.")]
                #[doc = $crate::declare_syscall!(@as_there unsafe)]
            ] [unsafe] $name $($rest)*
        }
    };
    (@twin_of $vis:tt [wrap $name:ident] $($rest:tt)*) => {
        $crate::declare_syscall! {
            @wrap $vis [
                #[doc = concat!("[`", stringify!($name), "`](super::", stringify!($name), ") without hooks. Async-signal-safe.")]
            ] [] $name $($rest)*
        }
    };
    (@twin_of $vis:tt [unsafe $kind:ident $name:ident] [$($left:tt)*] $($rest:tt)*) => {
        $crate::declare_syscall! {
            @TWIN [$($left)*,] words $vis [unsafe] $name $($rest)* [] [] [] []
        }
    };
    (@twin_of $vis:tt [$kind:ident $name:ident] [$($left:tt)*] $($rest:tt)*) => {
        $crate::declare_syscall! {
            @TWIN [$($left)*,] words $vis [] $name $($rest)* [] [] [] []
        }
    };
    // `@visible` has said what is wrong with it.
    (@twin_of $($rest:tt)*) => {};

    // What has become of the others: the function's parameters, statements that add
    // their words, how many those are, and what the kernel fills.
    (
        @TWIN [$arg:ident: out $type:ty, $($left:tt)*] $words:ident $vis:tt $unsafe:tt $name:ident
            $ret:tt $nr:tt $sig:tt [$($pass:tt)*] [$($count:tt)*] []
    ) => {
        $crate::declare_syscall! {
            @TWIN [$($left)*] $words $vis $unsafe $name $ret $nr $sig
                [
                    $($pass)*
                    let mut $arg = core::mem::MaybeUninit::<$type>::uninit();
                    $crate::sys::declare::out(&mut $arg, &mut $words);
                ]
                [$($count)* + 1] [$arg]
        }
    };
    (
        @TWIN [$arg:ident: impl Path, $($left:tt)*] $words:ident $vis:tt $unsafe:tt $name:ident
            $ret:tt $nr:tt [$($sig:tt)*] [$($pass:tt)*] [$($count:tt)*] $out:tt
    ) => {
        $crate::declare_syscall! {
            @TWIN [$($left)*] $words $vis $unsafe $name $ret $nr
                [$($sig)* ($arg: impl $crate::sys::Path)]
                [
                    $($pass)*
                    let mut buffer = $crate::sys::Path::buffer(&$arg);
                    let $arg = $crate::sys::Path::c_str($arg, &mut buffer)?;
                    $crate::sys::Argument::pass($arg, &mut $words);
                ]
                [$($count)* + 1] $out
        }
    };
    (
        @TWIN [$arg:ident: $type:ty = $value:expr, $($left:tt)*] $words:ident $vis:tt $unsafe:tt
            $name:ident $ret:tt $nr:tt $sig:tt [$($pass:tt)*] [$($count:tt)*] $out:tt
    ) => {
        $crate::declare_syscall! {
            @TWIN [$($left)*] $words $vis $unsafe $name $ret $nr $sig
                [$($pass)* <$type as $crate::sys::Argument>::pass($value, &mut $words);]
                [$($count)* + <$type as $crate::sys::Argument>::WORDS] $out
        }
    };
    (
        @TWIN [$arg:ident: $type:ty, $($left:tt)*] $words:ident $vis:tt $unsafe:tt $name:ident
            $ret:tt $nr:tt [$($sig:tt)*] [$($pass:tt)*] [$($count:tt)*] $out:tt
    ) => {
        $crate::declare_syscall! {
            @TWIN [$($left)*] $words $vis $unsafe $name $ret $nr
                [$($sig)* ($arg: $type)]
                [$($pass)* <$type as $crate::sys::Argument>::pass($arg, &mut $words);]
                [$($count)* + <$type as $crate::sys::Argument>::WORDS] $out
        }
    };
    (
        @TWIN [$(,)?] $words:ident [$($vis:tt)*] [$($unsafe:tt)?] $name:ident [$($ret:tt)+] $nr:tt
            [$(($arg:ident: $type:ty))*] [$($pass:tt)*] [$($count:tt)*] [$($out:ident)?]
    ) => {
        #[doc = concat!("[`", stringify!($name), "`](super::", stringify!($name), ") without hooks. Async-signal-safe.")]
        $(#[doc = $crate::declare_syscall!(@as_there $unsafe)])?
        #[inline(always)]
        #[allow(clippy::too_many_arguments)]
        $($vis)* $($unsafe)? fn $name($($arg: $type),*) -> $($ret)+ {
            const WORDS: usize = 0 $($count)*;
            const _: () = assert!(
                WORDS <= 6,
                concat!(
                    "freestand: `", stringify!($name), "` is declared with more than the six \
                     words that a system call takes"
                )
            );
            #[allow(unused_mut)]
            let mut $words = $crate::sys::declare::Words::new();
            $($pass)*
            // SAFETY: an unsafe function's caller answers for the call. A safe one
            // reads and writes only what its arguments lend it, and changes nothing
            // that Rust relies on: that is what declaring it without `unsafe` claims.
            let result = unsafe {
                $words.call::<WORDS>($crate::declare_syscall!(@number $name $nr))
            };
            $crate::declare_syscall!(@decode result [$($ret)+] $($out)?)
        }
    };
    // `@FUNCTION` has said what is wrong with it, unless it fills two things.
    (
        @TWIN [$arg:ident: out $type:ty, $($left:tt)*] $words:ident $vis:tt $unsafe:tt $name:ident
            $ret:tt $nr:tt $sig:tt $pass:tt $count:tt [$out:ident]
    ) => {
        compile_error!(concat!(
            "freestand: `", stringify!($name), "` fills both `", stringify!($out), "` and `",
            stringify!($arg), "`: only one parameter can be `out`"
        ));
    };
    (@TWIN $($rest:tt)*) => {};

    (@as_there unsafe) => {
        "\n# Safety\n\nAs there."
    };

    (@number $name:ident []) => {
        $crate::arch::widest::$name
    };
    (@number $name:ident [$nr:path]) => {
        $nr
    };

    // A call that does not return has: a tracer may do that. Nothing may go on here.
    (@decode $result:ident [!]) => {{
        let _ = $result;
        $crate::arch::trap()
    }};
    (@decode $result:ident [$($ret:tt)+]) => {
        <$($ret)+ as $crate::sys::declare::Outcome>::decode($result)
    };
    (@decode $result:ident [$($ret:tt)+] $out:ident) => {
        // SAFETY: its address is among the call's words.
        unsafe { $crate::sys::declare::filled($result, $out) }
    };

    // ---- The row.

    (@row [part $($words:ident)+] $($rest:tt)*) => {
        $crate::declare_syscall!(@row_of false [$($words)+] $($rest)*)
    };
    (@row [$($words:ident)+] $($rest:tt)*) => {
        $crate::declare_syscall!(@row_of true [$($words)+] $($rest)*)
    };
    (
        @row_of $public:ident [$(unsafe)? wrap $name:ident]
            [$($arg:ident: $type:ty),* $(,)?] [$($ret:tt)+] []
    ) => {
        $crate::sys::Call {
            name: stringify!($name),
            kind: $crate::sys::Kind::Wrap,
            number: None,
            is_public: $public,
            parameters: &[$(
                $crate::sys::Parameter {
                    name: stringify!($arg),
                    of: stringify!($type),
                    words: 0,
                    shown: $crate::sys::Shown::Nothing,
                }
            ),*],
            result: $crate::declare_syscall!(@text $($ret)+),
            shown: $crate::sys::Shown::Nothing,
        }
    };
    (@row_of $public:ident [unsafe $kind:ident $name:ident] [$($left:tt)*] $($rest:tt)*) => {
        $crate::declare_syscall!(@ROW [$($left)*,] $public $kind $name $($rest)* [] [])
    };
    (@row_of $public:ident [$kind:ident $name:ident] [$($left:tt)*] $($rest:tt)*) => {
        $crate::declare_syscall!(@ROW [$($left)*,] $public $kind $name $($rest)* [] [])
    };
    (
        @ROW [$arg:ident: out $type:ty, $($left:tt)*] $public:ident $kind:ident $name:ident
            $ret:tt $nr:tt [$($parameters:tt)*] []
    ) => {
        $crate::declare_syscall!(
            @ROW [$($left)*] $public $kind $name $ret $nr
                [
                    $($parameters)*
                    {
                        $arg, concat!("out ", stringify!($type)), 1,
                        $crate::sys::Shown::Written { size: size_of::<$type>() }
                    }
                ] [$arg]
        )
    };
    (
        @ROW [$arg:ident: impl Path, $($left:tt)*] $public:ident $kind:ident $name:ident
            $ret:tt $nr:tt [$($parameters:tt)*] $out:tt
    ) => {
        $crate::declare_syscall!(
            @ROW [$($left)*] $public $kind $name $ret $nr
                [$($parameters)* { $arg, "impl Path", 1, $crate::sys::Shown::Path }] $out
        )
    };
    (
        @ROW [$arg:ident: $type:ty = $value:expr, $($left:tt)*] $public:ident $kind:ident
            $name:ident $ret:tt $nr:tt $parameters:tt $out:tt
    ) => {
        $crate::declare_syscall!(
            @ROW [$arg: $type, $($left)*] $public $kind $name $ret $nr $parameters $out
        )
    };
    (
        @ROW [$arg:ident: $type:ty, $($left:tt)*] $public:ident $kind:ident $name:ident
            $ret:tt $nr:tt [$($parameters:tt)*] $out:tt
    ) => {
        $crate::declare_syscall!(
            @ROW [$($left)*] $public $kind $name $ret $nr
                [
                    $($parameters)*
                    {
                        $arg, stringify!($type),
                        <$type as $crate::sys::Argument>::WORDS,
                        <$type as $crate::sys::Argument>::SHOWN
                    }
                ] $out
        )
    };
    (
        @ROW [$(,)?] $public:ident $kind:ident $name:ident [$($ret:tt)+] $nr:tt
            [$({ $arg:ident, $of:expr, $words:expr, $shown:expr })*] [$($out:ident)?]
    ) => {
        $crate::sys::Call {
            name: stringify!($name),
            kind: $crate::declare_syscall!(@kind $kind),
            number: Some($crate::declare_syscall!(@number $name $nr)),
            is_public: $public,
            parameters: &[$(
                $crate::sys::Parameter {
                    name: stringify!($arg),
                    of: $of,
                    words: $words,
                    shown: $shown,
                }
            ),*],
            result: $crate::declare_syscall!(@text $($ret)+),
            shown: $crate::declare_syscall!(@shown [$($ret)+] $($out)?),
        }
    };

    (@text $ret:tt) => { stringify!($ret) };
    (@text $ret:tt <$of:ty>) => { concat!(stringify!($ret), "<", stringify!($of), ">") };

    (@kind sys) => { $crate::sys::Kind::Sys };
    (@kind sysblk) => { $crate::sys::Kind::SysBlk };
    (@kind sysnb) => { $crate::sys::Kind::SysNb };

    (@shown [!]) => { $crate::sys::Shown::Nothing };
    // What is filled is shown as a parameter.
    (@shown [$($ret:tt)+] $out:ident) => { $crate::sys::Shown::Nothing };
    (@shown [$($ret:tt)+]) => { <$($ret)+ as $crate::sys::declare::Outcome>::SHOWN };
}

/// Makes any system call: `syscall!(nr::NAME, arguments…)`, with up to six words of
/// arguments, each an [`Argument`](crate::sys::Argument): a number, a pointer, a
/// reference, a slice (two words). The result is whatever the place wants that it is
/// used in: a `Result` if the call can fail, the bare value if not.
///
/// It is unsafe, and it tells no hooks.
///
/// ```ignore
/// use freestand::sys::{Result, nr, syscall};
///
/// // SAFETY: mlockall changes nothing that the program sees.
/// let locked: Result<()> = unsafe { syscall!(nr::mlockall, 1_u32) };
/// ```
///
/// # Panics
///
/// If the arguments are more than six words.
#[macro_export]
macro_rules! syscall {
    ($nr:expr $(, $arg:expr)* $(,)?) => {{
        #[allow(unused_mut)]
        let mut words = $crate::sys::declare::Words::new();
        $($crate::sys::Argument::pass($arg, &mut words);)*
        $crate::sys::declare::Outcome::decode(words.call::<6>($nr))
    }};
}
