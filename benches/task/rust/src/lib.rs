//! What the peers' programs have in common: `PROGRAM WORK [N]`, and a line
//! `RESULT metric value` for each figure.

pub mod epoll;

use std::{
    env, fs,
    process::exit,
    thread,
    time::{Duration, Instant},
};

/// The work that is asked for.
pub fn work() -> String {
    env::args()
        .nth(1)
        .unwrap_or_else(|| fail("usage: PROGRAM WORK [N]"))
}

/// The argument after that, if there is one.
pub fn count(otherwise: usize) -> usize {
    let Some(argument) = env::args().nth(2) else {
        return otherwise;
    };
    match argument.parse() {
        Ok(count) if count > 0 => count,
        _ => fail(&format!("this is no count: {argument}")),
    }
}

/// The same argument, as the address to listen at or to connect to.
pub fn address() -> String {
    env::args()
        .nth(2)
        .unwrap_or_else(|| fail("usage: PROGRAM echo ADDRESS"))
}

/// Ends a program that was asked for what it cannot do.
pub fn fail(why: &str) -> ! {
    eprintln!("{why}");
    exit(2)
}

pub fn result(metric: &str, value: f64) {
    println!("RESULT {metric} {value:.3}");
}

/// How many threads are to run tasks.
pub fn workers() -> usize {
    let workers = env::var("WORKERS").ok();
    workers.map_or_else(
        || thread::available_parallelism().map_or(1, usize::from),
        |workers| {
            workers
                .parse()
                .unwrap_or_else(|_| fail("WORKERS is no number"))
        },
    )
}

/// The number behind `key` in /proc/self/status.
pub fn status(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("the kernel says it")
}

pub fn mappings() -> f64 {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc is there");
    maps.lines().count() as f64
}

/// The memory and the mappings of `count` tasks that wait, since the memory was `before`.
pub fn parked(count: usize, before: f64, took: Duration) {
    result(
        "parked_bytes",
        (status("VmRSS") - before) * 1024.0 / count as f64,
    );
    result("parked_maps", mappings());
    result("parked_spawn_ns", nanos(took) / count as f64);
}

pub fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

pub fn micros(duration: Duration) -> f64 {
    nanos(duration) / 1e3
}

pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that so much of them are not above.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(share * (values.len() - 1) as f64) as usize]
}

/// Times operations in slices, of which it is an iterator: what it yields is how many
/// operations the next one has.
pub struct Slices {
    operations: usize,
    begin: Option<Instant>,
    times: Vec<f64>,
}

/// How many slices there are.
const SLICES: usize = 200;

impl Slices {
    /// Of `count` operations.
    pub fn of(count: usize) -> Slices {
        Slices {
            operations: (count / SLICES).max(1),
            begin: None,
            times: Vec::with_capacity(SLICES),
        }
    }

    /// The nanoseconds of an operation in the median slice.
    pub fn nanos(mut self) -> f64 {
        median(&mut self.times)
    }
}

impl Iterator for Slices {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if let Some(begin) = self.begin {
            self.times
                .push(nanos(begin.elapsed()) / self.operations as f64);
        }
        self.begin = Some(Instant::now());
        (self.times.len() < SLICES).then_some(self.operations)
    }
}
