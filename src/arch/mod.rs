//! What differs between the processors: one file each, all with the same
//! surface.
//!
//! | item | what it is |
//! |---|---|
//! | `NAME` | the architecture's name, as in `start/<name>.S` |
//! | `syscall!` | the system call instruction, with its arguments in its registers: `syscall0` to `syscall6` are made of it |
//! | `needs_fast_calls` | has calls made in the fastest way, where there are several |
//! | `trap` | an instruction that stops the process |
//! | `NR_MMAP`, `MMAP_UNIT` | mmap or mmap2, and what its offset counts |
//! | `NR_LSEEK`, `LSEEK_IN_HALVES` | lseek or _llseek, and whether it takes the offset as two words and puts the position into memory |
//! | `F_GETLK`, `F_SETLK`, `F_SETLKW` | fcntl's commands for locks whose offsets have 64 bits |
//! | `KernelStat`, `KernelStatfs`, `STATFS_TAKES_SIZE` | what stat and statfs fill, and whether the latter wants its size |
//! | `rt_sigreturn!` | the instructions that a signal handler returns to |
//! | `Restorer`, `RESTORER`, `SA_RESTORER` | how an action says so: its field's type and value, and the flag |
//! | `KernelUContext`, `ucontext` | what a handler has interrupted, and where in it is what |
//! | `CLONE_TLS_IS_FOURTH` | in which order clone takes its last two words |
//! | `clone_to`, `clone3_to` | clone and clone3 whose child calls a function |
//! | `switch`, `prepare`, `Switched` | goes to another stack, has a new one gone to, and what waits there |
//! | `NR_ARCH_PRCTL` | arch_prctl, if there is one |
//! | `vdso` | the vDSO's version, and the names of its functions |
//! | `nr`, `widest` | the numbers of the kernel's system calls |
//! | `frame_pointer`, `FRAME_RECORD` | the frame pointer, and where from there a frame's record is |
//! | `exit` | jumps to `start_exit` in `start/<name>.S` |
//! | `R_RELATIVE`, `ADDEND_IN_PLACE` | how a static-PIE program is relocated |
//! | `TLS_ABOVE`, `TLS_HEAD`, `TLS_DTV_OFFSET` | where thread-local storage is, seen from the thread pointer |
//! | `set_thread_pointer`, `thread_pointer` | that pointer |
//! | `pin!` | finds what the scheduler knows of a thread, and keeps it on what it does |
//! | `SYSCALL` | the bytes of the system call instruction |
//! | `ThreadArea` | the thread pointer, as clone takes it |
//! | `unmap_and_exit` | ends a thread without its stack |
//! | `__thread_local_address!` | declares a thread-local variable, and finds it |
//! | `tls_get_addr!`, `store_canary!` | what compilers call for a thread-local variable, and where they look for the canary |
//! | `mem` | the instructions of memmove, memset, memcmp, strlen and memchr, in `<name>/mem.rs` |
//! | `store_argv!`, `keeping_arguments!`, `call!`, `call_with_table!`, `call_handler!` | the instructions of pieces |
//!
//! # Pieces
//!
//! Start-up and exit are straight-line code that link.ld lays out:
//!
//! ```text
//! .start.entry     _start: parse, align
//! .start.before.*      pieces:  00 relocate      startup/relocate.rs
//!                               10 secure        startup/secure.rs
//!                               15 sysinfo       i386.rs
//!                               20 argv          startup/stack.rs
//!                               50 tls           startup/tls.rs
//!                               60 canary        startup/canary.rs
//!                               90 constructors  startup/constructors.rs
//! .start.main      call main
//! .start.after.*       pieces:  05 thread_local  thread/local.rs
//!                               10 handlers      process/exit.rs
//!                               20 destructors   startup/constructors.rs
//!                               80 stderr        io/stdio.rs
//!                               90 stdout        io/stdio.rs
//! .start.exit      exit_group
//! ```
//!
//! A piece is a section of a few instructions that falls into the next. Nothing
//! calls it, so the linker drops it (`--gc-sections`) unless some code that is
//! kept refers to it, and that is what `require!` is: a relocation that
//! relocates nothing. `env::args` requires the piece that keeps `argv`, standard
//! output the piece that flushes it; a program that names neither has neither,
//! and runs not one instruction more. Where no code refers to what needs a piece, the
//! program says so (`entry!(main, tls)`) or the linker is told (static-PIE: `build.rs`),
//! and link.ld refuses a program for which nobody did.

#[path = "nr.rs"]
mod common_nr;

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod imp;
#[cfg(target_arch = "x86")]
#[path = "i386.rs"]
mod imp;
#[cfg(target_arch = "riscv64")]
#[path = "riscv64.rs"]
mod imp;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod imp;

#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "riscv64"
)))]
compile_error!("freestand runs on x86_64, i386, aarch64 and riscv64: pass one of their targets");

pub(crate) use imp::*;
pub use imp::{
    FRAME_RECORD, NAME, Switched, exit, frame_pointer, nr, prepare, switch, trap, widest,
};

use core::ffi::c_void;

/// The contents of one register on its way into or out of the kernel.
///
/// A pointer, not an integer: an address that the kernel is to write through
/// keeps its provenance, so the compiler knows that the memory behind it may
/// change. Numbers travel as pointers that point nowhere.
pub type Register = *mut ();

