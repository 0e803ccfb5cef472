//! Thread-local variables in C, found in two ways.

#![no_std]
#![no_main]

use core::ffi::{CStr, c_char, c_int, c_long};

use freestand::println;

freestand::entry!(main, tls);

unsafe extern "C" {
    safe fn get_text() -> *const c_char;
    safe fn get_initial() -> *mut c_int;
    safe fn get_byte() -> *mut u8;
    safe fn get_zeros() -> *mut [c_int; 100];
    safe fn get_aligned() -> *mut c_char;
    safe fn library_initial() -> *mut c_int;
    safe fn library_zeros() -> *mut [c_int; 100];
    safe fn library_own() -> *mut c_long;
    unsafe fn set_text(to: *const c_char);
}

fn main() {
    // SAFETY: the C functions return the addresses of this thread's variables, and nobody
    // else uses them.
    unsafe {
        assert_eq!(*get_initial(), 42);
        assert_eq!(*get_byte(), b'b');
        assert_eq!(*get_zeros(), [0; 100]);
        assert_eq!(CStr::from_ptr(get_text()), c"text");
        assert_eq!(CStr::from_ptr(get_aligned()), c"aligned to 256");
        assert_eq!(*library_own(), -1);

        // They are aligned, and none lies over another.
        assert_eq!(get_aligned().addr() % 256, 0);
        assert_eq!(get_initial().addr() % align_of::<c_int>(), 0);
        *get_initial() = 43;
        *get_byte() = b'c';
        (*get_zeros()).fill(7);
        get_aligned().write_bytes(b'!' as _, 39);
        *library_own() = 5;
        set_text(c"another".as_ptr());
        assert_eq!((*get_initial(), *get_byte()), (43, b'c'));
        assert_eq!(*get_zeros(), [7; 100]);
        assert_eq!(CStr::from_ptr(get_text()), c"another");
        assert_eq!(CStr::from_ptr(get_aligned()).count_bytes(), 39);
        assert_eq!(*library_own(), 5);
    }
    // Both ways lead to the same.
    assert_eq!(library_initial(), get_initial());
    assert_eq!(library_zeros(), get_zeros());
    println!("ok");
}
