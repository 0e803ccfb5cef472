//! Images made by hand, of both classes, and this machine's own vDSO.

use super::*;
use std::vec::Vec;
use std::{fs, vec};

/// What an image is made of.
#[derive(Clone)]
struct Object {
    symbols: Vec<Symbol>,
    /// The versions' names, the file's own first.
    versions: Vec<&'static str>,
    sysv_hash: bool,
    gnu_hash: bool,
    /// The address of the first byte.
    base: usize,
}

#[derive(Clone)]
struct Symbol {
    name: &'static str,
    value: usize,
    info: u8,
    other: u8,
    section: u16,
    /// From 2 on: 0 is a symbol that stays inside, 1 the file itself.
    version: u16,
}

const FUNCTION: u8 = STB_GLOBAL << 4 | STT_FUNC;
const VERSION: &[u8] = b"LINUX_2.6";

fn symbol(name: &'static str, value: usize) -> Symbol {
    Symbol {
        name,
        value,
        info: FUNCTION,
        other: 0,
        section: 12,
        version: 2,
    }
}

fn object() -> Object {
    let names = ["one", "two", "three", "four", "five", "six", "__vdso_time"];
    Object {
        symbols: (0..)
            .zip(names)
            .map(|(index, name)| symbol(name, 0x10 * (index + 1)))
            .collect(),
        versions: vec!["linux-vdso.so.1", "LINUX_2.6", "LINUX_4.15"],
        sysv_hash: true,
        gnu_hash: true,
        base: 0,
    }
}

/// An image in the making: the numbers of a class, one after the other.
struct Writer<const WORD: usize>(Vec<u8>);

impl<const WORD: usize> Writer<WORD> {
    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn word(&mut self, value: usize) {
        self.0.extend(&(value as u64).to_le_bytes()[..WORD]);
    }

    fn words(&mut self, values: &[usize]) {
        values.iter().for_each(|&value| self.word(value));
    }
}

/// Where the tables of an image are that `Object::image` made.
#[derive(Clone, Copy, Debug, Default)]
struct Places {
    dynamic: usize,
    symbols: usize,
    versym: usize,
    verdef: usize,
    hash: usize,
    gnu_hash: usize,
}

const BUCKETS: u32 = 3;

impl Object {
    fn image<const WORD: usize>(&self) -> Vec<u8> {
        self.image_and_places::<WORD>().0
    }

