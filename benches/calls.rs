//! What a typed system call costs: the instructions of the functions of `sys` against
//! those of the instruction and a test for an error, written by hand.
//!
//! `cargo bench -p freestand-tests --bench calls` builds both for size, counts the
//! instructions of one call that succeeds, by single steps, and prints a table: typed,
//! and how many more than by hand.

use anyhow::{Result, bail};
use freestand_tests::symbols::{self, Program};
use freestand_tests::target::Target;
use freestand_tests::trace::count::count_call;
use freestand_tests::trace::{Launch, Streams, Tracee};
use xtask::arch::Arch;
use xtask::program::Profile;

fn main() -> Result<()> {
    let mut columns = Vec::new();
    for arch in Arch::ALL {
        let target = Target::new(arch, Profile::Release);
        if let Some(missing) = target.obstacle() {
            bail!("{missing} is missing: run `cargo xtask setup`");
        }
        let programs = symbols::build(arch, &["calls_typed", "calls_by_hand"])?;
        let [typed, by_hand] = &programs[..] else {
            bail!("{} programs were built, not 2", programs.len());
        };
        columns.push((arch, count(target, typed)?, count(target, by_hand)?));
    }

    print!("| call |");
    columns.iter().for_each(|(arch, ..)| print!(" {arch} |"));
    print!("\n|---|{}\n", "--:|".repeat(columns.len()));
    for (row, (name, _)) in columns[0].1.iter().enumerate() {
        print!("| `{name}` |");
        for (_, typed, by_hand) in &columns {
            let (typed, by_hand) = (typed[row].1, by_hand[row].1);
            match typed - by_hand {
                0 => print!(" {typed} |"),
                more => print!(" {typed} ({more:+}) |"),
            }
        }
        println!();
    }
    Ok(())
}

/// The calls, in the order in which the programs make them.
const CALLS: [&str; 12] = [
    "getpid",
    "read",
    "write",
    "openat",
    "open",
    "create",
    "lseek",
    "pread64",
    "pipe2",
    "mmap",
    "munmap",
    "clock_gettime",
];

/// The instructions of each call.
fn count(target: Target, program: &Program) -> Result<Vec<(&'static str, i64)>> {
    let launch = Launch::new(program.path.clone(), target.arch, target.how());
    let mut tracee = Tracee::start(&launch, Streams::default())?;
    let mut counts = Vec::new();
    for name in CALLS {
        let address = program.function(&format!("subject_{name}"))?.address;
        counts.push((name, count_call(&mut tracee, address)?.try_into()?));
    }
    Ok(counts)
}
