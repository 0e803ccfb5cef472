//! Links this package's programs as freestand's own are linked, and some of them with
//! objects in C.

use std::{env, fs};

/// The programs with objects, the objects' sources in src/c, and how they are compiled.
const OBJECTS: &[(&str, &str, &[&str])] = &[
    ("backtrace", "through_c.c", &["-fomit-frame-pointer", "-O2"]),
    ("start_constructors", "constructors.c", &[]),
    ("start_canary", "canary.c", &["-fstack-protector-strong"]),
    ("start_tls", "tls.c", &["-fPIE"]),
    // Each variable's address by a call of __tls_get_addr, or what the linker makes of it.
    ("start_tls", "tls_of_library.c", &["-fPIC", "-ftls-model=global-dynamic"]),
    ("start_tls_aligned", "tls_aligned.c", &["-fPIE"]),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let args = env::var("DEP_FREESTAND_LINK_ARGS").expect("freestand's build script sets it");
    for arg in args.split('\x1f') {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
    for &(program, source, flags) in OBJECTS {
        let source = format!("src/c/{source}");
        println!("cargo::rerun-if-changed={source}");
        let mut build = cc::Build::new();
        build
            .file(&source)
            .flag("-ffreestanding")
            .flag("-fno-asynchronous-unwind-tables")
            .flag("-fno-stack-protector")
            .warnings(true)
            .extra_warnings(true)
            .warnings_into_errors(true)
            .force_frame_pointer(false)
            .cargo_metadata(false)
            .pic(false);
        for flag in flags {
            build.flag(flag);
        }
        for object in build.compile_intermediates() {
            // By what the folder above is, which is another for each way to build.
            let object = fs::canonicalize(object).expect("the object is there");
            println!("cargo::rustc-link-arg-bin={program}={}", object.display());
        }
    }
}
