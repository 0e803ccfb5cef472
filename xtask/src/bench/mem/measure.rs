//! The two ways to measure, and the size of the code.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSymbol, SymbolKind};

use super::{
    SUITE,
    sample::{Sample, add_run},
};
use crate::{
    arch::Arch,
    bench::{
        build::{execute, folder, glibc_cc},
        launch::printed,
        steps::between_marks,
    },
    install::{self, Install, Need},
    program::{self, Options, Package, root},
    run::find_qemu,
    toolchain::{self, Tools},
};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Nanoseconds, on this machine.
    Time,
    /// Instructions, under qemu.
    Instructions,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Measured::Time => "time",
            Measured::Instructions => "instructions",
        })
    }
}

/// The program that calls each function for who counts its instructions, in C for
/// glibc's and in Rust for ours.
const COUNTED: &str = "mem_count";

/// What that calls before and after.
const MARK: &str = "bench_mark";

/// Times this machine's functions by `runs` runs of benches/mem.rs.
pub fn time(runs: usize) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for run in 1..=runs {
        eprintln!("mem: run {run} of {runs}");
        let mut cargo = Command::new(toolchain::cargo());
        cargo
            .current_dir(root())
            .args(["run", "--quiet", "--release"])
            .args(["--package", "freestand-benches", "--bin", SUITE]);
        let printed = String::from_utf8(printed(&mut cargo)?)?;
        add_run(&mut samples, samples_in(&printed)?);
    }
    Ok(samples)
}

fn samples_in(printed: &str) -> Result<Vec<Sample>> {
    let samples: Vec<Sample> = printed
        .lines()
        .filter_map(|line| Sample::parse(line).transpose())
        .collect::<Result<_>>()?;
    ensure!(!samples.is_empty(), "nothing was measured");
    Ok(samples)
}

/// Counts the instructions of another architecture's functions.
pub fn count(tools: &Tools, install: Install) -> Result<Vec<Sample>> {
    let arch = tools.arch;
    let mut needs = Vec::new();
    needs.extend(find_qemu(arch).is_none().then_some(Need::Qemu(arch)));
    needs.extend(glibc_cc(arch).is_none().then_some(Need::Glibc(arch)));
    install::satisfy(&needs, install)?;

    eprintln!("mem for {arch}: ours");
    let ours = counts_of(arch, &ours(tools)?)?;
    eprintln!("mem for {arch}: glibc's");
    let theirs = counts_of(arch, &theirs(arch)?)?;
    pair(ours, theirs)
}

/// The instructions of a call, and what it was: function, pattern, mode and size.
type Count = (String, u64);

/// Both sides' counts as samples: they have made the same calls in the same order.
fn pair(ours: Vec<Count>, theirs: Vec<Count>) -> Result<Vec<Sample>> {
    ensure!(
        ours.len() == theirs.len(),
        "they do not make the same calls"
    );
    let pairs = ours.into_iter().zip(theirs);
    pairs
        .map(|((call, ours), (other, theirs))| {
            ensure!(call == other, "one calls {call}, the other {other}");
            Sample::parse(&format!("{call}\t{ours}\t{theirs}"))?.context("a call is a line of tabs")
        })
        .collect()
}

/// Runs the program at `path`.
fn counts_of(arch: Arch, path: &Path) -> Result<Vec<Count>> {
    let qemu = find_qemu(arch).context("qemu is gone")?;
    let mut options = processor(arch).to_vec();
    // Where a cross compiler's libraries are.
    let libraries = format!("/usr/{}", arch.gnu());
    if Path::new(&libraries).is_dir() {
        options.extend(["-L", &libraries]);
    }
    let (printed, counts) = between_marks(&qemu, &options, path, MARK)?;
    calls(&printed, &counts)
}

/// The processor for which glibc chooses its functions: one that many have.
fn processor(arch: Arch) -> &'static [&'static str] {
    match arch {
        Arch::X86_64 | Arch::I386 => &["-cpu", "max"],
        Arch::Aarch64 => &["-cpu", "cortex-a72"],
        // glibc has but one of each.
        Arch::Riscv64 => &[],
    }
}

