//! Looks each argument up in the environment.

#![no_std]
#![no_main]

use freestand::env::{self, Args};
use freestand::println;

freestand::entry!(main);

fn main(args: Args) {
    for name in args.skip(1) {
        let shown = name.to_bytes().escape_ascii();
        match env::var(name.to_bytes()) {
            Some(value) => println!("{shown}: \"{}\"", value.to_bytes().escape_ascii()),
            None => println!("{shown}: none"),
        }
    }
}
