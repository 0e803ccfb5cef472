//! The family as each architecture has it: the instructions are in `src/arch/<arch>/mem.rs`.
//!
//! They are assembly, so that they are the same however a program is compiled, and no
//! compiler finds in a loop that copies a call to memcpy, which would be itself.

use crate::arch::mem::*;

/// A function of the family, from its instructions. In tests it has a name that is not
/// the C library's.
macro_rules! functions {
    ($($name:ident $test_name:literal;)*) => {$(
        #[unsafe(naked)]
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[cfg_attr(test, unsafe(export_name = $test_name))]
        unsafe extern "C" fn $name() {
            $name!()
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

#[cfg(not(test))]
alias! {
    "memcpy" = memmove;
    "bcmp" = memcmp;
}
#[cfg(test)]
alias! {
    "freestand_memcpy" = memmove;
    "freestand_bcmp" = memcmp;
}
