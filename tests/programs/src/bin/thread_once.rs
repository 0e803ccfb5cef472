//! Makes a thread and joins it: what that costs at least.

#![no_std]
#![no_main]

use freestand::process::ExitCode;
use freestand::thread;

freestand::entry!(main);

fn main() -> ExitCode {
    let Ok(thread) = thread::Builder::new().spawn(|| 7) else {
        return ExitCode::FAILURE;
    };
    let Ok(status) = thread.join();
    ExitCode::from(status - 7)
}
