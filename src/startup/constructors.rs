//! Constructors and destructors: functions of no program's, that objects bring along to
//! have called before `main` and at exit.
//!
//! An object puts the addresses of its functions into one of three sections, from which
//! the linker makes arrays (gABI, "Initialization and Termination Functions"):
//!
//! | section | called | in which order |
//! |---|---|---|
//! | `.preinit_array` | before all others | first to last |
//! | `.init_array` | before `main` | first to last |
//! | `.fini_array` | at exit, after the handlers of [`at_exit`](crate::process::at_exit) | last to first |
//!
//! link.ld sorts `.init_array.N` and `.fini_array.N` by N, the priority of GCC's
//! `constructor(N)`, and puts those without one last. Constructors are called as `main`
//! is, with `argc`, `argv` and `envp`.
//!
//! No code refers to these sections, so nothing tells the linker that a program needs
//! this module: the program says so, `entry!(main, constructors)`. If it does not and an
//! object has constructors, it does not link, with a message from link.ld.

use core::ffi::c_char;
use core::ops::Range;

use crate::arch;

/// An entry of the first two arrays.
type Constructor = extern "C" fn(usize, *const *const c_char, *const *const c_char);
/// An entry of the third.
type Destructor = extern "C" fn();

unsafe extern "C" {
    static freestand_preinit_array: Constructor;
    static freestand_preinit_array_end: Constructor;
    static freestand_init_array: Constructor;
    static freestand_init_array_end: Constructor;
    static freestand_fini_array: Destructor;
    static freestand_fini_array_end: Destructor;
}

arch::start_piece!("90.constructors", "freestand_constructors", calls construct);
arch::exit_piece!("20.destructors", "freestand_destructors", destruct);

/// Calls the constructors.
unsafe extern "C" fn construct(
    argc: usize,
    argv: *const *const c_char,
    envp: *const *const c_char,
) {
    arch::require!("freestand_destructors");
    let preinit = &raw const freestand_preinit_array..&raw const freestand_preinit_array_end;
    let init = &raw const freestand_init_array..&raw const freestand_init_array_end;
    for Range { start, end } in [preinit, init] {
        let mut next = start;
        while next != end {
            // SAFETY: the entries from an array's beginning to its end are functions'
            // addresses.
            unsafe {
                (*next)(argc, argv, envp);
                next = next.add(1);
            }
        }
    }
}

/// Calls the destructors.
extern "C" fn destruct(status: u8) -> u8 {
    let mut next = &raw const freestand_fini_array_end;
    while next != &raw const freestand_fini_array {
        // SAFETY: as above, from the array's end to its beginning.
        unsafe {
            next = next.sub(1);
            (*next)();
        }
    }
    status
}
