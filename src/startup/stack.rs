//! The initial stack, as the kernel lays it out, and iterators over it.

use core::ffi::{CStr, c_char};
use core::iter::FusedIterator;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::Auxv;
use crate::arch;

/// The initial stack's `argv`, kept by the piece below before `main` runs.
static ARGV: AtomicPtr<*const c_char> = AtomicPtr::new(ptr::null_mut());

arch::start_piece!("20.argv", "freestand_keep_argv", stores argv in ARGV);

/// The initial stack's `argv`: the process's own, or null if another `_start` ran than
/// ours.
#[inline(always)]
pub(crate) fn kept_argv() -> *const *const c_char {
    arch::require!("freestand_keep_argv");
    ARGV.load(Ordering::Relaxed)
}

/// The initial stack of the process: `argc`, `argv`, `envp` and the auxiliary
/// vector, one after the other (`start/<arch>.S` draws it). The kernel's, and
/// never changed here, so what it points at lives as long as the process.
#[derive(Clone, Copy, Debug)]
pub struct InitialStack {
    argv: *const *const c_char,
}

impl InitialStack {
    /// The initial stack whose `argv` this is.
    ///
    /// # Safety
    ///
    /// `argc` must lie before `argv`, `envp` and the auxiliary vector behind it, as
    /// the kernel leaves them, and stay there unchanged.
    #[inline(always)]
    pub const unsafe fn from_argv(argv: *const *const c_char) -> InitialStack {
        InitialStack { argv }
    }

    /// Where `argc` is, a whole word: where the stack pointer pointed to when the kernel
    /// entered at `_start`.
    #[inline]
    pub fn as_ptr(self) -> *const usize {
        // SAFETY: argc lies right before argv[0].
        unsafe { self.argv.sub(1).cast() }
    }

    /// `argv`, without the null pointer at its end: where each argument is.
    #[inline]
    pub fn argv(self) -> &'static [*const c_char] {
        // SAFETY: argv has argc entries, and stays unchanged.
        unsafe { slice::from_raw_parts(self.argv, self.args().left) }
    }

    /// `envp`, without the null pointer at its end: where each string of the environment
    /// is, be it of the form `NAME=value` or not.
    #[inline]
    pub fn envp(self) -> &'static [*const c_char] {
        let begin = self.envp_ptr();
        // SAFETY: the auxiliary vector begins behind envp's null pointer. It stays
        // unchanged.
        unsafe {
            let end = self.auxv().as_slice().as_ptr().cast::<*const c_char>();
            slice::from_raw_parts(begin, end.offset_from_unsigned(begin) - 1)
        }
    }

    /// The arguments.
    #[inline(always)]
    pub fn args(self) -> Args {
        Args {
            next: self.argv,
            // SAFETY: argc lies right before argv[0].
            left: unsafe { self.argv.sub(1).cast::<usize>().read() },
        }
    }

    /// The environment's variables.
    #[inline]
    pub fn vars(self) -> Vars {
        Vars {
            next: self.envp_ptr(),
        }
    }

    /// The auxiliary vector.
    #[inline]
    pub fn auxv(self) -> Auxv {
        let mut end = self.envp_ptr();
        // SAFETY: envp ends in a null pointer, and the auxiliary vector begins
        // behind it.
        unsafe {
            while !end.read().is_null() {
                end = end.add(1);
            }
            Auxv::from_ptr(end.add(1).cast())
        }
    }

    #[inline]
    fn envp_ptr(self) -> *const *const c_char {
        // SAFETY: argv has argc entries and a null pointer; envp is behind that.
        unsafe { self.argv.add(self.args().left + 1) }
    }
}

/// The program's arguments, from `argv[0]` on, as the kernel passed them: bytes
/// without NUL, in no particular encoding. There may be none at all.
#[derive(Clone, Debug)]
pub struct Args {
    next: *const *const c_char,
    left: usize,
}

impl Iterator for Args {
    type Item = &'static CStr;

    #[inline]
    fn next(&mut self) -> Option<&'static CStr> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `left` counts the entries of argv from `next` on, and each
        // points at a string of the kernel's that ends in NUL.
        unsafe {
            let arg = CStr::from_ptr(self.next.read());
            self.next = self.next.add(1);
            Some(arg)
        }
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<&'static CStr> {
        // Skipping looks at no string.
        let skipped = n.min(self.left);
        self.left -= skipped;
        // SAFETY: argv has at least `skipped` more entries.
        self.next = unsafe { self.next.add(skipped) };
        self.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Args {
    #[inline]
    fn next_back(&mut self) -> Option<&'static CStr> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: as in `next`.
        unsafe { Some(CStr::from_ptr(self.next.add(self.left).read())) }
    }
}

