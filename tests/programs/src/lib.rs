//! What the programs `calls_*` note down of the system calls that they try.
//!
//! Each prints a line for what it has seen of a call: `read ok` when it did what it
//! should, `read EBADF` when it failed as it should, `read lacking` when whatever
//! plays the kernel does not have it. The test (`tests/calls.rs`) wants both of the
//! first kinds for every declared call, and the third never from a real kernel.

#![no_std]

pub mod child;
pub mod subjects;

use core::fmt::Debug;

use freestand::println;
use freestand::sys::{Errno, Result};

/// Notes that the call worked, and hands over what it returned.
///
/// # Panics
///
/// If it failed.
#[track_caller]
pub fn ok<T>(name: &str, result: Result<T>) -> T {
    match result {
        Ok(value) => {
            println!("{name} ok");
            value
        }
        Err(errno) => panic!("{name}: {errno:?}"),
    }
}

/// Notes that the call failed as it should.
///
/// # Panics
///
/// If it did not.
#[track_caller]
pub fn err<T: Debug>(name: &str, expected: Errno, result: Result<T>) {
    match result {
        Err(errno) if errno == expected => println!("{name} {errno:?}"),
        other => panic!("{name}: {other:?}, not {expected:?}"),
    }
}

/// As [`ok`], but `None` where there is no such call.
///
/// # Panics
///
/// If it failed otherwise.
#[track_caller]
pub fn ok_if_there<T>(name: &str, result: Result<T>) -> Option<T> {
    if let Err(Errno::ENOSYS) = result {
        println!("{name} lacking");
        return None;
    }
    Some(ok(name, result))
}

/// The call, which must work: `ok!(read(fd, &mut buffer))` notes `read ok` and is the
/// value. With `unsafe` before it, an unsafe one.
#[macro_export]
macro_rules! ok {
    (unsafe $call:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: the programs give each call what is theirs, or what it refuses.
        $crate::ok(stringify!($call), unsafe { freestand::sys::$call($($arg),*) })
    };
    ($call:ident($($arg:expr),* $(,)?)) => {
        $crate::ok(stringify!($call), freestand::sys::$call($($arg),*))
    };
}

/// The call, which must work where it exists: an `Option` of its value.
#[macro_export]
macro_rules! ok_if_there {
    (unsafe $call:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: the programs give each call what is theirs, or what it refuses.
        $crate::ok_if_there(stringify!($call), unsafe { freestand::sys::$call($($arg),*) })
    };
    ($call:ident($($arg:expr),* $(,)?)) => {
        $crate::ok_if_there(stringify!($call), freestand::sys::$call($($arg),*))
    };
}

/// The call, which must fail with this error: `err!(EBADF, read(fd, &mut buffer))`
/// notes `read EBADF`.
#[macro_export]
macro_rules! err {
    ($errno:ident, unsafe $call:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: the programs give each call what is theirs, or what it refuses.
        $crate::err(stringify!($call), freestand::sys::Errno::$errno, unsafe {
            freestand::sys::$call($($arg),*)
        })
    };
    ($errno:ident, $call:ident($($arg:expr),* $(,)?)) => {
        $crate::err(
            stringify!($call),
            freestand::sys::Errno::$errno,
            freestand::sys::$call($($arg),*),
        )
    };
}

/// Notes that a call worked that cannot fail, or whose work was seen elsewhere.
#[macro_export]
macro_rules! seen {
    ($call:ident) => {
        freestand::println!(concat!(stringify!($call), " ok"))
    };
}
