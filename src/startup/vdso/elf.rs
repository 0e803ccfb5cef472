//! The ELF reader: finds a function in a shared object that lies in memory.
//!
//! It is pure. Bytes go in and an offset comes out; whatever the bytes are, each access
//! is checked, each walk ends, and nothing panics. What is malformed is not found. It
//! uses nothing of the library, so that a fuzzer can have it alone
//! (`tests/fuzz/fuzz_targets/vdso.rs`).
//!
//! # From the first byte to the function
//!
//! ```text
//!  ELF header ─ e_phoff, e_phnum ─► program headers
//!                                     PT_LOAD     the bytes that are mapped, and the
//!                                                 address that the linker gave them
//!                                     PT_DYNAMIC ─► dynamic section
//!              ┌──────────────────────────────────────┘
//!              ├─ DT_HASH      buckets and chains of symbols, by the hash of their
//!              ├─ DT_GNU_HASH  names: one of the two at least
//!              ├─ DT_SYMTAB    symbols: name, value, kind
//!              ├─ DT_STRTAB    names, and DT_STRSZ how many bytes of them
//!              ├─ DT_VERSYM    each symbol's version, as a number
//!              └─ DT_VERDEF    the versions' names
//! ```
//!
//! These tables are what a dynamic linker uses, so an object that can be linked against
//! has them mapped. Section headers are for tools: a kernel may leave them out, or
//! unmapped behind the last page's end.
//!
//! Addresses in the tables count as the linker did when it gave the first byte of the
//! file an address, the *base*. Today's vDSOs have base 0; older ones were linked for
//! the place where the kernel meant to map them.
//!
//! # Both classes
//!
//! `WORD` is the size of an address: 4 bytes in files of class ELFCLASS32, 8 in those of
//! ELFCLASS64. Fields of words are in the same order in both, so their offsets are
//! multiples of `WORD`; the narrower fields among them are found by the differences
//! spelled out below. Numbers are little-endian, as on all of our architectures.
//!
//! Sources: the System V gABI, chapters 4 "Object Files" and 5 "Program Loading and
//! Dynamic Linking"; the Linux Standard Base, "Symbol Versioning", for DT_VERSYM and
//! DT_VERDEF; for DT_GNU_HASH, which no standard has, the linkers that write it.

/// e_ident's first bytes.
const MAGIC: &[u8] = b"\x7fELF";
/// e_ident's byte 5: little-endian.
const ELFDATA2LSB: u8 = 1;
/// e_type: a shared object.
const ET_DYN: u16 = 3;

/// p_type: bytes to be mapped.
const PT_LOAD: u32 = 1;
/// p_type: the dynamic section.
const PT_DYNAMIC: u32 = 2;

const DT_NULL: usize = 0;
const DT_HASH: usize = 4;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_STRSZ: usize = 10;
const DT_GNU_HASH: usize = 0x6fff_fef5;
const DT_VERSYM: usize = 0x6fff_fff0;
const DT_VERDEF: usize = 0x6fff_fffc;

/// The symbol that ends a chain of DT_HASH.
const STN_UNDEF: u32 = 0;
/// st_shndx: the symbol is another object's.
const SHN_UNDEF: u16 = 0;
const STB_GLOBAL: u8 = 1;
const STB_WEAK: u8 = 2;
const STT_FUNC: u8 = 2;
/// st_other's two bits: a symbol that is nobody's business outside.
const STV_INTERNAL: u8 = 1;
const STV_HIDDEN: u8 = 2;

/// The bits of a version's number; the one above says only whether a linker takes that
/// version when it is asked for none.
const VERSION_NUMBER: u16 = 0x7fff;
/// vd_flags: not a version of symbols, but the file's own name.
const VER_FLG_BASE: u16 = 1;
/// Bytes in a version's definition.
const VERDEF_SIZE: usize = 20;

