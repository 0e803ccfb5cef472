//! cat(1): copies files, or standard input, to standard output.

#![no_std]
#![no_main]

use core::ffi::CStr;

use freestand::env::Args;
use freestand::process::ExitCode;
use freestand::sync::Mutex;
use freestand::sys::{self, Errno, Mode, OFlags, STDIN, STDOUT};
use freestand::{eprintln, io};

freestand::entry!(main);

/// What a copy goes through, 128 KiB at a time as GNU cat's.
static BUFFER: Mutex<[u8; 128 << 10]> = Mutex::new([0; 128 << 10]);

/// Which side of a copy failed.
enum Failure {
    Read(Errno),
    Write(Errno),
}

fn main(args: Args) -> ExitCode {
    let mut files = args.skip(1).peekable();
    match files.peek().map(|arg| arg.to_bytes()) {
        Some(b"--") => drop(files.next()),
        Some([b'-', option, ..]) => {
            eprintln!("cat: invalid option -- '{}'", option.escape_ascii());
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    let standard_input = files.peek().is_none().then_some(c"-");
    let mut status = ExitCode::SUCCESS;
    for file in standard_input.into_iter().chain(files) {
        match copy(file) {
            Ok(()) => {}
            Err(Failure::Read(errno)) => {
                let name = file.to_bytes().escape_ascii();
                eprintln!("cat: {name}: {}", errno.text());
                status = ExitCode::FAILURE;
            }
            Err(Failure::Write(errno)) => {
                eprintln!("cat: write error: {}", errno.text());
                return ExitCode::FAILURE;
            }
        }
    }
    status
}

/// Copies the file named `file`, or standard input for `-`, to standard output.
fn copy(file: &CStr) -> Result<(), Failure> {
    let opened;
    let input = if file == c"-" {
        STDIN
    } else {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        opened = io::retry(|| sys::open(file, flags, Mode::empty())).map_err(Failure::Read)?;
        opened.as_fd()
    };
    let mut buffer = BUFFER.lock();
    loop {
        match io::retry(|| sys::read(input, &mut *buffer)).map_err(Failure::Read)? {
            0 => return Ok(()),
            n => io::write_all(STDOUT, &buffer[..n]).map_err(Failure::Write)?,
        }
    }
}
