//! Backtraces: from which call to which call the program came to where it is.

use core::fmt;
use core::iter::FusedIterator;
use core::ptr;

use crate::arch;
use crate::sys::{Errno, Result, SigSet, nr, syscall};

/// How many frames are shown: whoever recurses deeper sees where it ended in.
const SHOWN: usize = 64;

/// What each function that has a frame pointer keeps in its frame.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Record {
    /// The caller's frame pointer, or null in the outermost frame: `_start` sees to it.
    caller: *const u8,
    return_address: *const (),
}

/// Where the running functions return to, the innermost's first: an iterator over the
/// return addresses. A call's own instruction ends before its return address, so it is
/// the byte before that which belongs to the caller.
///
/// It follows the chain of frame pointers, which only programs have that are compiled
/// to: this exists in programs built with `-C force-frame-pointers`, as
/// `cargo xtask build --backtrace` does, or as a line in `.cargo/config.toml` says:
///
/// ```toml
/// [build]
/// rustflags = ["-Cforce-frame-pointers=yes"]
/// ```
///
/// Then a panic prints one, and `cargo xtask run --backtrace` adds to each address the
/// function, the file and the line. (Without it, `addr2line -fipCe PROGRAM ADDRESS…`
/// from the binutils does, of a program that has its symbols.)
///
/// A function without a frame of its own is passed over. Where the chain is broken, as
/// code without frame pointers may leave it, it ends: nothing is read that cannot be.
/// It allocates nothing and may be used in a signal handler.
#[derive(Clone, Debug)]
pub struct Backtrace {
    frame: *const u8,
}

/// The [`Backtrace`] that begins at where the calling function returns to: the C
/// library's backtrace(3), without the function itself.
#[inline(always)]
pub fn backtrace() -> Backtrace {
    Backtrace {
        frame: arch::frame_pointer(),
    }
}

impl Backtrace {
    /// The one that begins with the frame at `frame`.
    #[cfg(all(feature = "alloc", frame_pointers))]
    pub(crate) fn from_frame(frame: *const u8) -> Backtrace {
        Backtrace { frame }
    }
}

impl Iterator for Backtrace {
    type Item = *const ();

    fn next(&mut self) -> Option<*const ()> {
        let record = read(self.frame)?;
        // A new thread's first function returns to nowhere.
        let is_last = record.return_address.is_null();
        // Callers' frames are above those of whom they call. What is not so is a broken
        // chain, which might lead in a circle, or the step to another stack, as from a
        // signal handler that has its own.
        self.frame = if record.caller > self.frame && !is_last {
            record.caller
        } else {
            ptr::null()
        };
        (!is_last).then_some(record.return_address)
    }
}

impl FusedIterator for Backtrace {}

/// The record of the frame that `frame` points to, if there is one.
fn read(frame: *const u8) -> Option<Record> {
    let record = frame
        .wrapping_byte_offset(arch::FRAME_RECORD)
        .cast::<Record>();
    if frame.is_null() || !record.is_aligned() || !is_readable(record) {
        return None;
    }
    // SAFETY: it is aligned and can be read, and any bytes are two addresses. Volatile,
    // for the compiler knows nothing of who wrote them.
    Some(unsafe { record.read_volatile() })
}

/// Whether reading the record will not fault.
///
/// The kernel is asked: rt_sigprocmask(2) reads a set of signals before it looks at what
/// it is to do with it. To do something that there is not is an `EINVAL` if it could,
/// an `EFAULT` if not (kernel/signal.c, sys_rt_sigprocmask), and changes nothing.
fn is_readable(record: *const Record) -> bool {
    const NOTHING: i32 = -1;
    const { assert!(size_of::<Record>().is_multiple_of(size_of::<SigSet>())) };
    (0..size_of::<Record>())
        .step_by(size_of::<SigSet>())
        .all(|offset| {
            let set = record.wrapping_byte_add(offset);
            // SAFETY: the call fails.
            let result: Result<()> = unsafe {
                syscall!(
                    nr::rt_sigprocmask,
                    NOTHING,
                    set,
                    ptr::null::<SigSet>(),
                    size_of::<SigSet>()
                )
            };
            result == Err(Errno::EINVAL)
        })
}

/// A line with the address at which the program is loaded, and one with each return
/// address, of the innermost 64.
impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unsafe extern "C" {
            /// The file's first byte in memory (link.ld).
            safe static __executable_start: u8;
        }
        writeln!(
            f,
            "backtrace, image at {:p}:",
            &raw const __executable_start
        )?;
        let mut frames = self.clone();
        for address in frames.by_ref().take(SHOWN) {
            writeln!(f, "  {address:p}")?;
        }
        match frames.next() {
            Some(_) => writeln!(f, "  and more"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// The return addresses of the chain of records that begins with the first, each of
    /// which has this one for its caller's. They are the records' numbers, from 1 on.
    fn walk<const N: usize>(callers: [Option<usize>; N]) -> Vec<usize> {
        walk_to(callers.map(|caller| (caller, 1)))
    }

    /// As [`walk`], with return addresses that are so many times the number.
    fn walk_to<const N: usize>(callers: [(Option<usize>, usize); N]) -> Vec<usize> {
        let empty = Record {
            caller: ptr::null(),
            return_address: ptr::null(),
        };
        let mut records = [empty; N];
        let begin = records.as_mut_ptr();
        let frame = |record: *const Record| record.wrapping_byte_offset(-arch::FRAME_RECORD);
        for (i, (caller, times)) in callers.into_iter().enumerate() {
            let caller = caller.map_or(ptr::null(), |caller| frame(begin.wrapping_add(caller)));
            let record = Record {
                caller: caller.cast(),
                return_address: ptr::without_provenance((i + 1) * times),
            };
            // SAFETY: there are as many records as callers.
            unsafe { begin.add(i).write(record) };
        }
        let frame = frame(begin).cast();
        let mut backtrace = Backtrace { frame };
        let walked = backtrace.by_ref().map(|address| address.addr()).collect();
        assert_eq!(backtrace.next(), None);
        walked
    }

    #[test]
    fn the_walk_ends_at_the_outermost_frame() {
        assert_eq!(walk([None, None]), [1]);
        assert_eq!(walk([Some(1), Some(2), None]), [1, 2, 3]);
    }

    #[test]
    fn the_walk_ends_at_who_returns_to_nowhere() {
        assert_eq!(walk_to([(Some(1), 1), (Some(2), 0), (None, 1)]), [1]);
    }

    #[test]
    fn the_walk_goes_upwards_only() {
        assert_eq!(walk([Some(0)]), [1]);
        assert_eq!(walk([Some(2), None, Some(1)]), [1, 3]);
    }

    #[test]
    fn the_walk_ends_at_what_is_no_frame() {
        let odd = [1, 16, usize::MAX - 15, usize::MAX];
        for frame in odd.map(ptr::without_provenance) {
            assert_eq!(Backtrace { frame }.next(), None);
        }
    }
}
