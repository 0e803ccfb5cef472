//! A program's machine code, and what in it refers to what: the linker knows, where it is
//! told to keep it (--emit-relocs).

use anyhow::{Context, Result, bail};
use object::{
    File, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, Symbol,
    SymbolIndex, SymbolKind,
};
use xtask::arch::Arch;

/// The functions that a compiler may call without being told to, and memchr.
pub const MEM_FAMILY: [&str; 7] = [
    "memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen", "memchr",
];

/// A function, from its first byte to behind its last.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name, one of them if it has several.
    pub name: String,
    /// Where it begins.
    pub begin: u64,
    /// Where it has ended.
    pub end: u64,
}

/// A place in code that refers to a symbol.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// Where it is.
    pub place: u64,
    /// The relocation's type (psABI, "Relocation").
    kind: u32,
    symbol: SymbolIndex,
    addend: i64,
}

/// What an instruction does with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Calls it, or goes there.
    Call,
    /// Computes it, or a part of it.
    Compute,
    /// Loads from there or stores there, or something else.
    Other,
}

/// A program that was linked with --emit-relocs.
pub struct Program<'a> {
    arch: Arch,
    file: File<'a>,
}

impl<'a> Program<'a> {
    /// The program in the file with these bytes.
    ///
    /// # Errors
    ///
    /// If it is no ELF file.
    pub fn parse(arch: Arch, bytes: &'a [u8]) -> Result<Program<'a>> {
        let file = File::parse(bytes)?;
        Ok(Program { arch, file })
    }

    /// The file.
    pub fn file(&self) -> &File<'a> {
        &self.file
    }

    /// The function of this name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn function(&self, name: &str) -> Result<Function> {
        self.function_at(self.address(name)?)
    }

    /// What a symbol stands for.
    fn address(&self, name: &str) -> Result<u64> {
        let symbol = self.file.symbol_by_name(name);
        symbol
            .map(|symbol| symbol.address())
            .with_context(|| format!("there is no {name}"))
    }

    /// The symbol that is referred to.
    ///
    /// # Errors
    ///
    /// If the file is broken.
    pub fn symbol(&self, reference: &Reference) -> Result<Symbol<'a, '_>> {
        Ok(self.file.symbol_by_index(reference.symbol)?)
    }

    /// The function that `function` calls here, or goes to, if it does and that is
    /// another.
    ///
    /// # Errors
    ///
    /// If none is where the call goes.
    pub fn called(&self, function: &Function, reference: &Reference) -> Result<Option<Function>> {
        if self.use_at(reference)? != Use::Call {
            return Ok(None);
        }
        let target = self.target(reference)?;
        // On riscv64 jumps within a function are left to the linker.
        let is_inside = (function.begin..function.end).contains(&target);
        (!is_inside).then(|| self.function_at(target)).transpose()
    }

    /// What begins at one symbol and has as many bytes as another says.
    ///
    /// # Errors
    ///
    /// If there are no such symbols.
    pub fn sized(&self, begin: &str, size: &str) -> Result<Function> {
        let address = self.address(begin)?;
        Ok(Function {
            name: begin.to_owned(),
            begin: address,
            end: address + self.address(size)?,
        })
    }

    /// Where `function` refers to symbols.
    ///
    /// # Errors
    ///
    /// If the file is broken.
    pub fn references(&self, function: &Function) -> Result<Vec<Reference>> {
        let mut references = Vec::new();
        for (place, relocation) in self.code()?.relocations() {
            let RelocationFlags::Elf { r_type } = relocation.flags() else {
                bail!("this is no ELF file");
            };
            if !(function.begin..function.end).contains(&place) {
                continue;
            }
            // A note to the linker refers to nothing.
            if let RelocationTarget::Symbol(symbol) = relocation.target() {
                references.push(Reference {
                    place,
                    kind: r_type.0,
                    symbol,
                    addend: relocation.addend(),
                });
            }
        }
        Ok(references)
    }

    /// The section with the code.
    fn code(&self) -> Result<impl ObjectSection<'a> + use<'a, '_>> {
        self.file
            .section_by_name(".text")
            .context("there is no .text")
    }

    /// The function that begins at an address. One in assembly that does not say how long
    /// it is ends where the next symbol is.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn function_at(&self, begin: u64) -> Result<Function> {
        let symbols = || self.file.symbols();
        let symbol = symbols()
            .filter(|symbol| symbol.address() == begin && symbol.kind() != SymbolKind::Section)
            .max_by_key(|symbol| symbol.size())
            .with_context(|| format!("there is no function at {begin:#x}"))?;
        let addresses = symbols().map(|symbol| symbol.address());
        let next = addresses.filter(|&address| address > begin).min();
        let end = match symbol.size() {
            0 => next.context("there is nothing behind it")?,
            size => begin + size,
        };
        let name = symbol.name()?.to_owned();
        Ok(Function { name, begin, end })
    }

    /// Where a call goes.
    ///
    /// # Errors
    ///
    /// If it is nowhere in the code.
    pub fn target(&self, reference: &Reference) -> Result<u64> {
        match self.arch {
            // To the end of the instruction is added what its last 4 bytes hold.
            Arch::X86_64 | Arch::I386 => {
                let distance = self.bytes(reference.place, 4)?.try_into()?;
                let end = reference.place + 4;
                Ok(end.wrapping_add_signed(i32::from_le_bytes(distance).into()))
            }
            Arch::Aarch64 | Arch::Riscv64 => {
                let symbol = self.file.symbol_by_index(reference.symbol)?;
                Ok(symbol.address().wrapping_add_signed(reference.addend))
            }
        }
    }

    /// Bytes of the code.
    fn bytes(&self, from: u64, length: u64) -> Result<&'a [u8]> {
        let range = self.code()?.data_range(from, length)?;
        range.context("it is not in .text")
    }

    /// What the instruction does that the linker has completed.
    ///
    /// # Errors
    ///
    /// If it is nowhere in the code.
    pub fn use_at(&self, reference: &Reference) -> Result<Use> {
        let word = || -> Result<u32> {
            // A compressed instruction may be the last.
            let half =
                |at| Ok::<_, anyhow::Error>(u16::from_le_bytes(self.bytes(at, 2)?.try_into()?));
            let low = half(reference.place)?;
            let high = half(reference.place + 2).unwrap_or(0);
            Ok(u32::from(high) << 16 | u32::from(low))
        };
        Ok(match self.arch {
            Arch::X86_64 | Arch::I386 => {
                let before = self.bytes(reference.place - 3, 3)?;
                x86_use(self.arch, before, reference.kind)
            }
            Arch::Aarch64 => aarch64_use(word()?),
            Arch::Riscv64 => riscv64_use(word()?, reference.kind),
        })
    }
}

