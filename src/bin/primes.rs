//! Prints the first primes, by a sieve of tasks: `primes COUNT`.
//!
//! Numbers come out of one task and go through a chain of others. Each of those stands for a
//! prime and lets through what that does not divide; so what comes out at the end is the
//! next prime, for which the chain gets one task more.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::process::ExitCode;
use freestand::task::channel::{Receiver, bounded};
use freestand::{eprintln, println, task};

freestand::entry!(main);

/// How many numbers may wait between two tasks.
const WAITING: usize = 16;

fn main(mut args: Args) -> ExitCode {
    let count = args.nth(1).map(|count| count.to_str().map(str::parse));
    let (Some(Ok(Ok(count))), None) = (count, args.next()) else {
        eprintln!("usage: primes COUNT");
        return ExitCode::FAILURE;
    };
    let mut numbers = integers();
    for _ in 0_u32..count {
        let Ok(prime) = numbers.recv() else {
            eprintln!("primes: the next one is too large");
            return ExitCode::FAILURE;
        };
        println!("{prime}");
        numbers = without_multiples(prime, numbers);
    }
    ExitCode::SUCCESS
}

/// All from 2 on, for as long as somebody wants them.
fn integers() -> Receiver<u32> {
    let (sender, numbers) = bounded(WAITING);
    task::spawn(move || {
        for number in 2.. {
            if sender.send(number).is_err() {
                return;
            }
        }
    });
    numbers
}

/// Those of `numbers` that `prime` does not divide.
fn without_multiples(prime: u32, numbers: Receiver<u32>) -> Receiver<u32> {
    let (sender, left) = bounded(WAITING);
    task::spawn(move || {
        let not_divided = numbers.into_iter().filter(|number| number % prime != 0);
        for number in not_divided {
            if sender.send(number).is_err() {
                return;
            }
        }
    });
    left
}
