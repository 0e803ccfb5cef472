//! From `_start`'s hand-over to the program's `main`, and back to exit.
//!
//! `start/<arch>.S` calls the C function `main(argc, argv, envp)`, which
//! [`entry!`](crate::entry) defines: it calls the program's Rust `main` and turns
//! what that returns into an exit status.
//!
//! # What a correct start-up does
//!
//! The list of what a `_start` written in an afternoon forgets, where each is built here,
//! and where it is tested (of `tests/tests/start`, the tests named by the row). What only
//! some programs need is a piece ([`arch`]) that only they have.
//!
//! | row | | where | tests |
//! |--:|---|---|---|
//! | 1 | `_start` is assembly: a function's prologue would run on a stack that is not aligned | `start/*.S` | row 4 |
//! | 2 | the frame pointer is 0, on riscv64 whatever the kernel left there | `start/*.S` | `row_02` with registers full of junk: what riscv64's kernel leaves was read (arch/riscv/kernel/process.c), not run |
//! | 3 | unwinders and debuggers stop here | `start/*.S`, `.cfi_undefined` | `backtrace`: gdb's `bt` |
//! | 4 | the stack is aligned, whoever loaded the program | `start/*.S` | `row_04` |
//! | 5 | riscv64: `gp` points where the linker counts from | `start/riscv64.S`, `link.ld` | `row_05` |
//! | 6 | argc is a word, and may be 0 | `start/*.S`, [`Args`] | `row_06` |
//! | 7 | no register but the stack pointer means anything | `start/*.S` | `row_07` |
//! | 8 | an exit_group that returns traps | `start/*.S` | `row_08` |
//! | 9 | the stack is not executable | `start/*.S`, the note | `files`: `every_program_keeps_the_rules` |
//! | 10 | static-PIE relocates itself, and protects what it relocated | `relocate.rs` | `row_10`; `relocation` reads its machine code; `linking`, what is refused |
//! | 11 | thread-local storage, both variants, any alignment up to a page | `tls.rs` | `row_11` |
//! | 12 | the canary is random, one byte of it 0 | `canary.rs` | `row_12` |
//! | 13 | constructors, destructors, exit handlers | `constructors.rs`, [`process::at_exit`](crate::process::at_exit) | `row_13` |
//! | 14 | secure execution: no closed standard descriptor, no variable believed | `secure.rs` | `row_14` |
//! | 15 | the page size is AT_PAGESZ's; no cpuid at start | [`Auxv`] | `row_15` |
//! | 16 | a system call's clobbers | `arch/*.rs` | by reading: qemu-user keeps the vector registers, and no processor with SVE or RVV was at hand |
//! | 17 | i386: six arguments, in any build | `arch/i386.rs` | `row_17` |
//! | 18 | i386: calls by AT_SYSINFO | `arch/i386.rs` | `row_18`, by an x86_64 machine's kernel |
//! | 19 | 64-bit offsets and times as pairs | [`sys`](crate::sys) | `calls` |
//! | 20 | signal handlers return | `arch/*.rs`, `rt_sigreturn!` | `calls`: `calls_signal` |
//! | 21 | the vDSO is found when it is first wanted | [`vdso`] | `time`, and a fuzzer |
//! | 22 | nothing in the file that does not run | `link.ld`, `build.rs` | `files` |

mod auxv;
mod canary;
mod constructors;
mod relocate;
mod secure;
pub(crate) mod stack;
pub(crate) mod tls;
pub mod vdso;

use core::ffi::c_char;
use core::fmt::Debug;

pub use auxv::{Aux, Auxv};
pub use stack::{Args, InitialStack, Vars};

use crate::{arch, eprintln};

/// Ends the process with status 127 and the message `$what`: what a program was linked to
/// need before `main` is not to be had.
macro_rules! fail {
    ($what:literal) => {{
        let message = concat!("freestand: ", $what, "\n");
        let _ = $crate::sys::write($crate::sys::STDERR, message.as_bytes());
        $crate::sys::exit_group(127)
    }};
}
use fail;

