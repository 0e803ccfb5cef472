//! cat(1) by io_uring: copies files, or standard input, to standard output, and reads the
//! next piece while the kernel writes the last.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use core::ffi::CStr;
use core::mem;

use freestand::env::Args;

use freestand::fs::File;
use freestand::io::uring::{Operation, Queues, Ring};
use freestand::process::ExitCode;
use freestand::sys::{AsFd, Errno, Result, STDIN, STDOUT};
use freestand::{eprintln, io};

freestand::entry!(main);

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// What an operation is, which its completion says.
const READ: u64 = 0;
const WRITE: u64 = 1;

fn main(args: Args) -> ExitCode {
    // It is the machine that forbids it, not a file: so it is said once.
    if let Err(errno) = Queues::new(1) {
        eprintln!("uring_cat: there is no io_uring here: {}", errno.text());
        eprintln!("{}", remedy(errno));
        return ExitCode::FAILURE;
    }
    let files = args.skip(1);
    let standard_input = (files.len() == 0).then_some(c"-");
    let mut status = ExitCode::SUCCESS;
    for name in standard_input.into_iter().chain(files) {
        if let Err(errno) = cat(name) {
            let name = name.to_bytes().escape_ascii();
            eprintln!("uring_cat: {name}: {}", errno.text());
            status = ExitCode::FAILURE;
        }
    }
    status
}

/// What whoever runs this can do.
fn remedy(errno: Errno) -> &'static str {
    match errno {
        Errno::EPERM => {
            "The system forbids it: see /proc/sys/kernel/io_uring_disabled, and the seccomp \
             filter of the container, if this is one."
        }
        Errno::ENOSYS => {
            "This is a kernel without it, qemu-user, or a container whose seccomp filter says so."
        }
        Errno::EOPNOTSUPP => "It takes Linux 5.6.",
        _ => "This is for want of memory or descriptors.",
    }
}

/// Copies the file named `name`, or standard input for `-`, to standard output.
fn cat(name: &CStr) -> Result<()> {
    let opened;
    let input = if name == c"-" {
        STDIN
    } else {
        opened = File::open(name)?;
        opened.as_fd()
    };
    let mut ring = Ring::new(2)?;
    // One buffer is being filled while the other is being written.
    let (mut empty, mut full) = (vec![0; PIECE], vec![0; PIECE]);
    // How much there is to write.
    let mut length = 0;
    let mut at_end = false;
    while !at_end || length > 0 {
        if !at_end {
            let buffer = mem::take(&mut empty);
            ring.push(Operation::read(input, buffer, None).user_data(READ))?;
        }
        if length > 0 {
            let buffer = mem::take(&mut full);
            ring.push(
                Operation::write(STDOUT, buffer, None)
                    .take(length)
                    .user_data(WRITE),
            )?;
        }
        let (mut read, mut written) = (0, 0);
        while ring.pending() > 0 {
            io::retry(|| ring.submit_and_wait(1))?;
            while let Some(done) = ring.completions().next() {
                let buffer = done.buffer.unwrap_or_default();
                let count = done.result? as usize;
                if done.user_data == READ {
                    (empty, read) = (buffer, count);
                    at_end = count == 0;
                    continue;
                }
                written += count;
                if count == 0 {
                    return Err(Errno::EIO);
                }
                if written == length {
                    full = buffer;
                    continue;
                }
                let rest = Operation::write(STDOUT, buffer, None)
                    .skip(written)
                    .take(length - written)
                    .user_data(WRITE);
                ring.push(rest)?;
            }
        }
        mem::swap(&mut empty, &mut full);
        length = read;
    }
    Ok(())
}
