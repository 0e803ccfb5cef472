//! What is called before `main` and at exit, in its order. The first argument says how to
//! end.

#![no_std]
#![no_main]

use core::ffi::{CStr, c_char};

use freestand::env::{self, Args};
use freestand::{println, process};

freestand::entry!(main, constructors);

#[unsafe(no_mangle)]
extern "C" fn note(line: *const c_char) {
    // SAFETY: the object in C passes a string.
    let line = unsafe { CStr::from_ptr(line) };
    println!("{}", line.to_str().unwrap());
}

#[unsafe(no_mangle)]
extern "C" fn check(argc: usize, argv: *const *const c_char, envp: *const *const c_char) {
    assert_eq!(argc, env::args().len());
    // SAFETY: argv ends in a null pointer, and envp begins behind it.
    unsafe {
        assert!((*argv.add(argc)).is_null());
        assert_eq!(envp, argv.add(argc + 1));
        if let Some(first) = env::args().next() {
            assert_eq!(CStr::from_ptr(*argv), first);
        }
    }
}

fn main(mut args: Args) {
    println!("main");
    process::at_exit(|| println!("registered first")).unwrap();
    process::at_exit(|| {
        println!("registered last");
        process::at_exit(|| println!("registered at exit")).unwrap();
    })
    .unwrap();
    match args.nth(1).map(CStr::to_bytes) {
        Some(b"return") => {}
        Some(b"exit") => process::exit(3),
        Some(b"_exit") => process::_exit(4),
        Some(b"exit twice") => {
            process::at_exit(|| process::exit(5)).unwrap();
            process::exit(6)
        }
        how => panic!("{how:?} is no way to end"),
    }
}
