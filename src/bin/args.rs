//! What the kernel hands to a new process: arguments, environment, auxiliary
//! vector, each as it lies on the initial stack.

#![no_std]
#![no_main]

use freestand::env::{self, Args, Aux};
use freestand::println;

freestand::entry!(main);

fn main(args: Args) {
    println!("argc = {}", args.len());
    for (i, arg) in args.enumerate() {
        println!("argv[{i}] = \"{}\"", arg.to_bytes().escape_ascii());
    }
    for (name, value) in env::vars() {
        let (name, value) = (name.escape_ascii(), value.to_bytes().escape_ascii());
        println!("envp: {name} = \"{value}\"");
    }
    for entry in env::auxv() {
        match (entry.name(), entry) {
            (Some(name), value) => println!("auxv: {name} = {value}"),
            (None, Aux::Other(kind, value)) => println!("auxv: type {kind} = {value:#x}"),
            (None, other) => println!("auxv: {other:?}"),
        }
    }
}
