//! Static-PIE: what runs before a program is relocated relies on nothing that is.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use freestand_tests::references::{Function, MEM_FAMILY, Program, Reference, Use};
use freestand_tests::target::Target;
use freestand_tests::{cases, harness};
use object::{Object, ObjectSection, ObjectSymbol, SectionIndex, SectionKind};
use xtask::program::{self, Options};

cases![relocation_needs_no_relocation];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// Reads the machine code that relocates a program, with whatever it calls, and looks at
/// each place where the linker had to put in what only it knew, which is each place that
/// refers to something outside of the function.
///
/// There may be direct calls and jumps, and instructions that compute an address. There
/// may be no load and no store, such as one from the global offset table. What the
/// addresses are of is not written to at run time, so it holds no word to be relocated, nor
/// what such a word leads to: no function is called but by its distance.
fn relocation_needs_no_relocation(target: Target) -> Result<()> {
    let options = Options {
        pie: true,
        relocations: true,
        ..Options::new(target.profile)
    };
    let hello = program::select(&["hello".to_string()], target.arch)?;
    let path = program::build(target.tools()?, &hello[0], options)?;
    let image = fs::read(&path)?;
    let program = Program::parse(target.arch, &image)?;

    // The piece of start-up, in assembly, refers to its table and to what it calls.
    let piece = program.sized("freestand_relocate", "freestand_relocates")?;
    let mut next = Vec::new();
    for reference in program.references(&piece)? {
        next.extend(program.called(&piece, &reference)?);
    }
    ensure!(next.len() == 1, "the piece calls {next:?}");

    let mut seen = BTreeSet::new();
    while let Some(function) = next.pop() {
        if !seen.insert(function.name.clone()) {
            continue;
        }
        for reference in program.references(&function)? {
            let called = check(&program, &function, &reference)
                .with_context(|| format!("{} at {:#x}", function.name, reference.place))?;
            if let Some(called) = called {
                let is_mem = MEM_FAMILY.contains(&&*called.name);
                ensure!(!is_mem, "{} calls {}", function.name, called.name);
                next.push(called);
            }
        }
    }
    Ok(())
}

/// Checks what `function` does with a symbol's address, and returns the function that it
/// calls, if it does.
fn check(
    program: &Program,
    function: &Function,
    reference: &Reference,
) -> Result<Option<Function>> {
    let symbol = program.symbol(reference)?;
    let name = symbol.name()?;
    match program.use_at(reference)? {
        Use::Call => program.called(function, reference),
        Use::Compute if name == "_GLOBAL_OFFSET_TABLE_" => Ok(None),
        Use::Compute => {
            let index = symbol.section_index();
            let is_constant = index.is_some_and(|index| is_constant(program, index));
            ensure!(is_constant, "refers to {name}, which can be written");
            Ok(None)
        }
        Use::Other => bail!("loads or stores by the address of {name:?}"),
    }
}

fn is_constant(program: &Program, index: SectionIndex) -> bool {
    program.file().section_by_index(index).is_ok_and(|section| {
        matches!(
            section.kind(),
            SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::ReadOnlyString
        )
    })
}
