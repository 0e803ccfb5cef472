//! Links the program as freestand's own are linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let args = std::env::var("DEP_FREESTAND_LINK_ARGS").expect("freestand's build script sets it");
    for arg in args.split('\x1f') {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
}
