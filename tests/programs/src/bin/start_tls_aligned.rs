//! A thread-local variable that is aligned to a page, and nothing else.

#![no_std]
#![no_main]

use freestand::println;

freestand::entry!(main, tls);

unsafe extern "C" {
    safe fn get_page() -> *mut [u8; 100];
}

fn main() {
    let page = get_page();
    assert_eq!(page.addr() % 4096, 0);
    // SAFETY: it is this thread's variable, and nobody else uses it.
    unsafe {
        assert_eq!(*page, [0; 100]);
        (*page).fill(1);
        assert_eq!(*get_page(), [1; 100]);
    }
    println!("ok");
}
