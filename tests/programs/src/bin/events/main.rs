//! What the kernel tells of by descriptors: does what its first argument says, in the
//! directory that the second names, and checks what comes of it.

#![no_std]
#![no_main]

extern crate alloc;

mod eventfd;
mod inotify;
mod memfd;
mod timerfd;
mod uring;

use core::ffi::CStr;

use freestand::env::Args;
use freestand::sys::{
    self, ItimerWhich, Itimerval, OwnedFd, SaFlags, SigAction, SigHandler, SigInfo, SigSet, Signal,
    Timeval, UContext,
};
use freestand::{fs, io, thread};

freestand::entry!(main);

fn main(mut args: Args) {
    let scene = args.nth(1).map(CStr::to_bytes);
    if let Some(directory) = args.next() {
        sys::chdir(directory).expect("it is there");
    }
    match scene {
        Some(b"eventfd") => eventfd::all(),
        Some(b"timerfd") => timerfd::all(),
        Some(b"memfd") => memfd::all(),
        Some(b"inotify") => inotify::all(),
        Some(b"inotify_overflow") => inotify::overflow(),
        Some(b"uring") => uring::all(),
        Some(b"uring_in_flight") => uring::in_flight(),
        scene => panic!("no such scene: {scene:?}"),
    }
}

/// A descriptor that is none of those that the scenes are about.
fn something_else() -> OwnedFd {
    io::pipe().expect("there may be two more").0.into()
}

/// Runs `body` with 0 and 1 in two threads at once.
fn in_two_threads(body: fn(usize)) {
    thread::scope(|scope| {
        for index in 0..2 {
            scope.spawn(move || body(index));
        }
    });
}

/// How many descriptors are open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd")
        .expect("it is mounted")
        .count()
}

/// Has a signal come in a millisecond, and again and again, that interrupts whatever
/// waits; [`end_of_storm`] ends it.
fn storm() {
    extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {}

    let action = SigAction {
        sa_handler: SigHandler::Function(handler),
        sa_flags: SaFlags::empty(),
        sa_mask: SigSet::empty(),
    };
    // SAFETY: the handler does nothing.
    unsafe { sys::rt_sigaction(Signal::ALRM, Some(&action)) }.expect("it can be handled");
    ticks(1000);
}

fn end_of_storm() {
    ticks(0);
}

fn ticks(microseconds: i64) {
    let tick = Timeval {
        tv_sec: 0,
        tv_usec: microseconds,
    };
    let ticks = Itimerval {
        it_interval: tick,
        it_value: tick,
    };
    sys::setitimer(ItimerWhich::REAL, &ticks).expect("the time is one");
}
