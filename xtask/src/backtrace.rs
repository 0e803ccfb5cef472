//! Backtraces that programs print: to each address the function, the file and the line.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    path::Path,
};

use addr2line::{Loader, Location, demangle_auto};
use anyhow::{Context, Result, anyhow};
use object::{Object, ObjectSymbol, SymbolKind};

use crate::elf::Image;

/// What a program's addresses mean.
pub struct Translator {
    lines: Loader,
    /// The functions' symbols, by where they begin: their sizes and names.
    functions: BTreeMap<u64, (u64, String)>,
    /// Where the program was linked to be loaded.
    base: u64,
}

impl Translator {
    /// For the program at `path`, which has its symbols and line tables.
    pub fn new(path: &Path) -> Result<Translator> {
        let image = Image::read(path)?;
        let segments = image.segments();
        let first = segments
            .iter()
            .find(|segment| segment.is_loaded())
            .context("no segment is loaded")?;
        let functions = object::File::parse(image.bytes())?
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
            .filter_map(|symbol| Some((symbol.address(), (symbol.size(), symbol.name().ok()?))))
            .map(|(address, (size, name))| {
                let name = demangle_auto(name.into(), None).into_owned();
                (address, (size, name))
            })
            .collect();
        let lines = Loader::new(path)
            .map_err(|error| anyhow!("cannot read {}: {error}", path.display()))?;
        Ok(Translator {
            lines,
            functions,
            base: first.address - first.offset,
        })
    }

    /// Copies `from` to `to` at once and as it is, but for what it adds to the lines of
    /// backtraces. Ends with `from`, or when `to` takes no more.
    pub fn copy(&self, mut from: impl Read, mut to: impl Write) -> Result<()> {
        let mut text = Text {
            translator: self,
            line: Vec::new(),
            moved_by: None,
        };
        let mut buffer = [0; 4096];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => to.write_all(&text.add(&buffer[..count]))?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// `function at file:line` for the call that ends before `address`: first the
    /// function that is inlined deepest, last the one that all are inlined into.
    fn calls(&self, address: u64) -> Vec<String> {
        let probe = address.wrapping_sub(1);
        let mut functions = Vec::new();
        let mut places = Vec::new();
        if let Ok(mut frames) = self.lines.find_frames(probe) {
            while let Ok(Some(frame)) = frames.next() {
                let function = frame.function.as_ref();
                let name = function.and_then(|function| Some(function.demangle().ok()?.into()));
                functions.push(name.unwrap_or("?".to_string()));
                places.push(frame.location.and_then(place).unwrap_or_default());
            }
        }
        // The symbol table has the whole name of what is not inlined, also where line
        // tables have less of it or there are none.
        if let Some(function) = self.function(probe) {
            functions.pop();
            functions.push(function.to_string());
        }
        places.resize(functions.len(), String::new());
        let calls = functions.into_iter().zip(places);
        calls.map(|(function, place)| function + &place).collect()
    }

    /// The name of the function that the symbol table has at `address`. One without a
    /// size, as assembly's are, goes on to the next.
    fn function(&self, address: u64) -> Option<&str> {
        let (begin, (size, name)) = self.functions.range(..=address).next_back()?;
        (*size == 0 || address - begin < *size).then_some(name)
    }
}

/// ` at file:line`, or without a line where there is none.
fn place(location: Location<'_>) -> Option<String> {
    let file = location.file?;
    let file = file.strip_prefix("./").unwrap_or(file);
    Some(match location.line {
        Some(line) if line > 0 => format!(" at {file}:{line}"),
        _ => format!(" at {file}"),
    })
}

/// A program's text on its way, in which lines are looked for.
struct Text<'a> {
    translator: &'a Translator,
    /// The line so far, or enough of it.
    line: Vec<u8>,
    /// In a backtrace, how far the program lies from where it was linked to be.
    moved_by: Option<u64>,
}

/// More bytes than a line has to which something is added.
const ENOUGH: usize = 64;

impl Text<'_> {
    /// The next piece of text, with what there is to add.
    fn add(&mut self, text: &[u8]) -> Vec<u8> {
        let mut result = Vec::with_capacity(text.len());
        for piece in text.split_inclusive(|&byte| byte == b'\n') {
            let (line, newline) = match piece.strip_suffix(b"\n") {
                Some(line) => (line, &b"\n"[..]),
                None => (piece, &b""[..]),
            };
            result.extend_from_slice(line);
            self.line.extend(line.iter().take(ENOUGH - self.line.len()));
            if !newline.is_empty() {
                result.extend_from_slice(self.end_line().as_bytes());
                result.extend_from_slice(newline);
            }
        }
        result
    }

    /// What belongs at the end of the line, which is complete.
    fn end_line(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let number = |digits: &str| u64::from_str_radix(digits, 16).ok();

        let address = line.strip_prefix("  0x").and_then(number);
        if let (Some(moved_by), Some(address)) = (self.moved_by, address) {
            let calls = self.translator.calls(address.wrapping_sub(moved_by));
            let indent = format!("\n{:width$}", "", width = line.len());
            let calls = calls.iter().map(|call| format!(" {call}"));
            return calls.collect::<Vec<_>>().join(&indent);
        }
        self.moved_by = line
            .strip_prefix("backtrace, image at 0x")
            .and_then(|line| line.strip_suffix(':'))
            .and_then(number)
            .map(|base| base.wrapping_sub(self.translator.base));
        String::new()
    }
}