/// A shared object whose addresses have `WORD` bytes, as it lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a, const WORD: usize> {
    bytes: Bytes<'a>,
    /// The address that the linker gave to the first byte.
    base: usize,
    // The tables, as offsets from the first byte.
    symbols: usize,
    versym: usize,
    verdef: usize,
    gnu_hash: Option<usize>,
    hash: Option<usize>,
    strings: &'a [u8],
}

impl<'a, const WORD: usize> Image<'a, WORD> {
    /// Bytes in a program header: 32 or 56.
    const SEGMENT_SIZE: usize = 6 * WORD + 8;
    /// Bytes in a symbol: 16 or 24.
    const SYMBOL_SIZE: usize = 2 * WORD + 8;

    /// How many bytes are mapped of the object whose first ones these are, by what its
    /// program headers say: from the first to the last that a PT_LOAD covers. `None` if
    /// it is no shared object of this class, or its headers are not among the bytes.
    pub fn mapped_len(first_page: &[u8]) -> Option<usize> {
        let first_page = Bytes(first_page);
        let base = Self::base(first_page)?;
        let mut end = base;
        for segment in Self::segments(first_page)? {
            let segment = segment?;
            if segment.kind == PT_LOAD {
                end = end.max(segment.address.checked_add(segment.size)?);
            }
        }
        end.checked_sub(base)
    }

    /// Finds the tables of the object that is these bytes: from its first on, as it is
    /// mapped. `None` if it is no shared object of this class, or lacks a table.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let bytes = Bytes(bytes);
        let base = Self::base(bytes)?;
        let dynamic = Self::segments(bytes)?
            .map_while(|segment| segment)
            .find(|segment| segment.kind == PT_DYNAMIC)?;