/// An exit status: 0 for success, 1 to 255 for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// Status 0.
    pub const SUCCESS: ExitCode = ExitCode(0);
    /// Status 1.
    pub const FAILURE: ExitCode = ExitCode(1);

    /// The status.
    #[inline]
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl From<u8> for ExitCode {
    #[inline]
    fn from(code: u8) -> ExitCode {
        ExitCode(code)
    }
}

/// What `main` may return.
#[diagnostic::on_unimplemented(
    message = "`main` cannot return `{Self}`",
    label = "this is no exit status",
    note = "a freestand `main` returns `()`, `i32`, `ExitCode`, or a `Result` of one of these \
            whose error is `Debug`"
)]
pub trait Termination {
    /// The exit status that it stands for; an error is reported on standard error.
    fn report(self) -> ExitCode;
}

impl Termination for () {
    #[inline(always)]
    fn report(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

/// The low 8 bits, as exit(3) takes them.
impl Termination for i32 {
    #[inline(always)]
    fn report(self) -> ExitCode {
        ExitCode(self as u8)
    }
}

impl Termination for ExitCode {
    #[inline(always)]
    fn report(self) -> ExitCode {
        self
    }
}

/// An error prints as `Error: …`, by `Debug`, and is status 1.
impl<T: Termination, E: Debug> Termination for Result<T, E> {
    #[inline]
    fn report(self) -> ExitCode {
        match self {
            Ok(value) => value.report(),
            Err(error) => {
                eprintln!("Error: {error:?}");
                ExitCode::FAILURE
            }
        }
    }
}

/// The signatures that a `main` may have. `Signature` tells the two apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the signature of a freestand `main`",
    label = "this cannot be the program's `main`",
    note = "write `fn main()` or `fn main(args: freestand::env::Args)`, returning `()`, `i32`, \
            `ExitCode`, or a `Result` of one of these whose error is `Debug`"
)]
pub trait Main<Signature> {
    /// What it returns. That this is a [`Termination`] is asked for apart, so that
    /// a wrong one is told from a wrong signature.
    type Output;

    /// Calls it.
    fn run(self, args: Args) -> Self::Output;
}

impl<F: FnOnce() -> T, T> Main<fn() -> T> for F {
    type Output = T;

    #[inline(always)]
    fn run(self, _: Args) -> T {
        self()
    }
}

impl<F: FnOnce(Args) -> T, T> Main<fn(Args) -> T> for F {
    type Output = T;

    #[inline(always)]
    fn run(self, args: Args) -> T {
        self(args)
    }
}

/// Has thread-local storage set up before `main`.
#[doc(hidden)]
#[inline(always)]
pub fn need_tls() {
    arch::require!("freestand_tls");
}

/// Has constructors called before `main`, and destructors at exit.
#[doc(hidden)]
#[inline(always)]
pub fn need_constructors() {
    arch::require!("freestand_constructors");
}

/// What [`entry!`](crate::entry) calls.
///
/// # Safety
///
/// `argv` must be the initial stack's, as `_start` passes it.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn run<Signature, M>(main: M, argv: *const *const c_char) -> u8
where
    M: Main<Signature>,
    M::Output: Termination,
{
    // SAFETY: passed on to the caller.
    let stack = unsafe { InitialStack::from_argv(argv) };
    main.run(stack.args()).report().code()
}

