//! The family as each architecture has it: the instructions are in `src/arch/<arch>/mem.rs`.
//!
//! They are assembly, so that they are the same however a program is compiled, and no
//! compiler finds in a loop that copies a call to memcpy, which would be itself.

use core::arch::global_asm;

use crate::arch::mem as code;

/// A function of the family, from its instructions. In tests it has a name that is not
/// the C library's.
macro_rules! functions {
    ($($name:ident $test_name:literal;)*) => {$(
        #[unsafe(naked)]
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[cfg_attr(test, unsafe(export_name = $test_name))]
        unsafe extern "C" fn $name() {
            code::$name!()
        }
    )*};
}

functions! {
    memmove "freestand_memmove";
    memset "freestand_memset";
    memcmp "freestand_memcmp";
    strlen "freestand_strlen";
    memchr "freestand_memchr";
}

/// A second name of a function that does what both promise.
macro_rules! alias {
    ($name:literal, $test_name:literal = $function:ident) => {
        #[cfg(not(test))]
        global_asm!(
            concat!(".globl ", $name), concat!(".type ", $name, ", %function"),
            concat!(".set ", $name, ", {function}"), function = sym $function
        );
        #[cfg(test)]
        global_asm!(
            concat!(".globl ", $test_name), concat!(".type ", $test_name, ", %function"),
            concat!(".set ", $test_name, ", {function}"), function = sym $function
        );
    };
}

alias!("memcpy", "freestand_memcpy" = memmove);
alias!("bcmp", "freestand_bcmp" = memcmp);
