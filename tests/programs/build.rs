//! Links this package's programs as freestand's own are linked, and `backtrace` with a
//! function in C.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let args = env::var("DEP_FREESTAND_LINK_ARGS").expect("freestand's build script sets it");
    for arg in args.split('\x1f') {
        println!("cargo::rustc-link-arg-bins={arg}");
    }

    let source = "src/through_c.c";
    println!("cargo::rerun-if-changed={source}");
    let objects = cc::Build::new()
        .file(source)
        .cargo_metadata(false)
        .pic(false)
        .opt_level(2)
        .force_frame_pointer(false)
        .flags([
            "-ffreestanding",
            "-fno-stack-protector",
            "-fno-asynchronous-unwind-tables",
            "-fomit-frame-pointer",
        ])
        .compile_intermediates();
    for object in objects {
        println!("cargo::rustc-link-arg-bin=backtrace={}", object.display());
    }
}
