//! poll, select, epoll, eventfd, io_uring.

#![no_std]
#![no_main]

freestand::entry!(main);

fn main() {}