/// What a child of [`clone_to`] and [`clone3_to`] calls.
pub(crate) type Entry = extern "C" fn(*mut c_void) -> !;

/// The `syscallN` with these arguments.
macro_rules! functions {
    ($($name:ident($($arg:ident),*);)*) => {$(
        /// Makes the system call `nr` and returns what the kernel left in the
        /// result register, undecoded.
        ///
        /// # Safety
        ///
        /// What the call does to memory, descriptors and the process must be
        /// something that this program may do at this point.
        #[inline(always)]
        #[allow(clippy::too_many_arguments)]
        pub unsafe fn $name(nr: usize $(, $arg: Register)*) -> Register {
            let result: Register;
            // SAFETY: the architecture's `syscall!` declares the registers that
            // the kernel reads and changes, memory counts as changed, and the
            // rest is the caller's promise.
            unsafe { syscall!(nr => result $(, $arg)*) };
            result
        }
    )*};
}

functions! {
    syscall0();
    syscall1(a);
    syscall2(a, b);
    syscall3(a, b, c);
    syscall4(a, b, c, d);
    syscall5(a, b, c, d, e);
    syscall6(a, b, c, d, e, f);
}

core::arch::global_asm!(
    ".pushsection .text.rt_sigreturn, \"ax\", %progbits",
    ".balign 4",
    // Nobody calls it, but a debugger takes the instruction before for the call: it must
    // be no other function's.
    "nop",
    // The name by which gdb knows it is the C library's.
    ".globl __restore_rt",
    ".hidden __restore_rt",
    ".type __restore_rt, %function",
    "__restore_rt:",
    rt_sigreturn!(),
    ".size __restore_rt, . - __restore_rt",
    ".popsection",
    nr = const nr::rt_sigreturn,
);

unsafe extern "C" {
    /// Returns from a signal handler to what it interrupted: rt_sigreturn(2). It is what
    /// handlers return to ([`rt_sigaction`](crate::sys::rt_sigaction) sees to that), and
    /// programs do not call it.
    ///
    /// The kernel finds what was interrupted by the stack pointer, which must be as the
    /// handler's return leaves it: a function of ordinary instructions, or one that is
    /// called, would have moved it.
    ///
    /// # Safety
    ///
    /// The stack pointer must be as a handler's return leaves it.
    #[link_name = "__restore_rt"]
    pub fn rt_sigreturn() -> !;
}

/// Declares the piece `$label`: the instructions `$code`, in a section whose name
/// begins with `$section`, among which `$order` orders it.
macro_rules! piece {
    ($section:literal, $order:literal, $label:literal, $code:expr, $($name:ident = $symbol:path),*) => {
        core::arch::global_asm!(
            concat!(".pushsection ", $section, $order, ", \"ax\", %progbits"),
            concat!(".globl ", $label),
            concat!(".hidden ", $label),
            concat!($label, ":"),
            $code,
            ".popsection",
            $($name = sym $symbol),*
        );
    };
}

/// Declares the piece `$label` that runs before `main`. One of
///
/// - `stores argv in STATIC`, an `AtomicPtr`
/// - `calls FUNCTION`, an `extern "C" fn(argc, argv, envp)`, as `main` is called
/// - `calls FUNCTION, with STATIC`, an `extern "C" fn(*const T)`, by the static's address
/// - `calls FUNCTION, then CODE`: instructions that find its result where a caller does
macro_rules! start_piece {
    ($order:literal, $label:literal, stores argv in $argv:path) => {
        $crate::arch::piece!(
            ".start.before.",
            $order,
            $label,
            $crate::arch::store_argv!(),
            argv = $argv
        );
    };
    ($order:literal, $label:literal, calls $function:path) => {
        $crate::arch::start_piece!($order, $label, calls $function, then "");
    };
    ($order:literal, $label:literal, calls $function:path, with $table:path) => {
        $crate::arch::piece!(
            ".start.before.",
            $order,
            $label,
            $crate::arch::keeping_arguments!($crate::arch::call_with_table!()),
            function = $function,
            table = $table
        );
    };
    ($order:literal, $label:literal, calls $function:path, then $code:expr) => {
        $crate::arch::piece!(
            ".start.before.",
            $order,
            $label,
            $crate::arch::keeping_arguments!(concat!($crate::arch::call!(), "\n", $code)),
            function = $function
        );
    };
}

/// Declares the piece `$label` that calls `$handler` at exit: an
/// `extern "C" fn(u8) -> u8` that takes the exit status and returns the one to go
/// on with.
macro_rules! exit_piece {
    ($order:literal, $label:literal, $handler:path) => {
        $crate::arch::piece!(
            ".start.after.",
            $order,
            $label,
            $crate::arch::call_handler!(),
            handler = $handler
        );
    };
}

/// Makes the code that executes this refer to the piece named `$piece`, so that
/// the linker keeps the piece in every program that keeps this code.
///
/// It assembles to a relocation of the kind that changes nothing
/// (`R_*_NONE`), and to no instruction.
macro_rules! require {
    ($piece:literal) => {
        // SAFETY: a directive, not an instruction: nothing is executed.
        unsafe {
            core::arch::asm!(
                concat!(".reloc ., BFD_RELOC_NONE, ", $piece),
                options(nomem, nostack, preserves_flags)
            )
        }
    };
}
pub(crate) use {exit_piece, piece, require, start_piece};