impl ExactSizeIterator for Args {}
impl FusedIterator for Args {}

/// The environment's variables in their order, each as name and value. An entry
/// without `=` is none and is passed over, as std does.
#[derive(Clone, Debug)]
pub struct Vars {
    next: *const *const c_char,
}

impl Iterator for Vars {
    type Item = (&'static [u8], &'static CStr);

    #[inline]
    fn next(&mut self) -> Option<(&'static [u8], &'static CStr)> {
        loop {
            // SAFETY: envp ends in a null pointer, at which `next` stops for good;
            // each entry before points at a string that ends in NUL.
            let entry = unsafe {
                let entry = self.next.read();
                if entry.is_null() {
                    return None;
                }
                self.next = self.next.add(1);
                CStr::from_ptr(entry)
            };
            if let Some(var) = split(entry) {
                return Some(var);
            }
        }
    }
}

impl FusedIterator for Vars {}

/// `NAME=value` in two. A name is not empty, so a `=` in front belongs to it.
#[inline]
fn split(entry: &CStr) -> Option<(&[u8], &CStr)> {
    let bytes = entry.to_bytes();
    let name_len = 1 + bytes.get(1..)?.iter().position(|&byte| byte == b'=')?;
    // SAFETY: the byte at `name_len` is the `=`: the name ends before it, and behind it
    // begins the value, which ends where the entry does.
    unsafe {
        let value = CStr::from_ptr(entry.as_ptr().add(name_len + 1));
        Some((bytes.get_unchecked(..name_len), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// An initial stack of words, with argc first.
    fn stack(words: &[*const c_char]) -> InitialStack {
        // SAFETY: the tests lay the words out as the kernel does and keep them.
        unsafe { InitialStack::from_argv(words.as_ptr().add(1)) }
    }

    fn word(n: usize) -> *const c_char {
        core::ptr::without_provenance(n)
    }

    #[test]
    fn args_go_both_ways() {
        let words = [
            word(3),
            c"a".as_ptr(),
            c"".as_ptr(),
            c"c".as_ptr(),
            word(0),
            word(0),
        ];
        let mut args = stack(&words).args();
        assert_eq!(args.len(), 3);
        assert_eq!(args.next_back(), Some(c"c"));
        assert_eq!(args.next(), Some(c"a"));
        assert_eq!(args.next(), Some(c""));
        assert_eq!((args.next(), args.next_back()), (None, None));
        assert_eq!(stack(&words).args().nth(2), Some(c"c"));
        assert_eq!(stack(&words).args().nth(3), None);
    }

    #[test]
    fn no_argument_at_all() {
        let words = [
            word(0),
            word(0),
            c"A=1".as_ptr(),
            word(0),
            word(6),
            word(4096),
            word(0),
            word(0),
        ];
        assert_eq!(stack(&words).args().next(), None);
        assert_eq!(stack(&words).vars().next(), Some((&b"A"[..], c"1")));
        assert_eq!(stack(&words).auxv().page_size(), Some(4096));
    }

    #[test]
    fn everything_can_be_had_as_it_lies_there() {
        let (one, odd) = (c"one".as_ptr(), c"novalue".as_ptr());
        let words = [
            word(1),
            one,
            word(0),
            odd,
            odd,
            word(0),
            word(6),
            word(4096),
            word(77),
            word(7),
            word(0),
            word(0),
        ];
        let stack = stack(&words);
        assert_eq!(stack.as_ptr(), words.as_ptr().cast());
        assert_eq!(stack.argv(), [one]);
        assert_eq!(stack.envp(), [odd, odd]);
        let auxv = [[word(6), word(4096)], [word(77), word(7)]];
        assert_eq!(
            stack.auxv().as_slice(),
            auxv.map(|entry| entry.map(|word| word.cast()))
        );
        assert_eq!(
            stack.auxv().as_slice().as_ptr(),
            (&raw const words[6]).cast()
        );
    }

    #[test]
    fn nothing_can_be_had_of_what_is_not_there() {
        let words = [word(0); 5];
        let stack = stack(&words);
        assert!(stack.argv().is_empty() && stack.envp().is_empty());
        assert!(stack.auxv().as_slice().is_empty());
    }

    #[test]
    fn variables_are_split_at_the_first_equals_sign_of_a_value() {
        let entries = [c"A=1=2", c"novalue", c"=X=y", c"", c"=", c"E="];
        let mut words = std::vec![word(0), word(0)];
        words.extend(entries.map(CStr::as_ptr));
        words.push(word(0));
        let vars: Vec<_> = stack(&words).vars().collect();
        let want: [(&[u8], &CStr); 3] = [(b"A", c"1=2"), (b"=X", c"y"), (b"E", c"")];
        assert_eq!(vars, want);
    }
}
