//! ELF files: what the linker leaves to finish, and what they consist of.
//!
//! `ld.lld` puts the file's headers into the first segment only along with a
//! PT_PHDR entry that no program here reads, 56 bytes on a 64-bit machine. Linked
//! with `-n` the program has neither, and the kernel, finding no segment that
//! covers the program headers, says `AT_PHDR = 0`. [`Image::cover_headers`] is the
//! way between: the kernel maps whole pages, so the headers are in memory anyway,
//! and it is enough that the first segment says so.

use std::{
    fs,
    ops::Range,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use object::elf::{
    ELFCLASS32, ELFCLASS64, ELFDATA2LSB, ELFMAG, ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PT_DYNAMIC,
    PT_GNU_STACK, PT_INTERP, PT_LOAD,
};

use crate::{
    arch::Arch,
    path::{neighbour, write_program},
};

/// The page size that a file is cut for. A kernel with larger pages maps more of
/// the file, never less.
const PAGE: u64 = 0x1000;

/// Where a little-endian number is, counted from its table's beginning, and how
/// many bytes it has.
type Field = Range<usize>;

const fn field(offset: usize, size: usize) -> Field {
    offset..offset + size
}

/// What the file header and a program header look like in files of one class.
struct Class {
    program_headers: Field,
    section_headers: Field,
    program_header_size: Field,
    program_header_count: Field,
    section_header_count: Field,
    section_names_index: Field,
    header_size: usize,

    kind: Field,
    flags: Field,
    offset: Field,
    address: Field,
    physical_address: Field,
    file_size: Field,
    memory_size: Field,
    align: Field,
    segment_size: usize,
}

/// The header's fields that are where they are in every file.
const FILE_TYPE: Field = field(16, 2);
const MACHINE: Field = field(18, 2);

static CLASS32: Class = Class {
    program_headers: field(28, 4),
    section_headers: field(32, 4),
    program_header_size: field(42, 2),
    program_header_count: field(44, 2),
    section_header_count: field(48, 2),
    section_names_index: field(50, 2),
    header_size: 52,

    kind: field(0, 4),
    offset: field(4, 4),
    address: field(8, 4),
    physical_address: field(12, 4),
    file_size: field(16, 4),
    memory_size: field(20, 4),
    flags: field(24, 4),
    align: field(28, 4),
    segment_size: 32,
};

static CLASS64: Class = Class {
    program_headers: field(32, 8),
    section_headers: field(40, 8),
    program_header_size: field(54, 2),
    program_header_count: field(56, 2),
    section_header_count: field(60, 2),
    section_names_index: field(62, 2),
    header_size: 64,

    kind: field(0, 4),
    flags: field(4, 4),
    offset: field(8, 8),
    address: field(16, 8),
    physical_address: field(24, 8),
    file_size: field(32, 8),
    memory_size: field(40, 8),
    align: field(48, 8),
    segment_size: 56,
};

fn get(table: &[u8], field: &Field) -> u64 {
    let mut number = [0; 8];
    number[..field.len()].copy_from_slice(&table[field.clone()]);
    u64::from_le_bytes(number)
}

fn set(table: &mut [u8], field: &Field, value: u64) {
    table[field.clone()].copy_from_slice(&value.to_le_bytes()[..field.len()]);
}

/// A program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `p_type`.
    pub kind: u32,
    /// `p_flags`.
    pub flags: u32,
    /// `p_offset`.
    pub offset: u64,
    /// `p_vaddr`.
    pub address: u64,
    /// `p_paddr`.
    pub physical_address: u64,
    /// `p_filesz`.
    pub file_size: u64,
    /// `p_memsz`.
    pub memory_size: u64,
    /// `p_align`.
    pub align: u64,
}

impl Segment {
    fn read(class: &Class, table: &[u8]) -> Segment {
        Segment {
            kind: get(table, &class.kind) as u32,
            flags: get(table, &class.flags) as u32,
            offset: get(table, &class.offset),
            address: get(table, &class.address),
            physical_address: get(table, &class.physical_address),
            file_size: get(table, &class.file_size),
            memory_size: get(table, &class.memory_size),
            align: get(table, &class.align),
        }
    }

