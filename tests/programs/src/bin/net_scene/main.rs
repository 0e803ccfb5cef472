//! Does with sockets what its first argument says: alone, or with the test at the other
//! end.

#![no_std]
#![no_main]

extern crate alloc;

mod alone;
mod limits;
mod peer;
mod polling;
mod signals;

use core::ffi::CStr;

use freestand::env::Args;
use freestand::fs;
use freestand::sys::Result;

freestand::entry!(main);

fn main(args: Args) -> Result<()> {
    let mut args = args.skip(1).map(|arg| arg.to_str().expect("it is UTF-8"));
    let mut next = || args.next().expect("there is one more argument");
    match next() {
        "streams" => alone::streams(),
        "datagrams" => alone::datagrams(),
        "options" => alone::options(),
        "groups" => alone::groups(),
        "rights" => alone::rights(),
        "cut_rights" => alone::cut_rights(),
        "timeouts" => alone::timeouts(),
        "polling" => polling::polling(),
        "polling_in_milliseconds" => polling::in_milliseconds(),
        "interruptions" => signals::interruptions(),
        "gone" => signals::gone(),
        "limits" => limits::limits(),
        "rounds" => limits::rounds(next().parse().expect("a number")),
        "faults" => limits::faults(),

        "echo" => peer::echo(next()),
        "send" => peer::send(next()),
        "reset" => peer::reset(next()),
        "messages" => peer::messages(next()),
        "unix" => peer::unix(next(), next()),
        "give" => peer::give(next()),
        "take" => peer::take(next()),
        scene => panic!("there is no scene {scene}"),
    }
}

/// How many descriptors the process has.
fn descriptors() -> usize {
    let directory: &CStr = c"/proc/self/fd";
    fs::read_dir(directory).expect("it is there").count()
}
