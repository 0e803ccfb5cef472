//! `print!` and its family.

use core::fmt;

use embedded_io::Write;
use heapless::Vec;

use super::stdio::{self, stderr};
use crate::sys::Result;

/// Prints to standard output.
///
/// A text without arguments goes there as it is; only one with arguments brings
/// core's formatting into the program.
///
/// If standard output takes no more, says so on standard error and ends the process
/// with status 1: see [`io`](mod@crate::io).
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => {
        $crate::io::_print(::core::format_args!($($arg)*))
    };
}

/// Prints to standard output, with a newline: see [`print!`](crate::print).
#[macro_export]
macro_rules! println {
    () => {
        $crate::print!("\n")
    };
    ($($arg:tt)*) => {
        $crate::print!("{}\n", ::core::format_args!($($arg)*))
    };
}

/// Prints to standard error, in one write if it is no more than 512 bytes.
///
/// If standard error takes no more, the program goes on, and ends with status 1
/// where it would have ended with 0: see [`io`](mod@crate::io).
#[macro_export]
macro_rules! eprint {
    ($($arg:tt)*) => {
        $crate::io::_eprint(::core::format_args!($($arg)*))
    };
}

/// Prints to standard error, with a newline: see [`eprint!`](crate::eprint).
#[macro_export]
macro_rules! eprintln {
    () => {
        $crate::eprint!("\n")
    };
    ($($arg:tt)*) => {
        $crate::eprint!("{}\n", ::core::format_args!($($arg)*))
    };
}

/// Prints `text` as [`print!`](crate::print) does, without core's formatting: also one
/// that is no literal, such as an integer's [`Digits`](super::Digits).
#[inline(always)]
pub fn print_str(text: &str) {
    if !text.is_empty() {
        stdio::print(text.as_bytes());
    }
}

/// Prints a literal without core's formatting, anything else with it.
#[doc(hidden)]
#[inline(always)]
pub fn _print(text: fmt::Arguments<'_>) {
    match text.as_str() {
        Some(literal) => print_str(literal),
        None => print_formatted(text),
    }
}

#[inline(never)]
fn print_formatted(text: fmt::Arguments<'_>) {
    let result = format(text, |bytes| {
        if !bytes.is_empty() {
            stdio::print(bytes);
        }
        Ok(())
    });
    // Where `print` fails it does not return.
    debug_assert_eq!(result, Ok(()));
}

#[doc(hidden)]
pub fn _eprint(text: fmt::Arguments<'_>) {
    let mut pending = Vec::<u8, 512>::new();
    let result = format(text, |bytes| {
        if pending.extend_from_slice(bytes).is_ok() {
            return Ok(());
        }
        stderr().write_all(&pending)?;
        pending.clear();
        pending
            .extend_from_slice(bytes)
            .or_else(|_| stderr().write_all(bytes))
    });
    if result.and_then(|()| stderr().write_all(&pending)).is_err() {
        stdio::lose_stderr();
    }
}

/// Formats `text` piece by piece into `write`, and returns `write`'s error.
///
/// # Panics
///
/// If formatting failed though no write did: an implementation of `Display` or
/// `Debug` made the error up.
fn format(text: fmt::Arguments<'_>, write: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    struct Adapter<W> {
        write: W,
        result: Result<()>,
    }

    impl<W: FnMut(&[u8]) -> Result<()>> fmt::Write for Adapter<W> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.result = (self.write)(text.as_bytes());
            self.result.map_err(|_| fmt::Error)
        }
    }

    let mut adapter = Adapter {
        write,
        result: Ok(()),
    };
    let formatted = fmt::write(&mut adapter, text);
    adapter.result?;
    formatted.expect("an implementation of Display or Debug failed by itself");
    Ok(())
}
