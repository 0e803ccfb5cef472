//! Static-PIE: how a program that was loaded anywhere relocates itself.
//!
//! The linker laid the program out as if it began at address 0. The kernel has put it
//! somewhere else, and code does not mind: it finds functions and data by their
//! distance. But a *word that holds an address*, an entry of a table of strings or of a
//! vtable, holds the linker's. For each such word the linker left a note, and
//! [`relocate`] goes through them and adds the address at which the program begins,
//! its *base*. There are three kinds of notes (gABI, "Relocation"; the psABIs say which
//! an architecture uses):
//!
//! | section | a note is | the word becomes |
//! |---|---|---|
//! | `.rel.dyn`, i386 | where, type | base + what it holds |
//! | `.rela.dyn`, the others | where, type, addend | base + addend |
//! | `.relr.dyn`, all | a bitmap of where | base + what it holds |
//!
//! The type is always `R_<arch>_RELATIVE`, "add the base": others need symbols, or a
//! resolver to be called, and link.ld and the linker's options refuse a program that
//! has any of those.
//!
//! Then these words are not to change any more: link.ld has laid them out by themselves, in
//! pages of their own, which become read-only (*relocation read-only*, RELRO).
//!
//! Where the notes are, and where the program is, says [`Table`], of numbers that the
//! linker knows. The usual way is to find the program headers in the auxiliary vector, in
//! them the dynamic section, and in that the notes: it is made for a loader that knows
//! nothing of the program. This is the program's own, and its linker script knows. So a
//! static-PIE program of freestand's has no dynamic section.
//!
//! # Which Rust is legal here
//!
//! [`relocate`] runs when nothing is relocated yet. So it may not use a word that holds an
//! address, nor what the compiler might make into one:
//!
//! - no `static`, and no symbol of the linker's: the compiler may look its address up in
//!   the global offset table, whose entries are such words. The one address that it needs
//!   is its argument, which an instruction computed.
//! - no `dyn`, no table of `fn`s or of strings, no `match` that might become a table of
//!   addresses: all of these are such words.
//! - nothing that copies, fills or compares memory, which becomes a call of memcpy or its
//!   like. The call would be made by distance, but nobody has promised that memcpy uses no
//!   such word, and it may well choose between processors by one.
//! - no formatting and no panic: arithmetic that wraps, on raw pointers. (Without
//!   optimization the compiler tests pointers for null and alignment, and calls a function
//!   of core's if the test fails. It does not fail.)
//!
//! That leaves loads, stores, arithmetic and system calls. A test reads the machine code and finds that
//! it is so: no call but that of a failed test, no load and no store but through pointers
//! that come from the argument.
//!
//! The piece that calls it is assembly, so to the compiler the call may change any memory:
//! nothing that Rust reads later has been read before.

use core::ptr;

use linux_raw_sys::errno::EINVAL;
use linux_raw_sys::general;

use crate::arch::{self, ADDEND_IN_PLACE, R_RELATIVE, nr};

/// Pages are of no other size than these and powers of 2 between (the kernel's
/// CONFIG_PAGE_SHIFT on the four architectures).
const SMALLEST_PAGE: usize = 4 << 10;
const LARGEST_PAGE: usize = 64 << 10;

/// Where the program and its notes are. Each field is the distance from the field itself.
#[repr(C)]
struct Table {
    /// The program's first byte, that of the ELF header, which is linked at 0: the base.
    image: i32,
    /// The notes with a type, `.rel.dyn` or `.rela.dyn`, from here
    rel_begin: i32,
    /// to here.
    rel_end: i32,
    /// The bitmaps, `.relr.dyn`, from here
    relr_begin: i32,
    /// to here.
    relr_end: i32,
    /// What is only read from then on, from here
    relro_begin: i32,
    /// to here.
    relro_end: i32,
}

core::arch::global_asm!(
    ".pushsection .rodata.freestand_relocations, \"a\", %progbits",
    ".balign 4",
    ".globl freestand_relocations",
    ".hidden freestand_relocations",
    "freestand_relocations:",
    ".long __executable_start - .",
    ".long freestand_rel_begin - .",
    ".long freestand_rel_end - .",
    ".long freestand_relr_begin - .",
    ".long freestand_relr_end - .",
    ".long freestand_relro_begin - .",
    ".long freestand_relro_end - .",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "freestand_relocations"]
    static TABLE: Table;
}

