//! ufmt's macros, with what can be written to.

#![no_std]
#![no_main]

use freestand::io::{BufWriter, LineWriter, stderr, stdout};
use freestand::sys::{Errno, STDOUT};
use ufmt::derive::uDebug;
use ufmt::{uWrite, uwrite, uwriteln};

freestand::entry!(main);

#[derive(uDebug)]
struct Point {
    x: i32,
    y: u64,
}

fn main() -> Result<(), Errno> {
    show(&mut stdout())?;
    show(&mut stderr())?;
    freestand::io::Write::flush(&mut stdout())?;
    let mut buffered = BufWriter::<_, 8>::with_capacity(STDOUT);
    show(&mut buffered)?;
    buffered.into_inner()?;
    let mut by_lines = LineWriter::<_, 8>::with_capacity(STDOUT);
    show(&mut by_lines)?;
    by_lines.into_inner()?;
    Ok(())
}

fn show<W: uWrite>(to: &mut W) -> Result<(), W::Error> {
    uwriteln!(to, "{} {} {}", 42, i64::MIN, u64::MAX)?;
    uwriteln!(to, "{} {:x}", "text", 255)?;
    uwriteln!(to, "{:?}", Point { x: -1, y: 2 })?;
    to.write_char('é')?;
    uwrite!(to, "\n")
}
