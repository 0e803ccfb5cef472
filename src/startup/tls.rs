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
//!  │ control      │ thread::control     │ zeros        │ .tbss
//!  │ block        │                     │ initial      │
//!  ├──────────────┤                     │ values       │ .tdata
//!  │ canary       │                     ├──────────────┤ a multiple of the alignment
//!  │ …            │                     │ padding      │
//!  │ own address  │                     │ 2 words      │ aarch64 only
//!  ├──────────────┤◄─ thread pointer    ├──────────────┤◄─ thread pointer
//!  │ zeros        │ .tbss               │ control      │ thread::control
//!  │ initial      │                     │ block        │
//!  │ values       │ .tdata              └──────────────┘
//!  └──────────────┘ a multiple of the alignment
//! ```
//!
//! The control block is freestand's: what it knows of the thread. All zeros are the initial
//! thread's.
//!
//! The initial values and how many zeros follow them are the program's *image* of
//! thread-local storage; link.ld puts it at a multiple of its alignment, so the copies are
//! at one too. The initial thread's block is a part of `.bss`: the linker knows its size,
//! so there is nothing to allocate and nothing that could fail for want of memory.
//!
//! A program has all this if it names it: by `entry!(main, tls)`, or by something that
//! needs it ([`thread_local!`](crate::thread_local), [`thread::current`](crate::thread::current),
//! `__tls_get_addr`, the canary on x86). Other threads' blocks
//! [`thread::spawn`](crate::thread::spawn) makes, by the same code. Otherwise a thread-local variable does
//! not link, with a message from link.ld: no reference leads from such a variable to here
//! that the linker could follow.

use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::slice;

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

/// How many bytes a control block may have; the last word is the scheduler's.
pub(crate) const CONTROL: usize = 24 * size_of::<usize>();

/// What the thread pointer is a multiple of at least: what a control block may contain.
const ALIGN: usize = 16;

/// The beginning of the initial thread's block. The room for the variables, which the
/// linker knows and rustc does not, link.ld leaves behind it, and ends it by a byte.
#[repr(C, align(16))]
struct Block(UnsafeCell<[u8; FIXED]>);

/// What every block has: the control block, what belongs to the ABI, and padding.
const FIXED: usize = CONTROL + TLS_HEAD + 2 * ALIGN;

// SAFETY: `set_up` writes to it, once, before there is a second thread.
unsafe impl Sync for Block {}

#[unsafe(link_section = ".bss.freestand_tls_block")]
static BLOCK: Block = Block(UnsafeCell::new([0; FIXED]));

core::arch::global_asm!(
    ".pushsection .bss.freestand_tls_block_end, \"aw\", %nobits",
    ".hidden freestand_tls_block_end",
    ".globl freestand_tls_block_end",
    "freestand_tls_block_end: .zero 1",
    ".popsection",
);

/// What a block consists of, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Where the variables are.
    variables: usize,
    /// Where the thread pointer points.
    pointer: usize,
    /// How many bytes it has.
    pub(crate) size: usize,
    /// What its address is a multiple of.
    pub(crate) align: usize,
}

impl Layout {
    /// The layout of a block for an image of `size` bytes whose alignment is `align`.
    const fn new(above: bool, head: usize, size: usize, align: usize) -> Layout {
        let whole = if align > ALIGN { align } else { ALIGN };
        let (variables, pointer, end) = if above {
            let pointer = round_up(CONTROL, whole);
            let variables = pointer + round_up(head, align);
            (variables, pointer, variables + size)
        } else {
            let size = round_up(size, align);
            let pointer = round_up(size, whole);
            (pointer - size, pointer, pointer + head + CONTROL)
        };
        Layout {
            variables,
            pointer,
            size: end,
            align: whole,
        }
    }
}

/// The next multiple of `align`, which is a power of two, as the linker's alignments are:
/// so this takes no division.
const fn round_up(size: usize, align: usize) -> usize {
    (size + align - 1) & !(align - 1)
}

/// The program's image of thread-local storage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    /// The initial values.
    values: &'static [u8],
    /// How many bytes the variables have, zeros included.
    size: usize,
    align: usize,
}