/// Declares that `$main` is the program's `main`, and makes the program freestand's:
/// with its panic handler (feature `panic-handler`) and its heap as the global
/// allocator (feature `global-heap`). Both features are on unless turned off.
///
/// It may be `fn()` or `fn(Args)`, and return `()`, `i32`,
/// [`ExitCode`](crate::process::ExitCode), or a `Result` of one of these whose
/// error is `Debug`; anything else does not compile.
///
/// ```ignore
/// freestand::entry!(main);
///
/// fn main(args: Args) -> Result<(), Errno> {
///     Ok(())
/// }
/// ```
///
/// After `main` may come what objects in another language need that nothing in them tells
/// the linker: `tls` for thread-local variables, `constructors` for functions to be called
/// before `main` and at exit. `entry!(main, tls, constructors)` has both. A program that
/// lacks what it needs does not link.
#[macro_export]
macro_rules! entry {
    ($main:path $(, $need:ident)* $(,)?) => {
        $crate::__panic_handler!();
        $crate::__global_heap!();

        const _: () = {
            /// C's `main`, which `_start` calls. Of what it returns, only 8 bits
            /// count.
            #[unsafe(export_name = "main")]
            unsafe extern "C" fn c_main(
                _argc: isize,
                argv: *const *const ::core::ffi::c_char,
                _envp: *const *const ::core::ffi::c_char,
            ) -> u8 {
                $($crate::__need!($need);)*
                // SAFETY: _start passes the initial stack's argv.
                unsafe { $crate::startup::run($main, argv) }
            }
        };
    };
}

/// What a program may need besides, by the name that [`entry!`](crate::entry) has for it.
#[doc(hidden)]
#[macro_export]
macro_rules! __need {
    (tls) => {
        $crate::startup::need_tls()
    };
    (constructors) => {
        $crate::startup::need_constructors()
    };
    ($other:ident) => {
        ::core::compile_error!(::core::concat!(
            "a program has no use for `",
            ::core::stringify!($other),
            "`: after `main`, entry! takes `tls` and `constructors`"
        ))
    };
}

/// The panic handler: the program's own and not the library's, so that the library
/// fits into programs that have another, such as std's.
#[cfg(feature = "panic-handler")]
#[doc(hidden)]
#[macro_export]
macro_rules! __panic_handler {
    () => {
        #[cfg(not(test))]
        #[panic_handler]
        fn __panic(info: &::core::panic::PanicInfo<'_>) -> ! {
            $crate::process::report_panic(info)
        }
    };
}

/// No panic handler: the program brings its own.
#[cfg(not(feature = "panic-handler"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __panic_handler {
    () => {};
}

/// The heap as the global allocator.
#[cfg(feature = "global-heap")]
#[doc(hidden)]
#[macro_export]
macro_rules! __global_heap {
    () => {
        #[cfg(not(test))]
        #[global_allocator]
        static __HEAP: $crate::heap::Heap = $crate::heap::Heap::new();
    };
}

/// No global allocator: the program brings its own, or allocates nothing.
#[cfg(not(feature = "global-heap"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __global_heap {
    () => {};
}

// What link.ld defines: a test is linked without it, and uses none of this.
#[cfg(test)]
core::arch::global_asm!(
    ".pushsection .bss",
    "freestand_rel_begin:",
    "freestand_rel_end:",
    "freestand_relr_begin:",
    "freestand_relr_end:",
    "freestand_relro_begin:",
    "freestand_relro_end:",
    "freestand_tls_begin:",
    "freestand_tls_zeros:",
    "freestand_tls_end:",
    "freestand_tls_align:",
    "freestand_preinit_array:",
    "freestand_preinit_array_end:",
    "freestand_init_array:",
    "freestand_init_array_end:",
    "freestand_fini_array:",
    "freestand_fini_array_end:",
    ".zero 8",
    ".popsection",
    ".globl freestand_rel_begin",
    ".globl freestand_rel_end",
    ".globl freestand_relr_begin",
    ".globl freestand_relr_end",
    ".globl freestand_relro_begin",
    ".globl freestand_relro_end",
    ".globl freestand_tls_begin",
    ".globl freestand_tls_zeros",
    ".globl freestand_tls_end",
    ".globl freestand_tls_align",
    ".globl freestand_preinit_array",
    ".globl freestand_preinit_array_end",
    ".globl freestand_init_array",
    ".globl freestand_init_array_end",
    ".globl freestand_fini_array",
    ".globl freestand_fini_array_end",
);
