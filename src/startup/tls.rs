//! Thread-local storage: a copy for each thread of the variables that are `__thread` in C,
//! `thread_local` in C++ or `#[thread_local]` in Rust.
//!
//! Code finds its thread's copy by a register, the *thread pointer* ([`arch`] says which).
//! The linker has decided how far from there each variable is, by one of two layouts (Ulrich
//! Drepper, "ELF Handling For Thread-Local Storage", 3 and 4):
//!
//! ```text
//!  variant II: x86_64, i386             variant I: aarch64, riscv64
//!
//!  ┌──────────────┐ high addresses      ┌──────────────┐ high addresses
//!  │ canary       │                     │ zeros        │ .tbss
//!  │ …            │                     │ initial      │
//!  │ own address  │                     │ values       │ .tdata
//!  ├──────────────┤◄─ thread pointer    ├──────────────┤ a multiple of the alignment
//!  │ padding      │                     │ padding      │
//!  │ zeros        │ .tbss               │ 2 words      │ aarch64 only
//!  │ initial      │                     ├──────────────┤◄─ thread pointer
//!  │ values       │ .tdata
//!  └──────────────┘ a multiple of the alignment
//! ```
//!
//! The initial values and how many zeros follow them are the program's *image* of
//! thread-local storage; link.ld puts it at a multiple of its alignment, so the copies are
//! at one too. The initial thread's block is a part of `.bss`: the linker knows its size,
//! so there is nothing to allocate and nothing that could fail for want of memory.
//!
//! A program has all this if it names it: by `entry!(main, tls)`, or by a function that
//! needs it (`__tls_get_addr`, the canary on x86). Otherwise a thread-local variable does
//! not link, with a message from link.ld: no reference leads from such a variable to here
//! that the linker could follow.

use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::{ptr, slice};

use super::fail;
use crate::arch::{self, TLS_ABOVE, TLS_DTV_OFFSET, TLS_HEAD};

unsafe extern "C" {
    // The image: initial values from `begin` to `zeros`, then as many zeros as there are
    // bytes up to `end`. `align` is as far behind `begin` as its alignment is large.
    static freestand_tls_begin: u8;
    static freestand_tls_zeros: u8;
    static freestand_tls_end: u8;
    static freestand_tls_align: u8;
}

/// The beginning of the initial thread's block. The room for the variables, which the
/// linker knows and rustc does not, link.ld leaves behind it, and ends it by a byte.
#[repr(C, align(16))]
struct Block(UnsafeCell<[u8; TLS_HEAD + 16]>);

// SAFETY: `set_up` writes to it, once, before there is a second thread.
unsafe impl Sync for Block {}

#[unsafe(link_section = ".bss.freestand_tls_block")]
static BLOCK: Block = Block(UnsafeCell::new([0; TLS_HEAD + 16]));

core::arch::global_asm!(
    ".pushsection .bss.freestand_tls_block_end, \"aw\", %nobits",
    ".hidden freestand_tls_block_end",
    ".globl freestand_tls_block_end",
    "freestand_tls_block_end: .zero 1",
    ".popsection",
);

/// What a block consists of, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// Where the variables are.
    variables: usize,
    /// Where the thread pointer points.
    pointer: usize,
    /// How many bytes it has.
    size: usize,
}

impl Layout {
    /// The layout of a block for an image of `size` bytes whose alignment, and the
    /// block's, is `align`.
    const fn new(above: bool, head: usize, size: usize, align: usize) -> Layout {
        if above {
            let variables = head.next_multiple_of(align);
            Layout {
                variables,
                pointer: 0,
                size: variables + size,
            }
        } else {
            let pointer = size.next_multiple_of(align);
            Layout {
                variables: 0,
                pointer,
                size: pointer + head,
            }
        }
    }
}

/// The program's image of thread-local storage.
#[derive(Clone, Copy, Debug)]
struct Image {
    /// The initial values.
    values: &'static [u8],
    /// How many bytes the variables have, zeros included.
    size: usize,
    align: usize,
}