    fn write(&self, class: &Class, table: &mut [u8]) {
        set(table, &class.kind, self.kind.into());
        set(table, &class.flags, self.flags.into());
        set(table, &class.offset, self.offset);
        set(table, &class.address, self.address);
        set(table, &class.physical_address, self.physical_address);
        set(table, &class.file_size, self.file_size);
        set(table, &class.memory_size, self.memory_size);
        set(table, &class.align, self.align);
    }

    /// Whether the kernel maps this segment.
    pub fn is_loaded(&self) -> bool {
        self.kind == PT_LOAD.0
    }

    /// Whether the program may write to this segment.
    pub fn is_writable(&self) -> bool {
        self.flags & PF_W.0 != 0
    }

    /// Whether the program may execute what is in this segment.
    pub fn is_executable(&self) -> bool {
        self.flags & PF_X.0 != 0
    }

    /// The access rights as `R-X`.
    pub fn rights(&self) -> String {
        [(PF_R.0, 'R'), (PF_W.0, 'W'), (PF_X.0, 'X')]
            .map(|(flag, letter)| if self.flags & flag != 0 { letter } else { '-' })
            .iter()
            .collect()
    }

    /// The offset of the first byte in the file behind this segment.
    fn file_end(&self) -> u64 {
        self.offset + self.file_size
    }
}

/// An ELF file in memory.
pub struct Image {
    bytes: Vec<u8>,
    class: &'static Class,
}

