//! What reading a clock costs: a freestanding program's calls through the vDSO, the same
//! system calls, and this program's calls of the C library.
//!
//! `cargo bench -p freestand-tests --bench time` prints nanoseconds a call: the three take
//! turns, and of each the median round counts. Only architectures that this machine's
//! kernel runs are measured; the C library is the host's.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use xtask::arch::Arch;
use xtask::program::{self, Options, Package};
use xtask::run;
use xtask::toolchain::Tools;

const ROUNDS: usize = 31;

/// Nanoseconds of a call in each round, by its name.
type Rounds = BTreeMap<String, Vec<f64>>;

fn main() -> Result<()> {
    println!(
        "| architecture | call | vDSO, ns | system call, ns | C library, ns \
         | system call : vDSO | vDSO : C library |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|");
    for arch in Arch::ALL.into_iter().filter(|&arch| run::is_native(arch)) {
        let rounds = measure(arch)?;
        for name in ["clock_gettime", "clock_getres", "getcpu", "getrandom"] {
            let ours = median(&rounds, name).context("nothing measured")?;
            let call = median(&rounds, &format!("{name}, system call"));
            let libc = median(&rounds, &format!("{name}, C library"));
            print!("| {arch} | `{name}` | {ours:.1} |");
            cell(call, 1);
            cell(libc, 1);
            cell(call.map(|call| call / ours), 1);
            cell(libc.map(|libc| ours / libc), 2);
            println!();
        }
    }
    Ok(())
}

fn cell(number: Option<f64>, digits: usize) {
    match number {
        Some(number) => print!(" {number:.digits$} |"),
        None => print!(" |"),
    }
}

fn median(rounds: &Rounds, name: &str) -> Option<f64> {
    let mut rounds = rounds.get(name)?.clone();
    rounds.sort_by(f64::total_cmp);
    Some(rounds[rounds.len() / 2])
}

/// Runs the program `time_bench`, and has the C library's turn after each run.
fn measure(arch: Arch) -> Result<Rounds> {
    let tools = Tools::find(arch).map_err(|needs| anyhow::anyhow!("missing: {needs:?}"))?;
    let program = program::find(Package::TestPrograms, "time_bench", arch)?;
    let path = program::build(&tools, &program, Options::release())?;
    let mut rounds = Rounds::new();
    for _ in 0..ROUNDS {
        let output = Command::new(&path).output()?;
        ensure!(output.status.success(), "{output:?}");
        for line in String::from_utf8(output.stdout)?.lines() {
            let (name, picoseconds) = line.split_once(": ").context("a name and a number")?;
            let nanoseconds = picoseconds.parse::<f64>()? / 1000.0;
            rounds.entry(name.into()).or_default().push(nanoseconds);
        }
        if Some(arch) == Arch::host() {
            c_library(&mut rounds);
        }
    }
    Ok(rounds)
}

fn c_library(rounds: &mut Rounds) {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let (mut cpu, mut bytes) = (0, [0_u8; 16]);
    // SAFETY: each writes to a place that is there.
    unsafe {
        measure_one(rounds, "clock_gettime", || {
            libc::clock_gettime(libc::CLOCK_MONOTONIC, black_box(&mut time))
        });
        measure_one(rounds, "clock_getres", || {
            libc::clock_getres(libc::CLOCK_MONOTONIC, black_box(&mut time))
        });
        measure_one(rounds, "getcpu", || {
            cpu = libc::sched_getcpu();
            cpu
        });
        measure_one(rounds, "getrandom", || {
            libc::getrandom(black_box(&mut bytes).as_mut_ptr().cast(), bytes.len(), 0)
        });
    }
}

/// As the program does it.
fn measure_one<T>(rounds: &mut Rounds, name: &str, mut function: impl FnMut() -> T) {
    const TIMES: u32 = 200_000;
    black_box(function());
    let begin = Instant::now();
    for _ in 0..TIMES {
        black_box(function());
    }
    let nanoseconds = begin.elapsed().as_nanos() as f64 / f64::from(TIMES);
    rounds
        .entry(format!("{name}, C library"))
        .or_default()
        .push(nanoseconds);
}
