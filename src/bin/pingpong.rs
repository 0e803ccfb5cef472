//! Tasks in a ring, each with a channel to the next, and one number that goes round:
//! `pingpong [TASKS [ROUNDS]]`. It prints how long it takes from one task to the next.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::process::ExitCode;
use freestand::task::{self, channel::bounded};
use freestand::time::Instant;
use freestand::{eprintln, println};

freestand::entry!(main);

fn main(args: Args) -> ExitCode {
    let mut numbers = [1000, 1000];
    let mut arguments = args.skip(1);
    for number in &mut numbers {
        let Some(argument) = arguments.next() else {
            break;
        };
        match argument.to_str().map(str::parse) {
            Ok(Ok(given @ 1_u32..)) => *number = given,
            _ => return usage(),
        }
    }
    if arguments.next().is_some() {
        return usage();
    }
    let [tasks, rounds] = numbers;

    // Each adds one and hands on, until there is nothing to come. This task is the last.
    let (first, mut received) = bounded(1);
    for _ in 1..tasks {
        let (next, received_there) = bounded(1);
        let from_before = core::mem::replace(&mut received, received_there);
        task::spawn(move || {
            for number in from_before {
                if next.send(number + 1).is_err() {
                    return;
                }
            }
        });
    }

    let begin = Instant::now();
    for _ in 0..rounds {
        first.send(1_u32).expect("the second task is there");
        let number = received.recv().expect("the task before is there");
        assert_eq!(number, tasks, "each task has added one");
    }
    let took = begin.elapsed();

    let handed = u64::from(tasks) * u64::from(rounds);
    println!(
        "{tasks} tasks, {rounds} rounds: {} ns from task to task",
        took.as_nanos() / u128::from(handed)
    );
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: pingpong [TASKS [ROUNDS]], each at least 1");
    ExitCode::FAILURE
}
