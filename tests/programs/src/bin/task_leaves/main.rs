//! What the scheduler is made of, by scenes: the first argument says which. A scene that goes
//! well prints `ok`; `$ROUNDS`, where there are rounds, says how many.

#![no_std]
#![no_main]

extern crate alloc;

mod registers;
mod stacks;
mod switches;
mod task;

// What src/task/stack.rs names.
mod sys {
    pub use freestand::sys::*;
}
mod startup {
    pub use freestand::startup::InitialStack;

    pub mod stack {
        use core::ffi::c_char;

        pub fn kept_argv() -> *const *const c_char {
            freestand::env::initial_stack().argv().as_ptr()
        }
    }
}

use freestand::env::{self, Args};
use freestand::println;
use freestand::process::ExitCode;

use switches::begun;

freestand::entry!(main);

fn main(mut args: Args) -> ExitCode {
    let scene = args.nth(1).map_or(&b""[..], |scene| scene.to_bytes());
    task::stack::set_up();
    match scene {
        b"switch" => switches::switch(),
        b"begin" => switches::begin(),
        b"switch bench" => return switches::bench(),
        b"sizes" => stacks::sizes(),
        b"guards" => stacks::guards(),
        b"overflow" => stacks::overflow(),
        b"cache" => stacks::cache(),
        b"many" => stacks::many(),
        b"storm" => stacks::storm(),
        b"faults" => return stacks::faults(),
        _ => panic!("no such scene"),
    }
    println!("ok");
    ExitCode::SUCCESS
}

/// How many rounds a scene has.
fn rounds() -> usize {
    let rounds = env::var("ROUNDS").and_then(|rounds| rounds.to_str().ok());
    rounds.map_or(1000, |rounds| rounds.parse().unwrap())
}
