//! Does to its standard streams what its arguments say, one after the other, and
//! says on standard error what each `Result` was.
//!
//! A step is `VERB=OPERAND`. A text may be `@N`: the first N bytes of a pattern
//! in which no eight bytes come twice.

#![no_std]
#![no_main]

use core::fmt::Debug;
use core::str;

use freestand::env::Args;
use freestand::io::{Read, Write, stderr, stdin, stdout};
use freestand::{eprint, eprintln, print, println, process};

freestand::entry!(main);

static PATTERN: [u8; 24_000] = pattern();

/// Numbers of seven digits, each with a comma after it.
const fn pattern() -> [u8; 24_000] {
    let mut pattern = [b','; 24_000];
    let mut number = 0;
    while number < pattern.len() / 8 {
        let (mut digit, mut rest) = (7, number);
        while digit > 0 {
            digit -= 1;
            pattern[8 * number + digit] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        number += 1;
    }
    pattern
}

fn main(args: Args) {
    for step in args.skip(1) {
        let step = step.to_str().expect("steps are UTF-8");
        let (verb, operand) = step.split_once('=').unwrap_or((step, ""));
        let text = match operand.strip_prefix('@') {
            Some(len) => str::from_utf8(&PATTERN[..number(len)]).expect("digits are UTF-8"),
            None => operand,
        };
        match verb {
            "print" => print!("{text}"),
            "println" => println!("{text}"),
            "eprint" => eprint!("{text}"),
            "eprintln" => eprintln!("{text}"),
            "write" => report(step, stdout().write(text.as_bytes())),
            "write_all" => report(step, stdout().write_all(text.as_bytes())),
            "flush" => report(step, stdout().flush()),
            "stderr_write" => report(step, stderr().write(text.as_bytes())),
            "stderr_write_all" => report(step, stderr().write_all(text.as_bytes())),
            "stderr_flush" => report(step, stderr().flush()),
            "read" => {
                let mut buf = [0; 64];
                let result = stdin().read(&mut buf[..number(operand)]);
                report(
                    step,
                    result.map(|n| str::from_utf8(&buf[..n]).expect("UTF-8")),
                );
            }
            "exit" => process::exit(number(operand) as i32),
            "_exit" => process::_exit(number(operand) as i32),
            "panic" => panic!("{text}"),
            _ => panic!("there is no step {step}"),
        }
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("the operand is a number")
}

fn report(step: &str, result: impl Debug) {
    eprintln!("{step}: {result:?}");
}