        let (mut symbols, mut strings, mut strings_len) = (None, None, None);
        let (mut versym, mut verdef, mut gnu_hash, mut hash) = (None, None, None, None);
        let start = dynamic.address.checked_sub(base)?;
        for index in 0..dynamic.size / (2 * WORD) {
            let at = entry(start, index, 2 * WORD)?;
            let value = bytes.word::<WORD>(field(at, WORD)?)?;
            let offset = value.checked_sub(base);
            match bytes.word::<WORD>(at)? {
                DT_NULL => break,
                DT_SYMTAB => symbols = offset,
                DT_STRTAB => strings = offset,
                DT_STRSZ => strings_len = Some(value),
                DT_VERSYM => versym = offset,
                DT_VERDEF => verdef = offset,
                DT_GNU_HASH => gnu_hash = offset,
                DT_HASH => hash = offset,
                _ => {}
            }
        }
        Some(Image {
            bytes,
            base,
            symbols: symbols?,
            versym: versym?,
            verdef: verdef?,
            gnu_hash,
            hash,
            strings: bytes.0.get(strings?..)?.get(..strings_len?)?,
        })
    }

    /// The function called `name` of the version `version`, as an offset from the first
    /// byte.
    ///
    /// A name alone is not enough: the version is the promise of what the function takes
    /// and does.
    pub fn function(&self, name: &[u8], version: &[u8]) -> Option<usize> {
        match (self.gnu_hash, self.hash) {
            (Some(table), _) => self.by_gnu_hash(table, name, version),
            (None, Some(table)) => self.by_hash(table, name, version),
            (None, None) => None,
        }
    }

    /// Looks a function up in a DT_GNU_HASH.
    ///
    /// ```text
    ///  u32   how many buckets · the first symbol in a chain · how many filter words · shift
    ///  word  filter: tells most names that are in no chain, and is passed over here
    ///  u32   buckets: the first symbol whose hash modulo their number is theirs
    ///  u32   chains: each symbol's hash, in the symbols' order; bit 0 ends a chain
    /// ```
    fn by_gnu_hash(&self, table: usize, name: &[u8], version: &[u8]) -> Option<usize> {
        let hash = gnu_hash(name);
        let buckets = self.bytes.u32(table)?;
        let first = self.bytes.u32(field(table, 4)?)?;
        let filter_words = self.bytes.u32(field(table, 8)?)?;
        let buckets_at = entry(field(table, 16)?, filter_words as usize, WORD)?;
        let chains_at = entry(buckets_at, buckets as usize, 4)?;

        let bucket = hash.checked_rem(buckets)?;
        let mut index = self.bytes.u32(entry(buckets_at, bucket as usize, 4)?)?;
        // It ends with the image at the latest: each step is one further into it.
        loop {
            // An empty bucket has symbol 0, which is in no chain.
            let link = index.checked_sub(first)?;
            let link = self.bytes.u32(entry(chains_at, link as usize, 4)?)?;
            if link | 1 == hash | 1
                && let Some(offset) = self.symbol(index, name, version)
            {
                return Some(offset);
            }
            if link & 1 != 0 {
                return None;
            }
            index = index.checked_add(1)?;
        }
    }

    /// Looks a function up in a DT_HASH.
    ///
    /// ```text
    ///  u32   how many buckets · how many links, which is how many symbols
    ///  u32   buckets: the first symbol whose hash modulo their number is theirs
    ///  u32   links: the symbol after each in its chain; 0 ends it
    /// ```
    fn by_hash(&self, table: usize, name: &[u8], version: &[u8]) -> Option<usize> {
        let buckets = self.bytes.u32(table)?;
        let links = self.bytes.u32(field(table, 4)?)? as usize;
        let buckets_at = field(table, 8)?;
        let links_at = entry(buckets_at, buckets as usize, 4)?;
        // So many must be there, which is how far a chain that is a ring is followed.
        self.bytes.0.get(links_at..entry(links_at, links, 4)?)?;

        let bucket = hash(name).checked_rem(buckets)?;
        let mut index = self.bytes.u32(entry(buckets_at, bucket as usize, 4)?)?;
        for _ in 0..links {
            if index == STN_UNDEF {
                break;
            }
            if let Some(offset) = self.symbol(index, name, version) {
                return Some(offset);
            }
            index = self.bytes.u32(entry(links_at, index as usize, 4)?)?;
        }
        None
    }

    /// The offset of the symbol's value, if it is the function that is looked for.
    fn symbol(&self, index: u32, name: &[u8], version: &[u8]) -> Option<usize> {
        let at = entry(self.symbols, index as usize, Self::SYMBOL_SIZE)?;
        // st_value and st_size are words. The 64-bit symbol has the narrow fields before
        // them, the 32-bit one behind.
        let narrow = field(at, 20 - 2 * WORD)?;
        let [info, other] = self.bytes.array(narrow)?;
        let section = self.bytes.u16(field(narrow, 2)?)?;

        let is_function = info & 15 == STT_FUNC;
        let is_exported = matches!(info >> 4, STB_GLOBAL | STB_WEAK)
            && !matches!(other & 3, STV_INTERNAL | STV_HIDDEN);
        let is_wanted = is_function
            && is_exported
            && section != SHN_UNDEF
            && self.is_string(self.bytes.u32(at)?, name)
            && self.is_version(index, version)?;
        if !is_wanted {
            return None;
        }
        let offset = self.bytes.word::<WORD>(field(at, WORD)?)?;
        let offset = offset.checked_sub(self.base)?;
        (offset < self.bytes.0.len()).then_some(offset)
    }

    /// Whether the symbol is of the version `version`.
    fn is_version(&self, index: u32, version: &[u8]) -> Option<bool> {
        let number = self.bytes.u16(entry(self.versym, index as usize, 2)?)? & VERSION_NUMBER;
        let mut at = self.verdef;
        loop {
            // vd_version, vd_flags, vd_ndx, vd_cnt: 16 bits each; vd_hash, vd_aux,
            // vd_next: 32 bits each.
            let flags = self.bytes.u16(field(at, 2)?)?;
            let this = self.bytes.u16(field(at, 4)?)? & VERSION_NUMBER;
            if flags & VER_FLG_BASE == 0 && this == number {
                // The first vda_name is the version's own; more would be its parents'.
                let names = field(at, self.bytes.u32(field(at, 12)?)? as usize)?;
                return Some(self.is_string(self.bytes.u32(names)?, version));
            }
            // 0 ends the list, and definitions that overlap are none.
            let next = self.bytes.u32(field(at, 16)?)? as usize;
            if next < VERDEF_SIZE {
                return None;
            }
            at = field(at, next)?;
        }
    }

    /// Whether the string at `at` of the string table is `text`.
    fn is_string(&self, at: u32, text: &[u8]) -> bool {
        self.strings
            .get(at as usize..)
            .and_then(|rest| rest.strip_prefix(text))
            .is_some_and(|rest| rest.first() == Some(&0))
    }

    /// The address that the linker gave to the file's first byte.
    fn base(bytes: Bytes<'_>) -> Option<usize> {
        let first = Self::segments(bytes)?
            .map_while(|segment| segment)
            .find(|segment| segment.kind == PT_LOAD)?;
        first.address.checked_sub(first.offset)
    }

    /// The program headers; `None` among them if one is not there.
    fn segments(bytes: Bytes<'_>) -> Option<impl Iterator<Item = Option<Segment>>> {
        let [class, data] = bytes.array(4)?;
        let is_shared_object = bytes.0.starts_with(MAGIC)
            // ELFCLASS32 is 1, ELFCLASS64 is 2.
            && class as usize == WORD / 4
            && data == ELFDATA2LSB
            && bytes.u16(16)? == ET_DYN
            // e_phentsize.
            && bytes.u16(30 + 3 * WORD)? as usize == Self::SEGMENT_SIZE;
        if !is_shared_object {
            return None;
        }
        let table = bytes.word::<WORD>(24 + WORD)?; // e_phoff
        let count = bytes.u16(32 + 3 * WORD)?; // e_phnum
        Some((0..count).map(move |index| {
            let at = entry(table, index as usize, Self::SEGMENT_SIZE)?;
            // p_flags is behind p_type in the 64-bit header and behind p_memsz in the
            // 32-bit one, so that the words are in the same places.
            Some(Segment {
                kind: bytes.u32(at)?,
                offset: bytes.word::<WORD>(field(at, WORD)?)?,
                address: bytes.word::<WORD>(field(at, 2 * WORD)?)?,
                size: bytes.word::<WORD>(field(at, 5 * WORD)?)?,
            })
        }))
    }
}

