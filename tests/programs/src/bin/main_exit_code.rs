//! `fn main() -> ExitCode`.

#![no_std]
#![no_main]

use freestand::process::ExitCode;

freestand::entry!(main);

fn main() -> ExitCode {
    ExitCode::from(200)
}