impl Image {
    /// What the linker says of it.
    #[inline]
    pub(crate) fn get() -> Image {
        let begin = &raw const freestand_tls_begin;
        let until = |end: *const u8| end.addr() - begin.addr();
        Image {
            // SAFETY: the linker laid the values there, and nobody writes to them.
            values: unsafe { slice::from_raw_parts(begin, until(&raw const freestand_tls_zeros)) },
            size: until(&raw const freestand_tls_end),
            align: until(&raw const freestand_tls_align),
        }
    }

    /// The layout of each thread's block.
    #[inline]
    pub(crate) fn layout(self) -> Layout {
        Layout::new(TLS_ABOVE, TLS_HEAD, self.size, self.align)
    }

    /// Makes a block, at `block`, and returns the thread pointer for it.
    ///
    /// # Safety
    ///
    /// There must be room for it, of zeros, at a multiple of the alignment.
    pub(crate) unsafe fn copy_to(self, block: *mut u8) -> *mut u8 {
        let layout = self.layout();
        // SAFETY: the layout lies in the block.
        unsafe {
            let pointer = block.add(layout.pointer);
            if !TLS_ABOVE {
                pointer.cast::<*mut u8>().write(pointer);
            }
            copy(self.values, block.add(layout.variables));
            pointer
        }
    }
}

/// Copies a few bytes, one by one: [`mem`](crate::mem) would be faster, and for most
/// programs larger than all else that a thread needs. Volatile, or it would be found to be
/// memcpy.
///
/// # Safety
///
/// There must be room for them at `to`.
pub(crate) unsafe fn copy(from: &[u8], to: *mut u8) {
    for (i, byte) in from.iter().enumerate() {
        // SAFETY: passed on to the caller.
        unsafe { to.add(i).write_volatile(*byte) };
    }
}

/// Makes a used block zeros, as [`copy`] copies, but by words.
///
/// # Safety
///
/// `block` must be nobody's, and have this layout.
pub(crate) unsafe fn clear(block: *mut u8, layout: Layout) {
    for i in 0..layout.size.div_ceil(size_of::<usize>()) {
        // SAFETY: passed on to the caller. A block is aligned for words, and ends where its
        // control block does, or in the mapping, with a multiple of them.
        unsafe { block.cast::<usize>().add(i).write_volatile(0) };
    }
}

/// The control block that belongs to the thread pointer `pointer`.
#[inline(always)]
pub(crate) fn control_of(pointer: *mut u8) -> *mut u8 {
    if TLS_ABOVE {
        pointer.wrapping_sub(CONTROL)
    } else {
        pointer.wrapping_add(TLS_HEAD)
    }
}

/// The calling thread's control block. A program that asks for it has the initial thread's
/// block set up before `main`.
#[inline(always)]
pub(crate) fn control() -> *mut u8 {
    arch::require!("freestand_tls");
    control_of(arch::thread_pointer())
}

/// Where the last word of a control block is, which is the scheduler's, in bytes from where the
/// thread pointer points. It is null at first.
#[cfg(feature = "alloc")]
pub(crate) const SCHEDULED: isize = {
    let end = if TLS_ABOVE { 0 } else { TLS_HEAD + CONTROL };
    end as isize - size_of::<usize>() as isize
};

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
    ".balign 4",
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
        let expected = |variables, pointer, align| Layout {
            variables,
            pointer,
            size: pointer + 64 + CONTROL,
            align,
        };
        assert_eq!(layout(0, 8), expected(0, 0, 16));
        assert_eq!(layout(1, 8), expected(8, 16, 16));
        assert_eq!(layout(24, 16), expected(0, 32, 16));
        assert_eq!(layout(5000, 4096), expected(0, 8192, 4096));
        // What is less aligned than a word still ends where the linker thinks it does.
        assert_eq!(layout(3, 1), expected(13, 16, 16));
    }

    #[test]
    fn variant_i_has_them_above_what_is_the_abis() {
        let layout = |head, size, align| Layout::new(true, head, size, align);
        let expected = |pointer, variables, size, align| Layout {
            variables,
            pointer,
            size,
            align,
        };
        const C: usize = CONTROL;
        assert_eq!(layout(16, 0, 8), expected(C, C + 16, C + 16, 16));
        assert_eq!(layout(16, 20, 8), expected(C, C + 16, C + 36, 16));
        assert_eq!(layout(16, 20, 256), expected(256, 512, 532, 256));
        assert_eq!(layout(0, 20, 256), expected(256, 256, 276, 256));
    }
}