    fn image_and_places<const WORD: usize>(&self) -> (Vec<u8>, Places) {
        // Chains of DT_GNU_HASH are neighbours: the symbols are in their buckets' order.
        let mut symbols = self.symbols.clone();
        symbols.sort_by_key(|symbol| gnu_hash(symbol.name.as_bytes()) % BUCKETS);
        let mut strings = vec![0];
        let mut string = |text: &str| {
            let at = strings.len();
            strings.extend(text.as_bytes());
            strings.push(0);
            at as u32
        };
        let names: Vec<u32> = symbols.iter().map(|symbol| string(symbol.name)).collect();
        let versions: Vec<u32> = self.versions.iter().map(|name| string(name)).collect();

        let mut places = Places::default();
        let mut out = Writer::<WORD>(vec![0; if WORD == 4 { 52 + 2 * 32 } else { 64 + 2 * 56 }]);
        places.symbols = out.0.len();
        out.0.extend(vec![0; Image::<WORD>::SYMBOL_SIZE]);
        for (symbol, &name) in symbols.iter().zip(&names) {
            out.u32(name);
            if WORD == 4 {
                out.words(&[self.base + symbol.value, 0x10]);
            }
            out.0.extend([symbol.info, symbol.other]);
            out.u16(symbol.section);
            if WORD == 8 {
                out.words(&[self.base + symbol.value, 0x10]);
            }
        }
        let strings_at = out.0.len();
        out.0.extend(&strings);
        out.0.resize(out.0.len().next_multiple_of(4), 0);

        places.versym = out.0.len();
        out.u16(0);
        symbols.iter().for_each(|symbol| out.u16(symbol.version));
        out.0.resize(out.0.len().next_multiple_of(4), 0);
        places.verdef = out.0.len();
        for (index, &name) in (1..).zip(&versions) {
            out.u16(1);
            out.u16(if index == 1 { VER_FLG_BASE } else { 0 });
            out.u16(index);
            out.u16(1);
            out.u32(0);
            out.u32(VERDEF_SIZE as u32);
            out.u32(if usize::from(index) == versions.len() {
                0
            } else {
                28
            });
            out.u32(name);
            out.u32(0);
        }

        let links = symbols.len() as u32 + 1;
        places.hash = out.0.len();
        out.u32(BUCKETS);
        out.u32(links);
        let mut chains = vec![0; (BUCKETS + links) as usize];
        for (index, symbol) in (1..).zip(&symbols) {
            let bucket = (hash(symbol.name.as_bytes()) % BUCKETS) as usize;
            chains[(BUCKETS + index) as usize] = chains[bucket];
            chains[bucket] = index;
        }
        chains.into_iter().for_each(|link| out.u32(link));

        places.gnu_hash = out.0.len();
        out.u32(BUCKETS);
        out.u32(1);
        out.u32(1);
        out.u32(0);
        out.word(usize::MAX);
        let hashes: Vec<u32> = symbols
            .iter()
            .map(|symbol| gnu_hash(symbol.name.as_bytes()))
            .collect();
        for bucket in 0..BUCKETS {
            let first = hashes.iter().position(|hash| hash % BUCKETS == bucket);
            out.u32(first.map_or(0, |first| first as u32 + 1));
        }
        for (index, hash) in hashes.iter().enumerate() {
            let next = hashes.get(index + 1);
            let ends = next.is_none_or(|next| next % BUCKETS != hash % BUCKETS);
            out.u32(hash & !1 | u32::from(ends));
        }

        places.dynamic = out.0.len();
        let mut entries = vec![
            (14, 1), // DT_SONAME
            (DT_SYMTAB, self.base + places.symbols),
            (DT_STRTAB, self.base + strings_at),
            (DT_STRSZ, strings.len()),
            (DT_VERSYM, self.base + places.versym),
            (DT_VERDEF, self.base + places.verdef),
        ];
        if self.sysv_hash {
            entries.push((DT_HASH, self.base + places.hash));
        }
        if self.gnu_hash {
            entries.push((DT_GNU_HASH, self.base + places.gnu_hash));
        }
        entries.push((DT_NULL, 0));
        for (tag, value) in &entries {
            out.words(&[*tag, *value]);
        }
        let len = out.0.len();

        let mut header = Writer::<WORD>(MAGIC.to_vec());
        header.0.extend([WORD as u8 / 4, ELFDATA2LSB, 1]);
        header.0.resize(16, 0);
        header.u16(ET_DYN);
        header.u16(62);
        header.u32(1);
        let headers_at = if WORD == 4 { 52 } else { 64 };
        header.words(&[0, headers_at, 0]);
        header.u32(0);
        header.u16(headers_at as u16);
        header.u16(Image::<WORD>::SEGMENT_SIZE as u16);
        header.u16(2);
        [0, 0, 0].into_iter().for_each(|none| header.u16(none));
        let sizes = [
            (PT_LOAD, 0, len),
            (PT_DYNAMIC, places.dynamic, entries.len() * 2 * WORD),
        ];
        for (kind, at, size) in sizes {
            header.u32(kind);
            if WORD == 8 {
                header.u32(5);
            }
            header.words(&[at, self.base + at, self.base + at, size, size]);
            if WORD == 4 {
                header.u32(5);
            }
            header.word(0x1000);
        }
        out.0[..header.0.len()].copy_from_slice(&header.0);
        (out.0, places)
    }
}

