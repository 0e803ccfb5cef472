//! `watch DIRECTORY [SECONDS]`: prints what happens to the names in a directory, for so
//! many seconds, or until a signal ends it.

#![no_std]
#![no_main]

use core::ffi::CStr;

use freestand::env::Args;
use freestand::fs::Inotify;
use freestand::io::{Write, stdout};
use freestand::path::Path;
use freestand::process::ExitCode;
use freestand::sys::{
    self, AsFd, Clock, Errno, InotifyEvent, InotifyFlags, InotifyMask, PollFd, PollFlags, Result,
    TfdFlags,
};
use freestand::time::{Duration, Expiration, TimerFd};
use freestand::{eprintln, io, println};

freestand::entry!(main);

/// What is printed, and how it is called.
const NAMES: [(InotifyMask, &str); 6] = [
    (InotifyMask::CREATE, "created"),
    (InotifyMask::CLOSE_WRITE, "written"),
    (InotifyMask::ATTRIB, "attributes changed"),
    (InotifyMask::MOVED_FROM, "moved away"),
    (InotifyMask::MOVED_TO, "moved here"),
    (InotifyMask::DELETE, "deleted"),
];

fn main(mut args: Args) -> ExitCode {
    let (directory, seconds) = (args.nth(1), args.next());
    let limit = seconds.map(|seconds| seconds.to_str().unwrap_or_default().parse());
    let (Some(directory), Ok(limit)) = (directory, limit.transpose()) else {
        eprintln!("usage: watch DIRECTORY [SECONDS]");
        return ExitCode::FAILURE;
    };
    match watch(directory, limit.map(Duration::from_secs)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(errno) => {
            let directory = Path::new(directory.to_bytes()).display();
            eprintln!("watch: {directory}: {}", errno.text());
            ExitCode::FAILURE
        }
    }
}

fn watch(directory: &CStr, limit: Option<Duration>) -> Result<()> {
    let mask = NAMES
        .iter()
        .fold(InotifyMask::ONLYDIR, |mask, &(bit, _)| mask | bit);
    let inotify = Inotify::new(InotifyFlags::empty())?;
    inotify.watch(directory, mask)?;
    // A timer that is not set never expires.
    let timer = TimerFd::new(Clock::MONOTONIC, TfdFlags::empty())?;
    if let Some(limit) = limit {
        timer.set(Expiration::After(limit), None)?;
    }
    println!("watching");
    stdout().flush()?;
    let mut buffer = [0; 16 * Inotify::LONGEST_EVENT];
    loop {
        let mut ready = [inotify.as_fd(), timer.as_fd()].map(|fd| PollFd::new(fd, PollFlags::IN));
        io::retry(|| sys::poll(&mut ready, -1))?;
        // What has happened is told before the end.
        if !ready[0].revents.is_empty() {
            for event in inotify.read(&mut buffer)? {
                tell(&event)?;
            }
            // Whoever reads along does so through a pipe, maybe.
            stdout().flush()?;
        } else if !ready[1].revents.is_empty() {
            return Ok(());
        }
    }
}

/// Prints an event. It is an error if it is the last.
fn tell(event: &InotifyEvent<'_>) -> Result<()> {
    if event.mask.contains(InotifyMask::Q_OVERFLOW) {
        println!("more happened than could be told");
    }
    if event.mask.contains(InotifyMask::IGNORED) {
        // The directory itself was removed, or what it is on was unmounted.
        return Err(Errno::ENOENT);
    }
    let Some(path) = event.path() else {
        return Ok(());
    };
    for (bit, name) in NAMES {
        if event.mask.contains(bit) {
            println!("{name}: {}", path.display());
        }
    }
    Ok(())
}
