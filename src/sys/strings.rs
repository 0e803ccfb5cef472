//! Lists of strings, as execve(2) takes arguments and an environment: addresses of
//! strings, and null behind the last.

use core::ffi::{CStr, c_char};
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::declare::{Argument, Shown, Words};

/// A `&CStr` of one word, as C has it. `Option<CStrPtr>` is one word too: null is
/// `None`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct CStrPtr<'a> {
    first: NonNull<c_char>,
    string: PhantomData<&'a CStr>,
}

impl<'a> CStrPtr<'a> {
    /// The address of `string`.
    #[inline]
    pub const fn new(string: &'a CStr) -> CStrPtr<'a> {
        CStrPtr {
            // SAFETY: a reference is not null.
            first: unsafe { NonNull::new_unchecked(string.as_ptr().cast_mut()) },
            string: PhantomData,
        }
    }

    /// The string, of which the length is counted.
    #[inline]
    pub const fn as_c_str(self) -> &'a CStr {
        // SAFETY: it is the address of a CStr, borrowed for 'a.
        unsafe { CStr::from_ptr(self.first.as_ptr()) }
    }
}

impl<'a> From<&'a CStr> for CStrPtr<'a> {
    #[inline]
    fn from(string: &'a CStr) -> CStrPtr<'a> {
        CStrPtr::new(string)
    }
}

impl fmt::Debug for CStrPtr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_c_str().fmt(f)
    }
}

/// `N` strings and the null behind them.
///
/// ```ignore
/// let arguments = CStrArray::new([c"ls", c"-l"]);
/// execve(c"/bin/ls", arguments.list(), CStrArray::new([]).list())
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CStrArray<'a, const N: usize> {
    strings: [CStrPtr<'a>; N],
    end: Option<CStrPtr<'a>>,
}

impl<'a, const N: usize> CStrArray<'a, N> {
    /// The list of these.
    #[inline]
    pub fn new(strings: [&'a CStr; N]) -> CStrArray<'a, N> {
        CStrArray {
            strings: strings.map(CStrPtr::new),
            end: None,
        }
    }

    /// The list, lent.
    #[inline]
    pub const fn list(&self) -> CStrList<'_> {
        CStrList {
            first: (&raw const *self).cast(),
            strings: PhantomData,
        }
    }
}

/// A list of strings that null ends.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct CStrList<'a> {
    first: *const Option<CStrPtr<'a>>,
    strings: PhantomData<&'a [Option<CStrPtr<'a>>]>,
}

impl<'a> CStrList<'a> {
    /// The list of the strings up to the first `None`; `None` if there is none.
    #[inline]
    pub fn new(strings: &'a [Option<CStrPtr<'a>>]) -> Option<CStrList<'a>> {
        strings.contains(&None).then_some(CStrList {
            first: strings.as_ptr(),
            strings: PhantomData,
        })
    }

    /// The list that begins at `first`, such as `main`'s `envp`.
    ///
    /// # Safety
    ///
    /// There must be addresses of strings that end in NUL, and null behind them, all
    /// of which stay as they are during `'a`.
    #[inline]
    pub const unsafe fn from_ptr(first: *const *const c_char) -> CStrList<'a> {
        CStrList {
            first: first.cast(),
            strings: PhantomData,
        }
    }

    /// The strings.
    pub fn iter(self) -> impl Iterator<Item = &'a CStr> {
        let mut next = self.first;
        core::iter::from_fn(move || {
            // SAFETY: `next` does not go beyond the null that ends the list.
            let string = unsafe { *next }?;
            next = next.wrapping_add(1);
            Some(string.as_c_str())
        })
    }
}

impl fmt::Debug for CStrList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Argument for CStrList<'_> {
    const SHOWN: Shown = Shown::Strings;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        self.first.pass(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn an_array_is_a_list() {
        let array = CStrArray::new([c"a", c"", c"b c"]);
        let strings: Vec<_> = array.list().iter().collect();
        assert_eq!(strings, [c"a", c"", c"b c"]);
        assert_eq!(CStrArray::new([]).list().iter().count(), 0);
        assert_eq!(size_of::<CStrArray<'_, 3>>(), 4 * size_of::<usize>());
    }

    #[test]
    fn a_list_ends() {
        let strings = [
            Some(c"a".into()),
            Some(c"b".into()),
            None,
            Some(c"c".into()),
        ];
        let list = CStrList::new(&strings).unwrap();
        assert!(list.iter().eq([c"a", c"b"]));
        assert!(CStrList::new(&strings[..2]).is_none());
        assert!(CStrList::new(&[]).is_none());
    }
}