/// Looks up a function as the library does: the length first, by the first page.
fn find<const WORD: usize>(bytes: &[u8], name: &str, version: &[u8]) -> Option<usize> {
    let first_page = &bytes[..bytes.len().min(4096)];
    let len = Image::<WORD>::mapped_len(first_page)?;
    let image = Image::<WORD>::parse(bytes.get(..len)?)?;
    image.function(name.as_bytes(), version)
}

/// Does the same for both classes.
macro_rules! for_both_classes {
    ($function:ident) => {
        $function::<4>();
        $function::<8>();
    };
}

#[test]
fn each_function_is_found_by_either_hash() {
    fn check<const WORD: usize>() {
        for (sysv_hash, gnu_hash) in [(true, true), (true, false), (false, true)] {
            for base in [0, 0x1000, 0xffff_e000 - 0x1000] {
                let object = Object {
                    sysv_hash,
                    gnu_hash,
                    base,
                    ..object()
                };
                let image = object.image::<WORD>();
                for symbol in &object.symbols {
                    let found = find::<WORD>(&image, symbol.name, VERSION);
                    assert_eq!(found, Some(symbol.value), "{}", symbol.name);
                }
                for name in ["", "on", "ones", "seven", "LINUX_2.6", "\0"] {
                    assert_eq!(find::<WORD>(&image, name, VERSION), None, "{name}");
                }
            }
        }
    }
    for_both_classes!(check);
}

#[test]
fn without_a_hash_nothing_is_found() {
    fn check<const WORD: usize>() {
        let object = Object {
            sysv_hash: false,
            gnu_hash: false,
            ..object()
        };
        assert_eq!(find::<WORD>(&object.image::<WORD>(), "one", VERSION), None);
    }
    for_both_classes!(check);
}

#[test]
fn the_version_counts() {
    fn check<const WORD: usize>(gnu_hash: bool) {
        let mut object = object();
        object.gnu_hash = gnu_hash;
        // Of an older version, which a linker takes only when it is asked for.
        object.symbols[0].version = 3 | 0x8000;
        object.symbols[1].version = 1;
        object.symbols[2].version = 0;
        object.symbols[3].version = 9;
        // Two of a name, and not of a version.
        let mut newer = symbol("five", 0x90);
        newer.version = 3;
        object.symbols.push(newer);
        let image = object.image::<WORD>();
        let find = |name, version: &str| find::<WORD>(&image, name, version.as_bytes());
        assert_eq!(find("one", "LINUX_2.6"), None);
        assert_eq!(find("one", "LINUX_4.15"), Some(0x10));
        // The name of the file, which VER_FLG_BASE says is no version.
        assert_eq!(find("two", "linux-vdso.so.1"), None);
        for version in ["LINUX_2.6", "LINUX_4.15", "linux-vdso.so.1", ""] {
            assert_eq!(find("three", version), None);
            assert_eq!(find("four", version), None);
        }
        assert_eq!(find("five", "LINUX_2.6"), Some(0x50));
        assert_eq!(find("five", "LINUX_4.15"), Some(0x90));
        for version in ["", "LINUX_2", "LINUX_2.6.39", "LINUX_3"] {
            assert_eq!(find("five", version), None, "{version}");
        }
    }
    for gnu_hash in [false, true] {
        check::<4>(gnu_hash);
        check::<8>(gnu_hash);
    }
}

#[test]
fn only_functions_that_are_exported_and_there_are_found() {
    fn check<const WORD: usize>() {
        let mut object = object();
        let symbols = &mut object.symbols;
        symbols[0].section = SHN_UNDEF;
        symbols[1].other = STV_HIDDEN;
        symbols[2].other = STV_INTERNAL;
        symbols[3].info = STT_FUNC; // STB_LOCAL
        symbols[4].info = STB_GLOBAL << 4 | 1; // STT_OBJECT
        symbols[5].value = 1 << 20; // Beyond the end.
        symbols[6].info = STB_WEAK << 4 | STT_FUNC;
        symbols[6].other = 3; // STV_PROTECTED
        let image = object.image::<WORD>();
        for symbol in &object.symbols[..6] {
            assert_eq!(
                find::<WORD>(&image, symbol.name, VERSION),
                None,
                "{}",
                symbol.name
            );
        }
        assert_eq!(find::<WORD>(&image, "__vdso_time", VERSION), Some(0x70));
    }
    for_both_classes!(check);
}

