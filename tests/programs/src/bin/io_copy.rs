//! Copies standard input to standard output as its argument says, and says on standard
//! error how much that was.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::eprintln;
use freestand::io::{self, BufReader, Read, Write, stdin};
use freestand::sys::{Errno, STDOUT};

freestand::entry!(main);

fn main(mut args: Args) -> Result<(), Errno> {
    let mut output = STDOUT;
    let copied = match args.nth(1).map(|arg| arg.to_bytes()) {
        Some(b"copy") => io::copy(stdin(), output)?,
        // What is taken before is not copied, and what is written before stays.
        Some(b"copy_rest") => {
            let mut taken = [0; 3];
            stdin().read_exact(&mut taken)?;
            output.write_all(b"<")?;
            io::copy(stdin(), output)?
        }
        Some(b"copy_buffered") => {
            let mut reader = BufReader::<_, 512>::with_capacity(stdin());
            io::copy_buffered(&mut reader, &mut output)?
        }
        other => panic!("there is no way {other:?}"),
    };
    eprintln!("copied {copied}");
    Ok(())
}
