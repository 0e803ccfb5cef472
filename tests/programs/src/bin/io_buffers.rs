//! Passes standard input on to standard output in the way that its argument names. Each
//! way goes through small buffers, and none changes a byte.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use freestand::env::Args;
use freestand::io::{
    BufReadExt, BufReader, BufWriter, LineWriter, Read, ReadExactError, ReadExt, Write, stdin,
    stdout,
};
use freestand::sys::{BorrowedFd, Errno, STDOUT};

freestand::entry!(main);

const SIZE: usize = 16;

type Input = BufReader<freestand::io::Stdin, SIZE>;
type Output = BufWriter<BorrowedFd<'static>, SIZE>;

fn main(mut args: Args) -> Result<(), Errno> {
    let way = args.nth(1).map(|arg| arg.to_bytes());
    let mut input = Input::with_capacity(stdin());
    let mut output = Output::with_capacity(STDOUT);
    match way {
        Some(b"next_until") => loop {
            match input.next_until(b'\n')? {
                [] => break,
                line => output.write_all(line)?,
            }
        },
        Some(b"read_until") => {
            let mut line = Vec::new();
            while input.read_until(b'\n', &mut line)? > 0 {
                output.write_all(&line)?;
                line.clear();
            }
        }
        // The input must end with a line's end.
        Some(b"lines") => {
            let mut output = LineWriter::<_, SIZE>::with_capacity(STDOUT);
            for line in input.lines() {
                writeln!(output, "{}", line?)?;
            }
            output.into_inner()?;
        }
        Some(b"read_exact") => {
            let mut byte = [0];
            loop {
                match input.read_exact(&mut byte) {
                    Ok(()) => output.write_all(&byte)?,
                    Err(ReadExactError::UnexpectedEof) => break,
                    Err(ReadExactError::Other(errno)) => return Err(errno),
                }
            }
        }
        Some(b"read_to_end") => {
            let mut bytes = Vec::new();
            stdin().read_to_end(&mut bytes)?;
            output.write_all(&bytes)?;
        }
        Some(b"read_to_string") => {
            let mut text = String::new();
            stdin().read_to_string(&mut text)?;
            stdout().write_all(text.as_bytes())?;
            stdout().flush()?;
        }
        // An error of the last write is lost, as documented.
        Some(b"drop") => {
            let mut bytes = Vec::new();
            input.read_to_end(&mut bytes)?;
            output.write_all(&bytes)?;
            return Ok(());
        }
        other => panic!("there is no way {other:?}"),
    }
    output.into_inner()?;
    Ok(())
}
