//! The table of the declared calls: name, kind, number and types, one a line.

#![no_std]
#![no_main]

use freestand::sys::{CALLS, Kind};
use freestand::{print, println};

freestand::entry!(main);

fn main() {
    for call in CALLS
        .iter()
        .copied()
        .flatten()
        .filter(|call| call.is_public)
    {
        let kind = match call.kind {
            Kind::Sys => "sys",
            Kind::SysBlk => "sysblk",
            Kind::SysNb => "sysnb",
            Kind::Wrap => "wrap",
        };
        let number = call.number.map_or(-1, i64::from);
        print!("{} {kind} {number} (", call.name);
        for (index, parameter) in call.parameters.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            print!("{comma}{}: {}", parameter.name, parameter.of);
        }
        println!(") -> {}", call.result);
    }
}
