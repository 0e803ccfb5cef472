//! How large programs are, and whether they keep the rules.

use std::{ops::Range, path::Path};

use anyhow::{Context, Result, bail};
use comfy_table::{CellAlignment, Table, presets};
use object::{Object, ObjectSection, SectionKind};

use crate::{arch::Arch, elf::Image};

/// The table of sizes, to which programs are added.
pub struct Sizes {
    table: Table,
}

impl Default for Sizes {
    fn default() -> Self {
        let mut table = new_table(&[
            "program",
            "arch",
            "file",
            "without section headers",
            "segments (file / memory)",
            "sections",
        ]);
        align_right(&mut table, 2..4);
        Sizes { table }
    }
}

impl Sizes {
    /// Checks the program at `path` and adds its row. A program that breaks a rule
    /// is an error.
    pub fn add(&mut self, name: &str, arch: Arch, path: &Path) -> Result<()> {
        let mut image = Image::read(path)?;
        let broken = image.violations(arch);
        if !broken.is_empty() {
            bail!("{name} for {arch} breaks the rules: {}", broken.join("; "));
        }
        let file = image.len();
        let segments = segment_lines(&image);
        let sections = section_lines(image.bytes()).with_context(|| path.display().to_string())?;
        image.cut().with_context(|| path.display().to_string())?;
        self.table.add_row([
            name.to_string(),
            arch.to_string(),
            file.to_string(),
            image.len().to_string(),
            segments,
            sections,
        ]);
        Ok(())
    }
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.table.trim_fmt())
    }
}

/// An empty table in the style of this tool.
pub(crate) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_header(header.iter().copied());
    table
}

/// Puts these columns' cells to the right, as figures are.
pub(crate) fn align_right(table: &mut Table, columns: Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The loaded segments, one a line. Only writable ones may have more bytes in
/// memory than in the file.
fn segment_lines(image: &Image) -> String {
    let lines: Vec<String> = image
        .segments()
        .iter()
        .filter(|segment| segment.is_loaded())
        .map(|segment| {
            let rights = segment.rights();
            if segment.is_writable() {
                format!("{rights} {} / {}", segment.file_size, segment.memory_size)
            } else {
                format!("{rights} {}", segment.file_size)
            }
        })
        .collect();
    lines.join("\n")
}

/// The sections that are loaded, one a line.
fn section_lines(bytes: &[u8]) -> Result<String> {
    let file = object::File::parse(bytes)?;
    let lines: Vec<String> = file
        .sections()
        .filter(|section| section.address() != 0 && section.size() != 0)
        .filter(|section| section.kind() != SectionKind::Metadata)
        .map(|section| Ok(format!("{} {}", section.name()?, section.size())))
        .collect::<Result<_>>()?;
    Ok(lines.join("\n"))
}