/// By the operation and the ModR/M byte before an address (Intel SDM, "Instruction
/// Format").
fn x86_use(arch: Arch, before: &[u8], kind: u32) -> Use {
    /// The distance from here to the global offset table, which is added to that.
    const R_386_GOTPC: u32 = 10;

    match (arch, before) {
        // call, jmp, jcc
        (_, [.., 0xe8 | 0xe9]) | (_, [_, 0x0f, 0x80..=0x8f]) => Use::Call,
        (Arch::I386, _) if kind == R_386_GOTPC => Use::Compute,
        // lea, relative to rip
        (Arch::X86_64, [_, 0x8d, modrm]) if modrm & 0xc7 == 0x05 => Use::Compute,
        // lea, relative to a register, and to two
        (Arch::I386, [_, 0x8d, modrm]) if modrm & 0xc0 == 0x80 => Use::Compute,
        (Arch::I386, [0x8d, modrm, _]) if modrm & 0xc7 == 0x84 => Use::Compute,
        _ => Use::Other,
    }
}

/// By the instruction (Arm ARM, "A64 instruction set encoding").
fn aarch64_use(word: u32) -> Use {
    const NOP: u32 = 0xd503_201f;
    match word {
        // b, bl
        _ if word & 0x7c00_0000 == 0x1400_0000 => Use::Call,
        // adr, adrp
        _ if word & 0x1f00_0000 == 0x1000_0000 => Use::Compute,
        // add (immediate)
        _ if word & 0x7f80_0000 == 0x1100_0000 => Use::Compute,
        // What the linker needs one instruction less for.
        NOP => Use::Compute,
        _ => Use::Other,
    }
}

/// By the instruction (The RISC-V Instruction Set Manual, "RV32/64G Instruction Set
/// Listings").
fn riscv64_use(word: u32, kind: u32) -> Use {
    /// An auipc and the jalr behind it.
    const R_RISCV_CALL: u32 = 18;
    const R_RISCV_CALL_PLT: u32 = 19;

    match word & 0x7f {
        _ if matches!(kind, R_RISCV_CALL | R_RISCV_CALL_PLT) => Use::Call,
        // jal, and a branch
        0x6f | 0x63 => Use::Call,
        // c.j, c.beqz, c.bnez
        _ if word & 3 == 1 && word >> 13 & 7 >= 5 => Use::Call,
        // auipc, addi
        0x17 | 0x13 => Use::Compute,
        _ => Use::Other,
    }
}
