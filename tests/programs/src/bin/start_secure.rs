//! Says whether it runs with more rights than its parent, and what its standard
//! descriptors and the first new one are, to a file that the first argument names.

#![no_std]
#![no_main]

use freestand::env::{self, Args};
use freestand::fs::{self, File};
use freestand::io::Write;
use freestand::sys::AsFd;

freestand::entry!(main);

fn main(mut args: Args) {
    let path = args.nth(1).unwrap();
    let mut file = File::create(path).unwrap();
    let secure = if env::secure() { "" } else { "not " };
    writeln!(file, "{secure}secure").unwrap();
    for link in [c"/proc/self/fd/0", c"/proc/self/fd/1", c"/proc/self/fd/2"] {
        match fs::read_link(link) {
            Ok(target) => writeln!(file, "{}", target.display()),
            Err(_) => writeln!(file, "closed"),
        }
        .unwrap();
    }
    let number = file.as_fd().as_raw_fd();
    writeln!(file, "new: {number}").unwrap();
}