// The linker keeps it in static-PIE programs, and in no others: build.rs tells it to.
arch::start_piece!("00.relocate", "freestand_relocate", calls relocate, with TABLE);

/// Where `field` says.
#[inline(always)]
fn target(field: *const i32) -> *mut usize {
    // SAFETY: the field is one of the table's, which is constant.
    let distance = unsafe { *field };
    field
        .wrapping_byte_offset(distance as isize)
        .cast_mut()
        .cast()
}

/// Adds the base to every word that holds an address, and protects these words.
///
/// # Safety
///
/// To be called once, on the program's table, before anything that relies on such a
/// word. See above for what may be written here.
unsafe extern "C" fn relocate(table: *const Table) {
    // SAFETY: the table's fields are there.
    let (image, rel_begin, rel_end, relr_begin, relr_end, relro_begin, relro_end) = unsafe {
        (
            target(&raw const (*table).image),
            target(&raw const (*table).rel_begin),
            target(&raw const (*table).rel_end),
            target(&raw const (*table).relr_begin),
            target(&raw const (*table).relr_end),
            target(&raw const (*table).relro_begin),
            target(&raw const (*table).relro_end),
        )
    };
    // The word that is linked at this address.
    let word = |address: usize| image.wrapping_byte_add(address);

    let mut rel = rel_begin;
    while rel != rel_end {
        // SAFETY: a note has an offset, a type (in its low byte or half, with no symbol
        // above it), and an addend if that is not in place. The word that it is about is
        // the program's, is aligned, and in a segment that is still written.
        unsafe {
            let place = word(*rel);
            if *rel.wrapping_add(1) != R_RELATIVE {
                arch::trap();
            }
            let addend = if ADDEND_IN_PLACE {
                *place
            } else {
                *rel.wrapping_add(2)
            };
            *place = word(addend).addr();
        }
        rel = rel.wrapping_add(if ADDEND_IN_PLACE { 2 } else { 3 });
    }

    // An even entry is an address: that of a word, behind which the next bitmap begins.
    // An odd one is a bitmap: its bits, but for the lowest, are that many words.
    let mut relr = relr_begin;
    let mut next = image;
    while relr != relr_end {
        // SAFETY: as above; a bit that is set stands for such a word.
        unsafe {
            let entry = *relr;
            if entry & 1 == 0 {
                next = word(entry);
                *next = word(*next).addr();
                next = next.wrapping_add(1);
            } else {
                let mut bits = entry >> 1;
                let mut place = next;
                while bits != 0 {
                    if bits & 1 != 0 {
                        *place = word(*place).addr();
                    }
                    bits >>= 1;
                    place = place.wrapping_add(1);
                }
                next = next.wrapping_add(usize::BITS as usize - 1);
            }
        }
        relr = relr.wrapping_add(1);
    }

    if relro_begin != relro_end {
        protect(relro_begin.cast(), relro_end.cast());
    }
}

/// Makes the pages from `begin` to `end` read-only. The last one has nothing else in it.
///
/// How large a page is, the kernel says by what it refuses: mprotect(2) takes the
/// beginnings of pages. Where they are larger than 4 KiB it says `EINVAL`.
#[inline(always)]
fn protect(begin: *mut (), end: *mut ()) {
    let mut page_size = SMALLEST_PAGE;
    loop {
        let first = begin.wrapping_byte_sub(begin.addr() & page_size.wrapping_sub(1));
        let length = ptr::without_provenance_mut(end.addr().wrapping_sub(first.addr()));
        let read = ptr::without_provenance_mut(general::PROT_READ as usize);
        // SAFETY: nobody writes there any more, and what else the first page holds is a
        // copy of what lies before in the file, which nobody uses.
        let result = unsafe { arch::syscall3(nr::mprotect as usize, first, length, read) };
        if result.addr() == 0 {
            return;
        }
        if result.addr() != (EINVAL as usize).wrapping_neg() || page_size == LARGEST_PAGE {
            break;
        }
        page_size <<= 1;
    }
    let message = b"freestand: cannot protect what was relocated (mprotect)\n";
    let word = ptr::without_provenance_mut::<()>;
    // SAFETY: the kernel reads the message, and ends the process.
    unsafe {
        let text = message.as_ptr().cast_mut().cast();
        arch::syscall3(nr::write as usize, word(2), text, word(message.len()));
        arch::syscall1(nr::exit_group as usize, word(127));
    }
    arch::trap()
}
