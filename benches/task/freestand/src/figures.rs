//! Times, and what the kernel says of the process.

use alloc::vec::Vec;

use freestand::time::{Duration, Instant};
use freestand::{fs, println};

pub fn result(metric: &str, value: f64) {
    println!("RESULT {metric} {value:.3}");
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
    values.sort_unstable_by(f64::total_cmp);
    values[(share * (values.len() - 1) as f64) as usize]
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

/// Times operations in slices, of which it is an iterator: what it yields is how many
/// operations the next one has.
pub struct Slices {
    operations: u32,
    begin: Option<Instant>,
    times: Vec<f64>,
}

/// How many slices there are.
pub const SLICES: u32 = 200;

impl Slices {
    /// Of `count` operations.
    pub fn of(count: u32) -> Slices {
        Slices {
            operations: (count / SLICES).max(1),
            begin: None,
            times: Vec::with_capacity(SLICES as usize),
        }
    }

    /// The nanoseconds of an operation in the median slice.
    pub fn nanos(mut self) -> f64 {
        median(&mut self.times)
    }
}

impl Iterator for Slices {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if let Some(begin) = self.begin {
            let time = nanos(begin.elapsed());
            self.times.push(time / f64::from(self.operations));
        }
        self.begin = Some(Instant::now());
        (self.times.len() < SLICES as usize).then_some(self.operations)
    }
}
