//! `fn main(args: Args) -> i32`: minus the number of arguments.

#![no_std]
#![no_main]

use freestand::env::Args;

freestand::entry!(main);

fn main(args: Args) -> i32 {
    -(args.len() as i32)
}