impl Image {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Image> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Image::parse(bytes).with_context(|| path.display().to_string())
    }

    /// Takes `bytes` for an ELF file, having checked that its headers are whole.
    pub fn parse(bytes: Vec<u8>) -> Result<Image> {
        ensure!(bytes.starts_with(&ELFMAG), "not an ELF file");
        let class = match bytes.get(4) {
            Some(&class) if class == ELFCLASS32.0 => &CLASS32,
            Some(&class) if class == ELFCLASS64.0 => &CLASS64,
            _ => bail!("an ELF file of neither 32 nor 64 bits"),
        };
        ensure!(
            bytes.get(5) == Some(&ELFDATA2LSB.0),
            "not a little-endian ELF file"
        );
        ensure!(
            bytes.len() >= class.header_size,
            "the ELF header is cut short"
        );
        let image = Image { bytes, class };
        ensure!(
            image.header(&class.program_header_size) == class.segment_size as u64,
            "program headers of an unknown size"
        );
        ensure!(
            image.header(&class.program_headers) <= image.len()
                && image.headers_end() <= image.len(),
            "the program headers lie beyond the file's end"
        );
        for segment in image.segments() {
            let end = segment.offset.checked_add(segment.file_size);
            ensure!(
                !segment.is_loaded() || end.is_some_and(|end| end <= image.len()),
                "a segment lies beyond the file's end"
            );
        }
        Ok(image)
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes the file has.
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether the file is empty, which no ELF file is.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The program headers.
    pub fn segments(&self) -> Vec<Segment> {
        self.table()
            .map(|range| Segment::read(self.class, &self.bytes[range]))
            .collect()
    }

    /// Makes the first loaded segment begin at the file's first byte, so that it
    /// covers the headers, and gives loaded segments the alignment that a linker
    /// gives them without `-n`. Does nothing to a file that is so already.
    pub fn cover_headers(&mut self, page: u64) -> Result<()> {
        let mut segments = self.segments();
        for segment in segments.iter_mut().filter(|segment| segment.is_loaded()) {
            ensure!(
                segment.address >= segment.offset
                    && (segment.address - segment.offset).is_multiple_of(page),
                "the segment at {:#x} is not as far from a page's beginning as in the file: \
                 keep the sections' distance in link.ld",
                segment.address
            );
            segment.align = page;
        }
        let first = segments
            .iter_mut()
            .find(|segment| segment.is_loaded())
            .context("no segment is loaded")?;
        let grow = std::mem::take(&mut first.offset);
        first.address -= grow;
        first.physical_address = first.physical_address.saturating_sub(grow);
        first.file_size += grow;
        first.memory_size += grow;
        self.write_segments(&segments);
        Ok(())
    }

    /// Cuts off what no segment loads, the section headers above all, and the
    /// zeros at the end of the last segment in the file, which the kernel supplies.
    pub fn cut(&mut self) -> Result<()> {
        let mut segments = self.segments();
        let last = segments
            .iter_mut()
            .filter(|segment| segment.is_loaded() && segment.file_size > 0)
            .max_by_key(|segment| segment.file_end())
            .context("no segment is loaded from the file")?;
        let zeros = self.spare_zeros(last);
        last.file_size -= zeros;
        if !last.is_writable() {
            last.memory_size -= zeros;
        }
        let end = last.file_end().max(self.headers_end());
        self.write_segments(&segments);
        self.bytes.truncate(end as usize);
        for field in [
            &self.class.section_headers,
            &self.class.section_header_count,
            &self.class.section_names_index,
        ] {
            set(&mut self.bytes, field, 0);
        }
        Ok(())
    }

    /// How many zeros at the segment's end are there in memory even if the file
    /// ends before them: those in the page of the byte that stays, and not the
    /// headers' own.
    fn spare_zeros(&self, segment: &Segment) -> u64 {
        let end = segment.file_end();
        let floor = [
            (end - 1) / PAGE * PAGE + 1,
            segment.offset + 1,
            self.headers_end(),
        ]
        .into_iter()
        .max()
        .unwrap_or(end)
        .min(end);
        self.bytes[floor as usize..end as usize]
            .iter()
            .rev()
            .take_while(|&&byte| byte == 0)
            .count() as u64
    }

    /// Which of the rules for a program of `arch` this file breaks.
    pub fn violations(&self, arch: Arch) -> Vec<&'static str> {
        let segments = self.segments();
        let has = |kind: u32| segments.iter().any(|segment| segment.kind == kind);
        let executable_stack = segments
            .iter()
            .find(|segment| segment.kind == PT_GNU_STACK.0)
            .is_none_or(Segment::is_executable);
        [
            (
                self.header(&MACHINE) != u64::from(arch.machine().0),
                "it is for another machine",
            ),
            (
                ![ET_EXEC.0, ET_DYN.0]
                    .map(u64::from)
                    .contains(&self.header(&FILE_TYPE)),
                "it is neither ET_EXEC nor ET_DYN",
            ),
            (has(PT_INTERP.0), "it has an interpreter (PT_INTERP)"),
            (has(PT_DYNAMIC.0), "it has a dynamic section (PT_DYNAMIC)"),
            (
                segments
                    .iter()
                    .any(|segment| segment.is_writable() && segment.is_executable()),
                "a segment is both writable and executable",
            ),
            (
                executable_stack,
                "its stack is executable (PT_GNU_STACK is missing or has X)",
            ),
        ]
        .into_iter()
        .filter_map(|(broken, rule)| broken.then_some(rule))
        .collect()
    }

    fn header(&self, field: &Field) -> u64 {
        get(&self.bytes, field)
    }

    /// Where each program header is in the file.
    fn table(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let begin = self.header(&self.class.program_headers) as usize;
        let count = self.header(&self.class.program_header_count) as usize;
        let size = self.class.segment_size;
        (0..count).map(move |index| begin + index * size..begin + (index + 1) * size)
    }

    /// The offset of the first byte behind the file header and program headers.
    fn headers_end(&self) -> u64 {
        let count = self.header(&self.class.program_header_count);
        let table = self.header(&self.class.program_headers);
        (table + count * self.class.segment_size as u64).max(self.class.header_size as u64)
    }

    fn write_segments(&mut self, segments: &[Segment]) {
        for (range, segment) in self.table().zip(segments) {
            segment.write(self.class, &mut self.bytes[range]);
        }
    }
}

/// Finishes the program at `path` that was linked with `-n`; see
/// [`Image::cover_headers`]. A finished program is left alone.
pub fn finish(path: &Path, arch: Arch) -> Result<()> {
    let mut image = Image::read(path)?;
    let linked = image.bytes.clone();
    image
        .cover_headers(arch.page())
        .with_context(|| path.display().to_string())?;
    if image.bytes == linked {
        return Ok(());
    }
    let original = cargos_original(path);
    write(&image, path, path)?;
    match original {
        Some(original) => link(path, &original),
        None => Ok(()),
    }
}

/// The file in `deps` that cargo hard-links the program to. It has to be replaced
/// along with the program: else each cargo build would put the unfinished program
/// back for a moment, in which somebody may run it.
fn cargos_original(path: &Path) -> Option<PathBuf> {
    let number = |path: &Path| {
        let file = fs::metadata(path).ok()?;
        Some((file.dev(), file.ino()))
    };
    let program = number(path)?;
    fs::read_dir(path.parent()?.join("deps"))
        .ok()?
        .flatten()
        .map(|file| file.path())
        .find(|file| number(file) == Some(program))
}

