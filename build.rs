//! Assembles `start/<arch>.S` and tells rustc how to link the package's
//! programs. Dependents' build scripts get the same arguments from
//! `DEP_FREESTAND_LINK_ARGS` (separated by U+001F), and whoever links programs in C
//! or assembly from the file `link-args` in OUT_DIR, one a line.

use std::{env, fs, path::Path};

/// What the linker is told of every program, beside its inputs.
const LD_ARGS: &[&str] = &[
    "-Tlink.ld",
    "--gc-sections",
    // The file holds what runs: no build id, no index of unwind tables, no
    // segment of its own for read-only data.
    "--build-id=none",
    "--no-eh-frame-hdr",
    "--no-rosegment",
    "-znoexecstack",
];

/// What it is told of a program that is loaded where it was linked.
const LD_STATIC: &[&str] = &[
    "--static",
    "--no-pie",
    // Nothing is relocated, so there is nothing to protect afterwards.
    "-znorelro",
];

/// What it is told of one that is loaded anywhere and relocates itself.
const LD_STATIC_PIE: &[&str] = &[
    "--static",
    "--pie",
    // No PT_INTERP: nobody relocates the program but itself (src/startup/relocate.rs),
    "--undefined=freestand_relocate",
    "--undefined=freestand_protect",
    "--no-dynamic-linker",
    // which cannot write to code,
    "-ztext",
    // gets most places to relocate as a bitmap (SHT_RELR),
    "-zpack-relative-relocs",
    // and protects what it has written.
    "-zrelro",
    "--defsym=image_base=0",
];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let target_arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets CARGO_CFG_TARGET_ARCH");
    let target_os = env::var("CARGO_CFG_TARGET_OS").expect("cargo sets CARGO_CFG_TARGET_OS");

    let arch = match target_arch.as_str() {
        "x86" => "i386",
        other => other,
    };
    let start = format!("start/{arch}.S");
    println!("cargo::rerun-if-changed={start}");
    println!("cargo::rerun-if-changed=link.ld");
    if target_os != "linux" || !Path::new(&root).join(&start).exists() {
        println!(
            "cargo::error=freestand runs on Linux on x86_64, i386, aarch64 and riscv64: \
             there is no {start} for {arch}-{target_os}; pass --target or add that file"
        );
        return;
    }

    println!("cargo::rustc-check-cfg=cfg(frame_pointers)");
    if has_frame_pointers() {
        println!("cargo::rustc-cfg=frame_pointers");
    }

    cc::Build::new()
        .file(&start)
        .cargo_warnings(false)
        .compile("freestand_start");

    // The script is copied so that `-Tlink.ld` finds it wherever the program's
    // own package is, and no path of this folder gets into a link line twice.
    fs::copy(
        Path::new(&root).join("link.ld"),
        Path::new(&out).join("link.ld"),
    )
    .expect("link.ld can be copied to OUT_DIR");

    let args = link_args(&out);
    for arg in &args {
        println!("cargo::rustc-link-arg-bins={arg}");
    }
    println!("cargo::metadata=LINK_ARGS={}", args.join("\u{1f}"));
    fs::write(Path::new(&out).join("link-args"), args.join("\n"))
        .expect("link-args can be written to OUT_DIR");
}

/// The link arguments as the linker in use spells them: `ld.lld` itself, or a C
/// compiler that drives it.
fn link_args(script_dir: &str) -> Vec<String> {
    let is_ld = Path::new(&linker())
        .file_stem()
        .is_some_and(|stem| stem.to_string_lossy().ends_with("ld"));
    let mut args = vec![format!("-L{script_dir}")];
    let kind = if is_pie() { LD_STATIC_PIE } else { LD_STATIC };
    let ld_args = LD_ARGS.iter().chain(kind).copied();
    if is_ld {
        args.extend(ld_args.map(String::from));
    } else {
        let kind = if is_pie() { "-static-pie" } else { "-static" };
        args.extend(["-nostartfiles", "-nostdlib", kind].map(String::from));
        args.extend(ld_args.map(|arg| format!("-Wl,{arg}")));
    }
    args
}

/// Whether rustc is told to make code that can be loaded anywhere. That it makes such
/// code unless told otherwise does not count: a program that is loaded where it was
/// linked is smaller and starts faster, so whoever wants the other says so.
fn is_pie() -> bool {
    matches!(codegen_option("relocation-model").as_deref(), Some("pie" | "pic"))
}

/// The linker that rustc is told to use: by `-C linker`, or by cargo's
/// configuration. Empty for rustc's own choice, which is a C compiler.
fn linker() -> String {
    codegen_option("linker").unwrap_or_else(|| env::var("RUSTC_LINKER").unwrap_or_default())
}

/// Whether functions keep frame pointers: what `-C force-frame-pointers` says.
fn has_frame_pointers() -> bool {
    codegen_option("force-frame-pointers")
        .is_some_and(|value| !matches!(value.as_str(), "no" | "n" | "off" | "false"))
}

/// The value of the last `-C name=value` among rustc's flags, and of `-C name` an empty
/// one.
fn codegen_option(name: &str) -> Option<String> {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    flags
        .split('\u{1f}')
        // The option stands in the same argument as the `-C`, or in the next.
        .map(|flag| {
            flag.trim_start_matches("--codegen")
                .trim_start_matches("-C")
        })
        .filter_map(|option| option.trim_start_matches(['=', ' ']).strip_prefix(name))
        .filter_map(|rest| rest.strip_prefix('=').or(rest.is_empty().then_some("")))
        .next_back()
        .map(str::to_owned)
}