/// What was called, and by how many instructions. The first interval is that of a function
/// that does nothing but return; between two calls is another interval.
fn calls(printed: &str, intervals: &[u64]) -> Result<Vec<Count>> {
    let mut counts = intervals.iter().step_by(2);
    let nothing = counts.next().context("nothing was called")?;
    let calls: Vec<Count> = printed
        .lines()
        .zip(counts.by_ref())
        .map(|(line, &count)| {
            // The return is the function's.
            let count = (count + 1).checked_sub(*nothing).filter(|&count| count > 0);
            let count = count.with_context(|| format!("no instruction of {line} was counted"))?;
            Ok((line.to_string(), count))
        })
        .collect::<Result<_>>()?;
    ensure!(
        calls.len() == printed.lines().count() && counts.next().is_none(),
        "as many calls are printed as counted"
    );
    Ok(calls)
}

/// Our program, with symbols.
fn ours(tools: &Tools) -> Result<PathBuf> {
    let options = Options {
        relocations: true,
        ..Options::release()
    };
    let program = program::find(Package::TestPrograms, COUNTED, tools.arch)?;
    program::build(tools, &program, options)
}

/// glibc's, with symbols too, and linked dynamically: of its static libraries, i386's has
/// but one of most functions, and not the best.
fn theirs(arch: Arch) -> Result<PathBuf> {
    let folder = folder(SUITE).join(arch.name());
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(COUNTED);
    let mut cc = glibc_cc(arch).context("no C compiler links with glibc")?;
    cc.args(["-O2", "-fPIE", "-pie", "-o"])
        .arg(&path)
        .arg(root().join("benches/mem/count.c"));
    execute(&mut cc)?;
    Ok(path)
}

/// The bytes of the family's code.
pub fn code(tools: &Tools) -> Result<u64> {
    let path = ours(tools)?;
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = object::File::parse(&*bytes)?;
    // Some functions have several names.
    let functions: BTreeMap<u64, u64> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text)
        .filter(|symbol| symbol.name().is_ok_and(is_of_the_family))
        .map(|symbol| (symbol.address(), symbol.size()))
        .collect();
    ensure!(!functions.is_empty(), "{} has no symbols", path.display());
    Ok(functions.values().sum())
}

/// Whether a function is one of the family, or one that only those call.
fn is_of_the_family(symbol: &str) -> bool {
    let names = [
        "memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen", "memchr",
    ];
    // `freestand::mem` and `freestand::arch::imp::mem`, mangled.
    let modules = ["9freestand3mem", "9freestand4arch3imp3mem"];
    names.contains(&symbol) || modules.iter().any(|module| symbol.contains(module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_has_the_instructions_that_a_call_of_nothing_has_not() {
        let printed = "memcpy\ta\ti\t1\nmemcpy\ta\ti\t2\n";
        let expected = [
            ("memcpy\ta\ti\t1".to_string(), 8),
            ("memcpy\ta\ti\t2".to_string(), 11),
        ];
        assert_eq!(calls(printed, &[5, 900, 12, 901, 15]).unwrap(), expected);
        assert!(calls(printed, &[5, 900, 12]).is_err());
        assert!(calls(printed, &[5, 900, 12, 901, 15, 902, 17]).is_err());
        assert!(calls(printed, &[5, 900, 4, 901, 15]).is_err());
        assert!(calls("", &[]).is_err());
    }

    #[test]
    fn both_sides_must_call_the_same() {
        let count = |call: &str, count| (call.to_string(), count);
        let pairs = pair(vec![count("f\tp\tm\t4", 6)], vec![count("f\tp\tm\t4", 3)]).unwrap();
        assert_eq!(
            (pairs[0].size, pairs[0].ours, pairs[0].theirs),
            (4, 6.0, 3.0)
        );
        assert!(pair(vec![count("f\tp\tm\t4", 6)], vec![count("f\tp\tm\t5", 3)]).is_err());
        assert!(pair(vec![count("f\tp\tm\t4", 6)], vec![]).is_err());
    }

    #[test]
    fn the_family_is_known_by_its_symbols() {
        for symbol in [
            "memcpy",
            "bcmp",
            "_ZN9freestand4arch3imp3mem5learn17hc5ae17218474efd0E",
        ] {
            assert!(is_of_the_family(symbol), "{symbol}");
        }
        for symbol in [
            "main",
            "_ZN4core5slice6memchr14memchr_aligned17h0E",
            "bench_mark",
        ] {
            assert!(!is_of_the_family(symbol), "{symbol}");
        }
    }

    #[test]
    fn lines_for_people_are_no_samples() {
        let samples = samples_in("f\tp\tm\t4\t1\t2\t0.5\n\n| f | 0.5 |\n").unwrap();
        assert_eq!(samples.len(), 1);
        assert!(samples_in("| f |\n").is_err());
    }
}
