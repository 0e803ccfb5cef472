//! The four macros in each of their forms, to standard output and the same to
//! standard error.

#![no_std]
#![no_main]

use core::fmt;

use freestand::{eprint, eprintln, print, println};

freestand::entry!(main);

macro_rules! in_each_form {
    ($print:ident, $println:ident) => {{
        let (number, name, width) = (-42, "name", 8);
        $print!("");
        $print!("a literal;");
        $print!(" another\n");
        $println!();
        $println!("a line");
        $println!("{{braces}} and {} \u{e9} \u{1d11e}", "literals");
        $println!("{number} {name:?} [{name:>width$}] {0:#x} {0:?}", 255);
        $println!("{:?} {:>+5} {:.2}|", Some(['a', '\n']), 7, 2.5,);
        $println!("[{}]", "");
        $print!("no newline at the end");
    }};
}

fn main() {
    in_each_form!(print, println);
    in_each_form!(eprint, eprintln);
    println!(" <{}>", Talkative);
}

/// Prints while it is printed.
struct Talkative;

impl fmt::Display for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print!("inner ");
        f.write_str("outer")
    }
}
