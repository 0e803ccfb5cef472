//! Relocation read-only: what relocation wrote is not to be written any more.
//!
//! link.ld lays these sections out by themselves, from the beginning of a page on, and
//! begins the next page with what stays writable.

use core::ffi::c_char;

use super::{InitialStack, fail};
use crate::arch;
use crate::sys::{self, Prot};

unsafe extern "C" {
    static freestand_relro_begin: u8;
    static freestand_relro_end: u8;
}

// Kept in static-PIE programs: build.rs tells the linker.
arch::start_piece!("01.protect", "freestand_protect", calls protect);

/// Makes those pages read-only.
unsafe extern "C" fn protect(
    _argc: usize,
    argv: *const *const c_char,
    _envp: *const *const c_char,
) {
    let (begin, end) = (&raw const freestand_relro_begin, &raw const freestand_relro_end);
    if begin == end {
        return;
    }
    // SAFETY: _start passes the initial stack's.
    let auxv = unsafe { InitialStack::from_argv(argv) }.auxv();
    let Some(page_size) = auxv.page_size() else {
        fail!("no AT_PAGESZ in the auxiliary vector, and pages to protect after relocation")
    };
    let begin = begin.map_addr(|address| address & !(page_size - 1));
    // SAFETY: nobody has a reference to what is there that allows writing, and what else
    // the first page holds is a copy of what lies before in the file.
    if unsafe { sys::mprotect(begin.cast_mut().cast(), end.addr() - begin.addr(), Prot::READ) }.is_err() {
        fail!("cannot protect what was relocated (mprotect)")
    }
}
