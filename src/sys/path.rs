//! Paths on their way to the kernel: bytes that end in NUL.

use core::ffi::CStr;

use heapless::Vec;
use linux_raw_sys::general;

use super::errno::{Errno, Result};

/// How long a path can be, with its NUL, for the kernel to look at it: `PATH_MAX`,
/// path_resolution(7).
pub const PATH_MAX: usize = general::PATH_MAX as usize;

/// What a system call takes as a path: `&CStr` as it is, and `&str`, `&[u8]` and
/// `&[u8; N]` by way of a copy on the stack, which gets its NUL there.
///
/// # Errors
///
/// A call with a path, beside what the call itself says: `EINVAL` if there is a NUL
/// among the bytes, `ENAMETOOLONG` if with the NUL behind them they are more than
/// [`PATH_MAX`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a path",
    label = "a path is a `&str`, a `&[u8]` or a `&CStr`"
)]
pub trait Path: Copy {
    /// Where the copy goes.
    type Buffer;

    /// An empty one.
    fn buffer(&self) -> Self::Buffer;

    /// The path with its NUL, in `buffer` if it had none.
    ///
    /// # Errors
    ///
    /// `EINVAL` and `ENAMETOOLONG`: see [`Path`].
    fn c_str<'path>(self, buffer: &'path mut Self::Buffer) -> Result<&'path CStr>
    where
        Self: 'path;
}

impl Path for &CStr {
    type Buffer = ();

    #[inline(always)]
    fn buffer(&self) {}

    #[inline(always)]
    fn c_str<'path>(self, (): &'path mut ()) -> Result<&'path CStr>
    where
        Self: 'path,
    {
        Ok(self)
    }
}

/// What has no NUL gets one in the copy.
macro_rules! bytes {
    ($(($($const:tt)*) $path:ty, $bytes:ident;)*) => {$(
        impl<$($const)*> Path for &$path {
            type Buffer = Vec<u8, PATH_MAX>;

            #[inline(always)]
            fn buffer(&self) -> Self::Buffer {
                Vec::new()
            }

            #[inline(always)]
            fn c_str<'path>(self, buffer: &'path mut Self::Buffer) -> Result<&'path CStr>
            where
                Self: 'path,
            {
                terminate(self.$bytes(), buffer)
            }
        }
    )*};
}

bytes! {
    () [u8], as_ref;
    () str, as_bytes;
    (const N: usize) [u8; N], as_slice;
}

/// Copies `path` to `buffer` and puts a NUL behind it.
#[inline(never)]
fn terminate<'path>(path: &[u8], buffer: &'path mut Vec<u8, PATH_MAX>) -> Result<&'path CStr> {
    buffer.clear();
    for &byte in path {
        if byte == 0 {
            return Err(Errno::EINVAL);
        }
        buffer.push(byte).map_err(|_| Errno::ENAMETOOLONG)?;
    }
    buffer.push(0).map_err(|_| Errno::ENAMETOOLONG)?;
    // SAFETY: the last byte is NUL, and no other is.
    Ok(unsafe { CStr::from_bytes_with_nul_unchecked(buffer) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(path: impl Path) -> Result<std::vec::Vec<u8>> {
        let mut buffer = path.buffer();
        path.c_str(&mut buffer)
            .map(|path| path.to_bytes_with_nul().to_vec())
    }

    #[test]
    fn bytes_get_a_nul() {
        assert_eq!(converted("a/b").unwrap(), b"a/b\0");
        assert_eq!(converted(b"a/b").unwrap(), b"a/b\0");
        assert_eq!(converted(&b"\xff"[..]).unwrap(), b"\xff\0");
        assert_eq!(converted(c"a/b").unwrap(), b"a/b\0");
        assert_eq!(converted("").unwrap(), b"\0");
    }

    #[test]
    fn a_nul_within_is_invalid() {
        for path in ["\0", "a\0b", "\0a", "a\0"] {
            assert_eq!(converted(path), Err(Errno::EINVAL), "{path:?}");
        }
    }

    #[test]
    fn a_path_ends_within_path_max() {
        let longest = [b'a'; PATH_MAX - 1];
        assert_eq!(converted(&longest).unwrap().len(), PATH_MAX);
        let longer = [b'a'; PATH_MAX];
        assert_eq!(converted(&longer), Err(Errno::ENAMETOOLONG));
    }
}
