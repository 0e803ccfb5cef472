//! Names of files, mounts, inotify.

#![no_std]
#![no_main]

freestand::entry!(main);

fn main() {}