#[test]
fn the_other_class_is_none() {
    assert_eq!(find::<8>(&object().image::<4>(), "one", VERSION), None);
    assert_eq!(find::<4>(&object().image::<8>(), "one", VERSION), None);
}

#[test]
fn the_header_must_be_a_shared_objects() {
    fn check<const WORD: usize>() {
        let image = object().image::<WORD>();
        // Each byte of the magic number, the class, the byte order, the type, the size of
        // a program header.
        for at in [0, 1, 2, 3, 4, 5, 16, 17, 30 + 3 * WORD, 31 + 3 * WORD] {
            let mut image = image.clone();
            image[at] ^= 1;
            assert!(Image::<WORD>::mapped_len(&image).is_none(), "byte {at}");
            assert!(Image::<WORD>::parse(&image).is_none(), "byte {at}");
        }
    }
    for_both_classes!(check);
}

#[test]
fn the_length_is_up_to_the_last_byte_that_is_mapped() {
    fn check<const WORD: usize>() {
        for base in [0, 0x4000] {
            let object = Object { base, ..object() };
            let image = object.image::<WORD>();
            assert_eq!(Image::<WORD>::mapped_len(&image), Some(image.len()));
        }
        let mut image = object().image::<WORD>();
        let headers = if WORD == 4 { 52 } else { 64 };
        // So large that its end has no number.
        image[headers + 2 * WORD..][..WORD].fill(0xff);
        image[headers + 5 * WORD..][..WORD].fill(0xff);
        if WORD == size_of::<usize>() {
            assert_eq!(Image::<WORD>::mapped_len(&image), None);
        }
    }
    for_both_classes!(check);
}

#[test]
fn a_truncated_image_is_no_image() {
    fn check<const WORD: usize>() {
        for (sysv_hash, gnu_hash) in [(true, false), (false, true)] {
            let object = Object {
                sysv_hash,
                gnu_hash,
                ..object()
            };
            let image = object.image::<WORD>();
            // The dynamic section is last, and its last entry only says that it ends.
            let end = image.len() - 2 * WORD;
            for len in 0..end {
                let found = Image::<WORD>::parse(&image[..len])
                    .and_then(|image| image.function(b"one", VERSION));
                assert_eq!(found, None, "{len} of {} bytes", image.len());
                assert_eq!(find::<WORD>(&image[..len], "one", VERSION), None);
            }
            assert_eq!(find::<WORD>(&image, "one", VERSION), Some(0x10));
        }
    }
    for_both_classes!(check);
}

/// Whatever one field says: nothing panics, and each walk ends. What is found is in the
/// image.
#[test]
fn any_field_may_say_anything() {
    fn check<const WORD: usize>() {
        for (sysv_hash, gnu_hash) in [(true, false), (false, true)] {
            let object = Object {
                sysv_hash,
                gnu_hash,
                base: 0x1000,
                ..object()
            };
            let image = object.image::<WORD>();
            for at in 0..image.len() - 4 {
                for value in [0, 1, 2, 0xff, 0x1000, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                    let mut image = image.clone();
                    image[at..at + 4].copy_from_slice(&value.to_le_bytes());
                    let _ = find::<WORD>(&image, "four", VERSION);
                    let found = Image::<WORD>::parse(&image)
                        .and_then(|image| image.function(b"four", VERSION));
                    assert!(found.is_none_or(|offset| offset < image.len()));
                }
            }
        }
    }
    for_both_classes!(check);
}

