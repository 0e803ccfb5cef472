//! The vDSO's reader, of either class, on any bytes: it does not panic, it ends, and what
//! it finds is among the bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;

// The file itself: it needs nothing of the library, which is made for programs without
// std.
#[path = "../../../src/startup/vdso/elf.rs"]
mod elf;

use elf::Image;

/// Names and versions that vDSOs have; the last of either is in none.
const NAMES: [&[u8]; 4] = [
    b"__vdso_clock_gettime",
    b"__kernel_clock_gettime",
    b"__vdso_getcpu",
    b"",
];
const VERSIONS: [&[u8]; 3] = [b"LINUX_2.6", b"LINUX_4.15", b""];

fuzz_target!(|bytes: &[u8]| {
    read::<4>(bytes);
    read::<8>(bytes);
});

fn read<const WORD: usize>(bytes: &[u8]) {
    // As the library reads: the headers from the first page, the rest by them.
    let first_page = &bytes[..bytes.len().min(4096)];
    let mapped = Image::<WORD>::mapped_len(first_page).and_then(|len| bytes.get(..len));
    for bytes in [Some(bytes), mapped].into_iter().flatten() {
        let Some(image) = Image::<WORD>::parse(bytes) else {
            continue;
        };
        for name in NAMES {
            for version in VERSIONS {
                let found = image.function(name, version);
                assert!(found.is_none_or(|offset| offset < bytes.len()));
            }
        }
    }
}