/// What a program header says, as far as it matters here.
struct Segment {
    /// p_type.
    kind: u32,
    /// p_offset.
    offset: usize,
    /// p_vaddr.
    address: usize,
    /// p_memsz.
    size: usize,
}

/// Bytes to be read at any offset, little-endian: `None` beyond their end.
#[derive(Clone, Copy, Debug)]
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    fn u16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn word<const WORD: usize>(self, at: usize) -> Option<usize> {
        match WORD {
            4 => self.u32(at)?.try_into().ok(),
            _ => u64::from_le_bytes(self.array(at)?).try_into().ok(),
        }
    }
}

/// The offset `by` behind `at`.
fn field(at: usize, by: usize) -> Option<usize> {
    at.checked_add(by)
}

/// The offset of entry `index` of the table at `table`, whose entries have `size` bytes.
fn entry(table: usize, index: usize, size: usize) -> Option<usize> {
    index.checked_mul(size)?.checked_add(table)
}

/// DT_HASH's function of a name (gABI, "Hash Table").
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0, |hash: u32, &byte| {
        // Four bits move up with each byte, and come back into the lower half when they
        // leave: 28 are kept.
        let hash = (hash << 4).wrapping_add(byte.into());
        let high = hash & 0xf000_0000;
        (hash ^ high >> 24) & !high
    })
}

/// DT_GNU_HASH's function of a name: Bernstein's, 33 times and add.
fn gnu_hash(name: &[u8]) -> u32 {
    name.iter().fold(5381, |hash: u32, &byte| {
        hash.wrapping_mul(33).wrapping_add(byte.into())
    })
}

#[cfg(test)]
#[path = "elf/tests.rs"] // Also where the fuzzer has this file from elsewhere.
mod tests;
