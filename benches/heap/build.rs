//! freestand defines functions that the C library has too. This program has the C
//! library: let it not find ours.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var("OUT_DIR").expect("cargo says where to write");
    let script = Path::new(&folder).join("no-exports");
    fs::write(&script, "{ local: *; };\n").expect("the folder can be written to");
    println!(
        "cargo::rustc-link-arg-bins=-Wl,--version-script={}",
        script.display()
    );
}