/// Makes `name` a hard link to the file at `path`, in place of what it was.
fn link(path: &Path, name: &Path) -> Result<()> {
    let new = neighbour(name);
    fs::hard_link(path, &new)
        .and_then(|()| fs::rename(&new, name))
        .with_context(|| format!("cannot link {}", name.display()))
}

/// Writes the program at `path` once more, to `copy`, without section headers;
/// see [`Image::cut`].
pub fn cut_copy(path: &Path, copy: &Path) -> Result<()> {
    let mut image = Image::read(path)?;
    image.cut().with_context(|| path.display().to_string())?;
    write(&image, path, copy)
}

/// Writes `image` to `path` with the mode of the file `like`, all at once: who
/// opens or runs `path` meanwhile has either the old file or the new one.
fn write(image: &Image, like: &Path, path: &Path) -> Result<()> {
    let new = neighbour(path);
    let replace = || {
        write_program(&new, &image.bytes, fs::metadata(like)?.permissions())?;
        fs::rename(&new, path)
    };
    replace().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::elf::{FileHeader, ProgramHeader};

    const STACK: Segment = Segment {
        kind: PT_GNU_STACK.0,
        flags: PF_R.0 | PF_W.0,
        offset: 0,
        address: 0,
        physical_address: 0,
        file_size: 0,
        memory_size: 0,
        align: 0,
    };

    fn load(flags: u32, offset: u64, size: u64) -> Segment {
        Segment {
            kind: PT_LOAD.0,
            flags,
            offset,
            address: 0x40_0000 + offset,
            physical_address: 0x40_0000 + offset,
            file_size: size,
            memory_size: size,
            align: 4,
        }
    }

    /// An executable with these segments and this content behind the headers,
    /// and something like section headers at the end.
    fn image(class: &'static Class, segments: &[Segment], content: &[u8]) -> Image {
        let mut bytes = vec![0; class.header_size + segments.len() * class.segment_size];
        let (number, machine) = if class.header_size == 64 {
            (ELFCLASS64.0, Arch::X86_64.machine())
        } else {
            (ELFCLASS32.0, Arch::I386.machine())
        };
        bytes[..4].copy_from_slice(&ELFMAG);
        bytes[4..7].copy_from_slice(&[number, ELFDATA2LSB.0, 1]);
        set(&mut bytes, &FILE_TYPE, ET_EXEC.0.into());
        set(&mut bytes, &MACHINE, machine.0.into());
        for (field, value) in [
            (&class.program_headers, class.header_size),
            (&class.program_header_size, class.segment_size),
            (&class.program_header_count, segments.len()),
        ] {
            set(&mut bytes, field, value as u64);
        }
        bytes.extend(content);
        let section_headers = bytes.len() as u64;
        set(&mut bytes, &class.section_headers, section_headers);
        set(&mut bytes, &class.section_header_count, 3);
        set(&mut bytes, &class.section_names_index, 2);
        bytes.extend([0xee; 100]);
        let mut image = Image { bytes, class };
        image.write_segments(segments);
        Image::parse(image.bytes).expect("the image is well-formed")
    }

    fn text_image(class: &'static Class, content: &[u8]) -> Image {
        let headers = (class.header_size + 2 * class.segment_size) as u64;
        let text = load(PF_R.0 | PF_X.0, headers, content.len() as u64);
        image(class, &[text, STACK], content)
    }

    #[test]
    fn the_first_segment_comes_to_cover_the_headers_once() {
        for class in [&CLASS32, &CLASS64] {
            let mut image = text_image(class, b"code");
            image.cover_headers(PAGE).unwrap();
            let first = image.segments()[0];
            assert_eq!((first.offset, first.address), (0, 0x40_0000));
            assert_eq!(first.physical_address, 0x40_0000);
            assert_eq!(first.file_size, image.headers_end() + 4);
            assert_eq!(first.memory_size, first.file_size);
            assert_eq!(first.align, PAGE);
            assert_eq!(image.segments()[1], STACK);

            let finished = image.bytes.clone();
            image.cover_headers(PAGE).unwrap();
            assert_eq!(image.bytes, finished);
        }
    }

    #[test]
    fn a_segment_out_of_step_with_its_page_is_an_error() {
        let mut text = load(PF_R.0 | PF_X.0, 120, 4);
        text.address += 8;
        let mut image = image(&CLASS64, &[text], b"code");
        let error = image.cover_headers(PAGE).unwrap_err().to_string();
        assert!(error.contains("0x400080"), "{error}");
    }

    #[test]
    fn the_cut_takes_section_headers_and_trailing_zeros() {
        for class in [&CLASS32, &CLASS64] {
            let mut image = text_image(class, b"code\0\0\0");
            let before = image.segments()[0];
            let headers = image.headers_end();
            image.cut().unwrap();
            assert_eq!(image.len(), headers + 4);
            assert!(image.bytes.ends_with(b"code"));
            assert_eq!(image.header(&class.section_headers), 0);
            assert_eq!(image.header(&class.section_header_count), 0);
            assert_eq!(image.header(&class.section_names_index), 0);
            let after = image.segments()[0];
            assert_eq!(after.file_size, before.file_size - 3);
            assert_eq!(after.memory_size, before.memory_size - 3);

            let cut = image.bytes.clone();
            image.cut().unwrap();
            assert_eq!(image.bytes, cut);
        }
    }

    #[test]
    fn the_cut_keeps_the_size_in_memory_of_writable_data() {
        let data = load(PF_R.0 | PF_W.0, 120, 8);
        let mut image = image(&CLASS64, &[data], b"data\0\0\0\0");
        image.cut().unwrap();
        let after = image.segments()[0];
        assert_eq!((after.file_size, after.memory_size), (4, 8));
    }

    #[test]
    fn the_cut_stays_within_the_last_page_and_out_of_the_headers() {
        let mut content = vec![0; 2 * PAGE as usize];
        content[0] = 1;
        let mut long = text_image(&CLASS64, &content);
        long.cut().unwrap();
        assert_eq!(long.len(), 2 * PAGE + 1);

        let mut empty = text_image(&CLASS64, &[0; 16]);
        empty.cover_headers(PAGE).unwrap();
        empty.cut().unwrap();
        assert_eq!(empty.len(), empty.headers_end());
    }

    #[test]
    fn object_reads_what_is_written() {
        let mut image = text_image(&CLASS64, b"code\0");
        image.cover_headers(0x1_0000).unwrap();
        image.cut().unwrap();
        let data = image.bytes();
        let header = object::elf::FileHeader64::<object::Endianness>::parse(data).unwrap();
        let endian = header.endian().unwrap();
        let programs = header.program_headers(endian, data).unwrap();
        assert_eq!(programs.len(), 2);
        assert_eq!(programs[0].p_vaddr(endian), 0x40_0000);
        assert_eq!(programs[0].p_filesz(endian), data.len() as u64);
        assert_eq!(programs[0].p_align(endian), 0x1_0000);
        assert_eq!(header.e_shnum(endian), 0);
    }

    #[test]
    fn the_rules_are_checked() {
        let text = load(PF_R.0 | PF_X.0, 200, 4);
        let bad_stack = Segment { flags: 7, ..STACK };
        let interpreter = Segment {
            kind: PT_INTERP.0,
            ..STACK
        };
        let good = text_image(&CLASS64, b"code");
        assert_eq!(good.violations(Arch::X86_64), Vec::<&str>::new());
        assert_eq!(good.violations(Arch::Riscv64).len(), 1);
        let bad = image(&CLASS64, &[text, bad_stack, interpreter], &[0; 64]);
        let violations = bad.violations(Arch::X86_64);
        assert_eq!(violations.len(), 3, "{violations:?}");
        let no_stack = image(&CLASS64, &[text], &[0; 128]);
        assert_eq!(no_stack.violations(Arch::X86_64).len(), 1);
    }

    #[test]
    fn malformed_files_are_errors() {
        let whole = text_image(&CLASS64, b"code").bytes;
        for length in [0, 3, 5, 60, 100] {
            assert!(Image::parse(whole[..length].to_vec()).is_err(), "{length}");
        }
        let mut far = whole.clone();
        set(&mut far, &CLASS64.program_headers, u64::MAX - 8);
        assert!(Image::parse(far).is_err());
    }
}
