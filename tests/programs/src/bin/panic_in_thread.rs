//! Panics in a second thread, while the first sleeps for ever, or with an argument
//! panics too.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::thread;

freestand::entry!(main);

fn main(args: Args) {
    thread::spawn(|| panic!("in the second thread"));
    if args.len() > 1 {
        panic!("in the first thread");
    }
    loop {
        thread::park();
    }
}