#[test]
fn a_chain_that_is_a_ring_ends() {
    fn check<const WORD: usize>() {
        let object = Object {
            gnu_hash: false,
            ..object()
        };
        let (mut image, places) = object.image_and_places::<WORD>();
        // Each symbol is followed by itself.
        let links = places.hash + 8 + 4 * BUCKETS as usize;
        for index in 0..=object.symbols.len() {
            image[links + 4 * index..][..4].copy_from_slice(&(index as u32).to_le_bytes());
        }
        assert_eq!(find::<WORD>(&image, "seven", VERSION), None);
        // More links than there is room for.
        image[places.hash + 4..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(find::<WORD>(&image, "one", VERSION), None);
    }
    for_both_classes!(check);
}

#[test]
fn a_list_of_versions_that_is_a_ring_ends() {
    fn check<const WORD: usize>() {
        let mut object = object();
        object.symbols[0].version = 9;
        let (image, places) = object.image_and_places::<WORD>();
        for next in [1, 19, u32::MAX, 0u32.wrapping_sub(28)] {
            let mut image = image.clone();
            image[places.verdef + 28 + 16..][..4].copy_from_slice(&next.to_le_bytes());
            assert_eq!(find::<WORD>(&image, "one", VERSION), None);
        }
    }
    for_both_classes!(check);
}

#[test]
fn no_buckets_are_no_chains() {
    fn check<const WORD: usize>() {
        for gnu_hash in [false, true] {
            let object = Object {
                gnu_hash,
                ..object()
            };
            let (mut image, places) = object.image_and_places::<WORD>();
            let table = if gnu_hash {
                places.gnu_hash
            } else {
                places.hash
            };
            image[table..table + 4].fill(0);
            assert_eq!(find::<WORD>(&image, "one", VERSION), None);
        }
    }
    for_both_classes!(check);
}

#[test]
fn names_are_hashed_as_linkers_do() {
    // From the tables of a vDSO as a linker made them, and the gABI's examples.
    assert_eq!(hash(b""), 0);
    assert_eq!(hash(b"printf"), 0x0779_05a6);
    assert_eq!(gnu_hash(b""), 5381);
    assert_eq!(gnu_hash(b"printf"), 0x156b_2bb8);
    // Its upper half does not get lost, and does not stay.
    assert_eq!(hash(b"clock_gettime") >> 28, 0);
}

/// The vDSO of the process that runs this, if it has one.
fn own_vdso() -> Option<&'static [u8]> {
    const WORD: usize = size_of::<usize>();
    let auxv = fs::read("/proc/self/auxv").expect("Linux has it");
    let (entries, _) = auxv.as_chunks::<WORD>();
    let start = entries
        .chunks_exact(2)
        .find(|entry| usize::from_le_bytes(entry[0]) == 33)
        .map(|entry| usize::from_le_bytes(entry[1]))?;
    let start = core::ptr::with_exposed_provenance(start);
    // SAFETY: the kernel maps the vDSO by whole pages, and says so.
    unsafe {
        let len = Image::<WORD>::mapped_len(core::slice::from_raw_parts(start, 4096))?;
        Some(core::slice::from_raw_parts(start, len))
    }
}

#[test]
fn this_machines_own_vdso_has_a_clock() {
    let Some(vdso) = own_vdso() else {
        // vdso=0, or an emulator.
        let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
        assert!(!maps.contains("[vdso]"), "there is one: {maps}");
        return;
    };
    let arch = &crate::arch::vdso::VERSION;
    let name = crate::arch::vdso::CLOCK_GETTIME.expect("each architecture has it");
    let find =
        |name: &str, version: &str| find::<{ size_of::<usize>() }>(vdso, name, version.as_bytes());
    let offset = find(name, arch).expect("each kernel has it");
    assert!(offset < vdso.len());
    assert_eq!(find(name, "LINUX_1.0"), None);
    assert_eq!(find(&name[1..], arch), None);
    for len in 0..vdso.len() {
        let found = Image::<{ size_of::<usize>() }>::parse(&vdso[..len])
            .and_then(|image| image.function(name.as_bytes(), arch.as_bytes()));
        // The code is the last that is mapped: its end may be missing.
        assert!(found.is_none_or(|found| found == offset && len > offset));
    }
}