impl Image {
    /// What the linker says of it.
    fn get() -> Image {
        let begin = &raw const freestand_tls_begin;
        let until = |end: *const u8| end.addr() - begin.addr();
        Image {
            // SAFETY: the linker laid the values there, and nobody writes to them.
            values: unsafe { slice::from_raw_parts(begin, until(&raw const freestand_tls_zeros)) },
            size: until(&raw const freestand_tls_end),
            align: until(&raw const freestand_tls_align),
        }
    }

    fn layout(self) -> Layout {
        // What is at the thread pointer is words.
        let align = self.align.max(align_of::<*mut u8>());
        Layout::new(TLS_ABOVE, TLS_HEAD, self.size, align)
    }

    /// Makes a block, at `block`, and returns the thread pointer for it.
    ///
    /// # Safety
    ///
    /// There must be room for it, of zeros, at a multiple of the alignment.
    unsafe fn copy_to(self, block: *mut u8) -> *mut u8 {
        let layout = self.layout();
        // SAFETY: the layout lies in the block.
        unsafe {
            let pointer = block.add(layout.pointer);
            if !TLS_ABOVE {
                pointer.cast::<*mut u8>().write(pointer);
            }
            let variables = block.add(layout.variables);
            ptr::copy_nonoverlapping(self.values.as_ptr(), variables, self.values.len());
            pointer
        }
    }
}

arch::start_piece!("50.tls", "freestand_tls", calls set_up);

/// Makes the initial thread's block.
unsafe extern "C" fn set_up(
    _argc: usize,
    _argv: *const *const c_char,
    _envp: *const *const c_char,
) {
    arch::require!("freestand_tls_block_end");
    // SAFETY: link.ld leaves room for a block where this piece is linked. Nothing has used
    // the thread pointer yet.
    let result = unsafe {
        let pointer = Image::get().copy_to(BLOCK.0.get().cast());
        arch::set_thread_pointer(pointer)
    };
    if !result.is_null() {
        fail!("cannot set the thread pointer, for thread-local storage")
    }
}

/// Which thread-local variable: of which object (there is only the program), and how far
/// from the beginning of its block. The linker fills it in.
#[repr(C)]
struct Index {
    object: usize,
    offset: usize,
}

/// The address of a thread-local variable, for code that was compiled to be part of a
/// shared library. Mostly the linker rewrites such code to do without.
unsafe extern "C" fn tls_get_addr(index: *const Index) -> *mut u8 {
    arch::require!("freestand_tls");
    let layout = Image::get().layout();
    // SAFETY: the linker made the index. From the thread pointer on, or before it, is the
    // thread's block.
    unsafe {
        let offset = (*index).offset.wrapping_add(TLS_DTV_OFFSET);
        arch::thread_pointer()
            .sub(layout.pointer)
            .add(layout.variables)
            .add(offset)
    }
}

core::arch::global_asm!(
    ".pushsection .text.__tls_get_addr, \"ax\", %progbits",
    ".globl __tls_get_addr",
    // Hidden: in a program that has a C library, its own libraries keep the C library's.
    ".hidden __tls_get_addr",
    arch::tls_get_addr!(),
    ".popsection",
    function = sym tls_get_addr,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variant_ii_has_the_variables_right_below_the_pointer() {
        let layout = |size, align| Layout::new(false, 64, size, align);
        let expected = |pointer| Layout {
            variables: 0,
            pointer,
            size: pointer + 64,
        };
        assert_eq!(layout(0, 8), expected(0));
        assert_eq!(layout(1, 8), expected(8));
        assert_eq!(layout(24, 16), expected(32));
        assert_eq!(layout(5000, 4096), expected(8192));
    }

    #[test]
    fn variant_i_has_them_above_what_is_the_abis() {
        let layout = |head, size, align| Layout::new(true, head, size, align);
        let expected = |variables, size| Layout {
            variables,
            pointer: 0,
            size,
        };
        assert_eq!(layout(16, 0, 8), expected(16, 16));
        assert_eq!(layout(16, 20, 8), expected(16, 36));
        assert_eq!(layout(16, 20, 256), expected(256, 276));
        assert_eq!(layout(0, 20, 256), expected(0, 20));
    }
}
