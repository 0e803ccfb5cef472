//! Programs built as small as the compiler can, with their symbols: what the compiler
//! makes of one function.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use object::{File, Object, ObjectSection, ObjectSymbol, SymbolKind};
use xtask::arch::Arch;
use xtask::program;

use crate::tool;

/// A function in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Where it is.
    pub address: u64,
    /// Its instructions.
    pub code: Vec<u8>,
}

/// A program and its functions.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where the file is.
    pub path: PathBuf,
    /// The functions, by their symbols.
    pub functions: BTreeMap<String, Function>,
    /// Where each symbol is, whatever it stands for.
    addresses: BTreeMap<String, u64>,
}

/// Builds the programs of these names at `opt-level = "z"`, with symbols.
///
/// # Errors
///
/// If they do not build, or are not readable.
pub fn build(arch: Arch, names: &[&str]) -> Result<Vec<Program>> {
    // By cargo, the tool would be compiled once more, with these flags and in that folder.
    let output = Command::new(tool::path())
        .args(["build", "--no-install", "--release", "--arch"])
        .arg(arch.to_string())
        .args(names)
        // A function is to be seen whole, and not with its end in one that the
        // compiler has made of what several have in common.
        .env("RUSTFLAGS", "-Cllvm-args=-enable-machine-outliner=never")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z")
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("CARGO_TARGET_DIR", program::target_dir().join("symbols"))
        .output()
        .context("cannot run xtask")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout)?
        .lines()
        .map(|path| Program::read(path.into()))
        .collect()
}

impl Program {
    fn read(path: PathBuf) -> Result<Program> {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = File::parse(&*bytes)?;
        let mut functions = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for symbol in file.symbols() {
            addresses.insert(symbol.name()?.to_owned(), symbol.address());
            let Some(index) = symbol.section_index() else {
                continue;
            };
            if symbol.kind() != SymbolKind::Text || symbol.size() == 0 {
                continue;
            }
            let code = file
                .section_by_index(index)?
                .data_range(symbol.address(), symbol.size())?
                .context("a symbol outside its section")?;
            let function = Function {
                address: symbol.address(),
                code: code.to_vec(),
            };
            functions.insert(symbol.name()?.to_owned(), function);
        }
        Ok(Program {
            path,
            functions,
            addresses,
        })
    }

    /// The function of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn function(&self, name: &str) -> Result<&Function> {
        self.functions
            .get(name)
            .with_context(|| format!("{} has no function {name}", self.path.display()))
    }

    /// The function's code, in which a call of i386's `freestand_syscall` is one of address
    /// 0: how far that is from the function is no matter of the function's.
    ///
    /// # Errors
    ///
    /// If there is no function of this name.
    pub fn code(&self, name: &str) -> Result<Vec<u8>> {
        let Function { address, mut code } = self.function(name)?.clone();
        let Some(&target) = self.addresses.get("freestand_syscall") else {
            return Ok(code);
        };
        for end in 5..=code.len() {
            let distance = target.wrapping_sub(address + end as u64) as u32;
            // call rel32 (Intel SDM, CALL).
            if code[end - 5] == 0xe8 && code[end - 4..end] == distance.to_le_bytes() {
                code[end - 4..end].fill(0);
            }
        }
        Ok(code)
    }
}
